"""What a URL says after the `?`: several hosts, and other names than before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from harness import Project
from sqlalchemy import make_url

from alembic_steady.adapters import adapter_for
from tests import servers
from tests.revisions import ADD_USERNAME, CLEAN, DRIFT
from tests.servers import PASSWORD, Postgres


@pytest.mark.parametrize(
    ("url", "synchronous"),
    [
        (
            "postgresql+psycopg2://h/a?user=u&password=p%40&dbname=b&sslmode=require",
            "postgresql+psycopg2://u:p%40@h/b?sslmode=require",
        ),
        (
            "postgresql+asyncpg://x:y@h/a?user=u&database=b&ssl=require&timeout=9",
            "postgresql+psycopg://u:y@h/b?sslmode=require&connect_timeout=9",
        ),
        (
            "postgresql+asyncpg://h/a?statement_cache_size=0&command_timeout=60",
            "postgresql+psycopg://h/a",
        ),
        (
            "postgresql+psycopg_async://h/a?prepare_threshold=0",
            "postgresql+psycopg://h/a",
        ),
        (
            "mariadb+asyncmy://h/a?user=u&passwd=p&db=b",
            "mariadb+pymysql://u:p@h/b",
        ),
    ],
)
def test_migrations_are_told_what_counts(url: str, synchronous: str) -> None:
    given = make_url(url)
    told = adapter_for(given.get_backend_name()).synchronous(given)
    assert told == make_url(synchronous)


DRIVERS = ["psycopg2", pytest.param("psycopg", marks=pytest.mark.full)]


def several(*hosts: Postgres, query: str = "") -> str:
    """Return the URL of a database on several servers."""
    places = "&".join(f"host=127.0.0.1:{server.port}" for server in hosts)
    return f"postgresql://postgres:{PASSWORD}@/orders?{places}{query}"


@pytest.fixture
def read_only(
    start_postgres: Callable[[str], Postgres], any_postgres: Postgres
) -> Iterator[Postgres]:
    """Return another server, on which nothing can be written, as on a standby."""
    server = start_postgres("wheel")
    if server == any_postgres:
        pytest.skip("there is only one server")
    server.query("ALTER SYSTEM SET default_transaction_read_only = on")
    server.query("SELECT pg_reload_conf()")
    yield server
    server.query("ALTER SYSTEM RESET default_transaction_read_only")
    server.query("SELECT pg_reload_conf()")


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_scratch_database_is_used_on_the_server_that_has_it(
    copied: Callable[[str], Project],
    any_postgres: Postgres,
    read_only: Postgres,
    driver: str,
) -> None:
    project = copied(driver)
    url = several(read_only, any_postgres)
    for query in ("", "&target_session_attrs=read-write"):
        project.environment["DATABASE_URL"] = f"{url}{query}"
        assert CLEAN in project.run("alembic", "check")
    assert "shadow_" not in str(read_only.databases())


@pytest.fixture
def late_standby(
    any_postgres: Postgres,
) -> Iterator[Postgres]:
    """Return a standby of the server, which does not get what is written from now on."""
    binaries = servers.system_postgres()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed")
    any_postgres.create("orders")
    with servers.standby(binaries, any_postgres, "1h") as standby:
        yield standby


@pytest.mark.full
@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("query", ["", "&target_session_attrs=primary"])
def test_everything_is_written_on_the_primary(
    copied: Callable[[str], Project],
    any_postgres: Postgres,
    late_standby: Postgres,
    driver: str,
    query: str,
) -> None:
    project = copied(driver)
    url = several(late_standby, any_postgres, query=query)
    project.environment["DATABASE_URL"] = url
    assert "already exists" in project.run("steady", "create")
    project.run("alembic", "upgrade", "head")
    project.add_username()
    project.run(*ADD_USERNAME)
    project.run("alembic", "upgrade", "head")
    assert CLEAN in project.run("alembic", "check")
    tables = any_postgres.query('SELECT username FROM "user"', "orders")
    assert tables == []


@pytest.mark.full
def test_standbys_alone_are_told_in_one_line(
    copied: Callable[[str], Project], any_postgres: Postgres, late_standby: Postgres
) -> None:
    project = copied("psycopg2")
    project.environment["DATABASE_URL"] = several(late_standby, late_standby)
    *_there, error = project.run("steady", "create", code=255).splitlines()
    assert error.startswith("FAILED: ")
    assert error.endswith(": session is read-only")


@pytest.mark.full
@pytest.mark.parametrize("driver", DRIVERS)
def test_a_database_in_the_query_is_not_used_as_a_scratch_database(
    copied: Callable[[str], Project], any_postgres: Postgres, driver: str
) -> None:
    project = copied(driver)
    url = any_postgres.url("postgresql", "nothing")
    project.environment["DATABASE_URL"] = f"{url}?dbname=orders"
    output = project.run("steady", "create")
    assert output.endswith("database orders: created\n")
    any_postgres.query('CREATE TABLE "user" (kept int)', "orders")
    assert CLEAN in project.run("alembic", "check")
    assert any_postgres.query('SELECT kept FROM "user"', "orders") == []
    any_postgres.query('DROP TABLE "user"', "orders")
    project.run("alembic", "upgrade", "head")
    assert project.run(*DRIFT)
