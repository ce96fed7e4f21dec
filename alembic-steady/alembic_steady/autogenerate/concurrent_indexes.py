"""Indexes that the models want to be built concurrently get a revision of their own.

Such an index cannot be built in a transaction, so what stands before it in the same
revision would be committed first, and fail if the revision has to run again.
"""

from __future__ import annotations

from typing import Any

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from alembic.util import rev_id

OPTION = "postgresql_concurrently"
IMPORT = "from alembic_steady import create_index, drop_index"


class CreateConcurrently(ops.MigrateOperation):
    """An index that `alembic_steady.create_index` builds."""

    def __init__(self, plain: ops.CreateIndexOp) -> None:
        """Build the same index as Alembic's operation does."""
        self.plain = plain

    def reverse(self) -> DropConcurrently:
        """Return the operation that drops the index."""
        return DropConcurrently(self.plain)


class DropConcurrently(CreateConcurrently):
    """An index that `alembic_steady.drop_index` drops."""


def separate(directives: list[Any]) -> None:
    """Move the indexes that the models want to be built concurrently behind all else.

    Arguments:
        directives: the revisions; another one is added if there is anything else.
    """
    script = directives[-1]
    up, down = script.upgrade_ops, script.downgrade_ops
    steps = _taken(up.ops)
    _taken(down.ops)
    if not steps:
        return
    if not up.is_empty():
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
    down.ops.extend(it.reverse() for it in reversed(steps))


def _taken(steps: list[Any]) -> list[Any]:
    """Remove the operations on such indexes from a list, and return them."""
    found = []
    for step in [*steps]:
        if isinstance(step, ops.ModifyTableOps):
            found += _taken(step.ops)
            if step.is_empty():
                steps.remove(step)
        elif getattr(step, "kw", {}).get(OPTION):
            found.append(CreateConcurrently(step))
            steps.remove(step)
    return found


@renderers.dispatch_for(CreateConcurrently)
def _render_create(context: AutogenContext, step: CreateConcurrently) -> str:
    return _rendered(context, without_option(step.plain))


@renderers.dispatch_for(DropConcurrently)
def _render_drop(context: AutogenContext, step: DropConcurrently) -> str:
    return _rendered(context, without_option(step.plain).reverse())


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


def _rendered(context: AutogenContext, step: Any) -> str:
    context.imports.add(IMPORT)
    text = renderers.dispatch(step)(context, step)
    return str(text).removeprefix(context.opts["alembic_module_prefix"])
