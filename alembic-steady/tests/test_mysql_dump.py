"""What is read from MariaDB builds the same once more, and tells all that it doesn't."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import pymysql
import pytest
import sqlalchemy as sa
from alembic.util import CommandError

from alembic_steady import sql_file
from alembic_steady.adapters.dump import Dump
from alembic_steady.adapters.mysql import dump
from alembic_steady.adapters.mysql.adapter import MySQLAdapter
from alembic_steady.adapters.mysql.shown import found
from tests.servers import PASSWORD, MariaDB

ADAPTER = MySQLAdapter()
SHOP = "shop"
COPY = "shop_copy"
ANSI = "SET sql_mode = 'ANSI_QUOTES'"
ORACLE = "SET sql_mode = 'ORACLE'"
PLAIN = "SET sql_mode = ''"
TRAP = "nextval(`shop`.`s`) AUTO_INCREMENT=7\\n) CONNECTION=\\'x"
SCHEMAS = {
    "sequences": (
        "CREATE SEQUENCE z START 5 INCREMENT 3",
        "CREATE TABLE a (i BIGINT DEFAULT nextval(z), j BIGINT DEFAULT lastval(shop.z))",
    ),
    "strings": (
        (
            f"CREATE TABLE t (i INT AUTO_INCREMENT PRIMARY KEY, c VARCHAR(99) DEFAULT '{TRAP}'"
            f" COMMENT '{TRAP}', CHECK (c <> '{TRAP}')) COMMENT '{TRAP}', AUTO_INCREMENT=40"
        ),
        f"CREATE VIEW v AS SELECT i, '{TRAP}' AS c FROM t",
    ),
    "names": (
        "CREATE TABLE `a b%s` (`i``%` INT, `:x` INT, `class` INT, KEY `k %(a)s` (`:x`))",
        "CREATE VIEW `v``1%` AS SELECT `i``%` FROM `a b%s`",
        "CREATE PROCEDURE `p %``:y`() SELECT '%s :x'",
    ),
    "keys": (
        "CREATE TABLE a (i INT PRIMARY KEY, j INT, KEY (j))",
        "CREATE TABLE b (i INT PRIMARY KEY, FOREIGN KEY (i) REFERENCES a (i))",
        "ALTER TABLE a ADD FOREIGN KEY (j) REFERENCES b (i) ON DELETE CASCADE",
    ),
    "columns": (
        (
            "CREATE TABLE t (i INT, t TEXT, d JSON CHECK (json_length(d) < 9),"
            " g INT AS (i * 2) VIRTUAL, p INT AS (i + 1) STORED, s POINT NOT NULL,"
            " e ENUM('a,b', 'it''s'), x TIMESTAMP DEFAULT '2020-01-01 00:00:00', KEY (t(7)),"
            " FULLTEXT (t), SPATIAL (s))"
        ),
    ),
    "options": (
        "CREATE TABLE v (i INT) WITH SYSTEM VERSIONING",
        (
            "CREATE TABLE p (i INT, at TIMESTAMP NOT NULL) PARTITION BY RANGE"
            " (UNIX_TIMESTAMP(at)) (PARTITION p0 VALUES LESS THAN"
            " (UNIX_TIMESTAMP('2020-01-01 00:00:00')), PARTITION p1 VALUES LESS THAN MAXVALUE)"
        ),
        "CREATE TABLE m (i INT AUTO_INCREMENT, KEY (i)) ENGINE=MyISAM AUTO_INCREMENT=9",
        "CREATE TABLE l (c TEXT) CHARSET latin1 COLLATE latin1_german1_ci",
    ),
    "views": (
        "CREATE FUNCTION f(i INT) RETURNS INT DETERMINISTIC RETURN i",
        "CREATE SEQUENCE s",
        "CREATE TABLE shop (i INT)",
        "CREATE VIEW z AS SELECT shop.i, shop.f(shop.i) AS f FROM shop.shop",
        "CREATE VIEW b AS SELECT * FROM z",
        "CREATE VIEW a AS SELECT *, nextval(shop.s) AS n FROM b",
        "CREATE SQL SECURITY INVOKER VIEW i AS SELECT i FROM shop WITH CHECK OPTION",
    ),
    "modes": (
        ANSI,
        'CREATE PROCEDURE "q"() BEGIN SELECT "i" FROM "no"; END',
        ORACLE,
        "CREATE PROCEDURE o AS BEGIN NULL; -- %s;;\n/* ;;; */ END;",
        "CREATE PACKAGE p AS PROCEDURE z; END;",
        "CREATE PACKAGE BODY p AS PROCEDURE z AS BEGIN NULL; END; END;",
        PLAIN,
        (
            "CREATE AGGREGATE FUNCTION g(x INT) RETURNS INT BEGIN"
            " DECLARE CONTINUE HANDLER FOR NOT FOUND RETURN 1; LOOP FETCH GROUP NEXT ROW;"
            " END LOOP; END"
        ),
    ),
    "triggers": (
        "CREATE TABLE t (i INT, j INT)",
        "CREATE TRIGGER b BEFORE INSERT ON t FOR EACH ROW SET new.i = 1",
        "CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW BEGIN SET new.j = 1; END",
        "CREATE TRIGGER c BEFORE INSERT ON t FOR EACH ROW FOLLOWS b SET new.j = 2",
        "CREATE OR REPLACE TRIGGER d AFTER DELETE ON t FOR EACH ROW BEGIN END",
    ),
    "events": (
        "SET time_zone = '+05:00'",
        (
            "CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2035-01-01 03:00:00'"
            " COMMENT ' ON COMPLETION PRESERVE ENABLE' DO BEGIN SELECT 1; END"
        ),
        "CREATE EVENT f ON SCHEDULE EVERY 1 DAY STARTS '2035-01-01' DISABLE DO SELECT 1",
        "SET time_zone = '+00:00'",
    ),
    "collations": (
        "SET collation_connection = latin1_german2_ci",
        "CREATE VIEW v AS SELECT 'ä' = 'ae' AS same",
        "CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 'ä' = 'ae'",
    ),
}


class Shop:
    """Two databases of a server."""

    def __init__(self, server: MariaDB) -> None:
        self.server = server

    def run(self, *statements: str, database: str = SHOP) -> list[Any]:
        """Run statements in one session, and return the rows of the last."""
        with (
            closing(self.raw(database)) as connection,
            connection.cursor() as cursor,
        ):
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def raw(self, database: str) -> pymysql.Connection[Any]:
        """Connect past SQLAlchemy."""
        return pymysql.connect(
            host="127.0.0.1",
            port=self.server.port,
            user="root",
            password=PASSWORD,
            database=database,
            autocommit=True,
        )

    @contextmanager
    def connect(self, database: str = SHOP, user: str = "") -> Iterator[sa.Connection]:
        """Connect as migrations do."""
        with ADAPTER.connect(
            sa.make_url(self.server.url(database=database, user=user))
        ) as connection:
            yield connection

    def dump(self, database: str = SHOP, user: str = "") -> Dump:
        """Read a database."""
        with self.connect(database, user) as connection:
            return ADAPTER.dump(connection, lambda schema, table: True)

    def restore(self, dumped: Dump) -> list[str]:
        """Build the copy, and return what was refused."""
        with self.connect(COPY) as connection:
            return [*map(str, ADAPTER.restore(connection, dumped))]


@pytest.fixture
def shop(mariadb: MariaDB) -> Iterator[Shop]:
    with ExitStack() as stack:
        for name in (SHOP, COPY):
            mariadb.create(name)
            stack.callback(mariadb.drop, name)
        yield Shop(mariadb)


def left_out(dumped: Dump) -> list[str]:
    """Return the lines that tell what is missing."""
    return [*map(str, dumped.left_out)]


def texts(dumped: Dump) -> list[Any]:
    """Return what is dumped, whatever the order."""
    return sorted(dumped.entries)


@pytest.mark.parametrize("name", SCHEMAS)
def test_what_is_restored_is_dumped_in_the_same_words(shop: Shop, name: str) -> None:
    shop.run(*SCHEMAS[name])
    dumped = shop.dump()
    assert not left_out(dumped)
    first = texts(dumped)
    assert len(first) == sum("CREATE" in it for it in SCHEMAS[name])
    assert not any("DEFINER=" in it.sql or "`shop`.`f`" in it.sql for it in first)
    assert shop.restore(dumped) == []
    assert texts(shop.dump(COPY)) == first


def test_views_stand_behind_those_that_they_name(shop: Shop) -> None:
    """So a baseline that nothing has tried is in order, too."""
    shop.run(*SCHEMAS["views"], "CREATE VIEW `1``%` AS SELECT n AS a FROM a")
    names = [it.name for it in shop.dump().entries if it.kind == "view"]
    assert sorted(names) == ["1`%", "a", "b", "i", "z"]
    assert [it for it in names if it != "i"] == ["z", "b", "a", "1`%"]


def test_a_session_is_as_before(shop: Shop) -> None:
    """What a dump and a baseline need of it does not stay."""
    shop.run(*SCHEMAS["events"], *SCHEMAS["modes"], *SCHEMAS["collations"])
    settings = (
        "SELECT @@sql_mode, @@collation_connection, @@time_zone, @@foreign_key_checks,"
        " @@sql_quote_show_create, @@character_set_client"
    )
    with shop.connect() as real, shop.connect(COPY) as copy:
        before = real.exec_driver_sql(settings).one()
        dumped = ADAPTER.dump(real, lambda schema, table: True)
        assert real.exec_driver_sql(settings).one() == before
        assert ADAPTER.restore(copy, dumped) == []
        assert copy.exec_driver_sql(settings).one() == before


def test_literals_have_the_collation_in_which_they_were_written(shop: Shop) -> None:
    shop.run(*SCHEMAS["collations"])
    shop.restore(shop.dump())
    for query in ("SELECT same FROM v", "SELECT f()"):
        assert shop.run(query, database=COPY) == shop.run(query) == [(1,)]


def test_a_default_of_a_time_is_the_same_moment(shop: Shop) -> None:
    """It is printed in the time zone of the session."""
    shop.run("SET time_zone = '-07:00'", *SCHEMAS["columns"])
    shop.run("SET GLOBAL time_zone = '+03:00'")
    try:
        shop.restore(shop.dump())
    finally:
        shop.run("SET GLOBAL time_zone = 'SYSTEM'")
    query = "SET time_zone = '+00:00'", "SHOW CREATE TABLE t"
    assert shop.run(*query, database=COPY) == shop.run(*query)


@pytest.mark.parametrize(
    "body",
    [
        "DELETE FROM shop.t",
        "DELETE FROM `shop` . `t`",
        "BEGIN EXECUTE IMMEDIATE 'DELETE FROM shop.t'; END",
    ],
)
def test_bodies_that_name_the_database_are_left_out(shop: Shop, body: str) -> None:
    shop.run("CREATE TABLE t (i INT)", f"CREATE PROCEDURE p() {body}")
    assert left_out(shop.dump()) == [f"procedure p: {dump.NAMES_DATABASE}"]


def test_quoted_names_of_another_mode_are_seen(shop: Shop) -> None:
    shop.run(ANSI, 'CREATE PROCEDURE p() DELETE FROM "shop"."t"')
    assert left_out(shop.dump()) == [f"procedure p: {dump.NAMES_DATABASE}"]


def test_names_that_only_end_like_the_database_are_others(shop: Shop) -> None:
    shop.run("CREATE TABLE my_shop (i INT)", "CREATE PROCEDURE p() SELECT my_shop.i")
    assert left_out(shop.dump()) == []


def test_events_of_a_scratch_database_do_not_run(shop: Shop) -> None:
    shop.run(*SCHEMAS["events"])
    dumped = shop.dump()
    told = [dump.disabled(entry.sql) for entry in dumped.entries]
    assert [it.count("PRESERVE DISABLE") for it in told] == [1, 1]
    assert told[0].count("PRESERVE ENABLE") == 1  # in its comment
    with ADAPTER.scratch_connection(
        lambda: None, lambda: [sa.make_url(shop.server.url(database=SHOP))]
    ) as scratch:
        assert ADAPTER.restore(scratch, dumped) == []
        query = "SELECT status FROM information_schema.events WHERE event_schema = DATABASE()"
        assert {*scratch.exec_driver_sql(query).scalars()} == {"DISABLED"}
    assert "ENABLE COMMENT" in dumped.entries[0].sql


def test_tables_of_other_servers_are_named_and_left_out(shop: Shop) -> None:
    shop.run("INSTALL SONAME 'ha_federatedx'")
    try:
        shop.run(
            "CREATE SERVER there FOREIGN DATA WRAPPER mysql OPTIONS (HOST '127.0.0.1',"
            f" PORT {shop.server.port}, USER 'root', PASSWORD '{PASSWORD}', DATABASE '{SHOP}')",
            "CREATE TABLE t (i INT)",
            "CREATE TABLE f (i INT) ENGINE=FEDERATED CONNECTION='there/t'",
        )
        dumped = shop.dump()
        assert left_out(dumped) == [f"table f: {dump.WITH_ADDRESS}"]
        assert PASSWORD not in repr(dumped)
    finally:
        shop.run(
            "DROP TABLE IF EXISTS f",
            "DROP SERVER IF EXISTS there",
            "UNINSTALL SONAME 'ha_federatedx'",
        )


@pytest.mark.parametrize(
    ("options", "is_elsewhere"),
    [
        ("ENGINE=CONNECT `OPTION_LIST`='user=a,password=b'", True),
        ("ENGINE=SPIDER COMMENT='password \"b\"'", True),
        ("ENGINE=InnoDB\n(PARTITION `p` COMMENT = 'x' ENGINE = SPIDER)", True),
        ("ENGINE=InnoDB COMMENT=' ENGINE=SPIDER CONNECTION='", False),
        ("ENGINE=InnoDB COMMENT='it''s ENGINE=SPIDER'", False),
    ],
)
def test_engines_of_other_servers_are_known(options: str, is_elsewhere: bool) -> None:
    shown = f"CREATE TABLE `t` (\n  `i ENGINE=SPIDER` int\n) {options}"
    assert bool(found(dump.ELSEWHERE, shown)) is is_elsewhere


def test_a_table_that_can_not_be_read_is_named_and_the_rest_is_there(
    shop: Shop,
) -> None:
    shop.run(
        "CREATE TABLE t (i INT)", "CREATE TABLE m (i INT) ENGINE=MERGE UNION=(gone)"
    )
    dumped = shop.dump()
    (told,) = left_out(dumped)
    assert told.startswith("table m: Unable to open underlying table")
    assert [entry.name for entry in dumped.entries] == ["t"]


def test_a_view_on_what_is_gone_is_refused_and_named(shop: Shop) -> None:
    shop.run(
        "CREATE TABLE t (i INT)",
        "CREATE VIEW v AS SELECT * FROM t",
        "CREATE VIEW w AS SELECT * FROM v",
        "DROP TABLE t",
        "CREATE TABLE u (i INT)",
    )
    refused = shop.restore(shop.dump())
    assert [it.partition(":")[0] for it in refused] == ["view v", "view w"]
    assert shop.run("SHOW TABLES", database=COPY) == [("u",)]


def test_a_key_into_another_database_is_named(shop: Shop) -> None:
    shop.run("CREATE TABLE p (i INT PRIMARY KEY)", database=COPY)
    shop.run(f"CREATE TABLE c (i INT, FOREIGN KEY (i) REFERENCES {COPY}.p (i))")
    told = f"foreign key of table c into `{COPY}`: {dump.OTHER_DATABASE}"
    assert left_out(shop.dump()) == [told]
    shop.run("DROP TABLE c")


def test_the_collation_of_the_database_is_named(shop: Shop) -> None:
    shop.run(f"ALTER DATABASE {SHOP} COLLATE latin1_german1_ci")
    (told,) = left_out(shop.dump())
    assert told.startswith("default collation of the database, latin1_german1_ci: ")
    assert "utf8mb4_general_ci" in told


@pytest.fixture
def reader(shop: Shop) -> Iterator[Shop]:
    """Make an account that has no rights yet, and something of each kind."""
    shop.run(
        "CREATE TABLE t (i INT)",
        "CREATE VIEW v AS SELECT 1 AS i",
        "CREATE PROCEDURE p() SELECT 1",
        "CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW SET new.i = 1",
        "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1",
        f"CREATE USER reader@'%' IDENTIFIED BY '{PASSWORD}'",
    )
    yield shop
    shop.run("DROP USER reader@'%'")


def test_what_rights_hide_is_named(reader: Shop) -> None:
    reader.run("GRANT SELECT, EXECUTE ON shop.* TO reader@'%'")
    dumped = reader.dump(user="reader")
    assert left_out(dumped) == [
        f"procedure p: {dump.NO_BODY}",
        f"view v: {dump.NO_BODY}",
        f"triggers: {dump.NOT_SEEN}",
        f"events: {dump.NOT_SEEN}",
    ]
    assert [entry.name for entry in dumped.entries] == ["t"]


def test_rights_on_another_database_show_nothing_of_this_one(reader: Shop) -> None:
    reader.run("GRANT ALL ON other.* TO reader@'%'", "GRANT SELECT ON t TO reader@'%'")
    told = left_out(reader.dump(user="reader"))
    assert told == [f"{kind}: {dump.NOT_SEEN}" for kind in dump.RIGHTS]


def test_rights_by_a_pattern_and_definers_are_known(reader: Shop) -> None:
    reader.run(r"GRANT ALL ON `s%p`.* TO reader@'%'")
    dumped = reader.dump(user="reader")
    # The body of a procedure is its definer's alone.
    assert left_out(dumped) == [
        f"procedure p: {dump.NO_BODY}",
        f"definers (root@localhost): {dump.DEFINERS}",
    ]
    assert [it.name for it in dumped.entries] == ["t", "v", "r", "e"]


def test_a_database_that_never_rests_is_given_up(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.run("CREATE TABLE t (i INT)")
    read = dump._Reader.read
    columns = iter(range(99))

    def altered(self: Any) -> Dump:
        if times.pop():
            shop.run(f"ALTER TABLE t ADD COLUMN c{next(columns)} INT")
        return read(self)

    monkeypatch.setattr(dump._Reader, "read", altered)
    times = [False, False, True, True]  # from the last
    assert "`c1`" in shop.dump().entries[0].sql
    times = [True] * 99
    with pytest.raises(CommandError, match="is being changed while it is read"):
        shop.dump()


def test_nothing_is_written(shop: Shop) -> None:
    shop.run(
        *SCHEMAS["triggers"], *SCHEMAS["events"], "INSERT INTO t VALUES (1, 2), (3, 4)"
    )
    query = (
        "SELECT table_name, create_time, update_time, auto_increment FROM"
        " information_schema.tables WHERE table_schema = 'shop'"
    )
    seen = query, "SHOW TRIGGERS", "SHOW EVENTS", "CHECKSUM TABLE t"
    before = [shop.run(it) for it in seen]
    shop.restore(shop.dump())
    assert [shop.run(it) for it in seen] == before


def test_printed_statements_are_for_the_client(shop: Shop) -> None:
    """A body with semicolons stands between lines that say where it ends."""
    for name in ("triggers", "events", "modes"):
        shop.run(*SCHEMAS[name])
    dumped = shop.dump()
    printed = [ADAPTER.printed(sql_file.ended(it)) for it in dumped.statements()]
    place = ["--host=127.0.0.1", f"--port={shop.server.port}", "--user=root", COPY]
    subprocess.run(
        ["mariadb", "--no-defaults", "--comments", *place],
        input="\n".join(printed),
        text=True,
        check=True,
        env={**os.environ, "MYSQL_PWD": PASSWORD},
    )
    assert texts(shop.dump(COPY)) == texts(dumped)
