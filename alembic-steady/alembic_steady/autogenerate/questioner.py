"""The questioner asks whether a drop and an add are really a rename."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

from alembic.operations import ops
from alembic.util import CommandError
from sqlalchemy import Column

from alembic_steady import private, questions, x_arguments
from alembic_steady.autogenerate import warnings

NO_FIT = (
    " matches no table or column that this revision drops and adds: check both names,"
    " and rename a table first, its columns in a second revision"
)
NEW_TYPE = (
    " has a new name and a new type, which takes two revisions: restore the old type in"
    " the model and rename the column, then change its type"
)

NO_ANSWER = "no answer, so no revision was written"


class Rename(NamedTuple):
    """A table or column that is dropped, and the one that may be its new name."""

    old: Any
    new: Any

    def __str__(self) -> str:
        """Return the question, worded as in Django."""
        kind = "" if isinstance(self.old, Column) else "table "
        return f"Was {kind}{full_name(self.old)} renamed to {full_name(self.new)}?"

    @property
    def option(self) -> str:
        """Return the argument of `-x` that answers the question with yes."""
        return f"rename={full_name(self.old)}:{self.new.name}"

    def is_likely(self, impl: Any) -> bool:
        """Return whether the columns have similar types, or the tables share their columns.

        Tables are alike if at least half of their columns have the same names.

        Arguments:
            impl: Alembic's implementation of the dialect, which compares types.
        """
        old, new = self
        if isinstance(old, Column):
            is_alike = private.type_affinity(old.type) is private.type_affinity(
                new.type
            )
            return is_alike or not impl.compare_type(old, new)
        shared = {*old.columns.keys()} & {*new.columns.keys()}
        return 2 * len(shared) >= max(len(old.columns), len(new.columns))


def full_name(thing: Any) -> str:
    """Return the name of a table, or the names of a column's table and the column."""
    if isinstance(thing, Column):
        return f"{thing.table.fullname}.{thing.name}"
    return str(thing.fullname)


def possible(operations: Any) -> Iterator[Rename]:
    """Yield each pair of a drop and an add that could be a rename."""
    for add, drop in product(operations.ops, repeat=2):
        match drop, add:
            case ops.DropTableOp(), ops.CreateTableOp() if drop.schema == add.schema:
                yield Rename(drop.to_table(), add.to_table())
            case ops.DropColumnOp(), ops.AddColumnOp():
                yield Rename(drop.to_column(), add.column)
    for operation in operations.ops:
        if isinstance(operation, ops.ModifyTableOps):
            yield from possible(operation)


def ask(impl: Any, pairs: list[Rename]) -> list[Rename]:
    """Return the pairs that are renames, according to `-x rename=…` or to the answers.

    Raises:
        CommandError: there is no terminal to ask on, or a rename cannot be done this way.
    """
    told = {*x_arguments.values("rename")}
    if unknown := told - {rename.option for rename in pairs}:
        raise CommandError(f"-x {min(unknown)}{NO_FIT}")
    renames = [rename for rename in pairs if rename.option in told]
    unclear = []
    for rename in sorted(pairs, key=str):
        settled = {full_name(thing) for pair in renames for thing in pair}
        if warnings.may_drop() or not rename.is_likely(impl):
            continue
        if settled & {full_name(thing) for thing in rename}:
            continue
        if not sys.stdin.isatty():
            unclear.append(rename)
        elif questions.is_yes(str(rename), NO_ANSWER):
            renames.append(rename)
    if unclear:
        yes = [f"{rename} If so:\n  {_command(rename.option)}\n" for rename in unclear]
        raise CommandError(f"{''.join(yes)}If not:\n  {_command('allow-drop')}")
    for old, new in renames:
        if isinstance(old, Column) and impl.compare_type(old, new):
            raise CommandError(f"{full_name(new)}{NEW_TYPE}")
    return renames


def _command(option: str) -> str:
    return x_arguments.command(option, "revision", "--autogenerate")
