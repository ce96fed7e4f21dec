"""What PostgreSQL says of tables, and the words that change one into another."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from contextlib import closing
from time import perf_counter
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import render_python_code
from alembic.operations import Operations, ops
from alembic.runtime.migration import MigrationContext
from hypothesis import example, given
from hypothesis import strategies as st
from postgresql_pairs import ALIKE, BOTH_WAYS, DIFFERENT, mood, table
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError

from alembic_steady.adapters.description import Description, Key, differences
from alembic_steady.adapters.postgresql.adapter import PostgreSQLAdapter
from alembic_steady.adapters.statement import Statement
from tests import servers

ADAPTER = PostgreSQLAdapter()
EMPTY = """
    DROP SCHEMA IF EXISTS public CASCADE; CREATE SCHEMA public;
    DROP SCHEMA IF EXISTS shop CASCADE; CREATE SCHEMA shop;
"""
ROUNDS = 5


@pytest.fixture(scope="module")
def start(
    start_postgres: Callable[[str], servers.Postgres],
) -> Iterator[Callable[[str], Connection]]:
    """Return a function that connects to this module's database."""
    server = start_postgres("system" if servers.system_postgres() else "wheel")
    server.create("described")
    engines: list[sa.Engine] = []

    def connect(driver: str) -> Connection:
        url = server.url(f"postgresql+{driver}", "described")
        engines.append(sa.create_engine(url, poolclass=sa.NullPool))
        return engines[-1].connect()

    yield connect
    server.drop("described")


@pytest.fixture
def connection(start: Callable[[str], Connection]) -> Iterator[Connection]:
    """Return a connection to a database without tables."""
    with closing(start("psycopg")) as connection:
        build(connection, "")
        yield connection


def build(connection: Connection, sql: str) -> None:
    """Make the tables that statements make, and no others, and commit them."""
    connection.exec_driver_sql(EMPTY)
    if sql:
        connection.exec_driver_sql(sql.replace("%", "%%"))
    connection.commit()


def described(connection: Connection, sql: str) -> Description:
    """Describe what statements make in a database without tables, which stays as it is."""
    connection.exec_driver_sql(EMPTY)
    connection.exec_driver_sql(sql.replace("%", "%%"))
    found = ADAPTER.describe_tables(connection)
    connection.rollback()
    return found


def texts(description: Description) -> dict[Key, str]:
    """Return what is compared of a description."""
    return {key: part.text for key, part in description.items()}


def run(connection: Connection, way: list[ops.MigrateOperation]) -> str:
    """Run operations as a revision does that they are written to, and return its text."""
    migration = MigrationContext.configure(connection)
    blank = MigrationContext.configure(dialect=connection.dialect)
    code = render_python_code(ops.UpgradeOps(way), migration_context=blank)
    with Operations.context(migration) as op:
        exec(textwrap.dedent(f"    {code}"), {"op": op, "sa": sa})
    return code


def change(connection: Connection, after: Description) -> list[str]:
    """Change a database in its own words until it is as described.

    Returns:
        The text of what was run, for each part.
    """
    done: list[str] = []
    for _ in range(ROUNDS):
        before = ADAPTER.describe_tables(connection)
        found = differences(before, after)
        for key in sorted(found, key=lambda key: key in after):
            if key in differences(before, after):
                done += attempt(connection, key, before, after)
                before = ADAPTER.describe_tables(connection)
        if not found:
            break
    connection.commit()
    return done


def attempt(
    connection: Connection, key: Key, before: Description, after: Description
) -> list[str]:
    """Run the first way to change a part that the database accepts."""
    for way in ADAPTER.words(key, before, after):
        try:
            with connection.begin_nested():
                return [run(connection, way)]
        except DBAPIError:
            continue
    return []


@pytest.mark.parametrize("name", BOTH_WAYS)
def test_a_database_is_changed_both_ways(connection: Connection, name: str) -> None:
    case = BOTH_WAYS[name]
    after = described(connection, case.after)
    build(connection, case.before)
    before = ADAPTER.describe_tables(connection)
    assert differences(before, after)
    if case.rows:
        connection.exec_driver_sql(case.rows.replace("%", "%%"))
    rows = [*connection.exec_driver_sql(case.kept.replace("%", "%%"))]
    assert rows or not case.rows
    connection.commit()
    done = change(connection, after)
    assert texts(ADAPTER.describe_tables(connection)) == texts(after), done
    for word in case.said:
        assert word in "\n".join(done)
    assert [*connection.exec_driver_sql(case.kept.replace("%", "%%"))] == rows
    done = change(connection, before)
    assert texts(ADAPTER.describe_tables(connection)) == texts(before), done
    assert [*connection.exec_driver_sql(case.kept.replace("%", "%%"))] == rows


