"""The models, built beside what the revisions have built, in the same database."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from alembic.util import CommandError
from sqlalchemy import Connection, Enum, MetaData, text
from sqlalchemy.dialects.postgresql import DOMAIN, CreateEnumType, DropEnumType
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateSchema, CreateSequence, DropSequence

from alembic_steady import private
from alembic_steady.adapters.statement import Statement

# Nothing that belongs to an extension, or to the system.
OWN = """
    JOIN pg_namespace AS place ON place.oid = {namespace}
    LEFT JOIN pg_depend AS extension ON extension.classid = '{catalogue}'::regclass
        AND extension.objid = it.oid AND extension.deptype = 'e'
    WHERE place.nspname !~ '^(pg_|information_schema$)' AND extension.objid IS NULL
"""
TABLES = text(
    "SELECT format('%I.%I', nspname, relname) FROM pg_class AS it"
    + OWN.format(namespace="relnamespace", catalogue="pg_class")
    + "AND relkind IN ('r', 'p') AND NOT relispartition"
)
# The enums that a table uses, and the enums and domains that the models create; functions
# may use others.
TYPES = text(
    "SELECT format('%I.%I', nspname, typname) FROM pg_type AS it"
    + OWN.format(namespace="typnamespace", catalogue="pg_type")
    + """AND typtype IN ('e', 'd') AND (typname = ANY(:created) OR typtype = 'e' AND EXISTS (
        SELECT FROM pg_attribute WHERE atttypid IN (it.oid, it.typarray)))"""
)
# A transaction that drops and creates tables locks each table, index and sequence, and what
# it drops along with them: 2.2 locks for each that was dropped, and 1.4 for each created.
LOCKS = text("""
    SELECT count(*), current_setting('max_locks_per_transaction')::int
        * (current_setting('max_connections')::int
           + current_setting('max_prepared_transactions')::int)
    FROM pg_class WHERE relnamespace <> 'pg_catalog'::regnamespace
