"""The ways of MySQL and MariaDB."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, ClassVar

from alembic.operations import ops
from sqlalchemy import (
    URL,
    Column,
    Connection,
    Engine,
    Index,
    NullPool,
    Table,
    create_engine,
    event,
    text,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.exc import DBAPIError

from alembic_steady.adapters.abstract import Step
from alembic_steady.adapters.mysql import implicit_commits, lock
from alembic_steady.adapters.mysql.failures import cause
from alembic_steady.adapters.server import ServerAdapter, both_ways

GRANT = "GRANT SELECT, INSERT, UPDATE, DELETE ON {}.* TO {}@{}"


class MySQLAdapter(ServerAdapter):
    """The ways of MySQL and MariaDB."""

    synchronous_drivers: ClassVar = {
        "asyncmy": {"pymysql": "pymysql", "mysqldb": "MySQLdb"},
        "aiomysql": {"pymysql": "pymysql", "mysqldb": "MySQLdb"},
    }
    maintenance = "information_schema"
    list_databases = text("SELECT schema_name FROM schemata")
    has_database = text("SELECT count(*) FROM schemata WHERE schema_name = :name")
    create_database = "CREATE DATABASE {} CHARACTER SET utf8mb4"
    drop_database = "DROP DATABASE IF EXISTS {}"
    hold_name = text("SELECT GET_LOCK(:name, 0)")
    # The driver takes a parameter of the URL that it does not know for a mistake in Python.
    failures = (DBAPIError, TypeError, ValueError)
    roles_hint = (
        "an administrator can create a missing account with CREATE USER … IDENTIFIED BY '…',"
        " and let that of migrations grant rights with GRANT ALL ON … TO … WITH GRANT OPTION"
    )

    def engine(self, url: URL) -> Engine:
        """Return an engine without a pool that gives up after 5 seconds."""
        told = url.update_query_dict({"connect_timeout": "5", **url.query})
        engine = create_engine(told, poolclass=NullPool)
        event.listen(engine, "do_connect", _encode_password)
        return engine

    def addresses(self, url: URL) -> list[tuple[str, str]]:
        """Return the host that a URL names, or the path of its socket, and its port."""
        _, told = url.get_dialect()().create_connect_args(url)
        host = told.get("unix_socket") or told.get("host") or "localhost"
        return [(host, str(told.get("port") or 3306))]

    def is_pooled(self, connection: Connection) -> bool:
        """Return whether a proxy tells a thread's id of its own."""
        raw: Any = connection.connection.dbapi_connection
        told = raw.thread_id()
        return bool(told != connection.scalar(text("SELECT CONNECTION_ID()")))

    def entrance(self, url: URL) -> URL:
        """Return a database that an account may enter that has no rights yet."""
        return url.set(database=self.maintenance)

    def grants(
        self, connection: Connection, url: URL, role: str
    ) -> Iterator[tuple[str, ...]]:
        """Yield what lets an account read and write what is in a database."""
        # _ and % stand for any characters in the name of a grant's database.
        pattern = re.sub(r"[\\_%]", r"\\\g<0>", str(url.database))
        yield GRANT, pattern, *role.rsplit("@", 1)

    def cause(self, error: BaseException) -> tuple[bool, str]:
        """Say why there is no connection, and first whether anything answered at all."""
        return cause(error)

    def lock(
        self, connection: Connection
    ) -> AbstractContextManager[Callable[[], None]]:
        """Hold a lock of the server on a second connection."""
        return lock.held(connection)

    def run_revisions(self, connection: Connection, executor: Any) -> None:
        """Run what is planned, and note what has committed by itself."""
        implicit_commits.run(connection, executor)

    def complete(self, migration: Any, script: Any) -> None:
        """Let indexes go with their table; before, a foreign key may need them."""
        super().complete(migration, script)
        for changes in (script.upgrade_ops, script.downgrade_ops):
            dropped = [op for op in changes.ops if isinstance(op, ops.DropTableOp)]
            gone = {op.table_name for op in dropped}
            for op in changes.ops:
                if isinstance(op, ops.ModifyTableOps) and op.table_name in gone:
                    op.ops.clear()

    def rename_column(self, old: Column[Any], new: Column[Any]) -> Step:
        """Return the operation that gives a column another name."""
        if old.computed is not None:
            return _rename_computed(old, new)
        # The statement has to describe the whole column again.
        told: dict[str, Any] = {
            f"existing_{key}": getattr(old, key)
            for key in ("type", "nullable", "server_default", "comment")
        }
        if old.autoincrement is True:
            told["autoincrement"] = True
        table = old.table.name
        forth = ops.AlterColumnOp(table, old.name, modify_name=new.name, **told)
        return forth, ops.AlterColumnOp(table, new.name, modify_name=old.name, **told)

    def rename_parts(
        self, connection: Connection, table: Table, pairs: list[tuple[Any, Any]]
    ) -> Iterator[Step]:
        """Yield what gives indexes and constraints of a table other names."""
        prepare: Any = connection.dialect.identifier_preparer
        for old, new in pairs:
            if isinstance(old, Index):  # Unique constraints are indexes here.
                start = f"ALTER TABLE {prepare.format_table(table)} RENAME INDEX "
                yield both_ways(
                    start, " TO ", *map(prepare.format_constraint, (old, new))
                )
            else:
                drop = ops.DropConstraintOp.from_constraint(old)
                add = ops.AddConstraintOp.from_constraint(new)
                yield from ((drop, drop.reverse()), (add, add.reverse()))


def _encode_password(
    _dialect: object, _record: object, _arguments: object, told: dict[str, Any]
) -> None:
    # The drivers would send it in Latin-1, and the server expects UTF-8.
    if isinstance(told.get("password"), str):
        told["password"] = told["password"].encode()


def _rename_computed(old: Column[Any], new: Column[Any]) -> Step:
    # Alembic can't describe such a column again, as its statement would need.
    prepare: Any = mysql.dialect().identifier_preparer
    start = f"ALTER TABLE {prepare.format_table(old.table)} RENAME COLUMN "
    return both_ways(start, " TO ", prepare.quote(old.name), prepare.quote(new.name))
