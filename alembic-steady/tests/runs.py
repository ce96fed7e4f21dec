"""Runs in processes of their own, which a test looks at while they work."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psycopg
from harness import Project

from tests import servers
from tests.conftest import TOOLS
from tests.servers import MariaDB, Postgres

FROM_PYTHON = """
from alembic import command
from alembic.config import Config
command.upgrade(Config("alembic.ini"), "head")
"""
UPGRADES = {
    "command-line": ["alembic", "upgrade", "head"],
    "from-python": ["python", "-c", FROM_PYTHON],
}
IN_A_TRANSACTION = """
from alembic import command
from alembic.config import Config
from app.database import engine
config = Config("alembic.ini")
with engine.begin() as connection:
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
"""
"""Upgrades in a transaction that the caller has begun, and ends."""
TABLE = 'op.create_table("run", sa.Column("step", sa.String(9)))'
SLOW = """
import pathlib, time
op.execute("INSERT INTO run VALUES ('slow')")
while not pathlib.Path({file!r}).exists():
    time.sleep(0.02)
"""


class Upgrade:
    """An upgrade that runs while a test looks at it."""

    def __init__(
        self,
        project: Project,
        log: Path,
        command: Sequence[str] = UPGRADES["command-line"],
    ) -> None:
        self.log = log
        program, *arguments = command
        with open(log, "w") as output:
            self.process = subprocess.Popen(
                [TOOLS / program, *arguments],
                cwd=project.path,
                env=project.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def wait_for(self, text: str) -> None:
        """Wait until something is printed."""
        until(lambda: text in self.log.read_text() or self.process.poll() is not None)
        assert text in self.log.read_text()

    def kill(self) -> None:
        """Kill it as the system does when memory runs out."""
        self.process.kill()
        self.process.wait()

    def end(self) -> str:
        """Wait for the end and return what was printed."""
        self.process.wait(60)
        return self.log.read_text()


class Traffic(threading.Thread):
    """Other queries on a database of PostgreSQL, one after the other.

    Attributes:
        longest: how many seconds the slowest of them took.
    """

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection],
        query: Callable[[psycopg.Connection], object],
    ) -> None:
        super().__init__()
        self.longest = 0.0
        self.connect = connect
        self.query = query
        self.is_over = threading.Event()

    def run(self) -> None:
        """Query until it is over."""
        with self.connect() as connection:
            while not self.is_over.wait(0.01):
                start = time.monotonic()
                self.query(connection)
                self.longest = max(self.longest, time.monotonic() - start)

    def end(self) -> float:
        """End, and return how long the slowest query took."""
        self.is_over.set()
        self.join()
        return self.longest


def until(condition: Callable[[], object], seconds: float = 30) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def is_running(server: servers.Server, sql: str) -> bool:
    """Return whether a statement runs on a server, or waits there."""
    query = {
        Postgres: "SELECT query FROM pg_stat_activity WHERE state = 'active'",
        MariaDB: "SELECT info FROM information_schema.processlist WHERE command = 'Query'",
    }[type(server)]
    return any(sql in text and text != query for (text,) in server.query(query) if text)
