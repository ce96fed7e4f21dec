"""Indexes that the models want to be built concurrently get a revision of their own.

Such an index cannot be built in a transaction, so what stands before it in the same
revision would be committed first, and fail if the revision has to run again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from alembic.util import rev_id
from sqlalchemy import Index, Table

OPTION = "postgresql_concurrently"
IMPORT = "from alembic_steady import create_index, drop_index"


class CreateConcurrently(ops.MigrateOperation):
    """An index that `alembic_steady.create_index` builds.

    Attributes:
        created: Alembic's operation that creates the same index.
    """

    def __init__(self, created: ops.CreateIndexOp) -> None:
        """Build the same index as Alembic's operation does."""
        self.created = created
        self.table_name, self.schema = created.table_name, created.schema

    @property
    def plain(self) -> ops.MigrateOperation:
        """Alembic's operation that does the same in a transaction."""
        return self.created

    def reverse(self) -> CreateConcurrently:
        """Return the operation that undoes this one."""
        return DropConcurrently(self.created)


class DropConcurrently(CreateConcurrently):
    """An index that `alembic_steady.drop_index` drops."""

    @property
    def plain(self) -> ops.MigrateOperation:
        """Alembic's operation that does the same in a transaction."""
        name, table = str(self.created.index_name), self.created.table_name
        return ops.DropIndexOp(name, table_name=table, schema=self.created.schema)

    def reverse(self) -> CreateConcurrently:
        """Return the operation that undoes this one."""
        return CreateConcurrently(self.created)


def separate(directives: list[Any]) -> None:
    """Move the indexes that the models want to be built concurrently behind all else.

    Arguments:
        directives: the revisions; another one is added if there is anything else.
    """
    script = directives[-1]
    up, down = script.upgrade_ops, script.downgrade_ops
    steps, undone = _taken(up.ops), _taken(down.ops)
    if not (steps or undone):
        return
    if not (up.is_empty() and down.is_empty()):
        more = ops.MigrationScript(
            rev_id=rev_id(),
            message=f"{script.message or 'empty message'} concurrently",
            upgrade_ops=ops.UpgradeOps([]),
            downgrade_ops=ops.DowngradeOps([]),
            head=script.rev_id,
            version_path=script.version_path,
        )
        directives.append(more)
        up, down = more.upgrade_ops, more.downgrade_ops
    up.ops.extend(steps)
    down.ops.extend(undone)


def mark(steps: list[Any], wanted: Callable[[Any], bool]) -> None:
    """Replace Alembic's operations on such indexes by those of this module.

    Arguments:
        steps: the operations; they are replaced.
        wanted: returns whether the models want an index of the name in an operation to be
            built concurrently. One that a database has does not say it of itself.
    """
    for number, step in enumerate(steps):
        if isinstance(step, ops.ModifyTableOps):
            mark(step.ops, wanted)
        elif not isinstance(step, ops.CreateIndexOp | ops.DropIndexOp):
            continue
        elif step.kw.get(OPTION) or wanted(step):
            is_new = isinstance(step, ops.CreateIndexOp)
            make = CreateConcurrently if is_new else DropConcurrently
            creation: Any = step if is_new else step.reverse()
            steps[number] = make(without_option(creation))


def is_wanted(table: Table, name: str) -> bool:
    """Return whether the models want an index of a table to be built concurrently."""
    index = find(table, name)
    return index is not None and bool(index.dialect_kwargs.get(OPTION))


def find(table: Table, name: str) -> Index | None:
    """Return the index of a table that has a name, or None."""
    return next((index for index in table.indexes if index.name == name), None)


def created(index: Index) -> CreateConcurrently:
    """Return the operation that builds an index concurrently."""
    return CreateConcurrently(without_option(ops.CreateIndexOp.from_index(index)))


def _taken(steps: list[Any]) -> list[Any]:
    """Remove the operations on such indexes from a list, and return them."""
    found = []
    for step in [*steps]:
        if isinstance(step, ops.ModifyTableOps):
            found += _taken(step.ops)
            if step.is_empty():
                steps.remove(step)
        elif isinstance(step, CreateConcurrently):
            found.append(step)
            steps.remove(step)
    return found


@renderers.dispatch_for(DropConcurrently)
@renderers.dispatch_for(CreateConcurrently)
def _render(context: AutogenContext, step: CreateConcurrently) -> str:
    context.imports.add(IMPORT)
    text = renderers.dispatch(step.plain)(context, step.plain)
    return str(text).removeprefix(context.opts["alembic_module_prefix"])


def without_option(step: ops.CreateIndexOp) -> ops.CreateIndexOp:
    """Return the operation that builds the same index in a transaction."""
    kept = {name: value for name, value in step.kw.items() if name != OPTION}
    return ops.CreateIndexOp(
        step.index_name,
        step.table_name,
        step.columns,
        schema=step.schema,
        unique=step.unique,
        **kept,
    )
