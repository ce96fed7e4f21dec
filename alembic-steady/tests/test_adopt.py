"""`steady adopt`: models and a baseline from a database that has tables."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event, Thread

import pytest
import sqlalchemy as sa
from harness import DRIVERS, IS_NEWEST, PlainProject

from alembic_steady.adapters.postgresql import pg_dump
from tests import servers
from tests.revisions import CLEAN, NOTE, operations

ADOPT = ("steady", "adopt")
BASE = """\
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    pass
"""
SHOP = {
    "sqlite": (
        "CREATE TABLE author (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
        (
            "CREATE TABLE book (isbn TEXT PRIMARY KEY, author INT REFERENCES author ON DELETE"
            " CASCADE, price NUMERIC(8, 2) DEFAULT 0 CHECK (price >= 0))"
        ),
        "CREATE INDEX cheap ON book (lower(isbn)) WHERE price < 5",
        "CREATE TABLE log (line TEXT)",
        "CREATE VIEW titles AS SELECT isbn, name FROM book JOIN author ON id = author",
        (
            "CREATE TRIGGER noted AFTER DELETE ON book BEGIN"
            " INSERT INTO log VALUES ('gone; ' || old.isbn); END"
        ),
    ),
    "postgresql": (
        "CREATE SCHEMA app",
        "CREATE TYPE app.mood AS ENUM ('sad', 'it''s', '100%')",
        "CREATE DOMAIN mail AS text CHECK (VALUE ~ '@')",
        "CREATE TABLE author (id serial PRIMARY KEY, name text NOT NULL UNIQUE, mail mail)",
        (
            "CREATE TABLE book (isbn text PRIMARY KEY, author int REFERENCES author ON DELETE"
            " CASCADE DEFERRABLE, price numeric(8, 2) DEFAULT 0 CONSTRAINT fair CHECK"
            " (price >= 0), mood app.mood DEFAULT 'sad', place point, tags text[],"
            " twice numeric GENERATED ALWAYS AS (price * 2) STORED,"
            " EXCLUDE USING gist (place WITH ~=))"
        ),
        "COMMENT ON TABLE book IS 'it''s 100% :x'",
        (
            'CREATE TABLE app."Or der" ("class" int, "metadata" jsonb DEFAULT \'{}\','
            ' "registry" int GENERATED ALWAYS AS IDENTITY, PRIMARY KEY ("class"))'
        ),
        "CREATE INDEX cheap ON book (lower(isbn) text_pattern_ops) WHERE price < 5",
        "CREATE INDEX ranked ON book (price DESC NULLS LAST) INCLUDE (isbn)",
        "CREATE TABLE log (line text)",
        "CREATE TABLE past (at date, id int) PARTITION BY RANGE (at)",
        (
            "CREATE TABLE past_2026 PARTITION OF past"
            " FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')"
        ),
        "CREATE VIEW titles AS SELECT isbn, name FROM book JOIN author ON id = author",
        "CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS books FROM titles",
        (
            "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $note$ BEGIN\n"
            "-- Name: trap; Type: TABLE; Schema: public; Owner: -\n"
            "INSERT INTO log VALUES ('gone; %');\nRETURN NULL; END $note$"
        ),
        "CREATE FUNCTION plus(i int) RETURNS int BEGIN ATOMIC SELECT 1; SELECT i; END",
        (
            "CREATE TRIGGER noted AFTER DELETE ON book FOR EACH ROW EXECUTE FUNCTION note()"
        ),
        "CREATE SEQUENCE ticket START 100",
    ),
    "mysql": (
        (
            "CREATE TABLE author (id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY,"
            " name VARCHAR(50) NOT NULL UNIQUE) COMMENT 'who ''writes'' 100%'"
        ),
        (
            "CREATE TABLE book (isbn CHAR(13) PRIMARY KEY, author INT UNSIGNED,"
            " kind ENUM('a', 'it''s') DEFAULT 'a', more JSON, price DECIMAL(8, 2) DEFAULT 0,"
            " CONSTRAINT fair CHECK (price >= 0), FULLTEXT KEY words (isbn),"
            " FOREIGN KEY (author) REFERENCES author (id) ON DELETE CASCADE)"
        ),
        "CREATE TABLE log (line TEXT)",
        "CREATE VIEW z_titles AS SELECT isbn, name FROM book JOIN author ON id = author",
        "CREATE VIEW a_titles AS SELECT * FROM z_titles",
        (
            "CREATE TRIGGER noted AFTER DELETE ON book FOR EACH ROW"
            " BEGIN INSERT INTO log VALUES ('gone; %s'); END"
        ),
        "CREATE FUNCTION twice(x INT) RETURNS INT DETERMINISTIC BEGIN RETURN 2 * x; END",
    ),
}
ROWS = (
    "INSERT INTO author (name) VALUES ('Ada'), ('Grace')",
    "INSERT INTO book (isbn, author, price) VALUES ('1', 1, 3.5), ('2', 2, 7)",
    "INSERT INTO log VALUES ('one'), ('two')",
)


def begin(project: PlainProject, statements: Sequence[str]) -> None:
    """Take the models out of a project, and fill its database."""
    project.models.write_text(BASE)
    if not str(project.url).startswith("sqlite"):
        project.run("steady", "create")
    engine = sa.create_engine(project.url)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement, None, {"no_parameters": True})
    engine.dispose()


def dump(project: PlainProject, *tables: str) -> list[object]:
    """Return all rows of some tables."""
    engine = sa.create_engine(project.url)
    with engine.connect() as connection:
        found = [
            sorted(connection.exec_driver_sql(f"SELECT * FROM {table}").all(), key=str)
            for table in tables
        ]
    engine.dispose()
    return [*found]


def family(project: PlainProject) -> str:
    """Return the family of a project's database."""
    name = sa.make_url(project.url).get_backend_name()
    return name.replace("mariadb", "mysql")


