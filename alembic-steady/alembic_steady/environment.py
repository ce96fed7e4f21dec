"""`run_migrations`, which `env.py` calls; Alembic runs that file for each command."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, MetaData

from alembic_steady import errors, head_file, private, scratch
from alembic_steady.configure import configure_options, include_name
from alembic_steady.executor import PLAN, Executor
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
    """Run the Alembic command for which `env.py` is being executed.

    Each URL may be a string, a SQLAlchemy `URL`, or a function that returns either; the
    function is called only if the command needs the URL. If the URL names an asynchronous
    driver, a synchronous one is used in its place.

    Arguments:
        target_metadata: the metadata of the models, or a sequence of several.
        url: the database; by default `sqlalchemy.url` of the ini file.
        application_url: the same database with the application's role, which
            `steady create` allows to read and write.
        shadow_url: a server on which scratch databases may be created; by default the one
            in SHADOW_DATABASE_URL, or else the database's own if it is on this machine.
        test_url: the same for test databases, with TEST_DATABASE_URL.
        dialect_name: the name of SQLAlchemy's dialect; by default that of the URL.
        options: further options of `alembic.context.configure`.

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
    with errors.in_one_line("the command failed", context.config):
        if private.is_generating():
            _generate(settings)
        else:
            _run_command(settings)


def _generate(settings: Settings) -> None:
    """Run `revision` or `merge`, which need no database unless they compare models."""
    if private.follows_any_head():
        head_file.refuse_several(context.script)
    if private.is_autogenerate():
        _run_command(settings)
    else:
        context.configure(
            dialect_name=settings.dialect_name, **configure_options(settings)
        )
        [*private.plan()((), context.get_context())]
    head_file.keep(context.script)


def _run_command(settings: Settings) -> None:
    told = configure_options(settings)
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
        # Imported only here, so that other commands start faster.
        from alembic_steady.autogenerate import comparison

        comparison.compare(settings, told)
    else:
        url = settings.url()
        if private.is_writing():
            url = settings.adapter.writable(url)
        with settings.adapter.connect(url) as connection:
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
    """Run the command on a database, and hold the lock if the command writes to it."""
    place = settings.adapter.describe(connection.engine.url)
    print(f"Database: {place}", file=sys.stderr)
    with errors.in_one_line(place, context.config):
        options = {**settings.adapter.where(connection), **options}
        options["include_name"] = include_name(settings, options)
        if private.is_autogenerate():
            from alembic_steady.autogenerate import comparison

            options = comparison.live_options(settings, options, connection)
        if not private.is_writing():
            context.configure(connection=connection, **options)
            with context.begin_transaction():
                context.run_migrations()
            return
        is_given = connection.in_transaction()
        plan = context.config.attributes.get(PLAN) or private.plan()
        executor = Executor(settings.adapter, plan, is_given=is_given)
        context.configure(connection=connection, fn=executor.steps, **options)
        with settings.adapter.lock(connection) as check:
            executor.run(connection, check)
