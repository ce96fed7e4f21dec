"""The adapter for PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from itertools import zip_longest
from typing import Any, ClassVar, Literal

from alembic.config import Config
from alembic.operations import ops
from alembic.util import CommandError
from sqlalchemy import (
    URL,
    Column,
    Connection,
    Engine,
    Index,
    MetaData,
    NullPool,
    Table,
    create_engine,
    func,
    text,
)
from sqlalchemy.exc import DBAPIError

from alembic_steady.adapters.abstract import Step
from alembic_steady.adapters.description import Description, Key, Part
from alembic_steady.adapters.dump import Dump, IsWanted, LeftOut, Progress, untold
from alembic_steady.adapters.postgresql import (
    describe,
    dump,
    left_out,
    leftovers,
    lock,
    models,
    reprint,
    retry,
    search_path,
    squawk,
    types,
    words,
)
from alembic_steady.adapters.postgresql.commits import PostgreSQLCommits
from alembic_steady.adapters.postgresql.failures import cause, says_missing
from alembic_steady.adapters.server import ServerAdapter, both_ways
from alembic_steady.lock import leaving_no_transaction, quietly

# a table or index, column, type or constraint, schema, function
DUPLICATES = ("42P07", "42701", "42710", "42P06", "42723")
HAS_DATABASE = text("SELECT count(*) FROM pg_database WHERE datname = :name")
LIFT = (
    "The lock_timeout of this role, database or server has ended it; lift it before:"
    " op.execute('SET lock_timeout = 0')"
)
LIBPQ = ("psycopg", "psycopg2")
# What libpq calls otherwise than asyncpg.
RENAMED = {"ssl": "sslmode", "timeout": "connect_timeout"}
# What libpq does not know. Here, no statement is prepared or kept, whatever they say.
OWN_NUMBERS = {
    "asyncpg": (
        *("command_timeout", "max_cacheable_statement_size"),
        *("max_cached_statement_lifetime", "prepared_statement_cache_size"),
        "statement_cache_size",
    ),
    "psycopg": ("prepare_threshold",),
    "psycopg_async": ("prepare_threshold",),
}
RIGHTS = {
    "SCHEMA": "USAGE",
    "TABLE": "SELECT, INSERT, UPDATE, DELETE",
    "SEQUENCE": "USAGE, SELECT",
}
# The existing objects that the current role owns, each with its qualified name.
OWN = text("""
    SELECT kind, names FROM (
        SELECT 'SCHEMA' AS kind, ARRAY[nspname]::text[] AS names, nspowner AS owner
        FROM pg_namespace
        UNION ALL
        SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
            ARRAY[nspname, relname]::text[], relowner
        FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    ) AS things
    WHERE pg_get_userbyid(owner) = current_user
    AND names[1] !~ '^(pg_|information_schema$)'
