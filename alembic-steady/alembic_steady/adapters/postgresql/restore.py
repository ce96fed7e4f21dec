"""Building what a dump has: on a scratch database, and in a revision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from alembic_steady.adapters.dump import Dump, LeftOut
from alembic_steady.adapters.postgresql import limits, retry
from alembic_steady.lock import leaving_no_transaction

BATCH = 200
"""How many statements a transaction has where all together would take too many locks."""
SETTING = "SET LOCAL "
CAPACITY = text("""
    SELECT current_setting('max_locks_per_transaction')::int
        * (current_setting('max_connections')::int
           + current_setting('max_prepared_transactions')::int)
""")
LOCKS_FOR_TABLE, LOCKS_FOR_OTHERS = 6, 1.5
"""What a statement takes at most: a table has a place for long values, with an index."""
# What a server refuses for its own state, and not for what a statement says.
NO_REFUSAL = ("08", "40", "53", "57", "58", "55P03")


def restore(connection: Connection, dump: Dump) -> list[LeftOut]:
    """Run a dump on an empty scratch database, and return what it does not accept.

    That is taken out of the dump's entries.

    Arguments:
        connection: the scratch database, in which this is committed.
        dump: what has been dumped.

    Raises:
        DBAPIError: the server ends the connection, or has no room.
    """
    connection.rollback()
    settings = [entry.sql for entry in dump.entries if entry.kind == "setting"]
    rest = [entry for entry in dump.entries if entry.kind != "setting"]
    refused: dict[tuple[str, str], LeftOut] = {}
    kept = [entry for entry in dump.entries if entry.kind == "setting"]
    with limits.lifted_for_session(connection):
        for batch in _batches(rest):
            if _run(connection, settings, [entry.sql for entry in batch]) is None:
                kept += batch
                continue
            for entry in batch:
                error = _run(connection, settings, [entry.sql])
                if error is None:
                    kept.append(entry)
                    continue
                what = f"{entry.kind} {entry.name}"
                left = LeftOut(
                    what, f"the scratch database refuses it: {_reason(error)}"
                )
                refused.setdefault(entry[:2], left)
    dump.entries[:] = kept
    return [*refused.values()]


def _batches(entries: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(entries), BATCH):
        yield entries[start : start + BATCH]


def _run(
    connection: Connection, settings: Sequence[str], statements: Sequence[str]
) -> DBAPIError | None:
    """Run statements in a transaction, and return how the server refuses one of them."""
    try:
        for statement in (*settings, *statements):
            execute_plain(connection, statement)
        connection.commit()
    except DBAPIError as error:
        code = retry.code(error)
        if error.connection_invalidated or not code or code.startswith(NO_REFUSAL):
            raise
        connection.rollback()
        return error
    return None


def _reason(error: DBAPIError) -> str:
    return str(error.orig).strip().partition("\n")[0]


def execute_plain(connection: Connection, statement: str) -> None:
    """Run a statement as it is written, without parameters."""
    connection.exec_driver_sql(statement, None, {"no_parameters": True})


def execute_all(migration: Any, statements: Sequence[str]) -> None:
    """Run statements in the transaction of a revision, or in batches if they are too many.

    Each batch is a transaction of its own, then, and is kept if a later one fails.

    Arguments:
        migration: the context in which the revision runs.
        statements: the statements.
    """
    connection = migration.connection
    needed = sum(
        LOCKS_FOR_TABLE if it.startswith("CREATE TABLE ") else LOCKS_FOR_OTHERS
        for it in statements
    )
    with leaving_no_transaction(connection):
        is_small = needed < (connection.scalar(CAPACITY) or 0)
    if is_small:
        for statement in statements:
            execute_plain(connection, statement)
        return
    settings = [it for it in statements if it.startswith(SETTING)]
    rest = [it for it in statements if not it.startswith(SETTING)]
    with migration.autocommit_block():
        for batch in _batches(rest):
            # Several statements in one text are one transaction.
            execute_plain(migration.connection, ";\n".join([*settings, *batch]))
