"""The server's databases: connect to one, make one, drop one, say which it is."""

import secrets
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address

from alembic.util import CommandError
from sqlalchemy import URL, Connection, NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError

from app.config import ConfigError, migration_url, read_url
from migrations import server


def describe(url: URL) -> str:
    """Say which database a URL names, without its password."""
    return f"{_server(url)}, database {url.database}"


@contextmanager
def connect(url: URL) -> Iterator[Connection]:
    """Open a connection, or give up after 5 seconds where no server answers.

    Raises:
        CommandError: there is none to be had; the message is one line and says why.
    """
    bounded = url.update_query_dict({"connect_timeout": "5", **url.query})
    try:
        connection = create_engine(bounded, poolclass=NullPool).connect()
    except server.FAILURES as error:
        raise CommandError(_reason(url, error)) from None
    with connection:
        yield connection


def exists(url: URL) -> bool:
    """Return whether the database is there.

    Raises:
        CommandError: the server does not answer or does not let us in.
    """
    with connect(url.set(database=server.MAINTENANCE)) as connection:
        return bool(connection.scalar(text(server.EXISTS), {"name": url.database}))


def create(url: URL) -> bool:
    """Make the database and return True, or return False where it is there already.

    Raises:
        CommandError: the server does not answer or does not let us.
    """
    if exists(url):
        return False
    _execute(url, server.CREATE)
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
            _execute(url, server.CREATE)
            yield url
        finally:
            _execute(url, server.DROP)


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
    for url in (migration_url(), read_url("DATABASE_URL")):
        if url is not None and _is_local(url):
            return url
    raise ConfigError(
        f"{_server(migration_url())} is not on this machine, so no database is made there"
        f" unasked: set {variable} to a server on which databases may be made and dropped"
    )


def _is_local(url: URL) -> bool:
    return all(
        host in ("", "localhost") or host.startswith("/") or _is_loopback(host)
        for host, _port in server.addresses(url)
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _execute(url: URL, statement: str) -> None:
    with connect(url.set(database=server.MAINTENANCE)) as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        quote = connection.dialect.identifier_preparer.quote_identifier
        try:
            connection.exec_driver_sql(statement.format(quote(str(url.database))))
        except DBAPIError as error:
            _, cause = server.cause(error)
            raise CommandError(f"{_server(url)}: {cause}") from None


def _reason(url: URL, error: BaseException) -> str:
    answered, cause = server.cause(error)
    if not answered:
        return f"{_server(url)} does not answer ({cause})"
    if url.database != server.MAINTENANCE and not exists(url):
        return f"{describe(url)} is not there: python -m migrations create makes it"
    return f"{_server(url)}: {cause}"


def _server(url: URL) -> str:
    places = ", ".join(_place(host, port) for host, port in server.addresses(url))
    return f"{url.drivername} at {places}"


def _place(host: str, port: str) -> str:
    if host.startswith("/"):
        return host
    return f"{host}:{port}" if host else "a local socket"
