"""The scratch database: what autogenerate compares the models with, and where it is."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable

import pytest
from harness import IS_NEWEST, Project, Service

from tests.conftest import TOOLS, left_clean
from tests.revisions import (
    ADD_USERNAME,
    AS_BUILT,
    CLEAN,
    DRIFT,
    NOTE,
    add_revision,
    begin_upgrade,
    operations,
)
from tests.servers import PASSWORD, MariaDB, Postgres, Server

# Statements that make the state, and those that undo it.
STATES = {
    "tables of others": (["CREATE TABLE theirs (id int)"], ["DROP TABLE theirs"]),
    "a column added by hand": (
        ['ALTER TABLE "user" ADD by_hand int'],
        ['ALTER TABLE "user" DROP COLUMN by_hand'],
    ),
    "a revision of another branch": (
        ["UPDATE alembic_version SET version_num = '0123456789ab'"],
        [],
    ),
    "behind head": (["DROP TABLE alembic_version", 'DROP TABLE "user"'], []),
}
WAYS_OUT = (
    "; set SHADOW_DATABASE_URL to a server on which databases may be created, or compare"
    " with the database itself: alembic -x live check\n"
)


def test_a_revision_is_exactly_the_change_of_the_models(service: Service) -> None:
    """Whatever is in the database."""
    project = service.project
    service.create()
    project.run("alembic", "upgrade", "head")
    project.add_username()
    for state, (make, undo) in STATES.items():
        for statement in make:
            service.execute(statement)
        project.run(*ADD_USERNAME)
        *_, revision = project.revisions()
        added = ["op.add_column", *service.batch, "op.create_index"]
        dropped = [*service.batch, "op.drop_column", "op.drop_index"]
        assert operations(revision, "upgrade") == added, state
        assert operations(revision, "downgrade") == dropped, state
        assert project.run("alembic", "check") == NOTE + CLEAN, state
        revision.unlink()
        for statement in undo:
            service.execute(statement)


def test_live_compares_with_the_database_itself(service: Service) -> None:
    project = service.project
    service.create()
    project.run("alembic", "upgrade", "head")
    assert NOTE not in project.run("alembic", "-x", "live", "check")
    service.execute("CREATE TABLE theirs (id int)")
    assert "theirs" in project.run("alembic", "-x", "live", "check", code=255)


def test_the_database_is_dropped_when_a_revision_fails(service: Service) -> None:
    """The fixture counts what is left on the server."""
    revision = service.project.revisions()[0]
    begin_upgrade(revision, "    raise RuntimeError('stop here')\n")
    output = service.project.run("alembic", "check", code=255)
    assert "Initial revision: RuntimeError: stop here. Full" in output


# Should a test fail, it ends by itself.
WAIT = """\
    import os
    import time

    end = time.monotonic() + 60
    while os.environ.get("WAIT") and time.monotonic() < end:
        time.sleep(0.05)
