"""What SQLite has stored builds the same once more, and what is refused is named."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from alembic_steady.adapters.dump import Dump
from alembic_steady.adapters.sqlite.adapter import SQLiteAdapter

ADAPTER = SQLiteAdapter()
SCHEMAS = {
    "virtual tables": (
        "CREATE VIRTUAL TABLE f USING fts5(a, b)",
        "CREATE VIRTUAL TABLE g USING fts4(a)",
        "CREATE VIRTUAL TABLE r USING rtree(id, x0, x1)",
        "CREATE TABLE f_more (i INT)",
    ),
    "names like the system's": (
        "CREATE TABLE sqlitex (i INT)",
        "CREATE TABLE SqliteY (i INT)",
        'CREATE TABLE "a ""b"" %s :x" ("c `d`" INT, [e f] INT)',
        'CREATE INDEX "i %(a)s" ON "a ""b"" %s :x" ("c `d`")',
    ),
    "views": (
        "CREATE TABLE t (i INT, j INT)",
        "CREATE VIEW z AS SELECT i FROM t -- of t",
        "CREATE VIEW a AS SELECT * FROM z",
        "CREATE VIEW m (x) AS WITH n AS (SELECT 1) SELECT * FROM n, a",
        "CREATE TRIGGER on_z INSTEAD OF INSERT ON z BEGIN INSERT INTO t VALUES (1, 2); END",
    ),
    "triggers": (
        "CREATE TABLE t (i INT)",
        (
            "CREATE TRIGGER one AFTER UPDATE OF i ON t WHEN new.i > 1 BEGIN\n"
            "  -- first; then\n  DELETE FROM t WHERE i = 2;\n  SELECT raise(ABORT, 'no;');\nEND"
        ),
    ),
    "tables": (
        "CREATE TABLE s (i INTEGER PRIMARY KEY AUTOINCREMENT, a ANY) STRICT",
        "CREATE TABLE w (i INT PRIMARY KEY, c TEXT COLLATE NOCASE) WITHOUT ROWID",
        (
            "CREATE TABLE g (i INT CHECK (i > 0), d INT GENERATED ALWAYS AS (i * 2),"
            " p TEXT DEFAULT (datetime('now')) UNIQUE ON CONFLICT REPLACE,"
            " q INT AS (i + 1) STORED, untyped)"
        ),
        "CREATE TABLE c (i INT PRIMARY KEY REFERENCES d ON DELETE CASCADE DEFERRABLE)",
        "CREATE TABLE d (i INTEGER PRIMARY KEY REFERENCES c)",
        "CREATE UNIQUE INDEX i1 ON g (lower(p), i DESC) WHERE i > 3",
        "CREATE INDEX i2 ON g (p COLLATE NOCASE)",
    ),
    "a table that was rebuilt": (
        "CREATE TABLE t (i INT)",
        "CREATE VIEW v AS SELECT i FROM t",
        "PRAGMA legacy_alter_table = ON",
        "CREATE TABLE n (i INT, j INT)",
        "DROP TABLE t",
        "ALTER TABLE n RENAME TO t",
        "CREATE INDEX k ON t (j)",
    ),
}


def run(file: Path, *statements: str) -> None:
    """Run statements on a file."""
    with closing(sqlite3.connect(file)) as raw:
        raw.create_function("own", 1, lambda it: it, deterministic=True)
        raw.create_collation("icu", lambda a, b: (a > b) - (a < b))
        for statement in statements:
            raw.execute(statement)
        raw.commit()


def dump(file: Path, without: str = "") -> Dump:
    """Read a file, but one of its tables."""
    with ADAPTER.connect(sa.make_url(f"sqlite:///{file}")) as connection:
        return ADAPTER.dump(connection, lambda schema, table: table != without)


@pytest.fixture
def scratch() -> Iterator[sa.Connection]:
    with ADAPTER.scratch_connection(lambda: None, list) as connection:
        yield connection


def texts(dumped: Dump) -> list[Any]:
    """Return what is dumped, whatever the order."""
    return sorted(dumped.entries)


@pytest.mark.parametrize("name", SCHEMAS)
def test_what_is_restored_is_dumped_in_the_same_words(
    tmp_path: Path, scratch: sa.Connection, name: str
) -> None:
    file = tmp_path / "a.db"
    run(file, *SCHEMAS[name])
    before = file.read_bytes()
    dumped = dump(file)
    first = texts(dumped)
    changes = [it.split()[0] for it in SCHEMAS[name]]
    assert len(first) == changes.count("CREATE") - changes.count("DROP")
    assert ADAPTER.restore(scratch, dumped) == []
    assert texts(ADAPTER.dump(scratch, lambda schema, table: True)) == first
    assert file.read_bytes() == before


def test_what_belongs_to_an_unwanted_table_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    run(
        file,
        "CREATE TABLE t (i INT)",
        "CREATE INDEX k ON t (i)",
        "CREATE TRIGGER r AFTER DELETE ON t BEGIN SELECT 1; END",
        "CREATE TABLE u (i INT)",
    )
    assert [entry.name for entry in dump(file, without="t").entries] == ["u"]


REFUSED = {
    "CREATE INDEX x ON t (own(c))": "index x: no such function: own",
    "CREATE INDEX x ON t (c COLLATE icu)": "index x: no such collation sequence: icu",
    "CREATE TABLE x (c TEXT COLLATE icu)": "table x: no such collation sequence: icu",
    "CREATE TABLE x (c TEXT, CHECK (own(c) = 1))": "table x: no such function: own",
    "CREATE TABLE x (c TEXT, d AS (own(c)))": "table x: no such function: own",
}


@pytest.mark.parametrize("statement", REFUSED)
def test_what_needs_the_application_is_named_and_the_rest_is_there(
    tmp_path: Path, scratch: sa.Connection, statement: str
) -> None:
    file = tmp_path / "a.db"
    run(file, "CREATE TABLE t (c TEXT)", statement, "CREATE TABLE u (i INT)")
    dumped = dump(file)
    assert [*map(str, ADAPTER.restore(scratch, dumped))] == [REFUSED[statement]]
    assert [entry.name for entry in dumped.entries] == ["t", "u"]
    found = scratch.exec_driver_sql("SELECT name FROM sqlite_master").scalars()
    assert [*found] == ["t", "u"]


ACCEPTED = (
    "CREATE VIEW x AS SELECT own(c) FROM t",
    "CREATE TRIGGER x AFTER DELETE ON t BEGIN SELECT own(1); END",
)


@pytest.mark.parametrize("statement", ACCEPTED)
def test_what_the_application_brings_later_is_kept(
    tmp_path: Path, scratch: sa.Connection, statement: str
) -> None:
    file = tmp_path / "a.db"
    run(file, "CREATE TABLE t (c TEXT)", statement)
    dumped = dump(file)
    assert ADAPTER.restore(scratch, dumped) == []
    assert dumped.entries[-1].sql == statement
