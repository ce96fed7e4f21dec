"""The migration lock: a transaction for the whole run, during which no other run can write."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from alembic.util import CommandError
from sqlalchemy import Connection, event

from alembic_steady.lock import wait

CASCADES = (
    "pass the connection before it begins a transaction: in this one foreign keys are on,"
    " and rebuilding a table could delete the rows that refer to it"
)


@contextmanager
def held(connection: Connection, place: str) -> Iterator[Callable[[], None]]:
    """Begin a transaction during which no other one can write, with foreign keys off.

    Changing a table rebuilds it. With foreign keys on, dropping the old table could delete
    the rows that refer to it.

    Arguments:
        connection: the connection on which migrations run. If it is in a transaction
            already, the caller has to end that.
        place: a description of the database.

    Raises:
        CommandError: the file cannot be written, or another process writes for too long.
    """
    raw: Any = connection.connection.dbapi_connection
    is_given = connection.in_transaction()

    def run(statement: str) -> Any:
        cursor = raw.cursor()
        cursor.execute(statement)
        return cursor.fetchone()

    enforced, patience = (
        run(f"PRAGMA {name}")[0] for name in ("foreign_keys", "busy_timeout")
    )
    if is_given and enforced:
        raise CommandError(CASCADES)

    def begin(begun: Connection) -> None:
        if begun is connection:
            raw.rollback()  # The engine may have begun one without the lock.
            run("BEGIN IMMEDIATE")

    def take() -> str:
        run("PRAGMA foreign_keys = OFF")
        run("PRAGMA busy_timeout = 0")
        try:
            if is_given:
                begin(connection)
            else:
                connection.begin()
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise CommandError(f"{place}: {error}") from None
            return "another process is writing to the database"
        finally:
            run(f"PRAGMA busy_timeout = {patience}")
        return ""

    # Listeners of the engine are called last, after one that begins a transaction.
    event.listen(connection.engine, "begin", begin)
    try:
        # SQLAlchemy may be in a transaction that the driver has not begun yet.
        if not (is_given and getattr(raw, "in_transaction", True)):
            wait(take)
        yield lambda: None
    finally:
        event.remove(connection.engine, "begin", begin)
        if not is_given:
            connection.rollback()
            run(f"PRAGMA foreign_keys = {enforced}")
