"""Indexes of PostgreSQL that are made while others write, and what failed tries leave."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from harness import Service
from runs import Upgrade, until

from tests.documented import add_column, document, documented, index_it
from tests.revisions import AS_BUILT, CLEAN, DRIFT, NOTE, write_history

each_driver = pytest.mark.parametrize(
    "service", ["psycopg2-system", "psycopg-wheel"], indirect=True
)
one_driver = pytest.mark.parametrize("service", ["psycopg-wheel"], indirect=True)

INVALID = "An INVALID index may be left; alembic_steady.create_index rebuilds it"
NAME = "ix_user_username"
LEFT = f"the INVALID index {NAME} is left; alembic_steady.create_index rebuilds it"
BUILDS = """
SELECT pid FROM pg_stat_progress_create_index
WHERE datname = 'orders' AND phase = 'waiting for writers before build'
"""


def indexes(service: Service, name: str = NAME) -> list[tuple[int, bool]]:
    """Return the indexes of a name, and whether a query can use them."""
    assert service.server
    query = (
        "SELECT indexrelid, indisvalid FROM pg_index"
        f" JOIN pg_class ON pg_class.oid = indexrelid WHERE relname = '{name}'"
    )
    return [(oid, valid) for oid, valid in service.server.query(query, "orders")]


def is_valid(service: Service, name: str = NAME) -> bool:
    """Return whether the one index of a name can be used."""
    ((_, valid),) = indexes(service, name)
    return valid


def check_it_is_made(service: Service) -> None:
    """See that the index can be used, and that its revision has run."""
    assert is_valid(service)
    service.project.run("alembic", "current", "--check-heads")


def check_all_is_well(service: Service) -> None:
    """See that the index is made as the model says, and nothing is left to do."""
    project = service.project
    check_it_is_made(service)
    assert project.run("alembic", "check") == NOTE + CLEAN
    assert project.run(*DRIFT).endswith(AS_BUILT)
    assert "No changes in the models" in project.revise("Nothing")


@contextmanager
def writer(service: Service) -> Iterator[sa.Connection]:
    """Hold a transaction that has written to the table, for which a build has to wait."""
    engine = sa.create_engine(service.url)
    with engine.connect() as connection:
        connection.exec_driver_sql("""INSERT INTO "user" (username) VALUES ('a')""")
        yield connection
    engine.dispose()


def begin_to_build(service: Service, log: Path) -> tuple[Upgrade, int]:
    """Begin a run, and return it and its process on the server when its build waits."""
    assert service.server
    server = service.server
    upgrade = Upgrade(service.project, log)
    until(lambda: server.query(BUILDS))
    ((pid,),) = server.query(BUILDS)
    assert isinstance(pid, int)
    return upgrade, pid


def kill_the_build(service: Service, log: Path) -> int:
    """Kill a run while its build waits, and return the process that goes on without it."""
    upgrade, pid = begin_to_build(service, log)
    upgrade.kill()
    assert service.server
    assert service.server.query(BUILDS) == [(pid,)]
    return pid


@each_driver
def test_the_documented_revision_goes_up_and_down_and_up(service: Service) -> None:
    project = service.project
    add_column(service.project, service)
    document(index_it(project))
    project.run("alembic", "upgrade", "head")
    check_all_is_well(service)
    project.run("alembic", "downgrade", "-1")
    assert indexes(service) == []
    project.run("alembic", "upgrade", "head")
    assert is_valid(service)


@one_driver
def test_others_write_while_it_is_built(service: Service, tmp_path: Path) -> None:
    """A plain index would make them wait until the first transaction is at its end."""
    add_column(service.project, service)
    index_it(service.project)
    with writer(service) as first:
        upgrade, _ = begin_to_build(service, tmp_path / "output")
        service.execute("SET lock_timeout = '1s'; INSERT INTO \"user\" (id) VALUES (9)")
        first.commit()
        upgrade.end()
    assert upgrade.process.returncode == 0
    check_it_is_made(service)


@one_driver
def test_it_is_printed_as_sql(service: Service) -> None:
    add_column(service.project, service)
    index_it(service.project)
    printed = service.project.run("alembic", "upgrade", "head", "--sql")
    made = f'CREATE INDEX CONCURRENTLY IF NOT EXISTS {NAME} ON "user" (username);'
    assert f"COMMIT;\n\n{made}\n\nBEGIN;" in printed
    printed = service.project.run("alembic", "downgrade", "head:base", "--sql")
    assert f"COMMIT;\n\nDROP INDEX CONCURRENTLY IF EXISTS {NAME};\n\nBEGIN;" in printed


@each_driver
def test_what_a_killed_run_has_left_is_built_again(
    service: Service, tmp_path: Path
) -> None:
    assert service.server
    server = service.server
    add_column(service.project, service)
    index_it(service.project)
    with writer(service):
        pid = kill_the_build(service, tmp_path / "output")
        server.query(f"SELECT pg_terminate_backend({pid})")
        until(lambda: not server.query(BUILDS))
        assert not is_valid(service)
    service.project.run("alembic", "current", "--check-heads", code=255)
    service.project.run("alembic", "upgrade", "head")
    check_it_is_made(service)


@one_driver
def test_a_build_that_the_server_ends_may_leave_an_index(
    service: Service, tmp_path: Path
) -> None:
    assert service.server
    add_column(service.project, service)
    index_it(service.project)
    with writer(service):
        upgrade, pid = begin_to_build(service, tmp_path / "output")
        service.server.query(f"SELECT pg_terminate_backend({pid})")
        *_, error = upgrade.end().splitlines()
    assert (
        "; it is unknown whether this statement took effect; run the revision again to find"
        f" out. {INVALID}"
    ) in error
    service.project.run("alembic", "upgrade", "head")
    check_it_is_made(service)


@each_driver
def test_a_build_that_outlives_its_run_is_waited_for_and_kept(
    service: Service, tmp_path: Path
) -> None:
    """The server does not notice that its client is gone before it has an answer.

    The next run may be on another machine, and tell the server another name.
    """
    add_column(service.project, service)
    index_it(service.project)
    with writer(service) as first:
        kill_the_build(service, tmp_path / "first")
        ((oid, _),) = indexes(service)
        service.project.environment["PGAPPNAME"] = "another machine"
        second = Upgrade(service.project, tmp_path / "second")
        second.wait_for("another run is migrating the database")
        first.commit()
        second.end()
    assert second.process.returncode == 0
    assert indexes(service) == [(oid, True)]
    check_it_is_made(service)


@one_driver
def test_what_duplicates_have_left_is_built_again(service: Service) -> None:
    project = service.project
    add_column(service.project, service)
    index_it(project, unique=True)
    service.execute("""INSERT INTO "user" (username) VALUES ('a'), ('a')""")
    output = project.run("alembic", "upgrade", "head", code=255)
    assert "could not create unique index" in output
    assert f"; {LEFT}; nothing else of the revision is kept; fix the cause" in output
    assert not is_valid(service)
    service.execute("""UPDATE "user" SET username = id""")
    project.run("alembic", "upgrade", "head")
    check_it_is_made(service)


@one_driver
def test_an_index_that_is_there_already_is_left_alone(service: Service) -> None:
    """As after a crash between the build and the note that the revision has run."""
    project = service.project
    add_column(service.project, service)
    *_, before = project.revisions()
    index_it(project)
    project.run("alembic", "upgrade", "head")
    made = indexes(service)
    (revision,) = re.findall("-([0-9a-f]{12})_", before.name)
    service.execute(f"UPDATE alembic_version SET version_num = '{revision}'")
    project.run("alembic", "upgrade", "head")
    assert indexes(service) == made
    check_it_is_made(service)


IN_A_SCHEMA = """\
    op.execute('CREATE SCHEMA "Other"')
    op.execute('CREATE TABLE "Other"."Order" (id int)')
    op.execute('CREATE TABLE "Order" (id int)')
    op.execute('CREATE INDEX "Ix" ON "Order" (id)')
    op.execute('INSERT INTO "Other"."Order" VALUES (1), (1)')
    create_index("Ix", "Order", ["id"], schema="Other", unique=True)
