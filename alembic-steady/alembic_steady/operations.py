"""Indexes that are created and dropped without blocking writes to the table.

On PostgreSQL, these operations use CREATE and DROP INDEX CONCURRENTLY. Put each of them in
a revision of its own: operations before it are committed first, and would fail if the
revision has to run again. On other databases, they are the same as Alembic's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alembic import op
from sqlalchemy import ColumnElement, TextClause, text
from sqlalchemy.sql.compiler import IdentifierPreparer

INVALID = text("""
    SELECT 1 FROM pg_index
    JOIN pg_class AS made ON made.oid = indexrelid
    JOIN pg_class AS indexed ON indexed.oid = indrelid
    JOIN pg_namespace AS place ON place.oid = indexed.relnamespace
    WHERE NOT indisvalid AND made.relname = :index AND indexed.relname = :table
    AND CASE WHEN CAST(:schema AS text) IS NULL THEN pg_table_is_visible(indexed.oid)
        ELSE nspname = :schema END
""")


def plain_preparer(migration: Any) -> IdentifierPreparer:
    """Return what quotes names, but doubles no `%` as for a driver, which text() does, too.

    Arguments:
        migration: the context in which the revision runs.
    """
    dialect = type(migration.dialect)(paramstyle="named")
    preparer: IdentifierPreparer = dialect.identifier_preparer
    return preparer


def create_index(
    index_name: str,
    table_name: str,
    columns: Sequence[str | TextClause | ColumnElement[Any]],
    *,
    schema: str | None = None,
    **options: Any,
) -> None:
    """Create an index, after dropping an invalid one that a failed build has left.

    A valid index of that name is kept, as an earlier attempt may have built it.

    Arguments:
        index_name, table_name, columns, schema, options: as for `op.create_index`.
    """
    migration = op.get_context()
    if migration.dialect.name != "postgresql":
        op.create_index(index_name, table_name, list(columns), schema=schema, **options)
        return
    with migration.autocommit_block():
        # IF NOT EXISTS alone would keep an invalid index, which no query can use.
        if not migration.as_sql and _is_left_invalid(index_name, table_name, schema):
            _drop(index_name, table_name, schema=schema)
        op.create_index(
            index_name,
            table_name,
            list(columns),
            schema=schema,
            if_not_exists=True,
            postgresql_concurrently=True,
            **options,
        )


def drop_index(
    index_name: str, table_name: str, *, schema: str | None = None, **options: Any
) -> None:
    """Drop an index, on PostgreSQL only if it exists.

    Arguments:
        index_name, table_name, schema, options: as for `op.drop_index`.
    """
    migration = op.get_context()
    if migration.dialect.name != "postgresql":
        op.drop_index(index_name, table_name, schema=schema, **options)
        return
    with migration.autocommit_block():
        _drop(index_name, table_name, schema=schema, **options)


def _drop(index_name: str, table_name: str, **options: Any) -> None:
    op.drop_index(
        index_name, table_name, if_exists=True, postgresql_concurrently=True, **options
    )


def _is_left_invalid(index_name: str, table_name: str, schema: str | None) -> bool:
    names = {"index": index_name, "table": table_name, "schema": schema}
    return op.get_bind().scalar(INVALID, names) is not None
