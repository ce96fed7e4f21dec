"""The advisory lock of a version table, and the statements that ask for it and for others."""

from __future__ import annotations

import re
import zlib

from sqlalchemy import text

NUMBER = int.from_bytes(b"alem")
# The first number identifies the migration lock, the second the version table.
NUMBERS = f"{NUMBER}, :table"
TRY = text(f"SELECT pg_try_advisory_lock({NUMBERS})")
RELEASE = text(f"SELECT pg_advisory_unlock({NUMBERS})")
TRY_IN_TRANSACTION = text(f"SELECT pg_try_advisory_xact_lock({NUMBERS})")
LOCK = f"""
    locktype = 'advisory' AND classid = {NUMBER} AND objsubid = 2
    AND objid = CAST(CAST(:table AS bigint) & 4294967295 AS oid) AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
IS_OWN = text(f"""
    SELECT count(*) > 0 FROM pg_locks WHERE pid = pg_backend_pid() AND {LOCK}
""")
SESSION = """
    SELECT concat_ws(', ', concat_ws(' ', nullif(application_name, ''),
        'from ' || CASE client_port WHEN -1 THEN 'a socket' ELSE host(client_addr) END),
        CASE state WHEN 'active' THEN 'busy' ELSE 'idle' END
        || ' since ' || to_char(state_change AT TIME ZONE 'UTC', 'HH24:MI:SS') || ' UTC',
        'pid ' || pid)
    FROM pg_stat_activity
"""
HOLDER = text(f"{SESSION} WHERE pid IN (SELECT pid FROM pg_locks WHERE {LOCK})")
# What a run through a pooler has left on the server, if its lock is lost or it is killed.
LEFT = text(f"""
    {SESSION} WHERE pid <> pg_backend_pid() AND datname = current_database()
    AND state <> 'idle' AND left(query, length(:mark)) = :mark
""")
MARK = re.compile(r"/\* alembic -?\d+ \*/ ")


def key(version_table: str) -> int:
    """Return the number of a version table, as a signed 32-bit integer."""
    return int.from_bytes(zlib.crc32(version_table.encode()).to_bytes(4), signed=True)


def mark(number: int) -> str:
    """Return the comment before each statement that runs behind a pooler.

    Arguments:
        number: that of the version table.
    """
    return f"/* alembic {number} */ "


def unmarked(sql: str) -> str:
    """Return a statement without that comment."""
    return MARK.sub("", sql, count=1) if sql.startswith("/* alembic ") else sql
