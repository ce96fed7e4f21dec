"""The migration lock behind a pooler: a transaction that stays open on a second connection.

That connection may be lost while the run goes on: it is terminated, or the pooler starts
anew. So the run asks for it before each commit and before each statement that commits by
itself. And each statement begins with a comment, by which the next run sees what still runs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from alembic.util import CommandError
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import SQLAlchemyError

from alembic_steady.adapters.postgresql import limits
from alembic_steady.adapters.postgresql.advisory import (
    HOLDER,
    LEFT,
    TRY_IN_TRANSACTION,
    mark,
    unmarked,
)
from alembic_steady.adapters.postgresql.commits import PostgreSQLCommits
from alembic_steady.adapters.postgresql.failures import cause
from alembic_steady.lock import (
    BUSY,
    LEFT_BUSY,
    LOST,
    UNSEEN,
    checked_commits,
    listening,
    quietly,
    wait,
)

# transaction_timeout exists since PostgreSQL 17; earlier versions refuse its name.
LIFT = text("""
    SELECT set_config(name, '0', true) FROM pg_settings WHERE name = 'transaction_timeout'
""")
# This has to be the last statement of each attempt: after another one, the transaction may
# keep a snapshot, and CREATE INDEX CONCURRENTLY would wait for its end.
HOLD = text("SET LOCAL idle_in_transaction_session_timeout = 0")
COMMITS = PostgreSQLCommits()
SECONDS = 5
ALONE = (
    f"the pooler gives no second connection within {SECONDS} s, and a run needs two at the"
    " same time: raise its pool size (default_pool_size of PgBouncer), or set"
    " MIGRATION_DATABASE_URL to the server itself"
)


@contextmanager
def held(connection: Connection, number: int) -> Iterator[Callable[[], None]]:
    """Hold the lock, and yield a function that checks that it is still held.

    Arguments:
        connection: the connection on which migrations run.
        number: that of the version table.

    Raises:
        CommandError: another run holds the lock for too long, or it was lost.
        SQLAlchemyError: a connection failed.
    """
    told = {"table": number, "mark": mark(number)}

    def take() -> str:
        if not other.scalar(TRY_IN_TRANSACTION, told):
            reason = BUSY.format(other.scalar(HOLDER, told) or UNSEEN)
        elif left := other.scalar(LEFT, told):
            reason = LEFT_BUSY.format(left)
        else:
            other.execute(LIFT)
            check()
            return ""
        other.rollback()
        return reason

    lost = ""

    def check() -> None:
        nonlocal lost
        if not lost:
            try:
                other.execute(HOLD)
            except SQLAlchemyError as error:
                lost = LOST + cause(error)[1]
        if lost:
            raise CommandError(lost)

    with ExitStack() as stack:
        other = stack.enter_context(_second(connection.engine))
        wait(take)
        _try(connection, other)
        stack.enter_context(limits.lifted_in_each_transaction(connection))
        stack.enter_context(_guarded(connection, number, check))
        yield check


@contextmanager
def _second(engine: Engine) -> Iterator[Connection]:
    """Open another connection, for which the engine's own pool may have no room."""
    like_it = Engine(engine.pool.recreate(), engine.dialect, engine.url)
    other = like_it.connect()
    try:
        yield other.execution_options(isolation_level="READ COMMITTED")
    finally:
        quietly(other.close)  # It may be lost.
        like_it.dispose()


def _try(connection: Connection, other: Connection) -> None:
    """See that the pooler has a connection to the server for both.

    If it has not, this one waits, without a word and until the other is given up.
    """
    raw: Any = other.connection.dbapi_connection
    is_alone = threading.Event()

    def give_up() -> None:
        is_alone.set()
        raw.close()

    timer = threading.Timer(SECONDS, give_up)
    timer.start()
    try:
        connection.scalar(text("SELECT 1"))
    finally:
        timer.cancel()
    if is_alone.is_set():
        raise CommandError(ALONE)
    connection.rollback()


@contextmanager
def _guarded(
    connection: Connection, number: int, check: Callable[[], None]
) -> Iterator[None]:
    """Mark each statement, and check for the lock before what is final."""

    def before(
        _connection: object, _cursor: object, sql: str, parameters: Any, *_more: object
    ) -> tuple[str, Any]:
        if COMMITS.may_commit(connection, sql):
            check()
        return mark(number) + sql, parameters

    def failed(context: ExceptionContext) -> None:
        error: Any = context.sqlalchemy_exception
        if context.statement and error:
            error.statement = unmarked(context.statement)

    event.listen(connection, "before_cursor_execute", before, retval=True)
    try:
        with (
            listening(connection.engine, handle_error=failed),
            checked_commits(connection, check),
        ):
            yield
    finally:
        event.remove(connection, "before_cursor_execute", before)
