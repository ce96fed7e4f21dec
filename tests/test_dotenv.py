"""What `.env` holds is read alike by Python and by Compose, whatever the password."""

from __future__ import annotations

import re
import shutil
import string
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml
from dotenv import dotenv_values

from cookiecutter_alembic.databases import parse
from cookiecutter_alembic.dotenv import dotenv, quote
from tests.conftest import require

PASSWORDS = [
    "plain",
    "",
    " leading and trailing ",
    "it's",
    'say "hi"',
    "${HOME}",
    "$HOME $$",
    "%40 %(here)s",
    "# not a comment",
    "a # b",
    "back\\slash",
    "back\\'slash and quote",
    "two\\\\backslashes",
    "at the end\\",
    "at the end\\\\",
    "\\n is no newline",
    "line\nbreak",
    "tab\tand\rreturn",
    "ünïcödé 日本語 🐘",
    "`id` $(id) !! ; | & < >",
    string.printable[:95],
    "x" * 200,
]
# Python and Compose have no way in common to write these; Compose alone reads them.
FOR_COMPOSE_ALONE = ["both\\\\and$", "$ at the end\\"]


def in_url(password: str) -> str:
    """Percent-encode everything but letters and digits."""
    encoded = (f"%{byte:02X}" for byte in password.encode())
    return f"postgresql+psycopg2://u:{''.join(encoded)}@h/db"


@pytest.mark.parametrize("password", PASSWORDS + FOR_COMPOSE_ALONE)
def test_python_reads_the_url_with_this_password(tmp_path: Path, password: str) -> None:
    file = tmp_path / ".env"
    file.write_text(dotenv(parse(in_url(password))), encoding="utf-8", newline="\n")
    values = dotenv_values(file, interpolate=False)
    url = sa.make_url(str(values["DATABASE_URL"]))
    assert url.password == password
    if password not in FOR_COMPOSE_ALONE:
        assert values["POSTGRES_PASSWORD"] == password


def as_compose_reads(folder: Path, passwords: list[str]) -> list[str]:
    """Write passwords into a `.env` and return what `docker-compose` finds in it."""
    variables = [f"P{number}" for number in range(len(passwords))]
    pairs = zip(variables, passwords, strict=True)
    lines = "".join(f"{variable}={quote(password)}\n" for variable, password in pairs)
    (folder / ".env").write_text(lines, encoding="utf-8", newline="\n")
    environment = {variable: f"${{{variable}}}" for variable in variables}
    service = {"image": "postgres", "environment": environment}
    compose = {"version": "3", "services": {"database": service}}
    (folder / "compose.yaml").write_text(yaml.safe_dump(compose))
    shown = subprocess.check_output(["docker-compose", "config"], cwd=folder)
    found = yaml.safe_load(shown)["services"]["database"]["environment"]
    return [found[variable].replace("$$", "$") for variable in variables]


def test_compose_reads_the_same_passwords(tmp_path: Path) -> None:
    require(shutil.which("docker-compose"), "docker-compose")
    # The old docker-compose, which stands in for today's, expands ${…} even where it is
    # quoted, and reads on where a backslash ends a value that is not the file's last, as
    # the password is in a project's. Today's rules are in the next test but one.
    known = [password for password in PASSWORDS if "${" not in password]
    together = [password for password in known if not password.endswith("\\")]
    assert as_compose_reads(tmp_path, together) == together
    for password in known:
        if password not in together:
            assert as_compose_reads(tmp_path, [password]) == [password]


def test_the_generated_compose_file_takes_the_password_from_env(
    rendered: Callable[..., Path],
) -> None:
    require(shutil.which("docker-compose"), "docker-compose")
    project = rendered(database_url="postgresql+psycopg2://u:p@h/db")
    password = 'it\'s "$HOME" #1'
    (project / ".env").write_text(dotenv(parse(in_url(password))))
    shown = subprocess.check_output(["docker-compose", "config"], cwd=project)
    environment = yaml.safe_load(shown)["services"]["database"]["environment"]
    assert environment["POSTGRES_PASSWORD"].replace("$$", "$") == password


def test_compose_says_which_variable_is_missing(rendered: Callable[..., Path]) -> None:
    require(shutil.which("docker-compose"), "docker-compose")
    project = rendered(database_url="postgresql+psycopg2://u@h/db")
    done = subprocess.run(
        ["docker-compose", "config"], cwd=project, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "POSTGRES_PASSWORD" in done.stderr + done.stdout
    assert "set it in .env" in done.stderr + done.stdout


def test_names_in_compose_are_text(rendered: Callable[..., Path]) -> None:
    require(shutil.which("docker-compose"), "docker-compose")
    project = rendered(database_url='postgresql+psycopg2://o"n$e:p@h/true')
    (project / ".env").write_text("POSTGRES_PASSWORD=p\n")
    shown = subprocess.check_output(["docker-compose", "config"], cwd=project)
    environment = yaml.safe_load(shown)["services"]["database"]["environment"]
    assert environment["POSTGRES_USER"].replace("$$", "$") == 'o"n$e'
    assert environment["POSTGRES_DB"] == "true"


def read_as_compose_does(text: str) -> str:
    """Read a quoted value by the rules of `dotenv/parser.go` in compose-go."""
    mark, inside = text[0], text[1:-1]
    assert text[-1] == mark
    assert not re.search(rf"(?<!\\)(?:\\\\)*{mark}", inside), "it would end early"
    inside = inside.replace("\\" + mark, mark)
    if mark == "'":
        return inside
    escapes = {"n": "\n", "r": "\r"}
    read = re.sub(r"\\([nr$\"\\])", lambda m: escapes.get(m[1], m[1]), inside)
    assert not re.search(r"(?<!\\)\$", inside), "it would be expanded"
    return read


@pytest.mark.parametrize("password", PASSWORDS + FOR_COMPOSE_ALONE)
def test_todays_compose_reads_the_same_passwords(password: str) -> None:
    assert read_as_compose_does(quote(password)) == password
