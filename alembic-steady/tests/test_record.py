"""What is recorded of a transaction is what another connection finds afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from alembic_steady.adapters import adapter_for
from alembic_steady.record import Record
from tests import servers

MARK = "INSERT INTO mark VALUES (1)"
ONE = (
    "CREATE TABLE one (id integer)",
    "DROP TABLE one",
    "DROP TABLE nowhere",
    "COMMIT",
)
ROWS = ("INSERT INTO mark VALUES (2)", "INSERT INTO nowhere VALUES (1)", "ROLLBACK")
READS = ("SELECT 1", "WITH one AS (SELECT 1) SELECT * FROM one", "no SQL")
ON_MARIADB = (
    "-- a comment\nINSERT INTO mark VALUES (2)",
    "# a comment\nINSERT INTO mark VALUES (2)",
    "/* a comment */ INSERT INTO mark VALUES (2)",
    "/* a comment */ CREATE TABLE one (id integer)",
    "-- a comment\nDROP TABLE nowhere",
    "/*!50000 CREATE TABLE one (id integer) */",
    "/*M! INSERT INTO mark VALUES (2) */",
    "DO 1",
    "SET @one = 1",
    "SET autocommit = 1",
    "(SELECT 1)",
    "BEGIN",
    "START TRANSACTION",
    "COMMIT AND CHAIN",
    "LOCK TABLES mark WRITE",
    "UNLOCK TABLES",
    "ANALYZE TABLE mark",
    "TRUNCATE TABLE mark",
    "CREATE TEMPORARY TABLE one (id integer)",
    "CREATE VIEW one AS SELECT 1",
    "RENAME TABLE nowhere TO one",
    "CALL nowhere()",
    "EXECUTE IMMEDIATE 'COMMIT'",
    "EXECUTE IMMEDIATE 'DO 1'",
    "SAVEPOINT one",
    "ROLLBACK AND CHAIN",
    "SET STATEMENT max_statement_time = 9 FOR CREATE TABLE one (id integer)",
    "SET STATEMENT max_statement_time = 9 FOR INSERT INTO mark VALUES (2)",
    "BEGIN NOT ATOMIC INSERT INTO mark VALUES (2); END",
    "IF TRUE THEN COMMIT; INSERT INTO mark VALUES (2); END IF",
)
ON_POSTGRESQL = (
    "-- a comment\nCOMMIT",
    "END",
    "ABORT",
    "DO 'BEGIN NULL; END'",
    "INSERT INTO mark VALUES (2); COMMIT",
    "COMMIT; INSERT INTO mark VALUES (2)",
    "COMMIT; BEGIN",
    "INSERT INTO mark VALUES (2); ROLLBACK",
    "COMMIT; SELECT 1 / 0",
)
FULL = pytest.mark.full
UNCLEAR = ("CALL", "EXECUTE", "UNLOCK", "/*M!", "BEGIN NOT", "IF")


@pytest.fixture(
    params=["sqlite", "psycopg", "pymysql", pytest.param("psycopg2", marks=FULL)]
)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """Return an engine of a database with a table of one column."""
    url = f"sqlite:///{tmp_path / 'one.db'}"
    server: servers.Server | None = None
    if request.param == "pymysql":
        server = request.getfixturevalue("mariadb")
        assert server
        url = server.url("mariadb+pymysql", "one")
    elif request.param != "sqlite":
        server = request.getfixturevalue("any_postgres")
        assert server
        url = server.url(f"postgresql+{request.param}", "one")
    if server:
        server.create("one")
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    if not server:
        sa.event.listen(engine, "begin", _begin)
    yield engine
    engine.dispose()
    if server:
        server.drop("one")


def _begin(connection: sa.Connection) -> None:
    connection.connection.dbapi_connection.cursor().execute("BEGIN")  # type: ignore[union-attr]


@contextmanager
def marked(engine: sa.Engine) -> Iterator[tuple[sa.Connection, Record]]:
    """Insert a row in a transaction, and yield the connection with its record."""
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS one")
        connection.exec_driver_sql("DROP TABLE IF EXISTS mark")
        connection.exec_driver_sql("CREATE TABLE mark (id integer)")
    with engine.connect() as connection:
        record = Record(adapter_for(engine.dialect.name).commits)
        with record.kept(connection):
            connection.exec_driver_sql(MARK)
            yield connection, record
            record.settle()


def found(engine: sa.Engine) -> bool:
    """Return whether another connection finds the first row."""
    with engine.connect() as connection:
        query = "SELECT count(*) FROM mark WHERE id = 1"
        return bool(connection.exec_driver_sql(query).scalar())


def statements(engine: sa.Engine) -> tuple[str, ...]:
    """Return the statements to try on a family of databases."""
    more = {"sqlite": (), "postgresql": ON_POSTGRESQL, "mariadb": ON_MARIADB}
    return ONE + ROWS + READS + more[engine.dialect.name]


@FULL
def test_what_is_called_committed_is_what_others_find(engine: sa.Engine) -> None:
    for statement in statements(engine):
        with marked(engine) as (connection, record):
            with suppress(DBAPIError):
                connection.exec_driver_sql(statement)
            with suppress(DBAPIError):  # after a COMMIT of its own
                connection.rollback()
            with suppress(DBAPIError):
                connection.close()
        is_empty = statement.startswith("TRUNCATE")
        is_there = found(engine) or (is_empty and MARK in record.committed)
        print(f"{statement!r}: {is_there}, {record.committed}, {record.unclear}")
        if MARK not in record.unclear:
            assert (MARK in record.committed) == is_there
        else:
            is_several = ";" in statement
            assert is_several or statement.startswith(UNCLEAR)


def test_what_python_commits_and_rolls_back_is_known(engine: sa.Engine) -> None:
    for first, second in (("commit", "rollback"), ("rollback", "commit")):
        with marked(engine) as (connection, record):
            getattr(connection, first)()
            connection.exec_driver_sql("INSERT INTO mark VALUES (2)")
            getattr(connection, second)()
        assert (MARK in record.committed) == found(engine) == (first == "commit")
        assert ("INSERT INTO mark VALUES (2)" in record.committed) == (
            second == "commit"
        )


def test_what_a_savepoint_has_undone_is_not_called_committed(engine: sa.Engine) -> None:
    with marked(engine) as (connection, record):
        savepoint = connection.begin_nested()
        connection.exec_driver_sql("INSERT INTO mark VALUES (2)")
        savepoint.rollback()
        connection.commit()
    assert record.committed == [MARK]


@pytest.mark.parametrize("engine", ["pymysql"], indirect=True)
@pytest.mark.parametrize(
    "statement",
    [
        "SET STATEMENT max_statement_time = 9 FOR CREATE TABLE one (id integer)",
        "BEGIN NOT ATOMIC CREATE TABLE one (id integer); END",
        "IF TRUE THEN CREATE TABLE one (id integer); INSERT INTO mark VALUES (2); END IF",
    ],
)
def test_a_table_that_a_compound_statement_has_made_is_named(
    engine: sa.Engine, statement: str
) -> None:
    with marked(engine) as (connection, record):
        connection.exec_driver_sql(statement)
        connection.rollback()
    assert sa.inspect(engine).has_table("one")
    assert statement in record.committed + record.unclear


DEFERRED = """
CREATE TABLE late (id integer UNIQUE DEFERRABLE INITIALLY DEFERRED);
INSERT INTO late VALUES (1), (1)
"""


@FULL
@pytest.mark.parametrize("engine", ["psycopg2", "psycopg"], indirect=True)
@pytest.mark.parametrize("is_typed", [True, False])
def test_a_commit_that_is_refused_keeps_nothing(
    engine: sa.Engine, is_typed: bool
) -> None:
    with marked(engine) as (connection, record):
        connection.exec_driver_sql(DEFERRED)
        with pytest.raises(DBAPIError, match="late_id_key"):
            if is_typed:
                connection.exec_driver_sql("COMMIT")
            else:
                connection.commit()
    assert not found(engine)
    assert record.committed == record.unclear == []
