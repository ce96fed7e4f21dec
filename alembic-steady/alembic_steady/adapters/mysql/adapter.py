"""The adapter for MySQL and MariaDB."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any, ClassVar

from alembic import context
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
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from alembic_steady import private
from alembic_steady.adapters.abstract import Step
from alembic_steady.adapters.description import Description, Key
from alembic_steady.adapters.dump import Dump, IsWanted
from alembic_steady.adapters.mysql import describe, dump, lock, tls, words
from alembic_steady.adapters.mysql.commits import MySQLCommits
from alembic_steady.adapters.mysql.failures import cause, says_missing
from alembic_steady.adapters.server import ServerAdapter, both_ways

DUPLICATES = (1050, 1060, 1061, 1826)  # a table, column, key or foreign key
NOT_ROLLED_BACK = 1196  # the warning about tables that have no transactions
WITHOUT_TRANSACTIONS = "rows that it has changed in tables without transactions, such as MyISAM, stay changed"
FILES = ("ssl_ca", "ssl_cert", "ssl_key", "read_default_file")  # parameters of URLs
GRANT = "GRANT SELECT, INSERT, UPDATE, DELETE ON {}.* TO {}@{}"


class MySQLAdapter(ServerAdapter):
    """Everything that is specific to MySQL and MariaDB."""

    commits = MySQLCommits()
    has_savepoints = False
    synchronous_drivers: ClassVar = {
        "asyncmy": {"pymysql": "pymysql", "mysqldb": "MySQLdb"},
        "aiomysql": {"pymysql": "pymysql", "mysqldb": "MySQLdb"},
    }
    maintenance = "information_schema"
    list_databases = text("SELECT schema_name FROM schemata")
    create_database = "CREATE DATABASE {} CHARACTER SET utf8mb4"
    drop_database = "DROP DATABASE IF EXISTS {}"
    hold_name = text("SELECT GET_LOCK(:name, 0)")
    # If the URL has a parameter that a driver does not know, it raises TypeError.
    # The others are what drivers raise for parameters, and files, that they cannot use.
    failures = (
        *ServerAdapter.failures,
        TypeError,
        ValueError,
        AttributeError,
        OSError,
    )
    roles_hint = (
        "an administrator can create a missing account with CREATE USER … IDENTIFIED BY '…',"
        " and let that of migrations grant rights with GRANT ALL ON … TO … WITH GRANT OPTION"
    )

    def engine(self, url: URL) -> Engine:
        """Return an engine that has no pool and gives up connecting after 5 seconds."""
        told = url.update_query_dict({"connect_timeout": "5", **url.query})
        engine = create_engine(told, poolclass=NullPool, pool_reset_on_return=None)
        event.listen(engine, "do_connect", _connect)
        return engine

    def addresses(self, url: URL) -> list[tuple[str, str]]:
        """Return the host that a URL names, or the path of its socket, and its port."""
        _, told = url.get_dialect()().create_connect_args(url)
        host = told.get("unix_socket") or told.get("host") or "localhost"
        return [(host, str(told.get("port") or 3306))]

    def is_pooled(self, connection: Connection) -> bool:
        """Return whether there is a proxy, which reports a thread id of its own."""
        raw: Any = connection.connection.dbapi_connection
        told = raw.thread_id()
        return bool(told != connection.scalar(text("SELECT CONNECTION_ID()")))

    def entrance(self, url: URL) -> URL:
        """Return the URL of a database to which an account without rights may connect."""
        return url.set(database=self.maintenance)

    def grants(
        self, connection: Connection, url: URL, role: str
    ) -> Iterator[tuple[str, ...]]:
        """Yield the statements that let an account read and write in a database."""
        # In the database name of a grant, _ and % are wildcards.
        pattern = re.sub(r"[\\_%]", r"\\\g<0>", str(url.database))
        yield GRANT, pattern, *role.rsplit("@", 1)

    def cause(self, error: BaseException) -> tuple[bool, str]:
        """Return whether a server answered, and why there is no connection."""
        return cause(error)

    def refused_parameter(self, url: URL) -> str:
        """Return which parameter names a file that cannot be read, and why, or ""."""
        for name in FILES:
            try:
                for file in url.normalized_query.get(name, ()):
                    Path(file).open("rb").close()
            except OSError as error:
                return f"{name}={file}: {error.strerror}"
        return ""

    def is_missing(self, url: URL, error: BaseException) -> bool:
        """Return whether a connection failed because the server has no such database."""
        return url.database != self.maintenance and says_missing(error)

    def lock(
        self, connection: Connection
    ) -> AbstractContextManager[Callable[[], None]]:
        """Hold a named lock, which belongs to the session that works."""
        return lock.held(connection)

    def run_revisions(self, connection: Connection, executor: object) -> None:
        """Run the planned revisions."""
        context.run_migrations()

    def hint(self, connection: Connection, statement: str) -> str:
        """Return a hint about rows that the last ROLLBACK could not undo."""
        if connection.invalidated:
            return ""  # Another session knows nothing of this one.
        with suppress(SQLAlchemyError):  # The connection may be lost.
            warnings = connection.exec_driver_sql("SHOW WARNINGS").all()
            if any(code == NOT_ROLLED_BACK for _level, code, _message in warnings):
                return WITHOUT_TRANSACTIONS
        return ""

    def is_duplicate(self, error: DBAPIError) -> bool:
        """Return whether what a statement creates is there already."""
        return bool(
            error.orig and error.orig.args[:1] and error.orig.args[0] in DUPLICATES
        )

    def complete(self, migration: Any, script: Any) -> None:
        """Drop indexes together with their table, since a foreign key may need them before."""
        super().complete(migration, script)
        for changes in (script.upgrade_ops, script.downgrade_ops):
            dropped = [op for op in changes.ops if isinstance(op, ops.DropTableOp)]
            gone = {op.table_name for op in dropped}
            for op in changes.ops:
                if isinstance(op, ops.ModifyTableOps) and op.table_name in gone:
                    op.ops.clear()

    def dump(self, connection: Connection, is_wanted: IsWanted) -> Dump:
        """Return what SHOW CREATE says of all that is in a database."""
        return dump.read(connection, is_wanted)

    def execute_plain(self, connection: Connection, statement: str) -> None:
        """Run a statement. On a scratch database, no event may run by itself."""
        if self.is_scratch(connection.engine.url):
            statement = dump.disabled(statement)
        super().execute_plain(connection, statement)

    def printed(self, statement: str) -> str:
        """Return a statement for a client that ends one at each semicolon."""
        return dump.delimited(statement)

    def describe_tables(self, connection: Connection) -> Description:
        """Return what the server says of all tables of the database."""
        return describe.describe(connection)

    def words(
        self, key: Key, before: Description, after: Description
    ) -> Iterator[list[ops.MigrateOperation]]:
        """Yield ways to change one part of a database."""
        return words.words(key, before, after)

    def obstacles(
        self, error: DBAPIError, table: Key, before: Description
    ) -> list[Key]:
        """Return the foreign keys that may be in the way, the likely ones first."""
        return words.in_the_way(error, table.table, before)

    def rename_column(self, old: Column[Any], new: Column[Any]) -> Step:
        """Return the step that renames a column."""
        if old.computed is not None:
            return _rename_computed(old, new)
        # The statement has to repeat the whole definition of the column.
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
        """Yield the steps that rename indexes and constraints of a table."""
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


def _connect(dialect: Any, _record: object, given: Any, told: dict[str, Any]) -> Any:
    """Return a new connection, or None to let SQLAlchemy open one."""
    # The drivers would encode it in Latin-1, but the server expects UTF-8.
    if isinstance(told.get("password"), str):
        told["password"] = told["password"].encode()
    if dialect.driver != "pymysql":
        return None
    tls.settle(told)
    if "read_timeout" in told:
        return None
    # PyMySQL's connect_timeout does not include the wait for the server's greeting.
    connection = dialect.connect(*given, **told, read_timeout=told["connect_timeout"])
    private.end_read_timeout(connection)
    return connection


def _rename_computed(old: Column[Any], new: Column[Any]) -> Step:
    # Alembic's statement would repeat the definition, which it cannot do for these.
    prepare: Any = mysql.dialect().identifier_preparer
    start = f"ALTER TABLE {prepare.format_table(old.table)} RENAME COLUMN "
    return both_ways(start, " TO ", prepare.quote(old.name), prepare.quote(new.name))
