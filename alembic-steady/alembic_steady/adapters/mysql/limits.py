"""The server's time limits, which are for the application's statements, and not for revisions.

What a connection sets itself, as with `?init_command=SET max_statement_time=…`, is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text

from alembic_steady.lock import quietly

WITHOUT = {
    "max_statement_time": "0",  # MariaDB
    "max_execution_time": "0",  # MySQL
    "idle_transaction_timeout": "0",
    "idle_write_transaction_timeout": "0",
    "wait_timeout": "2147483",  # the maximum on every system
}
"""Each limit, and the value with which there is none."""
NAMES = ", ".join(f"'{name}'" for name in WITHOUT)
OWN, SERVERS = (
    text(f"SHOW {scope} VARIABLES WHERE Variable_name IN ({NAMES})")
    for scope in ("SESSION", "GLOBAL")
)


@contextmanager
def lifted(connection: Connection) -> Iterator[None]:
    """Lift them for a session.

    Raises:
        SQLAlchemyError: the connection failed.
    """
    is_begun = connection.in_transaction()
    own, servers = (
        {name: value for name, value in connection.execute(show).all()}
        for show in (OWN, SERVERS)
    )
    before = {
        name: value
        for name, value in own.items()
        if value == servers.get(name) and float(value) != float(WITHOUT[name])
    }

    def set_all(values: dict[str, str]) -> None:
        for name, value in values.items():
            connection.exec_driver_sql(f"SET SESSION {name} = {value}")
        if not is_begun:
            connection.rollback()

    set_all({name: WITHOUT[name] for name in before})
    try:
        yield
    finally:
        quietly(set_all, before)
