"""A new project whose database has tables already."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from cookiecutter_alembic import server, tables
from cookiecutter_alembic.answers import for_hook
from cookiecutter_alembic.project import VERSIONS, Project
from tests.conftest import Service, baked
from tests.servers import Postgres

OF_ALEMBIC = """
CREATE TABLE customer (id INTEGER NOT NULL PRIMARY KEY);
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
INSERT INTO alembic_version VALUES ('1f6c');
"""
INSTEAD = "\n  ".join(tables.INSTEAD)


def asked(starting_point: str, url: str = "sqlite:///orders.db") -> Project:
    """Return what the hook is told of a project."""
    answers = {
        "project_slug": "orders",
        "database_url": url,
        "starting_point": starting_point,
        "__left_out": "",
    }
    return Project(**eval(for_hook(answers)))


def found(service: Service) -> list[str]:
    """Return the tables that the hook's look at a database finds in it."""
    output = service.project.run("python", "-c", server.LOOK)
    told, database = output.splitlines()[-2:]
    assert database == "Database: True"
    described: list[str] = json.loads(told.removeprefix("Tables: "))
    return described[1:]


@pytest.mark.full
def test_tables_count_that_no_revision_has_made(service: Service) -> None:
    service.create()
    service.execute("CREATE TABLE customer (id INTEGER)")
    assert found(service) == ["customer"]
    service.project.run("alembic", "upgrade", "head")
    assert found(service) == []
    # What another project's Alembic has made is none of this one's.
    service.execute("UPDATE alembic_version SET version_num = 'of_others'")
    assert found(service) == ["customer", "user"]


@pytest.mark.full
def test_nothing_counts_that_no_revision_could_meet(service: Service) -> None:
    service.create()
    service.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
    if isinstance(service.server, Postgres):
        service.execute("CREATE SCHEMA auth CREATE TABLE users (id INTEGER)")
    else:
        service.execute("CREATE VIEW customer AS SELECT 1 AS id")
    assert found(service) == []


@pytest.mark.parametrize(
    ("names", "named"),
    [
        (["a", "b", "c"], "a, b, c"),
        (["a", "b", "c", "d", "e"], "a, b, c, 2 more"),
        (["ä\nx"], "ä x"),
    ],
)
def test_a_line_names_them(
    capsys: pytest.CaptureFixture[str], names: list[str], named: str
) -> None:
    told = json.dumps(["sqlite at orders.db", *names])
    printed = f"Revision written\nTables: {told}\nDatabase: True\n"
    project = asked("example")
    assert tables.look(project, printed) == tables.INSTEAD
    line = f"  database         sqlite at orders.db has tables already: {named}\n"
    assert capsys.readouterr().out == line
    assert (
        tables.look(project, 'Tables: ["sqlite at orders.db"]\nDatabase: True\n') == []
    )
    assert tables.look(project, "Database: False\n") == []
    assert capsys.readouterr().out == ""


def test_a_project_without_models_may_have_theirs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    told = json.dumps(["sqlite at orders.db", "customer"])
    assert tables.look(asked("empty"), f"Tables: {told}\nDatabase: True\n") == [
        tables.BEFORE,
        "uv run --with sqlacodegen steady adopt",
        "alembic stamp head",
    ]


def test_the_hook_does_not_advise_to_upgrade_such_a_database(
    bench: Path, environment: dict[str, str]
) -> None:
    file = bench / "shop.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE customer (id INTEGER)")
    project = baked(bench / "out", environment, database_url=f"sqlite:///{file}")
    line = f"  database         sqlite at {file} has tables already: customer\n"
    assert line in project.output
    assert "Ready" not in project.output
    assert project.output.endswith(f"  source .venv/bin/activate\n  {INSTEAD}\n")
    with closing(sqlite3.connect(file)) as connection:
        names = connection.execute("SELECT name FROM sqlite_schema").fetchall()
    assert names == [("customer",)]


@pytest.mark.parametrize("starting_point", ["empty", "existing"])
def test_a_history_is_brought_and_no_other_begun(
    bench: Path, environment: dict[str, str], starting_point: str
) -> None:
    file = bench / "shop.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(OF_ALEMBIC)
    answers = {"database_url": f"sqlite:///{file}", "starting_point": starting_point}
    project = baked(bench / "out", environment, **answers)
    line = f"  database         sqlite at {file} has a history of Alembic, at 1f6c\n"
    assert line in project.output
    assert "Ready" not in project.output and "  models  " not in project.output
    steps = "\n  ".join(tables.BRING)
    assert project.output.endswith(f"  source .venv/bin/activate\n  {steps}\n")
    assert len(tables.BRING[0]) < 79
    assert project.run("git", "log", "--format=%s") == "Initial commit\n"

    # Once they are there, what was printed holds.
    (project.path / "migrations" / "versions" / "1f6c_customers.py").write_text(
        "revision, down_revision = '1f6c', None\n"
        "import sqlalchemy as sa\nfrom alembic import op\n\n"
        "def upgrade():\n"
        "    op.create_table('customer', sa.Column('id', sa.Integer, primary_key=True))\n\n"
        "def downgrade():\n    op.drop_table('customer')\n"
    )
    with (project.path / "app" / "models.py").open("a") as models:
        models.write(
            "\nfrom sqlalchemy.orm import Mapped, mapped_column\n"
            "from app.database import Base\n\n"
            "class Customer(Base):\n    __tablename__ = 'customer'\n"
            "    id: Mapped[int] = mapped_column(primary_key=True)\n"
        )
    project.run("alembic", "current", "--check-heads")
    assert "No new upgrade operations" in project.run("alembic", "check")


def test_the_example_gives_way_to_a_history(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / VERSIONS).mkdir(parents=True)
    printed = 'History: ["1f", "6c"]\nTables: ["a place", "b"]\nDatabase: True\n'
    steps = [tables.REMOVE, *tables.BRING]
    assert tables.history(asked("example"), printed) == steps
    line = "  database         a place has a history of Alembic, at 1f, 6c\n"
    assert capsys.readouterr().out == line
    assert tables.history(asked("example"), printed.replace('"1f", "6c"', "")) == []


@pytest.mark.full
def test_the_hook_does_not_advise_to_upgrade_such_a_database_on_a_server(
    any_postgres: Postgres, bench: Path, environment: dict[str, str]
) -> None:
    any_postgres.create("orders")
    any_postgres.query("CREATE TABLE customer (id INTEGER)", "orders")
    url = any_postgres.url(database="orders")
    project = baked(bench / "out", environment, database_url=url)
    place = f"postgresql+psycopg2 at 127.0.0.1:{any_postgres.port}, database orders"
    assert (
        f"  database         {place} has tables already: customer\n" in project.output
    )
    assert project.output.endswith(f"  source .venv/bin/activate\n  {INSTEAD}\n")
