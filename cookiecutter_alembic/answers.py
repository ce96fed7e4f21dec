"""The template's Jinja extension: checks the answers and hides the password.

Cookiecutter renders the private variables of `cookiecutter.json` right after the last
answer, before it writes anything. So a refusal there prints one line and leaves no files.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, MutableMapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import cookiecutter
from jinja2 import Environment
from jinja2.ext import Extension

from cookiecutter_alembic import callers, library, version
from cookiecutter_alembic.databases import ConnectionString, parse
from cookiecutter_alembic.dotenv import HANDOVER_VARIABLE, dotenv, quote
from cookiecutter_alembic.names import InvalidName, check_slug, check_text, slug
from cookiecutter_alembic.project import Project, adopted_models
from cookiecutter_alembic.spellings import InvalidUrl

OLDEST_PYTHON = (3, 11)
OLDEST_COOKIECUTTER = (2, 6)

STARTING_POINTS = {
    "example": "a first model, and its revision",
    "empty": "no model",
    "existing": "models of the tables that the database has",
}

TEMPLATE = Path(__file__).resolve().parent.parent
"""The folder of the template, which may be a path, a clone or an unpacked archive."""


class Refusal(click.ClickException):
    """Raised if an answer is refused. `cookiecutter` prints the message and exits."""

    def show(self, file: Any = None) -> None:
        """Print only the message, by default to standard error."""
        click.echo(self.message, file=file, err=file is None)


class AnswersExtension(Extension):
    """Filters for `cookiecutter.json`, the hook and the template's files."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        _shield_typed_url()
        _offer_starting_points()
        _check_replayed_starting_point()
        environment.filters["slug"] = slug
        environment.filters["database"] = database
        environment.filters["check_answers"] = check_answers
        environment.filters["quoted"] = quoted
        environment.filters["adopted_models"] = models_that_are_there
        environment.filters["compose"] = compose
        environment.filters["dotenv_quoted"] = quote
        environment.filters["mysql_quoted"] = mysql_quoted
        environment.filters["for_hook"] = for_hook
        environment.filters["library_requirements"] = library.requirements
        environment.globals["library_form"] = library.FORM
        environment.globals["template_version"] = version.VERSION
        _forget_modules()


def database(url: str) -> ConnectionString:
    """Parse a connection string.

    Raises:
        Refusal: it is not accepted.
    """
    try:
        return parse(url)
    except InvalidUrl as error:
        raise Refusal(f"database_url: {error}") from None


def check_answers(answers: MutableMapping[str, Any]) -> str:
    """Refuse invalid answers, and remove the password from valid ones.

    Arguments:
        answers: Cookiecutter's dictionary, which is changed, since everything in it is
            written to replay files and to `.cruft.json`.

    Returns:
        The names of the secrets that were removed, for people to read; "" without secrets.

    Raises:
        Refusal: an answer is not accepted.
    """
    _check_versions()
    _check("project_name", answers["project_name"], check_text)
    _check("project_slug", answers["project_slug"], check_slug)
    connection = database(answers["database_url"])
    _check("database_url", connection.url, check_text)
    os.environ[HANDOVER_VARIABLE] = json.dumps([connection.url, dotenv(connection)])
    if not answers["project_name"].strip():
        answers["project_name"] = answers["project_slug"]
    answers["database_url"] = connection.url
    _forget_typed_url(connection.url)
    return " and ".join(connection.secrets)


def models_that_are_there(answers: MutableMapping[str, Any]) -> str | None:
    """Return the models of a project that is generated again and was read from a database."""
    if answers["starting_point"] != "existing" or "_output_dir" not in answers:
        return None
    folder = Path(answers["_output_dir"], answers["project_slug"])
    try:
        return adopted_models(folder)
    except (OSError, UnicodeDecodeError) as error:
        raise Refusal(f"the models can't be read as UTF-8 text: {error}") from None


def quoted(text: str) -> str:
    """Return text as a string literal that TOML, YAML and Python read in the same way."""
    escaped = (_escaped(character) for character in text)
    return f'"{"".join(escaped)}"'


def compose(text: str) -> str:
    """Return text as a string literal for Compose files, in which `$` starts a variable."""
    return quoted(text).replace("$", "$$")