@pytest.mark.parametrize("name", ALIKE)
def test_what_is_the_same_is_described_alike(connection: Connection, name: str) -> None:
    one, other = (described(connection, sql) for sql in ALIKE[name])
    assert texts(one) == texts(other)


@pytest.mark.parametrize("name", DIFFERENT)
def test_what_differs_is_seen(connection: Connection, name: str) -> None:
    *sqls, aspect = DIFFERENT[name]
    one, other = (described(connection, sql) for sql in sqls)
    assert aspect in [key.aspect for key in differences(one, other)]


ALL = """
    CREATE TYPE mood AS ENUM ('a', 'it''s');
    CREATE SEQUENCE s;
    CREATE TABLE t (
        id serial PRIMARY KEY, mood mood DEFAULT 'a', a integer CHECK (a > 1),
        b text GENERATED ALWAYS AS (a::text) STORED, c text COLLATE "C" NOT NULL,
        CONSTRAINT q UNIQUE (c, a), CONSTRAINT x EXCLUDE (b WITH =)
    );
    CREATE TABLE shop.u (
        u_id smallint GENERATED ALWAYS AS IDENTITY (INCREMENT BY 2),
        t_id integer CONSTRAINT f REFERENCES t
    );
    CREATE INDEX ix ON t (a, lower(c)) WHERE b > 'x';
    COMMENT ON TABLE t IS 'All';
    COMMENT ON COLUMN t.c IS 'Text';
    CREATE VIEW v AS SELECT 1 AS a;
"""


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_each_part_has_its_key(start: Callable[[str], Connection], driver: str) -> None:
    with closing(start(driver)) as connection:
        found = described(connection, ALL)
    none = (None, "")
    told = {
        key[:4]: (part.name, part.columns, part.target)
        for key, part in found.items()
        if key.kind != "column"
    }
    assert told == {
        (None, "t", "table", ""): ("t", (), none),
        (None, "t", "comment", ""): ("", (), none),
        ("shop", "u", "table", ""): ("u", (), none),
        (None, "v", "view", ""): ("v", (), none),
        (None, "", "enum", "mood"): ("mood", (), none),
        (None, "", "schema", "shop"): ("shop", (), none),
        (None, "", "sequence", "s"): ("s", (), none),
        (None, "t", "primary key", "t_pkey"): ("t_pkey", ("id",), none),
        (None, "t", "check", "t_a_check"): ("t_a_check", ("a",), none),
        (None, "t", "unique constraint", "q"): ("q", ("c", "a"), none),
        (None, "t", "exclusion constraint", "x"): ("x", ("b",), none),
        (None, "t", "index", "ix"): ("ix", ("a", "b", "c"), none),
        ("shop", "u", "foreign key", "f"): ("f", ("t_id",), (None, "t")),
    }
    said = {key[3:]: part.text for key, part in found.items() if key.kind == "column"}
    usual = "START WITH 1, INCREMENT BY {}, NO MINVALUE, NO MAXVALUE, CACHE 1, NO CYCLE"
    assert {key: text for key, text in said.items() if key[1]} == {
        ("id", "type"): "integer",
        ("id", "nullable"): "NOT NULL",
        ("id", "default"): "nextval(its own sequence)",
        ("id", "sequence"): f"AS integer, {usual.format(1)}",
        ("mood", "type"): "mood",
        ("mood", "nullable"): "NULL",
        ("mood", "default"): "'a'::mood",
        ("a", "type"): "integer",
        ("a", "nullable"): "NULL",
        ("b", "type"): "text",
        ("b", "nullable"): "NULL",
        ("b", "computed"): "(a::text) STORED",
        ("c", "type"): 'text COLLATE "C"',
        ("c", "nullable"): "NOT NULL",
        ("c", "comment"): "Text",
        ("t_id", "type"): "integer",
        ("t_id", "nullable"): "NULL",
        ("u_id", "type"): "smallint",
        ("u_id", "nullable"): "NOT NULL",
        ("u_id", "identity"): f"GENERATED ALWAYS, {usual.format(2)}",
    }