"""


def shadows(server: Server) -> set[str]:
    """Return the databases that are called like scratch databases."""
    return {name for name in server.databases() if "shadow" in name}


class Waiting:
    """An `alembic check` that goes on until it is told to end."""

    def __init__(self, project: Project, server: Server) -> None:
        others = shadows(server)
        self.process = subprocess.Popen(
            [TOOLS / "alembic", "check"],
            cwd=project.path,
            env={**project.environment, "WAIT": "1"},
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 30
        while not shadows(server) - others:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        (self.database,) = shadows(server) - others

    def end(self, number: signal.Signals) -> None:
        """Send a signal and wait for the end."""
        self.process.send_signal(number)
        assert self.process.wait(30) != 0


@pytest.fixture
def waiting_project(
    any_postgres: Postgres, copied: Callable[[str], Project]
) -> Project:
    """Return a project whose revision waits where it is told to."""
    project = copied("psycopg2")
    project.environment["DATABASE_URL"] = any_postgres.url()
    (revision,) = project.revisions()
    begin_upgrade(revision, WAIT)
    return project


def test_the_database_is_dropped_on_ctrl_c(
    any_postgres: Postgres, waiting_project: Project
) -> None:
    waiting = Waiting(waiting_project, any_postgres)
    waiting.end(signal.SIGINT)
    assert shadows(any_postgres) == set()


def test_what_a_killed_run_has_left_is_dropped_by_the_next_and_nothing_else(
    any_postgres: Postgres, waiting_project: Project
) -> None:
    theirs = {
        "shadow_",
        "shadow_keep",
        "my_shadow_0123456789ab",
        "shadow_0123456789abc",
    }
    for name in theirs:
        any_postgres.create(name)
    killed = Waiting(waiting_project, any_postgres)
    killed.end(signal.SIGKILL)
    assert shadows(any_postgres) == theirs | {killed.database}
    running = Waiting(waiting_project, any_postgres)
    assert shadows(any_postgres) == theirs | {running.database}
    waiting_project.run("alembic", "check")
    assert shadows(any_postgres) == theirs | {running.database}
    running.end(signal.SIGTERM)
    waiting_project.run("alembic", "check")
    assert shadows(any_postgres) == theirs
    for name in theirs:
        any_postgres.drop(name)


def test_what_another_role_has_left_stays(
    any_postgres: Postgres, waiting_project: Project
) -> None:
    any_postgres.create("shadow_0123456789ab")
    any_postgres.query(f"CREATE ROLE modest LOGIN CREATEDB PASSWORD '{PASSWORD}'")
    url = any_postgres.url("postgresql", "orders", "modest")
    waiting_project.environment["DATABASE_URL"] = url
    assert CLEAN in waiting_project.run("alembic", "check")
    assert shadows(any_postgres) == {"shadow_0123456789ab"}
    any_postgres.drop("shadow_0123456789ab")
    any_postgres.query("DROP ROLE modest")


def test_what_a_killed_run_has_left_on_mariadb_is_dropped(
    mariadb: MariaDB, copied: Callable[[str], Project]
) -> None:
    project = copied("pymysql")
    project.environment["DATABASE_URL"] = mariadb.url(database="orders")
    (revision,) = project.revisions()
    begin_upgrade(revision, WAIT)
    killed = Waiting(project, mariadb)
    killed.end(signal.SIGKILL)
    running = Waiting(project, mariadb)
    assert shadows(mariadb) == {running.database}
    running.end(signal.SIGINT)
    assert shadows(mariadb) == set()


def test_the_server_is_the_first_that_a_setting_names(
    any_postgres: Postgres, copied: Callable[[str], Project]
) -> None:
    project = copied("psycopg2")
    elsewhere = "postgresql://u:p@192.0.2.1/none"
    nowhere = "postgresql://u:p@127.0.0.1:9/none"
    for settings in (
        {"DATABASE_URL": any_postgres.url()},
        {"DATABASE_URL": nowhere, "MIGRATION_DATABASE_URL": any_postgres.url()},
        {"DATABASE_URL": any_postgres.url(), "MIGRATION_DATABASE_URL": elsewhere},
        {"DATABASE_URL": nowhere, "SHADOW_DATABASE_URL": any_postgres.url()},
    ):
        environment = {**project.environment, **settings}
        check = Project(project.path, environment).run("alembic", "check")
        assert check == NOTE + CLEAN


def refusal(project: Project, **settings: str) -> str:
    """Return the line that says why there is no scratch database, without the ways out."""
    environment = {**project.environment, **settings}
    output = Project(project.path, environment).run("alembic", "check", code=255)
    assert output.endswith(WAYS_OUT) and output.count("\n") == 1
    return output.removesuffix(WAYS_OUT).removeprefix("FAILED: ")


def test_without_a_server_for_it_the_ways_out_are_named(
    pooler: Postgres, any_postgres: Postgres, copied: Callable[[str], Project]
) -> None:
    project = copied("psycopg")
    line = refusal(project, DATABASE_URL="postgresql://u:p@192.0.2.1/none")
    at = "postgresql+psycopg at 192.0.2.1:5432 is not on this machine"
    assert line == f"{at}, so no database is created there unasked"
    # What a query says, the driver takes instead of what stands before it.
    url = "postgresql://u:p@localhost/none?host=192.0.2.1"
    assert refusal(project, DATABASE_URL=url) == line
    line = refusal(project, DATABASE_URL="postgresql://u:p@127.0.0.1:9/none")
    assert "127.0.0.1:9 does not answer" in line
    line = refusal(project, SHADOW_DATABASE_URL=pooler.url("postgresql+psycopg"))
    at = f"postgresql+psycopg at 127.0.0.1:{pooler.port}"
    assert line == f"{at} is a connection pooler, not the server"
    any_postgres.query(f"CREATE ROLE modest LOGIN PASSWORD '{PASSWORD}'")
    url = any_postgres.url("postgresql", "orders", "modest")
    line = refusal(project, DATABASE_URL=url)
    assert line.endswith(": permission denied to create database")
    any_postgres.query("DROP ROLE modest")


BRANCHES = {
    "kinds": """
    op.execute("CREATE EXTENSION citext")
    op.execute("CREATE TYPE mood AS ENUM ('calm')")
    op.execute("CREATE SCHEMA audit")
    op.execute("CREATE TABLE audit.entry (id int PRIMARY KEY, mood mood, name citext)")
""",
    "role": """
    if not is_scratch():
        op.execute("CREATE ROLE reader")
""",
    "value": """
    op.execute("ALTER TYPE mood ADD VALUE 'glad'")
