"""What whoever deploys sees: before a run, for each revision, at the end, and on errors."""

from __future__ import annotations

import re
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from harness import Project, Service
from runs import IN_A_TRANSACTION, SLOW, TABLE, Upgrade, is_running, until

from tests.revisions import revision_id, write_history

COLUMN = 'op.add_column("run", sa.Column("note", sa.Text))'
FAILS = f"""
{COLUMN}
op.execute("INSERT INTO run (step) VALUES ('lost')")
op.execute("INSERT INTO nowhere VALUES (1)")
"""
DONE = r"  {} Step {} \d+\.\d\d s"


@pytest.fixture
def project(service: Service) -> Project:
    """Return a project with two revisions, whose database is made."""
    service.create()
    write_history(service.project, (TABLE, 'op.drop_table("run")'), "pass")
    return service.project


def printed(project: Project, *command: str, code: int = 0) -> list[str]:
    """Run a command and return the lines that it prints, without that of the database."""
    database, *lines = project.run(*command, code=code).splitlines()
    assert re.match(
        r"Database: (sqlite|postgresql\+psycopg2?|mariadb\+pymysql) ", database
    )
    return lines


def test_a_run_is_said_before_while_and_after(project: Project) -> None:
    first, second = revision_id(1), revision_id(2)
    for command, before, steps, after in (
        ("upgrade +1", f"Upgrade from base to {first}, 1 revision:", [1], first),
        ("upgrade head", f"Upgrade from {first} to {second}, 1 revision:", [2], second),
        (
            "downgrade base",
            f"Downgrade from {second} to base, 2 revisions:",
            [2, 1],
            "",
        ),
        (
            "upgrade head",
            f"Upgrade from base to {second}, 2 revisions:",
            [1, 2],
            second,
        ),
    ):
        said, *lines, end = printed(project, "alembic", *command.split())
        assert said == before
        for number, line in zip(steps, lines, strict=True):
            assert re.fullmatch(DONE.format(revision_id(number), number), line)
        head = " (head)" if after == second else ""
        assert end == f"Now at {after or 'base'}{head}"
    nothing = ["Nothing to do", f"Now at {second} (head)"]
    assert printed(project, "alembic", "upgrade", "head") == nothing


def test_a_stamp_is_said_too(project: Project) -> None:
    said, step, end = printed(project, "alembic", "stamp", "head")
    assert said == f"Stamp from base to {revision_id(2)}, 1 revision:"
    assert re.fullmatch(rf"  {revision_id(2)} \d+\.\d\d s", step)
    assert end == f"Now at {revision_id(2)} (head)"
    *_, end = printed(project, "alembic", "stamp", "--purge", "base")
    assert end == "Now at base"


REASONS = {
    "sqlite": "no such table: nowhere",
    "postgresql": 'relation "nowhere" does not exist',
    "mysql": "Table 'orders.nowhere' doesn't exist",
}
STATES = {
    "sqlite": "nothing of this run is kept; fix the cause and run it again",
    "postgresql": "this run kept nothing of the revision; fix the cause and run it again",
    "mysql": "already committed: ALTER TABLE run ADD COLUMN note TEXT; nothing else of this"
    " revision. Undo that by hand, or let the revision skip it (if_exists, if_not_exists),"
    " and run it again",
}


