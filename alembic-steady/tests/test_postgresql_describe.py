"""What PostgreSQL says of tables, and the words that change one into another."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from contextlib import closing
from time import perf_counter
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa
from alembic.autogenerate import render_python_code
from alembic.operations import Operations, ops
from alembic.runtime.migration import MigrationContext
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError

from alembic_steady.adapters.description import Description, Key, differences
from alembic_steady.adapters.postgresql.adapter import PostgreSQLAdapter
from alembic_steady.adapters.postgresql.statements import run as as_operation
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
    server.query("ALTER DATABASE described SET search_path = public, extensions")
    for statement in (
        "CREATE SCHEMA extensions",
        "CREATE EXTENSION btree_gist SCHEMA extensions",
    ):
        server.query(statement, "described")
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


class Case(NamedTuple):
    """Two ways to make tables."""

    before: str
    after: str
    rows: str = ""
    """Inserts rows into the tables as they are before."""
    kept: str = "SELECT * FROM t"
    """Shows what is the same after each change."""
    said: tuple[str, ...] = ()
    """Something that the change is written with."""


def table(columns: str, more: str = "") -> str:
    """Return the statements that make a table."""
    return f"CREATE TABLE t (id integer PRIMARY KEY{columns and ', '}{columns});{more}"


def indexed(old: str, new: str, columns: str = "a integer, b text") -> Case:
    """Return a case of one index in two forms."""
    before, after = (
        table(columns, f"CREATE INDEX ix ON t {it};" if it else "") for it in (old, new)
    )
    return Case(before, after, "INSERT INTO t VALUES (1, 2, 'x')")


def added(columns: str, more: str, rows: str = "") -> Case:
    """Return a case of something that is made beside a table."""
    return Case(table(columns), table(columns, more), rows)


def retyped(
    old: str, new: str, value: str, kept: str = "", said: tuple[str, ...] = ()
) -> Case:
    """Return a case of a column that gets another type."""
    rows = f"INSERT INTO t VALUES (1, {value})"
    kept = kept or "SELECT id, c::text FROM t"
    return Case(table(f"c {old}"), table(f"c {new}"), rows, kept, said)


def mood(labels: str, rest: str) -> str:
    """Return the statements that make an enum and a table that has a column of it."""
    values = ", ".join(f"'{label}'" for label in labels.split())
    return f"CREATE TYPE mood AS ENUM ({values});" + table(rest)


MOODY = "INSERT INTO t VALUES (1, 'calm')"
MOOD = "SELECT id, mood::text FROM t"
IN_DAYS = "EXCLUDE USING gist (room WITH =, days WITH &&)"
USED = """
    CREATE TYPE mood AS ENUM ('calm', '{0}');
    CREATE TABLE t (
        id integer PRIMARY KEY, mood mood DEFAULT '{0}', more mood[] DEFAULT '{{{0}}}',
        CONSTRAINT c CHECK (mood = 'calm' OR mood > 'calm')
    );
    CREATE INDEX ix ON t (mood) WHERE mood = 'calm';
    CREATE TABLE shop.u (
        mood mood PRIMARY KEY,
        CONSTRAINT x EXCLUDE (mood WITH =) WHERE (mood <> 'calm')
    );
