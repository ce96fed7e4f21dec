"""Batch mode keeps what SQLAlchemy does not see of a table, whatever it changes of it."""

from __future__ import annotations

import sqlite3
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from harness import IS_NEWEST

from alembic_steady.adapters.description import Key
from alembic_steady.adapters.sqlite.adapter import SQLiteAdapter
from alembic_steady.adapters.sqlite.creation import statement
from alembic_steady.adapters.sqlite.describe import describe_table
from alembic_steady.adapters.sqlite.merge import Checks, merged, renamed

ADAPTER = SQLiteAdapter()
PARENT = "CREATE TABLE p (id INTEGER PRIMARY KEY, n TEXT UNIQUE)"
TABLE = """CREATE TABLE t (
    id INTEGER NOT NULL,
    a INTEGER NOT NULL ON CONFLICT IGNORE CHECK (a > 0),
    b TEXT COLLATE NOCASE DEFAULT ('x' || 'y') UNIQUE ON CONFLICT REPLACE,
    p INTEGER REFERENCES p ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    q TEXT REFERENCES p (n) ON UPDATE CASCADE,
    g INT GENERATED ALWAYS AS (a * 2) STORED,
    h INT AS (a + 1),
    j TEXT DEFAULT "str" NOT NULL, -- a string, (since there is no such column
    "odd name" INTEGER DEFAULT -5 CHECK ("odd name" <> 0),
    d BOOLEAN CHECK (d IN (0, 1)),
    CHECK (a < 100),
    CONSTRAINT named CHECK (b <> ''),
    PRIMARY KEY (id ASC),
    UNIQUE (a, b),
    CONSTRAINT pair UNIQUE (q, j)
)"""
COUNTS = TABLE.replace("id INTEGER NOT NULL", "id INTEGER PRIMARY KEY AUTOINCREMENT")
TABLES = {
    "plain": TABLE,
    "counts": COUNTS.replace("    PRIMARY KEY (id ASC),\n", ""),
    "counts below": TABLE.replace("(id ASC)", "(id AUTOINCREMENT)"),
    # SQLAlchemy 2.0 fails to read a table with options and line breaks.
    "options": TABLE.replace("BOOLEAN", "ANY")
    + (" STRICT, WITHOUT ROWID" if IS_NEWEST else ""),
}
CHANGES: dict[str, tuple[Callable[[Any], Any], set[str], set[str]]] = {
    "added column": (
        lambda table: table.add_column(sa.Column("new", sa.Integer)),
        set(),
        {"column t.new"},
    ),
    "dropped column": (
        lambda table: table.drop_column("p"),
        {"column t.p", "foreign key t.(p) references p on delete cascade"},
        set(),
    ),
    "column with checks": (
        lambda table: table.drop_column("odd name"),
        {"column t.odd name", 'check t."odd name" <> 0'},
        set(),
    ),
    "type with a check": (
        lambda table: table.alter_column("d", type_=sa.String(5)),
        {"check t.d in (0, 1)", "type of column t.d"},
        {"type of column t.d"},
    ),
    "type of a column with another check": (
        lambda table: table.alter_column("a", type_=sa.BigInteger()),
        {"type of column t.a"},
        {"type of column t.a"},
    ),
    "type with its own check": (
        lambda table: table.alter_column(
            "d", type_=sa.Boolean(create_constraint=True, name="own")
        ),
        {"check t.d in (0, 1)"},
        {"check t.own"},
    ),
    "type with a collation": (
        lambda table: table.alter_column("b", type_=sa.String(5)),
        {"type of column t.b"},
        {"type of column t.b"},
    ),
    "default": (
        lambda table: table.alter_column("b", server_default=None),
        {"default of column t.b"},
        set(),
    ),
    "nullable": (
        lambda table: table.alter_column("a", nullable=True),
        {"nullable of column t.a"},
        {"nullable of column t.a"},
    ),
    "dropped check": (
        lambda table: table.drop_constraint("named", type_="check"),
        {"check t.named"},
        set(),
    ),
    "dropped unique constraint": (
        lambda table: table.drop_constraint("pair", type_="unique"),
        {"unique constraint t.pair"},
        set(),
    ),
    "other constraints of the same names": (
        lambda table: (
            table.drop_constraint("named", type_="check"),
            table.create_check_constraint("named", sa.text("b <> 'x'")),
            table.drop_constraint("pair", type_="unique"),
            table.create_unique_constraint("pair", ["j", "q"]),
        ),
        {"check t.named", "unique constraint t.pair"},
        {"check t.named", "unique constraint t.pair"},
    ),
    "added constraints": (
        lambda table: (
            table.create_unique_constraint("again", ["b"]),
            table.create_check_constraint("more", sa.text("a > 4")),
            table.create_unique_constraint("one", ["j"]),
            table.create_foreign_key("own", "t", ["g"], ["id"]),
        ),
        set(),
        {
            "check t.more",
            "unique constraint t.again",
            "unique constraint t.one",
            "foreign key t.own",
        },
    ),
}


