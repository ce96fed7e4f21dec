"""Errors are one line of 500 characters at most, which names the cause and the way out."""

from __future__ import annotations

import ssl
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pymysql
import pytest
from alembic.util import CommandError
from harness import DRIVERS, PlainProject, Project, Service
from runs import TABLE
from sqlalchemy import make_url

from alembic_steady.adapters import adapter_for
from alembic_steady.adapters.mysql import failures as on_mysql
from alembic_steady.adapters.postgresql import failures as on_postgresql
from alembic_steady.errors import fitted
from tests import servers
from tests.revisions import revision_id, write_history

UPGRADE = ("alembic", "upgrade", "head")


def failed(project: Project, *command: str) -> str:
    """Run a command that fails, and return its last line; see that it is the only one."""
    output = project.run(*command, code=255)
    *before, line = output.splitlines()
    assert line.startswith("FAILED: ")
    assert "Traceback (most recent call last)" not in output
    assert not any(it.startswith("FAILED: ") for it in before)
    assert len(line) <= 500
    return line


def test_a_long_line_keeps_its_beginning_and_its_end() -> None:
    text = f"the cause{'x' * 4000}the way out"
    assert len(fitted(text)) == 492
    assert fitted(text).startswith("the cause")
    assert fitted(text).endswith("the way out")
    assert fitted("short") == "short"


LONG = {
    "a statement": "op.execute('SELECT ' + '1, ' * 1000 + 'nothing')",
    "a message": "raise RuntimeError('x' * 4000)",
    "many statements": f"""
{TABLE}
op.get_bind().commit()
for number in range(60):
    op.execute(f"INSERT INTO run VALUES ('{{number}}')")
    op.get_bind().commit()
raise RuntimeError("stop here")
""",
    "a name": f"op.execute('SELECT * FROM {'n' * 60}' + ' ' * 2000)",
}


@pytest.mark.full
@pytest.mark.parametrize("fails", LONG.values(), ids=LONG)
def test_an_error_is_not_too_long(service: Service, fails: str) -> None:
    service.create()
    write_history(service.project, fails)
    line = failed(service.project, *UPGRADE)
    assert line.endswith(". Full traceback: alembic -x traceback upgrade head")
    if "stop here" in fails:
        assert "already committed: 61 statements, the last INSERT INTO" in line


def test_a_long_name_and_a_long_command_leave_room(file_project: PlainProject) -> None:
    write_history(file_project, "raise RuntimeError('stop here')")
    (revision,) = file_project.revisions()
    revision.write_text(revision.read_text().replace("Step 1", "Step " + "1" * 900))
    line = failed(file_project, "alembic", "-x", "y" * 900, "upgrade", "head")
    assert "RuntimeError: stop here; nothing of this run is kept; fix the" in line
    assert line.endswith("Full traceback: -x traceback")


TYPES = """
op.execute("CREATE TABLE one (id integer PRIMARY KEY)")
op.execute("CREATE TABLE two (id text REFERENCES one)")
"""
HINT = """
op.execute("CREATE TABLE one (name text)")
op.execute("ALTER TABLE one ALTER name TYPE integer")
"""
DUPLICATE = """
op.execute("CREATE TABLE one (name text UNIQUE)")
op.execute("INSERT INTO one VALUES ('hunter2'), ('hunter2')")
"""


@pytest.mark.full
@pytest.mark.parametrize("service", ["psycopg2-system", "psycopg-wheel"], indirect=True)
def test_details_and_hints_are_shown_but_no_values(service: Service) -> None:
    service.create()
    for fails, told in (
        (TYPES, 'Key columns "id" '),
        (HINT, 'You might need to specify "USING name::integer"'),
    ):
        write_history(service.project, fails)
        assert told in failed(service.project, *UPGRADE)
    write_history(service.project, DUPLICATE)
    line = failed(service.project, *UPGRADE)
    assert "duplicate key value" in line
    assert "already exists" not in line


@pytest.mark.full
@pytest.mark.parametrize("service", ["psycopg-wheel", "pymysql"], indirect=True)
def test_without_rights_each_command_ends_in_one_line(service: Service) -> None:
    server, project = service.server, service.project
    assert server
    service.create()
    write_history(project, TABLE)
    project.run(*UPGRADE)
    password = servers.PASSWORD
    if service.family == "postgresql":
        server.query(f"CREATE ROLE poor LOGIN PASSWORD '{password}'")
    else:
        server.query(f"CREATE USER poor@'127.0.0.1' IDENTIFIED BY '{password}'")
        server.query("GRANT SELECT ON orders.run TO poor@'127.0.0.1'")
    try:
        url = server.url(service.driver, "orders", user="poor")
        project.environment["DATABASE_URL"] = url
        for command in (
            ("alembic", "current"),
            UPGRADE,
            ("alembic", "-x", "live", "check"),
        ):
            line = failed(project, *command)
            assert " denied " in line and "alembic_version" in line
        output = project.run("alembic", "-x", "traceback", "current", code=1)
        assert "Traceback (most recent call last)" in output
    finally:
        host = "@'127.0.0.1'" if service.family == "mysql" else ""
        server.query(f"DROP {'USER' if host else 'ROLE'} poor{host}")


