"""Retries: a revision that cannot get a lock in time lets others pass, and runs again.

While `ALTER TABLE` waits for one long query, all later queries on that table wait behind
it. So a revision waits only briefly for a lock, is rolled back, and is retried.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from alembic import context
from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from alembic_steady.executor import Executor

WAIT = "SET LOCAL lock_timeout = '1s'"
PAUSES = (1, 2, 4, 8, 15, 30, 30, 30)  # seconds, two minutes in all
IN_USE = "55P03"  # PostgreSQL's code for an expired lock_timeout


def code(error: DBAPIError) -> str:
    """Return PostgreSQL's code of an error, or "" if it has none."""
    # Each driver has its own name for it.
    codes = (getattr(error.orig, name, None) for name in ("sqlstate", "pgcode"))
    return next(filter(None, codes), "")


def run(connection: Connection, executor: Executor) -> None:
    """Run revisions, and retry each that cannot get a lock in time.

    Arguments:
        connection: the connection to run them on.
        executor: has the record of what is committed.

    Raises:
        DBAPIError: a revision failed, or could not get a lock for two minutes, or could
            not get one when a part of it may remain.
    """

    def begin(_connection: Connection) -> None:
        raw: Any = connection.connection.dbapi_connection
        if not raw.autocommit:  # every driver for PostgreSQL has this
            connection.exec_driver_sql(WAIT)

    own = None
    if connection.in_transaction():
        own = connection.exec_driver_sql("SHOW lock_timeout").scalar()
        connection.exec_driver_sql(WAIT)
    event.listen(connection, "begin", begin)
    try:
        _run(connection, executor)
    finally:
        event.remove(connection, "begin", begin)
    if own:  # Restore it for the rest of the given transaction.
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{own}'")


def step(connection: Connection, change: Callable[[], object]) -> None:
    """Make a change, and retry it by itself if it cannot get a lock in time.

    So a revision can go on of which a part is committed. The connection should hold no locks
    that others wait for.

    Arguments:
        connection: the connection, in a transaction.
        change: makes the change.

    Raises:
        DBAPIError: it failed, or could not get a lock for two minutes.
    """
    for pause in PAUSES:
        try:
            with connection.begin_nested():
                change()
                return
        except DBAPIError as error:
            if code(error) != IN_USE:
                raise
        _wait(pause)
    change()


def _wait(pause: int) -> None:
    print(f"waiting for a lock, retrying in {pause} s", file=sys.stderr, flush=True)
    time.sleep(pause)


def _run(connection: Connection, executor: Executor) -> None:
    failed, pauses = None, iter(PAUSES)
    while True:
        try:
            return context.run_migrations()
        except DBAPIError as error:
            is_final = executor.record.is_final_in_part
            if code(error) != IN_USE or is_final or connection.in_transaction():
                raise
            if failed is not executor.step:
                failed, pauses = executor.step, iter(PAUSES)
            pause = next(pauses, None)
            if pause is None:
                raise
        executor.record.clear()
        _wait(pause)
