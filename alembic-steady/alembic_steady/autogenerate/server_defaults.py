"""Server defaults, compared in the form in which the database returns them.

A database may return `true` as 1, or `now()` as `current_timestamp()`. So the default of
the model is set on a temporary table and read back from there.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import Any

from alembic.runtime.plugins import Plugin
from alembic.util import DispatchPriority, PriorityDispatchResult
from sqlalchemy import Column, Identity, MetaData, Table, inspect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateTable

PLUGIN = "alembic_steady.server_defaults"


@cache
def register() -> None:
    """Register the comparator as a plugin, which applies only where it is named."""
    Plugin(PLUGIN).add_autogenerate_comparator(
        compare, "column", "server_default", priority=DispatchPriority.FIRST
    )


def compare(migration: Any, operation: Any, *compared: Any) -> PriorityDispatchResult:
    """Make an operation change a column's default if it differs from the model's."""
    *_names, there, model = compared
    old, new = there.server_default, model.server_default
    if isinstance(new, Identity) and not migration.dialect.supports_identity_columns:
        return PriorityDispatchResult.STOP
    # Unlike a default, a computed or identity column has no `arg` to compare.
    if not hasattr(new, "arg") or not hasattr(old or new, "arg"):
        return PriorityDispatchResult.CONTINUE
    name, connection = f"default_{id(model)}", migration.connection
    column = Column("it", there.type, server_default=new.arg)
    operation.modify_server_default = new
    with suppress(DBAPIError), connection.begin_nested():  # It may not fit the type.
        table = Table(name, MetaData(), column, prefixes=["TEMPORARY"])
        connection.execute(CreateTable(table))  # Not the type, which exists.
        told = inspect(connection).get_columns(name)[0]["default"]
        if str(told).strip("()") == str(old and old.arg.text).strip("()"):
            operation.modify_server_default = False
    return PriorityDispatchResult.STOP
