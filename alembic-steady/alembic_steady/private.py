"""All private names of other packages that the library uses, for lack of public ones.

Each has a test in tests/test_private.py, which fails if a new release changes it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from alembic import context
from alembic.autogenerate import comparators, render
from alembic.autogenerate.api import AutogenContext
from alembic.runtime.migration import MigrationContext
from alembic.script import write_hooks
from alembic.util import CommandError
from sqlalchemy import MetaData, Sequence, Table
from sqlalchemy.types import TypeEngine


def command_options() -> dict[str, Any]:
    """Return the options that a command has passed to its `EnvironmentContext`.

    `context.get_context().opts` contains them, too, but only after `context.configure`.
    """
    options: dict[str, Any] = context._proxy.context_opts  # type: ignore[attr-defined]
    return options


def is_autogenerate() -> bool:
    """Return whether a command compares models: `check`, or `revision --autogenerate`.

    Both pass an object that collects the new revision.
    """
    revision = command_options().get("revision_context")
    return revision is not None and bool(revision.command_args["autogenerate"])


def is_check() -> bool:
    """Return whether the command is `alembic check`, which writes no file.

    `context.config.cmd_opts` is only set on the command line. However it is called,
    `check` passes a function that is defined inside it.
    """
    function = command_options().get("fn")
    return getattr(function, "__qualname__", "").startswith("check.")


def is_writing() -> bool:
    """Return whether the command is one that writes: `upgrade`, `downgrade` or `stamp`."""
    return "destination_rev" in command_options()


def is_generating() -> bool:
    """Return whether the command writes a revision: `revision` or `merge`.

    Both pass what the template of revisions is rendered with.
    """
    return "template_args" in command_options() and not is_check()


def follows_any_head() -> bool:
    """Return whether a revision was not told which one to follow."""
    revision = command_options().get("revision_context")
    return revision is not None and revision.command_args["head"] in (None, "head")


def destination() -> Any:
    """Return the target revision of the command, as it was typed, or None without one."""
    if context._proxy is None:  # type: ignore[attr-defined]
        return None  # No command of Alembic runs.
    return command_options().get("destination_rev")


def plan() -> Callable[..., Iterable[Any]]:
    """Return the function that yields the command's steps, given the database's heads."""
    function: Callable[..., Iterable[Any]] = command_options()["fn"]
    return function


def keep_in_one_transaction(migration: MigrationContext) -> None:
    """Make autocommit blocks run inside the transaction that surrounds them.

    Alembic would commit that transaction first, and has no option to prevent it.
    """
    migration.autocommit_block = nullcontext  # type: ignore[method-assign, assignment]


def run_revision(migration: MigrationContext, upgrade: Callable[[], None]) -> None:
    """Run one revision in a transaction of its own, as `run_migrations` does."""
    is_own = bool(migration.opts.get("transaction_per_migration"))
    with migration.begin_transaction(_per_migration=is_own):
        upgrade()


def run_hook(hook: Any, file: Path) -> None:
    """Run a post write hook of the project on a revision that has been written.

    Raises:
        CommandError: the hook is not configured completely.
    """
    if "type" not in hook:
        name = hook["_hook_name"]
        raise CommandError(
            f"Key '{name}.type' is required for post write hook {name!r}"
        )
    write_hooks._invoke(hook["type"], str(file), hook)


def compares_tables() -> bool:
    """Return whether another package compares tables or columns in each autogenerate."""
    return any(key[0] in ("table", "column") for key in comparators._registry)


def variant(kind: TypeEngine[Any], dialect_name: str) -> TypeEngine[Any] | None:
    """Return the type that `with_variant` has set for a dialect, or None without variants.

    A type with variants for other dialects alone is its own.
    """
    variants = kind._variant_mapping
    return variants.get(dialect_name, kind) if variants else None


def render_type(kind: TypeEngine[Any], context: AutogenContext) -> str:
    """Return how Alembic writes a type, without its variants."""
    return str(render._repr_type(kind, context, _skip_variants=True))


def sequences(metadata: MetaData) -> list[Sequence]:
    """Return all sequences of some models, wherever they are used."""
    found: list[Sequence] = [*metadata._sequences.values()]
    return found


def type_affinity(kind: TypeEngine[Any]) -> type[TypeEngine[Any]]:
    """Return the generic type behind a type, such as Integer for BIGINT."""
    affinity: type[TypeEngine[Any]] = kind._type_affinity  # type: ignore[assignment]
    return affinity


def end_read_timeout(connection: Any) -> None:
    """Allow statements on a connection of PyMySQL to take as long as they need.

    The timeout can only be passed when the connection is opened.
    """
    connection._read_timeout = None


def rebuilt(batch_impl: Any) -> Table:
    """Return a table as Alembic would build it again if it only renamed columns.

    Arguments:
        batch_impl: what rebuilds the table in batch mode.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # They were given already.
        again = type(batch_impl)(batch_impl.impl, batch_impl.table, (), {}, True)
        for name, column in batch_impl.columns.items():
            if column.name != name:
                again.alter_column(batch_impl.table.name, name, name=str(column.name))
        again._transfer_elements_to_new_table()
    table: Table = again.new_table
    return table