def unnamed(description: Description, name: str) -> Description:
    """Call a constraint by its definition, as one that has no name in the models."""
    return {
        key._replace(name=part.definition) if key.name == name else key: part
        for key, part in description.items()
    }


@pytest.mark.parametrize(
    "definition",
    [
        "CHECK (a > 0)",
        "UNIQUE (a)",
        "FOREIGN KEY (a) REFERENCES t(id)",
        "EXCLUDE USING btree (a WITH =)",
    ],
)
def test_a_constraint_without_name_is_made_and_dropped(
    connection: Connection, definition: str
) -> None:
    build(connection, table("a integer"))
    before = ADAPTER.describe_tables(connection)
    made = described(connection, table(f"a integer, {definition}"))
    ((real, part),) = [(it, made[it]) for it in made if it not in before]
    after = unnamed(made, real.name)
    (key,) = differences(before, after)
    assert key.name == definition
    named, plain = ADAPTER.words(key, before, after)
    assert run(connection, plain).count(f"ALTER TABLE t ADD {definition}") == 1
    there = ADAPTER.describe_tables(connection)
    assert texts(there) == texts(made)
    (gone,) = ADAPTER.words(key, unnamed(there, real.name), before)
    assert f"op.f('{part.name}')" in run(connection, gone)
    assert texts(ADAPTER.describe_tables(connection)) == texts(before)
    assert f"ADD CONSTRAINT {part.name} {definition}" in run(connection, named)


@pytest.mark.parametrize("kind", ["varchar(3)", "char(3)", "bit(3)", "varchar(3)[]"])
def test_nothing_is_cut_to_a_length(connection: Connection, kind: str) -> None:
    value = "'{110011}'" if kind.endswith("]") else "'110011'"
    after = described(connection, table(f"c {kind}"))
    build(connection, table("c text", f"INSERT INTO t VALUES (1, {value})"))
    assert change(connection, after) == []
    connection.exec_driver_sql("UPDATE t SET c = replace(c, '110011', '110')")
    assert change(connection, after)


def test_a_new_sequence_goes_on_behind_the_rows(connection: Connection) -> None:
    for column in ("serial", "integer GENERATED ALWAYS AS IDENTITY"):
        after = described(connection, f"CREATE TABLE t (id {column} PRIMARY KEY)")
        build(connection, table("", "INSERT INTO t VALUES (1), (7)"))
        change(connection, after)
        connection.exec_driver_sql("INSERT INTO t DEFAULT VALUES")
        assert connection.exec_driver_sql("SELECT max(id) FROM t").scalar() == 8
    after = described(
        connection,
        "CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY (START 50) PRIMARY KEY)",
    )
    build(connection, table("", "INSERT INTO t VALUES (1)"))
    change(connection, after)
    connection.exec_driver_sql("INSERT INTO t DEFAULT VALUES")
    assert connection.exec_driver_sql("SELECT max(id) FROM t").scalar() == 50


def test_an_enum_that_is_left_is_made_anew(connection: Connection) -> None:
    after = described(connection, mood("calm glad", "mood mood"))
    build(connection, table("", "CREATE TYPE mood AS ENUM ('sad')"))
    change(connection, after)
    assert texts(ADAPTER.describe_tables(connection)) == texts(after)


def test_an_enum_that_a_function_needs_stays(connection: Connection) -> None:
    function = "CREATE FUNCTION f(mood) RETURNS int LANGUAGE sql AS 'SELECT 1'"
    after = described(connection, table("mood text"))
    build(connection, mood("calm", "mood mood DEFAULT 'calm'") + function)
    change(connection, after)
    (left,) = differences(ADAPTER.describe_tables(connection), after)
    assert left.kind == "enum"
    assert connection.exec_driver_sql("SELECT 'calm'::mood").scalar() == "calm"


