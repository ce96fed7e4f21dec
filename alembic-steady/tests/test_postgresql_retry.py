"""On PostgreSQL a revision that has to wait for a table does not stop the service."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from harness import Project
from runs import Traffic, Upgrade

import alembic_steady
from tests.revisions import revision_id, seconds, write_history
from tests.servers import Postgres

TABLE = 'op.create_table("account", sa.Column("id", sa.Integer, primary_key=True))'
COLUMN = 'op.add_column("account", sa.Column("note", sa.Text))'
ANOTHER = 'op.create_table("another", sa.Column("id", sa.Integer, primary_key=True))'
HALF = f"""
{ANOTHER}
with op.get_context().autocommit_block():
    op.create_index("ix_another_id", "another", ["id"], postgresql_concurrently=True)
op.execute("INSERT INTO another VALUES (1)")
{COLUMN}
"""
AGAIN = "waiting for a lock, retrying in "


@pytest.fixture(params=["psycopg2", "psycopg"])
def project(
    request: pytest.FixtureRequest,
    any_postgres: Postgres,
    copied: Callable[[str], Project],
) -> Project:
    """Return a project whose database is there."""
    project = copied(request.param)
    project.environment["DATABASE_URL"] = any_postgres.url("postgresql", "orders")
    any_postgres.create("orders")
    return project


@pytest.fixture
def connect(any_postgres: Postgres) -> Callable[[], psycopg.Connection]:
    """Return what connects to the project's database."""
    url = any_postgres.url("postgresql", "orders")
    return lambda: psycopg.connect(url, autocommit=True)


@contextmanager
def reading(connect: Callable[[], psycopg.Connection]) -> Iterator[None]:
    """Read the table in a transaction, which locks it against changes."""
    with connect() as connection, connection.transaction():
        connection.execute("SELECT * FROM account")
        yield


def edit(project: Project, old: str, new: str) -> None:
    """Give a project a copy of the library in which `retry.py` is otherwise."""
    copy = project.path.with_name("library") / "alembic_steady"
    shutil.copytree(Path(alembic_steady.__file__).parent, copy)
    project.environment["PYTHONPATH"] = str(copy.parent)
    module = copy / "adapters" / "postgresql" / "retry.py"
    assert old in module.read_text()
    module.write_text(module.read_text().replace(old, new))


@pytest.mark.full
@pytest.mark.parametrize("lock_timeout", ["1s", "0"])
def test_other_queries_go_on_while_a_revision_waits_its_turn(
    project: Project,
    connect: Callable[[], psycopg.Connection],
    tmp_path: Path,
    lock_timeout: str,
) -> None:
    """Without a time-out, they stand behind the revision as long as it has to wait."""
    edit(project, "lock_timeout = '1s'", f"lock_timeout = '{lock_timeout}'")
    write_history(project, TABLE, COLUMN)
    project.run("alembic", "upgrade", "+1")
    query = "SELECT id FROM account"
    traffic = Traffic(connect, lambda connection: connection.execute(query))
    with reading(connect):
        traffic.start()
        upgrade = Upgrade(project, tmp_path / "output")
        upgrade.wait_for("Step 2")
        time.sleep(3.5)
        assert upgrade.process.poll() is None
    output = upgrade.end()
    pause = traffic.end()
    print(f"longest pause with lock_timeout {lock_timeout}: {pause:.1f} s")
    assert output.endswith(f"Now at {revision_id(2)} (head)\n")
    if lock_timeout == "1s":
        assert AGAIN in output
        assert 0.5 < pause < 2.5
    else:
        assert AGAIN not in output
        assert pause > 3


@pytest.mark.parametrize("project", ["psycopg"], indirect=True)
def test_no_revision_more_runs_after_a_second_try(
    project: Project, connect: Callable[[], psycopg.Connection], tmp_path: Path
) -> None:
    """Alembic would count `+2` from where the first try ended."""
    write_history(project, TABLE, ANOTHER, COLUMN, "pass", "pass")
    project.run("alembic", "upgrade", "+1")
    with reading(connect):
        upgrade = Upgrade(project, tmp_path / "output", ["alembic", "upgrade", "+2"])
        upgrade.wait_for(AGAIN)
    output = upgrade.end()
    assert list(seconds(output)) == ["Step 2", "Step 3"]
    assert output.endswith(f"Now at {revision_id(3)}\n")


