"""PostgreSQL's own ways: databases on a server, where it is, what its errors say."""

import os
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


def cause(error: BaseException) -> tuple[bool, str]:
    """Say why there is no connection, and first whether anything answered at all."""
    # There is a line for each address that a host has; where a server speaks, it counts.
    message = str(getattr(error, "orig", error))
    lines = [line.rpartition("failed: ")[2] for line in message.splitlines()]
    for line in lines:
        if "FATAL" in line or "password" in line or line.startswith("invalid"):
            return True, line.removeprefix("FATAL:").strip()
    return False, lines[0]
