"""Kills: whenever a run or its server dies, no revision is there in part.

On MariaDB, where each change of a table is final at once, and with autocommit blocks, a part
may stay: what that is, and how the next run gets on with it.
"""

from __future__ import annotations

import filecmp
import hashlib
import random
import re
import shutil
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from harness import Project, Service
from runs import Upgrade, until
from sqlalchemy import Inspector

from tests import servers
from tests.revisions import AS_BUILT, DRIFT, revision_id, seconds, write_history
from tests.servers import Postgres

ROWS = 12_000
TABLES = f"""
account = op.create_table(
    "account",
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(40)),
    sa.Column("email", sa.String(40)),
    sa.Column("note", sa.String(500)),
)
purchase = op.create_table(
    "purchase",
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("account_id", sa.Integer, sa.ForeignKey("account.id"), nullable=False),
    sa.Column("amount", sa.Integer),
    sa.Column("note", sa.String(500)),
)
numbers = range(1, {ROWS} + 1)
op.bulk_insert(account, [
    {{"id": n, "name": f"N{{n}}", "email": f"{{n}}@example.org", "note": "n" * 400}}
    for n in numbers
])
op.bulk_insert(purchase, [
    {{"id": n, "account_id": (n + 1) // 2, "amount": n, "note": "p" * 400}} for n in numbers
])
"""
COLUMN_AND_TYPE = """
with op.batch_alter_table("account") as batch:
    batch.add_column(sa.Column("state", sa.String(9), server_default="new"))
op.execute("UPDATE account SET state = 'old' WHERE id % 2 = 0")
op.create_index("ix_account_state", "account", ["state"])
with op.batch_alter_table("account") as batch:
    batch.alter_column("name", existing_type=sa.String(40), type_=sa.Text)
"""
COLUMN_TO_TABLE = """
op.create_table(
    "address",
    sa.Column("account_id", sa.Integer, sa.ForeignKey("account.id"), primary_key=True),
    sa.Column("email", sa.String(40), nullable=False),
)
op.execute("INSERT INTO address SELECT id, email FROM account")
op.create_index("ix_address_email", "address", ["email"], unique=True)
with op.batch_alter_table("account") as batch:
    batch.drop_column("email")
"""
MANY_STATEMENTS = f"""
op.add_column("purchase", sa.Column("total", sa.Integer))
for n in range(1, {ROWS} + 1, 60):
    op.execute(f"UPDATE purchase SET total = amount * 2 WHERE id BETWEEN {{n}} AND {{n}} + 59")
with op.batch_alter_table("purchase") as batch:
    batch.alter_column("total", existing_type=sa.Integer, nullable=False)
"""
COLUMN_FOR_COLUMN = f"""
with op.batch_alter_table("purchase") as batch:
    batch.create_check_constraint("positive", "total >= 0")
    batch.drop_column("amount")
op.create_index("ix_purchase_total", "purchase", ["total"])
for n in range(1, {ROWS} + 1, 60):
    op.execute(f"UPDATE purchase SET note = 'new' WHERE id BETWEEN {{n}} AND {{n}} + 59")
"""
ROWS_TO_TABLE = f"""
op.create_table(
    "archive",
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("account_id", sa.Integer, sa.ForeignKey("account.id")),
    sa.Column("total", sa.Integer),
    sa.Column("note", sa.String(500)),
)
columns = "id, account_id, total, note"
for n in range(1, {ROWS} + 1, 120):
    rows = f"FROM purchase WHERE id BETWEEN {{n}} AND {{n}} + 59"
    op.execute(f"INSERT INTO archive SELECT {{columns}} {{rows}}")
    op.execute(f"DELETE {{rows}}")
op.create_index("ix_archive_account_id", "archive", ["account_id"])
op.drop_index("ix_account_state", "account")
"""
HISTORY = (
    TABLES,
    COLUMN_AND_TYPE,
    COLUMN_TO_TABLE,
    MANY_STATEMENTS,
    COLUMN_FOR_COLUMN,
    ROWS_TO_TABLE,
)
FIRST = revision_id(1)

PARTS: tuple[Callable[[Inspector], dict[Any, Any]], ...] = (
    Inspector.get_multi_columns,
    Inspector.get_multi_pk_constraint,
    Inspector.get_multi_foreign_keys,
    Inspector.get_multi_unique_constraints,
    Inspector.get_multi_check_constraints,
    Inspector.get_multi_indexes,
)
State = dict[str, str]
"""All tables of a database, with their parts and a checksum of their rows."""


