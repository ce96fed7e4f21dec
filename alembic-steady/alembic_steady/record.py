"""The record of a revision: what it has executed, and what of that is committed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from sqlalchemy import Connection, event
from sqlalchemy.engine import ExceptionContext

from alembic_steady.adapters.commits import Commits, Fate

COMMIT = "COMMIT"
"""What runs while SQLAlchemy commits a transaction."""


class Record:
    """What the running revision has executed, and what of that is committed.

    Attributes:
        pending: the statements that can still be rolled back.
        committed: those that are committed.
        unclear: those that may be committed.
        running: the statement that is running and may commit by itself, or "". If that is
            `COMMIT`, it may have ended: nothing is said when a commit is done.
        refused: the last statement that may commit by itself and has failed, or "".
    """

    def __init__(self, commits: Commits) -> None:
        self._commits = commits
        self._savepoints: list[int] = []
        self.clear()

    def clear(self) -> None:
        """Begin another revision, or the same one again."""
        self.pending: list[str] = []
        self.committed: list[str] = []
        self.unclear: list[str] = []
        self.running = self.refused = ""
        self._is_cut_off = False

    @property
    def is_kept_in_part(self) -> bool:
        """Whether a statement of the revision is committed, or may be."""
        return bool(self.committed or self.unclear)

    @property
    def is_final_in_part(self) -> bool:
        """Whether something of the revision may remain if it is rolled back."""
        return self.is_kept_in_part or bool(self.refused)

    def settle(self) -> None:
        """Take what is known when an error has ended the revision."""
        if self.running != COMMIT:
            self._apply(Fate.UNKNOWN if self.running else Fate.LOST)
        elif self._is_cut_off:
            self._apply(Fate.LOST)  # It is said of the COMMIT that this is unknown.
        else:
            self._apply(Fate.KEPT)  # If it had failed, that would be known.
            self.running = ""

    @contextmanager
    def kept(self, connection: Connection) -> Iterator[None]:
        """Keep the record of what is executed on a connection."""

        def fail(context: ExceptionContext) -> None:
            if context.connection is connection and not self._is_cut_off:
                # What has cut off the connection may have let a statement through.
                is_told = isinstance(context.original_exception, Exception)
                self._is_cut_off = context.is_disconnect or not is_told
                if not self._is_cut_off:
                    self._fail(connection, context.statement)

        with ExitStack() as listeners:
            for target, name, listener in (
                (connection, "begin", self._begin),
                (connection, "commit", self._commit),
                (connection, "rollback", self._roll_back),
                (connection, "savepoint", self._set_savepoint),
                (connection, "rollback_savepoint", self._go_back),
                (connection, "release_savepoint", self._release),
                (connection, "before_cursor_execute", self._before),
                (connection, "after_cursor_execute", self._after),
                (connection.engine, "handle_error", fail),
            ):
                event.listen(target, name, listener)
                listeners.callback(event.remove, target, name, listener)
            yield

    def _begin(self, _connection: Connection) -> None:
        if self._is_cut_off:
            return
        if self.running == COMMIT:  # It has ended.
            self._apply(Fate.KEPT)
        self.running = ""

    def _commit(self, _connection: Connection) -> None:
        if not self._is_cut_off:
            self.running = COMMIT

    def _roll_back(self, _connection: Connection) -> None:
        if not (self.running or self._is_cut_off):
            self._apply(Fate.LOST)

    def _set_savepoint(self, *_arguments: object) -> None:
        self._savepoints.append(len(self.pending))

    def _go_back(self, *_arguments: object) -> None:
        del self.pending[self._savepoints.pop() :]

    def _release(self, *_arguments: object) -> None:
        self._savepoints.pop()

    def _before(
        self, connection: Connection, _cursor: object, sql: str, *_more: object
    ) -> None:
        if not self._is_cut_off:
            sql = self._commits.unmarked(sql)
            self.running = sql if self._commits.may_commit(connection, sql) else ""

    def _after(
        self, connection: Connection, _cursor: object, sql: str, *_more: object
    ) -> None:
        if not self._is_cut_off:
            sql = self._commits.unmarked(sql)
            self._apply(self._commits.fate(connection, sql), sql)
            self.running = ""

    def _fail(self, connection: Connection, sql: str | None) -> None:
        if sql:
            sql = self._commits.unmarked(sql)
            fate = self._commits.fate_after_error(connection, sql)
            self._apply(fate, sql if fate is Fate.UNKNOWN else None)
            self.refused = self.running or self.refused
        elif self.running == COMMIT:
            self._apply(Fate.LOST)
        self.running = ""

    def _apply(self, fate: Fate, executed: str | None = None) -> None:
        """Sort what is pending, and a statement that has been executed last."""
        own = [executed] if executed and self._commits.remains(executed) else []
        if fate is Fate.OPEN:
            self.pending += own
            return
        if fate is Fate.KEPT:
            self.committed += self.pending + own
        elif fate is Fate.KEPT_BEFORE:
            self.committed += self.pending
        elif fate is Fate.UNKNOWN:
            self.unclear += self.pending + own
        self.pending = []