"""
BOTH_WAYS = {
    # Columns
    "column": Case(
        table(""),
        table("a text DEFAULT 'x' NOT NULL"),
        "INSERT INTO t VALUES (1)",
        "SELECT id FROM t",
    ),
    "serial column": Case(
        table(""),
        table("a serial"),
        "INSERT INTO t VALUES (1)",
        "SELECT id FROM t",
        ("ADD COLUMN a serial",),
    ),
    "identity column": Case(
        table(""),
        table("a bigint GENERATED BY DEFAULT AS IDENTITY"),
        "INSERT INTO t VALUES (1)",
        "SELECT id FROM t",
    ),
    "nullable": Case(
        table("a text"),
        table("a text NOT NULL"),
        "INSERT INTO t VALUES (1, 'x')",
        said=("op.alter_column('t', 'a'",),
    ),
    "default": Case(
        table("a text"),
        table("a text DEFAULT 'it''s 100%, :x and \\:x or \\ {0} %(a)s'"),
        "INSERT INTO t VALUES (1, 'x')",
    ),
    "function as default": Case(
        table("a uuid"),
        table("a uuid DEFAULT gen_random_uuid()"),
        "INSERT INTO t VALUES (1, NULL)",
    ),
    "comment": Case(
        table("a text"),
        table(
            "a text",
            "COMMENT ON TABLE t IS 'it''s 100%, :x::y'; COMMENT ON COLUMN t.a IS '\"a\" \\n :b \\:c';",
        ),
        "INSERT INTO t VALUES (1, 'x')",
    ),
    "changed comment": Case(
        table("a text", "COMMENT ON TABLE t IS 'a'; COMMENT ON COLUMN t.a IS 'a'"),
        table("a text", "COMMENT ON TABLE t IS 'b'; COMMENT ON COLUMN t.a IS 'b'"),
    ),
    "odd names": Case(
        'CREATE TABLE "the %T" ("my :x" integer, "user" text)',
        'CREATE TABLE "the %T" ("my :x" bigint NOT NULL DEFAULT 1, "user" text CONSTRAINT "Not "" empty" CHECK ("user" <> \'\')); CREATE INDEX "my %i" ON "the %T" ("user"); COMMENT ON COLUMN "the %T"."my :x" IS \'a\'',
        "INSERT INTO \"the %T\" VALUES (1, 'x')",
        'SELECT * FROM "the %T"',
    ),
    "collation": Case(
        table("a text"), table('a text COLLATE "C"'), "INSERT INTO t VALUES (1, 'x')"
    ),
    # Types
    "longer": retyped("varchar(5)", "varchar(9)", "'abc'"),
    "text to integer": retyped("text", "integer", "'12'", said=("USING c::integer",)),
    "text to integer with default": retyped(
        "text DEFAULT '0'", "integer DEFAULT 0", "'12'", said=("USING c::integer",)
    ),
    "text to boolean": retyped(
        "text DEFAULT 'true' NOT NULL", "boolean DEFAULT true NOT NULL", "'true'"
    ),
    "boolean to integer": retyped(
        "boolean DEFAULT true",
        "integer DEFAULT 1",
        "true",
        "SELECT id, c::integer::boolean FROM t",
    ),
    "text to json": retyped("text", "json", "'{\"a\": 1}'"),
    "json to jsonb": retyped("json DEFAULT '{}'", "jsonb DEFAULT '{}'", "'{\"a\": 1}'"),
    "text to array": retyped("text", "text[]", "'{a,b}'"),
    "array of other": retyped("text[]", "integer[]", "'{1,2}'"),
    "text to uuid": retyped(
        "varchar(36)", "uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"
    ),
    "text to interval": retyped("text", "interval", "'01:00:00'"),
    "checked": Case(
        table("c text CHECK (length(c) < 5)", "CREATE INDEX ix ON t (lower(c));"),
        table("c integer CHECK (c < 5)", "CREATE INDEX ix ON t ((c + 1));"),
        "INSERT INTO t VALUES (1, '2')",
        "SELECT id, c::text FROM t",
    ),
    "type of a key that others refer to": Case(
        table("", "CREATE TABLE u (t_id integer REFERENCES t)"),
        "CREATE TABLE t (id text PRIMARY KEY); CREATE TABLE u (t_id text REFERENCES t);",
        "INSERT INTO t VALUES (1); INSERT INTO u VALUES (1)",
        "SELECT id::text, t_id::text FROM t, u",
    ),
    "type under a computed column": Case(
        table("a integer, b integer GENERATED ALWAYS AS (a * 2) STORED"),
        table("a bigint, b integer GENERATED ALWAYS AS (a * 2) STORED"),
        "INSERT INTO t VALUES (1, 2)",
    ),
    # Keys from integer to bigint
    "bigint": Case(
        "CREATE TABLE t (id serial PRIMARY KEY, a text)",
        "CREATE TABLE t (id bigserial PRIMARY KEY, a text)",
        "INSERT INTO t (a) VALUES ('x')",
        said=("ALTER SEQUENCE t_id_seq AS bigint')",),
    ),
    "bigint with identity": Case(
        "CREATE TABLE t (id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, a text)",
        "CREATE TABLE t (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, a text)",
        "INSERT INTO t (a) VALUES ('x')",
    ),
    "bigint in a schema": Case(
        "CREATE TABLE shop.t (id serial PRIMARY KEY)",
        "CREATE TABLE shop.t (id bigserial PRIMARY KEY)",
        "INSERT INTO shop.t DEFAULT VALUES",
        "SELECT * FROM shop.t",
    ),
    "composite key": Case(
        table("a integer NOT NULL"),
        "CREATE TABLE t (id integer, a integer, PRIMARY KEY (id, a))",
        "INSERT INTO t VALUES (1, 2)",
    ),
    "key that others refer to": Case(
        table(
            "a integer NOT NULL UNIQUE",
            "CREATE TABLE u (a integer CONSTRAINT to_t REFERENCES t (a))",
        ),
        table(
            "a integer NOT NULL",
            "ALTER TABLE t ADD CONSTRAINT t_a_key UNIQUE (a) INCLUDE (id); CREATE TABLE u (a integer CONSTRAINT to_t REFERENCES t (a));",
        ),
        "INSERT INTO t VALUES (1, 2); INSERT INTO u VALUES (2)",
    ),
    # Sequences and identities
    "identity": Case(
        table("a text"),
        "CREATE TABLE t (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a text)",
        "INSERT INTO t VALUES (7, 'x')",
    ),
    "changed identity": Case(
        "CREATE TABLE t (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a text)",
        "CREATE TABLE t (id integer GENERATED BY DEFAULT AS IDENTITY (START WITH 5 INCREMENT BY 3 MINVALUE -7 MAXVALUE 99 CYCLE CACHE 4) PRIMARY KEY, a text)",
        "INSERT INTO t (a) VALUES ('x')",
    ),
    "serial to identity": Case(
        "CREATE TABLE t (id serial PRIMARY KEY, a text)",
        "CREATE TABLE t (id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, a text)",
        "INSERT INTO t (a) VALUES ('x')",
    ),
    "serial": Case(
        table("a text"),
        "CREATE TABLE t (id serial PRIMARY KEY, a text)",
        "INSERT INTO t VALUES (7, 'x')",
    ),
    "sequence": Case(
        table("a bigint"),
        "CREATE SEQUENCE s START WITH 100 INCREMENT BY -1 MAXVALUE 100;"
        + table("a bigint DEFAULT nextval('s')"),
        "INSERT INTO t VALUES (1, 2)",
    ),
    "changed sequence": Case(
        "CREATE SEQUENCE shop.s",
        "CREATE SEQUENCE shop.s AS integer MAXVALUE 500 CACHE 5",
        kept="SELECT 1",
    ),
    "sequence that is taken over": Case(
        "CREATE TABLE t (id serial PRIMARY KEY)",
        "CREATE SEQUENCE t_id_seq AS integer; CREATE TABLE t (id integer PRIMARY KEY DEFAULT nextval('t_id_seq'))",
        "INSERT INTO t DEFAULT VALUES",
    ),
    # Indexes
    "index": indexed("", "(a)"),
    "full-text index": indexed("", "USING gin (to_tsvector('english', b))"),
    "changed full-text index": indexed(
        "USING gin (to_tsvector('english', b))",
        "USING gin (to_tsvector('simple', b || ' :x'))",
    ),
    "operator class": indexed("(b)", "(b text_pattern_ops)"),
    "orders": indexed("(a DESC NULLS LAST, b)", "(a, b DESC)"),
    "condition": indexed("(a) WHERE a > 0", "(a) WHERE b LIKE '%:x''%'"),
    "included columns": indexed("(a)", "(a) INCLUDE (b)"),
    "method": indexed("USING btree (a)", "USING brin (a)"),
    "expression": indexed("(lower(b))", "(upper(b))"),
    "storage of an index": indexed("(a)", "(a) WITH (fillfactor = 70)"),
    "unique index": Case(
        table("a integer", "CREATE INDEX ix ON t (a)"),
        table("a integer", "CREATE UNIQUE INDEX ix ON t (a)"),
        "INSERT INTO t VALUES (1, 2)",
    ),
    "index in a schema": Case(
        "CREATE TABLE shop.t (a integer); CREATE INDEX ix ON shop.t (a)",
        "CREATE TABLE shop.t (a integer); CREATE INDEX ix ON shop.t (a DESC)",
        "INSERT INTO shop.t VALUES (1)",
        "SELECT * FROM shop.t",
    ),
    # Constraints
    "check": added(
        "a integer",
        "ALTER TABLE t ADD CONSTRAINT c CHECK (a % 2 = 0 AND a::text <> ':x')",
        "INSERT INTO t VALUES (1, 2)",
    ),
    "changed check": Case(
        table("a integer CONSTRAINT c CHECK (a > 0)"),
        table("a integer CONSTRAINT c CHECK (a > 1)"),
        "INSERT INTO t VALUES (1, 2)",
    ),
    "unique constraint": added(
        "a integer",
        "ALTER TABLE t ADD CONSTRAINT q UNIQUE (a, id) DEFERRABLE",
        "INSERT INTO t VALUES (1, 2)",
    ),
    "foreign key": Case(
        table("a integer", "CREATE TABLE shop.u (id integer PRIMARY KEY)"),
        table(
            "a integer",
            "CREATE TABLE shop.u (id integer PRIMARY KEY); ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES shop.u ON DELETE CASCADE",
        ),
        "INSERT INTO shop.u VALUES (2); INSERT INTO t VALUES (1, 2)",
    ),
    "exclusion constraint": added(
        "room integer, days daterange",
        f"ALTER TABLE t ADD CONSTRAINT x {IN_DAYS}",
        "INSERT INTO t VALUES (1, 2, NULL)",
    ),
    "changed exclusion constraint": Case(
        table(f"room integer, days daterange, CONSTRAINT x {IN_DAYS}"),
        table(f"room integer, days daterange, CONSTRAINT x {IN_DAYS} WHERE (room > 0)"),
        "INSERT INTO t VALUES (1, 2, NULL)",
    ),
    "cycle": Case(
        table("a integer", "CREATE TABLE u (id integer PRIMARY KEY, b integer)"),
        table(
            "a integer",
            "CREATE TABLE u (id integer PRIMARY KEY, b integer REFERENCES t); ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES u",
        ),
        "INSERT INTO u VALUES (2); INSERT INTO t VALUES (1, 2)",
    ),
    # Computed columns
    "computed": Case(
        table("a integer, b integer"),
        table("a integer, b integer GENERATED ALWAYS AS (a * 2) STORED"),
        "INSERT INTO t VALUES (1, 2, 4)",
    ),
    "changed computed": Case(
        table(
            "a integer, b text GENERATED ALWAYS AS (a || ':x') STORED NOT NULL",
            "CREATE INDEX ix ON t (b); COMMENT ON COLUMN t.b IS 'x'",
        ),
        table(
            "a integer, b text GENERATED ALWAYS AS (a || '%') STORED NOT NULL",
            "CREATE INDEX ix ON t (b); COMMENT ON COLUMN t.b IS 'x'",
        ),
        "INSERT INTO t VALUES (1, 2)",
        "SELECT id, a FROM t",
    ),
    # Enums
    "enum": Case(table("mood text"), mood("calm glad", "mood mood"), MOODY, MOOD),
    "enum with default": Case(
        table("mood varchar(9) DEFAULT 'calm' NOT NULL"),
        mood("calm glad", "mood mood DEFAULT 'calm' NOT NULL"),
        MOODY,
        MOOD,
    ),
    "value at the end": Case(
        mood("calm", "mood mood"),
        mood("calm glad sad", "mood mood"),
        MOODY,
        MOOD,
        ("ADD VALUE 'glad'\"", "ADD VALUE 'sad'\""),
    ),
    "value in the middle": Case(
        mood("calm sad", "mood mood"),
        mood("new calm a:b glad sad", "mood mood"),
        MOODY,
        MOOD,
        ("BEFORE 'calm'", "AFTER 'calm'", "AFTER 'a:b'"),
    ),
    "value that is used": Case(
        mood("calm", "mood mood DEFAULT 'calm'"),
        mood("calm glad", "mood mood DEFAULT 'glad'"),
        MOODY,
        MOOD,
    ),
    "order of values": Case(
        mood("calm glad", "mood mood"), mood("glad calm", "mood mood"), MOODY, MOOD
    ),
    "value that others use": Case(
        USED.format("sad"),
        USED.format("glad"),
        "INSERT INTO t VALUES (1, 'calm', '{calm}'); INSERT INTO shop.u VALUES ('calm')",
        "SELECT id, t.mood::text, u.mood::text FROM t, shop.u",
    ),
    "enums that are compared": Case(
        mood(
            "calm sad",
            "mood mood, last mood, CHECK (mood > last), is_calm boolean GENERATED ALWAYS AS (mood = 'calm') STORED",
        ),
        mood(
            "calm glad",
            "mood mood, last mood, CHECK (mood > last), is_calm boolean GENERATED ALWAYS AS (mood = 'calm') STORED",
        ),
        MOODY,
        MOOD,
    ),
    "enums that refer": Case(
        mood("calm sad", "mood mood UNIQUE, last mood REFERENCES t (mood)"),
        mood("calm glad", "mood mood UNIQUE, last mood REFERENCES t (mood)"),
        "INSERT INTO t VALUES (1, 'calm', 'calm')",
        MOOD,
    ),
    "enum under a function": Case(
        mood("calm sad", "mood mood, CHECK (enum_last(mood) IS NOT NULL)"),
        mood("calm glad", "mood mood, CHECK (enum_last(mood) IS NOT NULL)"),
        MOODY,
        MOOD,
    ),
    "enum with another name": Case(
        mood("calm sad", "mood mood DEFAULT 'sad' CHECK (mood < 'sad')"),
        mood("calm sad", "mood mood DEFAULT 'sad' CHECK (mood < 'sad')")
        .replace(" mood AS", " feeling AS")
        .replace("mood mood", "mood feeling"),
        MOODY,
        MOOD,
    ),
    "enum with another name and value": Case(
        mood("calm sad", "mood mood DEFAULT 'sad'"),
        "CREATE TYPE shop.\"Mood\" AS ENUM ('calm');"
        + table("mood shop.\"Mood\" DEFAULT 'calm'"),
        MOODY,
        MOOD,
    ),
    "enum of a column": Case(
        mood("calm sad", "mood mood, a integer"),
        table("a integer"),
        "INSERT INTO t VALUES (1, NULL, 2)",
        "SELECT id, a FROM t",
    ),
    # Tables
    "table": Case(
        "SELECT 1",
        mood("calm", "a serial, mood mood UNIQUE REFERENCES t (mood)"),
        kept="SELECT 1",
    ),
    "partitions": Case(
        table("a integer"),
        table(
            "a integer",
            "CREATE TABLE p (a integer PRIMARY KEY, b text NOT NULL DEFAULT 'x') PARTITION BY RANGE (a); CREATE INDEX ip ON p (b);",
        ),
        "INSERT INTO t VALUES (1, 2)",
    ),
}


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
    connection.commit()
    done = change(connection, after)
    assert texts(ADAPTER.describe_tables(connection)) == texts(after), done
    for word in case.said:
        assert word in "\n".join(done)
    assert [*connection.exec_driver_sql(case.kept.replace("%", "%%"))] == rows
    done = change(connection, before)
    assert texts(ADAPTER.describe_tables(connection)) == texts(before), done
    assert [*connection.exec_driver_sql(case.kept.replace("%", "%%"))] == rows


MEMBERS = """
    CREATE VIEW v AS SELECT 1;
    CREATE SEQUENCE s;
    ALTER EXTENSION btree_gist ADD TABLE t;
    ALTER EXTENSION btree_gist ADD VIEW v;
    ALTER EXTENSION btree_gist ADD SEQUENCE s;
    ALTER EXTENSION btree_gist ADD TYPE mood;