UNMODELLED: dict[str, list[str]] = {
    "postgresql": [],
    "mysql": [],
    "sqlite": [],
}


@pytest.mark.parametrize(
    "project",
    [
        "sqlite",
        pytest.param("psycopg", marks=pytest.mark.full),
        pytest.param("pymysql", marks=pytest.mark.full),
    ],
    indirect=True,
)
def test_a_database_is_adopted_and_then_changed(
    project: PlainProject, tmp_path: Path, is_short: bool
) -> None:
    begin(project, [*SHOP[family(project)], *ROWS])
    tables = ("author", "book", "log")
    before = dump(project, *tables)
    printed = project.run(*ADOPT)
    assert " tables" in printed and "1 trigger" in printed
    told = printed.partition("Not in the models, which can't say it:\n")[2]
    listed = [line.strip() for line in told.partition("Next:")[0].splitlines()]
    assert [it for it in listed if it] == UNMODELLED[family(project)]
    assert "Left out" not in printed
    assert dump(project, *tables) == before
    assert "alembic_version" not in project.tables()
    project.run("alembic", "stamp", "head")
    assert project.run("alembic", "check") == NOTE + CLEAN
    assert "no drift" in project.run("steady", "drift")
    project.run("alembic", "current", "--check-heads")
    if IS_NEWEST and not is_short:  # SQLAlchemy 2.0 does not say all of its types.
        project.run("mypy", "--strict", "models.py")
        project.run("ruff", "check", "models.py")
    # A column that the owner adds becomes exactly that.
    text = project.models.read_text()
    name = "    name: Mapped[str]"  # of an author alone
    column = "    born: Mapped[int | None] = mapped_column(sa.Integer)\n"
    assert text.count(name) == 1
    project.models.write_text(text.replace(name, column + name))
    project.revise("born")
    revision = project.revisions()[-1]
    added = operations(revision, "upgrade")
    assert [it for it in added if "batch" not in it] == ["op.add_column"]
    for step in (("upgrade", "head"), ("downgrade", "-1"), ("upgrade", "head")):
        project.run("alembic", *step)
    without = [[row[:2] for row in rows] for rows in before]  # type: ignore[attr-defined]
    after = [[row[:2] for row in rows] for rows in dump(project, *tables)]  # type: ignore[attr-defined]
    assert after == without
    assert "no drift" in project.run("steady", "drift")