def test_an_error_is_one_line_with_the_sql_and_the_way_out(
    service: Service, project: Project
) -> None:
    family = service.family
    write_history(project, TABLE, FAILS)
    command = ("alembic", "upgrade", "head")
    *_, step, error = printed(project, *command, code=255)
    assert step == f"  {revision_id(2)} Step 2 failed"
    assert error == (
        f"FAILED: {revision_id(2)} Step 2: {REASONS[family]}, in INSERT INTO nowhere"
        f" VALUES (1); {STATES[family]}. Full traceback:"
        " alembic -x traceback upgrade head"
    )
    columns = service.schema().get("run")
    assert (
        columns
        == {
            "sqlite": None,
            "postgresql": {"step"},
            "mysql": {"step", "note"},
        }[family]
    )
    if family == "mysql":
        assert service.rows("run") == []
        rows_first = f"op.execute(\"INSERT INTO run (step) VALUES ('kept')\")\n{COLUMN}"
        write_history(project, TABLE, rows_first)
        *_, error = printed(project, *command, code=255)
        assert "Duplicate column name 'note', in ALTER TABLE run ADD COLUMN" in error
        # To change a table ends the transaction before it, even where that fails.
        assert (
            "already committed: INSERT INTO run (step) VALUES ('kept'); nothing else"
            in error
        )
        assert service.rows("run") == [("kept", None)]
        write_history(project, TABLE, COLUMN)
        *_, error = printed(project, *command, code=255)
        assert "this run kept nothing of the revision; fix the cause" in error
    again = COLUMN if family == "sqlite" else COLUMN[:-1] + ", if_not_exists=True)"
    write_history(project, TABLE, again)
    printed(project, *command)


SECRETS = {
    "a statement": "op.execute(sa.text('INSERT INTO nowhere (password) VALUES (:p)')"
    ".bindparams(p='hunter2'))",
    "a duplicate": "run = sa.table('run', sa.column('step'))\n"
    "op.create_index('one', 'run', ['step'], unique=True)\n"
    "op.bulk_insert(run, [{'step': 'hunter2'}] * 2)",
    "a wrong type": "run = sa.table('run', sa.column('step', sa.JSON))\n"
    "op.bulk_insert(run, [{'step': {'hunter2'}}])",
}


def test_an_error_shows_no_values(project: Project) -> None:
    for fails in SECRETS.values():
        write_history(project, TABLE, fails)
        *_, error = printed(project, "alembic", "upgrade", "head", code=255)
        assert error.startswith(f"FAILED: {revision_id(2)} Step 2: ")
        assert ", in INSERT INTO " in error or "is not JSON serializable" in error
        # MariaDB itself names it.
        assert "hunter2" not in error or "Duplicate entry" in error


BRANCHES = """
import sqlalchemy as sa
from alembic import op

revision = {name!r}
down_revision = {before!r}


def upgrade() -> None:
    op.create_table({name!r}, sa.Column("id", sa.Integer))


def downgrade() -> None:
    op.drop_table({name!r})
"""


def test_where_several_branches_end_is_said_as_it_was_typed(
    copied: Callable[[str], Project],
) -> None:
    project = copied("sqlite")
    write_history(project)
    for name, before in (("aaa", None), ("bbb", "aaa"), ("ccc", "aaa")):
        file = project.path / "migrations" / "versions" / f"{name}.py"
        file.write_text(BRANCHES.format(name=name, before=before))
    said, *_, end = printed(project, "alembic", "upgrade", "heads")
    assert said == "Upgrade from base to heads, 3 revisions:"
    assert end == "Now at bbb, ccc (head)"
    said, *_, end = printed(project, "alembic", "downgrade", "bbb@aaa")
    assert said == "Downgrade from bbb, ccc to bbb@aaa, 1 revision:"
    assert end == "Now at ccc"


TWO_UPGRADES = """
from alembic import command
from alembic.config import Config
from app.database import engine
config = Config("alembic.ini")
with engine.connect() as connection:
    config.attributes["connection"] = connection
    command.upgrade(config, "+1")
    assert not connection.in_transaction()
    command.upgrade(config, "+1")
    assert not connection.in_transaction()
"""


def test_a_given_connection_may_be_used_again(
    service: Service, project: Project
) -> None:
    project.run("python", "-c", TWO_UPGRADES)
    assert service.rows("alembic_version") == [(revision_id(2),)]


HALF_BEGUN = """
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text
config = Config("alembic.ini")
with create_engine("sqlite:///my_service.db").connect() as connection:
    connection.execute(text("SELECT 1"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
"""


