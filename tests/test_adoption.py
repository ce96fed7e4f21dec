"""A project whose models are read from a database: what the hook makes and prints."""

from __future__ import annotations

import os
import re
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from cookiecutter_alembic import adoption, environment
from tests.conftest import Project, bake, baked
from tests.servers import MariaDB, Postgres
from tests.test_hook import SECONDS, commits, next_steps, only, type_in
from tests.test_starting_point import MODELS, check_failure

TABLES = """\
CREATE TABLE customer (id integer NOT NULL PRIMARY KEY, name varchar(30) NOT NULL);
CREATE TABLE invoice (id integer NOT NULL PRIMARY KEY, customer_id integer NOT NULL);
INSERT INTO customer VALUES (1, 'Ø');
INSERT INTO invoice VALUES (7, 1);
"""


@pytest.fixture
def shop(bench: Path) -> Path:
    """Return a database with tables and rows."""
    file = bench / "shop.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(TABLES)
    return file


def adopted(folder: Path, environment: dict[str, str], url: str) -> Project:
    """Bake a project with the models of a database."""
    answers = {"database_url": url, "starting_point": "existing"}
    return baked(folder, environment, **answers)


def check(project: Project) -> None:
    """See that the models are there, committed with the revision, and work."""
    indent = " {19}"
    assert re.search(
        rf"  environment      \.venv, .+\n"
        rf"  models           2 tables +{SECONDS}\n"
        rf"(?:{indent}.+\n)*?"
        rf"{indent}Wrote app/models\.py\n"
        rf"{indent}Wrote \S+_baseline\.py\n"
        rf"(?:{indent}.+\n)*"
        rf"  git              first commit [0-9a-f]+\n",
        project.output,
    ), project.output
    assert "Next:" not in project.output.partition("\nReady in ")[0]
    assert commits(project) == ["Initial commit"]
    (revision,) = project.revisions()
    assert "import op" not in revision.read_text()  # It has no operations.
    committed = project.run("git", "ls-files").splitlines()
    assert {str(MODELS), f"migrations/versions/{revision.name}"} <= {*committed}
    check_steps(project)
    project.run("ruff", "check")
    project.run("ruff", "format", "--check")
    project.run("mypy")
    project.run("pytest")
    assert project.run("git", "status", "--short") == ""


def check_steps(project: Project) -> None:
    """Type what is to be typed next, which changes nothing but the version table."""
    *before, stamp, check = next_steps(project)
    assert before[0].startswith("cd ") and before[-1] == environment.ACTIVATE
    assert (stamp, check) == ("alembic stamp head", "alembic check")
    assert "No new upgrade operations" in type_in(project, *next_steps(project))


def check_is_gone(project: Project) -> None:
    """See that nothing of sqlacodegen is left in a project."""
    for name in ("uv.lock", "pyproject.toml"):
        if (project.path / name).exists():
            assert "sqlacodegen" not in (project.path / name).read_text()
    assert not list((project.path / ".venv").rglob("*sqlacodegen*"))


@pytest.mark.full
@pytest.mark.parametrize("tool", ["uv", "pip"])
def test_models_of_a_file(
    bench: Path, shop: Path, environment: dict[str, str], tool: str
) -> None:
    temporary = bench / "tmp"
    temporary.mkdir()
    environment["TMPDIR"] = str(temporary)
    if tool == "pip":
        config = Path(environment["HOME"], ".config", "pip", "pip.conf")
        config.parent.mkdir(parents=True)
        config.write_text(f"[install]\nprefix = {bench}/elsewhere\nuser = true\n")
        environment["PATH"] = only(bench / "bin", "git")
    project = adopted(bench / "out", environment, f"sqlite:///{shop}")
    environment["PATH"] = os.environ["PATH"]
    assert f", {tool} " in project.output
    assert {path.suffix for path in temporary.iterdir()} <= {".lock"}  # uv's own
    assert not (bench / "elsewhere").exists()
    check_is_gone(project)
    check(project)
    with closing(sqlite3.connect(shop)) as connection:
        assert connection.execute("SELECT * FROM customer").fetchall() == [(1, "Ø")]
        assert connection.execute("SELECT * FROM invoice").fetchall() == [(7, 1)]
        query = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"
        names = [name for (name,) in connection.execute(query)]
    assert names == ["alembic_version", "customer", "invoice"]