def read(url: str) -> tuple[str, State]:
    """Return the revision that a database says it is at, and its state."""
    engine = sa.create_engine(url)
    state = {}
    with engine.connect() as connection:
        inspector = sa.inspect(connection)
        for get in PARTS:
            for (_schema, table), found in get(inspector).items():
                parts = found if isinstance(found, list) else [found]
                state[f"{table}: {get.__name__}"] = str(sorted(map(repr, parts)))
        for table in inspector.get_table_names():
            rows = connection.exec_driver_sql(f'SELECT * FROM "{table}"').all()
            digest = hashlib.sha256(repr(sorted(map(repr, rows))).encode()).hexdigest()
            state[f"{table}: rows"] = f"{len(rows)} {digest}"
        version = connection.exec_driver_sql("SELECT * FROM alembic_version").scalar()
    engine.dispose()
    return str(version), state


class Database(ABC):
    """A service's database, which can be put back as it was.

    Attributes:
        torn: how often a killed run had written a part of its changes into the file.
    """

    torn = 0

    def __init__(self, service: Service, folder: Path) -> None:
        self.service = service
        self.folder = folder

    @abstractmethod
    def keep(self) -> None:
        """Keep what it is now."""

    @abstractmethod
    def restore(self) -> None:
        """Put back what was kept."""

    @abstractmethod
    def read(self) -> tuple[str, State]:
        """Return its revision and its state when a run is gone."""


class File(Database):
    """One in a file."""

    def keep(self) -> None:
        """Copy it."""
        self._copy(self.service.project.path, self.folder / "kept")

    def restore(self) -> None:
        """Copy it back, without the journal of a run that was killed."""
        self._copy(self.folder / "kept", self.service.project.path)

    def read(self) -> tuple[str, State]:
        """Read a copy: to open the file would roll back what a killed run has left."""
        self._copy(self.service.project.path, self.folder / "seen")
        kept, seen = (self.folder / name / "my_service.db" for name in ("kept", "seen"))
        is_changed = not filecmp.cmp(kept, seen, shallow=False)
        version, state = read(f"sqlite:///{seen}")
        self.torn += is_changed and version == FIRST
        return version, state

    def _copy(self, source: Path, target: Path) -> None:
        target.mkdir(exist_ok=True)
        for file in target.glob("my_service.db*"):
            file.unlink()
        for file in source.glob("my_service.db*"):
            shutil.copy(file, target)


class OnServer(Database):
    """One on PostgreSQL."""

    def keep(self) -> None:
        """Copy it."""
        self._query("CREATE DATABASE kept TEMPLATE orders")

    def restore(self) -> None:
        """Copy it back."""
        self._query("DROP DATABASE orders WITH (FORCE)")
        self._query("CREATE DATABASE orders TEMPLATE kept")

    def read(self) -> tuple[str, State]:
        """Read it when the server has seen that nobody is connected any more."""
        sessions = "SELECT 1 FROM pg_stat_activity WHERE datname = 'orders'"
        until(lambda: not self._query(sessions))
        return read(self.service.url)

    def _query(self, statement: str) -> list[tuple[Any, ...]]:
        assert self.service.server
        return self.service.server.query(statement)


BEFORE = "before the first"
INSIDE = "inside a migration"
BETWEEN = "between two"
AFTER = "after the end"


def landing(output: str) -> str:
    """Say where a run ended, by what it has printed."""
    if "(head)\n" in output:
        return AFTER
    if " Step " not in output:
        return BEFORE
    return INSIDE if re.search(r" Step \d+ (failed|$)", output) else BETWEEN


def failure(output: str) -> str:
    """See that a run has failed in one line, and return that."""
    *lines, error = output.splitlines()
    assert error.startswith("FAILED: ")
    for line in lines:
        assert re.match(r"Database: |Upgrade from |  \d{12} Step ", line)
    return error


