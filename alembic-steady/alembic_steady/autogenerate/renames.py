"""Renames: autogenerate sees a drop and an add, so the user is asked whether it is one.

A rename is carried out on the scratch database, along with the names that depend on it.
A second comparison then finds all other changes.
"""

from __future__ import annotations

import sys
from typing import Any

from alembic.autogenerate import produce_migrations, renderers
from alembic.operations import Operations, ops
from alembic.util import CommandError
from sqlalchemy import Column, Table
from sqlalchemy.exc import DBAPIError

from alembic_steady import errors
from alembic_steady.adapters import Adapter
from alembic_steady.adapters.abstract import Step
from alembic_steady.adapters.description import Description
from alembic_steady.autogenerate import dependent_names, noise, questioner
from alembic_steady.autogenerate.ruler import Ruler
from alembic_steady.settings import Settings

NOT_HERE = (
    "a rename has to be tried out on a scratch database first: leave out -x live"
    " (or your own connection), or write the revision by hand: alembic revision -m …"
)
TABLE_ALONE = (
    "This revision only renames the table. For its columns, which seem to be renamed"
    " too, run next: alembic revision --autogenerate -m …"
)

RENAMED = 'metadata.info["unmodelled"] has to name it now: "{}"'


def settle(
    migration: Any, script: Any, settings: Settings, ruler: Ruler | None
) -> list[Any]:
    """Ask which drops and adds are renames, and put these into the revision instead.

    Arguments:
        migration: the context in which models and revisions were compared.
        script: the operations of the revision, for both directions; they are replaced.
        settings: the settings of the project.
        ruler: what the revisions and the models build; if the revision cannot do all, the
            latter is replaced by what it has to lead to.

    Returns:
        The operations that rename, in both directions.

    Raises:
        CommandError: there is no terminal to ask on, or one revision cannot do it.
    """
    adapter = settings.adapter
    metadata: Any = settings.metadata
    renames = questioner.ask(migration.impl, [*questioner.possible(script.upgrade_ops)])
    if not renames:
        return []
    if ruler is None or not adapter.is_scratch(migration.connection.engine.url):
        raise CommandError(NOT_HERE)
    done = [_step(adapter, *rename) for rename in renames]
    before = ruler.revisions
    with adapter.undone(migration.connection):
        following = _carry_out_all(adapter, migration, settings, renames, done)
        renamed = ruler.describe(migration.connection)
        _follow(ruler, renamed, renames)
        rest: Any = produce_migrations(migration, metadata)
        noise.strip(rest)
        adapter.complete(migration, rest)
        if not adapter.has_savepoints:
            back = [(undo, do) for do, undo in reversed(done + following)]
            _carry_out(adapter, migration, back)
    ruler.revisions = before
    for rename in renames:
        old, new = map(questioner.full_name, rename)
        print(f"Renames {old} to {new}", file=sys.stderr)
    tables = [new.fullname for _, new in renames if isinstance(new, Table)]
    if any(
        more.is_likely(migration.impl)
        for more in questioner.possible(rest.upgrade_ops)
        if isinstance(more.old, Column) and more.old.table.fullname in tables
    ):
        rest.upgrade_ops.ops, rest.downgrade_ops.ops = [], []
        ruler.models = renamed  # All that this revision has to lead to.
        print(TABLE_ALONE, file=sys.stderr)
    steps, undone = zip(*done, *following, strict=True)
    script.upgrade_ops.ops = [*steps, *rest.upgrade_ops.ops]
    script.downgrade_ops.ops = [*rest.downgrade_ops.ops, *reversed(undone)]
    return [*steps, *undone]


def _follow(ruler: Ruler, renamed: Description, renames: Any) -> None:
    """Compare with what renames have made, of which parts have other words now."""
    tables = {new.name: old.name for old, new in renames if isinstance(new, Table)}
    before = ruler.revisions
    for key in ruler.unmodelled.follow(before, renamed, ruler.built, tables):
        print(f"Warning: {RENAMED.format(key.words)}", file=sys.stderr)
    ruler.take(renamed)


def _carry_out_all(
    adapter: Adapter, migration: Any, settings: Settings, renames: Any, done: list[Step]
) -> list[Step]:
    """Carry out renames, and return the steps for the names that depend on them."""
    try:
        _carry_out(adapter, migration, done)
        connection = migration.connection
        following = [
            *dependent_names.find(adapter, connection, settings.tables, renames)
        ]
        _carry_out(adapter, migration, following)
    except DBAPIError as error:
        reason = errors.reason(error)
        raise CommandError(
            f"the scratch database refused the rename: {reason}"
        ) from None
    return following


def _step(adapter: Adapter, before: Any, after: Any) -> Step:
    if isinstance(before, Column):
        return adapter.rename_column(before, after)
    old, new, schema = before.name, after.name, before.schema
    forth = ops.RenameTableOp(old, new, schema=schema)
    return forth, ops.RenameTableOp(new, old, schema=schema)


def _carry_out(adapter: Adapter, migration: Any, steps: list[Step]) -> None:
    operations = Operations(migration)
    for step, _ in steps:
        adapter.carry_out(operations, step)


@renderers.dispatch_for(ops.RenameTableOp)
def _render_rename(_context: object, step: ops.RenameTableOp) -> str:
    schema = f", schema={step.schema!r}" if step.schema else ""
    return f"op.rename_table({step.table_name!r}, {step.new_table_name!r}{schema})"