def test_a_revision_that_is_no_python_is_named(file_project: PlainProject) -> None:
    write_history(file_project, "pass")
    (revision,) = file_project.revisions()
    revision.write_text("no python(")
    for command in (
        ("alembic", "current"),
        ("steady", "drift"),
        ("steady", "heads"),
        UPGRADE,
    ):
        line = failed(file_project, *command)
        assert "SyntaxError" in line and revision.name in line


def test_what_a_revision_that_ends_the_program_has_kept_is_said(
    file_project: PlainProject,
) -> None:
    write_history(file_project, "raise SystemExit(3)")
    line = failed(file_project, *UPGRADE)
    assert "SystemExit: 3; nothing of this run is kept" in line


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /dev/full")
def test_a_file_that_takes_nothing_is_no_traceback(
    new_project: Callable[..., PlainProject],
) -> None:
    project = new_project("sqlite:////dev/full")
    write_history(project, TABLE)
    assert "; nothing of this run is kept" in failed(project, *UPGRADE)


@pytest.mark.parametrize(
    ("name", "way"), [("loop.db", ""), ("no/x.db", "; create it with: steady create")]
)
def test_what_can_not_help_is_not_advised(
    new_project: Callable[..., PlainProject], tmp_path: Path, name: str, way: str
) -> None:
    """A file that SQLite can't create in a folder that is there, nobody can."""
    (tmp_path / "loop.db").symlink_to("loop.db")
    project = new_project(f"sqlite:///{tmp_path / name}")
    write_history(project, TABLE)
    assert failed(project, *UPGRADE).endswith(f"unable to open database file{way}")


@pytest.mark.full
def test_a_role_with_one_connection_can_migrate(
    any_postgres: servers.Postgres, new_project: Callable[..., PlainProject]
) -> None:
    query = any_postgres.query
    query(f"CREATE ROLE one LOGIN PASSWORD '{servers.PASSWORD}' CONNECTION LIMIT 1")
    query("CREATE DATABASE orders OWNER one")
    try:
        project = new_project(any_postgres.url("postgresql+psycopg", "orders", "one"))
        write_history(project, TABLE)
        assert "Now at" in project.run(*UPGRADE)
    finally:
        query("DROP DATABASE orders WITH (FORCE)")
        query("DROP ROLE one")


@pytest.mark.full
def test_rows_of_tables_without_transactions_are_not_called_undone(
    mariadb: servers.MariaDB, new_project: Callable[..., PlainProject]
) -> None:
    project = new_project(mariadb.url("mariadb+pymysql", "orders"))
    project.run("steady", "create")
    for engine in ("InnoDB", "MyISAM"):
        mariadb.query(f"CREATE TABLE orders.{engine} (id int) ENGINE = {engine}")
    fails = """
op.execute("INSERT INTO InnoDB VALUES (1)")
op.execute("INSERT INTO MyISAM VALUES (1)")
raise RuntimeError("stop here")
"""
    write_history(project, fails)
    line = failed(project, *UPGRADE)
    told = "such as MyISAM, stay changed; nothing else of the revision is kept"
    assert told in line
    found = [mariadb.query(f"SELECT * FROM orders.{it}") for it in ("InnoDB", "MyISAM")]
    assert [len([*rows]) for rows in found] == [0, 1]


# Commands that help


def test_two_heads_are_said_with_the_command_that_joins_them(
    file_project: PlainProject,
) -> None:
    write_history(file_project, "pass", "pass")
    last = file_project.revisions()[-1]
    other = last.read_text().replace(f'"{revision_id(2)}"', '"other"')
    last.with_name("other.py").write_text(other)
    line = failed(file_project, *UPGRADE)
    assert line == (
        f"FAILED: there are 2 heads: {revision_id(2)} Step 2, other Step 2. To put yours"
        " behind the others: steady rebase; to join them by a revision: alembic merge -m '…'"
        f" {revision_id(2)} other"
    )
    file_project.run("alembic", "merge", "-m", "Join", revision_id(2), "other")
    file_project.run(*UPGRADE)


def test_an_unknown_revision_is_said_with_a_way_to_find_it(
    file_project: PlainProject,
) -> None:
    write_history(file_project, "pass", "pass")
    line = failed(file_project, "alembic", "upgrade", "nowhere")
    assert line.endswith("'nowhere'; alembic history lists all that there are")
    file_project.run(*UPGRADE)
    file_project.revisions()[-1].unlink()
    for command in (("alembic", "current"), UPGRADE, ("steady", "drift")):
        assert failed(file_project, *command).endswith(
            f"identified by '{revision_id(2)}'; the database is at it, but no file of this"
            " project has it: bring that from where it was written"
        )


@pytest.mark.full
def test_what_is_there_already_is_said_with_the_command_that_notes_it(
    service: Service,
) -> None:
    service.create()
    service.execute("CREATE TABLE run (step varchar(9))")
    write_history(service.project, TABLE, "pass")
    line = failed(service.project, *UPGRADE)
    stamp = f"alembic stamp {revision_id(1)}"
    assert (
        "fix the cause and run it again. If the database already has all that this"
        f" revision builds, note that instead: {stamp}. "
    ) in line
    service.project.run(*stamp.split())
    service.project.run(*UPGRADE)


