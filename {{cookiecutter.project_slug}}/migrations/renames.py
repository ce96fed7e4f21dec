"""Renames: autogenerate takes a new name for a drop and an add, so it is asked about.

A yes is carried out on the scratch database, with the names that follow from it. What
else has changed is found by comparing once more.
"""

import sys
from typing import Any

from alembic.autogenerate import produce_migrations, renderers
from alembic.operations import Operations, ops
from alembic.util import CommandError
from sqlalchemy import Column, Table
from sqlalchemy.exc import DBAPIError

{% if cookiecutter.__kind == "server" %}
from migrations import databases, mend, names, questions
{% else %}
from migrations import databases, names, questions
{% endif %}

NOT_HERE = (
    "a rename is tried out on a scratch database: leave out -x live,"
    " or write the revision by hand: alembic revision -m …"
)
TABLE_ALONE = (
    "A renamed table is a revision of its own. Its columns have new names, too:"
    " type next alembic revision --autogenerate -m …"
)


def settle(migration: Any, script: Any) -> None:
    """Ask what has a new name, and let a revision rename that.

    Arguments:
        migration: the context in which models and revisions were compared.
        script: the operations of the revision, for both directions.

    Raises:
        CommandError: there is nobody to ask, or one revision can't do it.
    """
    metadata = migration.opts["target_metadata"]
    renames = questions.ask(migration.impl, [*questions.possible(script.upgrade_ops)])
    if not renames:
        return
    if not databases.is_temporary(migration.connection.engine.url):
        raise CommandError(NOT_HERE)
    done = [_step(*rename) for rename in renames]
    try:
        _carry_out(migration, done)
        following = [*names.that_follow(migration.connection, metadata, renames)]
        _carry_out(migration, following)
    except DBAPIError as error:
        raise CommandError(f"the database refuses to rename: {error.orig}") from None
    for rename in renames:
        old, new = map(questions.full_name, rename)
        print(f"Renames {old} to {new}", file=sys.stderr)
    rest: Any = produce_migrations(migration, metadata)
{% if cookiecutter.__kind == "server" %}
    mend.complete(migration, rest)
{% endif %}
    tables = [new.fullname for _, new in renames if isinstance(new, Table)]
    if any(
        more.is_likely(migration.impl)
        for more in questions.possible(rest.upgrade_ops)
        if isinstance(more.old, Column) and more.old.table.fullname in tables
    ):
        rest.upgrade_ops.ops, rest.downgrade_ops.ops = [], []
        print(TABLE_ALONE, file=sys.stderr)
    steps, undone = zip(*done, *following, strict=True)
    script.upgrade_ops.ops = [*steps, *rest.upgrade_ops.ops]
    script.downgrade_ops.ops = [*rest.downgrade_ops.ops, *reversed(undone)]


def _step(before: Any, after: Any) -> names.Step:
    old, new = before.name, after.name
    if isinstance(before, Table):
        forth = ops.RenameTableOp(old, new, schema=before.schema)
        return forth, ops.RenameTableOp(new, old, schema=before.schema)
{% if cookiecutter.__family == "mysql" %}
    if before.computed is not None:
        return names.of_computed(before, after)
    # The statement has to describe the whole column again.
    told = {
        f"existing_{key}": getattr(before, key)
        for key in ("type", "nullable", "server_default", "comment")
    }
    if before.autoincrement is True:
        told["autoincrement"] = True
{% else %}
    told = {"schema": before.table.schema}
{% endif %}
    change = ops.AlterColumnOp(before.table.name, old, modify_name=new, **told)
    return change, ops.AlterColumnOp(before.table.name, new, modify_name=old, **told)


def _carry_out(migration: Any, steps: list[names.Step]) -> None:
    operations = Operations(migration)
    for step, _ in steps:
{% if cookiecutter.__kind == "file" %}
        if isinstance(step, ops.ModifyTableOps):
            with operations.batch_alter_table(step.table_name) as batch:
                for part in step.ops:
                    batch.invoke(part)
        else:
            operations.invoke(step)
{% else %}
        operations.invoke(step)
{% endif %}


@renderers.dispatch_for(ops.RenameTableOp)
def _render_rename(_context: object, step: ops.RenameTableOp) -> str:
    schema = f", schema={step.schema!r}" if step.schema else ""
    return f"op.rename_table({step.table_name!r}, {step.new_table_name!r}{schema})"
{% if cookiecutter.__kind == "file" %}


@renderers.dispatch_for(ops.CreatePrimaryKeyOp, replace=True)
def _render_primary_key(_context: object, step: ops.CreatePrimaryKeyOp) -> str:
    name = f"batch_op.f({str(step.constraint_name)!r})"
    return f"batch_op.create_primary_key({name}, {[*step.columns]!r})"
{% endif %}
