"""What a project may be called, and what it is called where nobody says."""

from __future__ import annotations

import re
import unicodedata

from slugify import slugify

LONGEST_SLUG = 64
SUFFIX = "_service"

# What projects install, whatever their database, and what installs it: no project can
# have the name of what it depends on. Tests compare this with what is installed.
INSTALLED = """
    aiosqlite alembic alembic-postgresql-enum alembic-steady ast-serialize asyncmy
    asyncpg cffi colorama cryptography editables greenlet hatchling iniconfig librt mako
    markupsafe mypy mypy-extensions packaging pathspec pip pluggy psycopg psycopg-binary
    psycopg2-binary pycparser pygments pymysql pytest pytest-alembic pytest-asyncio
    python-dotenv ruff setuptools sqlalchemy squawk-cli trove-classifiers
    typing-extensions tzdata uv wheel
"""

# No file on Windows can have one of these names.
DEVICES = r"aux|con|nul|prn|com\d|lpt\d"


class InvalidName(ValueError):
    """A name that is refused, and why."""


def slug(name: str) -> str:
    """Derive a directory name from a project's name; `service` if nothing is left."""
    words = slugify(name, separator="_").lstrip("0123456789_")
    words = words[:LONGEST_SLUG].rstrip("_")
    return f"{words}{SUFFIX}" if _is_taken(words) else words or "service"


def check_slug(text: str) -> None:
    """Refuse what can't name a directory and a distribution everywhere.

    Raises:
        InvalidName: it is no good.
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
    """Refuse text that could not be shown as it is, or would be run as a template.

    Cookiecutter renders stored answers as templates when a project is updated.

    Raises:
        InvalidName: it is no good.
    """
    # Control characters, line ends, and bytes that were no text. Not format characters:
    # emoji and several scripts need them.
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
    # As PEP 503 compares the names of distributions.
    normalized = re.sub(r"[-_]+", "-", text).lower()
    return normalized in INSTALLED.split() or bool(re.fullmatch(DEVICES, normalized))
