"""The search path of PostgreSQL: where tables are created, and the version table is read."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from harness import USERNAME, PlainProject, migrate

from alembic_steady.adapters import adapter_for
from alembic_steady.adapters.postgresql import search_path
from tests import servers


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ('"$user", public', ["$user", "public"]),
        ("Tenant,public", ["tenant", "public"]),
        ('"A ""b"", c" , d', ['A "b", c', "d"]),
        ('""', []),
        ("pg_catalog, app", ["app"]),
    ],
)
def test_the_names_in_a_search_path(path: str, names: list[str]) -> None:
    assert search_path._names(path) == names


def take_path(project: PlainProject, path: str) -> None:
    """Let the URL name a search path."""
    ini = project.path / "alembic.ini"
    told = f"/orders?options=-csearch_path%%3D{path}"
    ini.write_text(ini.read_text().replace("/orders", told))


@pytest.fixture
def project(
    any_postgres: servers.Postgres, new_project: Callable[..., PlainProject]
) -> PlainProject:
    """Return a project with one revision, which has run in the schema public."""
    project = new_project(any_postgres.url("postgresql+psycopg", "orders"))
    project.revise("first")
    migrate(project)
    return project


def test_a_tenant_is_migrated_though_public_behind_it_is_at_head(
    project: PlainProject,
) -> None:
    take_path(project, "Tenant,public")
    for command in (("upgrade", "head"), ("current",), ("-x", "live", "check")):
        printed = project.run("alembic", *command, code=255)
        way = "does not exist; create it with: steady create"
        assert f"schema tenant, the first of the search path, {way}" in printed
    assert "database orders, schema tenant: created" in project.run("steady", "create")
    assert "(head)" not in project.run("alembic", "current")
    assert "Upgrade from base" in project.run("alembic", "upgrade", "head")
    assert project.tables("tenant") == {"alembic_version", "user"}
    # The tables of others are no part of it.
    assert "No new" in project.run("alembic", "-x", "live", "check")
    printed = project.run("steady", "drift")
    assert "public.user (not owned" in printed
    project.run("alembic", "downgrade", "base")
    assert project.tables("tenant") == {"alembic_version"}
    assert project.tables("public") == {"alembic_version", "user"}


@pytest.mark.full
def test_a_schema_that_the_role_may_not_use_is_named(
    any_postgres: servers.Postgres, project: PlainProject
) -> None:
    any_postgres.query(f"CREATE ROLE modest LOGIN PASSWORD '{servers.PASSWORD}'")
    any_postgres.query("CREATE SCHEMA tenant", "orders")
    any_postgres.query("ALTER ROLE modest SET search_path = tenant, public")
    ini = project.path / "alembic.ini"
    ini.write_text(ini.read_text().replace("//postgres:", "//modest:"))
    printed = project.run("alembic", "upgrade", "head", code=255)
    any_postgres.query("DROP DATABASE orders WITH (FORCE)")
    any_postgres.query("DROP ROLE modest")
    assert "search path, may not be used by modest" in printed


@pytest.mark.full
def test_a_history_runs_in_the_only_schema_of_a_search_path(
    project: PlainProject,
) -> None:
    take_path(project, "app")
    project.add_to_models(USERNAME)
    assert "ran up, down and up" in project.revise("second")
    migrate(project)
    assert project.tables("app") == {"alembic_version", "user"}
    printed = project.run("steady", "drift")
    assert "app.user" not in printed and "~" not in printed
    project.run("alembic", "check")


def test_a_temporary_database_has_the_schemas_of_the_search_path(
    any_postgres: servers.Postgres,
) -> None:
    url = sa.make_url(any_postgres.url("postgresql+psycopg2")).update_query_dict(
        {"options": '-csearch_path="My\\ app",public'}
    )
    with (
        adapter_for("postgresql").test_database(lambda: None, lambda: [url]) as there,
        adapter_for("postgresql").connect(there) as connection,
    ):
        assert connection.scalar(sa.text("SELECT current_schema()")) == "My app"


def test_tables_that_a_connection_sends_elsewhere_are_left_to_it(
    any_postgres: servers.Postgres,
) -> None:
    adapter = adapter_for("postgresql")
    with adapter.connect(sa.make_url(any_postgres.url())) as connection:
        assert adapter.where(connection) == {}
        connection.exec_driver_sql(
            "SET search_path = public, pg_catalog, information_schema"
        )
        connection.commit()
        assert adapter.where(connection) == {"version_table_schema": "public"}
        assert not connection.in_transaction()
        told = connection.execution_options(schema_translate_map={None: "tenant"})
        assert adapter.where(told) == {}