""")
SNAPSHOT = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
    # It has nothing to do while pg_dump works.
    "SET LOCAL idle_in_transaction_session_timeout = 0",
)


class PostgreSQLAdapter(ServerAdapter):
    """Everything that is specific to PostgreSQL."""

    commits = PostgreSQLCommits()
    has_schemas = True
    # A thousand tables in 1.2 s, instead of 4.4 s; each transaction needs few enough locks.
    statements_at_once = 1_000
    configure_options: ClassVar = {
        "transaction_per_migration": True,
        "include_schemas": True,
    }
    synchronous_drivers: ClassVar = {
        "asyncpg": {"psycopg": "psycopg", "psycopg2": "psycopg2"},
        "psycopg_async": {"psycopg": "psycopg"},
    }
    maintenance = "postgres"
    list_databases = text("SELECT datname FROM pg_database")
    create_database = "CREATE DATABASE {} TEMPLATE template0"
    drop_database = "DROP DATABASE IF EXISTS {} WITH (FORCE)"
    hold_name = text("SELECT pg_try_advisory_lock(hashtextextended(:name, 0))")
    roles_hint = "an administrator can create a missing role with CREATE ROLE … LOGIN PASSWORD '…'"

    def synchronous(self, url: URL) -> URL:
        """Return the URL with a synchronous driver that is installed."""
        driver = url.get_driver_name()
        renamed = RENAMED if driver == "asyncpg" else {}
        told = super().synchronous(url)
        query = {renamed.get(name, name): value for name, value in told.query.items()}
        return told.set(query=query).difference_update_query(
            OWN_NUMBERS.get(driver, ())
        )

    def can_lint(self) -> bool:
        """Return whether squawk is installed."""
        return squawk.program() is not None

    def squawk(self, config: Config, only: Container[str] | None = None) -> int:
        """Print what squawk finds in the SQL of each revision, and return its exit code."""
        return squawk.check(config, only)

    def engine(self, url: URL) -> Engine:
        """Return an engine that has no pool and gives up connecting after 5 seconds."""
        driver = url.get_driver_name()
        if driver not in LIBPQ:
            return create_engine(url, poolclass=NullPool, pool_reset_on_return=None)
        # Other runs show this name while they wait for the lock.
        defaults = {"connect_timeout": "5", "fallback_application_name": "alembic"}
        told = url.update_query_dict({**defaults, **url.query})
        # Behind a pooler, a prepared statement may end up on another connection.
        unprepared = {"prepare_threshold": None} if driver == "psycopg" else {}
        return create_engine(
            told,
            poolclass=NullPool,
            pool_reset_on_return=None,
            connect_args=unprepared,
        )

    def addresses(self, url: URL) -> list[tuple[str, str]]:
        """Return the hosts, or folders of sockets ("" for the default), and ports of a URL."""
        # Ask for the driver's arguments, since a query such as ?host=… overrides the host.
        _, told = url.get_dialect()().create_connect_args(url)
        hostaddr, host, port = (
            str(told.get(name) or os.environ.get(f"PG{name.upper()}") or "")
            for name in ("hostaddr", "host", "port")
        )
        hosts = (hostaddr or host).split(",")
        ports = (port or "5432").split(",")
        return list(zip_longest(hosts, ports, fillvalue=ports[-1]))

    def reached(self, connection: Connection, url: URL) -> URL:
        """Return the URL with the one host, of several, that a connection is to.

        psycopg2 goes on to the next host if one does not answer, but not if it has no such
        database, like a standby on which a new one has not arrived yet.
        """
        if len(self.addresses(url)) == 1:
            return url
        raw: Any = connection.connection.dbapi_connection
        place = {"host": raw.info.host, "port": str(raw.info.port)}
        return url.difference_update_query(["hostaddr"]).update_query_dict(place)

    def writable(self, url: URL) -> URL:
        """Return the URL so that, of several hosts, it reaches one that is no standby."""
        if len(self.addresses(url)) == 1:
            return url
        return url.update_query_dict(
            {"target_session_attrs": "read-write", **url.query}
        )

    def is_pooled(self, connection: Connection) -> bool:
        """Return whether there is a pooler, which reports a process id of its own."""
        raw: Any = connection.connection.dbapi_connection
        told = getattr(getattr(raw, "info", None), "backend_pid", None)
        return bool(told != connection.scalar(text("SELECT pg_backend_pid()")))

    def grants(
        self, connection: Connection, url: URL, role: str
    ) -> Iterator[tuple[str, ...]]:
        """Yield the grants on the current role's objects, both existing and future."""
        # Without a lock, only one of several processes at once would succeed.
        yield ("SELECT pg_advisory_xact_lock(hashtextextended('rights', 0))",)
        for kind, rights in RIGHTS.items():
            yield f"ALTER DEFAULT PRIVILEGES GRANT {rights} ON {kind}S TO " + "{}", role
        for kind, names in connection.execute(OWN).all():
            place = ".".join("{}" for _ in names)
            yield f"GRANT {RIGHTS[kind]} ON {kind} {place} TO " + "{}", *names, role

    def cause(self, error: BaseException) -> tuple[bool, str]:
        """Return whether a server answered, and why there is no connection."""
        return cause(error)

    def is_missing(self, url: URL, error: BaseException) -> bool:
        """Return whether a connection failed because the server has no such database."""
        if url.database == self.maintenance:
            return False
        if says_missing(error):
            return True
        # A server may say so in another language, but its list of databases does not.
        default = url.set(database=self.maintenance)
        with suppress(DBAPIError), self.engine(default).connect() as connection:
            return not connection.scalar(HAS_DATABASE, {"name": url.database})
        return False

    def create_schemas(self, url: URL) -> list[str]:
        """Create the schemas that the search path names and that do not exist."""
        with self.connect(self.writable(url)) as connection:
            names = search_path.missing(connection)
            for name in names:
                self.execute(connection, "CREATE SCHEMA IF NOT EXISTS {}", name)
            connection.commit()
        return names

    def furnish(
        self, maintenance: Connection, url: URL, in_use: Callable[[], Iterable[URL]]
    ) -> None:
        """Give a new database the search path of the one in use, and its schemas."""
        path = None
        with suppress(CommandError):  # Where the server is told, no other URL need be.
            path = self._path_in_use(maintenance, url, in_use())
        if path is not None:
            search_path.give(maintenance, str(url.database), path)
        # Most have none, which saves a connection.
        if path is not None or search_path.own(maintenance):
            self.create_schemas(url)

    def _path_in_use(
        self, maintenance: Connection, url: URL, in_use: Iterable[URL]
    ) -> str | None:
        """Return the search path that is set for the first database in use on this server."""
        for used in in_use:
            if set(self.addresses(used)) & set(self.addresses(url)) and used.database:
                return search_path.of_database(maintenance, used.database)
        return None

    def where(self, connection: Connection) -> dict[str, Any]:
        """Return the schema of the version table: the one in which tables are created."""
        # Such a connection sends what has no schema to another one.
        told = connection.get_execution_options().get("schema_translate_map") or {}
        if None in told:
            return {}
        with leaving_no_transaction(connection):
            name = search_path.current(connection)
        return {} if name is None else {"version_table_schema": name}

    def prepare(self, connection: Connection, version_table_schema: str | None) -> None:
        """Create the schema of the version table, which no revision creates."""
        if version_table_schema:
            name = connection.dialect.identifier_preparer.quote_schema(
                version_table_schema
            )
            connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {name}")
            connection.commit()

    def lock(
        self, connection: Connection
    ) -> AbstractContextManager[Callable[[], None]]:
        """Hold an advisory lock, which belongs to the session that works if it can."""
        return lock.held(connection, self.is_pooled)

    def run_revisions(self, connection: Connection, executor: Any) -> None:
        """Run the planned revisions, and retry those that cannot get a lock in time."""
        retry.run(connection, executor)

    def hint(self, connection: Connection, statement: str) -> str:
        """Return a hint about what a failed or interrupted build of an index has left."""
        return leftovers.hint(connection, statement)

    def is_duplicate(self, error: DBAPIError) -> bool:
        """Return whether what a statement creates is there already."""
        return retry.code(error) in DUPLICATES

    def advice(self, error: DBAPIError, *, is_autocommit: bool) -> str:
        """Return what helps if the server's own lock_timeout has ended a statement."""
        is_late = is_autocommit and retry.code(error) == retry.IN_USE
        return LIFT if is_late and "lock timeout" in str(error.orig) else ""

    def step(self, connection: Connection, change: Callable[[], object]) -> None:
        """Make a change, and let others pass if a lock is not free at once."""
        retry.step(connection, change)

    def execute_all(self, migration: Any, statements: Sequence[str]) -> None:
        """Run statements of a file, each by itself if they need too many locks for one run."""
        connection = migration.connection
        is_one = models.has_locks_for(connection, len(statements))
        with nullcontext() if is_one else migration.autocommit_block():
            super().execute_all(migration, statements)

    @contextmanager
    def snapshot(self, connection: Connection) -> Iterator[None]:
        """Read in one transaction, which pg_dump is given as well."""
        connection.rollback()
        for statement in SNAPSHOT:
            connection.exec_driver_sql(statement)
        try:
            yield
        finally:
            quietly(connection.rollback)

    def dump(self, connection: Connection, is_wanted: IsWanted) -> Dump:
        """Return what pg_dump says of a database."""
        with leaving_no_transaction(connection):
            is_pooled = self.is_pooled(connection)
            return dump.read(connection, is_wanted, is_pooled=is_pooled)

    def not_of_models(self, connection: Connection) -> Iterator[str]:
        """Return the names of functions, triggers, rules and all else that no model builds."""
        return left_out.not_of_models(connection)

    def restore(
        self, connection: Connection, dumped: Dump, progress: Progress = untold
    ) -> list[LeftOut]:
        """Run a dump, each statement by itself, and return what the server refuses."""
        level = connection.default_isolation_level
        connection.rollback()
        connection.execution_options(isolation_level="AUTOCOMMIT")
        try:
            self.execute_plain(connection, "SET synchronous_commit = off")
            return super().restore(connection, dumped, progress)
        finally:
            connection.rollback()
            connection.execution_options(isolation_level=level)

    def pretend(self, migration: Any, connection: Connection) -> None:
        """Take "public" for the default schema."""
        migration.dialect.default_schema_name = "public"

    def add_what_tables_need(self, migration: Any, script: Any) -> None:
        """Create the schemas, enums and sequences of the tables before them."""
        models.add_what_tables_need(migration, script)

    @contextmanager
    def model_database(
        self,
        connection: Connection,
        several: Sequence[MetaData],
        empty: Callable[[], AbstractContextManager[Connection]],
        replay: Callable[[Connection], None],
    ) -> Iterator[Connection]:
        """Yield the same connection, in a transaction that is rolled back.

        So what else the revisions have made, such as functions, is there.
        """
        if models.fits_a_transaction(connection, several):
            with models.in_a_transaction(connection):
                yield connection
            return
        with empty() as other:
            replay(other)
            other.rollback()
            yield other.execution_options(isolation_level="AUTOCOMMIT")

    def build(self, connection: Connection, several: Sequence[MetaData]) -> None:
        """Build the models in a database that has none of their tables."""
        models.build(connection, several)

    def render_type(self, kind: Any, context: Any) -> str | Literal[False]:
        """Return how a revision writes an enum, which it creates before the tables."""
        return types.render(kind, context)

    def describe_tables(self, connection: Connection) -> Description:
        """Return what the database says of all its tables, but those of the system."""
        return describe.describe(connection)

    def words(
        self, key: Key, before: Description, after: Description
    ) -> Iterator[list[ops.MigrateOperation]]:
        """Yield ways to change one part of a database, each as operations to run in turn."""
        return words.words(key, before, after)

    def are_alike(self, connection: Connection, key: Key, old: Part, new: Part) -> bool:
        """Return whether the server understands two expressions as the same."""
        if not reprint.has_expression(key):
            return False
        return reprint.are_alike(connection, key, old, new)

    def obstacles(
        self, error: DBAPIError, table: Key, before: Description
    ) -> list[Key]:
        """Return what may keep an operation on a table from being run."""
        return words.obstacles(error, table, before)

    def rename_column(self, old: Column[Any], new: Column[Any]) -> Step:
        """Return the step that renames a column."""
        table, schema = old.table.name, old.table.schema
        forth = ops.AlterColumnOp(table, old.name, modify_name=new.name, schema=schema)
        back = ops.AlterColumnOp(table, new.name, modify_name=old.name, schema=schema)
        return forth, back

    def rename_parts(
        self, connection: Connection, table: Table, pairs: list[tuple[Any, Any]]
    ) -> Iterator[Step]:
        """Yield the steps that rename indexes and constraints of a table."""
        prepare: Any = connection.dialect.identifier_preparer
        for old, new in pairs:
            if isinstance(old, Index) != isinstance(new, Index):
                continue  # The one cannot become the other.
            names = map(prepare.format_constraint, (old, new))
            if isinstance(old, Index):
                start = f"ALTER INDEX {_place(prepare, table)}"
                yield both_ways(start, " RENAME TO ", *names)
            else:
                start = f"ALTER TABLE {prepare.format_table(table)} RENAME CONSTRAINT "
                yield both_ways(start, " TO ", *names)

    def rename_sequences(
        self, connection: Connection, old: Any, new: Any
    ) -> Iterator[Step]:
        """Yield the steps that rename sequences, named after their table and column."""
        prepare: Any = connection.dialect.identifier_preparer
        columns = [(old, new)]
        if isinstance(old, Table):
            kept = sorted({*old.columns.keys()} & {*new.columns.keys()})
            columns = [(old.columns[name], new.columns[name]) for name in kept]
        for before, after in columns:
            was, now = (
                prepare.quote(f"{column.table.name}_{column.name}_seq")
                for column in (before, after)
            )
            table = prepare.format_table(after.table)
            own = connection.scalar(func.pg_get_serial_sequence(table, after.name))
            if own and own.endswith(f".{was}"):
                start = f"ALTER SEQUENCE {_place(prepare, after.table)}"
                yield both_ways(start, " RENAME TO ", was, now)


def _place(prepare: Any, table: Table) -> str:
    return f"{prepare.quote_schema(table.schema)}." if table.schema else ""
