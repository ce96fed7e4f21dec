"""Commits on PostgreSQL: outside a transaction, each statement commits by itself."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Connection

from alembic_steady.adapters.commits import Commits, Fate
from alembic_steady.adapters.postgresql.advisory import unmarked

IDLE = 0  # libpq's PQTRANS_IDLE
# One text may have several statements, of which some are kept and others are not.
SEVERAL = re.compile(r"(?i);\s*(COMMIT|ROLLBACK|ABORT)\b|\bCOMMIT\b[^;]*;\s*\S")


class PostgreSQLCommits(Commits):
    """What commits on PostgreSQL."""

    def unmarked(self, sql: str) -> str:
        """Return a statement without what the migration lock has put in front of it."""
        return unmarked(sql)

    def is_open(self, connection: Connection) -> bool | None:
        """Return whether a transaction is open, as libpq has heard from the server."""
        raw: Any = connection.connection.dbapi_connection
        info = getattr(raw, "info", None)  # that of psycopg and psycopg2
        return None if info is None else info.transaction_status != IDLE

    def may_commit(self, connection: Connection, sql: str) -> bool:
        """Return whether a statement, which is about to run, may commit by itself."""
        # The drivers begin a transaction with the first statement, so that none is open.
        raw: Any = connection.connection.dbapi_connection
        return bool(raw.autocommit) or "COMMIT" in sql.upper()

    def fate(self, connection: Connection, sql: str) -> Fate:
        """Return what became of the transaction in which a statement has been executed."""
        return Fate.UNKNOWN if SEVERAL.search(sql) else super().fate(connection, sql)

    def fate_after_error(self, connection: Connection, sql: str) -> Fate:
        """Return what became of the transaction in which a statement has failed."""
        if SEVERAL.search(sql):
            return Fate.UNKNOWN
        return super().fate_after_error(connection, sql)
