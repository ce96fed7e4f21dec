"""Server defaults, compared as the database tells them.

It does not tell one as the model has it: `true` may come back as 1, or `now()` as
`current_timestamp()`. So a temporary table gets the model's, and is asked for it.
"""

{% if cookiecutter.__kind == "file" %}
import re
{% endif %}
from contextlib import suppress
from typing import Any

from alembic.runtime.plugins import Plugin
from alembic.util import DispatchPriority, PriorityDispatchResult
{% if cookiecutter.__kind == "file" %}
from sqlalchemy import Column, MetaData, Table, event, inspect, text
{% else %}
from sqlalchemy import Column, MetaData, Table, inspect
{% endif %}
from sqlalchemy.exc import DBAPIError


def compare(context: Any, operation: Any, *compared: Any) -> PriorityDispatchResult:
    """Let an operation of autogenerate change a column's default, if it has changed."""
    *_names, there, model = compared
    old, new = there.server_default, model.server_default
    # Other than a default, what a computed or identity column has is no argument.
    if not hasattr(new, "arg") or not hasattr(old or new, "arg"):
        return PriorityDispatchResult.CONTINUE
    name, connection = f"default_{id(model)}", context.connection
    column = Column("it", there.type, server_default=new.arg)
    operation.modify_server_default = new
    with suppress(DBAPIError), connection.begin_nested():  # It may not suit the type.
        Table(name, MetaData(), column, prefixes=["TEMPORARY"]).create(connection)
        told = inspect(connection).get_columns(name)[0]["default"]
        if str(told).strip("()") == str(old and old.arg.text).strip("()"):
            operation.modify_server_default = False
    return PriorityDispatchResult.STOP


Plugin("migrations.defaults").add_autogenerate_comparator(
    compare, "column", "server_default", priority=DispatchPriority.FIRST
)
{% if cookiecutter.__kind == "file" %}


@event.listens_for(Table, "column_reflect")
def _read_computed(inspector: Any, table: Table, column: Any) -> None:
    # SQLAlchemy finds no expression after a type with a comma, such as NUMERIC(12, 4).
    if column.get("computed", {}).get("sqltext") == "":
        query = text("SELECT sql FROM sqlite_master WHERE name = :name")
        sql = inspector.bind.scalar(query, {"name": table.name})
        found = re.search(rf"{re.escape(column['name'])}\W.* AS \((.*)\)", sql)
        column["computed"]["sqltext"] = found[1] if found else ""
{% endif %}