""")
LOCKS_FOR_DROPPED, LOCKS_FOR_CREATED = 2.5, 1.5
WITH_A_TABLE = 4
"""The table itself, a sequence, and where long values go, with its index."""
BATCH = 50
MISSING_TYPE = re.compile(r'type "?(?:\w+\.)?(\w+)"? does not exist')
NO_EXTENSION = (
    'the models need the type "{0}", which no extension of that name provides: {1}'
)


def fits_a_transaction(connection: Connection, several: Sequence[MetaData]) -> bool:
    """Return whether the server has enough locks to build the models in one transaction.

    Arguments:
        connection: a database with the tables that have to be dropped before.
        several: the metadata of the models.
    """
    dropped, locks = connection.execute(LOCKS).one()
    connection.rollback()
    created = sum(
        WITH_A_TABLE + len(table.indexes) + len(table.constraints)
        for metadata in several
        for table in metadata.tables.values()
    )
    needed = dropped * LOCKS_FOR_DROPPED + created * LOCKS_FOR_CREATED
    return bool(needed < locks)


def has_locks_for(connection: Connection, statements: int) -> bool:
    """Return whether the server has enough locks to run statements in one transaction.

    Arguments:
        connection: the database.
        statements: how many there are; each locks a table, an index or a sequence at most,
            and what a table has out of line.
    """
    _, locks = connection.execute(LOCKS).one()
    return bool(statements * LOCKS_FOR_CREATED < locks)


@contextmanager
def in_a_transaction(connection: Connection) -> Iterator[None]:
    """Undo what is done inside."""
    connection.rollback()
    with connection.begin() as transaction:
        try:
            yield
        finally:
            transaction.rollback()


def _drop_all(connection: Connection, several: Sequence[MetaData]) -> None:
    created = [it.name for metadata in several for it in _named_types(metadata)]
    types = connection.scalars(TYPES, {"created": created}).all()
    names = connection.scalars(TABLES).all()
    for start in range(0, len(names), BATCH):
        _drop(connection, "TABLE", names[start : start + BATCH])
    _drop(connection, "TYPE", types)


def _schemas(metadata: MetaData) -> set[str]:
    return {table.schema for table in metadata.tables.values() if table.schema}


def _named_types(metadata: MetaData) -> Iterator[Any]:
    """Yield the enums and domains that the models create for their columns."""
    for table in metadata.tables.values():
        for column in table.columns:
            kind: Any = column.type
            while not (isinstance(kind, Enum | DOMAIN) and kind.name):
                inner = getattr(kind, "item_type", getattr(kind, "impl", None))
                if inner is None or inner is kind:
                    break
                kind = inner
            else:
                if getattr(kind, "create_type", True):
                    yield kind


def build(connection: Connection, several: Sequence[MetaData]) -> None:
    """Drop all tables, and create those of the models and all that these need.

    Arguments:
        connection: a connection in a transaction, or one that commits each statement.
        several: the metadata of the models.

    Raises:
        CommandError: a type is missing, and there is no extension of that name.
        SQLAlchemyError: a table or an index cannot be created.
    """
    _drop_all(connection, several)
    for number, metadata in enumerate(several):
        for schema in _schemas(metadata):
            connection.execute(CreateSchema(schema, if_not_exists=True))
        for sequence in private.sequences(metadata):
            connection.execute(DropSequence(sequence, if_exists=True))
        with _without_concurrently(metadata):
            # Several may use the same type.
            _create_all(connection, metadata, is_first=not number)


def _create_all(connection: Connection, metadata: MetaData, *, is_first: bool) -> None:
    """Create all tables; if a type is missing, create the extension of that name first."""
    level = connection.get_execution_options().get("isolation_level")
    is_one = level != "AUTOCOMMIT"
    # A sequence may be used by several tables, and is created for each without a check.
    is_checked = not is_first or bool(private.sequences(metadata))
    nested = connection.begin_nested if is_one else nullcontext
    created: set[str] = set()
    while True:
        try:
            with nested():
                metadata.create_all(connection, checkfirst=is_checked)
        except DBAPIError as error:
            found = MISSING_TYPE.search(str(error.orig))
            if found is None or found[1] in created:
                raise
            _create_extension(connection, found[1])
            created.add(found[1])
            is_checked = is_checked or not is_one  # What came before it is there.
        else:
            return


def add_what_tables_need(migration: Any, script: Any) -> None:
    """Add to a revision the schemas, enums and sequences that its tables need.

    Arguments:
        migration: the context of the comparison.
        script: the operations of the revision, for both directions.
    """
    several = migration.opts["target_metadata"]
    needed: dict[str, tuple[Any, Any]] = {}  # A schema is kept.
    for metadata in [several] if isinstance(several, MetaData) else several:
        for schema in _schemas(metadata):
            needed[f"schema {schema}"] = CreateSchema(schema, if_not_exists=True), None
        for enum in filter(_is_enum, _named_types(metadata)):
            needed[f"type {enum.name}"] = CreateEnumType(enum), DropEnumType(enum)
        for it in private.sequences(metadata):
            needed[f"sequence {it.name}"] = CreateSequence(it), DropSequence(it)

    def statement(it: Any) -> Statement:
        return Statement(str(it.compile(dialect=migration.dialect)).strip())

    for create, drop in reversed(needed.values()):
        script.upgrade_ops.ops.insert(0, statement(create))
        if drop is not None:
            script.downgrade_ops.ops.append(statement(drop))


def _is_enum(kind: Any) -> bool:
    return isinstance(kind, Enum) and bool(kind.native_enum)


def _create_extension(connection: Connection, name: str) -> None:
    try:
        connection.execute(text(f"CREATE EXTENSION {name}"))
    except DBAPIError as error:
        told = str(error.orig).strip().partition("\n")[0]
        raise CommandError(NO_EXTENSION.format(name, told)) from None


@contextmanager
def _without_concurrently(metadata: MetaData) -> Iterator[None]:
    """Let indexes be created in a transaction, whatever the models say."""
    indexes = [
        index
        for table in metadata.tables.values()
        for index in table.indexes
        if index.dialect_options["postgresql"]["concurrently"]
    ]
    for index in indexes:
        index.dialect_options["postgresql"]["concurrently"] = False
    try:
        yield
    finally:
        for index in indexes:
            index.dialect_options["postgresql"]["concurrently"] = True


def _drop(connection: Connection, kind: str, names: Sequence[str]) -> None:
    if names:
        connection.execute(text(f"DROP {kind} {', '.join(names)} CASCADE"))
