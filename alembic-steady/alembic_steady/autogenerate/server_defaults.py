"""Server defaults, compared as the database tells them.

It does not tell one as the model has it: `true` may come back as 1, or `now()` as
`current_timestamp()`. So a temporary table gets the model's, and is asked for it.
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
    """Let Alembic know the comparator; what does not name the plugin goes without."""
    Plugin(PLUGIN).add_autogenerate_comparator(
        compare, "column", "server_default", priority=DispatchPriority.FIRST
    )


def compare(migration: Any, operation: Any, *compared: Any) -> PriorityDispatchResult:
    """Let an operation of autogenerate change a column's default, if it has changed."""
    *_names, there, model = compared
    old, new = there.server_default, model.server_default
    if isinstance(new, Identity) and not migration.dialect.supports_identity_columns:
        return PriorityDispatchResult.STOP
    # Other than a default, what a computed or identity column has is no argument.
    if not hasattr(new, "arg") or not hasattr(old or new, "arg"):
        return PriorityDispatchResult.CONTINUE
    name, connection = f"default_{id(model)}", migration.connection
    column = Column("it", there.type, server_default=new.arg)
    operation.modify_server_default = new
    with suppress(DBAPIError), connection.begin_nested():  # It may not suit the type.
        table = Table(name, MetaData(), column, prefixes=["TEMPORARY"])
        connection.execute(CreateTable(table))  # Without the type, which is there.
        told = inspect(connection).get_columns(name)[0]["default"]
        if str(told).strip("()") == str(old and old.arg.text).strip("()"):
            operation.modify_server_default = False
    return PriorityDispatchResult.STOP
