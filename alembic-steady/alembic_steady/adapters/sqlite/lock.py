"""One migrator at a time: one transaction for a whole run, in which no other can write."""

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
    """Begin a transaction that lets no other one write, without foreign keys.

    To change a table is to rebuild it. With foreign keys on, dropping the old one deletes
    the rows that refer to it.

    Arguments:
        connection: the one that migrations run on. A transaction that it is in already
            stays its owner's to end.
        place: where the database is, for people to read.

    Raises:
        CommandError: the file can't be written, or another one writes for too long.
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
            raw.rollback()  # The engine may have begun one that lets others write.
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

    # What listens to the engine is called last, after what begins one there.
    event.listen(connection.engine, "begin", begin)
    try:
        # SQLAlchemy may be in a transaction, and the driver has not begun one yet.
        if not (is_given and getattr(raw, "in_transaction", True)):
            wait(take)
        yield lambda: None
    finally:
        event.remove(connection.engine, "begin", begin)
        if not is_given:
            connection.rollback()
            run(f"PRAGMA foreign_keys = {enforced}")
