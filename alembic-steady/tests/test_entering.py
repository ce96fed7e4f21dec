"""Databases that a role may enter, and those that it may not."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from harness import PlainProject
from sqlalchemy.exc import OperationalError

from alembic_steady.adapters import adapter_for
from tests import servers
from tests.conftest import require

CREATE = ("steady", "create")
UPGRADE = ("alembic", "upgrade", "head")


@pytest.fixture
def confined(any_postgres: servers.Postgres) -> Iterator[servers.Postgres]:
    """Return a server on which the role `modest` may enter no database of the server."""
    query = any_postgres.query
    query(f"CREATE ROLE modest LOGIN CREATEDB PASSWORD '{servers.PASSWORD}'")
    for name in ("postgres", "template1"):
        query(f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC")
    yield any_postgres
    for name in ("postgres", "template1"):
        query(f"GRANT CONNECT ON DATABASE {name} TO PUBLIC")
    query("DROP DATABASE IF EXISTS orders WITH (FORCE)")
    query("DROP ROLE modest")


@pytest.fixture
def project(
    confined: servers.Postgres, new_project: Callable[..., PlainProject]
) -> PlainProject:
    """Return a project whose role may enter no database but its own."""
    return new_project(confined.url("postgresql+psycopg", "orders", "modest"))


def test_a_role_that_may_enter_its_own_database_alone_does_everything(
    confined: servers.Postgres, project: PlainProject
) -> None:
    confined.query("CREATE DATABASE orders OWNER modest")
    # Scratch databases are created from its own.
    assert "ran up, down and up" in project.revise("first")
    assert "already exists" in project.run(*CREATE)
    project.run(*UPGRADE)
    assert "no drift" in project.run("steady", "drift")


def test_what_keeps_a_role_from_creating_its_database_is_named(
    project: PlainProject,
) -> None:
    missing = "database orders does not exist; create it with: steady create"
    assert missing in project.run(*UPGRADE, code=255)
    refused = (
        "no database can be created, since postgres cannot be entered:"
        ' permission denied for database "postgres"\n'
    )
    assert project.run(*CREATE, code=255).endswith(refused)


@pytest.mark.full
def test_a_database_that_may_not_be_entered_is_not_called_missing(
    confined: servers.Postgres, project: PlainProject
) -> None:
    confined.query("CREATE DATABASE orders")
    confined.query("REVOKE CONNECT ON DATABASE orders FROM PUBLIC")
    for command in (CREATE, UPGRADE):
        printed = project.run(*command, code=255)
        assert printed.endswith(': permission denied for database "orders"\n')


@pytest.mark.full
def test_a_pooler_that_knows_one_database_alone(
    any_postgres: servers.Postgres, new_project: Callable[..., PlainProject]
) -> None:
    require(servers.pgbouncer_program(), "PgBouncer")
    any_postgres.create("orders")
    with servers.pgbouncer(any_postgres, "orders") as pooler:
        project = new_project(pooler.url("postgresql+psycopg", "orders"))
        assert "already exists" in project.run(*CREATE)
        project.run("alembic", "current")
        text = (project.path / "alembic.ini").read_text()
        text = text.replace("/orders\n", "/others\n")
        (project.path / "alembic.ini").write_text(text)
        missing = "database others does not exist; create it with: steady create"
        assert missing in project.run(*UPGRADE, code=255)
        assert "no database can be created" in project.run(*CREATE, code=255)


@pytest.mark.parametrize("is_there", [True, False])
def test_a_server_that_speaks_another_language_is_asked_for_its_databases(
    any_postgres: servers.Postgres, is_there: bool
) -> None:
    url = sa.make_url(any_postgres.url(database="template1" if is_there else "none"))
    said = 'FATAL:  Datenbank "none" existiert nicht'
    error = OperationalError("", None, Exception(said))
    adapter = adapter_for("postgresql")
    assert adapter.is_missing(url, error) is not is_there  # type: ignore[attr-defined]


@pytest.mark.full
def test_an_account_of_mariadb_that_may_not_enter_is_not_told_to_create(
    mariadb: servers.MariaDB, new_project: Callable[..., PlainProject]
) -> None:
    mariadb.create("orders")
    mariadb.query("CREATE OR REPLACE USER modest@'127.0.0.1' IDENTIFIED BY 'modest'")
    project = new_project(
        mariadb.url(database="orders", user="modest", password="modest")
    )
    for command in (CREATE, UPGRADE):
        printed = project.run(*command, code=255)
        assert "Access denied for user 'modest'" in printed
        assert "steady create" not in printed
    mariadb.query("DROP USER modest@'127.0.0.1'")
