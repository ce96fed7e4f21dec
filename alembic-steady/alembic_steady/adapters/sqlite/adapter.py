"""The adapter for SQLite: a database is a file, and a run is one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ClassVar

from alembic import context
from alembic.operations import Operations, ops
from alembic.util import CommandError
from sqlalchemy import URL, Column, Connection, Index, NullPool, Table, create_engine
from sqlalchemy.exc import DBAPIError

from alembic_steady import private
from alembic_steady.adapters.abstract import Adapter, Step
from alembic_steady.adapters.commits import Commits
from alembic_steady.adapters.description import Description, Key
from alembic_steady.adapters.dump import Dump, IsWanted
from alembic_steady.adapters.sqlite import batch, dump, lock
from alembic_steady.adapters.sqlite.describe import describe
from alembic_steady.adapters.sqlite.words import words

if TYPE_CHECKING:
    from alembic_steady.executor import Executor

MISSING = "; create it with: steady create"


class SQLiteAdapter(Adapter):
    """Everything that is specific to SQLite."""

    configure_options: ClassVar = {"render_as_batch": True, "transactional_ddl": True}
    commits = Commits()
    is_one_transaction = True
    synchronous_drivers: ClassVar = {"aiosqlite": {"": "sqlite3"}}

    def __init__(self) -> None:
        batch.register()

    def describe(self, url: URL) -> str:
        """Return a description of the file that a URL names."""
        return f"{url.drivername} at {url.database or ':memory:'}"

    @contextmanager
    def connect(self, url: URL) -> Iterator[Connection]:
        """Open a connection."""
        # Foreign keys stay off here, since changing a table rebuilds it.
        engine = create_engine(url, poolclass=NullPool)
        try:
            connection = engine.connect()
        except DBAPIError as error:
            hint = "" if Path(str(url.database)).parent.is_dir() else MISSING
            raise CommandError(f"{self.describe(url)}: {error.orig}{hint}") from None
        with connection:
            yield connection

    def exists(self, url: URL) -> bool:
        """Return whether the file exists."""
        return Path(str(url.database)).is_file()

    def create(self, url: URL) -> bool:
        """Create the file and its folders, unless the file exists."""
        if self.exists(url):
            return False
        file = Path(str(url.database))
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch(exist_ok=False)
        except OSError as error:
            raise CommandError(f"{self.describe(url)}: {error.strerror}") from None
        return True

    def is_scratch(self, url: URL) -> bool:
        """Return whether the database is in memory or temporary."""
        return url.database in (None, "", ":memory:")

    @contextmanager
    def scratch_connection(
        self, named: Callable[[], URL | None], in_use: Callable[[], Iterable[URL]]
    ) -> Iterator[Connection]:
        """Open an empty in-memory database."""
        with create_engine("sqlite://", poolclass=NullPool).connect() as connection:
            # An application may turn them on for all engines.
            connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
            connection.rollback()
            yield connection

    @contextmanager
    def test_database(
        self, named: Callable[[], URL | None], in_use: Callable[[], Iterable[URL]]
    ) -> Iterator[URL]:
        """Create an empty database in a temporary folder."""
        with TemporaryDirectory() as folder:
            yield URL.create("sqlite", database=str(Path(folder, "test.db")))

    def lock(
        self, connection: Connection
    ) -> AbstractContextManager[Callable[[], None]]:
        """Begin a transaction for the whole run, during which no other run can write."""
        return lock.held(connection, self.describe(connection.engine.url))

    def running(self) -> AbstractContextManager[None]:
        """Ignore warnings of losses that there are not."""
        return batch.without_warnings()

    def run(self, connection: Connection, executor: Executor) -> set[str]:
        """Run all revisions in one transaction."""
        migration = context.get_context()
        # An autocommit block would end the transaction, and with it the lock.
        private.keep_in_one_transaction(migration)
        with context.begin_transaction(), self.running():
            context.run_migrations()
            heads = {*migration.get_current_heads()}
        # A revision that has committed by itself has ended the run's transaction.
        if not executor.is_given and connection.in_transaction():
            connection.commit()
        return heads

    def is_duplicate(self, error: DBAPIError) -> bool:
        """Return whether what a statement creates is there already."""
        told = str(error.orig)
        return told.endswith("already exists") or "duplicate column name" in told

    def dump(self, connection: Connection, is_wanted: IsWanted) -> Dump:
        """Return the statements that are stored in the file."""
        return dump.read(connection, is_wanted)

    def describe_tables(self, connection: Connection) -> Description:
        """Return what the stored statements say of all tables."""
        return describe(connection)

    def words(
        self, key: Key, before: Description, after: Description
    ) -> Iterator[list[ops.MigrateOperation]]:
        """Yield a way to change a part, which mostly rebuilds its table."""
        return words(key, before, after)

    def rename_column(self, old: Column[Any], new: Column[Any]) -> Step:
        """Return the step that renames a column."""
        table, schema = old.table.name, old.table.schema
        forth = ops.AlterColumnOp(table, old.name, modify_name=new.name, schema=schema)
        back = ops.AlterColumnOp(table, new.name, modify_name=old.name, schema=schema)
        return forth, back

    def rename_parts(
        self, connection: Connection, table: Table, pairs: list[tuple[Any, Any]]
    ) -> Iterator[Step]:
        """Yield one step, which rebuilds the table with the new names."""
        changes = ops.ModifyTableOps(table.name, [])
        for old, new in pairs:
            if isinstance(old, Index) != isinstance(new, Index):
                continue  # The one cannot become the other.
            if isinstance(old, Index):
                changes.ops.append(ops.DropIndexOp.from_index(old))
                changes.ops.append(ops.CreateIndexOp.from_index(new))
            else:
                changes.ops.append(ops.DropConstraintOp.from_constraint(old))
                changes.ops.append(ops.AddConstraintOp.from_constraint(new))
        if changes.ops:
            yield changes, changes.reverse()

    def carry_out(self, operations: Operations, step: ops.MigrateOperation) -> None:
        """Run one operation of a rename, most of which rebuild the table."""
        if not isinstance(step, ops.ModifyTableOps):
            super().carry_out(operations, step)
            return
        with operations.batch_alter_table(step.table_name) as batch_operations:
            for part in step.ops:
                batch_operations.invoke(part)
