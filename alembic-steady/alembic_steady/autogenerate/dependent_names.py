"""Names of indexes and constraints that contain the name of a renamed table or column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Connection,
    MetaData,
    Table,
    UniqueConstraint,
    inspect,
)
from sqlalchemy.schema import sort_tables
from sqlalchemy.sql.elements import conv

from alembic_steady.adapters import Adapter
from alembic_steady.adapters.abstract import Step


def find(
    adapter: Adapter,
    connection: Connection,
    tables: Mapping[str, Table],
    renames: Sequence[tuple[Any, Any]],
) -> Iterator[Step]:
    """Yield the steps that rename what is named after renamed tables and columns.

    Arguments:
        adapter: the adapter of the database.
        connection: a database in which the tables and columns are renamed already.
        tables: the tables of the models, in which everything has its new name.
        renames: the renamed tables and columns, each as a pair of old and new.
    """
    inspector = inspect(connection)
    final_name = connection.dialect.identifier_preparer.format_constraint
    built = MetaData()
    for model in sort_tables(tables.values()):
        if getattr(model, "is_view", False) or not inspector.has_table(
            model.name, schema=model.schema
        ):
            continue
        table = Table(model.name, built, schema=model.schema, autoload_with=connection)
        known = {_what(part, renames): part for part in _parts(table)}
        pairs = []
        for new in sorted(_parts(model), key=lambda part: str(part.name)):
            old = known.get(_what(new, renames))
            if old is None or not any(was.name in old.name for was, _ in renames):
                continue
            old.name = conv(old.name)  # Without conv, the convention would apply again.
            if final_name(old) != final_name(new):
                pairs.append((old, new))
        yield from adapter.rename_parts(connection, model, pairs)
    for old, new in renames:
        yield from adapter.rename_sequences(connection, old, new)


def _parts(table: Table) -> list[Any]:
    parts: list[Any] = [*table.constraints, *table.indexes]
    return [part for part in parts if part.name]


def _what(part: Any, renames: Sequence[tuple[Any, Any]]) -> tuple[str, ...]:
    # A check has no columns to identify it, so its name has to do, with renames applied.
    if isinstance(part, CheckConstraint):
        name = f"{part.name}_"
        for old, new in renames:
            name = name.replace(f"_{old.name}_", f"_{new.name}_", 1)
        return ("check", name)
    is_unique = isinstance(part, UniqueConstraint) or getattr(part, "unique", False)
    kind = "unique" if is_unique else type(part).__name__
    return (kind, *(str(column.name) for column in part.columns))