"""


@one_driver
def test_it_may_be_in_another_schema_under_any_name(service: Service) -> None:
    project = service.project
    service.create()
    project.run("alembic", "revision", "-m", "Make it")
    *_, revision = project.revisions()
    line, _ = documented()
    made, again = IN_A_SCHEMA.rsplit("\n", 2)[0], IN_A_SCHEMA.splitlines()[-1]
    text = revision.read_text().replace(
        "from alembic import op\n", f"from alembic import op\n{line}"
    )
    revision.write_text(text.replace("    pass\n", f"{made}\n{again}\n", 1))
    output = project.run("alembic", "upgrade", "head", code=255)
    assert "could not create unique index" in output
    mine = indexes(service, "Ix")
    assert sorted(valid for _, valid in mine) == [False, True]
    service.execute('DELETE FROM "Other"."Order"')
    revision.write_text(text.replace("    pass\n", f"{again}\n", 1))
    project.run("alembic", "upgrade", "head")
    now = indexes(service, "Ix")
    assert [valid for _, valid in now] == [True, True]
    assert len({*now} & {*mine}) == 1


BLOCK = """
with op.get_context().autocommit_block():
    op.execute("{}")
"""
LEFTOVERS = {
    "create unique index\\n concurrently ix_one on run (step)": (
        "ix_one",
        "alembic_steady.create_index rebuilds it",
    ),
    "DROP INDEX CONCURRENTLY ix_two": ("ix_two", "alembic_steady.drop_index drops it"),
    "reindex table concurrently run": (
        "ix_two_ccnew",
        "DROP INDEX CONCURRENTLY drops it",
    ),
}


@pytest.mark.full
@one_driver
@pytest.mark.parametrize("statement", LEFTOVERS)
def test_a_time_limit_of_the_server_is_named_and_not_tried_again(
    service: Service, statement: str
) -> None:
    """Another try would meet what this one has left, or keep it with IF NOT EXISTS."""
    server, project = service.server, service.project
    assert server
    service.create()
    server.query("ALTER DATABASE orders SET lock_timeout = '100ms'")
    table = "op.create_table('run', sa.Column('step', sa.Integer))\n"
    index = "op.create_index('ix_two', 'run', ['step'])"
    write_history(project, table + index, BLOCK.format(statement))
    project.run("alembic", "upgrade", "+1")
    engine = sa.create_engine(service.url)
    with engine.connect() as other:
        other.exec_driver_sql("INSERT INTO run VALUES (1)")
        output = project.run("alembic", "upgrade", "head", code=255)
    engine.dispose()
    assert "retrying" not in output
    name, way = LEFTOVERS[statement]
    assert not is_valid(service, name)
    assert (
        f"; the INVALID index {name} is left; {way}; nothing else of the revision is kept;"
        " fix the cause and run it again. The lock_timeout of this role, database or server"
        " has ended it; lift it before: op.execute('SET lock_timeout = 0'). Full traceback"
    ) in output
    lifted = "op.execute('SET lock_timeout = 0')\n" + BLOCK.format("SELECT 1")
    write_history(project, table + index, lifted)
    project.run("alembic", "upgrade", "head")


@pytest.mark.full
@one_driver
def test_nothing_is_said_to_be_left_where_nothing_is(service: Service) -> None:
    service.create()
    statement = "CREATE INDEX CONCURRENTLY one ON nowhere (id)"
    write_history(service.project, BLOCK.format(statement))
    output = service.project.run("alembic", "upgrade", "head", code=255)
    assert "; this run kept nothing of the revision; fix the cause" in output
    assert "INVALID" not in output