def test_a_transaction_that_the_driver_has_not_begun_is_begun(
    copied: Callable[[str], Project],
) -> None:
    """SQLAlchemy begins one with any statement, Python's sqlite3 only to write rows."""
    project = copied("sqlite")
    service = Service(project)
    write_history(project, TABLE, FAILS)
    output = project.run("python", "-c", HALF_BEGUN, code=1)
    assert "no such table: nowhere" in output
    assert service.schema() == {}


IN_A_BLOCK = f"""
with op.get_context().autocommit_block():
    {TABLE}
raise RuntimeError("stop here")
"""


def test_on_sqlite_an_autocommit_block_is_part_of_the_run(
    copied: Callable[[str], Project],
) -> None:
    """Others could migrate in between, and what stands before it would be kept."""
    project = copied("sqlite")
    write_history(project, "pass", IN_A_BLOCK)
    *_, error = printed(project, "alembic", "upgrade", "head", code=255)
    assert "stop here; nothing of this run is kept" in error
    assert Service(project).schema() == {}


DIES_IN_COMMIT = """
op.execute(
    "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$"
)
op.execute(
    "CREATE CONSTRAINT TRIGGER die AFTER INSERT ON run INITIALLY DEFERRED"
    " FOR EACH ROW EXECUTE FUNCTION die()"
)
op.execute("INSERT INTO run VALUES ('lost')")
"""


IN_A_BLOCK_OF_ITS_OWN = """
with op.get_context().autocommit_block():
    op.execute("CREATE TABLE kept (id integer)")
"""


@pytest.mark.parametrize("service", ["psycopg2-system", "psycopg-wheel"], indirect=True)
@pytest.mark.parametrize(
    "before, done",
    [
        ("", ""),
        (IN_A_BLOCK_OF_ITS_OWN, "Already committed: CREATE TABLE kept (id integer). "),
    ],
)
def test_a_connection_lost_in_a_commit_leaves_open_whether_it_came_through(
    project: Project, before: str, done: str
) -> None:
    write_history(project, TABLE, before + DIES_IN_COMMIT)
    *_, error = printed(project, "alembic", "upgrade", "head", code=255)
    unknown = "; it is unknown whether its COMMIT took effect; run the revision again to find out. "
    assert f"{unknown}{done}Full traceback: " in error


LOST_IN_A_BLOCK = f"""
with op.get_context().autocommit_block():
    {TABLE}
    op.execute("DO 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); END'")
"""


@pytest.mark.parametrize("service", ["psycopg2-system", "psycopg-wheel"], indirect=True)
def test_a_connection_lost_in_a_block_leaves_open_whether_that_came_through(
    project: Project,
) -> None:
    write_history(project, LOST_IN_A_BLOCK)
    *_, error = printed(project, "alembic", "upgrade", "head", code=255)
    assert (
        "END'; it is unknown whether this statement took effect; run the revision again to"
        " find out. Already committed: CREATE TABLE run"
    ) in error


TAKES_LONG = {
    "postgresql": "CREATE TABLE slow AS SELECT 1 FROM pg_sleep(4)",
    "mysql": "CREATE TABLE slow AS SELECT SLEEP(4)",
}
LONG = """
with op.get_context().autocommit_block():
    op.execute("{statement}")
"""


@pytest.mark.parametrize(
    "service", ["psycopg2-system", "psycopg-wheel", "pymysql"], indirect=True
)
@pytest.mark.full
def test_ctrl_c_in_what_commits_by_itself_leaves_open_whether_that_came_through(
    service: Service, project: Project, tmp_path: Path
) -> None:
    server = service.server
    assert server
    statement = TAKES_LONG[service.family]
    write_history(project, TABLE, LONG.format(statement=statement))
    upgrade = Upgrade(project, tmp_path / "output")
    until(lambda: is_running(server, "CREATE TABLE slow"))
    upgrade.process.send_signal(signal.SIGINT)
    *_, error = upgrade.end().splitlines()
    assert (
        f"Step 2: interrupted; it is unknown whether {statement} took effect;"
        " run the revision again to find out. Full traceback: "
    ) in error