@pytest.mark.parametrize("project", ["psycopg"], indirect=True)
@pytest.mark.full
def test_what_a_try_has_taken_back_is_not_called_done(
    project: Project, connect: Callable[[], psycopg.Connection], tmp_path: Path
) -> None:
    """As when the server is left for another while a revision waits."""
    edit(project, "PAUSES = (1, ", "PAUSES = (3, ")
    write_history(project, TABLE, f"{ANOTHER}\n{COLUMN}")
    project.run("alembic", "upgrade", "+1")
    with reading(connect), connect() as admin:
        upgrade = Upgrade(project, tmp_path / "output")
        upgrade.wait_for(AGAIN)
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'alembic' AND state = 'idle'"
        )
        output = upgrade.end()
    assert (
        "this run kept nothing of the revision; fix the cause"
        in output.splitlines()[-1]
    )
    assert "committed: " not in output


SHOWS = "print('Meanwhile:', op.get_bind().scalar(sa.text('SHOW lock_timeout')))"


def test_in_an_autocommit_block_there_is_no_limit(project: Project) -> None:
    write_history(project, f"with op.get_context().autocommit_block():\n    {SHOWS}")
    assert "Meanwhile: 0\n" in project.run("alembic", "upgrade", "head")


GIVEN = """
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text
from app.config import database_url
config = Config("alembic.ini")
with create_engine(database_url()).begin() as connection:
    connection.execute(text("SET LOCAL lock_timeout = '7s'"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    print("Then:", connection.scalar(text("SHOW lock_timeout")))
"""


@pytest.mark.parametrize("project", ["psycopg"], indirect=True)
def test_a_given_transaction_is_as_patient_afterwards_as_before(
    project: Project,
) -> None:
    write_history(project, SHOWS)
    output = project.run("python", "-c", GIVEN)
    assert "Meanwhile: 1s\n" in output
    assert output.endswith("Then: 7s\n")


@pytest.mark.parametrize("project", ["psycopg"], indirect=True)
def test_it_gives_up_in_one_line(
    project: Project, connect: Callable[[], psycopg.Connection]
) -> None:
    edit(project, "PAUSES = (1, 2, 4, 8, 15, 30, 30, 30)", "PAUSES = (0, 0)")
    write_history(project, TABLE, COLUMN)
    project.run("alembic", "upgrade", "+1")
    with reading(connect):
        output = project.run("alembic", "upgrade", "head", code=255)
    assert output.count(AGAIN) == 2
    assert output.splitlines()[-1] == (
        f"FAILED: {revision_id(2)} Step 2: canceling statement due to lock timeout, in"
        " ALTER TABLE account ADD COLUMN note TEXT; this run kept nothing of the revision;"
        " fix the cause and run it again."
        " Full traceback: alembic -x traceback upgrade head"
    )
    project.run("alembic", "upgrade", "head")


def test_what_is_final_in_part_is_not_tried_again(
    project: Project, connect: Callable[[], psycopg.Connection]
) -> None:
    write_history(project, TABLE, HALF)
    project.run("alembic", "upgrade", "+1")
    with reading(connect):
        output = project.run("alembic", "upgrade", "head", code=255)
    assert AGAIN not in output
    last = output.splitlines()[-1]
    assert last.startswith(
        f"FAILED: {revision_id(2)} Step 2: canceling statement due to"
    )
    assert (
        "lock timeout, in ALTER TABLE account ADD COLUMN note TEXT; already committed: "
        in last
    )
    done = (
        last.partition("already committed: ")[2]
        .partition("; nothing else")[0]
        .split("; ")
    )
    assert [" ".join(statement.split()[:3]) for statement in done] == [
        "CREATE TABLE another",
        "CREATE INDEX CONCURRENTLY",
    ]
    # That is what there is.
    with connect() as connection:
        assert connection.execute("SELECT * FROM another").fetchall() == []
        connection.execute("DROP TABLE another")
    project.run("alembic", "upgrade", "head")
