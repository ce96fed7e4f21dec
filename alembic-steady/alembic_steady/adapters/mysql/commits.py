"""Implicit commits: changing a table commits that change and everything before it.

The server also commits what came before if the change itself fails. With each answer it
tells whether a transaction is open.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

from sqlalchemy import Connection

from alembic_steady.adapters.commits import Commits, Fate, first_word

IN_TRANSACTION = 1  # SERVER_STATUS_IN_TRANS of the protocol
ROWS = frozenset(("INSERT", "UPDATE", "DELETE", "REPLACE", "WITH", "SAVEPOINT"))
# They commit, and a new transaction may be open afterwards.
BEGINS = frozenset(("BEGIN", "START", "COMMIT", "LOCK"))
# What they run may commit and go on. "" is what begins with an executable comment.
UNCLEAR = frozenset(
    (
        "CALL",
        "EXECUTE",
        "UNLOCK",
        "XA",
        "IF",
        "CASE",
        "FOR",
        "LOOP",
        "REPEAT",
        "WHILE",
        "",
    )
)
# MariaDB: settings for the one statement that follows, and a block that is none of BEGIN's.
SETTINGS = re.compile(r"(?is)SET\s+STATEMENT\s.*?\sFOR\s+")
BLOCK = re.compile(r"(?i)BEGIN\s+NOT\s+ATOMIC\b")


class MySQLCommits(Commits):
    """What commits on MySQL and MariaDB."""

    reads: ClassVar = frozenset(
        ("SELECT", "SHOW", "SET", "DESC", "DESCRIBE", "EXPLAIN", "DO", "USE", "VALUES")
    )

    def is_open(self, connection: Connection) -> bool | None:
        """Return whether a transaction is open, as the server has told last."""
        raw: Any = connection.connection.dbapi_connection
        told = getattr(raw, "server_status", None)  # PyMySQL has it.
        return None if told is None else bool(told & IN_TRANSACTION)

    def may_commit(self, connection: Connection, sql: str) -> bool:
        """Return whether a statement, which is about to run, may commit by itself."""
        raw: Any = connection.connection.dbapi_connection
        word = deciding_word(sql)
        return word not in self.reads and (word not in ROWS or raw.get_autocommit())

    def fate(self, connection: Connection, sql: str) -> Fate:
        """Return what became of the transaction in which a statement has been executed."""
        word = deciding_word(sql)
        if word not in self.reads | ROWS:
            # Of a statement that returns rows, the driver keeps an earlier status.
            self._ask(connection)
        is_open = self.is_open(connection)
        if is_open is None:
            return Fate.OPEN if word in self.reads | ROWS else Fate.UNKNOWN
        if word in self.rollbacks:
            is_part = is_open and "CHAIN" not in sql.upper()
            return Fate.OPEN if is_part else Fate.LOST  # only to a savepoint
        if not is_open:
            return Fate.KEPT
        if word in UNCLEAR:
            return Fate.UNKNOWN
        return Fate.KEPT_BEFORE if word in BEGINS else Fate.OPEN

    def fate_after_error(self, connection: Connection, sql: str) -> Fate:
        """Return what became of the transaction in which a statement has failed."""
        if deciding_word(sql) in UNCLEAR or not self._ask(connection):
            return Fate.UNKNOWN
        is_open = self.is_open(connection)
        if is_open:
            return Fate.OPEN
        if deciding_word(sql) in self.reads | ROWS | {"COMMIT"}:
            return Fate.LOST  # as after a deadlock
        return Fate.UNKNOWN if is_open is None else Fate.KEPT_BEFORE

    def remains(self, sql: str) -> bool:
        """Return whether a statement leaves something behind if it is committed."""
        return deciding_word(sql) not in self.reads | self.controls

    def _ask(self, connection: Connection) -> bool:
        raw: Any = connection.connection.dbapi_connection
        try:
            return connection.dialect.do_ping(raw)
        except connection.dialect.loaded_dbapi.Error:
            return False


def deciding_word(sql: str) -> str:
    """Return the word that decides what a statement does, or "" if that is not known."""
    word = first_word(sql)
    if word == "SET" and (settings := SETTINGS.search(sql)):
        return deciding_word(sql[settings.end() :])
    return "" if word == "BEGIN" and BLOCK.search(sql) else word
