"""The scratch database, on which Alembic compares the models with what revisions build.

A developer's own database may be behind, or contain tables of other projects. So
`alembic revision --autogenerate` and `alembic check` run all revisions on an empty database
and compare the models with that; `alembic -x live …` compares with the real one.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from alembic import context, op
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from alembic_steady import private, x_arguments
from alembic_steady.adapters import adapter_for
from alembic_steady.settings import Settings

NOTE = """\
Compared the models with the revisions, not with the database. To check the database,
run alembic current --check-heads and steady drift."""


def is_scratch() -> bool:
    """Return whether the calling revision runs on a scratch or, on a server, test database.

    Such a database is dropped, but what a revision creates outside it, such as a role,
    would remain.
    """
    bind = op.get_bind()
    if bind is None:
        return False
    return adapter_for(bind.dialect.name).is_scratch(bind.engine.url)


def is_wanted() -> bool:
    """Return whether the command compares models, and not with the real database."""
    return private.is_autogenerate() and x_arguments.value("live") is None


def compare(settings: Settings, options: dict[str, Any]) -> None:
    """Compare the models with what the revisions build.

    Arguments:
        settings: the settings of the project.
        options: the options of `alembic.context.configure`.

    Raises:
        CommandError: there is no server on which a database may be created.
    """
    if settings.dialect_name != "sqlite" and not context.script.get_heads():
        _compare_with_nothing(settings, options)
    else:
        with settings.scratch_connection() as connection:
            context.configure(connection=connection, **options)
            migration = context.get_context()
            settings.adapter.prepare(connection, migration.version_table_schema)
            replay(migration, context.script, "heads")
            migration.stamp(context.script, "heads")
            context.run_migrations()
    if private.is_check():
        print(NOTE, file=sys.stderr)


def replay(
    migration: MigrationContext, scripts: ScriptDirectory, heads: str | Iterable[str]
) -> None:
    """Run all revisions up to the given heads on an empty database, as `upgrade` would.

    Raises:
        CommandError: there is no such revision.
    """
    with Operations.context(migration):
        found: Any = scripts.walk_revisions("base", heads)  # type: ignore[arg-type]
        for script in reversed(list(found)):
            private.run_revision(migration, script.module.upgrade)


def _compare_with_nothing(settings: Settings, options: dict[str, Any]) -> None:
    # The first revision needs no server: any empty database will do for the comparison,
    # as long as the revision is written for the project's dialect.
    context.configure(dialect_name=settings.dialect_name, **options)
    migration = context.get_context()
    with create_engine("sqlite://").connect() as connection:
        settings.adapter.pretend(migration, connection)
        migration.connection = connection
        context.run_migrations()
