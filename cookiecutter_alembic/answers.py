"""The template's Jinja extension: checks the answers and hides the password.

Cookiecutter renders the private variables of `cookiecutter.json` right after the last
answer, before it writes anything. A refusal there ends in one line and no directory.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import click
import cookiecutter
from jinja2 import Environment
from jinja2.ext import Extension
from slugify import slugify

from cookiecutter_alembic.databases import ConnectionString, InvalidUrl, parse
from cookiecutter_alembic.dotenv import dotenv, quote

OLDEST_PYTHON = (3, 11)
OLDEST_COOKIECUTTER = (2, 6)
LONGEST_SLUG = 64

HANDOVER_VARIABLE = "COOKIECUTTER_ALEMBIC_HANDOVER"
"""Where the post-generation hook, a child process, finds the whole connection string:
a JSON list of the connection string without its password and the text of `.env`."""


class Refusal(click.ClickException):
    """An answer is not accepted. The `cookiecutter` command prints the line and ends."""

    def show(self, file: Any = None) -> None:
        """Print the message alone, on standard error unless told otherwise."""
        click.echo(self.message, file=file, err=file is None)


class AnswersExtension(Extension):
    """Filters for `cookiecutter.json`, the hook and the template's files."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.filters["slug"] = slug
        environment.filters["database"] = database
        environment.filters["check_answers"] = check_answers
        environment.filters["quoted"] = quoted
        environment.filters["compose"] = compose
        environment.filters["dotenv_quoted"] = quote
        environment.filters["for_hook"] = for_hook
        _forget_modules()


def slug(name: str) -> str:
    """Derive a directory name from a project's name; `service` if nothing is left."""
    words = slugify(name, separator="_").lstrip("0123456789_")
    return words[:LONGEST_SLUG].rstrip("_") or "service"


def database(url: str) -> ConnectionString:
    """Take a connection string apart.

    Raises:
        Refusal: it is not accepted.
    """
    try:
        return parse(url)
    except InvalidUrl as error:
        raise Refusal(f"database_url: {error}") from None


def check_answers(answers: MutableMapping[str, Any]) -> str:
    """Refuse bad answers, and take the password out of good ones.

    Arguments:
        answers: Cookiecutter's own dictionary, which is changed: what stays in it is
            written to replay files and to `.cruft.json`.

    Raises:
        Refusal: an answer is not accepted.
    """
    _check_versions()
    _check_slug(answers["project_slug"])
    connection = database(answers["database_url"])
    os.environ[HANDOVER_VARIABLE] = json.dumps([connection.url, dotenv(connection)])
    answers["database_url"] = connection.url
    _forget_typed_url(connection.url)
    return ""


def quoted(text: str) -> str:
    """Write text as a string literal that TOML, YAML and Python all read alike."""
    escaped = (_escaped(character) for character in text)
    return f'"{"".join(escaped)}"'


def compose(text: str) -> str:
    """Write text as a string in a Compose file, where `$` would start a variable."""
    return quoted(text).replace("$", "$$")


def for_hook(answers: MutableMapping[str, Any]) -> str:
    """Write what the hook has to know as a Python literal, in ASCII, no secret in it."""
    connection = database(answers["database_url"])
    return ascii(
        {
            "slug": answers["project_slug"],
            "url": connection.url,
            "dotenv": dotenv(connection),
            "title": connection.dialect.title,
            "place": connection.place,
            "is_server": connection.kind == "server",
            "start_server": _start_server(connection),
            "handover_variable": HANDOVER_VARIABLE,
            "is_cruft": "_commit" in answers and "_output_dir" not in answers,
        }
    )


def _start_server(connection: ConnectionString) -> str:
    if connection.is_local:
        return "docker compose up -d --wait  # or start your own server"
    return f"# start {connection.address}, or name another server in .env"


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _check_versions() -> None:
    if sys.version_info < OLDEST_PYTHON:
        found, oldest = _dotted(sys.version_info[:2]), _dotted(OLDEST_PYTHON)
        raise Refusal(
            f"Cookiecutter runs on Python {found}; this template needs {oldest} or newer"
        )
    found, oldest = cookiecutter.__version__, _dotted(OLDEST_COOKIECUTTER)
    if tuple(map(int, found.split(".")[:2])) < OLDEST_COOKIECUTTER:
        raise Refusal(
            f"this is Cookiecutter {found}; this template needs {oldest} or newer"
        )


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _check_slug(project_slug: str) -> None:
    well_formed = re.fullmatch(r"[A-Za-z](?:[A-Za-z0-9_-]*[A-Za-z0-9])?", project_slug)
    if not well_formed or len(project_slug) > LONGEST_SLUG:
        raise Refusal(
            "project_slug: starts with a letter, goes on with letters, digits, - and _, "
            f"ends with a letter or digit, and has at most {LONGEST_SLUG} characters"
        )


def _forget_typed_url(url: str) -> None:
    """Replace Cookiecutter's second copy of the answers' connection string.

    `cookiecutter.main` copies answers given as `key=value` to `context["_cookiecutter"]`,
    which it later writes to the replay file. Only the frame that renders the private
    variables, `cookiecutter.prompt.prompt_for_config`, holds that dictionary.
    """
    frame = sys._getframe()
    while frame.f_code.co_name != "prompt_for_config":
        if frame.f_back is None:
            return
        frame = frame.f_back
    copy = frame.f_locals["context"].get("_cookiecutter", {})
    if "database_url" in copy:
        copy["database_url"] = url


def _forget_modules() -> None:
    """Let the next environment import these modules anew.

    `cruft update` renders an old and a new version of the template in one process,
    and would otherwise render the new one with the extension of the old one.
    """
    for name in list(sys.modules):
        if name.partition(".")[0] == "cookiecutter_alembic":
            del sys.modules[name]