""",
    "index": """
    op.execute("INSERT INTO audit.entry VALUES (1, 'glad', 'One')")
    op.add_column("user", sa.Column("username", sa.String()))
    op.execute('INSERT INTO "user" (username) SELECT name FROM audit.entry')
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_user_username", "user", ["username"], postgresql_concurrently=True
        )
    op.execute("DROP TABLE audit.entry")
    op.execute("DROP TYPE mood")
""",
}
DOWN = {"kinds": None, "role": "kinds", "value": "kinds", "index": "value"}


def test_a_history_is_replayed_as_it_is_run(
    start_postgres: Callable[[str], Postgres], copied: Callable[[str], Project]
) -> None:
    """With extensions, enums, schemas, two heads, data and a concurrent index."""
    project = copied("psycopg2")
    for name, upgrade in BRANCHES.items():
        add_revision(project, name, DOWN[name], upgrade)
    project.add_username()
    with left_clean(start_postgres("system")) as server:
        project.environment["DATABASE_URL"] = server.url(database="orders")
        assert project.run("alembic", "check") == NOTE + CLEAN
        roles = "SELECT rolname FROM pg_roles WHERE rolname = 'reader'"
        assert server.query(roles) == []
        server.create("orders")
        project.run("alembic", "upgrade", "heads")
        assert server.query(roles) == [("reader",)]
        assert project.run(*DRIFT).endswith(AS_BUILT)
        server.query("DROP ROLE reader")


PLAIN_HISTORY = '''
    op.add_column("user", sa.Column("username", sa.String(255)))
    op.execute("""INSERT INTO {user} (username) VALUES ('one')""")
    with op.get_context().autocommit_block():
        op.create_index("ix_user_username", "user", ["username"])
    op.execute("""UPDATE {user} SET username = 'two'""")
'''


@pytest.mark.parametrize("service", ["sqlite", "pymysql"], indirect=True)
def test_data_and_autocommit_blocks_are_replayed(service: Service) -> None:
    project = service.project
    upgrade = PLAIN_HISTORY.format(user="user" if service.server else '"user"')
    add_revision(project, "second", None, upgrade)
    project.string = "sa.String(255)"
    project.add_username()
    assert project.run("alembic", "check") == NOTE + CLEAN
    service.create()
    project.run("alembic", "upgrade", "head")
    assert service.rows("user") == [(1, "two")]


ENTRY = """

class Entry(Base):
    __tablename__ = "entry"
    __table_args__ = {"schema": "audit"}

    id: Mapped[int] = mapped_column(sa.Integer, primary_key=True)
"""


@pytest.mark.parametrize("service", ["psycopg2"], indirect=True)
def test_models_may_be_in_several_schemas(service: Service) -> None:
    assert service.server
    project = service.project
    models = project.models
    before = models.read_text()
    models.write_text(before + ENTRY)
    assert "entry" in project.run("alembic", "check", code=255)
    project.revise("Add entry")
    *_, entry = project.revisions()
    made = ["op.create_table", "op.execute"]
    assert operations(entry, "upgrade") == made
    assert project.run("alembic", "check") == NOTE + CLEAN
    service.create()
    project.run("alembic", "upgrade", "head")
    assert project.run(*DRIFT).endswith(AS_BUILT)
    assert service.server.query("SELECT * FROM audit.entry", "orders") == []
    service.execute("CREATE SCHEMA theirs")
    service.execute("CREATE TABLE theirs.entry (id int)")
    assert CLEAN in project.run("alembic", "-x", "live", "check")
    lines = project.run(*DRIFT).splitlines()
    assert lines[1:] == ["+ table theirs.entry (not owned: no revision creates it)"]
    # What is in a schema may belong to others.
    schemas = "SELECT nspname FROM pg_namespace WHERE nspname IN ('audit', 'theirs')"
    project.run("alembic", "downgrade", "-1")
    assert service.server.query(schemas, "orders") == [("audit",), ("theirs",)]
    models.write_text(before)
    project.revise("Drop entry")
    *_, last = project.revisions()
    assert operations(last, "upgrade") == ["op.drop_table"]


VIEW = """
from sqlalchemy import select
from sqlalchemy.schema import CreateView


class Someone(Base):
    __table__ = CreateView(
        select(User.id.label("id")), "someone", metadata=Base.metadata
    ).table
    __mapper_args__ = {"primary_key": [__table__.c.id]}
"""


@pytest.mark.skipif(not IS_NEWEST, reason="new in SQLAlchemy 2.1")
def test_a_view_is_not_taken_for_a_table(service: Service) -> None:
    models = service.project.models
    models.write_text(models.read_text() + VIEW)
    assert service.project.run("alembic", "check") == NOTE + CLEAN
