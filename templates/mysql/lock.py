{% set title = (cookiecutter.database_url | database).dialect.title %}
"""One migrator at a time: a run holds a lock until it ends, and another waits for it.

A second connection holds it. {{ title }} takes it back however the run ends.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial

from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from migrations import arguments, server

SECONDS = 300
PAUSE = 0.2
LOST = "no connection for the lock: "
# A lock's name is known to the whole server, and has at most 64 characters.
NAME = "CONCAT('alembic ', MD5(DATABASE()))"
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
# What ran in a dead process goes on in the server.
LEFT = text(f"""{SESSION} db = DATABASE() AND id <> CONNECTION_ID()
    AND user = SUBSTRING_INDEX(USER(), '@', 1) AND command = 'Query'
    AND info REGEXP '^[[:space:]]*(ALTER|CREATE|DROP|RENAME|TRUNCATE)'
""")


@contextmanager
def held(connection: Connection) -> Iterator[Callable[[], None]]:
    """Hold the lock, and give what sees that it is still held.

    Arguments:
        connection: the one that migrations run on.

    Raises:
        CommandError: another run holds the lock for too long, or it was lost.
    """

    def take() -> str:
        if not other.scalar(TRY):
            holder = other.scalar(HOLDER) or "and is about to end"
            return f"another run migrates ({holder})"
        if left := other.scalar(LEFT):
            return f"another session still changes a table ({left})"
        other.execute(HOLD)
        return ""

    def check() -> None:
        # The server is asked on this connection, so that the other one shows since when.
        if connection.scalar(OWNER) != number:
            raise CommandError(f"{LOST}it has ended")

    with ExitStack() as stack:
        try:
            other = connection.engine.connect()
            stack.callback(_close, other)
            other.execution_options(isolation_level="AUTOCOMMIT")
            other.detach()  # A pool would keep it, and the lock with it.
            number = other.scalar(text("SELECT CONNECTION_ID()"))
            _wait(take)
        except SQLAlchemyError as error:
            raise CommandError(LOST + server.cause(error)[1]) from None
        yield check


def _close(connection: Connection) -> None:
    for end in (partial(connection.execute, RELEASE), connection.close):
        with suppress(SQLAlchemyError):  # It may be lost.
            end()


{% include "waiting.py" %}