OBSTACLES = """
    CREATE TABLE t (
        id integer PRIMARY KEY, a integer CONSTRAINT c CHECK (a > 0), more integer,
        b integer GENERATED ALWAYS AS (a * 2) STORED,
        CONSTRAINT self FOREIGN KEY (a) REFERENCES t
    );
    CREATE TABLE shop.u (a integer CONSTRAINT f REFERENCES t, CONSTRAINT c CHECK (a > 0));
    CREATE TABLE shop.t (id integer PRIMARY KEY, a integer CONSTRAINT g REFERENCES shop.t);
"""


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
@pytest.mark.parametrize(
    "statement, is_known",
    [
        ("ALTER TABLE t DROP CONSTRAINT t_pkey", True),
        ("ALTER TABLE t ALTER a TYPE bigint", True),
        ("ALTER TABLE t ALTER more TYPE uuid", False),
        ("ALTER TABLE t DROP missing", False),
    ],
)
def test_what_may_be_in_the_way_is_named(
    start: Callable[[str], Connection], driver: str, statement: str, is_known: bool
) -> None:
    with closing(start(driver)) as connection:
        build(connection, OBSTACLES)
        before = ADAPTER.describe_tables(connection)
        with pytest.raises(DBAPIError) as caught:
            connection.exec_driver_sql(statement)
        connection.rollback()
        found = ADAPTER.obstacles(caught.value, Key(None, "t", "table"), before)
        expected = [
            Key("shop", "u", "foreign key", "f"),
            Key(None, "t", "foreign key", "self"),
            Key(None, "t", "column", "b"),
            Key(None, "t", "check", "c"),
        ]
        assert found == (expected if is_known else [])
        for key in found:
            less = {it: before[it] for it in before if it != key}
            run(connection, next(ADAPTER.words(key, before, less)))
        if is_known:
            connection.exec_driver_sql(statement)
    other = DBAPIError("", None, ValueError())
    assert ADAPTER.obstacles(other, Key(None, "t", "table"), before) == []


@given(text=st.text(alphabet=":\\ax '%_1\n.", max_size=12))
@example(text="a::b :c \\:d \\\\:e :f:g :h::i \\:j:k ::l :: :")
def test_statements_are_run_as_they_are(text: str) -> None:
    operation: Any = Statement(text)
    make: Any = postgresql.dialect
    dialect = make(paramstyle="named")
    assert str(sa.text(operation.sqltext).compile(dialect=dialect)) == text


MORE = """
    CREATE INDEX ON t (lower(c1)) WHERE c2 > 'x';
    COMMENT ON TABLE t IS 'x';
    ALTER TABLE t ADD z text GENERATED ALWAYS AS (c1 || c2) STORED, ADD y serial;
"""


@pytest.mark.soak
def test_time_grows_with_the_number_of_tables_alone(connection: Connection) -> None:
    columns = ", ".join(f"c{number} text DEFAULT 'x'" for number in range(8))
    times = []
    for tables in (30, 150):
        build(connection, "")
        for number in range(tables):
            connection.exec_driver_sql(
                table(columns, MORE + f"ALTER TABLE t RENAME TO t{number}")
            )
        connection.commit()
        taken = []
        for _ in range(3):
            begin = perf_counter()
            ADAPTER.describe_tables(connection)
            taken.append(perf_counter() - begin)
        times.append(min(taken))
    assert times[1] < times[0] * 12


CONDITION = "s IN ('a', '{}')"
MADE = """
    CREATE TABLE t (
        s varchar(9),
        is_known boolean GENERATED ALWAYS AS ({condition}) STORED,
        is_set boolean DEFAULT (CAST('a' AS varchar(9)) IN ('a', '{other}'))
    );
    CREATE VIEW v AS SELECT * FROM t WHERE {condition};
    CREATE MATERIALIZED VIEW " AS m" AS SELECT * FROM v WHERE {condition};
"""


def test_what_a_dump_prints_otherwise_is_the_same(connection: Connection) -> None:
    """It is not the same text: what was printed once is printed otherwise the next time."""
    first, other = (
        MADE.format(condition=CONDITION.format(letter), other=letter) for letter in "bc"
    )
    written, another = described(connection, first), described(connection, other)
    parts = [
        Key(None, "t", "table"),
        Key(None, "v", "view"),
        Key(None, " AS m", "view"),
    ]
    restored = described(
        connection, ";".join(written[part].definition for part in parts)
    )
    build(connection, first)
    changed = differences(written, restored)
    assert {(key.kind, key.name, key.aspect) for key in changed} == {
        ("column", "is_known", "computed"),
        ("column", "is_set", "default"),
        ("view", "", ""),
    }
    for key in changed:
        assert ADAPTER.are_alike(connection, key, written[key], restored[key])
        assert not ADAPTER.are_alike(connection, key, written[key], another[key])
    assert ADAPTER.describe_tables(connection) == written
