{% set family = (cookiecutter.database_url | database).dialect.family %}
"""Drift: how a database differs from what the revisions build, up to the one it is at."""

from collections.abc import Iterator
from typing import Any

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Inspector, inspect

from app.config import ROOT
from app.database import Base
from migrations import scratch

PARTS: dict[str, Any] = {
    "column": Inspector.get_multi_columns,
    "primary key": Inspector.get_multi_pk_constraint,
    "unique constraint": Inspector.get_multi_unique_constraints,
    "foreign key": Inspector.get_multi_foreign_keys,
    "check": Inspector.get_multi_check_constraints,
    "index": Inspector.get_multi_indexes,
{% if family != "file" %}
    "comment": Inspector.get_multi_table_comment,
{% endif %}
}
NOT_OWNED = " (not owned: no revision makes it)"

Description = dict[tuple[str, str, str], str]
"""The properties of tables, views and their parts, by table, kind and name."""


def find(real: Connection, empty: Connection) -> list[str]:
    """Return how a database differs from what its revisions build, one line each.

    Arguments:
        real: the database, which is only read.
        empty: another one, on which the revisions are run.

    Raises:
        CommandError: the database is at a revision that is not here.
    """
    heads = MigrationContext.configure(real).get_current_heads()
{% if family == "file" %}
    options = {"target_metadata": Base.metadata, "transactional_ddl": True}
{% else %}
    options = {"target_metadata": Base.metadata, "transaction_per_migration": True}
{% endif %}
    migration = MigrationContext.configure(empty, opts=options)
    scripts = ScriptDirectory.from_config(Config(ROOT / "alembic.ini"))
    scratch.build(migration, scripts, heads)
    return list(compare(describe(empty), describe(real)))


def compare(built: Description, real: Description) -> Iterator[str]:
    """Say what a database has more (`+`), less (`-`) and otherwise (`~`) than another."""
    owned, there = ({thing for thing, *_ in found} for found in (built, real))
    for key in sorted({*built, *real}):
        thing, kind, name = key
        line = f"{kind} {thing}{name}"
        if name and thing not in owned & there:
            continue  # The table is there as a whole, or not at all.
        if key not in real:
            yield f"- {line}"
        elif key not in built:
            yield f"+ {line}" + ("" if thing in owned else NOT_OWNED)
        elif real[key] != built[key]:
            yield f"~ {line}: {real[key]}, by the revisions {built[key]}"


def describe(connection: Connection) -> Description:
    """Return all tables and views of a database, and what belongs to them."""
    inspector = inspect(connection)
    found: Description = {}
{% if family == "postgresql" %}
    system = {inspector.default_schema_name, "information_schema"}
    for schema in (None, *({*inspector.get_schema_names()} - system)):
        before = f"{schema}." if schema else ""
        for view in inspector.get_view_names(schema):
            text = inspector.get_view_definition(view, schema)
            found[f"{before}{view}", "view", ""] = " ".join(str(text).split())
        for kind, get in PARTS.items():
            for (_, table), parts in get(inspector, schema).items():
                found[f"{before}{table}", "table", ""] = ""
                for name, text in _tell(parts):
                    found[f"{before}{table}", kind, f".{name}"] = text
{% else %}
    for view in inspector.get_view_names():
        text = inspector.get_view_definition(view)
        found[view, "view", ""] = " ".join(str(text).split())
    for kind, get in PARTS.items():
        for (_, table), parts in get(inspector).items():
            found[table, "table", ""] = ""
            for name, text in _tell(parts):
                found[table, kind, f".{name}"] = text
{% endif %}
    return {key: found[key] for key in found if key[0] != "alembic_version"}


def _tell(parts: Any) -> Iterator[tuple[str, str]]:
    for part in parts if isinstance(parts, list) else [parts]:
        columns = part.get("constrained_columns") or part.get("column_names") or []
{% if family == "file" %}
        options = part.pop("dialect_options", {})
        part |= {key: str(value) for key, value in options.items()}
{% endif %}
        told = [f"{key} {part[key]}" for key in part if key != "name" and part[key]]
        yield part.get("name") or ",".join(columns), ", ".join(told)
