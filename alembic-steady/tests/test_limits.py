"""A server's time limits are for an application's statements: migrations lift them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from harness import Project

from alembic_steady.adapters.mysql import limits as of_mysql
from alembic_steady.adapters.postgresql import limits as of_postgresql
from tests.revisions import seconds, write_history
from tests.servers import MariaDB, Postgres

SLOW = "op.execute('{}')"
IN_A_BLOCK = """
with op.get_context().autocommit_block():
    op.execute('{}')
"""
COMPUTES = "import time\nop.execute('SELECT 1')\ntime.sleep(1.2)"
SLEEP = "SELECT pg_sleep(0.3)"


@contextmanager
def connected(url: str, **options: object) -> Iterator[sa.Connection]:
    """Open a connection, and nothing in a pool."""
    engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args=options)
    with engine.connect() as connection:
        yield connection


@pytest.fixture
def limited_postgres(any_postgres: Postgres) -> Postgres:
    """Return a server with a database that limits statements, and idle transactions."""
    any_postgres.create("orders")
    for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
        any_postgres.query(f"ALTER DATABASE orders SET {limit} = '100ms'")
    return any_postgres


def test_limits_of_a_session_are_lifted_and_come_back(
    limited_postgres: Postgres,
) -> None:
    with connected(limited_postgres.url(database="orders")) as connection:
        with of_postgresql.lifted_for_session(connection):
            connection.exec_driver_sql(SLEEP)
            connection.rollback()
            connection.exec_driver_sql(SLEEP)
            connection.rollback()
        assert connection.exec_driver_sql("SHOW statement_timeout").scalar() == "100ms"


def test_limits_of_a_given_transaction_come_back_before_its_end(
    limited_postgres: Postgres,
) -> None:
    with connected(limited_postgres.url(database="orders")) as connection:
        with of_postgresql.lifted_for_transaction(connection):
            connection.exec_driver_sql(SLEEP)
        assert connection.exec_driver_sql("SHOW statement_timeout").scalar() == "100ms"


def test_behind_a_pooler_they_are_lifted_in_each_transaction(
    limited_postgres: Postgres,
) -> None:
    with connected(limited_postgres.url(database="orders")) as connection:
        with of_postgresql.lifted_in_each_transaction(connection):
            # It is no query, after which this could not be said.
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
            connection.exec_driver_sql(SLEEP)
            connection.rollback()
        assert connection.exec_driver_sql("SHOW statement_timeout").scalar() == "100ms"


@pytest.mark.parametrize("own", ["options", "set"])
def test_a_limit_that_a_connection_sets_itself_is_kept(
    limited_postgres: Postgres, own: str
) -> None:
    url = limited_postgres.url(database="orders")
    told = {"options": "-c statement_timeout=200ms"} if own == "options" else {}
    with connected(url, **told) as connection:
        if own == "set":
            connection.exec_driver_sql("SET statement_timeout = '200ms'")
            connection.commit()
        with of_postgresql.lifted_for_session(connection):
            shown = connection.exec_driver_sql("SHOW statement_timeout").scalar()
            assert shown == "200ms"
            with pytest.raises(sa.exc.DBAPIError, match="statement timeout"):
                connection.exec_driver_sql(SLEEP)


@pytest.fixture
def limited_mariadb(mariadb: MariaDB) -> Iterator[MariaDB]:
    """Return a server that limits statements, and idle transactions."""
    mariadb.create("orders")
    limits = {"max_statement_time": 1, "idle_transaction_timeout": 1, "wait_timeout": 1}
    before = dict(mariadb.query("SHOW GLOBAL VARIABLES"))
    for name, value in limits.items():
        mariadb.query(f"SET GLOBAL {name} = {value}")
    yield mariadb
    for name in limits:
        mariadb.query(f"SET GLOBAL {name} = {before[name]}")


@pytest.mark.parametrize("own", ["", "SET max_statement_time = 2"])
def test_limits_of_mariadb_are_lifted_and_come_back(
    limited_mariadb: MariaDB, own: str
) -> None:
    url = limited_mariadb.url(database="orders")
    with connected(url, init_command=own or None) as connection:
        variables = "SELECT @@max_statement_time, @@wait_timeout"
        before = connection.exec_driver_sql(variables).one()
        connection.rollback()
        with of_mysql.lifted(connection):
            assert not connection.in_transaction()
            lifted = connection.exec_driver_sql(variables).one()
            assert [*map(int, lifted)] == [2 if own else 0, 2147483]
        assert connection.exec_driver_sql(variables).one() == before


@pytest.mark.full
def test_a_run_on_postgresql_keeps_within_no_limit_of_the_server(
    limited_postgres: Postgres,
    copied: Callable[[str], Project],
    request: pytest.FixtureRequest,
) -> None:
    """But behind a pooler it does in an autocommit block, and says so."""
    project = copied("psycopg")
    history = (SLOW.format(SLEEP), COMPUTES, IN_A_BLOCK.format(SLEEP))
    write_history(project, *history)
    url = limited_postgres.url("postgresql+psycopg", "orders")
    project.environment["DATABASE_URL"] = url
    output = project.run("alembic", "upgrade", "head")
    assert list(seconds(output)) == ["Step 1", "Step 2", "Step 3"]
    project.run("alembic", "downgrade", "base")
    pooler: Postgres = request.getfixturevalue("pooler")
    project.environment["DATABASE_URL"] = pooler.url("postgresql+psycopg", "orders")
    output = project.run("alembic", "upgrade", "head", code=255)
    assert list(seconds(output)) == ["Step 1", "Step 2"]
    assert "Step 3: canceling statement due to statement timeout, in SELECT" in output


@pytest.mark.full
def test_a_run_on_mariadb_keeps_within_no_limit_of_the_server(
    limited_mariadb: MariaDB, copied: Callable[[str], Project]
) -> None:
    project = copied("pymysql")
    long = "CREATE TABLE slow AS SELECT SLEEP(1.3)"
    write_history(project, SLOW.format(long), COMPUTES)
    url = limited_mariadb.url("mariadb+pymysql", "orders")
    project.environment["DATABASE_URL"] = url
    output = project.run("alembic", "upgrade", "head")
    assert list(seconds(output)) == ["Step 1", "Step 2"]
