"""Drift: how a database differs from what the revisions up to its own would build."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Inspector, MetaData, Table, inspect

from alembic_steady import scratch
from alembic_steady.configure import configure_options
from alembic_steady.settings import Settings

PARTS: dict[str, Callable[..., Any]] = {
    "column": Inspector.get_multi_columns,
    "primary key": Inspector.get_multi_pk_constraint,
    "unique constraint": Inspector.get_multi_unique_constraints,
    "foreign key": Inspector.get_multi_foreign_keys,
    "check": Inspector.get_multi_check_constraints,
    "index": Inspector.get_multi_indexes,
    "comment": Inspector.get_multi_table_comment,
}
NOT_OWNED = " (not owned: no revision creates it)"

Description = dict[tuple[str, str, str], str]
"""A description of each table, view and part of one, by table, kind and name."""


def find(
    settings: Settings, config: Config, real: Connection, empty: Connection
) -> list[str]:
    """Return how a database differs from what its revisions build, one line each.

    Arguments:
        settings: the settings of the project.
        config: Alembic's configuration of the project.
        real: the database to examine, which is only read.
        empty: an empty database, on which the revisions are run.

    Raises:
        CommandError: the database is at a revision that the project does not have.
    """
    options = configure_options(settings)
    heads = MigrationContext.configure(real, opts=options).get_current_heads()
    scripts = ScriptDirectory.from_config(config)
    migration = MigrationContext.configure(empty, opts=options)
    settings.adapter.prepare(empty, migration.version_table_schema)
    scratch.replay(migration, scripts, heads)
    built = describe(settings, options, empty)
    return list(compare(built, describe(settings, options, real)))


def compare(built: Description, real: Description) -> Iterator[str]:
    """Yield what a database has in addition (`+`), lacks (`-`) or has changed (`~`)."""
    owned, there = ({thing for thing, *_ in found} for found in (built, real))
    for key in sorted({*built, *real}):
        thing, kind, name = key
        line = f"{kind} {thing}{name}"
        if name and thing not in owned & there:
            continue  # The line for the table itself says it all.
        if key not in real:
            yield f"- {line}"
        elif key not in built:
            yield f"+ {line}" + ("" if thing in owned else NOT_OWNED)
        elif real[key] != built[key]:
            yield f"~ {line}: {real[key]}; the revisions build {built[key]}"


def describe(
    settings: Settings, options: dict[str, Any], connection: Connection
) -> Description:
    """Describe all tables and views of a database, and their parts."""
    inspector = inspect(connection)
    found: Description = {}
    default = inspector.default_schema_name
    for schema in settings.adapter.schemas(inspector.get_schema_names(), default):
        before = f"{schema}." if schema else ""
        for view in inspector.get_view_names(schema):
            text = inspector.get_view_definition(view, schema)
            found[f"{before}{view}", "view", ""] = " ".join(str(text).split())
        for kind, get in PARTS.items():
            if kind == "comment" and not connection.dialect.supports_comments:
                continue
            for (_, table), parts in get(inspector, schema).items():
                if not _is_wanted(options, table, schema, default):
                    continue
                found[f"{before}{table}", "table", ""] = ""
                for name, text in _tell(parts):
                    found[f"{before}{table}", kind, f".{name}"] = text
    return found


def _is_wanted(
    options: dict[str, Any], table: str, schema: str | None, default: str | None
) -> bool:
    version_schema = options.get("version_table_schema")
    if table == options.get("version_table", "alembic_version"):
        return (schema or default) != (version_schema or default)
    parents = {"schema_name": schema, "schema_qualified_table_name": table}
    include_name = options.get("include_name")
    if include_name and not include_name(table, "table", parents):
        return False
    bare = Table(table, MetaData(), schema=schema)
    return bool(options["include_object"](bare, table, "table", True, None))


def _tell(parts: Any) -> Iterator[tuple[str, str]]:
    for part in parts if isinstance(parts, list) else [parts]:
        columns = part.get("constrained_columns") or part.get("column_names") or []
        # Options contain expressions, which compare equal only as text.
        options = {key: str(it) for key, it in part.get("dialect_options", {}).items()}
        told = {**part, "dialect_options": options}
        text = ", ".join(
            f"{key} {told[key]}" for key in told if key != "name" and told[key]
        )
        yield part.get("name") or ",".join(columns), text
