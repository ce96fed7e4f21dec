"""Renames: autogenerate takes a new name for a drop and an add, so it is asked about.

A yes is carried out on the scratch database, with the names that follow from it. What
else has changed is found by comparing once more.
"""

import shlex
import sys
from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

from alembic import context
from alembic.autogenerate import produce_migrations, renderers
from alembic.operations import Operations, ops
from alembic.util import CommandError
from sqlalchemy import Column, Table

from migrations import databases, guard, names

NO_FIT = (
    ": nothing like that is dropped and added. A table is renamed first, its columns in"
    " a second revision"
)
NOT_HERE = (
    "a rename is tried out on a scratch database: leave out -x live,"
    " or write the revision by hand: alembic revision -m …"
)
TABLE_ALONE = (
    "A renamed table is a revision of its own. Its columns have new names, too:"
    " type next alembic revision --autogenerate -m …"
)
NEW_TYPE = (
    " has a new name and a new type, for two revisions: leave its type as it was in the"
    " model and rename it, then change the type"
)


class Rename(NamedTuple):
    """A table or a column that is dropped, and the one that is added in its place."""

    old: Any
    new: Any

    def __str__(self) -> str:
        """Ask as Django does."""
        kind = "" if isinstance(self.old, Column) else "table "
        return f"Was {kind}{_full_name(self.old)} renamed to {_full_name(self.new)}?"

    @property
    def option(self) -> str:
        """Return what `-x` is told to confirm it."""
        return f"rename={_full_name(self.old)}:{self.new.name}"

    @property
    def table(self) -> str:
        """Return the name of the table that the column is in, "" for a table."""
        return self.new.table.fullname if isinstance(self.new, Column) else ""

    def is_likely(self, impl: Any) -> bool:
        """Return whether the columns are of one kind, or the tables have half of theirs."""
        old, new = self
        if isinstance(old, Column):
            is_alike = old.type._type_affinity is new.type._type_affinity
            return is_alike or not impl.compare_type(old, new)
        shared = {*old.columns.keys()} & {*new.columns.keys()}
        return 2 * len(shared) >= max(len(old.columns), len(new.columns))

    def step(self) -> names.Step:
        """Return the operation for it, and the one that undoes it."""
        old, new = self.old.name, self.new.name
        if not isinstance(self.old, Column):
            schema = self.old.schema
            there = ops.RenameTableOp(old, new, schema=schema)
            return there, ops.RenameTableOp(new, old, schema=schema)
        told: dict[str, Any] = {"schema": self.old.table.schema}
{% if cookiecutter.__family == "mysql" %}
        # The statement has to describe the whole column again.
        for key in ("type", "nullable", "server_default", "comment"):
            told[f"existing_{key}"] = getattr(self.old, key)
        if self.old.autoincrement is True:
            told["autoincrement"] = True
{% endif %}
        table = self.old.table.name
        forth = ops.AlterColumnOp(table, old, modify_name=new, **told)
        return forth, ops.AlterColumnOp(table, new, modify_name=old, **told)


def settle(migration: Any, script: Any, metadata: Any) -> None:
    """Ask what has a new name, and let a revision rename that.

    Arguments:
        migration: the context in which models and revisions were compared.
        script: the revision that autogenerate is about to write; it is changed.
        metadata: that of the models.

    Raises:
        CommandError: there is nobody to ask, or one revision can't do it.
    """
    renames = _confirmed(migration.impl, [*_possible(script.upgrade_ops)])
    if not renames:
        return
    if not databases.is_temporary(migration.connection.engine.url):
        raise CommandError(NOT_HERE)
    done = _carry_out(migration, [rename.step() for rename in renames])
    following = names.that_follow(migration.connection, metadata, renames)
    done += _carry_out(migration, [*following])
    rest: Any = produce_migrations(migration, metadata)
    tables = [new.fullname for _, new in renames if isinstance(new, Table)]
    more = [each for each in _possible(rest.upgrade_ops) if each.table in tables]
    if any(rename.is_likely(migration.impl) for rename in more):
        rest.upgrade_ops.ops, rest.downgrade_ops.ops = [], []
        print(TABLE_ALONE, file=sys.stderr)
    script.upgrade_ops.ops = [*(step for step, _ in done), *rest.upgrade_ops.ops]
    undone = [undo for _, undo in reversed(done)]
    script.downgrade_ops.ops = [*rest.downgrade_ops.ops, *undone]


def _possible(operations: Any) -> Iterator[Rename]:
    for add, drop in product(operations.ops, repeat=2):
        match drop, add:
            case ops.DropTableOp(), ops.CreateTableOp() if drop.schema == add.schema:
                yield Rename(drop.to_table(), add.to_table())
            case ops.DropColumnOp(), ops.AddColumnOp():
                yield Rename(drop.to_column(), add.column)
    for operation in operations.ops:
        if isinstance(operation, ops.ModifyTableOps):
            yield from _possible(operation)


def _confirmed(impl: Any, possible: list[Rename]) -> list[Rename]:
    told = {text for text in context.get_x_argument() if text.startswith("rename=")}
    if unknown := told - {rename.option for rename in possible}:
        raise CommandError(f"-x {min(unknown)}{NO_FIT}")
    renames = [rename for rename in possible if rename.option in told]
    unclear = []
    for rename in sorted(possible, key=str):
        is_settled = any(rename.old is old or rename.new is new for old, new in renames)
        if is_settled or guard.may_drop() or not rename.is_likely(impl):
            continue
        if not sys.stdin.isatty():
            unclear.append(rename)
        elif _is_yes(f"{rename} [y/N] "):
            renames.append(rename)
    if unclear:
        yes = [f"{rename} If so:\n  {_command(rename.option)}\n" for rename in unclear]
        raise CommandError(f"{''.join(yes)}If not:\n  {_command('allow-drop')}")
    for old, new in renames:
        if isinstance(old, Column) and impl.compare_type(old, new):
            raise CommandError(f"{_full_name(new)}{NEW_TYPE}")
    return renames


def _is_yes(question: str) -> bool:
    try:
        return input(question).strip().lower() in ("y", "yes")
    except (EOFError, KeyboardInterrupt):
        raise CommandError("no answer, so nothing is written") from None


def _command(option: str) -> str:
    typed = sys.argv[1:] if context.config.cmd_opts else ["revision", "--autogenerate"]
    return shlex.join(["alembic", "-x", option, *typed])


def _full_name(thing: Any) -> str:
    if isinstance(thing, Column):
        return f"{thing.table.fullname}.{thing.name}"
    return str(thing.fullname)


def _carry_out(migration: Any, steps: list[names.Step]) -> list[names.Step]:
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
    return steps


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
