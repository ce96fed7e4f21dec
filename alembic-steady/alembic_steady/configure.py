"""The options of `context.configure`: those of the project and of the library."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import URL, Connection

from alembic_steady.lock import lock_table
from alembic_steady.settings import Settings


def configure_options(settings: Settings) -> dict[str, Any]:
    """Return the options of `context.configure`: the project's and the library's.

    Raises:
        CommandError: the project passes an option that the library sets itself.
    """
    adapter, own = settings.adapter, dict(settings.options)
    if refused := sorted(own.keys() & adapter.decided_options):
        raise CommandError(
            f"remove {refused[0]} from run_migrations() in env.py: the library sets it"
        )
    told = {**adapter.configure_options, **own, "target_metadata": settings.metadata}
    lock = lock_table(own.get("version_table", "alembic_version"))

    def is_compared(item: Any, name: Any, kind: str, *_others: object) -> bool:
        # Models may be mapped to views.
        is_view = getattr(item, "is_view", False)
        return kind != "table" or not (is_view or name == lock)

    told["include_object"] = _both(is_compared, own.get("include_object"))
    return told


def current_heads(settings: Settings, connection: Connection) -> tuple[str, ...]:
    """Return the revisions that a database says it is at.

    Arguments:
        settings: the settings of the project.
        connection: the database.
    """
    options = {**settings.adapter.where(connection), **configure_options(settings)}
    migration = MigrationContext.configure(connection, opts=options)
    return migration.get_current_heads()


def heads_at(settings: Settings, url: URL) -> tuple[str, ...]:
    """Return the revisions that the database of a URL says it is at; none if it is not there."""
    if not settings.adapter.exists(url):
        return ()
    with settings.adapter.connect(url) as connection:
        return current_heads(settings, connection)


def include_name(
    settings: Settings, options: dict[str, Any]
) -> Callable[..., bool] | None:
    """Return a filter for the names that are compared on a real database.

    It leaves out schemas that the models do not use, since they may belong to others,
    unless the project sets `include_schemas` itself.

    Arguments:
        settings: the settings of the project.
        options: the options of `context.configure`.
    """
    theirs = settings.options.get("include_name")
    if "version_table_schema" not in settings.options:
        # Alembic only knows its own table by the full name of the default schema.
        table = options.get("version_table", "alembic_version")
        theirs = _both(partial(_is_not, table), theirs)
    if "include_schemas" in settings.options:
        return theirs
    own = {None, *(table.schema for table in settings.tables.values())}
    return _both(lambda name, kind, _: kind != "schema" or name in own, theirs)


def _is_not(version_table: str, name: str, kind: str, parents: dict[str, Any]) -> bool:
    is_default = parents.get("schema_name") is None
    return not (kind == "table" and name == version_table and is_default)


def _both(
    ours: Callable[..., bool], theirs: Callable[..., bool] | None
) -> Callable[..., bool]:
    if theirs is None:
        return ours
    return lambda *arguments: ours(*arguments) and theirs(*arguments)
