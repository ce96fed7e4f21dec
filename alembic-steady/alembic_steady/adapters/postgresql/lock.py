"""The migration lock: an advisory lock of the session that runs the revisions.

So it cannot be lost while they go on, and after a kill it is held until the server has ended
the last statement. Behind a pooler it would outlive the run; `pooled` holds it otherwise.
Runs poll: if they waited in the server, CREATE INDEX CONCURRENTLY would wait for their
transactions, and they for the run that builds the index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from alembic.util import CommandError
from sqlalchemy import Connection, TextClause
from sqlalchemy.exc import SQLAlchemyError

from alembic_steady.adapters.postgresql import limits, pooled
from alembic_steady.adapters.postgresql.advisory import (
    HOLDER,
    IS_OWN,
    LEFT,
    RELEASE,
    TRY,
    TRY_IN_TRANSACTION,
    key,
    mark,
)
from alembic_steady.adapters.postgresql.failures import cause
from alembic_steady.lock import (
    BUSY,
    GONE,
    LEFT_BUSY,
    LOST,
    UNSEEN,
    leaving_no_transaction,
    quietly,
    same_session,
    version_table,
    wait,
)


@contextmanager
def held(
    connection: Connection, is_pooled: Callable[[Connection], bool]
) -> Iterator[Callable[[], None]]:
    """Hold the lock, and yield a function that checks that it is still held.

    Arguments:
        connection: the connection on which migrations run. If it is in a transaction
            already, that transaction holds the lock until the caller ends it.
        is_pooled: returns whether the connection goes through a pooler.

    Raises:
        CommandError: another run holds the lock for too long, or it was lost.
    """
    # Whether a search path or the project names this schema, or nobody does, is the same.
    number = key(version_table().removeprefix("public."))
    with ExitStack() as stack:
        try:
            lock = _way(connection, is_pooled)
            check = stack.enter_context(lock(connection, number))
        except SQLAlchemyError as error:
            raise CommandError(LOST + cause(error)[1]) from None
        yield check


def _way(
    connection: Connection, is_pooled: Callable[[Connection], bool]
) -> Callable[[Connection, int], AbstractContextManager[Callable[[], None]]]:
    if connection.in_transaction():
        return _by_transaction
    is_another_session = is_pooled(connection)
    connection.rollback()
    return pooled.held if is_another_session else _by_session


@contextmanager
def _by_session(connection: Connection, number: int) -> Iterator[Callable[[], None]]:
    def ask(statement: TextClause) -> object:
        # A transaction that stays open may keep a snapshot.
        with leaving_no_transaction(connection):
            told = {"table": number, "mark": mark(number)}
            return connection.scalar(statement, told)

    def take() -> str:
        if not ask(TRY):
            return BUSY.format(ask(HOLDER) or UNSEEN)
        if left := ask(LEFT):
            ask(RELEASE)
            return LEFT_BUSY.format(left)
        return ""

    def check() -> None:
        if not ask(IS_OWN):
            raise CommandError(GONE)

    def release() -> None:
        connection.rollback()
        ask(RELEASE)

    with ExitStack() as stack:
        wait(take)
        stack.callback(quietly, release)
        stack.enter_context(limits.lifted_for_session(connection))
        stack.enter_context(same_session(connection))
        yield check


@contextmanager
def _by_transaction(
    connection: Connection, number: int
) -> Iterator[Callable[[], None]]:
    told = {"table": number, "mark": mark(number)}

    def take() -> str:
        if not connection.scalar(TRY_IN_TRANSACTION, told):
            return BUSY.format(connection.scalar(HOLDER, told) or UNSEEN)
        if left := connection.scalar(LEFT, told):
            return LEFT_BUSY.format(left)
        return ""

    def check() -> None:
        # A revision may have committed, and so released it.
        if not connection.scalar(TRY_IN_TRANSACTION, told):
            raise CommandError(GONE)

    wait(take)
    with limits.lifted_for_transaction(connection):
        yield check
