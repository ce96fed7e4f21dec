{% set database = cookiecutter.database_url | database %}
{% set family = database.dialect.family %}
{% set migrations = database.driver.migrations or database.driver.name %}
"""The server's databases: connect to one, make one, drop one, say which it is."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from alembic.util import CommandError
from sqlalchemy import URL, Connection, NullPool, create_engine
from sqlalchemy.exc import DBAPIError

from app.config import migration_url, read_url
from migrations import server

LOCAL = re.compile(r"(|localhost|127(\.\d+){3}|::1|/.*)")  # "" and /… are sockets
TEMPORARY = re.compile("(shadow|test)_[0-9a-f]{12}")


def describe(url: URL) -> str:
    """Say which database a URL names, without its password."""
    return f"{_server(url)}, database {url.database}"


@contextmanager
def connect(url: URL) -> Iterator[Connection]:
    """Open a connection, or give up after 5 seconds where no server answers.

    Raises:
        CommandError: there is none to be had; the message is one line and says why.
    """
{% if family == "postgresql" %}
    # The name is what others are shown while they wait for a run to end.
    defaults = {"connect_timeout": "5", "fallback_application_name": "alembic"}
    told = url.update_query_dict({**defaults, **url.query})
{% else %}
    told = url.update_query_dict({"connect_timeout": "5", **url.query})
{% endif %}
    try:
{% if migrations == "postgresql+psycopg" %}
        # A pooler gives a statement that one connection has prepared to another.
        unprepared = {"prepare_threshold": None}
        engine = create_engine(told, poolclass=NullPool, connect_args=unprepared)
        connection = engine.connect()
{% else %}
        connection = create_engine(told, poolclass=NullPool).connect()
{% endif %}
    except server.FAILURES as error:
        raise CommandError(_reason(url, error)) from None
    with connection:
        yield connection


def exists(url: URL) -> bool:
    """Return whether the database is there.

    Raises:
        CommandError: the server does not answer or does not let us in.
    """
    with _maintenance(url) as connection:
        return bool(connection.scalar(server.EXISTS, {"name": url.database}))


def create(url: URL) -> bool:
    """Make the database and return True, or return False where it is there already.

    Raises:
        CommandError: the server does not answer or does not let us.
    """
    with _maintenance(url) as connection:
        if connection.scalar(server.EXISTS, {"name": url.database}):
            return False
        execute(connection, server.CREATE, str(url.database))
    return True


def is_temporary(url: URL) -> bool:
    """Return whether a database is called like those that `temporary` makes."""
    return bool(TEMPORARY.fullmatch(str(url.database)))


@contextmanager
def temporary(variable: str) -> Iterator[URL]:
    """Make a database for a while, on the server that a variable names.

    Where the variable is not set, a server serves that the project uses anyway, first
    that of MIGRATION_DATABASE_URL, then that of DATABASE_URL, if it is local. What killed
    processes have left there is dropped.

    Raises:
        ConfigError: the variable is no URL for this project.
        CommandError: there is no such server, or it does not let us.
    """
    name = f"{variable.partition('_')[0].lower()}_{secrets.token_hex(6)}"
    url = _server_for(variable).set(database=name)
    with _maintenance(url) as connection:
        if server.is_pooled(connection):
            raise CommandError(f"{_server(url)} is a pooler, not the server itself")
        _drop_leftovers(connection)
        # As long as this connection lives, others leave the database alone.
        connection.scalar(server.HOLD, {"name": name})
        try:
            execute(connection, server.CREATE, name)
            yield url
        finally:
            execute(connection, server.DROP, name)


def execute(connection: Connection, statement: str, *names: str) -> None:
    """Run a statement in which {} stands for each of some names.

    Raises:
        CommandError: the server does not let us; the message is one line and says why.
    """
    quoted = map(connection.dialect.identifier_preparer.quote_identifier, names)
    try:
        connection.exec_driver_sql(statement.format(*quoted))
    except DBAPIError as error:
        _, cause = server.cause(error)
        raise CommandError(f"{_server(connection.engine.url)}: {cause}") from None


def _drop_leftovers(connection: Connection) -> None:
    for name in connection.scalars(server.DATABASES).all():
        if TEMPORARY.fullmatch(name) and connection.scalar(server.HOLD, {"name": name}):
            with suppress(CommandError):  # It is another role's.
                execute(connection, server.DROP, name)


def _server_for(variable: str) -> URL:
    named = read_url(variable)
    if named is not None:
        return named
    for url in (migration_url(), read_url("DATABASE_URL")):
        if url and all(LOCAL.fullmatch(host) for host, _port in server.addresses(url)):
            return url
    place = _server(migration_url())
    raise CommandError(f"{place} is not on this machine: nothing is made there unasked")


@contextmanager
def _maintenance(url: URL) -> Iterator[Connection]:
    with connect(url.set(database=server.MAINTENANCE)) as connection:
        yield connection.execution_options(isolation_level="AUTOCOMMIT")


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
