"""Warnings about what a new revision does to data, given before it is written."""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from alembic import context
from alembic.operations import ops
from alembic.util import CommandError
from sqlalchemy import types

from alembic_steady import private, x_arguments
from alembic_steady.autogenerate.comment import Comment
from alembic_steady.autogenerate.ruler import Ruler

NO_MODELS = (
    "there are revisions, but the metadata has no tables: import the models in env.py,"
    " or, to drop all tables, run: alembic -x allow-drop revision --autogenerate …"
)
WITHOUT_VALUE = (
    "is NOT NULL and has no server default, so existing rows have no value for it: set"
    " server_default, or use three revisions (add it as nullable, fill it, set NOT NULL)"
)

MAY_BE_NULL = "becomes NOT NULL, which fails if a row has no value for it"
TAKES_ALONG = "drops {}, which needs a column that goes"
COMPUTED = "becomes a computed column, and its values are lost"


def may_drop() -> bool:
    """Return whether `-x allow-drop` is given."""
    return x_arguments.value("allow-drop") is not None


def refuse_without_models(tables: Mapping[str, Any]) -> None:
    """Refuse a comparison that would drop all tables, unless `-x allow-drop` is given.

    Arguments:
        tables: the tables of the models, by name.

    Raises:
        CommandError: there are revisions, but the models have no tables.
    """
    if not tables and context.script.get_heads() and not may_drop():
        raise CommandError(NO_MODELS)


def give(remarks: Sequence[str], directives: Sequence[Any]) -> None:
    """Print warnings about revisions, and add them to the first one as a comment.

    Arguments:
        remarks: the warnings.
        directives: the revisions.
    """
    for remark in remarks:
        print(f"Warning: {remark}", file=sys.stderr)
    if remarks and directives and not private.is_check():
        directives[0].upgrade_ops.ops.insert(0, Comment(remarks))


def remarks(operations: Sequence[ops.MigrateOperation]) -> Iterator[str]:
    """Yield what operations do to data."""
    for operation in operations:
        match operation:
            case ops.ModifyTableOps(ops=parts):
                yield from remarks(parts)
            case ops.DropTableOp():
                yield f"drops table {_place(operation)} and all its rows"
            case ops.DropColumnOp(column_name=name):
                yield f"drops column {_place(operation)}.{name} and all its data"
            case ops.AddColumnOp(column=column):
                if not column.nullable and column.server_default is None:
                    yield f"{_place(operation)}.{column.name} {WITHOUT_VALUE}"
            case ops.AlterColumnOp(existing_type=old, modify_type=new):
                place = f"{_place(operation)}.{operation.column_name}"
                if old is not None and new is not None and _narrows(old, new):
                    yield f"changes {place} from {old!r} to {new!r}; values may not fit"
                if operation.modify_nullable is False:
                    yield f"{place} {MAY_BE_NULL}"


def of_differences(ruler: Ruler) -> list[str]:
    """Return warnings about what Alembic has no operations for."""
    found = ruler.differences()
    return [
        f"{key.place} {COMPUTED}"
        for key in found
        if key.aspect == "computed" and key not in ruler.revisions
    ] + [
        TAKES_ALONG.format(key.words)
        for key in found
        if key not in ruler.models and ruler.unmodelled.has(key)
    ]


def _place(operation: Any) -> str:
    return ".".join(filter(None, (operation.schema, operation.table_name)))


def _narrows(old: types.TypeEngine[Any], new: types.TypeEngine[Any]) -> bool:
    if isinstance(old, types.Enum) and isinstance(new, types.Enum):
        return not {*old.enums} <= {*new.enums}
    if private.type_affinity(old) is not private.type_affinity(new):
        return not isinstance(new, types.String)
    return any(map(operator.lt, _sizes(new), _sizes(old)))


def _sizes(kind: types.TypeEngine[Any]) -> list[float]:
    is_big = isinstance(kind, types.BigInteger | types.Double)
    is_small = isinstance(kind, types.SmallInteger | types.REAL)
    told = [getattr(kind, name, None) for name in ("length", "precision", "scale")]
    length, precision, scale = (math.inf if size is None else size for size in told)
    has_zone = getattr(kind, "timezone", False)
    return [is_big - is_small, has_zone, length, precision, scale, precision - scale]
