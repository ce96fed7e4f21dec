"""Enums of PostgreSQL, as a revision writes them."""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import ARRAY, Enum

IMPORT = "from sqlalchemy.dialects import postgresql"


def render(kind: Any, context: Any) -> str | Literal[False]:
    """Return how a column's type is written, if it is an enum or an array of one.

    An enum may be used by several tables, so it is created before all of them, and the
    operations that use it must not create it.

    Arguments:
        kind: the type.
        context: the context of autogenerate, which collects the imports.
    """
    if isinstance(kind, ARRAY) and (item := render(kind.item_type, context)):
        given = "" if kind.dimensions is None else f", dimensions={kind.dimensions}"
        return f"postgresql.ARRAY({item}{given})"
    if not isinstance(kind, Enum) or not kind.native_enum:
        return False
    context.imports.add(IMPORT)
    told = [*map(repr, kind.enums), f"name={str(kind.name)!r}"]
    if kind.schema:
        told.append(f"schema={str(kind.schema)!r}")
    return f"postgresql.ENUM({', '.join(told)}, create_type=False)"
