"""A new project whose database has tables already."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from cookiecutter_alembic import server, tables
from cookiecutter_alembic.answers import for_hook
from cookiecutter_alembic.project import Project as Told
from tests.conftest import Service, baked
from tests.servers import Postgres


def found(service: Service) -> str:
    """Return what the hook's look at a database prints of its tables."""
    output = service.project.run("python", "-c", server.LOOK)
    told, database = output.splitlines()[-2:]
    assert database == "Database: True"
    return told


def test_tables_count_that_no_revision_has_made(service: Service) -> None:
    service.create()
    service.execute("CREATE TABLE customer (id INTEGER)")
    assert found(service) == 'Tables: ["customer"]'
    service.project.run("alembic", "upgrade", "head")
    assert found(service) == "Tables: []"
    # What another project's Alembic has made is none of this one's.
    service.execute("UPDATE alembic_version SET version_num = 'of_others'")
    assert found(service) == 'Tables: ["customer", "user"]'


def test_nothing_counts_that_no_revision_could_meet(service: Service) -> None:
    service.create()
    service.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
    if isinstance(service.server, Postgres):
        service.execute("CREATE SCHEMA auth CREATE TABLE users (id INTEGER)")
    else:
        service.execute("CREATE VIEW customer AS SELECT 1 AS id")
    assert found(service) == "Tables: []"


@pytest.mark.parametrize(
    ("names", "named"),
    [
        ('["a", "b", "c"]', "a, b, c"),
        ('["a", "b", "c", "d", "e"]', "a, b, c, 2 more"),
        ('["\\u00e4\\nx"]', "ä x"),
    ],
)
def test_a_line_names_them(
    capsys: pytest.CaptureFixture[str], names: str, named: str
) -> None:
    answers = {
        "project_slug": "orders",
        "database_url": "sqlite:///orders.db",
        "__left_out": "",
    }
    project = replace(Told(**eval(for_hook(answers))), place="orders.db")
    printed = f"Revision written\nTables: {names}\nDatabase: True\n"
    assert tables.look(project, printed) == [tables.ADOPT]
    line = f"  database         orders.db has tables already: {named}\n"
    assert capsys.readouterr().out == line
    assert tables.look(project, "Tables: []\nDatabase: True\n") == []
    assert tables.look(project, "Database: False\n") == []
    assert capsys.readouterr().out == ""


def test_the_hook_does_not_advise_to_upgrade_such_a_database(
    bench: Path, environment: dict[str, str]
) -> None:
    file = bench / "shop.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE customer (id INTEGER)")
    project = baked(bench / "out", environment, database_url=f"sqlite:///{file}")
    line = f"  database         {file} has tables already: customer\n"
    assert line in project.output
    assert "Ready" not in project.output
    assert project.output.endswith(f"  source .venv/bin/activate\n  {tables.ADOPT}\n")
    with closing(sqlite3.connect(file)) as connection:
        names = connection.execute("SELECT name FROM sqlite_schema").fetchall()
    assert names == [("customer",)]


@pytest.mark.full
def test_the_hook_does_not_advise_to_upgrade_such_a_database_on_a_server(
    any_postgres: Postgres, bench: Path, environment: dict[str, str]
) -> None:
    any_postgres.create("orders")
    any_postgres.query("CREATE TABLE customer (id INTEGER)", "orders")
    url = any_postgres.url(database="orders")
    project = baked(bench / "out", environment, database_url=url)
    place = f"orders at 127.0.0.1:{any_postgres.port}"
    assert (
        f"  database         {place} has tables already: customer\n" in project.output
    )
    assert project.output.endswith(f"  source .venv/bin/activate\n  {tables.ADOPT}\n")
