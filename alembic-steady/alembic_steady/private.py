"""All private names of Alembic and SQLAlchemy that are used here, each for want of a public one.

A test of each fails first when a new release changes it: tests/test_private.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import Any

from alembic import context
from alembic.autogenerate import comparators
from alembic.runtime.migration import MigrationContext
from sqlalchemy import CheckConstraint
from sqlalchemy.types import TypeEngine


def command_options() -> dict[str, Any]:
    """Return what a command has given to its `EnvironmentContext`.

    `context.get_context().opts` has it, too, but only after `context.configure`.
    """
    options: dict[str, Any] = context._proxy.context_opts  # type: ignore[attr-defined]
    return options


def is_autogenerate() -> bool:
    """Return whether a command compares models: `check`, or `revision --autogenerate`.

    Both bring an object that collects the new revision.
    """
    revision = command_options().get("revision_context")
    return revision is not None and bool(revision.command_args["autogenerate"])


def is_check() -> bool:
    """Return whether the command is `alembic check`, which writes no file.

    `context.config.cmd_opts` says so on the command line only. What `check` wants to be
    run is a function inside it, however it was called.
    """
    function = command_options().get("fn")
    return getattr(function, "__qualname__", "").startswith("check.")


def is_writing() -> bool:
    """Return whether a command moves the database: `upgrade`, `downgrade` or `stamp`."""
    return "destination_rev" in command_options()


def destination() -> Any:
    """Return the revision that a command moves the database to, as it was typed."""
    return command_options()["destination_rev"]


def plan() -> Callable[..., Iterable[Any]]:
    """Return what yields the steps of a command, for the heads of the database."""
    function: Callable[..., Iterable[Any]] = command_options()["fn"]
    return function


def keep_in_one_transaction(migration: MigrationContext) -> None:
    """Let an autocommit block be a part of the transaction that it stands in.

    Alembic's own would commit what stands before it. It is refused outside of a
    transaction alone, so there is no option for this.
    """
    migration.autocommit_block = nullcontext  # type: ignore[method-assign, assignment]


def run_revision(migration: MigrationContext, upgrade: Callable[[], None]) -> None:
    """Run one revision in a transaction of its own, as `run_migrations` does."""
    is_own = bool(migration.opts.get("transaction_per_migration"))
    with migration.begin_transaction(_per_migration=is_own):
        upgrade()


def comes_with_a_type(check: CheckConstraint) -> bool:
    """Return whether a check was made by a type, such as a Boolean, and not written."""
    return bool(getattr(check, "_type_bound", False))


def type_affinity(kind: TypeEngine[Any]) -> type[TypeEngine[Any]]:
    """Return the generic type that a type is a kind of: Integer of BIGINT, for example."""
    affinity: type[TypeEngine[Any]] = kind._type_affinity  # type: ignore[assignment]
    return affinity


def unregister_comparator(comparator: Callable[..., Any]) -> None:
    """Take a function out of those that autogenerate calls for every database.

    alembic-postgresql-enum registers itself for the whole process when it is imported.
    """
    for registered in comparators._registry.values():
        registered[:] = [entry for entry in registered if entry[0] is not comparator]
