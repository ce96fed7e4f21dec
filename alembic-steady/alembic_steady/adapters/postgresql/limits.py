"""The server's time limits, which are for the application's statements, and not for revisions.

What the connection sets itself, as with `?options=-c statement_timeout=…`, is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text

from alembic_steady.lock import listening, quietly

# transaction_timeout exists since PostgreSQL 17; earlier versions refuse its name.
LIFT = text("""
    SELECT name, setting, set_config(name, '0', :is_local) FROM pg_settings
    WHERE name IN ('statement_timeout', 'transaction_timeout', 'idle_session_timeout',
        'idle_in_transaction_session_timeout')
    AND setting <> '0' AND source NOT IN ('client', 'session')
""")
RESTORE = text("SELECT set_config(:name, :setting, true)")
IDLE = "idle_in_transaction_session_timeout"


@contextmanager
def lifted_for_session(connection: Connection) -> Iterator[None]:
    """Lift them for a session, whose next transaction has not begun."""
    names = [row.name for row in connection.execute(LIFT, {"is_local": False})]
    connection.commit()  # A rollback would bring them back.
    try:
        yield
    finally:
        for name in names:
            quietly(connection.exec_driver_sql, f"RESET {name}")
        quietly(connection.commit)


@contextmanager
def lifted_for_transaction(connection: Connection) -> Iterator[None]:
    """Lift them in a transaction, in which the caller goes on afterwards.

    It holds the lock until its end, so it may stay idle afterwards, too.
    """
    rows = connection.execute(LIFT, {"is_local": True}).all()
    yield
    for name, setting, _ in rows:
        if name != IDLE:
            quietly(connection.execute, RESTORE, {"name": name, "setting": setting})


@contextmanager
def lifted_in_each_transaction(connection: Connection) -> Iterator[None]:
    """Lift them when a transaction begins, since the session is a pooler's.

    It is no query, after which a revision could not set the transaction's isolation level.
    """
    version = connection.dialect.server_version_info or ()
    names = ["statement_timeout", IDLE]
    names += ["transaction_timeout"] if version >= (17,) else []
    lift = "; ".join(f"SET LOCAL {name} = 0" for name in names)

    def begin(begun: Connection) -> None:
        if not getattr(begun.connection.dbapi_connection, "autocommit", False):
            begun.exec_driver_sql(lift)

    with listening(connection, begin=begin):
        yield
