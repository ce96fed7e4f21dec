"""Constraints that are added while others go on reading and writing the table.

On PostgreSQL, a constraint is added without a look at the rows that are there, and then
validated, which lets others write; a unique constraint is made of an index that is built
concurrently. What needs the table for itself for a moment is done in a transaction, which
does not wait long for it. Each step is left out if it is done already, so that a revision whose
run has failed can run again. Put each of them in a revision of its own. On other databases,
they are the same as Alembic's own operations; SQLite's table is rebuilt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from alembic import op
from alembic.util import CommandError
from sqlalchemy import (
    CheckConstraint,
    Column,
    Constraint,
    ForeignKeyConstraint,
    MetaData,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import NULLTYPE

from alembic_steady.adapters import adapter_for
from alembic_steady.operations import create_index, plain_preparer

NAMELESS = "add_check needs a name for the check of table {}"
IS_THERE = text(
    "SELECT 1 FROM pg_constraint WHERE conname = :name AND conrelid = to_regclass(:place)"
)
IS_NOT_NULL = text(
    "SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass(:place) AND attname = :column"
    " AND attnotnull"
)
DROPPED = "-- squawk-ignore ban-drop-constraint\n"
"""A comment for squawk: what is dropped is of the same revision."""
LONGEST = 63
"""The bytes that PostgreSQL keeps of a name."""


def add_foreign_key(
    constraint_name: str | None,
    source_table: str,
    referent_table: str,
    local_cols: Sequence[str],
    remote_cols: Sequence[str],
    *,
    source_schema: str | None = None,
    **options: Any,
) -> None:
    """Add a foreign key, and then look whether all rows have what they refer to.

    Arguments:
        constraint_name, source_table, referent_table, local_cols, remote_cols,
            source_schema, options: as for `op.create_foreign_key`.
    """
    place = _Place(source_table, source_schema, local_cols)
    targets = [f"{referent_table}.{column}" for column in remote_cols]
    key = ForeignKeyConstraint([*local_cols], targets, name=constraint_name)
    name = place.name(key) or op.f(place.default("fkey"))
    told = (referent_table, [*local_cols], [*remote_cols])
    if place.is_sqlite:
        with op.batch_alter_table(source_table, source_schema) as batch:
            batch.create_foreign_key(name, *told, **options)
        return
    options["source_schema"] = source_schema
    if not place.is_postgresql:
        op.create_foreign_key(name, source_table, *told, **options)
    else:
        if not place.has(name):
            options["postgresql_not_valid"] = True
            op.create_foreign_key(name, source_table, *told, **options)
        place.validate(name)


def add_check(
    constraint_name: str | None,
    table_name: str,
    condition: Any,
    *,
    schema: str | None = None,
    **options: Any,
) -> None:
    """Add a check, and then look whether all rows pass it.

    Arguments:
        constraint_name, table_name, condition, schema, options: as for
            `op.create_check_constraint`; the name is needed.

    Raises:
        CommandError: there is no name.
    """
    if constraint_name is None:
        raise CommandError(NAMELESS.format(table_name))
    place = _Place(table_name, schema)
    name = place.name(CheckConstraint("", name=constraint_name)) or constraint_name
    if place.is_sqlite:
        with op.batch_alter_table(table_name, schema) as batch:
            batch.create_check_constraint(name, condition, **options)
    elif not place.is_postgresql:
        op.create_check_constraint(
            name, table_name, condition, schema=schema, **options
        )
    else:
        place.check(name, condition, **options)


def add_unique(
    constraint_name: str | None,
    table_name: str,
    columns: Sequence[str],
    *,
    schema: str | None = None,
    **options: Any,
) -> None:
    """Build a unique index, and make it a constraint.

    Arguments:
        constraint_name, table_name, columns, schema, options: as for
            `op.create_unique_constraint`.
    """
    place = _Place(table_name, schema, columns)
    constraint = UniqueConstraint(*columns, name=constraint_name)
    name = place.name(constraint) or op.f(place.default("key"))
    if place.is_sqlite:
        with op.batch_alter_table(table_name, schema) as batch:
            batch.create_unique_constraint(name, [*columns], **options)
    elif not place.is_postgresql:
        op.create_unique_constraint(
            name, table_name, [*columns], schema=schema, **options
        )
    elif not place.has(name):
        when = _when(options.pop("deferrable", None), options.pop("initially", None))
        create_index(name, table_name, columns, schema=schema, unique=True, **options)
        quoted = place.quote(name)
        made = f"ADD CONSTRAINT {quoted} UNIQUE USING INDEX {quoted}{when}"
        place.step(lambda: place.alter(made))


def set_not_null(
    table_name: str,
    column_name: str,
    *,
    schema: str | None = None,
    nullable: bool = False,
    **options: Any,
) -> None:
    """Look whether a column has a value in all rows, and then say that it has to.

    Arguments:
        table_name, column_name, schema, options: as for `op.alter_column`.
        nullable: False, as `op.alter_column` is told.
    """
    place = _Place(table_name, schema, [column_name])
    options["nullable"] = nullable
    if nullable or not place.is_postgresql:
        if place.is_sqlite:
            with op.batch_alter_table(table_name, schema) as batch:
                batch.alter_column(column_name, **options)
        else:
            op.alter_column(table_name, column_name, schema=schema, **options)
        return
    # With a check that says so, SET NOT NULL does not look at the rows, which would block all
    # others (PostgreSQL 12 and newer).
    name = op.f(place.default("is_set"))
    is_done = place.is_not_null(column_name)
    if not is_done:
        place.check(name, text(f"{place.quote(column_name)} IS NOT NULL"))

    def finish() -> None:
        if not is_done:
            op.alter_column(table_name, column_name, schema=schema, **options)
        place.alter(f"DROP CONSTRAINT IF EXISTS {place.quote(name)}", DROPPED)

    place.step(finish)


def _when(deferrable: bool | None, initially: str | None) -> str:
    if not deferrable:
        return ""
    return f" DEFERRABLE INITIALLY {initially}" if initially else " DEFERRABLE"


class _Place:
    """A table that gets a constraint."""

    def __init__(
        self, table: str, schema: str | None, columns: Sequence[str] = ()
    ) -> None:
        """Take the table, and the columns of the constraint."""
        self._migration = op.get_context()
        self._preparer = plain_preparer(self._migration)
        models = self._migration.opts.get("target_metadata")
        convention = getattr(models, "naming_convention", None)
        metadata = MetaData(naming_convention=convention)
        told = [Column(name, NULLTYPE) for name in columns]
        self._table = Table(table, metadata, *told, schema=schema)
        self._columns = columns

    @property
    def is_postgresql(self) -> bool:
        """Whether the database is PostgreSQL."""
        return self._migration.dialect.name == "postgresql"

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is SQLite."""
        return self._migration.dialect.name == "sqlite"

    def name(self, constraint: Constraint) -> str | None:
        """Return the final name of a constraint, which a naming convention may give."""
        self._table.append_constraint(constraint)
        if constraint.name is None:  # Nor has a convention given it one.
            return None
        rendered = str(self._preparer.format_constraint(constraint))
        if rendered.startswith('"'):
            rendered = rendered[1:-1].replace('""', '"')
        return op.f(rendered)

    def default(self, ending: str) -> str:
        """Return the name that PostgreSQL itself would give, if it is not too long."""
        start = "_".join([str(self._table.name), *self._columns]).encode()
        return f"{start[: LONGEST - len(ending) - 1].decode(errors='ignore')}_{ending}"

    def quote(self, name: str) -> str:
        """Return a name as SQL needs it."""
        return self._preparer.quote(name)

    def has(self, name: str) -> bool:
        """Return whether a constraint is there; False if no database can be asked."""
        return self._finds(IS_THERE, name=name)

    def is_not_null(self, column: str) -> bool:
        """Return whether a column is NOT NULL; False if no database can be asked."""
        return self._finds(IS_NOT_NULL, column=column)

    def _finds(self, query: Any, **values: str) -> bool:
        if self._migration.as_sql:
            return False
        told = {"place": self._preparer.format_table(self._table), **values}
        return op.get_bind().scalar(query, told) is not None

    def alter(self, change: str, remark: str = "") -> None:
        """Run ALTER TABLE, in whose text nothing is a parameter, or print it with a remark."""
        place = self._preparer.format_table(self._table)
        told = f"ALTER TABLE {place} {change}".replace(":", r"\:")
        op.execute(text(f"{remark}{told}" if self._migration.as_sql else told))

    def check(self, name: str, condition: Any, **options: Any) -> None:
        """Add a check that holds for new rows, and then for all."""
        if not self.has(name):
            op.create_check_constraint(
                name,
                str(self._table.name),
                condition,
                schema=self._table.schema,
                postgresql_not_valid=True,
                **options,
            )
        self.validate(name)

    def validate(self, name: str) -> None:
        """Look at all rows, while others may write; that is nothing if it was done before."""
        with self._migration.autocommit_block():
            self.alter(f"VALIDATE CONSTRAINT {self.quote(name)}")

    def step(self, change: Callable[[], None]) -> None:
        """Make a change for which the table has to be free for a moment."""
        if self._migration.as_sql:
            change()
        else:
            adapter_for(self._migration.dialect.name).step(op.get_bind(), change)
