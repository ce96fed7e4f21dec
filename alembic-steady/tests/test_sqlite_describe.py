"""What SQLite says of tables: what is alike, what is not, and how one becomes the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from harness import IS_NEWEST
from hypothesis import given
from hypothesis import strategies as st

from alembic_steady.adapters.description import Description, differences
from alembic_steady.adapters.sqlite.adapter import SQLiteAdapter
from alembic_steady.adapters.statement import Statement

ADAPTER = SQLiteAdapter()
Script = list[str]

ALIKE: dict[str, tuple[Script, Script]] = {
    "added column": (
        ["CREATE TABLE t (a INT, CHECK (a > 0))", "ALTER TABLE t ADD COLUMN b INT"],
        ["CREATE TABLE t (b INT, a INT, CHECK (a > 0))"],
    ),
    "added column with all that can be added": (
        [
            "CREATE TABLE t (a INT, PRIMARY KEY (a))",
            (
                "ALTER TABLE t ADD COLUMN b TEXT CONSTRAINT few CHECK (b <> ',')"
                " COLLATE NOCASE DEFAULT ')' NOT NULL"
            ),
            "ALTER TABLE t ADD c INT REFERENCES t (a) ON DELETE SET NULL",
        ],
        [
            (
                "CREATE TABLE t (a INT, b TEXT DEFAULT (')') NOT NULL COLLATE nocase, c INT,"
                " FOREIGN KEY(c) REFERENCES t (a) ON DELETE SET NULL,"
                " CONSTRAINT few CHECK (b <> ','), PRIMARY KEY (a))"
            )
        ],
    ),
    "inline constraints": (
        [
            (
                "CREATE TABLE t (a VARCHAR(5) PRIMARY KEY, b INT UNIQUE CHECK ((b > 0)),"
                " c INT CONSTRAINT fk REFERENCES t(a) ON UPDATE SET DEFAULT"
                " NOT DEFERRABLE INITIALLY IMMEDIATE NOT NULL CONSTRAINT uq UNIQUE)"
            )
        ],
        [
            (
                "CREATE TABLE t (a VARCHAR(5), b INT, c INT NOT NULL,"
                " CONSTRAINT uq UNIQUE (c), CHECK (b > 0), PRIMARY KEY (a), UNIQUE (b),"
                " CONSTRAINT fk FOREIGN KEY (c) REFERENCES t (a) ON UPDATE SET DEFAULT"
                " NOT DEFERRABLE INITIALLY IMMEDIATE)"
            )
        ],
    ),
    "key that is the number of a row": (
        ["CREATE TABLE t (id INTEGER PRIMARY KEY)"],
        ["CREATE TABLE t (id INTEGER NOT NULL, PRIMARY KEY (id))"],
    ),
    "key that counts": (
        ["CREATE TABLE t (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT)"],
        ["CREATE TABLE t (id INTEGER, PRIMARY KEY (id AUTOINCREMENT))"],
    ),
    "key without numbers of rows": (
        ["CREATE TABLE t (a TEXT PRIMARY KEY) WITHOUT ROWID, STRICT"],
        ["CREATE TABLE t (a TEXT NOT NULL, PRIMARY KEY (a)) strict,without  rowid"],
    ),
    "quotes, case, blanks and comments": (
        [
            (
                'CREATE TABLE "user" ("check" int, [a b] Numeric( 5,2 ), `group` text,'
                ' UNIQUE("check", [a b]), CHECK("check">0))'
            ),
            'CREATE INDEX "ix" ON "user"(`check`,"a b"desc)',
        ],
        [
            (
                "create table 'user' ( -- these, (are\n`check` INT /* kept) */,"
                ' "a b" NUMERIC(5, 2), [group] TEXT, unique ("Check", "A B"),'
                ' check ("check" > 0))'
            ),
            'CREATE INDEX IF NOT EXISTS ix ON user ("check", "a b" DESC)',
        ],
    ),
    "names in the quotes of strings": (
        [
            "CREATE TABLE 't' ('Id' INTEGER, a REFERENCES 't' ('Id'), PRIMARY KEY ('Id'))"
        ],
        ["CREATE TABLE t (Id INTEGER PRIMARY KEY, a REFERENCES t (Id))"],
    ),
    "commas left out": (
        ["CREATE TABLE t (a INT, CHECK (a > 0) CONSTRAINT b UNIQUE (a))"],
        ["CREATE TABLE t (a INT, CHECK (a > 0), CONSTRAINT b UNIQUE (a))"],
    ),
    "parentheses around defaults": (
        [
            "CREATE TABLE t (a INT DEFAULT (-5), b TEXT DEFAULT (('x)')), c DEFAULT (NULL))"
        ],
        ["CREATE TABLE t (a INT DEFAULT -5, b TEXT DEFAULT 'x)', c DEFAULT null)"],
    ),
    "computed column": (
        ["CREATE TABLE t (a INT, b NUMERIC(5, 2) AS (a || ',)') STORED)"],
        [
            "CREATE TABLE t (a INT, b NUMERIC(5, 2) GENERATED ALWAYS AS (\"a\"||',)') stored)"
        ],
    ),
    "computed column that is not stored": (
        ["CREATE TABLE t (a INT, b INT AS (a * 2))"],
        ["CREATE TABLE t (a INT, b INT GENERATED ALWAYS AS (a * 2) VIRTUAL)"],
    ),
    "renamed table and column": (
        [
            "CREATE TABLE s (b INT, c INT REFERENCES s (b), CHECK (b > 0))",
            "CREATE INDEX ix ON s (b)",
            "ALTER TABLE s RENAME TO t",
            "ALTER TABLE t RENAME COLUMN b TO a",
        ],
        [
            "CREATE TABLE t (a INT, c INT REFERENCES t (a), CHECK (a > 0))",
            "CREATE INDEX ix ON t (a)",
        ],
    ),
    "actions of foreign keys": (
        [
            "CREATE TABLE p (a INT, Id INT, PRIMARY KEY (Id, a))",
            (
                "CREATE TABLE t (a INT, b INT, FOREIGN KEY (b, a) REFERENCES P ON UPDATE"
                " NO ACTION MATCH FULL ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED)"
            ),
            "CREATE TABLE s (a INT REFERENCES none ON UPDATE CASCADE ON DELETE RESTRICT)",
        ],
        [
            "CREATE TABLE p (a INT, Id INT, PRIMARY KEY (Id, a))",
            (
                "CREATE TABLE t (a INT, b INT, FOREIGN KEY (b, a) REFERENCES p (id, A)"
                " ON DELETE CASCADE MATCH FULL DEFERRABLE INITIALLY DEFERRED)"
            ),
            "CREATE TABLE s (a INT REFERENCES none ON DELETE RESTRICT ON UPDATE CASCADE)",
        ],
    ),
    "checks of one name": (
        [
            "CREATE TABLE t (a INT, CONSTRAINT b CHECK (a > 0), CONSTRAINT b CHECK (a < 9))"
        ],
        [
            "CREATE TABLE t (a INT, CONSTRAINT b CHECK (a < 9), CONSTRAINT b CHECK (a > 0))"
        ],
    ),
}

# SQLAlchemy 2.0 takes the first for a parameter.
IN_LOWER, IN_UPPER = ("%(y)s", "%(Y)s") if IS_NEWEST else ("%s (y)", "%s (Y)")
WHOLE = [
    f"""CREATE TABLE "order" (
        id INTEGER NOT NULL,
        parent_id INTEGER,
        name VARCHAR(50) DEFAULT 'it''s 100% (a), :b' NOT NULL,
        amount INTEGER,
        note VARCHAR DEFAULT '\\:x::y',
        twice VARCHAR GENERATED ALWAYS AS (amount || ' %s :x, (''b)') STORED,
        PRIMARY KEY (id),
        UNIQUE (name, amount),
        CHECK (amount < 1000 AND name NOT IN (':x', '{IN_LOWER}', '),')),
        FOREIGN KEY(parent_id) REFERENCES "order" (id) ON DELETE SET NULL
    )""",
    'CREATE TABLE part (id INTEGER PRIMARY KEY, order_id INT REFERENCES "order" (id))',
    "CREATE TABLE log (name TEXT)",
    """CREATE INDEX ix_name ON "order" (name) WHERE note <> ':x'""",
    'CREATE INDEX ix_twice ON "order" (lower(twice), amount)',
    """CREATE VIEW names AS SELECT name || ':x %' AS name FROM "order" """,
    """CREATE TRIGGER logged AFTER INSERT ON "order"
        BEGIN INSERT INTO log VALUES (new.name || ' :x 5% \\:y'); END""",
    """CREATE TRIGGER noted AFTER DELETE ON part
        BEGIN UPDATE "order" SET note = 'gone' WHERE id = old.order_id; END""",
    """INSERT INTO "order" (id, parent_id, name, amount) VALUES
        (1, NULL, 'a', 1), (2, 1, 'b', NULL), (3, 2, 'c', 3)""",
    "INSERT INTO part VALUES (1, 1), (3, 3)",
]
# What is written instead of what, and the parts that differ then.
DIFFERENT: dict[str, tuple[str, str, set[str]]] = {
    "index: where": ("WHERE note <> ':x'", "WHERE note <> ':X'", {"index ix_name"}),
    "index: no where": ("WHERE note <> ':x'", "", {"index ix_name"}),
    "index: order": ("(name) WHERE", "(name DESC) WHERE", {"index ix_name"}),
    "index: collation": (
        "(name) WHERE",
        "(name COLLATE NOCASE) WHERE",
        {"index ix_name"},
    ),
    "index: unique": ("INDEX ix_name", "UNIQUE INDEX ix_name", {"index ix_name"}),
    "index: expression": ("lower(twice)", "upper(twice)", {"index ix_twice"}),
    "index: name": ("ix_twice", "ix_second", {"index ix_second", "index ix_twice"}),
    "collation": (
        "amount INTEGER",
        "amount INTEGER COLLATE NOCASE",
        {"column amount collation"},
    ),
    "autoincrement": (
        "PRIMARY KEY (id)",
        "PRIMARY KEY (id AUTOINCREMENT)",
        {"column id autoincrement"},
    ),
    "computed: expression": ("|| ' %s", "|| ' %S", {"column twice computed"}),
    "computed: stored": ("STORED", "VIRTUAL", {"column twice computed"}),
    "computed: removed": (
        "GENERATED ALWAYS AS (amount || ' %s :x, (''b)') STORED",
        "",
        {"column twice computed"},
    ),
    "type": ("name VARCHAR(50)", "name VARCHAR(80)", {"column name type"}),
    "nullable": ("(a), :b' NOT NULL", "(a), :b'", {"column name nullable"}),
    "default: case": ("'it''s 100%", "'It''s 100%", {"column name default"}),
    "default: expression": (
        "amount INTEGER",
        "amount INTEGER DEFAULT (1 + length(',):x'))",
        {"column amount default"},
    ),
    "default: string in double quotes": (
        "DEFAULT '\\:x::y'",
        'DEFAULT "Name"',
        {"column note default"},
    ),
    "column": (
        "amount INTEGER",
        "amount INTEGER, code TEXT UNIQUE",
        {"column code", "unique constraint (code)"},
    ),
    "check: text": (
        f"'{IN_LOWER}'",
        f"'{IN_UPPER}'",
        {
            f"check amount < 1000 and name not in (':x', '{IN_LOWER}', '),')",
            f"check amount < 1000 and name not in (':x', '{IN_UPPER}', '),')",
        },
    ),
    "check: name": (
        "CHECK (amount",
        "CONSTRAINT few CHECK (amount",
        {
            f"check amount < 1000 and name not in (':x', '{IN_LOWER}', '),')",
            "check few",
        },
    ),
    "unique constraint": (
        "UNIQUE (name, amount)",
        "UNIQUE (amount, name)",
        {"unique constraint (amount, name)", "unique constraint (name, amount)"},
    ),
    "foreign key: ondelete": (
        " ON DELETE SET NULL",
        " ON DELETE CASCADE",
        {
            "foreign key (parent_id) references order (id) on delete cascade",
            "foreign key (parent_id) references order (id) on delete set null",
        },
    ),
    "foreign key: target": (
        'INT REFERENCES "order" (id)',
        "INT REFERENCES part (id)",
        {
            "foreign key (order_id) references order (id)",
            "foreign key (order_id) references part (id)",
        },
    ),
    "primary key": (
        "PRIMARY KEY (id)",
        "CONSTRAINT pk PRIMARY KEY (id)",
        {"primary key (id)", "primary key pk"},
    ),
    "primary key: added": (
        "log (name TEXT)",
        "log (name TEXT PRIMARY KEY)",
        {"primary key (name)"},
    ),
    "options": (
        "log (name TEXT)",
        "log (name TEXT) STRICT",
        {"table"},
    ),
}


@contextmanager
def database(script: Script) -> Iterator[sa.Connection]:
    """Open a database in memory that a script has built."""
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        for statement in script:
            connection.exec_driver_sql(statement)
        yield connection
    engine.dispose()


def described(script: Script) -> Description:
    """Return the description of the database that a script builds."""
    with database(script) as connection:
        return ADAPTER.describe_tables(connection)


def texts(description: Description) -> dict[tuple[str, ...], str]:
    """Return what is compared."""
    return {
        (key.table, key.kind, key.name, key.aspect): part.text
        for key, part in description.items()
    }


def told(before: Description, after: Description) -> set[str]:
    """Return what differs, as one would say it."""
    return {
        " ".join(word for word in (key.kind, key.name, key.aspect) if word)
        for key in differences(before, after)
    }


def change(connection: sa.Connection, after: Description) -> None:
    """Change a database part by part until it is described in another way."""
    operations = Operations(MigrationContext.configure(connection))
    for _ in range(5):
        before = ADAPTER.describe_tables(connection)
        # What is removed comes first.
        for key in sorted(differences(before, after), key=lambda key: key in after):
            now = ADAPTER.describe_tables(connection)
            if key in differences(now, after):
                [way] = ADAPTER.words(key, now, after)
                with connection.begin_nested():
                    for operation in way:
                        operations.invoke(operation)
    assert texts(ADAPTER.describe_tables(connection)) == texts(after)


def read(connection: sa.Connection, query: str) -> list[tuple[object, ...]]:
    """Return the rows of a query."""
    return [tuple(row) for row in connection.exec_driver_sql(query)]


@pytest.mark.parametrize("name", ALIKE)
def test_alike(name: str) -> None:
    """Two ways to build the same are described alike."""
    first, second = (described(script) for script in ALIKE[name])
    assert texts(first) == texts(second)


@pytest.mark.parametrize("name", DIFFERENT)
def test_different(name: str) -> None:
    """What differs is seen, and changed there and back, at no loss."""
    old, new, expected = DIFFERENT[name]
    other = [statement.replace(old, new) for statement in WHOLE]
    assert other != WHOLE
    with database(WHOLE) as connection:
        before, after = described(WHOLE), described(other)
        assert told(before, after) == expected
        connection.exec_driver_sql("DELETE FROM log")
        for number, goal in ((4, after), (5, before)):
            rows = read(
                connection, 'SELECT id, parent_id, name, amount, note FROM "order"'
            )
            change(connection, goal)
            live = read(
                connection, 'SELECT id, parent_id, name, amount, note FROM "order"'
            )
            assert live == rows
            values = f"VALUES ({number}, 'n{number}')"
            connection.exec_driver_sql(f'INSERT INTO "order" (id, name) {values}')
            assert not read(connection, "PRAGMA foreign_key_check")
        assert read(connection, "SELECT name FROM log") == [
            ("n4 :x 5% \\:y",),
            ("n5 :x 5% \\:y",),
        ]
        names = [(f"{name}:x %",) for name in ("a", "b", "c", "n4", "n5")]
        assert read(connection, "SELECT name FROM names") == names
        assert read(connection, "SELECT * FROM part") == [(1, 1), (3, 3)]
        connection.exec_driver_sql("DELETE FROM part WHERE id = 3")
        notes = read(connection, 'SELECT note FROM "order" WHERE id IN (1, 3)')
        assert notes == [("\\:x::y",), ("gone",)]


def test_strings_in_double_quotes() -> None:
    """What SQLite takes for a string, since there is no such column, keeps its case."""
    check = "CREATE TABLE t (a TEXT, CHECK (a <> {}))"
    upper, lower = (described([check.format(word)]) for word in ('"B"', '"b"'))
    assert told(upper, lower) == {'check a <> "B"', 'check a <> "b"'}
    upper, lower = (described([check.format(word)]) for word in ('"A"', "a"))
    assert texts(upper) == texts(lower)


def models(*more: sa.schema.SchemaItem) -> sa.MetaData:
    """Return a table with much that batch mode might lose."""
    metadata = sa.MetaData()
    sa.Table(
        "User",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("Boss", sa.ForeignKey("User.id", ondelete="SET NULL"), index=True),
        sa.Column("name", sa.String(50), server_default="it's 100% (b)", unique=True),
        sa.Column("made_at", sa.DateTime, server_default=sa.func.current_timestamp()),
        sa.Column("price", sa.Numeric(12, 4), server_default="-2.5", nullable=False),
        sa.Column("twice", sa.String(9), sa.Computed("price * 2 || ', ('")),
        sa.CheckConstraint("price > 0 AND name <> ',:x'", name="paid"),
        *more,
    )
    return metadata


def test_a_table_that_alembic_has_built_again() -> None:
    """Batch mode leads to what SQLAlchemy creates."""
    with database([]) as connection:
        models().create_all(connection)
        operations = Operations(MigrationContext.configure(connection))
        with operations.batch_alter_table("User", recreate="always") as batch:
            batch.add_column(sa.Column("code", sa.Integer))
            batch.create_unique_constraint("uq", ["code"])
        built = ADAPTER.describe_tables(connection)
    with database([]) as connection:
        more = sa.Column("code", sa.Integer), sa.UniqueConstraint("code", name="uq")
        models(*more).create_all(connection)
        assert texts(ADAPTER.describe_tables(connection)) == texts(built)


def test_parts() -> None:
    """Parts have the names, columns and targets that the database has."""
    description = described(WHOLE)
    parts = {(key.kind, part.name): part for key, part in description.items()}
    assert parts["foreign key", ""].target in ((None, "order"), (None, "part"))
    assert parts["index", "ix_twice"].columns == ("twice", "amount")
    assert parts["check", ""].columns == ("amount", "name")
    assert parts["unique constraint", ""].columns == ("name", "amount")
    assert parts["column", "note"].columns in ((), ("note",))
    assert {key.kind for key in description} >= {"view", "table"}
    assert all(key.schema is None for key in description)


def test_what_is_left_out() -> None:
    """Neither what SQLite and Alembic keep for themselves is described, nor triggers."""
    script = [
        "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a INT UNIQUE)",
        "CREATE TABLE _alembic_tmp_t (a INT)",
        "CREATE INDEX ix ON _alembic_tmp_t (a)",
        "CREATE TRIGGER less AFTER DELETE ON t BEGIN SELECT 1; END",
        "CREATE TRIGGER more INSTEAD OF DELETE ON v BEGIN SELECT 1; END",
        "CREATE VIRTUAL TABLE docs USING fts5(a)",
    ]
    script.insert(3, "CREATE VIEW v AS SELECT a FROM t")
    found = texts(described(script))
    assert {table for table, *_ in found} == {"t", "v", "docs"}
    assert {kind for _, kind, *_ in found} == {
        "table",
        "column",
        "primary key",
        "unique constraint",
        "view",
    }


def test_rows_without_what_becomes_required() -> None:
    """They get the default; names are compared without their case."""
    script = [
        'CREATE TABLE t (Id INTEGER PRIMARY KEY, "A b" TEXT, c TEXT)',
        "INSERT INTO t VALUES (1, NULL, 'x'), (2, 'y', NULL)",
    ]
    default = "DEFAULT (',' || ':x%') NOT NULL"
    after = f'CREATE TABLE t (c TEXT DEFAULT 1, "a B" TEXT {default}, id INTEGER PRIMARY KEY)'
    with database(script) as connection:
        change(connection, described([after]))
        rows = [("x", ",:x%", 1), (None, "y", 2)]
        assert read(connection, "SELECT * FROM t") == rows


def test_a_number_is_never_given_again() -> None:
    """A table that counts goes on counting where it was."""
    table = 'CREATE TABLE "it\'s" (id INTEGER PRIMARY KEY AUTOINCREMENT, a {})'
    script = [
        table.format("INT"),
        'INSERT INTO "it\'s" VALUES (7, 1)',
        'DELETE FROM "it\'s"',
    ]
    with database(script) as connection:
        change(connection, described([table.format("TEXT")]))
        connection.exec_driver_sql('INSERT INTO "it\'s" (a) VALUES (2)')
        assert read(connection, 'SELECT id FROM "it\'s"') == [(8,)]


def test_whole_tables() -> None:
    """A table is created with its indexes and triggers, and dropped."""
    with database([]) as connection:
        script = [statement for statement in WHOLE if "VIEW" not in statement]
        change(connection, described(script))
        connection.exec_driver_sql("INSERT INTO \"order\" (name) VALUES ('n')")
        assert read(connection, "SELECT count(*) FROM log") == [(1,)]
        change(connection, {})
        assert read(connection, "SELECT count(*) FROM sqlite_master") == [(0,)]


def test_what_has_no_words() -> None:
    """Views stay as they are, and so do virtual tables, which can't be built again."""
    view, table = "CREATE VIEW v AS SELECT {}", "CREATE VIRTUAL TABLE d USING fts5({})"
    before, after = (
        described([view.format(value), table.format(f"a{value}")]) for value in (1, 2)
    )
    for key in differences(before, after):
        assert not [*ADAPTER.words(key, before, after)]
    assert told(before, after) == {"view", "table"}


@given(st.text(":\\ ax'%\n"))
def test_nothing_in_a_statement_is_a_parameter(sql: str) -> None:
    """A statement reaches the database as it is."""
    executed = sa.text(str(Statement(sql).sqltext))
    assert str(executed.compile(dialect=sa.create_engine("sqlite://").dialect)) == sql
