"""One migrator at a time: a run holds a lock until it ends, and another waits for it.

A second connection holds it, in a transaction that stays open: behind a pooler a lock of
a session would outlive it. PostgreSQL takes the lock back however the run ends. Others
poll: to wait in the server is what a concurrent index waits for, and nobody would go on.
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
# The first number says that it is a run of migrations, the second which version table.
TRY = text(f"SELECT pg_try_advisory_xact_lock({NUMBER}, :table)")
# PostgreSQL 17 and later may end long transactions; earlier ones refuse the name.
LIFT = text("""
    SELECT set_config(name, '0', true) FROM pg_settings WHERE name = 'transaction_timeout'
""")
# It is the last of each try: after another statement the transaction may keep a snapshot,
# for the end of which a concurrent index would wait.
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
# What ran in a dead process goes on in the server, and keeps its locks until it is done.
LEFT = text(f"""{SESSION} pid <> pg_backend_pid() AND usename = session_user
    AND mode IN ('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock',
        'ExclusiveLock', 'AccessExclusiveLock')
    AND relation IN (SELECT oid FROM pg_class WHERE relpersistence <> 't')
    AND NOT EXISTS (
        -- A run with another version table goes on under the same name on the same host.
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
    """Return the number of a version table, with a sign, as PostgreSQL's integers have."""
    return int.from_bytes(zlib.crc32(version_table.encode()).to_bytes(4), signed=True)


@contextmanager
def held(connection: Connection) -> Iterator[Callable[[], None]]:
    """Hold the lock, and give what sees that it is still held.

    Arguments:
        connection: the one that migrations run on. Where it is in a transaction already,
            that one holds the lock, until its owner ends it.

    Raises:
        CommandError: another run holds the lock for too long, or it was lost.
    """
    is_given = connection.in_transaction()
    number = {"table": key(version_table())}

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
    with suppress(SQLAlchemyError):  # It may be lost.
        connection.close()
