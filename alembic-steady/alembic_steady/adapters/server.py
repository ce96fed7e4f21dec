"""What families with a server have in common: creating, finding and dropping databases."""

from __future__ import annotations

import re
import secrets
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, ClassVar

from alembic import context
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import (
    URL,
    Connection,
    Engine,
    NullPool,
    TextClause,
    text,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from alembic_steady.adapters.abstract import Adapter, Step
from alembic_steady.adapters.statement import Statement

LOCAL = re.compile(r"(|localhost|127(\.\d+){3}|::1|/.*)")  # "" and /… are sockets
TEMPORARY = re.compile("(shadow|test)_[0-9a-f]{12}")
SHADOW, TEST = "shadow_", "test_"
WAYS_OUT = "; set SHADOW_DATABASE_URL to a server on which databases may be created"
WHO = text("SELECT current_user")
OVERRIDES = {
    "user": "username",
    "password": "password",
    "passwd": "password",
    "dbname": "database",
    "database": "database",
    "db": "database",
}
"""Parameters of a URL that drivers take instead of a part before the `?`."""


class ServerAdapter(Adapter):
    """Everything that families of databases on a server have in common.

    In statements, {} is a placeholder for a name.
    """

    configure_options: ClassVar = {"transaction_per_migration": True}

    maintenance: ClassVar[str]
    """A database that servers have by default, from which others can be created."""
    list_databases: ClassVar[TextClause]
    create_database: ClassVar[str]
    drop_database: ClassVar[str]
    hold_name: ClassVar[TextClause]
    """Takes a lock that marks the database of this name as in use."""
    failures: ClassVar[tuple[type[Exception], ...]] = (DBAPIError, ArgumentError)
    """The exceptions that drivers raise if they cannot connect."""
    roles_hint: ClassVar[str]

    @abstractmethod
    def engine(self, url: URL) -> Engine:
        """Return an engine without a pool that gives up after 5 seconds."""

    @abstractmethod
    def addresses(self, url: URL) -> list[tuple[str, str]]:
        """Return the hosts, or paths of sockets, and ports that a URL names."""

    @abstractmethod
    def is_pooled(self, connection: Connection) -> bool:
        """Return whether the connection goes through a pooler."""

    @abstractmethod
    def grants(
        self, connection: Connection, url: URL, role: str
    ) -> Iterator[tuple[str, ...]]:
        """Yield the statements that let a role read and write, each with its names."""

    @abstractmethod
    def cause(self, error: BaseException) -> tuple[bool, str]:
        """Return whether a server may have answered, and why there is no connection."""

    def refused_parameter(self, url: URL) -> str:
        """Return which parameter of a URL a driver cannot use and why, or "" if unknown."""
        return ""

    @abstractmethod
    def is_missing(self, url: URL, error: BaseException) -> bool:
        """Return whether a connection failed because the server has no such database."""

    @abstractmethod
    def run_revisions(self, connection: Connection, executor: Any) -> None:
        """Run the planned revisions, and record what is committed in the executor."""

    def reached(self, connection: Connection, url: URL) -> URL:
        """Return the URL of the one server, of those in a URL, that a connection is to."""
        return url

    def synchronous(self, url: URL) -> URL:
        """Return the URL with a synchronous driver, and with what it overrides before the `?`.

        Only there, a scratch database can take the place of its database.
        """
        told = super().synchronous(url)
        for name in OVERRIDES.keys() & told.query.keys():
            part: Any = {OVERRIDES[name]: str(told.query[name])}
            told = told.set(**part).difference_update_query([name])
        return told

    def describe(self, url: URL) -> str:
        """Return a description of the database that a URL names, without the password."""
        return f"{self._server(url)}, database {url.database}"

    @contextmanager
    def connect(self, url: URL) -> Iterator[Connection]:
        """Open a connection, or give up after 5 seconds if no server answers."""
        try:
            connection = self.engine(url).connect()
        except self.failures as error:
            raise CommandError(self._reason(url, error)) from None
        try:
            yield connection
        finally:
            with suppress(SQLAlchemyError):  # The connection may be lost.
                connection.close()

    def exists(self, url: URL) -> bool:
        """Return whether the server has the database."""
        # Ask for the database itself: a role may have no right to enter another one.
        try:
            with self.engine(url).connect():
                return True
        except self.failures as error:
            if self.is_missing(url, error):
                return False
            raise CommandError(self._reason(url, error)) from None

    def create(self, url: URL) -> bool:
        """Create the database, unless it exists."""
        if self.exists(url):
            return False
        try:
            with self._maintenance(url) as connection:
                self.execute(connection, self.create_database, str(url.database))
        except CommandError:
            if self.exists(url):  # Another process was faster.
                return False
            raise
        return True

    def admit(self, url: URL, application_url: URL) -> str | None:
        """Allow the application's role to read and write what migrations create."""
        if application_url.username == url.username:
            return None
        try:
            with self.connect(self.entrance(application_url)) as connection:
                role = str(connection.scalar(WHO))
            with self.connect(self.writable(url)) as connection:
                if role == connection.scalar(WHO):
                    return None
                for statement, *names in self.grants(connection, url, role):
                    self.execute(connection, statement, *names)
                connection.commit()
        except CommandError as error:
            raise CommandError(f"{error}; {self.roles_hint}") from None
        return role

    def furnish(
        self, maintenance: Connection, url: URL, in_use: Callable[[], Iterable[URL]]
    ) -> None:
        """Create what a URL takes for granted in a new, temporary database.

        Arguments:
            maintenance: a connection to another database of the server.
            url: the new database.
            in_use: returns the databases in whose place it is.
        """
        return

    def entrance(self, url: URL) -> URL:
        """Return the URL of a database to which a role without rights may connect."""
        return url

    def is_scratch(self, url: URL) -> bool:
        """Return whether the name is that of a temporary database."""
        return bool(TEMPORARY.fullmatch(str(url.database)))

    @contextmanager
    def scratch_connection(
        self, named: Callable[[], URL | None], in_use: Callable[[], Iterable[URL]]
    ) -> Iterator[Connection]:
        """Create a scratch database, connect to it, and drop it afterwards."""
        with ExitStack() as stack:
            try:
                url = stack.enter_context(self._temporary(SHADOW, named, in_use))
                connection = stack.enter_context(self.connect(url))
            except CommandError as error:
                raise CommandError(f"{error}{WAYS_OUT}") from None
            yield connection

    @contextmanager
    def test_database(
        self, named: Callable[[], URL | None], in_use: Callable[[], Iterable[URL]]
    ) -> Iterator[URL]:
        """Create an empty test database, and drop it afterwards."""
        with self._temporary(TEST, named, in_use) as url:
            yield url

    def run(self, connection: Connection, executor: Any) -> set[str]:
        """Run the planned revisions, each in a transaction of its own."""
        self.run_revisions(connection, executor)
        heads = {*context.get_context().get_current_heads()}
        if not executor.is_given:
            connection.rollback()  # Reading has begun a transaction.
        return heads

    def heads(self, connection: Connection) -> set[str]:
        """Return the heads that a new connection reads, without what a revision has set."""
        if not isinstance(connection.engine.pool, NullPool):
            return super().heads(connection)  # Its pool may have no other connection.
        connection.rollback()
        try:
            other = connection.engine.connect()
        except self.failures:
            # A role may have one connection alone. A new transaction reads, too.
            return super().heads(connection)
        with other:
            options = context.get_context().opts
            migration = MigrationContext.configure(other, opts=options)
            return {*migration.get_current_heads()}

    def complete(self, migration: Any, script: Any) -> None:
        """Add foreign keys with `use_alter` after the tables have been created."""
        upgrade, downgrade = script.upgrade_ops, script.downgrade_ops
        for table in [op for op in upgrade.ops if isinstance(op, ops.CreateTableOp)]:
            parts: list[Any] = [*table.columns]
            table.columns = [it for it in parts if not getattr(it, "use_alter", False)]
            late = [it for it in parts if getattr(it, "use_alter", False)]
            upgrade.ops.extend(map(ops.CreateForeignKeyOp.from_constraint, late))
        upgrade.reverse_into(downgrade)

    def execute(self, connection: Connection, statement: str, *names: str) -> None:
        """Run a statement with names, quoted, in place of each {}.

        Raises:
            CommandError: the server refuses it; the message is one line.
        """
        quoted = map(connection.dialect.identifier_preparer.quote_identifier, names)
        try:
            connection.exec_driver_sql(statement.format(*quoted))
        except DBAPIError as error:
            place = self._server(connection.engine.url)
            raise CommandError(f"{place}: {self.cause(error)[1]}") from None

    @contextmanager
    def _temporary(
        self,
        prefix: str,
        named: Callable[[], URL | None],
        in_use: Callable[[], Iterable[URL]],
    ) -> Iterator[URL]:
        """Create a temporary database, and drop those that killed runs have left."""
        name = f"{prefix}{secrets.token_hex(6)}"
        server = named() or self._local(in_use)
        url = server.set(database=name)
        with self._maintenance(server) as connection:
            # Of several servers, the others get the database late or not at all.
            url = self.reached(connection, url)
            if self.is_pooled(connection):
                place = self._server(url)
                raise CommandError(f"{place} is a connection pooler, not the server")
            self._drop_leftovers(connection)
            # While this connection is open, other runs do not drop the database.
            connection.scalar(self.hold_name, {"name": name})
            try:
                self.execute(connection, self.create_database, name)
                self.furnish(connection, url, in_use)
                yield url
            finally:
                self.execute(connection, self.drop_database, name)

    def _drop_leftovers(self, connection: Connection) -> None:
        for name in connection.scalars(self.list_databases).all():
            if not TEMPORARY.fullmatch(name):
                continue
            if connection.scalar(self.hold_name, {"name": name}):
                with suppress(CommandError):  # It belongs to another role.
                    self.execute(connection, self.drop_database, name)

    def is_local(self, url: URL) -> bool:
        """Return whether each host of a URL is this machine."""
        return all(LOCAL.fullmatch(host) for host, _port in self.addresses(url))

    def _local(self, in_use: Callable[[], Iterable[URL]]) -> URL:
        urls = [*in_use()]
        for url in urls:
            if self.is_local(url):
                return url
        raise CommandError(
            f"{self._server(urls[0])} is not on this machine, so no database is created"
            " there unasked"
        )

    @contextmanager
    def _maintenance(self, url: URL) -> Iterator[Connection]:
        """Connect to a database from which others are created.

        A role that may not enter the default one may still create databases from its own.
        """
        default = self.writable(url.set(database=self.maintenance))
        try:
            connection = self.engine(default).connect()
        except self.failures as error:
            answered, cause = self.cause(error)
            if not answered:
                raise CommandError(self._reason(default, error)) from None
            try:
                connection = self.engine(self.writable(url)).connect()
            except self.failures as other:
                if self.cause(other)[1] == cause:
                    raise CommandError(self._reason(default, error)) from None
                place = f"{self._server(url)}: no database can be created"
                reason = f"{self.maintenance} cannot be entered: {cause}"
                raise CommandError(f"{place}, since {reason}") from None
        with connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    def _reason(self, url: URL, error: BaseException) -> str:
        answered, cause = self.cause(error)
        if not isinstance(error, DBAPIError):
            cause = self.refused_parameter(url) or cause
        if not answered:
            return f"{self._server(url)} does not answer ({cause})"
        if self.is_missing(url, error):
            return f"{self.describe(url)} does not exist; create it with: steady create"
        return f"{self._server(url)}: {cause}"

    def _server(self, url: URL) -> str:
        try:
            addresses = self.addresses(url)
        except (TypeError, ValueError, SQLAlchemyError):  # The driver cannot read it.
            addresses = [(url.host or "", str(url.port or ""))]
        places = ", ".join(_place(host, port) for host, port in addresses)
        return f"{url.drivername} at {places}"


def _place(host: str, port: str) -> str:
    if host.startswith("/"):
        return host
    return f"{host}:{port}".removesuffix(":") if host else "a local socket"


def both_ways(start: str, middle: str, old: str, new: str) -> Step:
    """Return a step of SQL that replaces an old name by a new one, and the reverse."""
    there, back = (f"{start}{a}{middle}{b}" for a, b in ((old, new), (new, old)))
    return Statement(there), Statement(back)
