"""One migrator at a time: a run holds a lock until it ends, and another waits for it.

A second connection holds it. The server takes it back however the run ends.
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
# A lock's name is known to the whole server, and has at most 64 characters.
NAME = "CONCAT('alembic ', MD5(CONCAT(DATABASE(), ' ', :table)))"
TRY = text(f"SELECT GET_LOCK({NAME}, 0)")
HOLD = text("SET SESSION wait_timeout = 2147483")  # the longest that every system takes
RELEASE = text(f"DO RELEASE_LOCK({NAME})")
OWNER = text(f"SELECT IS_USED_LOCK({NAME})")
SESSION = """
    SELECT CONCAT(user, ' from ', host, ' since ',
        TIME(UTC_TIMESTAMP() - INTERVAL time SECOND), ' UTC, id ', id)
    FROM information_schema.processlist WHERE
"""
HOLDER = text(f"{SESSION} id = IS_USED_LOCK({NAME})")
# The migrations' own connection holds another one: what ran in a dead process goes on in
# the server, which gives that one back when it is done.
WORK = "CONCAT('alembic work ', MD5(CONCAT(DATABASE(), ' ', :table)))"
WORKER = text(f"{SESSION} id = IS_USED_LOCK({WORK})")
BEGIN = text(f"SELECT GET_LOCK({WORK}, 0)")
END = text(f"DO RELEASE_LOCK({WORK})")


@contextmanager
def held(connection: Connection) -> Iterator[Callable[[], None]]:
    """Hold the lock, and give what sees that it is still held.

    Arguments:
        connection: the one that migrations run on.

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
        # The server is asked on this connection, so that the other one shows since when.
        if connection.scalar(OWNER, key) != number:
            raise CommandError(f"{LOST}it no longer holds the lock")

    def work(statement: TextClause) -> None:
        is_given = connection.in_transaction()
        connection.execute(statement, key)
        if not is_given:
            connection.rollback()  # To ask has begun a transaction.

    with ExitStack() as stack:
        try:
            other = connection.engine.connect()
            stack.callback(_quietly, other.close)
            stack.callback(_quietly, other.execute, RELEASE, key)
            other.execution_options(isolation_level="AUTOCOMMIT")
            other.detach()  # A pool would keep it, and the lock with it.
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
