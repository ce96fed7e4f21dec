"""What statements leave that work concurrently, outside a transaction, and are cut off."""

from __future__ import annotations

import re
from contextlib import suppress

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

# REINDEX appends _ccnew or _ccold to the name.
INVALID = text(r"""
    SELECT made.relname FROM pg_index
    JOIN pg_class AS made ON made.oid = indexrelid
    JOIN pg_class AS indexed ON indexed.oid = indrelid
    WHERE NOT indisvalid AND (
        position(regexp_replace(made.relname, '_cc(new|old)\d*$', '') in :sql) > 0
        OR made.relname ~ '_cc(new|old)\d*$' AND position(indexed.relname in :sql) > 0)
    ORDER BY made.oid DESC LIMIT 1
""")
WAYS = {
    r"\bCREATE\s+(UNIQUE\s+)?INDEX\s+CONCURRENTLY\b": "alembic_steady.create_index rebuilds it",
    r"\bDROP\s+INDEX\s+CONCURRENTLY\b": "alembic_steady.drop_index drops it",
    r"\bREINDEX\b.*\bCONCURRENTLY\b": "DROP INDEX CONCURRENTLY drops it",
}
DETACH = re.compile(r"(?is)\bDETACH\s+PARTITION\b.*\bCONCURRENTLY\b")
FINALIZE = (
    "the partition may be detached in part; DETACH PARTITION … FINALIZE ends that"
)
VALIDATE = re.compile(r"(?i)\bVALIDATE\s+CONSTRAINT\b")
NOT_VALID = "the constraint is left, and holds for new rows"


def hint(connection: Connection, statement: str) -> str:
    """Say what a statement has left or, if the server cannot be asked, may have left.

    Arguments:
        connection: the connection on which it failed.
        statement: a statement that was running outside a transaction.
    """
    if DETACH.search(statement):
        return FINALIZE
    if VALIDATE.search(statement):
        return NOT_VALID
    for pattern, way in WAYS.items():
        if not re.search(f"(?is){pattern}", statement):
            continue
        if connection.invalidated or connection.in_transaction():
            return f"an INVALID index may be left; {way}"
        with suppress(SQLAlchemyError):
            name = connection.scalar(INVALID, {"sql": statement})
            connection.rollback()
            return f"the INVALID index {name} is left; {way}" if name else ""
        return f"an INVALID index may be left; {way}"
    return ""
