"""What becomes of a transaction with each statement: whether it is kept, lost or open.

The server or its driver is asked whether a transaction is open. From its words alone, a
statement is only known for what cannot end one.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Any, ClassVar

from sqlalchemy import Connection

# Also the parentheses around a SELECT. /*! and /*M! begin what MySQL and MariaDB execute.
FIRST = re.compile(
    r"(?s)(?:\s|[(;]|--[^\n]*(?:\n|$)|#[^\n]*(?:\n|$)|/\*(?!M?!).*?\*/)*(\w*)"
)


class Fate(Enum):
    """What a statement has done to the transaction that it ran in."""

    OPEN = auto()
    """It can still be rolled back."""
    KEPT = auto()
    """It and everything before it is committed."""
    KEPT_BEFORE = auto()
    """Everything before it is committed, and a new transaction has begun."""
    LOST = auto()
    """Everything before it is rolled back."""
    UNKNOWN = auto()
    """It may have been committed or rolled back in part."""


class Commits:
    """What is known of the statements of a family of databases, and of its drivers."""

    reads: ClassVar = frozenset(("SELECT", "SHOW", "SET", "EXPLAIN"))
    """The first words of statements that leave nothing behind."""
    rollbacks: ClassVar = frozenset(("ROLLBACK", "ABORT"))
    controls: ClassVar = frozenset(
        ("BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE")
    )
    """The first words of statements that only begin or end a transaction."""

    def unmarked(self, sql: str) -> str:
        """Return a statement without what the migration lock has put in front of it."""
        return sql

    def is_open(self, connection: Connection) -> bool | None:
        """Return whether a transaction is open, or None if the driver does not know."""
        raw: Any = connection.connection.dbapi_connection
        told: bool | None = getattr(raw, "in_transaction", None)
        return told

    def may_commit(self, connection: Connection, sql: str) -> bool:
        """Return whether a statement, which is about to run, may commit by itself."""
        return first_word(sql) in ("COMMIT", "END") or not self.is_open(connection)

    def fate(self, connection: Connection, sql: str) -> Fate:
        """Return what became of the transaction in which a statement has been executed."""
        is_open = self.is_open(connection)
        if is_open is None:
            return Fate.UNKNOWN
        if is_open:
            return Fate.OPEN
        return Fate.LOST if first_word(sql) in self.rollbacks else Fate.KEPT

    def fate_after_error(self, connection: Connection, sql: str) -> Fate:
        """Return what became of the transaction in which a statement has failed."""
        return Fate.LOST if self.is_open(connection) is False else Fate.OPEN

    def remains(self, sql: str) -> bool:
        """Return whether a statement leaves something behind if it is committed."""
        return first_word(sql) not in self.reads | self.controls


def first_word(sql: str) -> str:
    """Return the first word of a statement in capitals, or "" if it begins otherwise."""
    found = FIRST.match(sql)
    return found[1].upper() if found else ""
