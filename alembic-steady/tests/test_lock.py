"""One migrator at a time: of many that start at once, one works and the others wait."""

from __future__ import annotations

import re
import subprocess
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from harness import DRIVERS, PlainProject, Project, Service
from runs import SLOW, TABLE, UPGRADES, Upgrade, is_running, until

from alembic_steady.adapters.mysql import lock as mysql_lock
from alembic_steady.adapters.postgresql import advisory
from tests import servers
from tests.conftest import TOOLS, require
from tests.revisions import ADD_USERNAME, revision_id, seconds, write_history
from tests.servers import MariaDB, Postgres

# Python runs this file first: each process writes down how often it has slept.
COUNT_SLEEPS = """
import os, pathlib, time

def sleep(seconds, sleep=time.sleep, file=pathlib.Path({folder!r}, str(os.getpid()))):
    with file.open("a") as lines:
        lines.write(".")
    sleep(seconds)

time.sleep = sleep
"""

# It ends when all the others have tried more than ten times, after three seconds or later.
CROWD = """
import os, pathlib, time
start = time.monotonic()
while time.monotonic() - start < 3 or {waiting} > sum(
    file.stat().st_size > 10
    for file in pathlib.Path({folder!r}).iterdir()
    if file.name != str(os.getpid())
):
    assert time.monotonic() - start < 120, "the others do not wait"
    time.sleep(0.05)
op.execute("INSERT INTO run VALUES ('crowd')")
"""
INDEX = """
with op.get_context().autocommit_block():
    op.create_index("ix_run_step", "run", ["step"]{concurrently})
    op.execute("INSERT INTO run VALUES ('index')")
"""
LAST = """
op.create_table("last", sa.Column("id", sa.Integer, primary_key=True))
op.execute("INSERT INTO run VALUES ('last')")
"""


@pytest.fixture
def crowd(soak: bool) -> int:
    """Return how many processes start at once."""
    return 16 if soak else 4


