"""The scratch database: an empty one, on which the revisions are run.

Such a database is made for each comparison and dropped afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from alembic import context, op
from alembic.operations import Operations
from alembic.script import Script
from alembic.util import CommandError
from sqlalchemy import Connection

from alembic_steady import errors, private, x_arguments
from alembic_steady.adapters import adapter_for
from alembic_steady.settings import Settings


def is_scratch() -> bool:
    """Return whether the calling revision runs on a scratch or, on a server, test database.

    Such a database is dropped, but what a revision creates outside it, such as a role,
    would remain. While SQL is printed, nothing is known of the database that it is for.
    """
    migration = op.get_context()
    connection = migration.connection
    if migration.as_sql or connection is None:
        return False
    return adapter_for(connection.dialect.name).is_scratch(connection.engine.url)


def is_wanted() -> bool:
    """Return whether the command compares models, and not with the real database."""
    return private.is_autogenerate() and x_arguments.value("live") is None


def replay(
    settings: Settings,
    options: Mapping[str, Any],
    connection: Connection,
    heads: str | Iterable[str],
    begin: Callable[[Script], object] = lambda _script: None,
) -> None:
    """Run all revisions up to the given heads on an empty database, as `upgrade` would.

    Arguments:
        settings: the settings of the project.
        options: the options of `context.configure`.
        connection: the empty database.
        heads: the revisions up to which to run.
        begin: is told of each revision before it runs.

    Raises:
        CommandError: there is no such revision, or one fails.
    """
    with running(settings, options, connection) as run:
        for script in in_order(heads):
            begin(script)
            run(script, "upgrade")


def in_order(heads: str | Iterable[str]) -> list[Script]:
    """Return all revisions up to the given heads, each behind those that it follows."""
    scripts: Any = context.script.walk_revisions("base", heads)  # type: ignore[arg-type]
    return [*reversed([*scripts])]


@contextmanager
def running(
    settings: Settings, options: Mapping[str, Any], connection: Connection
) -> Iterator[Callable[[Script, str], None]]:
    """Prepare an empty database, and yield a function that runs `upgrade` or `downgrade`.

    That raises a CommandError which names the revision if it fails.
    """
    context.configure(connection=connection, **options)
    migration = context.get_context()
    settings.adapter.prepare(connection, migration.version_table_schema)

    def run(script: Script, direction: str) -> None:
        try:
            private.run_revision(migration, getattr(script.module, direction))
        except Exception as error:
            is_wanted = x_arguments.value("traceback") is not None
            if isinstance(error, CommandError) or is_wanted:
                raise
            name = f"{script.revision} {script.doc}"
            raise CommandError(errors.explain(error, name)) from error

    with Operations.context(migration), settings.adapter.running():
        yield run
