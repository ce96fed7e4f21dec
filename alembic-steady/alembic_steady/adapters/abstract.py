"""The interface to what differs between families of databases."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import (
    Callable,
    Container,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from alembic import context
from alembic.config import Config
from alembic.operations import Operations, ops
from alembic.util import CommandError
from sqlalchemy import URL, Column, Connection, MetaData, Table
from sqlalchemy.exc import DBAPIError

from alembic_steady.adapters.commits import Commits
from alembic_steady.adapters.description import Description, Key, Part
from alembic_steady.adapters.dump import Dump, IsWanted, LeftOut, Progress, run, untold

if TYPE_CHECKING:
    from alembic_steady.executor import Executor

Step = tuple[ops.MigrateOperation, ops.MigrateOperation]
"""An operation, and the operation that undoes it."""


class Adapter(ABC):
    """Everything that is specific to one family of databases."""

    commits: ClassVar[Commits]
    """What is known of statements that commit."""
    configure_options: ClassVar[Mapping[str, Any]]
    """Options of `context.configure` for every command."""
    decided_options: ClassVar[frozenset[str]] = frozenset(
        ("connection", "url", "transactional_ddl", "transaction_per_migration")
    )
    """Options of `context.configure` that a project cannot set."""
    is_one_transaction: ClassVar[bool] = False
    """Whether a run of several revisions is a single transaction."""
    has_schemas: ClassVar[bool] = False
    """Whether a schema is part of the database, and not another database."""
    has_savepoints: ClassVar[bool] = True
    """Whether a change of a table can be undone with a savepoint."""
    statements_at_once: ClassVar[int] = 1
    """How many statements of a dump are sent at once, of which all run or none."""
    synchronous_drivers: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    """For each asynchronous driver, its synchronous substitutes and their modules."""

    # URLs and databases

    def synchronous(self, url: URL) -> URL:
        """Return the URL with a synchronous driver that is installed.

        Raises:
            CommandError: no such driver is installed.
        """
        names = self.synchronous_drivers.get(url.drivername.partition("+")[2])
        if names is None:
            return url
        for name, module in names.items():
            if find_spec(module):
                backend = url.drivername.partition("+")[0]
                return url.set(drivername=f"{backend}+{name}" if name else backend)
        drivers = " or ".join(names)
        raise CommandError(
            f"migrations need a synchronous driver instead of {url.drivername}:"
            f" install {drivers}"
        )

    def writable(self, url: URL) -> URL:
        """Return the URL so that, of several servers, it reaches one that can be written to."""
        return url

    @abstractmethod
    def describe(self, url: URL) -> str:
        """Return a description of the database that a URL names, without the password."""

    @abstractmethod
    def connect(self, url: URL) -> AbstractContextManager[Connection]:
        """Open a connection.

        Raises:
            CommandError: that failed; the message is one line and says why.
        """

    @abstractmethod
    def exists(self, url: URL) -> bool:
        """Return whether the database exists.

        Raises:
            CommandError: the server does not answer or refuses the connection.
        """

    @abstractmethod
    def create(self, url: URL) -> bool:
        """Create the database and return True, or return False if it exists already.

        Raises:
            CommandError: the database cannot be created.
        """

    def create_schemas(self, url: URL) -> list[str]:
        """Create the schemas that a URL names, where it can, and return their names.

        Raises:
            CommandError: they cannot be created.
        """
        return []

    def admit(self, url: URL, application_url: URL) -> str | None:
        """Allow the application's role to read and write what migrations create.

        Arguments:
            url: the database, with the role that migrations use.
            application_url: the same database, with the application's role.

        Returns:
            The application's role, or None if there is nothing to do.

        Raises:
            CommandError: the role does not exist, or migrations cannot grant it rights.
        """
        return None

    def is_local(self, url: URL) -> bool:
        """Return whether a database is on this machine."""
        return True

    @abstractmethod
    def is_scratch(self, url: URL) -> bool:
        """Return whether a URL names a temporary database, which is dropped again."""

    @abstractmethod
    def scratch_connection(
        self, named: Callable[[], URL | None], in_use: Callable[[], Iterable[URL]]
    ) -> AbstractContextManager[Connection]:
        """Create a scratch database, connect to it, and drop it afterwards.

        Arguments:
            named: returns the server that is set for this, if any.
            in_use: returns databases whose servers may be used if they are local.

        Raises:
            CommandError: there is no server for it; the message is one line.
        """

    @abstractmethod
    def test_database(
        self, named: Callable[[], URL | None], in_use: Callable[[], Iterable[URL]]
    ) -> AbstractContextManager[URL]:
        """Create an empty test database; arguments are as for a scratch database."""

    def prepare(self, connection: Connection, version_table_schema: str | None) -> None:
        """Create what Alembic needs for its version table in an empty database."""
        return

    # Runs

    def where(self, connection: Connection) -> dict[str, Any]:
        """Return options of `context.configure` that tell where the version table is.

        Arguments:
            connection: the database, which is only read.

        Raises:
            CommandError: the place in which tables have to be created does not exist.
        """
        return {}

    @abstractmethod
    def lock(
        self, connection: Connection
    ) -> AbstractContextManager[Callable[[], None]]:
        """Hold the migration lock, and yield a function that checks that it is still held.

        Arguments:
            connection: the connection on which migrations run.

        Raises:
            CommandError: another run holds the lock for too long, or it was lost.
        """

    @abstractmethod
    def run(self, connection: Connection, executor: Executor) -> set[str]:
        """Run the planned revisions, and return the new heads, as this connection sees them.

        Arguments:
            connection: the connection to run them on.
            executor: has the record of what is executed and committed.
        """

    def running(self) -> AbstractContextManager[None]:
        """Return a context for revisions that run, on whichever database."""
        return nullcontext()

    def heads(self, connection: Connection) -> set[str]:
        """Return the heads that a new connection reads after a run.

        Arguments:
            connection: the connection of the run, which is in no transaction afterwards.
        """
        connection.rollback()
        heads = {*context.get_context().get_current_heads()}
        connection.rollback()
        return heads

    def hint(self, connection: Connection, statement: str) -> str:
        """Return a hint about what a failed or interrupted statement has left, or "".

        Arguments:
            connection: the connection on which it ran.
            statement: a statement that commits by itself.
        """
        return ""

    @abstractmethod
    def is_duplicate(self, error: DBAPIError) -> bool:
        """Return whether what a statement creates is there already."""

    def advice(self, error: DBAPIError, *, is_autocommit: bool) -> str:
        """Return what helps against an error of a revision, or "" if nothing is known.

        Arguments:
            error: the exception.
            is_autocommit: whether its statement ran outside a transaction.
        """
        return ""

    def execute_all(self, migration: Any, statements: Sequence[str]) -> None:
        """Run statements of a file, in the transaction of the revision where that can hold them.

        Arguments:
            migration: the context in which the revision runs.
            statements: the statements, in which `%` and `:` have no meaning.
        """
        for statement in statements:
            self.execute_plain(migration.connection, statement)

    def step(self, connection: Connection, change: Callable[[], object]) -> None:
        """Make a change of a revision of which a part may be committed.

        Arguments:
            connection: the connection that makes it, in a transaction.
            change: makes it.
        """
        change()

    def execute_plain(self, connection: Connection, statement: str) -> None:
        """Run a statement as it is written, without parameters."""
        # As an option of the connection, it would hold for all later statements.
        connection.exec_driver_sql(statement, None, {"no_parameters": True})

    def printed(self, statement: str) -> str:
        """Return a statement as the database's own client has to read it.

        Arguments:
            statement: the statement, with a semicolon at its end.
        """
        return statement

    # Databases that exist

    def snapshot(self, connection: Connection) -> AbstractContextManager[None]:
        """Let a connection read a database as it is now, whatever others do meanwhile."""
        return nullcontext()

    def dump(self, connection: Connection, is_wanted: IsWanted) -> Dump:
        """Return the statements that build what is in a database, and what they leave out.

        Arguments:
            connection: the database, which is only read; its URL has the password.
            is_wanted: tells which tables to dump.

        Raises:
            CommandError: the database can't be dumped; the message is one line.
        """
        raise NotImplementedError

    def not_of_models(self, connection: Connection) -> Iterable[str]:
        """Return the names of all that is in a database and that no model builds.

        Arguments:
            connection: a database that could not be dumped.
        """
        return ()

    def restore(
        self, connection: Connection, dumped: Dump, progress: Progress = untold
    ) -> list[LeftOut]:
        """Run a dump on an empty scratch database, and return what it does not accept.

        That is taken out of the dump's entries.

        Arguments:
            connection: the scratch database.
            dumped: what `dump` has returned.
            progress: is told how many statements have run, and how many there are.

        Raises:
            DBAPIError: the connection is lost.
        """

        def execute(statement: str) -> str:
            try:
                self.execute_plain(connection, statement)
            except DBAPIError as error:
                if error.connection_invalidated:
                    raise  # It says nothing of the statement.
                return (
                    str(error.orig and error.orig.args[-1]).strip().partition("\n")[0]
                )
            return ""

        refused = run(dumped, execute, progress, self.statements_at_once)
        connection.commit()
        return refused

    # Autogenerate

    def pretend(self, migration: Any, connection: Connection) -> None:
        """Make an empty SQLite database pass for one of this family in a comparison.

        This is how the first revision is written without a server.

        Arguments:
            migration: the context of the comparison, with this family's dialect.
            connection: the connection to the empty database.
        """
        return

    def add_what_tables_need(self, migration: Any, script: Any) -> None:
        """Add to a revision written without a server what its tables need.

        Arguments:
            migration: the context of the comparison, with this family's dialect.
            script: the operations of the revision, for both directions.
        """
        return

    def complete(self, migration: Any, script: Any) -> None:
        """Add to the operations of autogenerate what is missing, and correct their order.

        Arguments:
            migration: the context in which models and revisions were compared.
            script: the operations of the revision, for both directions.
        """
        return

    @abstractmethod
    def describe_tables(self, connection: Connection) -> Description:
        """Return what the database says of all its tables, but those of the system.

        Views are described, too, as parts of kind "view". Constraints and indexes have the
        names that they have in this database; a constraint without name is called by its
        text.

        Arguments:
            connection: the database to describe, which is only read.
        """

    @contextmanager
    def model_database(
        self,
        connection: Connection,
        several: Sequence[MetaData],
        empty: Callable[[], AbstractContextManager[Connection]],
        replay: Callable[[Connection], None],
    ) -> Iterator[Connection]:
        """Yield a connection to a database without tables, to build the models in.

        Arguments:
            connection: a scratch database that the revisions have built. It may be changed
                as long as it is as before afterwards.
            several: the metadata of the models.
            empty: creates another scratch database, which is empty.
            replay: runs the revisions on a scratch database.
        """
        with empty() as other:
            yield other

    def build(self, connection: Connection, several: Sequence[MetaData]) -> None:
        """Build the models in a database that has none of their tables.

        Arguments:
            connection: a database of `model_database`.
            several: the metadata of the models.
        """
        for metadata in several:
            # A table of another schema would be in another database, which is no scratch.
            tables = [it for it in metadata.tables.values() if it.schema is None]
            metadata.create_all(connection, tables=tables, checkfirst=False)

    @contextmanager
    def undone(self, connection: Connection) -> Iterator[None]:
        """Undo all that is done to a scratch database inside, if `has_savepoints`."""
        if not self.has_savepoints:
            yield
            return
        connection.rollback()
        with connection.begin_nested() as savepoint:
            try:
                yield
            finally:
                savepoint.rollback()

    @abstractmethod
    def words(
        self, key: Key, before: Description, after: Description
    ) -> Iterator[list[ops.MigrateOperation]]:
        """Yield ways to change one part of a database, each as operations to run in turn.

        The first way that the database accepts is taken. A way may change more than the
        part, such as drop what depends on it: what is missing then is asked for next.

        Arguments:
            key: the part that differs.
            before: the description of the database as it is.
            after: the description of the database as it has to be.
        """

    def are_alike(self, connection: Connection, key: Key, old: Part, new: Part) -> bool:
        """Return whether the database takes two parts for the same, though told apart.

        Arguments:
            connection: a scratch database that has the table. It is as before afterwards.
            key: the part.
            old: how it is described in one database.
            new: how it is described in another.
        """
        return False

    def obstacles(
        self, error: DBAPIError, table: Key, before: Description
    ) -> list[Key]:
        """Return the parts that may be in the way of an operation that has failed.

        Arguments:
            error: how the database refused it.
            table: the key of the table that the operation is about.
            before: the description of the database.
        """
        return []

    def render_type(self, kind: Any, context: Any) -> str | Literal[False]:
        """Return how a revision writes a type, or False for Alembic's own way.

        Arguments:
            kind: the type.
            context: the context of autogenerate, which collects the imports.
        """
        return False

    @abstractmethod
    def rename_column(self, old: Column[Any], new: Column[Any]) -> Step:
        """Return the step that renames a column."""

    @abstractmethod
    def rename_parts(
        self, connection: Connection, table: Table, pairs: list[tuple[Any, Any]]
    ) -> Iterator[Step]:
        """Yield the steps that rename indexes and constraints of a table."""

    def rename_sequences(
        self, connection: Connection, old: Any, new: Any
    ) -> Iterator[Step]:
        """Yield the steps that rename the sequences that a table or column owns."""
        return iter(())

    def carry_out(self, operations: Operations, step: ops.MigrateOperation) -> None:
        """Run one operation of a rename."""
        operations.invoke(step)

    # Commands of this library

    def can_lint(self) -> bool:
        """Return whether `squawk` finds something here, and is installed."""
        return False

    def squawk(self, config: Config, only: Container[str] | None = None) -> int:
        """Print what squawk finds in the SQL of each revision, and return its exit code.

        Arguments:
            config: Alembic's configuration of the project.
            only: the revisions to lint; all by default.

        Raises:
            CommandError: squawk does not support this family or is not installed, or a
                finding is accepted without a reason.
        """
        raise CommandError("steady squawk is for PostgreSQL only")