"""
ALIKE = {
    "added column": (
        table("a varchar(5) DEFAULT 'x' NOT NULL, b text"),
        table("b text", "ALTER TABLE t ADD a varchar(5) NOT NULL DEFAULT 'x'"),
    ),
    "altered column": (
        table("a bigint DEFAULT 5 NOT NULL"),
        table(
            "a integer",
            "ALTER TABLE t ALTER a TYPE bigint, ALTER a SET DEFAULT 5, ALTER a SET NOT NULL",
        ),
    ),
    "serial": (
        "CREATE TABLE t (id serial PRIMARY KEY)",
        "CREATE SEQUENCE other AS integer; CREATE TABLE t (id integer NOT NULL DEFAULT nextval('other') PRIMARY KEY); ALTER SEQUENCE other OWNED BY t.id",
    ),
    "renamed serial": (
        "CREATE TABLE t (id serial PRIMARY KEY)",
        "CREATE TABLE u (id serial, CONSTRAINT t_pkey PRIMARY KEY (id)); ALTER TABLE u RENAME TO t",
    ),
    "serial enlarged": (
        "CREATE TABLE t (id bigserial PRIMARY KEY)",
        "CREATE TABLE t (id serial PRIMARY KEY); ALTER TABLE t ALTER id TYPE bigint; ALTER SEQUENCE t_id_seq AS bigint",
    ),
    "identity enlarged": (
        "CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY)",
        "CREATE TABLE t (id integer GENERATED ALWAYS AS IDENTITY); ALTER TABLE t ALTER id TYPE bigint",
    ),
    "rows": (
        "CREATE TABLE t (id serial PRIMARY KEY)",
        "CREATE TABLE t (id serial PRIMARY KEY); INSERT INTO t DEFAULT VALUES; ANALYZE t",
    ),
    "spelling of a check": (
        table("a integer, CONSTRAINT c CHECK (a IN (1, 2))"),
        table(
            "a int", "ALTER TABLE t ADD CONSTRAINT c CHECK (((a)) = ANY (ARRAY[1,2]))"
        ),
    ),
    "spelling of an index": (
        table("a text", "CREATE INDEX ix ON t (a) WHERE a LIKE 'x%'"),
        table(
            "a text",
            "CREATE INDEX ix ON public.t USING btree (\"a\" ASC NULLS LAST) WHERE ((t.a ~~ 'x%'::text))",
        ),
    ),
    "spelling of types": (
        table("a varchar, b timestamptz, c decimal(5, 2)"),
        table("a character varying, b timestamp with time zone, c numeric(5,2)"),
    ),
    "key made in place": (
        table("a integer REFERENCES t"),
        table(
            "a integer", "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES public.t (id)"
        ),
    ),
    "schema that is the default one": (
        table("a integer REFERENCES t"),
        "CREATE TABLE public.t (id integer PRIMARY KEY, a integer REFERENCES public.t (id))",
    ),
    "enum with an added value": (
        mood("a b c", "mood mood DEFAULT 'a'"),
        mood("a c", "mood mood DEFAULT 'a'")
        + "ALTER TYPE mood ADD VALUE 'b' BEFORE 'c'",
    ),
    "renamed enum": (
        mood("a b", "mood mood DEFAULT 'a'"),
        "CREATE TYPE x AS ENUM ('a', 'b');"
        + table("mood x DEFAULT 'a'", "ALTER TYPE x RENAME TO mood"),
    ),
    "partitions": (
        "CREATE TABLE t (a integer PRIMARY KEY REFERENCES t) PARTITION BY RANGE (a); CREATE INDEX ix ON t (a)",
        "CREATE TABLE t (a integer PRIMARY KEY REFERENCES t) PARTITION BY RANGE (a); CREATE INDEX ix ON t (a); CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (1) TO (2); ALTER TABLE t1 ADD CHECK (a > 0)",
    ),
    "what is not compared": (
        table("a integer"),
        table(
            "a integer",
            "CREATE TYPE mood AS ENUM ('a'); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE CONSTRAINT TRIGGER f AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f(); ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON t; GRANT SELECT ON t TO public; CREATE TEMPORARY TABLE x (a mood)",
        ),
    ),
    "what belongs to an extension": (
        "SELECT 1",
        mood("a", "a serial, mood mood") + MEMBERS,
    ),
}
DIFFERENT = {
    "missing sequence": (
        "CREATE TABLE t (id bigserial)",
        "CREATE TABLE t (id serial); ALTER TABLE t ALTER id TYPE bigint",
        "sequence",
    ),
    "sequence of another": (
        "CREATE TABLE t (id serial)",
        "CREATE SEQUENCE s AS integer; CREATE TABLE t (id serial); ALTER TABLE t ALTER id SET DEFAULT nextval('s')",
        "default",
    ),
    "schema": ("CREATE TABLE t (a integer)", "CREATE TABLE shop.t (a integer)", ""),
    "target": (
        table(
            "a integer",
            "CREATE TABLE u (id integer PRIMARY KEY); ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES t",
        ),
        table(
            "a integer",
            "CREATE TABLE u (id integer PRIMARY KEY); ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES u",
        ),
        "",
    ),
    "key that is not validated": (
        table(
            "a integer", "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES t"
        ),
        table(
            "a integer",
            "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES t NOT VALID",
        ),
        "",
    ),
    "action": (
        table("a integer REFERENCES t"),
        table("a integer REFERENCES t ON DELETE SET NULL"),
        "",
    ),
    "index that is not valid": (
        table("a integer", "CREATE INDEX ix ON t (a)"),
        table(
            "a integer",
            "CREATE INDEX ix ON t (a); UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix'::regclass",
        ),
        "",
    ),
    "view": ("CREATE VIEW v AS SELECT 1 AS a", "CREATE VIEW v AS SELECT 2 AS a", ""),
    "materialized view": (
        "CREATE VIEW v AS SELECT 1 AS a",
        "CREATE MATERIALIZED VIEW v AS SELECT 1 AS a",
        "",
    ),
    "length": (table("a varchar(5)"), table("a varchar(6)"), "type"),
}


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
    plain, named = ADAPTER.words(key, before, after)
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
    assert differences(ADAPTER.describe_tables(connection), after) == []
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
    assert ADAPTER.obstacles(ValueError(), Key(None, "t", "table"), before) == []


@given(text=st.text(alphabet=":\\ax '%_1\n.", max_size=12))
@example(text="a::b :c \\:d \\\\:e :f:g :h::i \\:j:k ::l :: :")
def test_statements_are_run_as_they_are(text: str) -> None:
    operation: Any = as_operation(text)
    make: Any = postgresql.dialect
    dialect = make(paramstyle="named")
    assert str(sa.text(operation.sqltext).compile(dialect=dialect)) == text


def test_time_grows_with_the_number_of_tables_alone(connection: Connection) -> None:
    columns = ", ".join(f"c{number} text DEFAULT 'x'" for number in range(8))
    times = []
    for tables in (50, 250):
        build(connection, "")
        for number in range(tables):
            more = f"CREATE INDEX ON t (lower(c1)) WHERE c2 > 'x'; COMMENT ON TABLE t IS 'x'; ALTER TABLE t ADD z text GENERATED ALWAYS AS (c1 || c2) STORED, ADD y serial; ALTER TABLE t RENAME TO t{number}"
            connection.exec_driver_sql(table(columns, more))
        connection.commit()
        taken = []
        for _ in range(3):
            begin = perf_counter()
            ADAPTER.describe_tables(connection)
            taken.append(perf_counter() - begin)
        times.append(min(taken))
    assert times[1] < times[0] * 12