def rebuild(table: str, change: Callable[[Any], Any], **options: Any) -> list[set[str]]:
    """Return the words for what a batch takes away, and for what it brings."""
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for sql in (PARENT, table, "CREATE INDEX ix ON t (lower(b))"):
            connection.exec_driver_sql(sql)
        connection.exec_driver_sql("INSERT INTO t (id, a, p) VALUES (7, 5, 1)")
        before = ADAPTER.describe_tables(connection)
        operations = Operations(MigrationContext.configure(connection))
        with operations.batch_alter_table("t", recreate="always", **options) as batch:
            change(batch)
        after = ADAPTER.describe_tables(connection)
        rows = connection.exec_driver_sql("SELECT id, a, g, h FROM t").all()
        assert [tuple(row) for row in rows] == [(7, 5, 10, 6)]
    engine.dispose()
    return [
        {
            key.words
            for key, part in one.items()
            if (key not in other or other[key].text != part.text)
            # A column says it for its aspects.
            and (not key.aspect or key._replace(aspect="") in other)
        }
        for one, other in ((before, after), (after, before))
    ]


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("table", TABLES)
def test_nothing_else_changes(table: str, name: str) -> None:
    change, gone, new = CHANGES[name]
    if table == "options" and name.startswith("type"):
        return  # STRICT does not know the type.
    gone = {it.replace("references p on", "references p (id) on") for it in gone}
    found = rebuild(TABLES[table], change)
    lost = {it.partition(" deferrable")[0] for it in found[0]}
    assert [lost, found[1]] == [gone, new]


def test_two_columns_swap_their_names() -> None:
    sql = "CREATE TABLE t (a INT UNIQUE, b INT CHECK (b > 0), CHECK (a < b))"
    assert renamed(sql, {"a": "b", "b": "a"}) == (
        "CREATE TABLE t (b INT UNIQUE, a INT CHECK (a > 0), CHECK (b < a))"
    )
    # SQLite can't read it without the function.
    sql = "CREATE TABLE t (a INT, b INT GENERATED ALWAYS AS (own(a)))"
    assert renamed(sql, {"a": "c"}) == sql


@pytest.mark.parametrize("name", TABLES)
def test_a_renamed_column_keeps_all(name: str) -> None:
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for sql in (PARENT, TABLES[name], "CREATE INDEX ix ON t (a, b)"):
            connection.exec_driver_sql(sql)
        before = ADAPTER.describe_tables(connection)
        operations = Operations(MigrationContext.configure(connection))
        for old, new in (("b", "Code"), ("Code", "b")):
            with operations.batch_alter_table("t", recreate="always") as batch:
                batch.alter_column(old, new_column_name=new)
            after = ADAPTER.describe_tables(connection)
            assert Key(None, "t", "column", new, "collation") in after
        texts = [{key: it.text for key, it in one.items()} for one in (before, after)]
        assert texts[0] == texts[1]
    engine.dispose()


def test_a_table_by_another_spelling_and_a_temporary_one() -> None:
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for sql in ("TABLE Own (a INT, CHECK (a > 0))", "TEMP TABLE brief (a INT)"):
            connection.exec_driver_sql(f"CREATE {sql}")
        connection.exec_driver_sql("CREATE INDEX ix ON own (lower(a))")
        operations = Operations(MigrationContext.configure(connection))
        for name in ("OWN", "brief"):
            with operations.batch_alter_table(name, recreate="always") as batch:
                batch.add_column(sa.Column("b", sa.Integer))
        words = {key.words for key in ADAPTER.describe_tables(connection)}
        assert {"check OWN.a > 0", "column OWN.b", "index OWN.ix"} <= words
    engine.dispose()


def test_a_check_that_goes_is_told() -> None:
    stored = "CREATE TABLE t (d BOOLEAN CHECK (d IN (0, 1)))"
    unchanged, changed = (f"CREATE TABLE x (d {it})" for it in ("BOOLEAN", "INT"))
    told = r"of table t goes with the type of its column: CHECK \(d IN \(0, 1\)\); to"
    with pytest.warns(UserWarning, match=told):
        merged("t", stored, unchanged, changed, Checks())
    assert merged("t", stored, unchanged, changed, Checks(are_told=True)) == (
        "CREATE TABLE x (\n\td INT\n)"
    )


def test_checks_that_the_revision_says_itself() -> None:
    told = {"table_args": (sa.CheckConstraint("a < 200"),)}
    gone, new = rebuild(TABLE, lambda _: None, **told)
    assert gone == {
        "check t.a > 0",
        "check t.a < 100",
        "check t.d in (0, 1)",
        'check t."odd name" <> 0',
    }
    assert new == {"check t.a < 200"}


def test_names_of_a_convention_that_a_revision_has_for_it() -> None:
    """Later revisions may drop constraints by these names."""
    convention = {"fk": "fk_%(table_name)s_%(column_0_name)s"}
    gone, new = rebuild(TABLE, lambda _: None, naming_convention=convention)
    assert {it.partition(" (")[0] for it in gone} == {
        "foreign key t.(p) references p",
        "foreign key t.(q) references p",
    }
    assert new == {"foreign key t.fk_t_p", "foreign key t.fk_t_q"}

    def drop(table: Any) -> None:
        table.drop_constraint("fk_t_p", type_="foreignkey")

    gone, new = rebuild(TABLE, drop, naming_convention=convention)
    assert new == {"foreign key t.fk_t_q"}
    assert len(gone) == 2


MORE = "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a INT, CHECK (a > 9))"


@pytest.mark.parametrize("name", TABLES)
def test_a_statement_made_of_parts_says_the_same(name: str) -> None:
    stored, more = describe_table("t", TABLES[name]), describe_table("t", MORE)
    added = {key: part for key, part in more.items() if key.kind == "check"}
    if name != "options":
        added |= {it: part for it, part in more.items() if it.aspect == "autoincrement"}
    after = {**stored, **added}
    created = statement(next(iter(stored)), after)
    # What a foreign key does not name is looked up elsewhere.
    columns = ("\0 ", "")
    said, expected = (
        {key.words.replace(*columns): part.text.replace(*columns) for key, part in it}
        for it in (describe_table("t", created).items(), after.items())
    )
    assert said == expected
    with sqlite3.connect(":memory:") as connection:
        connection.execute(created)
    connection.close()
