"""{{ (cookiecutter.database_url | database).dialect.title }}'s own ways: databases on a server, where it is, what its errors say."""

import re
from collections.abc import Iterator

from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import DBAPIError

MAINTENANCE = "information_schema"  # the database that every server has
DATABASES = text("SELECT schema_name FROM schemata")
EXISTS = text("SELECT count(*) FROM schemata WHERE schema_name = :name")
CREATE = "CREATE DATABASE {} CHARACTER SET utf8mb4"
DROP = "DROP DATABASE IF EXISTS {}"
HOLD = text("SELECT GET_LOCK(:name, 0)")
# The driver takes a parameter of the URL that it does not know for a mistake in Python.
FAILURES = (DBAPIError, TypeError, ValueError)
HINT = (
    "an administrator makes an account with CREATE USER … IDENTIFIED BY '…', and lets"
    " that of migrations give rights with GRANT ALL ON … TO … WITH GRANT OPTION"
)
GRANT = "GRANT SELECT, INSERT, UPDATE, DELETE ON {}.* TO {}@{}"


def addresses(url: URL) -> list[tuple[str, str]]:
    """Return the host that a URL names, or the path of its socket, and its port."""
    _, told = url.get_dialect()().create_connect_args(url)
    host = told.get("unix_socket") or told.get("host") or "localhost"
    return [(host, str(told.get("port") or 3306))]


def is_pooled(connection: Connection) -> bool:
    """Return whether there is a proxy in between, which tells a thread's id of its own."""
    told = connection.connection.dbapi_connection.thread_id()  # type: ignore[union-attr]
    return bool(told != connection.scalar(text("SELECT CONNECTION_ID()")))


def grants(_: Connection, url: URL, account: str) -> Iterator[tuple[str, ...]]:
    """Yield what lets an account read and write what is in a database, now and later.

    Each is a statement and the names in it.
    """
    # _ and % stand for any characters in the name of a grant's database.
    pattern = re.sub(r"[\\_%]", r"\\\g<0>", str(url.database))
    yield GRANT, pattern, *account.rsplit("@", 1)


def cause(error: BaseException) -> tuple[bool, str]:
    """Say why there is no connection, and first whether anything answered at all."""
    reason = getattr(error, "orig", error)
    code, message = reason.args if len(reason.args) == 2 else (0, str(reason))
    if not 2000 <= code < 3000:  # the numbers of what goes wrong on this side
        return True, message
    system = re.search(r"\[Errno -?\d+\] (.+?)\)", message)
    return False, system[1] if system else message