def test_the_rest_of_an_error_is_shown_when_asked_for(project: Project) -> None:
    write_history(project, "raise RuntimeError('stop here')")
    *_, error = printed(project, "alembic", "upgrade", "head", code=255)
    assert error.startswith(
        f"FAILED: {revision_id(1)} Step 1: RuntimeError: stop here; "
    )
    for option in (("-x", "traceback"), ("--raiseerr",)):
        output = project.run("alembic", *option, "upgrade", "head", code=1)
        assert f'{revision_id(1)}_step.py", line' in output
        assert "RuntimeError: stop here\n" in output


def test_ctrl_c_ends_in_one_line_and_undoes_the_revision(
    service: Service, project: Project, tmp_path: Path
) -> None:
    """Rows can be taken back everywhere."""
    go_on = tmp_path / "go_on"
    write_history(project, TABLE, SLOW.format(file=str(go_on)))
    upgrade = Upgrade(project, tmp_path / "output")
    upgrade.wait_for("Step 2")
    upgrade.process.send_signal(signal.SIGINT)
    *_, step, error = upgrade.end().splitlines()
    assert upgrade.process.returncode == 255
    assert step == f"  {revision_id(2)} Step 2 failed"
    assert error.startswith(f"FAILED: {revision_id(2)} Step 2: interrupted; ")
    assert "committed" not in error
    go_on.touch()
    printed(project, "alembic", "upgrade", "head")
    assert service.rows("run") == [("slow",)]


def test_on_sqlite_a_commit_for_which_others_read_too_long_keeps_nothing(
    copied: Callable[[str], Project],
) -> None:
    project = copied("sqlite")
    service = Service(project)
    write_history(project, TABLE)
    project.run("alembic", "upgrade", "head")
    write_history(project, TABLE, COLUMN)
    project.environment["DATABASE_URL"] = "sqlite:///my_service.db?timeout=0.1"
    with closing(sqlite3.connect(project.path / "my_service.db")) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM alembic_version").fetchall()
        *_, error = printed(project, "alembic", "upgrade", "head", code=255)
    assert "database is locked; nothing of this run is kept; fix the cause" in error
    assert service.schema()["run"] == {"step"}


def test_a_long_statement_is_shortened(copied: Callable[[str], Project]) -> None:
    project = copied("sqlite")
    write_history(project, "op.execute('SELECT ' + '1, ' * 1000 + 'nothing')")
    *_, error = project.run("alembic", "upgrade", "head", code=255).splitlines()
    assert len(error) < 600


def test_a_probe_tells_whether_the_database_is_ready(
    service: Service, project: Project
) -> None:
    """By its exit code: Kubernetes and Compose look at nothing else."""
    probe = ("alembic", "current", "--check-heads")
    assert printed(project, *probe, code=255) == [
        "FAILED: Database is not on all head revisions"
    ]
    project.run("alembic", "upgrade", "head")
    assert printed(project, *probe) == [f"{revision_id(2)} (head)"]
    url = project.environment.pop("DATABASE_URL", "")
    project.run(*probe, code=1)
    if service.server:
        elsewhere = url.replace(str(service.server.port), "9")
        project.environment["DATABASE_URL"] = elsewhere
        assert "does not answer" in project.run(*probe, code=255)


COMMITS = {
    "a commit": "op.get_bind().commit()",
    "COMMIT": "op.execute('COMMIT')",
    "a commit before a block": """op.get_bind().commit()
with op.get_context().autocommit_block():
    op.execute("INSERT INTO run VALUES ('block')")""",
}


