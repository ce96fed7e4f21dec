"""Corrections to what Alembic loses in a rebuilt table and SQLAlchemy in computed columns."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from alembic.autogenerate import renderers
from alembic.ddl.sqlite import SQLiteImpl
from alembic.operations import ops
from sqlalchemy import CheckConstraint, Connection, Table, event, text
from sqlalchemy.schema import CreateTable

from alembic_steady import private
from alembic_steady.adapters.sqlite.merge import Checks, merged, renamed

STORED = (
    "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ? COLLATE NOCASE"
)
BESIDE = (
    "SELECT name, sql FROM sqlite_master"
    " WHERE type <> 'table' AND tbl_name = ? COLLATE NOCASE"
)

UNTRUE = (
    "Unnamed CHECK constraint on reflected table",
    "Skipped unsupported reflection of expression-based index",
)
"""How warnings begin of what Alembic and SQLAlchemy leave out."""


class RebuildingImpl(SQLiteImpl):
    """Alembic's implementation for SQLite, which is replaced by defining this class."""

    __dialect__ = "sqlite"
    connection: Connection
    statement = ""

    def cast_for_batch_migrate(self, *_column: object) -> None:
        """Copy values as they are: SQLite converts what it can, and keeps the rest.

        A CAST would turn text that is no number into 0.
        """

    def prep_table_for_batch(self, batch_impl: Any, table: Table) -> None:
        """Remember the indexes and triggers that are dropped with the old table."""
        for column in table.columns:
            if column.computed is not None:
                # Its value is computed again and cannot be inserted.
                batch_impl.column_transfers.get(column.name, {}).pop("expr", None)
        self.beside, self.statement = [], ""
        if not batch_impl.reflected:
            return  # The revision describes the whole table.
        if table.schema is None:
            self.statement = self._merged(batch_impl, table)
        gone = {index.name for index in table.indexes} - {*batch_impl.indexes}
        if any(name != column.name for name, column in batch_impl.columns.items()):
            gone |= {*batch_impl.indexes}  # Alembic creates them with the new name.
        else:
            batch_impl.indexes.clear()
        rows = self.connection.exec_driver_sql(BESIDE, (table.name,)).all()
        self.beside = [sql for name, sql in rows if sql and name not in gone]

    def _merged(self, batch_impl: Any, table: Table) -> str:
        """Return the statement that creates the new table, at no loss."""
        stored = self.connection.exec_driver_sql(STORED, (table.name,)).scalar()
        if stored is None:  # It is temporary.
            return ""
        unchanged, changed = (
            str(CreateTable(it).compile(dialect=self.dialect))
            for it in (private.rebuilt(batch_impl), batch_impl.new_table)
        )
        others = {
            name: str(column.name)
            for name, column in batch_impl.columns.items()
            if name != column.name
        }
        if others:
            stored = renamed(stored, others)
        told = any(isinstance(it, CheckConstraint) for it in batch_impl.table_args)
        names = [
            name
            for name, column in batch_impl.columns.items()
            if getattr(column.type, "create_constraint", False)
        ]
        checks = Checks(told, frozenset(names))
        return merged(table.name, stored, unchanged, changed, checks)

    def create_table(self, table: Table, **options: Any) -> None:
        """Create a table; one that is rebuilt keeps what SQLAlchemy does not see."""
        if table.name.startswith("_alembic_tmp_") and self.statement:
            self.connection.exec_driver_sql(self.statement)
        else:
            super().create_table(table, **options)

    def rename_table(
        self, old_table_name: str, new_table_name: Any, schema: Any = None
    ) -> None:
        """Rename a table; restore the indexes and triggers of one that was rebuilt."""
        if not old_table_name.startswith("_alembic_tmp_"):
            super().rename_table(old_table_name, new_table_name, schema)
            return
        # Views and other triggers refer to a table that does not exist at this moment.
        self.execute("PRAGMA legacy_alter_table = ON")
        try:
            super().rename_table(old_table_name, new_table_name, schema)
        finally:
            self.execute("PRAGMA legacy_alter_table = OFF")
        for statement in self.beside:
            self.connection.exec_driver_sql(statement)


@contextmanager
def without_warnings() -> Iterator[None]:
    """Ignore that a table loses something when it is rebuilt, since it stays."""
    with warnings.catch_warnings():
        for start in UNTRUE:
            warnings.filterwarnings("ignore", start)
        yield


@cache
def register() -> None:
    """Register the correction for computed columns, which only affects SQLite."""
    event.listen(Table, "column_reflect", _read_computed)


@renderers.dispatch_for(ops.CreatePrimaryKeyOp, replace=True)
def _render_primary_key(_context: object, step: ops.CreatePrimaryKeyOp) -> str:
    name = f"batch_op.f({str(step.constraint_name)!r})"
    return f"batch_op.create_primary_key({name}, {[*step.columns]!r})"


def _read_computed(inspector: Any, table: Table, column: Any) -> None:
    # SQLAlchemy misses the expression after a type such as NUMERIC(12, 4).
    if "computed" in column and inspector.dialect.name == "sqlite":
        query = text("SELECT sql FROM sqlite_master WHERE name = :name")
        sql = inspector.bind.scalar(query, {"name": table.name})
        start = rf"(?ms)(?:^|[,(])\s*\W?{re.escape(column['name'])}\W?\s"
        found = re.search(rf"{start}.*? AS \((.*)", sql)
        column["computed"]["sqltext"] = _up_to_its_end(found[1]) if found else ""


def _up_to_its_end(sql: str) -> str:
    depth = 1
    for found in re.finditer(r"'[^']*'|[()]", sql):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if depth == 0:
            return sql[: found.start()]
    return sql