class Trial:
    """A history of revisions that is interrupted again and again.

    Attributes:
        states: how the database is at each revision.
        seconds: how long each step has taken at least, and "" all but the steps.
        counts: how many interruptions landed where.
    """

    def __init__(
        self, service: Service, folder: Path, history: tuple[str, ...]
    ) -> None:
        """Run the revisions one by one, and go back to the first, which makes the rows."""
        self.project = service.project
        self.log = folder / "output"
        kind = File if service.family == "sqlite" else OnServer
        self.database: Database = kind(service, folder)
        self.seed = random.randrange(10**6)
        self.chance = random.Random(self.seed)
        self.counts: Counter[str] = Counter()
        self.head = revision_id(len(history))
        service.create()
        write_history(self.project, *history)
        self.project.run("alembic", "upgrade", "+1")
        self.database.keep()
        self.states = dict([self.database.read()])
        self.seconds: dict[str, float] = {}
        for _ in history[1:]:
            self.upgrade("+1")
            self.states.update([self.database.read()])
        assert list(self.states) == [revision_id(n + 1) for n in range(len(history))]

    def upgrade(self, target: str) -> str:
        """Upgrade undisturbed, and return what is printed."""
        start = time.monotonic()
        output = self.project.run("alembic", "upgrade", target)
        times = {"": 0.0, **seconds(output)}
        times[""] = time.monotonic() - start - sum(times.values())
        for step, took in times.items():
            self.seconds[step] = min(took, self.seconds.get(step, took))
        return output

    def interrupt(self, how: Callable[[Upgrade], None]) -> str:
        """Let an upgrade begin, interrupt it at random, and return what it has printed.

        Each sixth interruption is aimed at what comes before the first step.
        """
        self.database.restore()
        start, *steps = self.seconds
        is_early = self.counts.total() % 6 == 5
        step = start if is_early else self.chance.choice(steps)
        delay = self.chance.uniform(0, self.seconds[step])
        upgrade = Upgrade(self.project, self.log)
        upgrade.wait_for(step and f" {step} ")
        time.sleep(delay)
        how(upgrade)
        output = upgrade.end()
        place = landing(output)
        self.counts[place] += 1
        print(f"{delay:.3f} s after {step or 'the start'}: {place}")
        return output

    def check(self, output: str) -> None:
        """See that the database is as the revisions build it up to the one it is at."""
        version, state = self.database.read()
        assert state == self.states[version]
        if isinstance(self.database, File):  # One transaction holds the whole run.
            place = landing(output)
            assert version == self.head or place != AFTER
            assert version == FIRST or place in (BETWEEN, AFTER)
        else:
            done = [int(step.split()[1]) for step in seconds(output)] or [1]
            assert int(version) - done[-1] in (0, 1)

    def finish(self) -> None:
        """See that the next run does all that is left."""
        assert self.upgrade("head").endswith(f"Now at {self.head} (head)\n")
        assert self.database.read() == (self.head, self.states[self.head])

    def report(self) -> None:
        """Print where interruptions landed, so that the documentation can say it."""
        took = {step or "start": f"{took:.2f} s" for step, took in self.seconds.items()}
        print(f"seed {self.seed}; {took}; torn files: {self.database.torn}")
        print(f"{self.counts.total()} interruptions: {dict(self.counts)}")


@pytest.mark.parametrize("service", ["sqlite", "psycopg-wheel"], indirect=True)
def test_a_killed_run_leaves_no_revision_in_part(
    service: Service,
    tmp_path: Path,
    soak: bool,
    is_short: bool,
) -> None:
    """SIGKILL at random moments: the next run finishes what the killed one has left."""
    trial = Trial(service, tmp_path, HISTORY)
    few, many = (3, 50) if service.server else (4, 100)
    wanted = many if soak else 2 if is_short else few
    for _ in range(4 * wanted):
        trial.check(trial.interrupt(Upgrade.kill))
        trial.finish()
        is_torn = trial.database.torn or service.server
        if trial.counts[INSIDE] >= wanted and is_torn:
            break
    trial.report()
    assert trial.counts[INSIDE] >= wanted
    assert is_torn


@pytest.fixture(scope="module")
def binaries() -> Iterator[Path]:
    """Return the folder of PostgreSQL's programs."""
    with servers.readable_folder() as folder:
        yield servers.system_postgres() or servers.wheel_postgres(folder)


@pytest.fixture
def stopped_postgres(binaries: Path) -> Iterator[Postgres]:
    """Return a server of the test's own, which does not run."""
    with servers.new_postgres(binaries) as server:
        yield server


@pytest.mark.full
@pytest.mark.parametrize("kind", ["psycopg2", "psycopg"])
def test_a_server_that_crashes_keeps_no_revision_in_part(
    copied: Callable[[str], Project],
    binaries: Path,
    stopped_postgres: Postgres,
    kind: str,
    tmp_path: Path,
    soak: bool,
) -> None:
    """`pg_ctl stop -m immediate` at random moments: the run ends in one line."""
    server = stopped_postgres
    project = copied(kind)
    project.environment["DATABASE_URL"] = server.url("postgresql", "orders")
    with servers.running_postgres(binaries, server):
        trial = Trial(Service(project, server), tmp_path, HISTORY)
    for _ in range(5 if soak else 1):
        with servers.running_postgres(binaries, server):
            output = trial.interrupt(lambda _: servers.crash(binaries, server))
        if landing(output) != AFTER:
            print(failure(output))
        with servers.running_postgres(binaries, server):
            trial.check(output)
            trial.finish()
    trial.report()


