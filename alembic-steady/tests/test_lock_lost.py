"""A lock whose session is terminated while a run works: never do two runs work at once."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from harness import Project
from runs import Upgrade

from tests import servers
from tests.conftest import require
from tests.revisions import revision_id, write_history
from tests.servers import MariaDB, Postgres

NUMBER = int.from_bytes(b"alem")
TABLE = """
op.create_table(
    "done",
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("step", sa.Integer),
    sa.Column("run", sa.Integer),
)
"""
STEPS = 12
SECONDS = 0.05
PAUSE = 0.13
# The first run waits for a file, so that another one can begin. What an earlier run has done
# is passed over.
WORK = """
import os, pathlib, time
with op.get_context().autocommit_block():
    for step in range({steps}):
        is_done = f"SELECT 1 FROM done WHERE step = {{step}}"
        if not op.get_bind().scalar(sa.text(is_done)):
            op.execute(
                f"INSERT INTO done (step, run) SELECT {{step}}, {{os.getpid()}}"
                " FROM (SELECT {sleep}) AS pause"
            )
            time.sleep({pause})
        while not pathlib.Path({file!r}).exists():
            time.sleep(0.02)
"""
SLEEP = {Postgres: f"pg_sleep({SECONDS})", MariaDB: f"SLEEP({SECONDS})"}
IN_MARIADB = "CONCAT('alembic ', MD5(CONCAT(DATABASE(), ' alembic_version')))"
HOLDER = {
    Postgres: f"SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = {NUMBER}"
    " AND granted",
    MariaDB: f"SELECT IS_USED_LOCK({IN_MARIADB})",
}
END = {Postgres: "SELECT pg_terminate_backend({})", MariaDB: "KILL {}"}


@dataclass
class Trial:
    """A project whose runs are disturbed.

    Attributes:
        server: where its database is.
        disturb: ends the session that holds the lock.
        go_on: the file for which the first run waits.
    """

    project: Project
    server: servers.Server
    disturb: Callable[[], None]
    go_on: Path


def end_holder(server: servers.Server) -> None:
    """End the session that holds the lock, as an administrator does."""
    for (holder,) in server.query(HOLDER[type(server)], "orders"):
        if holder is not None:
            server.query(END[type(server)].format(holder))


@contextmanager
def prepared(
    way: str,
    copied: Callable[[str], Project],
    request: pytest.FixtureRequest,
    go_on: Path,
) -> Iterator[Trial]:
    """Make the database, and a project that comes to it directly or through a pooler."""
    with ExitStack() as stack:
        if way == "mariadb":
            mariadb: MariaDB = request.getfixturevalue("mariadb")
            project = copied("pymysql")
            url = mariadb.url("mariadb+pymysql", "orders")
            trial = Trial(project, mariadb, lambda: end_holder(mariadb), go_on)
        else:
            postgres: Postgres = request.getfixturevalue("any_postgres")
            project = copied("psycopg")
            trial = Trial(project, postgres, lambda: end_holder(postgres), go_on)
            url = postgres.url("postgresql+psycopg", "orders")
            if way != "direct":
                require(servers.pgbouncer_program(), "PgBouncer")
                pooler = stack.enter_context(servers.new_pgbouncer(postgres))
                running = stack.enter_context(ExitStack())
                running.enter_context(servers.running_pgbouncer(pooler))
                url = pooler.url("postgresql+psycopg", "orders")

            def start_anew() -> None:
                running.close()
                running.enter_context(servers.running_pgbouncer(pooler))

            if way == "pooler-starts-anew":
                trial.disturb = start_anew
        project.environment["DATABASE_URL"] = url
        trial.server.create("orders")
        sleep = SLEEP[type(trial.server)]
        work = WORK.format(steps=STEPS, sleep=sleep, pause=PAUSE, file=str(go_on))
        write_history(project, TABLE, work)
        project.run("alembic", "upgrade", "+1")
        yield trial


WAYS = ["direct", "pooled", "pooler-starts-anew", "mariadb"]


@pytest.mark.full
@pytest.mark.parametrize("way", WAYS)
def test_two_runs_never_work_at_once_though_a_lock_is_lost(
    way: str,
    copied: Callable[[str], Project],
    request: pytest.FixtureRequest,
    tmp_path: Path,
    soak: bool,
) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    wanted = 30 if soak else 2
    lost = 0
    with prepared(way, copied, request, tmp_path / "go_on") as trial:
        for _ in range(2 * wanted):
            delay = chance.uniform(0, STEPS * PAUSE / 2)
            lost += _has_lost(trial, delay, tmp_path)
            if lost == wanted:
                break
            trial.server.query("DELETE FROM done", "orders")
            back = f"UPDATE alembic_version SET version_num = '{revision_id(1)}'"
            trial.server.query(back, "orders")
    assert lost == wanted


def _has_lost(trial: Trial, delay: float, folder: Path) -> bool:
    """Disturb one of two runs, finish, and return whether it has failed."""
    trial.go_on.unlink(missing_ok=True)
    first = Upgrade(trial.project, folder / "first")
    first.wait_for("Step 2")
    second = Upgrade(trial.project, folder / "second")
    second.wait_for("Waiting up to 300 s: another run is migrating the database")
    trial.go_on.touch()
    time.sleep(delay)
    trial.disturb()
    outputs = [first.end(), second.end()]
    for output in outputs:
        assert "Traceback" not in output, output
    print(*outputs, sep="\n")
    trial.project.run("alembic", "upgrade", "head")
    rows = trial.server.query("SELECT step, run FROM done ORDER BY id", "orders")
    assert sorted(step for step, _ in rows) == [*range(STEPS)]
    runs = [run for _, run in rows]
    assert runs == sorted(runs, key=runs.index)  # One ended before the next one began.
    return first.process.returncode != 0
