"""Implicit commits: changing a table commits that change and everything before it.

The server also commits what came before if the change itself fails. Only changes of rows
after the last change of a table can be rolled back.
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
        connection: the connection to run them on.
        executor: records which statements were executed and which are committed.
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