@pytest.mark.full
def test_the_baseline_builds_the_same_on_an_empty_database(
    project: PlainProject, tmp_path: Path
) -> None:
    begin(project, SHOP[family(project)])
    project.run(*ADOPT)
    url = sa.make_url(project.url)
    here, there = (
        it.render_as_string(hide_password=False)
        for it in (url, url.set(database=f"{url.database}_2"))
    )
    ini = project.path / "alembic.ini"
    ini.write_text(ini.read_text().replace(here, there))
    if family(project) != "sqlite":
        project.run("steady", "create")
    project.run("alembic", "upgrade", "head")
    assert "no drift" in project.run("steady", "drift")
    printed = project.run("alembic", "downgrade", "base", code=255)
    assert "NotImplementedError: the history begins with what was there" in printed


def refused(project: PlainProject) -> str:
    """Return the line with which `adopt` ends, and see that it changes no file."""
    before = {
        it: it.read_bytes()
        for it in project.path.rglob("*")
        if it.is_file() and "__pycache__" not in it.parts
    }
    *_, line = project.run(*ADOPT, code=255).splitlines()
    assert line.startswith("FAILED: ") and len(line) <= 500
    after = {
        it: it.read_bytes()
        for it in project.path.rglob("*")
        if it.is_file() and "__pycache__" not in it.parts
    }
    assert after == before
    return line


def test_what_is_in_the_way_is_said(file_project: PlainProject) -> None:
    project = file_project
    begin(project, ())
    assert "has no tables; for an empty database, write models" in refused(project)
    begin(project, SHOP["sqlite"])
    project.add_to_models("\n\nclass A(Base):\n    __tablename__ = 'a'\n")
    project.add_to_models("    id = sa.Column(sa.Integer, primary_key=True)\n")
    text = project.models.read_text()
    project.models.write_text(f"import sqlalchemy as sa\n{text}")
    assert "the models have tables already (a)" in refused(project)
    project.models.write_text(BASE)
    project.run("alembic", "revision", "-m", "one")
    assert "there are revisions already (" in refused(project)
    for revision in project.revisions():
        revision.unlink()
    begin(project, ["CREATE TABLE alembic_version (version_num TEXT)"])
    begin(project, ["INSERT INTO alembic_version VALUES ('abc')"])
    assert "has a history of Alembic, and is at abc" in refused(project)
    # What a killed command has left is no history.
    begin(project, ["DELETE FROM alembic_version"])
    project.run(*ADOPT)


def test_a_file_that_is_no_database_is_one_line(file_project: PlainProject) -> None:
    file_project.models.write_text(BASE)
    Path(str(file_project.url.database)).write_bytes(b"no database" * 100)  # type: ignore[union-attr]
    assert "file is not a database" in refused(file_project)


HISTORIES = {
    "django_migrations": "Django",
    "flyway_schema_history": "Flyway",
    "_prisma_migrations": "Prisma",
    "schema_migrations": "Rails",
    "ar_internal_metadata": "Rails",
    "DATABASECHANGELOG": "Liquibase",
}


def test_histories_of_other_tools_are_named_and_left_out(
    file_project: PlainProject,
) -> None:
    tables = [f'CREATE TABLE "{name}" (id int)' for name in HISTORIES]
    into = "CREATE TABLE old (id INTEGER PRIMARY KEY, done INT REFERENCES aerich (id))"
    begin(
        file_project, [*SHOP["sqlite"], *tables, into, "CREATE TABLE aerich (id int)"]
    )
    printed = file_project.run(*ADOPT)
    for name, tool in HISTORIES.items():
        assert re.search(f"table {name}: of {tool}.*; stop its migrations", printed)
        assert name not in file_project.models.read_text()
    assert "  foreign key old.(done) references aerich (id)\n" in printed
    file_project.run("alembic", "stamp", "head")
    assert file_project.run("alembic", "check") == NOTE + CLEAN
    # It tells of those tables, but they are no drift.
    file_project.run("steady", "drift")


def test_what_a_scratch_database_refuses_is_named(file_project: PlainProject) -> None:
    """A function of the application is not there."""
    begin(file_project, SHOP["sqlite"])
    path = sa.make_url(file_project.url).database
    raw = sqlite3.connect(str(path))
    raw.create_function("own", 1, lambda it: it, deterministic=True)
    raw.execute("CREATE INDEX by_own ON book (own(isbn))")
    raw.commit()
    raw.close()
    printed = file_project.run(*ADOPT)
    assert "index by_own: no such function: own" in printed
    baseline = next(file_project.path.glob("migrations/versions/*.sql")).read_text()
    assert "--   index by_own: no such function: own" in baseline
    assert "CREATE INDEX by_own" not in baseline


