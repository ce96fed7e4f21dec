"""Dumps of PostgreSQL databases, and what a scratch database makes of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from dumped import FORBIDDEN, RICH, SECRET, SECRETS
from sqlalchemy import URL

from alembic_steady.adapters.dump import Dump, DumpUnavailable, LeftOut
from alembic_steady.adapters.postgresql import pg_dump
from alembic_steady.adapters.postgresql.adapter import PostgreSQLAdapter
from alembic_steady.adapters.postgresql.script import NOTHING, Header, split
from tests import servers

ADAPTER = PostgreSQLAdapter()
READER = "dump_reader"


@pytest.mark.parametrize(
    ("script", "statements"),
    [
        ("SET a = 1;\nSELECT 1;", ["SET a = 1", "SELECT 1"]),
        ("\\restrict x'y\n\nSELECT 1;\n\\unrestrict x'y\n", ["SELECT 1"]),
        ("SELECT ';''--';SELECT \"a;\"\"b\";", ["SELECT ';''--'", 'SELECT "a;""b"']),
        ("SELECT E'\\';', e'';SELECT 1;", ["SELECT E'\\';', e''", "SELECT 1"]),
        ("SELECT 'a\\';SELECT 1;", ["SELECT 'a\\'", "SELECT 1"]),
        ("-- it's\nSELECT 1 -- it's;\n;", ["SELECT 1 -- it's;"]),
        ("/* ; /* ' */ ; */ SELECT 1 /* ; */;", ["SELECT 1 /* ; */"]),
        ("DO $a$ ; $b$ ; $$ ; $a$;SELECT 1;", ["DO $a$ ; $b$ ; $$ ; $a$", "SELECT 1"]),
        ("SELECT a$b$ FROM c$b$;SELECT 1;", ["SELECT a$b$ FROM c$b$", "SELECT 1"]),
        ("RULE DO (A; B);SELECT 1;", ["RULE DO (A; B)", "SELECT 1"]),
        (
            "BEGIN ATOMIC SELECT CASE WHEN a THEN 1 END; SELECT 2; END;SELECT 1;",
            ["BEGIN ATOMIC SELECT CASE WHEN a THEN 1 END; SELECT 2; END", "SELECT 1"],
        ),
        ("SELECT CASE WHEN a THEN 1 END;SELECT 1;", None),
    ],
)
def test_a_script_is_split_where_its_statements_end(
    script: str, statements: list[str] | None
) -> None:
    wanted = statements or ["SELECT CASE WHEN a THEN 1 END", "SELECT 1"]
    assert [sql for _, sql in split(script)] == wanted


def test_a_header_holds_up_to_the_next_one_and_not_inside_a_statement() -> None:
    body = "DO $$\n-- Name: trap; Type: TABLE; Schema: s; Owner: -\n$$"
    script = f"A;\n--\n-- Name: a;b; Type: FK CONSTRAINT; Schema: s; Owner: -\n--\n\n{body};\nB;"
    header = Header("FK CONSTRAINT", "s", "a;b")
    assert [*split(script)] == [(NOTHING, "A"), (header, body), (header, "B")]


Make = Callable[[str, str], URL]


@pytest.fixture
def make(any_postgres: servers.Postgres) -> Iterator[Make]:
    """Return a function that makes a database of a name, and runs statements in it."""
    made = set()

    def create(name: str, sql: str) -> URL:
        url = sa.make_url(any_postgres.url("postgresql+psycopg", name))
        if name not in made:
            any_postgres.query(f'CREATE DATABASE "{name}" TEMPLATE template0')
            made.add(name)
        with psycopg.connect(
            url.set(drivername="postgresql").render_as_string(False), autocommit=True
        ) as connection:
            connection.execute(sql.encode())
        return url

    yield create
    for name in made:
        any_postgres.drop(name)


def dumped(url: URL, without: str = "") -> Dump:
    """Dump a database, without a table."""
    with ADAPTER.connect(url) as connection:
        return ADAPTER.dump(connection, lambda _, table: table != without)


def restored(url: URL, dump: Dump) -> list[LeftOut]:
    """Run a dump on a database, and return what that refuses."""
    with ADAPTER.connect(url) as connection:
        return ADAPTER.restore(connection, dump)


def texts(dump: Dump) -> list[str]:
    """Return the statements of a dump in an order of their own."""
    return sorted(entry.sql for entry in dump.entries)


def told(dump: Dump) -> str:
    """Return what a dump says that it leaves out, in lines."""
    return "\n".join(map(str, dump.left_out))


@pytest.mark.full
@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_a_dump_builds_the_same_anew(make: Make, driver: str) -> None:
    url = make("shop", RICH).set(drivername=f"postgresql+{driver}")
    first = dumped(url)
    copies = [
        make(name, "").set(drivername=url.drivername) for name in ("copy1", "copy2")
    ]
    assert restored(copies[0], first) == []
    second = dumped(copies[0])
    assert restored(copies[1], second) == []
    assert texts(second) == texts(dumped(copies[1]))
    # As the server prints them, some comparisons are read otherwise than as they are written.
    reprinted = [it for it in {*texts(first)} ^ {*texts(second)} if "ARRAY" not in it]
    assert reprinted == []
    assert len(first.entries) > 80
    (body,) = [it.sql for it in first.entries if it.name == "change()"]
    assert "UPDATE changed\nSET a = 1;\n-- Name: trap; Type: TABLE" in body
    assert [it.kind for it in first.entries].count("rows of a materialized view") == 2


def test_names_and_kinds_are_for_people(make: Make) -> None:
    dump = dumped(
        make(
            "shop",
            """
            CREATE SCHEMA app; CREATE TABLE app.a (id int PRIMARY KEY);
            CREATE TABLE b (a int CONSTRAINT to_a REFERENCES app.a, c int CONSTRAINT u UNIQUE);
            COMMENT ON TABLE b IS 'x';
            """,
        )
    )
    names = [(entry.kind, entry.name) for entry in dump.entries]
    assert ("table", "app.a") in names
    assert ("primary key", "app.a.a_pkey") in names
    assert ("foreign key", "b.to_a") in names
    assert ("unique constraint", "b.u") in names
    assert "CREATE SCHEMA IF NOT EXISTS app" in texts(dump)
    assert not [it for it in texts(dump) if it.startswith(("SET", "SELECT", "\\"))]


def test_no_password_is_in_a_dump_or_in_what_is_said_of_it(make: Make) -> None:
    dump = dumped(make("shop", SECRETS))
    lines = told(dump)
    assert SECRET not in repr(dump)
    for what in (
        "user mapping public SERVER plain",
        "server secretive",
        "view leak",
        "foreign table listed",
    ):
        assert what in lines
    assert [it.name for it in dump.entries if it.kind == "server"] == ["plain"]
    assert "function harmless()" in {f"{it.kind} {it.name}" for it in dump.entries}


def test_the_password_is_not_among_the_arguments(
    make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url = make("shop", "CREATE TABLE a (b int)")
    real = pg_dump.find(0)
    fake = tmp_path / "pg_dump"
    fake.write_text(
        f'#!/bin/sh\nprintf "%s " "$@" >> {tmp_path}/args\nexec {real} "$@"\n'
    )
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert [it.name for it in dumped(url).entries] == ["a"]
    arguments = (tmp_path / "args").read_text()
    assert "dbname='shop'" in arguments
    assert str(url.password) not in arguments


def test_what_only_superusers_create_is_named(make: Make) -> None:
    dump = dumped(
        make(
            "shop",
            """
            CREATE FUNCTION seen() RETURNS event_trigger LANGUAGE plpgsql AS 'begin end';
            CREATE EVENT TRIGGER eye ON ddl_command_end EXECUTE FUNCTION seen();
            COMMENT ON EVENT TRIGGER eye IS 'x';
            CREATE TABLE a (b int); CREATE PUBLICATION every FOR ALL TABLES;
            CREATE PUBLICATION one FOR TABLE a;
            """,
        )
    )
    assert [str(it) for it in dump.left_out] == [
        "publication every: only a superuser may create it",
        "event trigger eye: only a superuser may create it",
    ]
    assert "CREATE PUBLICATION one" in "\n".join(texts(dump))
    assert "EVENT TRIGGER" not in "\n".join(texts(dump))


def test_what_a_role_may_not_read_is_named_and_all_that_needs_it(
    make: Make, any_postgres: servers.Postgres
) -> None:
    url = make("shop", FORBIDDEN.format(role=READER, password=servers.PASSWORD))
    try:
        dump = dumped(url.set(username=READER))
        lines = told(dump)
        for what in ('s.we"ird .*b', "hidden.t", "s.divided", "s.opened_2"):
            assert f"table {what}: the role may not read it" in lines
        for what in (
            "table s.divided_1",
            "view s.on_it",
            "materialized view s.on_that",
            "foreign key refers.to_it",
        ):
            assert f"{what}: it needs " in lines
        assert "grants: " in lines
        names = {entry.name for entry in dump.entries}
        assert {"s.opened", "s.opened_1", "s.refers", "s.we"} <= names
        refused = restored(make("copy", ""), dump)
        assert [it.what for it in refused] == ["function s.of_it()"]
        assert "s.of_it()" not in {entry.name for entry in dump.entries}
        assert restored(make("copy2", ""), dump) == []
    finally:
        any_postgres.drop("shop")
        any_postgres.query("CREATE DATABASE shop")
        any_postgres.query(f"DROP ROLE {READER}")


def test_a_table_that_is_not_wanted_is_not_there(make: Make) -> None:
    url = make(
        "shop",
        "CREATE TABLE a (b int); CREATE TABLE alembic_version (id serial, v text)",
    )
    dump = dumped(url, without="alembic_version")
    assert [entry.name for entry in dump.entries] == ["a"]
    assert dump.left_out == []  # The caller says why.


def test_a_refused_statement_is_taken_out_with_what_needs_it(
    make: Make, any_postgres: servers.Postgres
) -> None:
    any_postgres.query("CREATE ROLE of_policy")
    url = make(
        "shop",
        """
        CREATE TABLE a (b int); CREATE POLICY p ON a TO of_policy USING (b > 1);
        COMMENT ON POLICY p ON a IS 'x';
        """,
    )
    dump = dumped(url)
    assert "role of_policy: policies name it; create it on each server before" in told(
        dump
    )
    any_postgres.drop("shop")
    any_postgres.query("CREATE DATABASE shop")
    any_postgres.query("DROP ROLE of_policy")
    refused = restored(make("copy", ""), dump)
    assert 'policy a.p: role "of_policy"' in str(refused[0])
    assert len(refused) == 2
    assert [entry.kind for entry in dump.entries] == ["table"]


def test_settings_of_the_database_are_named(make: Make) -> None:
    url = make("shop", "ALTER DATABASE shop SET search_path = app, public")
    assert "ALTER DATABASE … SET search_path: it belongs to the database" in told(
        dumped(url)
    )


@pytest.mark.full
def test_a_locked_table_is_one_line(make: Make) -> None:
    url = make("shop", "CREATE TABLE a (b int)")
    with ADAPTER.connect(url) as other:
        other.exec_driver_sql("ALTER TABLE a ADD c int")
        with pytest.raises(CommandError, match="others have locked a table") as raised:
            dumped(url)
    assert "\n" not in str(raised.value)


def test_nothing_is_written_and_no_transaction_is_left(make: Make) -> None:
    url = make("shop", "CREATE TABLE a (b int)")
    with ADAPTER.connect(url) as connection:
        connection.exec_driver_sql("SET default_transaction_read_only = on")
        connection.commit()
        ADAPTER.dump(connection, lambda *_: True)
        assert not connection.in_transaction()


def test_a_pooler_is_refused_with_the_way_out(
    make: Make, pooler: servers.Postgres
) -> None:
    url = make("shop", "CREATE TABLE a (b int)").set(port=pooler.port)
    with pytest.raises(DumpUnavailable, match="set MIGRATION_DATABASE_URL"):
        dumped(url)


def test_a_missing_and_an_old_pg_dump_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(DumpUnavailable, match="pg_dump 99 or newer .*the newest here"):
        pg_dump.find(99)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(pg_dump, "FOLDERS", (f"{tmp_path}/*",))
    with pytest.raises(DumpUnavailable, match=r"\(there is none\): .*client-17,"):
        pg_dump.find(17)


def test_the_urls_parameters_reach_pg_dump(make: Make) -> None:
    url = make("shop", "CREATE TABLE a (b int)")
    with ADAPTER.connect(url) as connection:
        connection.engine.url = url.update_query_dict({"sslmode": "require"})
        with pytest.raises(CommandError, match="server does not support SSL"):
            ADAPTER.dump(connection, lambda *_: True)


@contextmanager
def in_revision(url: URL) -> Iterator[Any]:
    """Yield the context of a revision, in its transaction."""
    with ADAPTER.connect(url) as connection:
        options = {"transactional_ddl": True, "transaction_per_migration": True}
        migration = MigrationContext.configure(connection, opts=options)
        with migration.begin_transaction(_per_migration=True):
            yield migration


def many(count: int) -> str:
    """Return statements that make so many tables, of ten columns each."""
    columns = ", ".join(f"c{number} text" for number in range(8))
    return "".join(
        f"CREATE TABLE t{it} (id serial PRIMARY KEY, {columns}, u int UNIQUE);"
        for it in range(count)
    )


def test_a_small_file_is_one_transaction(make: Make) -> None:
    url = make("shop", "")
    with pytest.raises(sa.exc.ProgrammingError), in_revision(url) as migration:
        ADAPTER.execute_all(migration, ["CREATE TABLE a (b int)", "SELECT '%', :x"])
    assert dumped(url).entries == []


@pytest.mark.soak
def test_three_thousand_tables(make: Make) -> None:
    url = make("shop", "")
    for start in range(0, 3000, 500):
        sql = many(500).replace("TABLE t", f"TABLE t{start}_")
        make("shop", sql)
    begin = time.perf_counter()
    dump = dumped(url)
    assert restored(make("copy", ""), dump) == []
    took = time.perf_counter() - begin
    with in_revision(make("copy2", "")) as migration:
        ADAPTER.execute_all(migration, [*dump.statements()])
    assert texts(dumped(url.set(database="copy2"))) == texts(dump)
    assert took < 120


def test_a_scratch_database_has_the_search_path_of_the_one_in_use(make: Make) -> None:
    url = make(
        "shop", """ALTER DATABASE shop SET search_path = "A p", public, '$user'"""
    )
    with ADAPTER.scratch_connection(lambda: None, lambda: [url]) as scratch:
        assert scratch.scalar(sa.text("SELECT current_schema()")) == "A p"
        found = scratch.scalar(sa.text("SHOW search_path"))
        assert found == '"A p", public, "$user"'
