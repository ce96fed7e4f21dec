"""Types of columns, as a revision writes them.

A type that decorates another one belongs to the application and may change or go with it,
so the type that the database has given to the column is written in its place. Any other
type keeps its class, which the revision imports.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any, Literal

import sqlalchemy
from alembic.operations import ops
from sqlalchemy import Column, MetaData
from sqlalchemy.types import ARRAY, TypeDecorator, TypeEngine

from alembic_steady import private
from alembic_steady.adapters import Adapter

Types = Mapping[tuple[str | None, str, str], TypeEngine[Any]]
"""The types in a database, by schema, table and column."""


class Renderer:
    """The `render_item` of Alembic, and what that cannot replace.

    Attributes:
        types: the types that the database has given to columns of the models.
        imports: the lines that what was rendered has to import.
    """

    def __init__(self, adapter: Adapter, own: Mapping[str, Any], dialect: Any) -> None:
        """Prepare to write types.

        Arguments:
            adapter: the adapter of the database, which may write types in its own way.
            own: the options of the project, whose `render_item` is asked first.
            dialect: the dialect of the database.
        """
        self._adapter = adapter
        self._own = own
        self._dialect = dialect
        self.types: Types = {}
        self.imports: set[str] = set()
        self._with_variants: Any = None

    def __call__(self, kind: str, thing: Any, context: Any) -> str | Literal[False]:
        """Return how an item is written, or False for Alembic's own way."""
        rendered = self._render(kind, thing, context)
        self.imports |= context.imports
        return rendered

    def _render(self, kind: str, thing: Any, context: Any) -> str | Literal[False]:
        if theirs := self._own.get("render_item"):
            rendered: str | Literal[False] = theirs(kind, thing, context)
            if rendered is not False:
                return rendered
        if kind == "column" and is_decorated(thing.type):
            # It is a copy: of a table to create, or one that `replace` has made.
            thing.type = self._of(thing)
        if kind != "type":
            return False
        variant = private.variant(thing, self._dialect.name)
        if variant is not None and thing is not self._with_variants:
            self._with_variants = variant  # Alembic asks again.
            try:
                return private.render_type(variant, context)
            finally:
                self._with_variants = None
        if not _is_of_sqlalchemy(thing) and not self._own.get("user_module_prefix"):
            context.imports.add(f"import {type(thing).__module__}")
        return self._adapter.render_type(thing, context)

    def replace(self, operations: Iterable[ops.MigrateOperation]) -> None:
        """Replace types in operations that add or alter a column."""
        for operation in operations:
            match operation:
                case ops.ModifyTableOps(ops=parts):
                    self.replace(parts)
                case ops.AddColumnOp(column=column) if is_decorated(column.type):
                    operation.column = _copy(column)
                case ops.AlterColumnOp(table_name=table, column_name=name):
                    place = operation.schema, table, name
                    for which in ("modify_type", "existing_type"):
                        if is_decorated(kind := getattr(operation, which)):
                            setattr(operation, which, self._found(kind, *place))

    def _of(self, column: Column[Any]) -> Any:
        table: Any = column.table
        return self._found(column.type, table.schema, str(table.name), str(column.name))

    def _found(self, kind: Any, schema: str | None, table: str, name: str) -> Any:
        if schema == self._dialect.default_schema_name:
            schema = None
        return self.types.get((schema, table, name)) or plain(kind, self._dialect)


def is_decorated(kind: Any) -> bool:
    """Return whether a type, or that of an array's items, decorates another one."""
    if isinstance(kind, ARRAY):
        return is_decorated(kind.item_type)
    return isinstance(kind, TypeDecorator) and not _is_of_sqlalchemy(kind)


def plain(kind: Any, dialect: Any) -> Any:
    """Return what a type decorates, as far as this is known without a database."""
    if isinstance(kind, ARRAY):
        return ARRAY(plain(kind.item_type, dialect), dimensions=kind.dimensions)
    while is_decorated(kind):
        kind = kind.load_dialect_impl(dialect)
    # Dialects have private classes for some types, such as UUID.
    public = import_module(f"sqlalchemy.dialects.{dialect.name}")
    name = type(kind).__name__
    is_private = not (hasattr(sqlalchemy, name) or hasattr(public, name))
    return kind.as_generic() if is_private and _is_of_sqlalchemy(kind) else kind


def _is_of_sqlalchemy(kind: Any) -> bool:
    return type(kind).__module__.partition(".")[0] == "sqlalchemy"


def _copy(column: Column[Any]) -> Any:
    table: Any = column.table
    convention = table.metadata.naming_convention
    copied = table.to_metadata(MetaData(naming_convention=convention))
    return copied.columns[column.key]
