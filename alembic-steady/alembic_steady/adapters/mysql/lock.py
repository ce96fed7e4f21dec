"""The migration lock: a named lock of the session that runs the revisions.

So it cannot be lost while they go on, and after a kill it is held until the server has ended
the last statement. In a Galera cluster, where it is known to one node alone, `galera` holds
another one besides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from alembic.util import CommandError
from sqlalchemy import Connection, TextClause, text
from sqlalchemy.exc import SQLAlchemyError

from alembic_steady.adapters.mysql import galera, limits
from alembic_steady.adapters.mysql.failures import cause
from alembic_steady.lock import (
    BUSY,
    GONE,
    LOST,
    UNSEEN,
    leaving_no_transaction,
    quietly,
    same_session,
    version_table,
    wait,
)

# The names of locks are shared by the whole server, and have at most 64 characters.
NAME = "CONCAT('alembic ', MD5(CONCAT(DATABASE(), ' ', :table)))"
TRY = text(f"SELECT GET_LOCK({NAME}, 0)")
RELEASE = text(f"DO RELEASE_LOCK({NAME})")
IS_OWN = text(f"SELECT IS_USED_LOCK({NAME}) = CONNECTION_ID()")
HOLDER = text(f"""
    SELECT CONCAT(user, ' from ', host, IF(command = 'Sleep', ', idle', ', busy'), ' since ',
        TIME(UTC_TIMESTAMP() - INTERVAL time SECOND), ' UTC, id ', id)
    FROM information_schema.processlist WHERE id = IS_USED_LOCK({NAME})
""")


@contextmanager
def held(connection: Connection) -> Iterator[Callable[[], None]]:
    """Hold the lock, and yield a function that checks that it is still held.

    Arguments:
        connection: the connection on which migrations run.

    Raises:
        CommandError: another run holds the lock for too long, or it was lost.
    """
    key = {"table": version_table()}

    def ask(statement: TextClause) -> object:
        with leaving_no_transaction(connection):
            answer = connection.execute(statement, key)
            return answer.scalar() if answer.returns_rows else None

    def take() -> str:
        if not ask(IS_OWN) and not ask(TRY):
            return BUSY.format(ask(HOLDER) or UNSEEN)
        return cluster.take() if cluster else ""

    def check() -> None:
        if not ask(IS_OWN):
            raise CommandError(GONE)
        if cluster:
            cluster.check()

    with ExitStack() as stack:
        try:
            stack.callback(quietly, ask, RELEASE)
            cluster = stack.enter_context(galera.lock_of(connection))
            wait(take)
        except SQLAlchemyError as error:
            raise CommandError(LOST + cause(error)[1]) from None
        stack.enter_context(limits.lifted(connection))
        stack.enter_context(same_session(connection))
        yield check