@pytest.mark.full
@pytest.mark.parametrize("driver", ["psycopg2", "asyncpg"])
def test_models_of_a_database_on_a_server(
    any_postgres: Postgres, bench: Path, environment: dict[str, str], driver: str
) -> None:
    any_postgres.create("shop")
    any_postgres.query(TABLES, "shop")
    url = any_postgres.url(f"postgresql+{driver}", "shop")
    check(adopted(bench / "out", environment, url))
    assert any_postgres.query("SELECT * FROM invoice", "shop") == [(7, 1)]
    any_postgres.drop("shop")


@pytest.mark.full
def test_models_of_a_database_on_mariadb(
    mariadb: MariaDB, bench: Path, environment: dict[str, str]
) -> None:
    mariadb.create("shop")
    for statement in TABLES.splitlines():
        mariadb.query(statement, "shop")
    check(adopted(bench / "out", environment, mariadb.url("mariadb", "shop")))
    assert mariadb.query("SELECT id, customer_id FROM invoice", "shop") == [(7, 1)]
    mariadb.drop("shop")


@pytest.mark.full
@pytest.mark.parametrize("when", ["now", "later"])
def test_models_in_a_uv_workspace(
    bench: Path, shop: Path, environment: dict[str, str], when: str
) -> None:
    """Nothing of the workspace is changed, and what is printed works there."""
    workspace = bench / "shops"
    workspace.mkdir()
    told = '[tool.uv.workspace]\nmembers = ["packages/*"]\n'
    (workspace / "pyproject.toml").write_text(told)
    if when == "later":
        shop.rename(bench / "not yet")
    project = adopted(workspace / "packages", environment, f"sqlite:///{shop}")
    check_is_gone(project)
    if when == "later":
        (bench / "not yet").rename(shop)
        commands = next_steps(project)
        assert commands[3:5] == ["uv pip install sqlacodegen", "steady adopt"]
    assert "No new upgrade operations" in type_in(project, *next_steps(project))
    names = {path.name for path in workspace.iterdir()}
    assert names == {"pyproject.toml", "packages"}


@pytest.mark.full
def test_what_is_printed_reads_the_models_later(
    bench: Path, shop: Path, environment: dict[str, str]
) -> None:
    project = adopted(bench / "out", environment, "sqlite:///orders.db")
    shop.rename(project.path / "orders.db")
    assert "No new upgrade operations" in type_in(project, *next_steps(project))
    assert commits(project) == ["Initial commit"]
    check_is_gone(project)


@pytest.mark.full
def test_a_database_without_tables(bench: Path, environment: dict[str, str]) -> None:
    file = bench / "empty.db"
    sqlite3.connect(file).close()
    file.touch()
    project = adopted(bench / "out", environment, f"sqlite:///{file}")
    check_failure(project)
    (line,) = re.findall(r"^  models           (.+)$", project.output, re.MULTILINE)
    assert line.startswith(f"sqlite at {file} has no tables")


@pytest.mark.full
def test_models_are_read_once(
    bench: Path, shop: Path, environment: dict[str, str]
) -> None:
    """A second run keeps them, and does not advise a stamp that would skip revisions."""
    url = f"sqlite:///{shop}"
    project = adopted(bench / "out", environment, url)
    answers = {"database_url": url, "starting_point": "existing"}
    for last in ("alembic check", "alembic upgrade head"):
        again = bake_again(bench / "out", environment, answers)
        assert "  models           already exist\n" in again
        assert again.endswith(f"\n  {last}\n")
        assert "models.py" not in project.run("git", "diff", "--stat")
        type_in(project, *next_steps(project))


def bake_again(
    folder: Path, environment: dict[str, str], answers: dict[str, str]
) -> str:
    """Generate a project over one that is there, and return what is printed."""
    done = bake(folder, environment, "--overwrite-if-exists", answers=answers)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="shell scripts")
def test_what_cannot_be_installed_is_told_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    told = "error: Failed to fetch"
    uv.write_text(
        f'#!/bin/sh\necho uv; test "$*" = --version || {{ echo "{told}" >&2; exit 2; }}\n'
    )
    uv.chmod(0o755)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(uv.parent), prepend=":")
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    later = ["uv run --with sqlacodegen steady adopt"]
    assert adoption.adopt("") == later
    line = "  models           need sqlacodegen, but: Failed to fetch\n"
    assert capsys.readouterr().out == line
    assert not list(temporary.iterdir())
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "no-such"))
    assert adoption.adopt("") == later
    line = "  models           need a temporary folder: No such file or directory\n"
    assert capsys.readouterr().out == line