def mysql_quoted(text: str) -> str:
    """Return text as a string literal for the SQL of MySQL and MariaDB."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def for_hook(answers: MutableMapping[str, Any]) -> str:
    """Return what the hook needs as a Python literal, in ASCII and without secrets."""
    connection = database(answers["database_url"])
    project = Project(
        template=str(TEMPLATE),
        slug=answers["project_slug"],
        url=connection.url,
        dotenv=dotenv(connection),
        title=connection.dialect.title,
        place=connection.place,
        is_server=connection.kind == "server",
        start_server=_start_server(connection, answers["starting_point"]),
        left_out=answers["__left_out"],
        unneeded=[*connection.unneeded_files, "app/models.py"],
        starting_point=answers["starting_point"],
        again=_again(answers),
        is_for_comparison=callers.is_for_comparison(),
    )
    return ascii(asdict(project))


def _again(answers: MutableMapping[str, Any]) -> list[str]:
    """Return the command that generates the same project again, with the same answers."""
    checkout = answers.get("_checkout")
    return [
        *("cookiecutter", "--replay", "--overwrite-if-exists"),
        *(("--checkout", checkout) if checkout else ()),
        answers.get("_template", ""),
    ]


def _start_server(connection: ConnectionString, starting_point: str) -> str:
    # The database of one in a new container would be empty.
    if connection.suits_container and starting_point != "existing":
        return "docker compose up -d --wait  # or start your own server"
    return f"# start the server at {connection.address}, or name another one in .env"


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


def _check(key: str, answer: str, check: Callable[[str], None]) -> None:
    try:
        check(answer)
    except InvalidName as error:
        raise Refusal(f"{key}: {error}") from None


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


# The password, and whatever follows the `?`, of a connection string.
_MAY_BE_SECRET = re.compile(r"(?<=:).*(?=@)|(?<=\?).*", re.DOTALL)


def _shield_typed_url() -> None:
    """Protect a password that is given as `key=value` from being rendered by Jinja.

    Braces in a password could change it, or make Cookiecutter print all answers with an
    error. Percent-encoded, they mean the same. Cookiecutter creates this environment
    before it renders the first answer.
    """
    for answers in callers.context("prompt_for_config").values():
        url = answers.get("database_url")
        if isinstance(url, str) and "://" in url:
            scheme, separator, rest = url.partition("://")
            rest = _MAY_BE_SECRET.sub(lambda part: part[0].replace("{", "%7B"), rest)
            answers["database_url"] = f"{scheme}{separator}{rest}"


def _offer_starting_points() -> None:
    """Let Cookiecutter offer the starting points as a choice.

    If `cookiecutter.json` listed them, another one that is given as `key=value` would end in
    a traceback, before this module is loaded.

    Raises:
        Refusal: another one was given.
    """
    answers = callers.context("prompt_for_config").get("cookiecutter", {})
    if "starting_point" not in answers:
        return
    given = answers["starting_point"]
    _check_starting_point(given)
    answers["starting_point"] = sorted(STARTING_POINTS, key=lambda it: it != given)
    texts = {it: f"{it}: {text}" for it, text in STARTING_POINTS.items()}
    prompts = answers.setdefault("__prompts__", {})
    prompts["starting_point"] = {"__prompt__": "Models to start with", **texts}


def _check_replayed_starting_point() -> None:
    """Check an answer that an older replay file lacks.

    Cookiecutter asks for it without this extension, and has written nothing yet.

    Raises:
        Refusal: it is not accepted.
    """
    answers = callers.context("generate_files").get("cookiecutter", {})
    _check_starting_point(answers.get("starting_point", "example"))


def _check_starting_point(given: str) -> None:
    if given not in STARTING_POINTS:
        *others, last = STARTING_POINTS
        choices = f"{', '.join(others)} or {last}"
        raise Refusal(f"starting_point: write {choices} instead of {given!r}")


def _forget_typed_url(url: str) -> None:
    """Replace the connection string in Cookiecutter's second copy of the answers.

    `cookiecutter.main` copies answers that are given as `key=value` to
    `context["_cookiecutter"]`, which it later writes to the replay file.
    """
    copy = callers.context("prompt_for_config").get("_cookiecutter", {})
    if "database_url" in copy:
        copy["database_url"] = url


def _forget_modules() -> None:
    """Make the next environment import these modules again.

    `cruft update` renders an old and a new version of the template in one process,
    and would otherwise use the extension of the old version for both.
    """
    for name in list(sys.modules):
        if name.partition(".")[0] == "cookiecutter_alembic":
            del sys.modules[name]