def upgrade_at_once(
    project: Project, tmp_path: Path, how: str, crowd: int, concurrently: str = ""
) -> None:
    """See that of many upgrades one works, and the others wait for it and pass."""
    sleeps, patched = tmp_path / "sleeps", tmp_path / "patched"
    sleeps.mkdir()
    patched.mkdir()
    (patched / "sitecustomize.py").write_text(COUNT_SLEEPS.format(folder=str(sleeps)))
    project.environment["PYTHONPATH"] = str(patched)
    waiting = CROWD.format(waiting=crowd - 1, folder=str(sleeps))
    write_history(
        project, TABLE, waiting, INDEX.format(concurrently=concurrently), LAST
    )
    program, *arguments = UPGRADES[how]
    processes = [
        subprocess.Popen(
            [TOOLS / program, *arguments],
            cwd=project.path,
            env=project.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(crowd)
    ]
    outputs = sorted((each.communicate()[0] for each in processes), key=len)
    assert [each.returncode for each in processes] == [0] * crowd, outputs
    *waited, worked = outputs
    assert list(seconds(worked)) == ["Step 1", "Step 2", "Step 3", "Step 4"]
    assert seconds(worked)["Step 2"] >= 3
    for output in waited:
        assert output.count("Waiting up to 300 s: ") == 1
        assert output.endswith(f"Nothing to do\nNow at {revision_id(4)} (head)\n")


@pytest.mark.parametrize("how", UPGRADES)
def test_each_revision_runs_once(
    service: Service, tmp_path: Path, how: str, crowd: int
) -> None:
    service.create()
    upgrade_at_once(service.project, tmp_path, how, crowd)
    assert service.rows("run") == [("crowd",), ("index",), ("last",)]


@pytest.fixture(params=["direct", "pooled"])
def server(
    request: pytest.FixtureRequest, any_postgres: Postgres
) -> Iterator[Postgres]:
    """Return PostgreSQL itself, or a PgBouncer in front of it."""
    if request.param == "pooled":
        yield request.getfixturevalue("pooler")
    else:
        yield any_postgres


@pytest.mark.parametrize("kind", ["psycopg2", "psycopg"])
@pytest.mark.parametrize("how", UPGRADES)
@pytest.mark.full
def test_each_revision_runs_once_with_a_concurrent_index(
    copied: Callable[[str], Project],
    any_postgres: Postgres,
    server: Postgres,
    tmp_path: Path,
    kind: str,
    how: str,
    crowd: int,
) -> None:
    project = copied(kind)
    any_postgres.create("orders")
    project.environment["DATABASE_URL"] = server.url("postgresql", "orders")
    concurrently = ", postgresql_concurrently=True"
    upgrade_at_once(project, tmp_path, how, crowd, concurrently)
    ran = any_postgres.query("SELECT step FROM run ORDER BY step", "orders")
    assert ran == [("crowd",), ("index",), ("last",)]


NUMBER = int.from_bytes(b"alem")
"""The first number of the lock in PostgreSQL."""
TABLE_NUMBER = int.from_bytes(zlib.crc32(b"alembic_version").to_bytes(4), signed=True)
"""The second one: it is of one version table."""
LOCK = "CONCAT('alembic ', MD5(CONCAT(DATABASE(), ' alembic_version')))"
"""The lock's name in MariaDB."""


@contextmanager
def another_run(service: Service) -> Iterator[None]:
    """Hold the lock as another run does."""
    engine = sa.create_engine(service.url)
    with engine.connect() as connection:
        if service.family == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        elif isinstance(service.server, MariaDB):
            lock = f"SELECT GET_LOCK({LOCK}, 0)"
            assert connection.exec_driver_sql(lock).scalar() == 1
        else:
            connection.exec_driver_sql("SET application_name = 'deploy-7'")
            lock = f"SELECT pg_try_advisory_xact_lock({NUMBER}, {TABLE_NUMBER})"
            assert connection.exec_driver_sql(lock).scalar()
        yield
    engine.dispose()


HOLDERS = {
    "sqlite": "another process is writing to the database",
    "postgresql": r"another run is migrating the database"
    r" \(deploy-7 from 127\.0\.0\.1, idle since {time} UTC, pid \d+\)",
    "mysql": r"another run is migrating the database"
    r" \(root from localhost:\d+, idle since {time} UTC, id \d+\)",
}


def test_a_wait_is_bounded_and_says_for_whom(service: Service) -> None:
    project = service.project
    service.create()
    family = service.family
    holder = HOLDERS[family].format(time=r"\d\d:\d\d:\d\d")
    with another_run(service):
        output = project.run(
            "alembic", "-x", "lock-timeout=1", "upgrade", "head", code=255
        )
    database, waits, failed = output.splitlines()
    assert database.startswith("Database: ")
    assert re.fullmatch(f"Waiting up to 1 s: {holder}", waits)
    longer = "alembic -x lock-timeout=301 -x lock-timeout=1 upgrade head"
    assert re.fullmatch(
        f"FAILED: gave up after 1 s: {holder}; to wait longer: {longer}", failed
    )
    project.run("alembic", "-x", "lock-timeout=0", "upgrade", "head")


IMPATIENT = """
from argparse import Namespace
from alembic import command
from alembic.config import Config
command.upgrade(Config("alembic.ini", cmd_opts=Namespace(x=["lock-timeout=1"])), "head")
"""


def test_python_says_how_long_to_wait_too(service: Service) -> None:
    project = service.project
    service.create()
    with another_run(service):
        output = project.run("python", "-c", IMPATIENT, code=1)
    assert "gave up after 1 s: another " in output
    assert output.endswith("; to wait longer: -x lock-timeout=301\n")


def test_a_wait_is_a_number_of_seconds(copied: Callable[[str], Project]) -> None:
    command = ("alembic", "-x", "lock-timeout=1m", "upgrade", "head")
    output = copied("sqlite").run(*command, code=255)
    assert "FAILED: -x lock-timeout=1m: give whole seconds, such as 60\n" in output


def test_what_only_reads_does_not_wait(service: Service) -> None:
    project = service.project
    service.create()
    project.run("alembic", "upgrade", "head")
    with another_run(service):
        for command in (
            ("alembic", "current", "--check-heads"),
            ("alembic", "history", "--indicate-current"),
            ("alembic", "check"),
            ("steady", "drift"),
            ADD_USERNAME,
        ):
            assert "Waiting" not in project.run(*command)


def test_two_databases_of_one_server_do_not_wait_for_each_other(
    mariadb: MariaDB, copied: Callable[[str], Project]
) -> None:
    """As they do not on PostgreSQL, where a lock belongs to a database."""
    project = copied("pymysql")
    service = Service(project, mariadb, "mysql")
    project.environment["DATABASE_URL"] = mariadb.url("mariadb+pymysql", "orders")
    mariadb.create("orders")
    with another_run(service):
        assert "Waiting" not in project.run("alembic", "upgrade", "head")


def test_a_crash_releases_the_lock(service: Service, tmp_path: Path) -> None:
    project, go_on = service.project, tmp_path / "go_on"
    service.create()
    write_history(project, TABLE, SLOW.format(file=str(go_on)), LAST)
    first = Upgrade(project, tmp_path / "first")
    first.wait_for("Step 2")
    second = Upgrade(project, tmp_path / "second")
    second.wait_for("Waiting up to 300 s: ")
    first.kill()
    second.wait_for("Step 2")
    go_on.touch()
    assert second.end().endswith(f"Now at {revision_id(3)} (head)\n")
    assert service.rows("run") == [("last",), ("slow",)]


@pytest.mark.parametrize(
    "service", ["psycopg2-system", "psycopg-wheel", "pymysql"], indirect=True
)
def test_whoever_ends_the_lock_ends_the_run(service: Service, tmp_path: Path) -> None:
    project, server, go_on = service.project, service.server, tmp_path / "go_on"
    assert server
    service.create()
    write_history(project, TABLE, SLOW.format(file=str(go_on)), LAST)
    upgrade = Upgrade(project, tmp_path / "output")
    upgrade.wait_for("Step 2")
    if isinstance(server, MariaDB):
        lock = f"SELECT IS_USED_LOCK({LOCK})"
        ((holder,),) = server.query(lock, service.database)
        server.query(f"KILL {holder}")
    else:
        server.query(
            "SELECT pg_terminate_backend(pid) FROM pg_locks"
            f" WHERE locktype = 'advisory' AND classid = {NUMBER}"
        )
    go_on.touch()
    *_, step, last = upgrade.end().splitlines()
    assert upgrade.process.returncode == 255
    assert step == "  000000000002 Step 2 failed"
    # A session that is being killed loses its lock a moment before its connection.
    lost = "FAILED: the migration lock is lost: "
    assert last.startswith(("FAILED: 000000000002 Step 2: ", lost))
    output = project.run("alembic", "upgrade", "head")
    assert list(seconds(output)) == ["Step 2", "Step 3"]
    assert service.rows("run") == [("last",), ("slow",)]


@pytest.mark.parametrize("service", ["psycopg-wheel"], indirect=True)
def test_the_lock_outlives_a_limit_for_transactions(service: Service) -> None:
    """PostgreSQL 17 and later know one. Each revision has to keep within it."""
    assert service.server
    service.create()
    service.server.query(
        f"ALTER DATABASE {service.database} SET transaction_timeout = '1500ms'"
    )
    takes_a_second = 'op.execute("SELECT pg_sleep(1)")'
    write_history(service.project, takes_a_second, takes_a_second, TABLE)
    output = service.project.run("alembic", "upgrade", "head")
    assert list(seconds(output)) == ["Step 1", "Step 2", "Step 3"]


CONCURRENT = """
with op.get_context().autocommit_block():
    op.create_index(
        "ix_run_step", "run", ["step"], postgresql_concurrently=True, if_not_exists=True
    )
"""


@pytest.mark.parametrize("kind", ["psycopg2", "psycopg"])
def test_what_a_killed_run_has_left_on_the_server_is_waited_for(
    copied: Callable[[str], Project],
    any_postgres: Postgres,
    server: Postgres,
    tmp_path: Path,
    kind: str,
) -> None:
    """It holds the lock itself, or, behind a pooler, can be told by its mark."""
    project = copied(kind)
    project.environment["DATABASE_URL"] = server.url("postgresql", "orders")
    any_postgres.create("orders")
    holder = "another run is migrating the database (alembic from "
    if server is not any_postgres:
        holder = "another session is still changing a table (alembic from "
    write_history(project, TABLE, CONCURRENT)
    project.run("alembic", "upgrade", "+1")
    engine = sa.create_engine(any_postgres.url("postgresql+psycopg", "orders"))
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO run VALUES ('row')")
        # The index has to wait until this transaction ends.
        first = Upgrade(project, tmp_path / "first")
        until(lambda: is_running(any_postgres, "CREATE INDEX CONCURRENTLY"))
        first.kill()
        second = Upgrade(project, tmp_path / "second")
        second.wait_for(holder)
        assert is_running(any_postgres, "CREATE INDEX CONCURRENTLY")
    engine.dispose()
    output = second.end()
    assert second.process.returncode == 0, output
    assert list(seconds(output)) == ["Step 2"]


def test_reads_and_temporary_tables_of_others_are_not_waited_for(
    copied: Callable[[str], Project], any_postgres: Postgres
) -> None:
    project = copied("psycopg2")
    project.environment["DATABASE_URL"] = any_postgres.url("postgresql", "orders")
    any_postgres.create("orders")
    write_history(project, TABLE, LAST)
    project.run("alembic", "upgrade", "+1")
    engine = sa.create_engine(any_postgres.url("postgresql+psycopg", "orders"))
    serializable = engine.execution_options(isolation_level="SERIALIZABLE")
    with serializable.begin() as connection:
        connection.exec_driver_sql("CREATE TEMPORARY TABLE mine AS SELECT * FROM run")
        connection.exec_driver_sql("DELETE FROM run")
        assert "Waiting" not in project.run("alembic", "upgrade", "head")
    engine.dispose()


LONG = 'op.execute("CREATE TABLE IF NOT EXISTS slow AS SELECT SLEEP(4) AS second")'


@pytest.mark.full
def test_what_a_killed_run_has_left_on_mariadb_is_waited_for(
    copied: Callable[[str], Project], mariadb: MariaDB, tmp_path: Path
) -> None:
    project = copied("pymysql")
    project.environment["DATABASE_URL"] = mariadb.url("mariadb+pymysql", "orders")
    mariadb.create("orders")
    write_history(project, LONG)
    first = Upgrade(project, tmp_path / "first")
    until(lambda: is_running(mariadb, "CREATE TABLE IF NOT EXISTS"))
    first.kill()
    second = Upgrade(project, tmp_path / "second")
    second.wait_for("another run is migrating the database (root from ")
    output = second.end()
    assert second.process.returncode == 0, output
    assert seconds(output)["Step 1"] < 2


GIVEN_IN_TRANSACTION = """
import time
import zlib
from pathlib import Path
from alembic import command
from alembic.config import Config
from app.database import engine
config = Config("alembic.ini")
with engine.begin() as connection:
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    print("Not committed", flush=True)
    while not Path({file!r}).exists():
        time.sleep(0.02)
"""


def test_a_given_transaction_holds_the_lock_until_it_ends(
    any_postgres: Postgres, copied: Callable[[str], Project], tmp_path: Path
) -> None:
    project, go_on = copied("psycopg2"), tmp_path / "go_on"
    project.environment["DATABASE_URL"] = any_postgres.url(database="orders")
    any_postgres.create("orders")
    script = GIVEN_IN_TRANSACTION.format(file=str(go_on))
    first = Upgrade(project, tmp_path / "first", ["python", "-c", script])
    first.wait_for("Not committed")
    second = Upgrade(project, tmp_path / "second")
    second.wait_for("Waiting up to 300 s: ")
    go_on.touch()
    first.end()
    assert first.process.returncode == 0
    assert "Nothing to do" in second.end()
    assert second.process.returncode == 0


def test_a_given_transaction_in_which_rows_would_be_lost_is_refused(
    copied: Callable[[str], Project], tmp_path: Path
) -> None:
    """The application's engine has foreign keys on, and a transaction keeps them on."""
    project = copied("sqlite")
    script = GIVEN_IN_TRANSACTION.format(file=str(tmp_path))
    *_, error = project.run("python", "-c", script, code=1).splitlines()
    assert "CommandError: pass the connection before it begins a transaction" in error


GIVEN_IN_AUTOCOMMIT = """
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine
from app.config import database_url
config = Config("alembic.ini")
config.attributes["connection"] = {engine}
command.upgrade(config, "head")
"""
AUTOCOMMIT = {
    "of-the-engine": 'create_engine(database_url(), isolation_level="AUTOCOMMIT")',
    "an-option": "create_engine(database_url())"
    '.execution_options(isolation_level="AUTOCOMMIT")',
}


@pytest.mark.parametrize("engine", AUTOCOMMIT.values(), ids=AUTOCOMMIT)
def test_a_given_engine_that_commits_by_itself_keeps_nothing_of_a_failed_run(
    copied: Callable[[str], Project], engine: str
) -> None:
    project = copied("sqlite")
    write_history(project, TABLE, 'op.execute("no SQL")')
    script = GIVEN_IN_AUTOCOMMIT.format(engine=engine)
    error = project.run("python", "-c", script, code=1).splitlines()[-1]
    assert "nothing of this run is kept" in error
    assert Service(project).schema() == {}


@pytest.mark.parametrize("service", ["psycopg2-system", "psycopg-wheel"], indirect=True)
@pytest.mark.parametrize("engine", AUTOCOMMIT.values(), ids=AUTOCOMMIT)
def test_on_postgresql_what_such_an_engine_has_committed_is_named(
    service: Service, engine: str
) -> None:
    project = service.project
    service.create()
    write_history(project, f"{TABLE}\nop.execute('no SQL')")
    script = GIVEN_IN_AUTOCOMMIT.format(engine=engine)
    error = project.run("python", "-c", script, code=1).splitlines()[-1]
    assert (
        "; already committed: CREATE TABLE run ( step VARCHAR(9) ); nothing else"
        in error
    )
    assert "run" in service.schema()


def test_a_file_that_is_no_database_is_not_waited_for(
    copied: Callable[[str], Project],
) -> None:
    project = copied("sqlite")
    (project.path / "my_service.db").write_bytes(b"no database" * 1000)
    database, error = project.run("alembic", "upgrade", "head", code=255).splitlines()
    where = f"sqlite at {project.path}/my_service.db"
    assert database == f"Database: {where}"
    assert error == f"FAILED: {where}: file is not a database"


@pytest.mark.parametrize("driver", ["psycopg", "pymysql"])
def test_only_runs_of_the_same_version_table_wait_for_each_other(
    driver: str,
    request: pytest.FixtureRequest,
    new_project: Callable[..., PlainProject],
) -> None:
    name = "any_postgres" if driver == "psycopg" else "mariadb"
    server: servers.Server = request.getfixturevalue(name)
    server.create("orders")
    project = new_project(server.url(DRIVERS[driver], "orders"))
    project.revise("first")
    engine = sa.create_engine(project.url)
    with engine.connect() as other:
        if driver == "psycopg":
            key = {"table": advisory.key("alembic_version")}
            assert other.scalar(advisory.TRY, key)
        else:
            assert other.scalar(mysql_lock.TRY, {"table": "alembic_version"}) == 1
        output = project.run(
            "alembic", "-x", "lock-timeout=0", "upgrade", "head", code=255
        )
        assert "another run is migrating the database" in output
        assert "alembic -x lock-timeout=300 -x lock-timeout=0 upgrade head" in output
        project.configure(version_table="of_another_service")
        project.run("alembic", "-x", "lock-timeout=0", "upgrade", "head")
    engine.dispose()
    assert "user" in project.tables()


@pytest.mark.full
@pytest.mark.parametrize("kind", ["psycopg2", "psycopg"])
def test_a_pooler_that_gives_one_connection_is_named_at_once(
    copied: Callable[[str], Project], any_postgres: Postgres, kind: str
) -> None:
    require(servers.pgbouncer_program(), "PgBouncer")
    project = copied(kind)
    any_postgres.create("orders")
    write_history(project, TABLE)
    with (
        servers.new_pgbouncer(any_postgres, default_pool_size=1) as pooler,
        servers.running_pgbouncer(pooler),
    ):
        project.environment["DATABASE_URL"] = pooler.url("postgresql", "orders")
        start = time.monotonic()
        output = project.run("alembic", "upgrade", "head", code=255)
        assert time.monotonic() - start < 10
    _database, error = output.splitlines()
    assert error == (
        "FAILED: the pooler gives no second connection within 5 s, and a run needs two at"
        " the same time: raise its pool size (default_pool_size of PgBouncer), or set"
        " MIGRATION_DATABASE_URL to the server itself"
    )


GIVEN_OF_A_POOL = """
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine
from app.config import database_url
config = Config("alembic.ini")
engine = create_engine(database_url(), pool_size=1, max_overflow=0)
with engine.connect() as connection:
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
"""


@pytest.mark.full
@pytest.mark.parametrize("way", ["direct", "pooled", "mariadb"])
def test_an_engine_with_one_connection_is_enough(
    copied: Callable[[str], Project], request: pytest.FixtureRequest, way: str
) -> None:
    name = {"direct": "any_postgres", "pooled": "any_postgres", "mariadb": "mariadb"}
    server: servers.Server = request.getfixturevalue(name[way])
    entrance = request.getfixturevalue("pooler") if way == "pooled" else server
    server.create("orders")
    project = copied("pymysql" if way == "mariadb" else "psycopg2")
    driver = project.environment["DRIVER"]
    project.environment["DATABASE_URL"] = entrance.url(driver, "orders")
    write_history(project, TABLE)
    start = time.monotonic()
    output = project.run("python", "-c", GIVEN_OF_A_POOL)
    assert time.monotonic() - start < 10
    assert list(seconds(output)) == ["Step 1"]


COMMITS = """
import pathlib, time
op.execute("INSERT INTO run VALUES ('first')")
op.get_bind().commit()
print("Has committed", flush=True)
while not pathlib.Path({file!r}).exists():
    time.sleep(0.02)
op.execute("INSERT INTO run VALUES ('second')")
"""


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_on_sqlite_no_run_works_beside_one_that_has_committed(
    copied: Callable[[str], Project], tmp_path: Path, journal: str
) -> None:
    """The file stays locked, or else the one that was overtaken goes on no more."""
    project, go_on = copied("sqlite"), tmp_path / "go_on"
    service = Service(project)
    write_history(project, TABLE, COMMITS.format(file=str(go_on)), LAST)
    project.run("alembic", "upgrade", "+1")
    service.execute(f"PRAGMA journal_mode = {journal}")
    first = Upgrade(project, tmp_path / "first")
    first.wait_for("Has committed")
    if journal == "delete":
        output = project.run(
            "alembic", "-x", "lock-timeout=0", "upgrade", "head", code=255
        )
        assert "another process is writing to the database" in output
        first.kill()
        assert service.rows("run") == [("first",)]
        return
    service.execute(f"UPDATE alembic_version SET version_num = '{revision_id(3)}'")
    go_on.touch()
    assert "FAILED: a revision has committed, and another run has" in first.end()
    assert service.rows("run") == [("first",)]


ENDS_ALL = {
    "postgresql": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE application_name = 'alembic'",
    "mysql": "SELECT id FROM information_schema.processlist WHERE db = 'orders'"
    " ORDER BY id LIMIT 9 OFFSET 1",  # all but the one that holds the lock
}


@pytest.mark.full
@pytest.mark.parametrize("service", ["psycopg-wheel", "pymysql"], indirect=True)
def test_a_server_that_goes_away_meanwhile_is_one_line(
    service: Service, tmp_path: Path
) -> None:
    """Also the connections that the run does not use at that moment are closed in silence."""
    assert service.server
    server = service.server
    service.create()
    with another_run(service):
        waiting = Upgrade(service.project, tmp_path / "waiting")
        waiting.wait_for("Waiting up to")
        ended = server.query(ENDS_ALL[service.family])
        if service.family == "mysql":
            for (number,) in ended:
                server.query(f"KILL {number}")
        _database, _waits, error = waiting.end().splitlines()
    assert error.startswith("FAILED: the connection for the migration lock failed: ")
    assert waiting.process.returncode == 255