def test_without_sqlacodegen_the_command_that_brings_it_is_printed(
    file_project: PlainProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(file_project, SHOP["sqlite"])
    monkeypatch.setattr("alembic_steady.adopt.command.find_spec", lambda name: None)
    line = refused(file_project)
    assert "uv run --with sqlacodegen --with ruff steady adopt" in line


@pytest.mark.full
def test_what_can_not_be_written_leaves_all_as_it_was(
    file_project: PlainProject,
) -> None:
    begin(file_project, SHOP["sqlite"])
    ini = file_project.path / "alembic.ini"
    hook = "hooks = broken\nbroken.type = nothing\n"
    told = ini.read_text()
    assert "[post_write_hooks]\n" in told
    ini.write_text(told.replace("[post_write_hooks]\n", f"[post_write_hooks]\n{hook}"))
    refused(file_project)


@pytest.mark.full
def test_nothing_of_the_database_names_its_account(
    mariadb: servers.MariaDB, new_project: Callable[..., PlainProject]
) -> None:
    """Definers, and what writes to the database by its name."""
    project = new_project(mariadb.url(DRIVERS["pymysql"], "orders"))
    begin(
        project,
        [
            *SHOP["mysql"],
            "CREATE PROCEDURE writes() BEGIN DELETE FROM orders.log; END",
        ],
    )
    printed = project.run(*ADOPT)
    assert "procedure writes: its text names the database itself" in printed
    baseline = next(project.path.glob("migrations/versions/*.sql")).read_text()
    assert "DEFINER=" not in baseline and "orders" not in baseline


def catalogue(server: servers.Postgres, database: str) -> list[str]:
    """Return the lines of pg_dump, sorted, without the version table."""
    program = pg_dump.find(0)
    command = [program, "--schema-only", "--no-owner", "--no-privileges"]
    url = f"postgresql://postgres@127.0.0.1:{server.port}/{database}"
    done = subprocess.run(
        [*command, "--exclude-table=alembic_version", url],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PGPASSWORD": servers.PASSWORD},
    )
    return sorted(it for it in done.stdout.splitlines() if not it.startswith("\\"))


@pytest.mark.full
def test_what_pg_dump_says_of_both_databases_is_the_same(
    any_postgres: servers.Postgres, new_project: Callable[..., PlainProject]
) -> None:
    project = new_project(any_postgres.url(DRIVERS["psycopg2"], "orders"))
    begin(project, SHOP["postgresql"])
    before = catalogue(any_postgres, "orders")
    project.run(*ADOPT)
    assert catalogue(any_postgres, "orders") == before
    ini = project.path / "alembic.ini"
    ini.write_text(ini.read_text().replace("/orders", "/others"))
    project.run("steady", "create")
    project.run("alembic", "upgrade", "head")
    assert catalogue(any_postgres, "others") == before
    assert "CREATE FUNCTION" in project.run("alembic", "upgrade", "head", "--sql")


@pytest.mark.full
def test_what_a_role_may_not_read_and_what_holds_a_password_is_named(
    any_postgres: servers.Postgres, new_project: Callable[..., PlainProject]
) -> None:
    query = any_postgres.query
    query(f"CREATE ROLE modest LOGIN CREATEDB PASSWORD '{servers.PASSWORD}'")
    try:
        project = new_project(any_postgres.url(DRIVERS["psycopg"], "orders", "modest"))
        begin(project, ["CREATE TABLE mine (id int PRIMARY KEY)"])
        for statement in (
            "CREATE EXTENSION postgres_fdw",
            "CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'h')",
            "CREATE USER MAPPING FOR modest SERVER far OPTIONS (password 'topsecret')",
            "CREATE TABLE theirs (id int PRIMARY KEY)",
            "CREATE VIEW of_theirs AS SELECT * FROM theirs",
            "ALTER DATABASE orders SET work_mem = '8MB'",
        ):
            query(statement, "orders")
        printed = project.run(*ADOPT)
        for told in (
            "table theirs: the role may not read it",
            "user mapping modest SERVER far: it belongs to a role, and may hold a password",
            "ALTER DATABASE … SET work_mem: ",
            "view of_theirs: it needs theirs, which is left out",
        ):
            assert told in printed
        files = [it.read_text() for it in project.path.rglob("*baseline*")]
        assert len(files) == 2 and not any("topsecret" in text for text in files)
        assert "class Mine(Base)" in project.models.read_text()
    finally:
        query("DROP DATABASE orders WITH (FORCE)")
        query("DROP ROLE modest")


NOT_OF_MODELS = (
    "CREATE EXTENSION citext",
    "CREATE VIEW titles AS SELECT id FROM book",
    "CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS n FROM book",
    "CREATE SEQUENCE ticket",
    "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
    "CREATE PROCEDURE tidy(i int) LANGUAGE sql AS 'SELECT 1'",
    "CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int)",
    "CREATE TRIGGER noted AFTER DELETE ON book EXECUTE FUNCTION note()",
    "CREATE RULE quiet AS ON DELETE TO book WHERE old.id < 0 DO INSTEAD NOTHING",
    "CREATE POLICY own ON book USING (id > 0)",
    "CREATE STATISTICS related ON id, author FROM book",
    "ALTER TABLE book ADD at point, ADD EXCLUDE USING gist (at WITH ~=)",
    'CREATE COLLATION plain FROM "C"',
    "CREATE TEXT SEARCH CONFIGURATION words (COPY = simple)",
)
NOT_OF_MODELS_TOLD = [
    "aggregate public.total(integer)",
    "collation public.plain",
    "extension citext",
    "function public.note()",
    "materialized view public.counted",
    "policy own on public.book",
    "procedure public.tidy(integer)",
    "rule quiet on public.book",
    "sequence public.ticket",
    "statistics object public.related",
    "text search configuration public.words",
    "trigger noted on public.book",
    "view public.titles",
]


@pytest.mark.full
def test_without_pg_dump_the_models_are_the_baseline(
    any_postgres: servers.Postgres,
    new_project: Callable[..., PlainProject],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pg_dump, "FOLDERS", ())
    monkeypatch.setattr(pg_dump, "NAME", "no_pg_dump")
    project = new_project(any_postgres.url(DRIVERS["psycopg"], "orders"))
    begin(
        project,
        [
            "CREATE TABLE author (id int PRIMARY KEY, name text DEFAULT 'x')",
            "CREATE TABLE book (id serial PRIMARY KEY, author int REFERENCES author)",
            *NOT_OF_MODELS,
        ],
    )
    printed = project.run(*ADOPT)
    assert "built from the models, since pg_dump" in printed
    told = re.findall("^  (.+): not in the baseline$", printed, re.MULTILINE)
    assert told == NOT_OF_MODELS_TOLD
    (revision,) = project.revisions()
    assert all(f"#   {it}: not in" in revision.read_text() for it in told)
    project.run("alembic", "stamp", "head")
    assert project.run("alembic", "check") == NOTE + CLEAN
    assert "+ view titles" in project.run("steady", "drift")


@pytest.mark.full
def test_models_and_baseline_are_of_one_moment(
    any_postgres: servers.Postgres, new_project: Callable[..., PlainProject]
) -> None:
    """Others may write to the database, and even change its tables."""
    project = new_project(any_postgres.url(DRIVERS["psycopg"], "orders"))
    tables = [f"CREATE TABLE t{it} (id int PRIMARY KEY, a text)" for it in range(40)]
    begin(project, tables)
    is_over = Event()

    def write() -> None:
        number = 40
        while not is_over.is_set():
            any_postgres.query(f"CREATE TABLE t{number} (id int PRIMARY KEY)", "orders")
            any_postgres.query(f"ALTER TABLE t0 ADD c{number} int", "orders")
            any_postgres.query(f"INSERT INTO t1 VALUES ({number})", "orders")
            number += 1

    others = Thread(target=write)
    others.start()
    try:
        printed = project.run(*ADOPT)
    finally:
        is_over.set()
        others.join()
    assert "Not in the models" not in printed
    project.run("alembic", "stamp", "head")
    assert project.run("alembic", "check") == NOTE + CLEAN
    # What came later is not in it.
    assert re.search(
        r"^\+ table t\d+ ", project.run("steady", "drift", code=1), re.MULTILINE
    )
