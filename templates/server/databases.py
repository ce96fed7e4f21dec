"""The server's databases: connect to one, make one, drop one, say which it is."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address

from alembic.util import CommandError
from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import DBAPIError

from app.config import ConfigError, database_url, migration_url, read_url
from app.database import make_engine

MAINTENANCE = "postgres"  # the database that every server has


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
    _execute(url, "CREATE DATABASE {} TEMPLATE template0")
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
    _execute(url, "CREATE DATABASE {} TEMPLATE template0")
    try:
        yield url
    finally:
        _execute(url, "DROP DATABASE {} WITH (FORCE)")


def _server_for(variable: str) -> URL:
    url = read_url(variable)
    if url is not None:
        return url
    for own in (migration_url(), database_url()):
        if _is_local(own):
            return own
    raise ConfigError(
        f"{_server(own)} is not on this machine, so no database is made there unasked:"
        f" set {variable} to a server on which databases may be made and dropped"
    )


def _is_local(url: URL) -> bool:
    host = url.host or url.query.get("host") or os.environ.get("PGHOST") or "/"
    if host == "localhost" or str(host).startswith("/"):
        return True
    try:
        return ip_address(str(host)).is_loopback
    except ValueError:
        return False


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
    cause = message.splitlines()[0].rpartition("failed: ")[2]
    if "FATAL" not in cause:
        return f"{_server(url)} does not answer ({cause})"
    if url.database != MAINTENANCE and not exists(url):
        return f"{describe(url)} is not there: python -m migrations create makes it"
    return f"{_server(url)}: {cause}"


def _server(url: URL) -> str:
    host = url.host or url.query.get("host") or "a local socket"
    return f"{url.drivername} at {host}:{url.port or 5432}"