@pytest.mark.parametrize(
    "commits",
    [
        COMMITS["a commit"],
        *(pytest.param(it, marks=pytest.mark.full) for it in [*COMMITS.values()][1:]),
    ],
    ids=COMMITS,
)
def test_a_revision_that_commits_by_itself_is_noted(
    service: Service, project: Project, commits: str
) -> None:
    """Else the next run would run it again."""
    rows = "op.execute(\"INSERT INTO run VALUES ('more')\")"
    write_history(project, TABLE, f"{commits}\n{rows}")
    *_, end = printed(project, "alembic", "upgrade", "head")
    assert end == f"Now at {revision_id(2)} (head)"
    assert service.rows("alembic_version") == [(revision_id(2),)]
    assert ("more",) in service.rows("run")
    write_history(
        project, TABLE, "pass", f"{commits}\n{rows}", "raise RuntimeError('stop')"
    )
    printed(project, "alembic", "upgrade", "head", code=255)
    if (
        service.server
    ):  # On SQLite, a run is one transaction as long as nothing ends it.
        assert service.rows("alembic_version") == [(revision_id(3),)]


@pytest.mark.full
@pytest.mark.parametrize("commits", [*COMMITS.values()][:2], ids=[*COMMITS][:2])
def test_what_a_revision_has_committed_by_itself_is_said(
    service: Service, project: Project, commits: str
) -> None:
    row = "op.execute(\"INSERT INTO run VALUES ('{}')\")"
    more, lost = row.format("more"), row.format("lost")
    write_history(
        project, TABLE, f"{more}\n{commits}\n{lost}\nraise RuntimeError('stop')"
    )
    project.run("alembic", "upgrade", "+1")
    *_, error = printed(project, "alembic", "upgrade", "head", code=255)
    whole = "revision" if service.server else "run"
    assert (
        "RuntimeError: stop; already committed: INSERT INTO run VALUES ('more');"
        in error
    )
    assert f"; nothing else of this {whole}. Undo that by hand" in error
    assert service.rows("run") == [("more",)]


@pytest.mark.parametrize("service", ["pymysql"], indirect=True)
@pytest.mark.parametrize(
    "start",
    [
        "/* one */ ",
        pytest.param("-- one\\n", marks=pytest.mark.full),
        pytest.param("# one\\n", marks=pytest.mark.full),
    ],
)
def test_rows_after_a_comment_are_not_called_committed(
    service: Service, project: Project, start: str
) -> None:
    row = f"op.execute(\"{start}INSERT INTO run VALUES ('lost')\")"
    others = (
        "op.execute('DO 1')\nop.execute('WITH one AS (SELECT 1) SELECT * FROM one')"
    )
    write_history(project, TABLE, f"{row}\n{others}\nraise RuntimeError('stop')")
    *_, error = printed(project, "alembic", "upgrade", "head", code=255)
    assert "RuntimeError: stop; this run kept nothing of the revision; fix" in error
    assert service.rows("run") == []


ELSEWHERE = """
op.execute("CREATE SCHEMA other")
op.execute("CREATE TABLE other.alembic_version (version_num varchar(32))")
op.execute("SET search_path = other")
"""


@pytest.mark.full
@pytest.mark.parametrize("service", ["psycopg-wheel"], indirect=True)
def test_the_end_is_what_a_new_connection_reads(project: Project) -> None:
    """A dump that a revision loads may set another search_path for the session."""
    write_history(project, ELSEWHERE)
    *_, error = printed(project, "alembic", "upgrade", "head", code=255)
    assert error == (
        "FAILED: all revisions have run, but the version table that a new connection finds"
        f" says base and not {revision_id(1)}"
    )


@pytest.mark.full
@pytest.mark.parametrize("service", ["psycopg-wheel", "pymysql"], indirect=True)
def test_the_end_of_a_given_transaction_is_not_foretold(project: Project) -> None:
    *_, end = project.run("python", "-c", IN_A_TRANSACTION).splitlines()
    assert end == (
        f"Now at {revision_id(2)} (head), as soon as the transaction that was passed is"
        " committed"
    )
