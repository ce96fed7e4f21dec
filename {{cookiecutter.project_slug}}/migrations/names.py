"""Names that follow a rename: the naming convention makes them of tables and columns."""

from collections.abc import Iterator, Sequence
from typing import Any

from alembic.operations import ops
from sqlalchemy import (
    CheckConstraint,
{% if cookiecutter.__family == "mysql" %}
    Column,
{% endif %}
    Connection,
    Index,
    MetaData,
    Table,
    UniqueConstraint,
{% if cookiecutter.__family == "postgresql" %}
    func,
{% endif %}
    inspect,
)
{% if cookiecutter.__family == "mysql" %}
from sqlalchemy.dialects import mysql
{% endif %}
from sqlalchemy.sql.elements import conv

Step = tuple[ops.MigrateOperation, ops.MigrateOperation]
"""An operation, and the one that undoes it."""


def that_follow(
    connection: Connection, metadata: MetaData, renames: Sequence[tuple[Any, Any]]
) -> Iterator[Step]:
    """Find what is named after renamed tables and columns, and rename it.

    Arguments:
        connection: the database in which those have their new names.
        metadata: that of the models, which knows all new names.
        renames: the tables and columns, each as it was and as it is.
    """
    inspector = inspect(connection)
    final_name = connection.dialect.identifier_preparer.format_constraint
    built = MetaData()
    for model in metadata.sorted_tables:
        if model.is_view or not inspector.has_table(model.name, schema=model.schema):
            continue
        table = Table(model.name, built, schema=model.schema, autoload_with=connection)
        known = {_what(part, renames): part for part in _parts(table)}
        pairs = []
        for new in sorted(_parts(model), key=lambda part: str(part.name)):
            old = known.get(_what(new, renames))
            if old is None or not any(was.name in old.name for was, _ in renames):
                continue
            old.name = conv(old.name)  # Or the convention would be applied to it again.
            if final_name(old) != final_name(new):
                pairs.append((old, new))
        yield from _steps(connection, model, pairs)
{% if cookiecutter.__family == "postgresql" %}
    for old, new in renames:
        yield from _sequences(connection, old, new)
{% endif %}


def _parts(table: Table) -> list[Any]:
    parts: list[Any] = [*table.constraints, *table.indexes]
    return [part for part in parts if part.name]


def _what(part: Any, renames: Sequence[tuple[Any, Any]]) -> tuple[str, ...]:
    # A check has no columns to know it by, but what its name has besides the table's.
    if isinstance(part, CheckConstraint):
        name = f"{part.name}_"
        for old, new in renames:
            name = name.replace(f"_{old.name}_", f"_{new.name}_", 1)
        return ("check", name)
    is_unique = isinstance(part, UniqueConstraint) or getattr(part, "unique", False)
    kind = "unique" if is_unique else type(part).__name__
    return (kind, *part.columns.keys())


{% include cookiecutter.__family ~ "/names.py" %}
