"""Retries: a revision that cannot get a lock in time lets others pass, and runs again.

While `ALTER TABLE` waits for one long query, all later queries on that table wait behind
it. So a revision waits only briefly for a lock, is rolled back, and is retried.
"""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from alembic import context
from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError

from alembic_steady.adapters.postgresql.advisory import unmarked

if TYPE_CHECKING:
    from alembic_steady.executor import Executor

WAIT = "SET LOCAL lock_timeout = '1s'"
PAUSES = (1, 2, 4, 8, 15, 30, 30, 30)  # seconds, two minutes in all
READS = ("SELECT", "SHOW", "SET", "EXPLAIN")
IN_USE = "55P03"  # PostgreSQL's code for an expired lock_timeout


def run(connection: Connection, executor: Executor) -> None:
    """Run revisions, and retry each that cannot get a lock in time.

    Arguments:
        connection: the connection to run them on.
        executor: records which statements were executed and which are committed.

    Raises:
        DBAPIError: a revision failed, or could not get a lock for two minutes, or could
            not get one when a part of it was committed.
    """

    def begin(_connection: Connection) -> None:
        executor.committed = [
            *executor.executed
        ]  # Whatever ran before a transaction begins is committed.
        if not _is_autocommit(connection):
            connection.exec_driver_sql(WAIT)

    def before(_connection: object, _cursor: object, sql: str, *_more: object) -> None:
        if _is_autocommit(connection):
            executor.committing = unmarked(sql)

    def after(_connection: object, _cursor: object, sql: str, *_more: object) -> None:
        sql = unmarked(sql)
        if not sql.lstrip().upper().startswith(READS):
            executor.executed.append(sql)
        if _is_autocommit(connection):
            executor.committed, executor.committing = [*executor.executed], ""

    own = None
    if connection.in_transaction():
        own = connection.exec_driver_sql("SHOW lock_timeout").scalar()
        connection.exec_driver_sql(WAIT)
    with ExitStack() as listeners:
        for name, listener in (
            ("begin", begin),
            ("before_cursor_execute", before),
            ("after_cursor_execute", after),
        ):
            event.listen(connection, name, listener)
            listeners.callback(event.remove, connection, name, listener)
        _run(connection, executor)
    if own:  # Restore it for the rest of the given transaction.
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{own}'")


def _is_autocommit(connection: Connection) -> bool:
    raw: Any = connection.connection.dbapi_connection
    return bool(raw.autocommit)  # every driver for PostgreSQL has this


def _run(connection: Connection, executor: Executor) -> None:
    failed, pauses = None, iter(PAUSES)
    while True:
        try:
            return context.run_migrations()
        except DBAPIError as error:
            # Each driver has its own name for the code.
            codes = {getattr(error.orig, name, None) for name in ("sqlstate", "pgcode")}
            if IN_USE not in codes or executor.committed or connection.in_transaction():
                raise
            if failed is not executor.step:
                failed, pauses = executor.step, iter(PAUSES)
            pause = next(pauses, None)
            if pause is None:
                raise
        executor.executed = []
        print(f"waiting for a lock, retrying in {pause} s", file=sys.stderr, flush=True)
        time.sleep(pause)