# Servers that answer, and those that do not


def reason(url: str) -> str:
    """Return why there is no connection."""
    adapter = adapter_for(url.partition("+")[0])
    with pytest.raises(CommandError) as raised, adapter.connect(make_url(url)):
        pass
    return str(raised.value)


ANSWERED = {
    "sslmode=bogus": 'invalid sslmode value: "bogus"',
    "sslmode=disable&channel_binding=require": "channel binding required",
    "sslmode=require": "server does not support SSL",
    "target_session_attrs=read-only": "session is not read-only",
    "nonsense=1": 'invalid connection option "nonsense"',
}


@pytest.mark.full
@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_a_server_of_postgresql_that_refuses_does_answer(
    any_postgres: servers.Postgres, driver: str
) -> None:
    name = DRIVERS[driver]
    for query, told in ANSWERED.items():
        text = reason(f"{any_postgres.url(name)}?{query}")
        assert text.startswith(f"{name} at 127.0.0.1:{any_postgres.port}: ")
        assert told in text
    text = reason(any_postgres.url(name, "nowhere"))
    assert text.endswith(
        "database nowhere does not exist; create it with: steady create"
    )
    nowhere = any_postgres.url(name).replace(f":{any_postgres.port}/", ":9/")
    assert reason(nowhere).endswith(" does not answer (Connection refused)")


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_several_addresses_without_a_server_do_not_answer(driver: str) -> None:
    """Each driver has its own list of what happened with each of them."""
    text = reason(f"{DRIVERS[driver]}://u:p@/one?host=127.0.0.1:9&host=localhost:9")
    place = f"{DRIVERS[driver]} at 127.0.0.1:9, localhost:9"
    assert text == f"{place} does not answer (Connection refused)"


@pytest.mark.parametrize("name", ["ssl_ca", "ssl_cert"])
def test_a_missing_file_of_a_url_is_named(mariadb: servers.MariaDB, name: str) -> None:
    text = reason(f"{mariadb.url()}?{name}=/nowhere")
    assert text.endswith(f":{mariadb.port}: {name}=/nowhere: No such file or directory")


@pytest.mark.parametrize(
    "query", ["nonsense=1", "charset=nonsense", "connect_timeout=x"]
)
def test_a_parameter_that_pymysql_refuses_is_no_traceback(
    mariadb: servers.MariaDB, query: str
) -> None:
    assert ": the driver refuses the URL (" in reason(f"{mariadb.url()}?{query}")


def test_a_pooler_that_has_no_transactions_is_told_from_a_server_that_is_gone() -> None:
    error = psycopg.OperationalError(
        'connection failed: connection to server at "::1", port 6432 failed: FATAL:'
        "  transaction blocks not allowed in statement pooling mode\nserver closed it"
    )
    answered, told = on_postgresql.cause(error)
    assert answered
    assert told == (
        "transaction blocks not allowed in statement pooling mode; set pool_mode ="
        " transaction, or connect to the server without the pooler"
    )


def test_a_certificate_that_is_not_trusted_is_an_answer() -> None:
    """PyMySQL reports it with the code of a server that is not there."""
    error = pymysql.OperationalError(2003, "Can't connect to MySQL server on '::1'")
    assert on_mysql.cause(error) == (False, error.args[1])
    original = ssl.SSLCertVerificationError("certificate verify failed")
    error.original_exception = original  # type: ignore[attr-defined]
    assert on_mysql.cause(error) == (True, str(original))


@pytest.mark.parametrize(
    ("line", "call", "why", "advice"),
    [
        (
            "from migrations.scratch import is_scratch",
            "is_scratch()",
            "No module named 'migrations.scratch'",
            "is_scratch",
        ),
        (
            "from migrations import concurrently",
            "concurrently.create_index('a', 'b', ['c'])",
            "cannot import name 'concurrently' from 'migrations' (unknown location)",
            "create_index, and call it without `concurrently.`",
        ),
    ],
)
def test_a_revision_whose_import_is_gone_is_told_what_to_write(
    line: str, call: str, why: str, advice: str, file_project: PlainProject
) -> None:
    write_history(file_project, "pass")
    (revision,) = file_project.revisions()
    text = revision.read_text().replace("    pass\n", f"    {call}\n", 1)
    revision.write_text(
        text.replace("from alembic import op", f"from alembic import op\n{line}")
    )
    number = text.partition("from alembic import op")[0].count("\n") + 2
    for command in (UPGRADE, ("steady", "heads"), ("steady", "drift")):
        assert failed(file_project, *command) == (
            f"FAILED: {revision.name}, line {number}: {why}; write instead: from"
            f" alembic_steady import {advice}"
        )
    # Whatever else is not there is nothing that this library knows of.
    revision.write_text(
        text.replace("from alembic import op", "import nothing_like_it")
    )
    assert "ModuleNotFoundError: No module named" in failed(file_project, *UPGRADE)
