"""The one call in `env.py`, which Alembic runs for each command."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, MetaData

from alembic_steady import private, scratch
from alembic_steady.configure import configure_options, include_name
from alembic_steady.executor import Executor
from alembic_steady.settings import COLLECTOR, Settings, UrlSource


def run_migrations(
    target_metadata: MetaData | Sequence[MetaData],
    *,
    url: UrlSource = None,
    application_url: UrlSource = None,
    shadow_url: UrlSource = None,
    test_url: UrlSource = None,
    dialect_name: str | None = None,
    **options: Any,
) -> None:
    """Run the command for which Alembic has called `env.py`.

    Each URL may be a string, a SQLAlchemy URL, or a function that returns one of them; it
    is called only if the command needs a database. A URL of an asynchronous driver is used
    with a synchronous one.

    Arguments:
        target_metadata: that of the models, or several.
        url: the database; without it, `sqlalchemy.url` of the ini file.
        application_url: the same database by the application's role, which
            `steady create` lets read and write.
        shadow_url: a server on which scratch databases may be made; without it, that of
            the variable SHADOW_DATABASE_URL, else that of the database, if it is local.
        test_url: the same for tests and TEST_DATABASE_URL.
        dialect_name: what the database speaks; without it, the URL tells.
        options: as for `alembic.context.configure`.

    Raises:
        CommandError: the command has failed; the message says why.
    """
    settings = Settings(
        target_metadata,
        context.config,
        url,
        application_url,
        shadow_url,
        test_url,
        dialect_name,
        options,
    )
    if COLLECTOR in context.config.attributes:
        context.config.attributes[COLLECTOR](settings)
        return
    told = configure_options(settings)
    if private.is_autogenerate():
        # Imported here: other commands are faster without.
        from alembic_steady.autogenerate import revision

        told |= revision.configure_options(settings)
    given = context.config.attributes.get("connection")
    if context.is_offline_mode():
        _print_sql(settings, told)
    elif isinstance(given, Connection):
        _run(settings, told, given)
    elif isinstance(given, Engine):
        with given.connect() as connection:
            _run(settings, told, connection)
    elif given is not None:
        raise CommandError(
            'config.attributes["connection"] has to be a Connection or an Engine of'
            f" SQLAlchemy, not {type(given).__name__}"
        )
    elif scratch.is_wanted():
        scratch.compare(settings, told)
    else:
        with settings.adapter.connect(settings.url()) as connection:
            _run(settings, told, connection)


def _print_sql(settings: Settings, options: dict[str, Any]) -> None:
    context.configure(
        dialect_name=settings.dialect_name,
        literal_binds=True,
        dialect_opts={"paramstyle": "named"},
        **options,
    )
    with context.begin_transaction():
        context.run_migrations()


def _run(settings: Settings, options: dict[str, Any], connection: Connection) -> None:
    """Run the command on a database, alone where it writes there, and say which it is."""
    place = settings.adapter.describe(connection.engine.url)
    print(f"Database: {place}", file=sys.stderr)
    options["include_name"] = include_name(settings)
    if not private.is_writing():
        context.configure(connection=connection, **options)
        with context.begin_transaction():
            context.run_migrations()
        return
    executor = Executor(settings.adapter, private.plan())
    context.configure(connection=connection, fn=executor.steps, **options)
    with settings.adapter.lock(connection) as check:
        executor.run(connection, check)
