"""The migration lock: a transaction for the whole run, during which no other run can write.

If a revision ends it, the file stays locked until the end of the run. With a write-ahead log,
SQLite cannot do that: another run could begin between two transactions, and then this one
ends.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from alembic.util import CommandError
from sqlalchemy import Connection, event
from sqlalchemy.exc import SQLAlchemyError

from alembic_steady.lock import listening, version_table, wait

OVERTAKEN = (
    "a revision has committed, and another run has migrated the database before the next"
    " statement: put what follows the commit into a revision of its own"
)
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
    versions: set[str] | None = None
    is_wal = is_kept = False

    def begin(begun: Connection) -> None:
        if begun is not connection:
            return
        raw.rollback()  # The engine may have begun one without the lock.
        run("BEGIN IMMEDIATE")
        if versions is not None and _versions(raw) != versions:
            raw.rollback()
            raise CommandError(OVERTAKEN)

    def keep(_connection: Connection) -> None:
        nonlocal is_kept
        is_kept = not is_wal
        if is_kept:
            run("PRAGMA locking_mode = EXCLUSIVE")

    def commit(_connection: Connection) -> None:
        nonlocal versions
        versions = _versions(raw)
        keep(connection)

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
        is_wal = run("PRAGMA journal_mode")[0] == "wal"
        versions = _versions(raw)
        with listening(connection, commit=commit, rollback=keep):
            yield lambda: None
    finally:
        event.remove(connection.engine, "begin", begin)
        # A file that can't be read any more has no lock, and its error is told already.
        with suppress(sqlite3.Error, SQLAlchemyError):
            if not is_given:
                connection.rollback()
                run(f"PRAGMA foreign_keys = {enforced}")
            if is_kept:
                run("PRAGMA locking_mode = NORMAL")
                # It is unlocked by this alone.
                run("SELECT 1 FROM sqlite_master LIMIT 1")


def _versions(raw: sqlite3.Connection) -> set[str]:
    """Return the revisions that the version table names."""
    quoted = '"."'.join(it.replace('"', '""') for it in version_table().split("."))
    cursor = raw.cursor()
    with suppress(sqlite3.OperationalError):  # It may not exist yet.
        cursor.execute(f'SELECT version_num FROM "{quoted}"')
        return {row[0] for row in cursor.fetchall()}
    return set()
