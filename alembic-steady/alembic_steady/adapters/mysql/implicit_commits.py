"""Implicit commits: to change a table makes it final, and all that the revision did before.

The server does so by itself, also where the change fails. Only rows that were changed since
can be taken back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import context
from sqlalchemy import Connection, event

if TYPE_CHECKING:
    from alembic_steady.executor import Executor

READS = ("SELECT", "SHOW", "SET", "DESC", "EXPLAIN")
ROWS = ("INSERT", "UPDATE", "DELETE", "REPLACE", "WITH")


def run(connection: Connection, executor: Executor) -> None:
    """Run revisions.

    Arguments:
        connection: the one to run them on.
        executor: what is planned. It is told which statements have run and which are final.
    """

    def before(_connection: object, _cursor: object, sql: str, *_more: object) -> None:
        if not _begins(sql, READS + ROWS):
            executor.committed = [*executor.executed]
            executor.committing = sql

    def after(connection: object, cursor: object, sql: str, *_more: object) -> None:
        if not _begins(sql, READS):
            executor.executed.append(sql)
            before(connection, cursor, sql)
        executor.committing = ""

    event.listen(connection, "before_cursor_execute", before)
    event.listen(connection, "after_cursor_execute", after)
    try:
        context.run_migrations()
    finally:
        event.remove(connection, "before_cursor_execute", before)
        event.remove(connection, "after_cursor_execute", after)


def _begins(sql: str, words: tuple[str, ...]) -> bool:
    return sql.lstrip().upper().startswith(words)
