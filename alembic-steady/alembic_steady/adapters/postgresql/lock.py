"""The migration lock: a run holds it on a second connection, and other runs wait.

It is an advisory lock of a transaction that stays open, since behind a pooler a lock of the
session would outlive the run. PostgreSQL releases it however the run ends. Other runs poll:
if they waited in the server, CREATE INDEX CONCURRENTLY would wait for their transactions,
and they for the run that builds the index.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from alembic_steady.adapters.postgresql.failures import cause
from alembic_steady.lock import LOST, UNSEEN, version_table, wait

NUMBER = int.from_bytes(b"alem")
# The first number identifies the migration lock, the second the version table.
TRY = text(f"SELECT pg_try_advisory_xact_lock({NUMBER}, :table)")
# transaction_timeout exists since PostgreSQL 17; earlier versions refuse its name.
LIFT = text("""
    SELECT set_config(name, '0', true) FROM pg_settings WHERE name = 'transaction_timeout'
""")
# This has to be the last statement of each attempt: after another one, the transaction may
# keep a snapshot, and CREATE INDEX CONCURRENTLY would wait for its end.
HOLD = text("SET LOCAL idle_in_transaction_session_timeout = 0")
SESSION = """
    SELECT concat_ws(' ', nullif(application_name, ''),
        'from ' || CASE client_port WHEN -1 THEN 'a socket' ELSE host(client_addr) END,
        'since ' || to_char(xact_start AT TIME ZONE 'UTC', 'HH24:MI:SS') || ' UTC, pid ' || pid)
    FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE granted AND datname = current_database() AND
"""
RUNS = f"locktype = 'advisory' AND classid = {NUMBER} AND objsubid = 2"
HOLDER = text(
    f"{SESSION} {RUNS} AND objid = CAST(CAST(:table AS bigint) & 4294967295 AS oid)"
)
# If a process is killed, the server goes on with its last statement, and keeps its locks.
LEFT = text(f"""{SESSION} pid <> pg_backend_pid() AND usename = session_user
    AND mode IN ('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock',
        'ExclusiveLock', 'AccessExclusiveLock')
    AND relation IN (SELECT oid FROM pg_class WHERE relpersistence <> 't')
    AND NOT EXISTS (
        -- Leave out a live run with another version table, by its name and host.
        SELECT FROM pg_locks AS held JOIN pg_stat_activity AS run USING (pid)
        WHERE held.granted AND held.database = (
                SELECT oid FROM pg_database WHERE datname = current_database())
            AND held.locktype = 'advisory' AND held.classid = {NUMBER}
            AND held.objsubid = 2
            AND held.objid <> CAST(CAST(:table AS bigint) & 4294967295 AS oid)
            AND run.application_name = pg_stat_activity.application_name
            AND run.client_addr IS NOT DISTINCT FROM pg_stat_activity.client_addr)
""")


def key(version_table: str) -> int:
    """Return the number of a version table, as a signed 32-bit integer."""
    return int.from_bytes(zlib.crc32(version_table.encode()).to_bytes(4), signed=True)


@contextmanager
def held(connection: Connection) -> Iterator[Callable[[], None]]:
    """Hold the lock, and yield a function that checks that it is still held.

    Arguments:
        connection: the connection on which migrations run. If it is in a transaction
            already, that transaction holds the lock until the caller ends it.

    Raises:
        CommandError: another run holds the lock for too long, or it was lost.
    """
    is_given = connection.in_transaction()
    # Whether a search path or the project names this schema, or nobody does, is the same.
    number = {"table": key(version_table().removeprefix("public."))}

    def take() -> str:
        if not other.scalar(TRY, number):
            holder = other.scalar(HOLDER, number) or UNSEEN
            reason = f"another run is migrating the database ({holder})"
        elif left := other.scalar(LEFT, number):
            reason = f"another session is still changing a table ({left})"
        else:
            other.execute(LIFT)
            check()
            return ""
        if is_given:
            check()
        else:
            other.rollback()
        return reason

    def check() -> None:
        try:
            other.execute(HOLD)
        except SQLAlchemyError as error:
            raise CommandError(LOST + cause(error)[1]) from None

    with ExitStack() as stack:
        other = connection
        try:
            if not is_given:
                other = connection.engine.connect()
                stack.callback(_close, other)
                other.execution_options(isolation_level="READ COMMITTED")
            wait(take)
        except SQLAlchemyError as error:
            raise CommandError(LOST + cause(error)[1]) from None
        yield check


def _close(connection: Connection) -> None:
    with suppress(SQLAlchemyError):  # The connection may be lost.
        connection.close()
