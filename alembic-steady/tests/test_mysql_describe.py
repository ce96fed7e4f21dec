"""What MariaDB says of its tables, and the words that change one state into another."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa
from alembic.autogenerate import render_python_code
from alembic.migration import MigrationContext
from alembic.operations import Operations, ops
from sqlalchemy.dialects import mysql
from sqlalchemy.exc import DBAPIError

from alembic_steady.adapters.description import Description, Key, differences
from alembic_steady.adapters.mysql.adapter import MySQLAdapter
from alembic_steady.adapters.mysql.describe import (
    NO_DEFAULT,
    column_line,
    describe_table,
)
from alembic_steady.adapters.statement import Statement
from tests.servers import MariaDB

ADAPTER = MySQLAdapter()
UNNAMED = re.compile(r"CONSTRAINT_\d+|.+_ibfk_\d+")
PARENT = "CREATE TABLE p (id int AUTO_INCREMENT PRIMARY KEY, k varchar(20))"
CHILD = "CREATE TABLE c (id int PRIMARY KEY, a int, b int{})"
KEY = ", CONSTRAINT fk_a FOREIGN KEY (a) REFERENCES p (id)"


class Database:
    """A database of the server, and a connection to it."""

    def __init__(self, server: MariaDB, name: str) -> None:
        self.name = name
        engine = sa.create_engine(server.url(), poolclass=sa.NullPool)
        self.connection = engine.connect()

    def empty(self) -> None:
        """Make it anew."""
        self.drop()
        self.run(
            f"CREATE DATABASE {self.name} CHARACTER SET utf8mb4", f"USE {self.name}"
        )

    def drop(self) -> None:
        """Drop it."""
        self.run(f"DROP DATABASE IF EXISTS {self.name}")

    def run(self, *statements: str) -> None:
        """Run statements, which may have a % in them."""
        for sql in statements:
            self.connection.exec_driver_sql(sql.replace("%", "%%"))
        self.connection.commit()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return [tuple(row) for row in self.connection.execute(sa.text(query))]

    def describe(self) -> Description:
        """Describe it; constraints whose name the server has made up are called by text."""
        return {
            key._replace(name=part.text) if UNNAMED.fullmatch(part.name) else key: part
            for key, part in ADAPTER.describe_tables(self.connection).items()
        }

    def change(self, after: Description) -> list[str]:
        """Change it into what a description says, and return the lines that did it."""
        done: list[str] = []
        for _ in range(5):
            before = self.describe()
            keys = differences(before, after)
            if not keys:
                break
            for key in sorted(keys, key=lambda it: it in after):
                before = self.describe()
                if key in differences(before, after):
                    done += self._change(key, before, after)
        return done

    def _change(self, key: Key, before: Description, after: Description) -> list[str]:
        done = []
        for way in ADAPTER.words(key, before, after):
            try:
                for operation in way:
                    done.append(self.operate(operation))
                return done
            except DBAPIError:
                pass
        return done

    def operate(self, operation: ops.MigrateOperation) -> str:
        """Run an operation as it stands in a revision."""
        code = render_python_code(
            ops.UpgradeOps([operation]),
            migration_context=MigrationContext.configure(
                dialect=self.connection.dialect
            ),
        )
        line = "\n".join(it.strip() for it in code.splitlines() if "###" not in it)
        context = MigrationContext.configure(self.connection)
        exec(line, {"op": Operations(context), "sa": sa})
        return line


@pytest.fixture(scope="module")
def kept_databases(start_mariadb: Callable[[], MariaDB]) -> Iterator[list[Database]]:
    """Return two databases, since connecting takes longer than most of the tests."""
    databases = [Database(start_mariadb(), name) for name in ("one", "other")]
    yield databases
    for database in databases:
        database.drop()
        database.connection.close()


@pytest.fixture
def databases(kept_databases: list[Database]) -> list[Database]:
    """Return two empty databases."""
    for database in kept_databases:
        database.empty()
    return kept_databases


ALIKE = {
    "a column that was added": (
        ["CREATE TABLE t (a int, b int NOT NULL DEFAULT 1, c int)"],
        ["CREATE TABLE t (a int, c int)", "ALTER TABLE t ADD b int NOT NULL DEFAULT 1"],
    ),
    "a default that was changed": (
        ["CREATE TABLE t (a int DEFAULT 2, b int)"],
        [
            "CREATE TABLE t (a int DEFAULT 1, b int DEFAULT 1)",
            "ALTER TABLE t ALTER a SET DEFAULT '2', ALTER b DROP DEFAULT",
        ],
    ),
    "now": (
        ["CREATE TABLE t (a timestamp DEFAULT now() ON UPDATE now())"],
        [
            "CREATE TABLE t (a timestamp NULL)",
            (
                "ALTER TABLE t MODIFY a timestamp DEFAULT CURRENT_TIMESTAMP"
                " ON UPDATE CURRENT_TIMESTAMP"
            ),
        ],
    ),
    "booleans": (
        ["CREATE TABLE t (a bool NOT NULL DEFAULT true, b bool DEFAULT false)"],
        ["CREATE TABLE t (a tinyint(1) NOT NULL DEFAULT '1', b bool DEFAULT 0)"],
    ),
    "JSON": (
        ["CREATE TABLE t (a json)"],
        ["CREATE TABLE t (a int)", "ALTER TABLE t MODIFY a JSON"],
    ),
    "a check": (
        ["CREATE TABLE t (a int, CONSTRAINT c CHECK (a > 1 AND a <> 3))"],
        [
            "CREATE TABLE t (a int)",
            "ALTER TABLE t ADD CONSTRAINT c CHECK ((a>1) and a!=3)",
        ],
    ),
    "numbers of rows": (
        ["CREATE TABLE t (a int AUTO_INCREMENT PRIMARY KEY)"],
        [
            "CREATE TABLE t (a int AUTO_INCREMENT PRIMARY KEY)",
            "INSERT INTO t VALUES (9)",
        ],
    ),
    "the engine and the order of all": (
        ["CREATE TABLE t (a int, b int, KEY i (a), KEY j (b)) COMMENT 'x'"],
        [
            "CREATE TABLE t (b int, a int, KEY j (b), KEY i (a)) ENGINE=MyISAM COMMENT 'x'"
        ],
    ),
    "an unnamed key that was added": (
        [PARENT, "CREATE TABLE t (a int, FOREIGN KEY (a) REFERENCES p (id))"],
        [
            PARENT,
            "CREATE TABLE t (a int)",
            "ALTER TABLE t ADD CONSTRAINT t_ibfk_3 FOREIGN KEY (a) REFERENCES p (id)",
        ],
    ),
    "an index that is made for a key": (
        [PARENT, CHILD.format(KEY)],
        [PARENT, CHILD.format(f"{KEY}, KEY fk_a (a)")],
    ),
    "an index that is left of a key": (
        [PARENT, CHILD.format(f"{KEY}, KEY i (a, b)")],
        [PARENT, CHILD.format(f"{KEY}, KEY fk_a (a), KEY i (a, b)")],
    ),
    "an index that is made for a key without a name": (
        [PARENT, CHILD.format(", FOREIGN KEY (a) REFERENCES p (id), KEY i (a, b)")],
        [
            PARENT,
            CHILD.format(", FOREIGN KEY (a) REFERENCES p (id)"),
            "ALTER TABLE c ADD KEY a (a), ADD KEY i (a, b)",
        ],
    ),
    "a sequence": (
        ["CREATE SEQUENCE s", "CREATE TABLE t (a int DEFAULT (NEXT VALUE FOR s))"],
        ["CREATE SEQUENCE s", "CREATE TABLE t (a int DEFAULT nextval(s))"],
    ),
    "a view": (
        [PARENT, "CREATE VIEW v AS SELECT id, k FROM p WHERE k <> 'x'"],
        [PARENT, "CREATE VIEW v AS SELECT p.`id`, p.`k` FROM p WHERE p.k != 'x'"],
    ),
}


@pytest.mark.parametrize("name", ALIKE)
def test_what_is_the_same_is_described_alike(
    databases: list[Database], name: str
) -> None:
    one, other = databases
    for database, statements in zip((one, other), ALIKE[name], strict=True):
        database.run(*statements)
    assert differences(one.describe(), other.describe()) == []


class Case(NamedTuple):
    """Two states, and what differs between them."""

    before: list[str]
    after: list[str]
    different: set[str]
    """The kinds, or aspects of columns."""
    rows: Sequence[str] = ()
    """Statements that insert rows into the first state."""
    kept: str = ""
    """A query that has to return the same all the time."""
    forth: list[str] | None = None
    """The lines that change the first state into the other one."""


FAMILY = ["INSERT INTO p VALUES (7, 'x')", "INSERT INTO c (id, a) VALUES (1, 7)"]
ROW = ["INSERT INTO t (id) VALUES (1), (2)"]
SMALL = "CREATE TABLE t (id int PRIMARY KEY, {})"


def small(old: str, new: str, *different: str, **more: Any) -> Case:
    """Return two states of a small table."""
    told = {"rows": ROW, "kept": "SELECT id FROM t", **more}
    return Case([SMALL.format(old)], [SMALL.format(new)], {*different}, **told)


CHANGES = {
    "a type": small(
        "a varchar(10) DEFAULT 'x'",
        "a varchar(20) DEFAULT 'x'",
        "type",
        kept="SELECT id, a FROM t",
        forth=[
            "op.execute(\"ALTER TABLE t MODIFY COLUMN `a` varchar(20) DEFAULT 'x'\")"
        ],
    ),
    "a type of its own": small("a int", "a int unsigned", "type"),
    "a collation": small("a varchar(9)", "a varchar(9) COLLATE utf8mb4_bin", "type"),
    "a character set": small(
        "a varchar(9)", "a varchar(9) CHARACTER SET latin1", "type"
    ),
    "JSON": small("a longtext", "a json", "type"),
    "values of an enum": small(
        "e enum('a','b') NOT NULL",
        "e enum('a','b,)','it''s') NOT NULL",
        "type",
        kept="SELECT id, e FROM t",
    ),
    "null": small("a int NOT NULL DEFAULT 3", "a int DEFAULT 3", "nullable"),
    "null without a default": small(
        "a int NOT NULL",
        "a int",
        "nullable",
        rows=["INSERT INTO t VALUES (1, 1), (2, 2)"],
    ),
    "a default": small("a varchar(9) DEFAULT 'a:b%'", "a varchar(9)", "default"),
    "a default of quotes": small(
        "a varchar(30) DEFAULT 'x'",
        r"a varchar(30) DEFAULT 'it''s \\:x, %s (b'",
        "default",
    ),
    "a default on update": small(
        "a timestamp NULL", "a timestamp NULL ON UPDATE now()", "default"
    ),
    "a default that is computed": small(
        "a varchar(40)", "a varchar(40) DEFAULT (concat(':x', '%', uuid()))", "default"
    ),
    "a comment of a column": small(
        "a int COMMENT 'x'",
        r"a int COMMENT 'it''s 5% :x ::y \\:z `b` \n\"d\"'",
        "comment",
    ),
    "a comment": Case(
        ["CREATE TABLE t (a int)"],
        [r"CREATE TABLE t (a int) COMMENT 'it''s 5% :x \\ ENGINE=x, AUTO_INCREMENT=3'"],
        {"comment"},
    ),
    "an invisible column": small("a int", "a int INVISIBLE", "options"),
    "a computed expression": small(
        "a int AS (id + 1) VIRTUAL, b int AS (id + 1) STORED",
        "a int AS (id + 2) VIRTUAL, b int AS (id + 2) STORED",
        "computed",
    ),
    "how it is computed": small(
        "a int AS (id + 1) VIRTUAL, KEY i (a)",
        "a int AS (id + 1) STORED, KEY i (a)",
        "computed",
        kept="SELECT id, a FROM t",
    ),
    "a column that is computed no more": small(
        "a int AS (id + 1) VIRTUAL, b int AS (id + 1) STORED",
        "a int, b int",
        "computed",
        kept="SELECT id, a, b FROM t",
    ),
    "a computed text": small(
        "a varchar(20)", "a varchar(20) AS (concat(id, ':x,)%')) VIRTUAL", "computed"
    ),
    "a column": small("a int", "a int, b int NOT NULL DEFAULT 1", "column"),
    "a column with a key and a check": small(
        "a int",
        "a int, b int, d int AS (b + 1), UNIQUE u (a, b), KEY i (b),"
        " CONSTRAINT k CHECK (b > a)",
        "column",
        "unique constraint",
        "index",
        "check",
    ),
    "a computed column that an index has": small(
        "a int, b int AS (a) VIRTUAL, KEY i (b), CONSTRAINT k CHECK (b < 9)",
        "a bigint, b bigint AS (a) VIRTUAL, KEY i (b), CONSTRAINT k CHECK (b < 9)",
        "type",
    ),
    "checks": small(
        "a int, CONSTRAINT k CHECK (a > 1)",
        "a int, CONSTRAINT k CHECK (a > 2)",
        "check",
        forth=[
            (
                "op.execute('ALTER TABLE t DROP CONSTRAINT k, "
                "ADD CONSTRAINT `k` CHECK (`a` > 2)')"
            )
        ],
    ),
    "a check that is gone": small(
        "a varchar(9), CONSTRAINT k CHECK (a <> ':x%,)')",
        "a varchar(9)",
        "check",
        forth=["op.drop_constraint(op.f('k'), 't', type_='check')"],
    ),
    "checks without names": small(
        "a int, CHECK (a > 1), CHECK (a > 2)",
        "a int, CHECK (a > 2), CHECK (a > 3)",
        "check",
    ),
    "a check of a column": small("a int", "a int CHECK (a > 1)", "check"),
    "the order of an index": small(
        "a int, KEY i (a)", "a int, KEY i (a DESC)", "index"
    ),
    "the comment of an index": small(
        "a int, KEY i (a)", "a int, KEY i (a) COMMENT ',)%:x'", "index"
    ),
    "prefixes": small(
        "a text, b varchar(40), KEY i (a(10), b)",
        "a text, b varchar(40), KEY i (a(20), b(5))",
        "index",
    ),
    "kinds of indexes": small(
        "a text, b int, KEY i (b)",
        "a text, b int, FULLTEXT i (a), UNIQUE j (b)",
        "index",
        "unique constraint",
        forth=[
            "op.execute('ALTER TABLE t DROP KEY i, ADD FULLTEXT KEY `i` (`a`)')",
            "op.execute('ALTER TABLE t ADD UNIQUE KEY `j` (`b`)')",
        ],
    ),
    "a unique constraint": small(
        "a int, UNIQUE u (a)",
        "a int",
        "unique constraint",
        forth=["op.drop_constraint(op.f('u'), 't', type_='unique')"],
    ),
    "an index": small(
        "a int, KEY i (a)",
        "a int",
        "index",
        forth=["op.drop_index(op.f('i'), table_name='t')"],
    ),
    "a long text with a key": small(
        "a varchar(20), KEY i (a)", "a text, KEY i (a(20))", "type", "index"
    ),
    "a primary key": Case(
        ["CREATE TABLE t (a int NOT NULL, b int NOT NULL)"],
        ["CREATE TABLE t (a int NOT NULL, b int NOT NULL, PRIMARY KEY (b, a))"],
        {"primary key"},
        ["INSERT INTO t VALUES (1, 1), (1, 2)"],
        "SELECT * FROM t",
    ),
    "a primary key that becomes composite": Case(
        ["CREATE TABLE t (a int AUTO_INCREMENT, b int NOT NULL, PRIMARY KEY (a))"],
        ["CREATE TABLE t (a int AUTO_INCREMENT, b int NOT NULL, PRIMARY KEY (a, b))"],
        {"primary key"},
        ["INSERT INTO t VALUES (1, 1), (2, 2)"],
        "SELECT * FROM t",
        [
            "op.execute('ALTER TABLE t DROP PRIMARY KEY, ADD PRIMARY KEY (`a`,`b`)')",
        ],
    ),
    "a primary key that moves": Case(
        ["CREATE TABLE t (a int AUTO_INCREMENT, b int NOT NULL, PRIMARY KEY (a))"],
        [
            "CREATE TABLE t (a int AUTO_INCREMENT, b int NOT NULL, PRIMARY KEY (b), KEY i (a))"
        ],
        {"primary key", "index"},
        ["INSERT INTO t VALUES (1, 1), (2, 2)"],
        "SELECT * FROM t",
    ),
    "another column that counts up": Case(
        ["CREATE TABLE t (a int AUTO_INCREMENT, b int NOT NULL, PRIMARY KEY (a))"],
        [
            "CREATE TABLE t (a int NOT NULL, b int NOT NULL AUTO_INCREMENT, PRIMARY KEY (b))"
        ],
        {"primary key", "autoincrement"},
        ["INSERT INTO t VALUES (1, 1), (2, 2)"],
        "SELECT * FROM t",
    ),
    "a new column that counts up": Case(
        ["CREATE TABLE t (b int NOT NULL, PRIMARY KEY (b))"],
        [
            "CREATE TABLE t (b int NOT NULL, a int AUTO_INCREMENT, PRIMARY KEY (a), KEY i (b))"
        ],
        {"primary key", "column", "index"},
        ["INSERT INTO t VALUES (1), (2)"],
        "SELECT b FROM t",
    ),
    "a new column that counts up beside others": Case(
        ["CREATE TABLE t (b int NOT NULL, PRIMARY KEY (b))"],
        [
            "CREATE TABLE t (b int NOT NULL, a int AUTO_INCREMENT, PRIMARY KEY (b), UNIQUE u (a))"
        ],
        {"column", "unique constraint"},
        ["INSERT INTO t VALUES (1), (2)"],
        "SELECT b FROM t",
    ),
    "a column that other tables refer to": Case(
        [PARENT, CHILD.format(KEY)],
        [
            PARENT.replace("id int", "id bigint"),
            CHILD.format(KEY).replace("a int", "a bigint"),
        ],
        {"type"},
        FAMILY,
        "SELECT * FROM p JOIN c ON p.id = c.a",
    ),
    "a primary key that other tables refer to": Case(
        [PARENT, CHILD.format(KEY)],
        [
            "CREATE TABLE p (id int AUTO_INCREMENT, k varchar(20), PRIMARY KEY (id, k))",
            CHILD.format(KEY),
        ],
        {"primary key", "nullable"},
        FAMILY,
        "SELECT * FROM p JOIN c ON p.id = c.a",
    ),
    "a unique constraint that other tables refer to": Case(
        [
            "CREATE TABLE p (id int, k int, UNIQUE u (id), UNIQUE v (id, k))",
            CHILD.format(KEY),
        ],
        ["CREATE TABLE p (id int, k int, UNIQUE v (id, k))", CHILD.format(KEY)],
        {"unique constraint"},
        ["INSERT INTO p VALUES (7, 1)", FAMILY[1]],
        "SELECT * FROM p JOIN c ON p.id = c.a",
    ),
    "an index of a foreign key": Case(
        [PARENT, CHILD.format(KEY)],
        [PARENT, CHILD.format(f"{KEY}, KEY i (a)")],
        {"index"},
        FAMILY,
        "SELECT * FROM p JOIN c ON p.id = c.a",
        ["op.execute('ALTER TABLE c ADD KEY `i` (`a`)')"],
    ),
    "an index that is called like the column of a named key": Case(
        [PARENT, CHILD.format(KEY)],
        [PARENT, CHILD.format(f"{KEY}, KEY a (a)")],
        {"index"},
        FAMILY,
        "SELECT * FROM p JOIN c ON p.id = c.a",
    ),
    "an index that is called like a key and has an order": Case(
        [PARENT, CHILD.format(KEY)],
        [PARENT, CHILD.format(f"{KEY}, KEY fk_a (a DESC)")],
        {"index"},
        FAMILY,
        "SELECT * FROM p JOIN c ON p.id = c.a",
    ),
    "an index that is in the way of one with its name": Case(
        [PARENT, CHILD.format(f"{KEY}, KEY fk_a (a)")],
        [PARENT, CHILD.format(f"{KEY}, KEY fk_a (a, b)")],
        {"index"},
        FAMILY,
        "SELECT * FROM p JOIN c ON p.id = c.a",
    ),
    "a longer index of a foreign key": Case(
        [PARENT, CHILD.format(KEY)],
        [PARENT, CHILD.format(f"{KEY}, KEY i (a, b)")],
        {"index"},
        FAMILY,
        "SELECT * FROM p JOIN c ON p.id = c.a",
    ),
    "an index with the name of a foreign key": Case(
        [PARENT, CHILD.format(KEY)],
        [PARENT, CHILD.format(f"{KEY}, KEY fk_a (a, b)")],
        {"index"},
        FAMILY,
        "SELECT * FROM p JOIN c ON p.id = c.a",
    ),
    "a column with an index and a foreign key": Case(
        [PARENT, CHILD.format(f"{KEY}, KEY i (a), UNIQUE u (b, a)")],
        [PARENT, "CREATE TABLE c (id int PRIMARY KEY, b int, UNIQUE u (b))"],
        {"column", "unique constraint", "foreign key", "index"},
        FAMILY,
        "SELECT c.id, b FROM p, c",
    ),
    "a foreign key": Case(
        [PARENT, CHILD.format(KEY)],
        [PARENT, CHILD.format("")],
        {"foreign key"},
        FAMILY,
        "SELECT * FROM c",
        [
            "op.drop_constraint(op.f('fk_a'), 'c', type_='foreignkey')",
            "op.drop_index(op.f('fk_a'), table_name='c')",
        ],
    ),
    "a foreign key with another name": Case(
        [PARENT, CHILD.format(KEY)],
        [PARENT, CHILD.format(KEY.replace("fk_a", "fk_b"))],
        {"foreign key"},
        FAMILY,
        "SELECT * FROM c",
    ),
    "what a foreign key does": Case(
        [PARENT, CHILD.format(KEY)],
        [PARENT, CHILD.format(f"{KEY} ON DELETE CASCADE")],
        {"foreign key"},
        FAMILY,
        "SELECT * FROM c",
        [
            "op.drop_constraint(op.f('fk_a'), 'c', type_='foreignkey')",
            (
                "op.execute(\n'ALTER TABLE c ADD CONSTRAINT `fk_a` FOREIGN KEY (`a`)"
                " REFERENCES `p` (`id`) '\n'ON DELETE CASCADE'\n)"
            ),
        ],
    ),
    "foreign keys without names": Case(
        [PARENT, CHILD.format(", FOREIGN KEY (a) REFERENCES p (id)")],
        [
            PARENT,
            CHILD.format(", FOREIGN KEY (b) REFERENCES p (id) ON DELETE SET NULL"),
        ],
        {"foreign key"},
        FAMILY,
        "SELECT * FROM c",
    ),
    "tables that refer to each other": Case(
        ["CREATE TABLE t (id int PRIMARY KEY)"],
        [
            "CREATE TABLE t (id int PRIMARY KEY)",
            "CREATE TABLE a (id int PRIMARY KEY, b int, KEY i (b))",
            (
                "CREATE TABLE b (id int PRIMARY KEY, a int,"
                " CONSTRAINT fk_a FOREIGN KEY (a) REFERENCES a (id))"
            ),
            "ALTER TABLE a ADD CONSTRAINT fk_b FOREIGN KEY (b) REFERENCES b (id)",
        ],
        {"table"},
    ),
    "a table that refers to itself": Case(
        [
            (
                "CREATE TABLE t (id int PRIMARY KEY, o int,"
                " CONSTRAINT fk FOREIGN KEY (o) REFERENCES t (id))"
            )
        ],
        [
            (
                "CREATE TABLE t (id bigint PRIMARY KEY, o bigint,"
                " CONSTRAINT fk FOREIGN KEY (o) REFERENCES t (id))"
            )
        ],
        {"type"},
        ["INSERT INTO t VALUES (1, 1)"],
        "SELECT * FROM t",
    ),
    "names that need quotes": Case(
        ["CREATE TABLE `we``ird %s` (`select` int, `a,)` int, KEY `k,` (`a,)`))"],
        [
            (
                "CREATE TABLE `we``ird %s` (`select` int, `a,)` bigint,"
                " KEY `k,` (`a,)`, `select`), CONSTRAINT `c:x` CHECK (`a,)` > 1))"
            )
        ],
        {"type", "index", "check"},
    ),
    "a sequence": Case(
        ["CREATE SEQUENCE s", "CREATE TABLE t (a int)"],
        [
            "CREATE SEQUENCE s INCREMENT BY 2",
            "CREATE SEQUENCE r",
            "CREATE TABLE t (a int DEFAULT nextval(r))",
        ],
        {"sequence", "default"},
    ),
    "a view": Case(
        [PARENT, "CREATE VIEW v AS SELECT id FROM p"],
        [PARENT, "CREATE VIEW v AS SELECT id, k FROM p", "CREATE VIEW w AS SELECT 1"],
        {"view"},
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_words_lead_from_one_state_to_the_other_and_back(
    databases: list[Database], name: str
) -> None:
    case = CHANGES[name]
    one, other = databases
    one.run(*case.before)
    other.run(*case.after)
    before, after = one.describe(), other.describe()
    different = differences(before, after)
    assert {key.aspect or key.kind for key in different} == case.different
    one.run(*case.rows)
    rows = case.kept and one.rows(case.kept)
    for target in (after, before, after):
        lines = one.change(target)
        assert differences(one.describe(), target) == [], lines
        assert (case.kept and one.rows(case.kept)) == rows
        if target is after and case.forth is not None:
            assert lines == case.forth


OBSTRUCTED = [
    PARENT,
    CHILD.format(
        f"{KEY}, KEY i (a, b), KEY k (b, a), UNIQUE u (b),"
        " CONSTRAINT fk_b FOREIGN KEY (b) REFERENCES p (id)"
    ),
    "CREATE TABLE o (c int, CONSTRAINT fk_c FOREIGN KEY (c) REFERENCES c (b))",
]
# What Alembic may propose, and the foreign keys that have to go for it.
PROPOSED: dict[str, tuple[ops.MigrateOperation, list[str]]] = {
    "an index": (ops.DropIndexOp("i", table_name="c"), ["fk_a"]),
    "a column": (ops.DropColumnOp("c", "a"), ["fk_a"]),
    "a column that is referred to": (ops.DropColumnOp("p", "id"), ["fk_a", "fk_b"]),
    "a table": (ops.DropTableOp("p"), ["fk_a", "fk_b"]),
    "a type": (
        ops.AlterColumnOp(
            "c", "a", modify_type=sa.BigInteger(), existing_nullable=True
        ),
        ["fk_a"],
    ),
    "a type that is referred to": (
        ops.AlterColumnOp(
            "p", "id", modify_type=sa.BigInteger(), existing_nullable=False
        ),
        ["fk_a", "fk_b"],
    ),
    "a type that is referred to and refers": (
        ops.AlterColumnOp(
            "c", "b", modify_type=sa.BigInteger(), existing_nullable=True
        ),
        ["fk_b", "fk_c"],
    ),
}


@pytest.mark.parametrize("name", PROPOSED)
def test_foreign_keys_that_are_in_the_way_are_found(
    databases: list[Database], name: str
) -> None:
    database, _ = databases
    database.run(*OBSTRUCTED)
    operation, expected = PROPOSED[name]
    table = Key(None, str(getattr(operation, "table_name", "")), "table")
    dropped = []
    for _ in range(4):
        before = database.describe()
        try:
            database.operate(operation)
            break
        except DBAPIError as error:
            key = ADAPTER.obstacles(error, table, before)[0]
        dropped.append(key.name)
        database.change({it: part for it, part in before.items() if it != key})
    assert sorted(dropped) == expected


def test_nothing_is_in_the_way_of_what_fails_for_another_reason(
    databases: list[Database],
) -> None:
    database, _ = databases
    database.run(*OBSTRUCTED)
    with pytest.raises(DBAPIError) as failure:
        database.operate(ops.DropColumnOp("c", "nothing"))
    table = Key(None, "c", "table")
    assert ADAPTER.obstacles(failure.value, table, database.describe()) == []


def test_a_database_is_described_by_one_query_for_each_table(
    databases: list[Database],
) -> None:
    database, _ = databases
    database.run(*OBSTRUCTED)
    queries: list[str] = []

    def count(_connection: object, _cursor: object, sql: str, *_more: object) -> None:
        queries.append(sql)

    sa.event.listen(database.connection, "before_cursor_execute", count)
    database.describe()
    sa.event.remove(database.connection, "before_cursor_execute", count)
    assert len(queries) == 2 + 3


def test_a_mode_with_other_quotes_makes_no_difference(
    databases: list[Database],
) -> None:
    database, _ = databases
    database.run(*OBSTRUCTED, 'CREATE TABLE `"` (`a"b` int, KEY `k""` (`a"b`))')
    before = database.describe()
    database.run("SET @mode = @@sql_mode, sql_mode = 'ANSI_QUOTES'")
    after = database.describe()
    database.run("SET sql_mode = @mode")
    assert [*before] == [*after]
    for key, part in before.items():
        assert part[2:] == after[key][2:]


# What MySQL prints, where it differs from MariaDB.
MYSQL = """\
CREATE TABLE `t` (
  `id` int NOT NULL AUTO_INCREMENT,
  `a` varchar(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT _utf8mb4'a,)',
  `b` int DEFAULT NULL /*!80023 INVISIBLE */,
  `c` int GENERATED ALWAYS AS ((`b` + 1)) STORED NOT NULL COMMENT 'it''s',
  `d` text,
  `e` int,
  `f` json DEFAULT (json_array()),
  PRIMARY KEY (`id`),
  UNIQUE KEY `u` ((lower(`a`)),`b` DESC) /*!80000 INVISIBLE */,
  KEY `fk` (`b`),
  FULLTEXT KEY `ft` (`d`) /*!50100 WITH PARSER `ngram` */ ,
  CONSTRAINT `fk` FOREIGN KEY (`b`) REFERENCES `else`.`p` (`id`) ON DELETE SET NULL,
  CONSTRAINT `t_chk_1` CHECK ((`b` > 1)) /*!80016 NOT ENFORCED */
) ENGINE=InnoDB AUTO_INCREMENT=3 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci COMMENT='x'
/*!50100 PARTITION BY HASH (`id`)
PARTITIONS 2 */"""


def test_what_mysql_prints_is_described() -> None:
    found = describe_table("t", MYSQL, "one")
    assert found.pop(Key(None, "t", "hidden index", "fk")).text == "KEY (`b`)"
    assert {
        (*filter(None, key[2:]), part.text) for key, part in found.items() if part.text
    } == {
        ("comment", "'x'"),
        ("column", "id", "type", "int"),
        ("column", "id", "nullable", "NOT NULL"),
        ("column", "id", "autoincrement", "AUTO_INCREMENT"),
        (
            "column",
            "a",
            "type",
            "varchar(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        ),
        ("column", "a", "nullable", "NULL"),
        ("column", "a", "default", "DEFAULT _utf8mb4'a,)'"),
        ("column", "b", "type", "int"),
        ("column", "b", "nullable", "NULL"),
        ("column", "b", "options", "/*!80023 INVISIBLE */"),
        ("column", "c", "type", "int"),
        ("column", "c", "nullable", "NOT NULL"),
        ("column", "c", "computed", "GENERATED ALWAYS AS ((`b` + 1)) STORED"),
        ("column", "c", "comment", "COMMENT 'it''s'"),
        ("column", "d", "type", "text"),
        ("column", "d", "nullable", "NULL"),
        ("column", "e", "type", "int"),
        ("column", "e", "nullable", "NULL"),
        ("column", "e", "default", NO_DEFAULT),
        ("column", "f", "type", "json"),
        ("column", "f", "nullable", "NULL"),
        ("column", "f", "default", "DEFAULT (json_array())"),
        ("primary key", "PRIMARY", "PRIMARY KEY (`id`)"),
        (
            "unique constraint",
            "u",
            "UNIQUE KEY ((lower(`a`)),`b` DESC) /*!80000 INVISIBLE */",
        ),
        ("index", "ft", "FULLTEXT KEY (`d`) /*!50100 WITH PARSER `ngram` */"),
        (
            "foreign key",
            "fk",
            "FOREIGN KEY (`b`) REFERENCES `else`.`p` (`id`) ON DELETE SET NULL",
        ),
        ("check", "t_chk_1", "CHECK ((`b` > 1)) /*!80016 NOT ENFORCED */"),
    }
    key = found[Key(None, "t", "foreign key", "fk")]
    assert (key.columns, key.target) == (("b",), ("else", "p"))
    assert "AUTO_INCREMENT=" not in found[Key(None, "t", "table")].definition


def test_the_default_of_null_is_taken_off_where_mysql_does_without() -> None:
    before = describe_table("t", "CREATE TABLE `t` (\n  `a` int DEFAULT NULL\n)", "one")
    after = describe_table("t", "CREATE TABLE `t` (\n  `a` int\n)", "one")
    (key,) = differences(before, after)
    for there, back, statements in (
        (before, after, ["MODIFY COLUMN `a` int", "ALTER COLUMN a DROP DEFAULT"]),
        (after, before, ["MODIFY COLUMN `a` int DEFAULT NULL"]),
    ):
        way = next(ADAPTER.words(key, there, back))
        told = [str(it.sqltext) for it in way if isinstance(it, ops.ExecuteSQLOp)]
        assert told == [f"ALTER TABLE t {clause}" for clause in statements]


@pytest.mark.parametrize(
    ("one", "other", "aspect", "expected"),
    [
        (
            "varchar(20) DEFAULT concat('x','y') COMMENT 'it'",
            "varchar(50) DEFAULT NULL COMMENT 'it'",
            "default",
            "varchar(50) NULL DEFAULT concat('x','y') COMMENT 'it'",
        ),
        (
            "int(11) GENERATED ALWAYS AS (`b` * 2) VIRTUAL COMMENT 'it'",
            "int(11) DEFAULT NULL",
            "computed",
            "int(11) GENERATED ALWAYS AS (`b` * 2) VIRTUAL",
        ),
        ("int(11) NOT NULL", "bigint(20) NOT NULL", "nullable", "bigint(20) NOT NULL"),
    ],
)
def test_a_column_of_which_an_aspect_is_another_ones(
    one: str, other: str, aspect: str, expected: str
) -> None:
    table = "CREATE TABLE `t` (\n  `a` {},\n  `b` int(11) DEFAULT NULL\n)"
    first, second = (describe_table("t", table.format(it), "d") for it in (one, other))
    column = Key(None, "t", "column", "a")
    key = column._replace(aspect=aspect)
    line = column_line(column, {**second, key: first[key]})
    assert line == f"`a` {expected}"


@pytest.mark.parametrize(
    "sql",
    ["':x'", "a::b", r"'\\:x'", r"'\\::x :y'", "'12:30:00'", ":$1", "':x:y: z:'"],
)
def test_colons_are_kept(sql: str) -> None:
    told = Statement(sql).sqltext
    assert str(sa.text(str(told)).compile(dialect=mysql.dialect())) == sql