STATE = 'op.add_column("account", sa.Column("state", sa.String(9)){again})'
AUTOCOMMIT = """
with op.get_context().autocommit_block():
    for column in ("note", "id"):
        op.create_index(
            f"ix_{table}_{{column}}", "{table}", [column], postgresql_concurrently=True{again}
        )
op.execute("UPDATE {table} SET note = 'new' WHERE id < 6000")
"""
IF_NOT_EXISTS = ", if_not_exists=True"
WHAT_TO_DO = "; this run kept nothing of the revision; fix the cause and run it again. "


@pytest.mark.full
@pytest.mark.parametrize("service", ["psycopg-wheel"], indirect=True)
@pytest.mark.parametrize("again", ["", IF_NOT_EXISTS])
def test_with_autocommit_blocks_the_next_run_finishes_or_says_what_to_do(
    service: Service,
    tmp_path: Path,
    soak: bool,
    again: str,
) -> None:
    """What goes before such a block is final. With `if_not_exists` a run passes it over."""
    column = STATE.format(again=again)
    account, purchase = (
        AUTOCOMMIT.format(table=table, again=again) for table in ("account", "purchase")
    )
    trial = Trial(service, tmp_path, (TABLES, column + account, purchase))
    in_part = told = 0
    for _ in range(20 if soak else 2):
        trial.interrupt(Upgrade.kill)
        version, state = trial.database.read()
        is_in_part = state != trial.states[version]
        in_part += is_in_part
        if again or not is_in_part:
            trial.finish()
            continue
        error = failure(trial.project.run("alembic", "upgrade", "head", code=255))
        assert re.search(r" already exists, in (ALTER|CREATE) .*" + WHAT_TO_DO, error)
        assert trial.database.read() == (version, state)
        told += 1
    print(f"{in_part} in part; the next run finished all but {told}, and said why")
    trial.report()


TWO_CHANGES = """
op.add_column("account", sa.Column("state", sa.String(9)){again})
{pause}
op.create_index("ix_account_state", "account", ["state"]{again})
"""
PAUSE = """
import pathlib, time
while not pathlib.Path({file!r}).exists():
    print("Waits", flush=True)
    time.sleep(0.02)
"""


@pytest.fixture
def kill_in_pause(service: Service, tmp_path: Path) -> Callable[..., None]:
    """Return what runs revisions and kills the run where one waits."""

    def kill(*revisions: str) -> None:
        service.create()
        write_history(service.project, TABLES, *revisions)
        upgrade = Upgrade(service.project, tmp_path / "output")
        upgrade.wait_for("Waits")
        upgrade.kill()
        (tmp_path / "go_on").touch()

    return kill


@pytest.fixture
def pause(tmp_path: Path) -> str:
    """Return statements that wait until a run is killed there."""
    return PAUSE.format(file=str(tmp_path / "go_on"))


@pytest.mark.full
@pytest.mark.parametrize("service", ["pymysql"], indirect=True)
@pytest.mark.parametrize("again", ["", IF_NOT_EXISTS])
def test_on_mariadb_a_killed_run_leaves_what_it_has_changed(
    service: Service, kill_in_pause: Callable[..., None], pause: str, again: str
) -> None:
    """The next run passes it over with `if_not_exists`, or says what to do."""
    kill_in_pause(TWO_CHANGES.format(pause=pause, again=again))
    version, left = read(service.url)
    assert version == FIRST
    assert "'state'" in left["account: get_multi_columns"]
    assert "ix_account_state" not in left["account: get_multi_indexes"]
    assert left["account: rows"].split()[0] == str(ROWS)
    upgrade = ("alembic", "upgrade", "head")
    if not again:
        assert failure(service.project.run(*upgrade, code=255)) == (
            f"FAILED: {revision_id(2)} Step 2: Duplicate column name 'state', in ALTER"
            f" TABLE account ADD COLUMN state VARCHAR(9){WHAT_TO_DO}Full traceback:"
            " alembic -x traceback upgrade head"
        )
        assert read(service.url) == (FIRST, left)
        service.execute("ALTER TABLE account DROP COLUMN state")
    service.project.run(*upgrade)
    version, state = read(service.url)
    assert version == revision_id(2)
    assert "ix_account_state" in state["account: get_multi_indexes"]


@pytest.mark.parametrize("service", ["pymysql"], indirect=True)
def test_on_mariadb_one_change_to_a_revision_leaves_none_in_part(
    service: Service, kill_in_pause: Callable[..., None], pause: str
) -> None:
    """Killed between two changes, a run is between two revisions."""
    column, index = TWO_CHANGES.format(pause="PAUSE", again="").split("PAUSE")
    kill_in_pause(column, pause + index)
    assert read(service.url)[0] == revision_id(2)
    assert AS_BUILT in service.project.run(*DRIFT)
    output = service.project.run("alembic", "upgrade", "head")
    assert list(seconds(output)) == ["Step 3"]
    assert AS_BUILT in service.project.run(*DRIFT)
