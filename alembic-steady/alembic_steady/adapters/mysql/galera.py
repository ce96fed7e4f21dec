"""The migration lock of a Galera cluster: a committed row, about which its nodes agree.

A run takes it when it has the named lock of its node. So a row of the same node whose run is
gone can be told from one whose run still works: that would hold the named lock.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from alembic_steady.adapters.mysql.commits import MySQLCommits
from alembic_steady.lock import (
    BUSY,
    GONE,
    checked_commits,
    leaving_no_transaction,
    listening,
    lock_table,
    quietly,
)

STATUS = text("""
    SHOW GLOBAL STATUS WHERE Variable_name IN ('wsrep_cluster_size', 'wsrep_gcomm_uuid',
        'wsrep_local_index', 'wsrep_incoming_addresses')
""")
WAIT_VALUE = text("SELECT @@SESSION.wsrep_sync_wait")
# Statements see what other nodes have committed before them.
SYNC = text("SET SESSION wsrep_sync_wait = :value")
ALL = 7
WHO = text("""
    SELECT CONCAT(USER(), ' on node ', :address, ' since ', TIME(UTC_TIMESTAMP()),
        ' UTC, id ', CONNECTION_ID())
""")
CREATE = """
    CREATE TABLE IF NOT EXISTS {} (
        id INTEGER NOT NULL PRIMARY KEY,
        run CHAR(12) NOT NULL,
        node CHAR(36) NOT NULL,
        address VARCHAR(255) NOT NULL,
        holder VARCHAR(500) NOT NULL
    ) ENGINE = InnoDB
"""
HAS = "SELECT 1 FROM {} LIMIT 1"
READ = "SELECT run, node, address, holder FROM {} WHERE id = 1"
# What other nodes commit about a row that is locked ends this transaction.
SHARE = "SELECT run FROM {} WHERE id = 1 LOCK IN SHARE MODE"
INSERT = "INSERT INTO {} VALUES (1, :run, :node, :address, :holder)"
REPLACE = """
    UPDATE {} SET run = :run, node = :node, address = :address, holder = :holder
    WHERE id = 1 AND run = :old
"""
DELETE = "DELETE FROM {} WHERE run = :run"
MISSING = 1146
LATE = (1062, 1205, 1213)
"""Codes of a row that exists, of a wait that took too long, and of a commit that others forestall."""
ATTEMPTS = 5
COMMITS = MySQLCommits()
IN_TRANSACTION = (
    "pass the connection before it begins a transaction: in a Galera cluster, the migration"
    " lock is a row that has to be committed"
)


@dataclass(frozen=True)
class Node:
    """A node of a cluster.

    Attributes:
        uuid: a new one each time that it is started.
        address: where clients connect to it, or "".
        members: the addresses of all nodes.
    """

    uuid: str
    address: str
    members: list[str]


def node_of(connection: Connection) -> Node | None:
    """Return the node that a connection leads to, or None if there is no cluster."""
    told: dict[str, Any] = {name: value for name, value in connection.execute(STATUS)}
    if not int(told.get("wsrep_cluster_size") or 0):
        return None
    members = str(told["wsrep_incoming_addresses"]).split(",")
    index = int(told["wsrep_local_index"])
    address = members[index] if index < len(members) else ""
    return Node(str(told["wsrep_gcomm_uuid"]), address, members)


@contextmanager
def lock_of(connection: Connection) -> Iterator[ClusterLock | None]:
    """Yield the lock of the cluster, which is released at the end, or None without one.

    Raises:
        CommandError: the connection is in a transaction.
        SQLAlchemyError: the connection failed.
    """
    is_given = connection.in_transaction()
    node = node_of(connection)
    if node is None:
        if not is_given:
            connection.rollback()
        yield None
        return
    if is_given:
        raise CommandError(IN_TRANSACTION)
    before = connection.scalar(WAIT_VALUE)
    connection.execute(SYNC, {"value": ALL})
    with ExitStack() as stack:
        stack.callback(quietly, connection.execute, SYNC, {"value": before})
        lock = ClusterLock(connection, node)
        stack.callback(quietly, lock.release)
        stack.enter_context(lock.guarding())
        yield lock


class ClusterLock:
    """A row that belongs to the run that works."""

    def __init__(self, connection: Connection, node: Node) -> None:
        """Create its table, unless it exists."""
        migration = context.get_context()
        name = lock_table(migration.version_table)
        prepare = connection.dialect.identifier_preparer
        schema = migration.version_table_schema
        self._table = prepare.quote(name)
        if schema:
            self._table = f"{prepare.quote_schema(schema)}.{self._table}"
        self._connection = connection
        self._is_held = False
        self._own = {
            "run": secrets.token_hex(6),
            "node": node.uuid,
            "address": node.address,
            "holder": connection.scalar(WHO, {"address": node.address}),
        }
        try:
            self._execute(HAS)
        except DBAPIError as error:
            if _code(error) != MISSING:
                raise
            self._execute(CREATE)
        connection.rollback()

    def take(self) -> str:
        """Try to take the lock, and return what holds it, or "" on success.

        The run has to hold the named lock of its node.
        """
        try:
            return self._take()
        except DBAPIError as error:
            if _code(error) not in LATE:
                raise
            return BUSY.format("on another node")
        finally:
            self._connection.rollback()

    def _take(self) -> str:
        row = self._execute(READ).one_or_none()
        if row is None:
            self._execute(INSERT, self._own)
        elif row.run != self._own["run"]:
            way_out = f"if it is dead: DELETE FROM {self._table}"
            if not self._is_gone(row) or not self._replace(row.run):
                return BUSY.format(f"{row.holder}; {way_out}")
        self._connection.commit()
        self._is_held = True
        return ""

    def _is_gone(self, row: Any) -> bool:
        """Return whether a run is known to have ended without releasing the lock."""
        here = node_of(self._connection)
        if here is None:
            return False
        is_alone = here.members.count(row.address) == 1
        is_here = row.node == here.uuid or (row.address == here.address and is_alone)
        return is_here or bool(row.address and row.address not in here.members)

    def _replace(self, old: str) -> bool:
        return bool(self._execute(REPLACE, {**self._own, "old": old}).rowcount)

    def check(self) -> None:
        """See that the row still belongs to this run.

        Raises:
            CommandError: it does not.
        """
        with leaving_no_transaction(self._connection):
            if self._execute(SHARE).scalar() != self._own["run"]:
                raise CommandError(GONE)

    def release(self) -> None:
        """Delete the row."""
        self._is_held = False
        self._connection.rollback()
        for _ in range(ATTEMPTS):
            with suppress(DBAPIError):
                self._execute(DELETE, self._own)
                self._connection.commit()
                return
            self._connection.rollback()

    @contextmanager
    def guarding(self) -> Iterator[None]:
        """Check before each commit, and before each statement that may commit by itself."""

        def before(_connection: object, _cursor: object, sql: str, *_more: Any) -> None:
            if self._is_held and COMMITS.may_commit(self._connection, sql):
                self.check()

        def commit() -> None:
            if self._is_held:
                self.check()

        with (
            listening(self._connection, before_cursor_execute=before),
            checked_commits(self._connection, commit),
        ):
            yield

    def _execute(self, statement: str, values: dict[str, Any] | None = None) -> Any:
        return self._connection.execute(
            text(statement.format(self._table)), values or {}
        )


def _code(error: DBAPIError) -> int:
    arguments = getattr(error.orig, "args", None) or (0,)
    return arguments[0] if isinstance(arguments[0], int) else 0
