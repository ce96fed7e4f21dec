"""Statements for PostgreSQL, as operations of Alembic."""

from __future__ import annotations

from typing import Any

from alembic.operations import ops
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.elements import conv

from alembic_steady.adapters.description import Description, Key
from alembic_steady.adapters.statement import Statement

Operations = list[ops.MigrateOperation]
# With the style of parameters of a driver, it would double each %.
PREPARE: Any = postgresql.dialect(paramstyle="named").identifier_preparer  # type: ignore[no-untyped-call]
TYPES = {
    "primary key": "primary",
    "unique constraint": "unique",
    "foreign key": "foreignkey",
    "check": "check",
}
DEPENDENT = ("foreign key", "check", "exclusion constraint", "index")


def quote(name: str) -> str:
    """Return a name, quoted where that is needed."""
    quoted: str = PREPARE.quote(name)
    return quoted


def literal(string: str) -> str:
    """Return a string as it is written in a statement."""
    return "'" + string.replace("'", "''") + "'"


def place(key: Key, name: str = "") -> str:
    """Return the qualified name of a part's table, or of something beside it."""
    schema = f"{quote(key.schema)}." if key.schema is not None else ""
    return schema + quote(name or key.table)


def alter_table(key: Key, *actions: str) -> ops.MigrateOperation:
    """Return an operation that alters the table of a part."""
    return Statement(f"ALTER TABLE {place(key)} {', '.join(actions)}")


def alter_column(key: Key, *actions: str) -> ops.MigrateOperation:
    """Return an operation that alters a column, in one statement."""
    start = f"ALTER COLUMN {quote(key.name)} "
    return alter_table(key, *(start + action for action in actions))


def drop(key: Key, before: Description) -> ops.MigrateOperation:
    """Return an operation that drops a table, column, constraint or index.

    Arguments:
        key: what to drop.
        before: the description of the database as it is, which has the part's real name.
    """
    # As in the database: no naming convention may be put on it.
    name = conv(before[key].name)
    if key.kind == "table":
        return ops.DropTableOp(key.table, schema=key.schema)
    if key.kind == "column":
        return ops.DropColumnOp(key.table, key.name, schema=key.schema)
    if key.kind == "index":
        return ops.DropIndexOp(name, table_name=key.table, schema=key.schema)
    kind = TYPES.get(key.kind)
    return ops.DropConstraintOp(name, key.table, type_=kind, schema=key.schema)


def table_of(key: Key) -> Key:
    """Return the key of the table that a part belongs to."""
    return Key(key.schema, key.table, "table")


def references(key: Key, before: Description) -> list[Key]:
    """Return the foreign keys that refer to the table of a part."""
    return [
        it
        for it, part in before.items()
        if it.kind == "foreign key" and part.target == (key.schema, key.table)
    ]


def dependents(key: Key, before: Description) -> list[Key]:
    """Return what may keep a column from being changed, in the order to drop it in.

    Arguments:
        key: the key of the column or of an aspect of it.
        before: the description of the database as it is.
    """
    using = [
        it
        for it, part in before.items()
        if table_of(it) == table_of(key) and key.name in part.columns
    ]
    parts = [it for it in using if it.kind in DEPENDENT]
    # Indexes of computed columns go with them.
    computed = [it._replace(aspect="") for it in using if it.aspect == "computed"]
    return [*dict.fromkeys([*references(key, before), *parts, *computed])]
