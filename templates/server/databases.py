"""The server's databases: connect to one, make one, drop one, say which it is."""

import os
import secrets
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address

from alembic.util import CommandError
from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import DBAPIError

from app.config import ConfigError, database_url, migration_url, read_url
from app.database import make_engine

MAINTENANCE = "postgres"  # the database that every server has
CREATE = "CREATE DATABASE {} TEMPLATE template0"


def describe(url: URL) -> str:
    """Say which database a URL names, without its password."""
    return f"{_server(url)}, database {url.database}"


@contextmanager
def connect(url: URL) -> Iterator[Connection]:
    """Open a connection.

    Raises:
        CommandError: there is none to be had; the message is one line and says why.
    """
    engine = make_engine(url)
    try:
        connection = engine.connect()
    except DBAPIError as error:
        raise CommandError(_reason(url, str(error.orig))) from None
    try:
        with connection:
            yield connection
    finally:
        engine.dispose()


def exists(url: URL) -> bool:
    """Return whether the database is there.

    Raises:
        CommandError: the server does not answer or does not let us in.
    """
    query = text("SELECT count(*) FROM pg_database WHERE datname = :name")
    with connect(url.set(database=MAINTENANCE)) as connection:
        return bool(connection.scalar(query, {"name": url.database}))


def create(url: URL) -> bool:
    """Make the database and return True, or return False where it is there already.

    Raises:
        CommandError: the server does not answer or does not let us.
    """
    if exists(url):
        return False
    _execute(url, CREATE)
    return True


@contextmanager
def temporary(variable: str) -> Iterator[URL]:
    """Make a database for a while, on the server that a variable names.

    Where the variable is not set, a server serves that the project uses anyway, first
    that of MIGRATION_DATABASE_URL, then that of DATABASE_URL, if it is local.

    Raises:
        ConfigError: the variable has to be set.
        CommandError: the server does not answer or does not let us.
    """
    name = f"{variable.partition('_')[0].lower()}_{secrets.token_hex(6)}"
    url = _server_for(variable).set(database=name)
    with _interrupted_by_sigterm():
        try:
            _execute(url, CREATE)
            yield url
        finally:
            _execute(url, "DROP DATABASE IF EXISTS {} WITH (FORCE)")


@contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    # A process that is told to end cleans up, as on Ctrl-C. Only a main thread is told.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _server_for(variable: str) -> URL:
    named = read_url(variable)
    if named is not None:
        return named
    for url in (migration_url(), database_url()):
        if _is_local(url):
            return url
    raise ConfigError(
        f"{_server(url)} is not on this machine, so no database is made there unasked:"
        f" set {variable} to a server on which databases may be made and dropped"
    )


def _is_local(url: URL) -> bool:
    host, _port = _address(url)
    return all(
        part == "localhost" or part.startswith("/") or _is_loopback(part)
        for part in host.split(",")
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _address(url: URL) -> tuple[str, str]:
    # What the driver is told, which a query such as ?host=… changes, or else takes.
    _, told = url.get_dialect()().create_connect_args(url)
    found = {
        name: str(told.get(name) or os.environ.get(f"PG{name.upper()}") or "")
        for name in ("hostaddr", "host", "port")
    }
    return found["hostaddr"] or found["host"] or "/", found["port"] or "5432"


def _execute(url: URL, statement: str) -> None:
    with connect(url.set(database=MAINTENANCE)) as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        quote = connection.dialect.identifier_preparer.quote_identifier
        try:
            connection.exec_driver_sql(statement.format(quote(str(url.database))))
        except DBAPIError as error:
            cause = str(error.orig).splitlines()[0]
            raise CommandError(f"{_server(url)}: {cause}") from None


def _reason(url: URL, message: str) -> str:
    # There is a line for each address that a host has; where a server speaks, it counts.
    lines = [line.rpartition("failed: ")[2] for line in message.splitlines()]
    spoken = [line for line in lines if "FATAL" in line or "password" in line]
    if not spoken:
        return f"{_server(url)} does not answer ({lines[0]})"
    if url.database != MAINTENANCE and not exists(url):
        return f"{describe(url)} is not there: python -m migrations create makes it"
    return f"{_server(url)}: {spoken[0].removeprefix('FATAL:').strip()}"


def _server(url: URL) -> str:
    host, port = _address(url)
    return f"{url.drivername} at {'a local socket' if host == '/' else host}:{port}"
