"""Checks the names of a project, and derives the default slug."""

from __future__ import annotations

import re
import unicodedata

from slugify import slugify

LONGEST_SLUG = 64
SUFFIX = "_service"

# The packages that projects install, whatever their database, and the installers: a project
# cannot have the name of a dependency. Tests compare this with what is installed.
INSTALLED = """
    aiosqlite alembic alembic-steady ast-serialize asyncmy asyncpg cffi colorama
    cryptography editables greenlet hatchling iniconfig librt mako markupsafe mypy
    mypy-extensions packaging pathspec pip pluggy psycopg psycopg-binary psycopg2-binary
    pycparser pygments pymysql pytest pytest-alembic pytest-asyncio python-dotenv ruff
    setuptools sqlalchemy squawk-cli trove-classifiers typing-extensions tzdata uv wheel
"""

# Windows does not allow these names for files.
DEVICES = r"aux|con|nul|prn|com\d|lpt\d"


class InvalidName(ValueError):
    """Raised if a name is refused; the message says why."""


def slug(name: str) -> str:
    """Derive a slug from a project's name, or `service` if nothing is left of it."""
    words = slugify(name, separator="_").lstrip("0123456789_")
    words = words[:LONGEST_SLUG].rstrip("_")
    return f"{words}{SUFFIX}" if _is_taken(words) else words or "service"


def check_slug(text: str) -> None:
    """Refuse names that not every system allows for a directory and a distribution.

    Raises:
        InvalidName: the name is refused.
    """
    well_formed = re.fullmatch(r"[A-Za-z](?:[A-Za-z0-9_-]*[A-Za-z0-9])?", text)
    if not well_formed or len(text) > LONGEST_SLUG:
        raise InvalidName(
            "has to start with a letter, end with a letter or digit, consist of letters, "
            f"digits, - and _, and have at most {LONGEST_SLUG} characters"
        )
    if _is_taken(text):
        raise InvalidName(
            f"{text} is the name of a package that projects install or of a Windows device; "
            f"use another name, such as {text}{SUFFIX}"
        )


def check_text(text: str) -> None:
    """Refuse text that cannot be shown unchanged, or would be rendered as a template.

    Cookiecutter renders stored answers as templates when a project is updated.

    Raises:
        InvalidName: the text is refused.
    """
    # Control characters, line breaks and undecodable bytes, but not format characters,
    # which emoji and several scripts need.
    if any(unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp") for one in text):
        raise InvalidName(
            "has to be one line of text, without tabs and control characters"
        )
    for mark in ("{{", "{%", "{#"):
        if mark in text:
            raise InvalidName(
                f"must not contain {mark}, which begins a Jinja template tag"
            )


def _is_taken(text: str) -> bool:
    # Names of distributions are compared as in PEP 503.
    normalized = re.sub(r"[-_]+", "-", text).lower()
    return normalized in INSTALLED.split() or bool(re.fullmatch(DEVICES, normalized))
