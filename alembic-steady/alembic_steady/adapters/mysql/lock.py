"""The migration lock: a run holds it on a second connection, and other runs wait.

The server releases it however the run ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

from alembic.util import CommandError
from sqlalchemy import Connection, TextClause, text
from sqlalchemy.exc import SQLAlchemyError

from alembic_steady.adapters.mysql.failures import cause
from alembic_steady.lock import LOST, UNSEEN, version_table, wait

SELF = text("SELECT CONNECTION_ID()")
# The names of locks are shared by the whole server, and have at most 64 characters.
NAME = "CONCAT('alembic ', MD5(CONCAT(DATABASE(), ' ', :table)))"
TRY = text(f"SELECT GET_LOCK({NAME}, 0)")
HOLD = text("SET SESSION wait_timeout = 2147483")  # the maximum on every system
RELEASE = text(f"DO RELEASE_LOCK({NAME})")
OWNER = text(f"SELECT IS_USED_LOCK({NAME})")
SESSION = """
    SELECT CONCAT(user, ' from ', host, ' since ',
        TIME(UTC_TIMESTAMP() - INTERVAL time SECOND), ' UTC, id ', id)
    FROM information_schema.processlist WHERE
"""
HOLDER = text(f"{SESSION} id = IS_USED_LOCK({NAME})")
# The connection of the migrations holds a second lock. If the process is killed, the server
# goes on with its last statement, and releases this lock only when that is done.
WORK = "CONCAT('alembic work ', MD5(CONCAT(DATABASE(), ' ', :table)))"
WORKER = text(f"{SESSION} id = IS_USED_LOCK({WORK})")
BEGIN = text(f"SELECT GET_LOCK({WORK}, 0)")
END = text(f"DO RELEASE_LOCK({WORK})")


@contextmanager
def held(connection: Connection) -> Iterator[Callable[[], None]]:
    """Hold the lock, and yield a function that checks that it is still held.

    Arguments:
        connection: the connection on which migrations run.

    Raises:
        CommandError: another run holds the lock for too long, or it was lost.
    """
    key = {"table": version_table()}

    def take() -> str:
        if not other.scalar(TRY, key):
            holder = other.scalar(HOLDER, key) or UNSEEN
            return f"another run is migrating the database ({holder})"
        if left := other.scalar(WORKER, key):
            return f"another session is still changing a table ({left})"
        other.execute(HOLD)
        return ""

    def check() -> None:
        # Query on this connection, so that the other one stays idle and shows since when.
        if connection.scalar(OWNER, key) != number:
            raise CommandError(f"{LOST}it no longer holds the lock")

    def work(statement: TextClause) -> None:
        is_given = connection.in_transaction()
        connection.execute(statement, key)
        if not is_given:
            connection.rollback()  # The query has begun a transaction.

    with ExitStack() as stack:
        try:
            other = connection.engine.connect()
            stack.callback(_quietly, other.close)
            stack.callback(_quietly, other.execute, RELEASE, key)
            other.execution_options(isolation_level="AUTOCOMMIT")
            other.detach()  # In a pool, it would stay open and keep the lock.
            number = other.scalar(SELF)
            wait(take)
            work(BEGIN)
            stack.callback(_quietly, work, END)
        except SQLAlchemyError as error:
            raise CommandError(LOST + cause(error)[1]) from None
        yield check


def _quietly(end: Callable[..., object], *arguments: object) -> None:
    with suppress(SQLAlchemyError):  # The connection may be lost.
        end(*arguments)
