"""Waiting for the lock that allows only one run at a time to migrate a database."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import SQLAlchemyError

from alembic_steady import x_arguments

SECONDS = 300
PAUSE = 0.2
LOST = "the connection for the migration lock failed: "
GONE = "the migration lock is lost: this run no longer holds it"
BUSY = "another run is migrating the database ({})"
LEFT_BUSY = "another session is still changing a table ({})"
UNSEEN = "its session cannot be seen"


def version_table() -> str:
    """Return the full name of the version table, since each one has its own lock."""
    migration = context.get_context()
    schema = migration.version_table_schema
    return f"{schema}.{migration.version_table}" if schema else migration.version_table


def lock_table(version_table: str) -> str:
    """Return the name of the table that holds the lock where a row has to."""
    return f"{version_table}_lock"


def wait(take: Callable[[], str]) -> None:
    """Try to take the lock until that succeeds, and print once what holds it.

    Arguments:
        take: tries to take the lock, and returns what holds it, or "" on success.

    Raises:
        CommandError: the lock was not free within 300 seconds, or those of
            `-x lock-timeout=…`; or the user has pressed Ctrl-C.
    """
    told = x_arguments.value("lock-timeout") or str(SECONDS)
    if not told.isdecimal():
        raise CommandError(f"-x lock-timeout={told}: give whole seconds, such as 60")
    seconds = int(told)
    end = time.monotonic() + seconds
    is_said = False
    try:
        while holder := take():
            if time.monotonic() >= end:
                longer = x_arguments.command(f"lock-timeout={seconds + 300}")
                reason = (
                    f"gave up after {seconds} s: {holder}; to wait longer: {longer}"
                )
                raise CommandError(reason)
            if not is_said:
                line = f"Waiting up to {seconds} s: {holder}"
                print(line, file=sys.stderr, flush=True)
                is_said = True
            time.sleep(PAUSE)
    except KeyboardInterrupt:
        if not x_arguments.is_command_line():
            raise
        raise CommandError("interrupted while waiting; nothing was changed") from None


@contextmanager
def same_session(connection: Connection) -> Iterator[None]:
    """See before each statement that the session is still the one that holds the lock.

    If a connection is lost and a revision goes on after a rollback, SQLAlchemy opens another
    one without a word.

    Raises:
        CommandError: it is another one.
    """
    raw = connection.connection.dbapi_connection

    def before(used: Connection, *_more: object) -> None:
        if used.connection.dbapi_connection is not raw:
            raise CommandError(GONE)

    with listening(connection, before_cursor_execute=before):
        yield


@contextmanager
def checked_commits(
    connection: Connection, check: Callable[[], None]
) -> Iterator[None]:
    """Check before each commit, and roll back instead if the lock is lost.

    Arguments:
        connection: the connection on which migrations run.
        check: raises an error if the lock is lost.
    """

    def commit(_connection: Connection) -> None:
        if connection.invalidated:
            return  # There is nothing left to commit.
        raw: Any = connection.connection.dbapi_connection
        try:
            check()
        except CommandError:
            # SQLAlchemy takes the transaction for ended then.
            with suppress(Exception):  # those of the driver
                raw.rollback()
            raise

    with listening(connection, commit=commit):
        yield


@contextmanager
def listening(
    target: Connection | Engine, **listeners: Callable[..., object]
) -> Iterator[None]:
    """Let functions listen to events for a while.

    Arguments:
        target: what the events are of.
        listeners: a function for each event.
    """
    with ExitStack() as stack:
        for name, listener in listeners.items():
            event.listen(target, name, listener)
            stack.callback(event.remove, target, name, listener)
        yield


@contextmanager
def leaving_no_transaction(connection: Connection) -> Iterator[None]:
    """End the transaction that queries begin inside, unless one has begun before."""
    is_begun = connection.in_transaction()
    yield
    if not is_begun:
        connection.rollback()


def quietly(end: Callable[..., object], *arguments: object) -> None:
    """Do something at the end, for which the connection may be lost."""
    with suppress(SQLAlchemyError):
        end(*arguments)
