"""PostgreSQL's own ways: databases on a server, where it is, what its errors say."""

import os
from collections.abc import Iterator
from itertools import zip_longest

from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import DBAPIError

MAINTENANCE = "postgres"  # the database that every server has
DATABASES = text("SELECT datname FROM pg_database")
EXISTS = text("SELECT count(*) FROM pg_database WHERE datname = :name")
CREATE = "CREATE DATABASE {} TEMPLATE template0"
DROP = "DROP DATABASE IF EXISTS {} WITH (FORCE)"
HOLD = text("SELECT pg_try_advisory_lock(hashtextextended(:name, 0))")
FAILURES = (DBAPIError,)
HINT = "an administrator makes a role with CREATE ROLE … LOGIN PASSWORD '…'"
RIGHTS = {
    "SCHEMA": "USAGE",
    "TABLE": "SELECT, INSERT, UPDATE, DELETE",
    "SEQUENCE": "USAGE, SELECT",
}
# What is there already and is this role's own, with the names that lead to it.
OWN = text("""
    SELECT kind, names FROM (
        SELECT 'SCHEMA' AS kind, ARRAY[nspname]::text[] AS names, nspowner AS owner
        FROM pg_namespace
        UNION ALL
        SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
            ARRAY[nspname, relname]::text[], relowner
        FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    ) AS things
    WHERE pg_get_userbyid(owner) = current_user
    AND names[1] !~ '^(pg_|information_schema$)'
""")


def addresses(url: URL) -> list[tuple[str, str]]:
    """Return the hosts that a URL names, or folders of sockets, "" for the usual one."""
    # What the driver is told, which a query such as ?host=… changes, or else takes.
    _, told = url.get_dialect()().create_connect_args(url)
    hostaddr, host, port = (
        str(told.get(name) or os.environ.get(f"PG{name.upper()}") or "")
        for name in ("hostaddr", "host", "port")
    )
    hosts = (hostaddr or host).split(",")
    ports = (port or "5432").split(",")
    return list(zip_longest(hosts, ports, fillvalue=ports[-1]))


def is_pooled(connection: Connection) -> bool:
    """Return whether there is a pooler in between, which tells a process id of its own."""
    told = connection.connection.dbapi_connection.info.backend_pid  # type: ignore[union-attr]
    return bool(told != connection.scalar(text("SELECT pg_backend_pid()")))


def grants(connection: Connection, _url: URL, role: str) -> Iterator[tuple[str, ...]]:
    """Yield what lets a role read and write what we have made and are going to make.

    Each is a statement and the names in it.
    """
    # Of several that do the same at once, all but one would fail.
    yield ("SELECT pg_advisory_xact_lock(hashtextextended('rights', 0))",)
    for kind, rights in RIGHTS.items():
        yield f"ALTER DEFAULT PRIVILEGES GRANT {rights} ON {kind}S TO " + "{}", role
    for kind, names in connection.execute(OWN).all():
        place = ".".join("{}" for _ in names)
        yield f"GRANT {RIGHTS[kind]} ON {kind} {place} TO " + "{}", *names, role


def cause(error: BaseException) -> tuple[bool, str]:
    """Say why there is no connection, and first whether anything answered at all."""
    # There is a line for each address that a host has; where a server speaks, it counts.
    message = str(getattr(error, "orig", error))
    lines = [line.rpartition("failed: ")[2] for line in message.splitlines()]
    for line in lines:
        if "FATAL" in line or "password" in line or line.startswith("invalid"):
            return True, line.removeprefix("FATAL:").strip()
    return False, lines[0]
