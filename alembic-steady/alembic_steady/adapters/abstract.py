"""What differs from one family of databases to the next."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar

from alembic.config import Config
from alembic.operations import Operations, ops
from alembic.util import CommandError
from sqlalchemy import URL, Column, Connection, Table

if TYPE_CHECKING:
    from alembic_steady.executor import Executor

Step = tuple[ops.MigrateOperation, ops.MigrateOperation]
"""An operation, and the one that undoes it."""


class Adapter(ABC):
    """The ways of one family of databases."""

    configure_options: ClassVar[Mapping[str, Any]]
    """What `context.configure` is told for each command."""
    decided_options: ClassVar[frozenset[str]] = frozenset(
        ("connection", "url", "transactional_ddl", "transaction_per_migration")
    )
    """Options of `context.configure` that are not for a project to choose."""
    is_one_transaction: ClassVar[bool] = False
    """Whether a run of several revisions is kept as a whole or not at all."""
    synchronous_drivers: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    """For each asynchronous driver, synchronous ones and the modules that they need."""

    # URLs and databases

    def synchronous(self, url: URL) -> URL:
        """Return the same URL for a synchronous driver that is installed.

        Raises:
            CommandError: none is.
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

    @abstractmethod
    def describe(self, url: URL) -> str:
        """Say which database a URL names, without its password."""

    @abstractmethod
    def connect(self, url: URL) -> AbstractContextManager[Connection]:
        """Open a connection.

        Raises:
            CommandError: there is none to be had; the message is one line and says why.
        """

    @abstractmethod
    def exists(self, url: URL) -> bool:
        """Return whether the database is there.

        Raises:
            CommandError: the server does not answer or does not let us in.
        """

    @abstractmethod
    def create(self, url: URL) -> bool:
        """Make the database and return True, or return False where it is there already.

        Raises:
            CommandError: it can't be made.
        """

    def admit(self, url: URL, application_url: URL) -> str | None:
        """Let the application's role read and write what migrations make.

        Arguments:
            url: the database, by the role that migrations use.
            application_url: the same database, by the application's role.

        Returns:
            The application's role, or None where there is nothing to do.

        Raises:
            CommandError: there is no such role, or ours can't give it rights.
        """
        return None

    @abstractmethod
    def is_scratch(self, url: URL) -> bool:
        """Return whether a URL names a database that is dropped again."""

    @abstractmethod
    def scratch_connection(
        self, named: Callable[[], URL | None], in_use: Callable[[], Iterable[URL]]
    ) -> AbstractContextManager[Connection]:
        """Open an empty database that is made for this and dropped afterwards.

        Arguments:
            named: returns the server that a setting names for this, if any.
            in_use: returns the databases whose servers will do where they are local.

        Raises:
            CommandError: there is no server for it; the message is one line.
        """

    @abstractmethod
    def test_database(
        self, named: Callable[[], URL | None], in_use: Callable[[], Iterable[URL]]
    ) -> AbstractContextManager[URL]:
        """Make an empty database for tests, with arguments as for a scratch database."""

    def prepare(self, connection: Connection, version_table_schema: str | None) -> None:
        """Make in an empty database what Alembic needs for its version table."""
        return

    # Runs

    @abstractmethod
    def lock(
        self, connection: Connection
    ) -> AbstractContextManager[Callable[[], None]]:
        """Hold the lock that lets one run at a time migrate, and give what checks it.

        Arguments:
            connection: the one that migrations run on.

        Raises:
            CommandError: another run holds it for too long, or it was lost.
        """

    @abstractmethod
    def run(self, connection: Connection, executor: Executor) -> set[str]:
        """Run what is planned, and return the heads that the database is at then.

        Arguments:
            connection: the one to run it on.
            executor: is told which statements have run and which are final.
        """

    def hint(self, statement: str) -> str:
        """Return what a statement that was cut off may have left, and what to do."""
        return ""

    # Autogenerate

    def plugins(self) -> list[str]:
        """Return the names of Alembic's plugins that this family needs in addition."""
        return []

    def is_compared(self, thing: Any, kind: str) -> bool:
        """Return whether autogenerate looks at a schema, table, index and so on."""
        return True

    def pretend(self, migration: Any, connection: Connection) -> None:
        """Let a comparison take an empty SQLite database for one of this family.

        The first revision needs no server that way.

        Arguments:
            migration: what compares; it speaks this family's dialect.
            connection: the one to the empty database.
        """
        return

    def complete(self, migration: Any, script: Any) -> None:
        """Change what autogenerate has found where it is left out or in a wrong order.

        Arguments:
            migration: the context in which models and revisions were compared.
            script: the operations of the revision, for both directions.
        """
        return

    @abstractmethod
    def rename_column(self, old: Column[Any], new: Column[Any]) -> Step:
        """Return the operation that gives a column another name."""

    @abstractmethod
    def rename_parts(
        self, connection: Connection, table: Table, pairs: list[tuple[Any, Any]]
    ) -> Iterator[Step]:
        """Yield what gives indexes and constraints of a table other names."""

    def rename_sequences(
        self, connection: Connection, old: Any, new: Any
    ) -> Iterator[Step]:
        """Yield what renames the sequences that a table or column owns."""
        return iter(())

    def carry_out(self, operations: Operations, step: ops.MigrateOperation) -> None:
        """Run one operation of a rename."""
        operations.invoke(step)

    # Checks of what is there

    def squawk(self, config: Config) -> int:
        """Print what squawk finds in the SQL of each revision, and return its exit code.

        Raises:
            CommandError: it does not read this family's SQL, is not installed, or a
                finding is accepted without a reason.
        """
        raise CommandError("steady squawk is for PostgreSQL only")

    def schemas(self, names: Iterable[str], default: str | None) -> list[str | None]:
        """Return the schemas to describe, None for the default one."""
        return [None]
