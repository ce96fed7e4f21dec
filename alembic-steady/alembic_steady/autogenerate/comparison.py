"""The comparison of models and revisions, for `check` and `revision --autogenerate`.

A developer's own database may be behind, or contain tables of other projects. So all
revisions are run on an empty scratch database, and that is compared with what the models
build; with `-x live`, the real database is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from weakref import finalize

from alembic import context
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, NullPool, create_engine

from alembic_steady import hooks, private, scratch, x_arguments
from alembic_steady.autogenerate import noise, ruler, trial
from alembic_steady.autogenerate.details import without_details
from alembic_steady.autogenerate.review import Review
from alembic_steady.autogenerate.ruler import Ruler
from alembic_steady.autogenerate.unmodelled import Unmodelled
from alembic_steady.configure import configure_options
from alembic_steady.scope import Scope
from alembic_steady.settings import Settings

NOTE = """\
Compared the models with the revisions, not with the database. To check the database,
run alembic current --check-heads and steady drift."""
NO_SERVER = "no scratch database was available when it was written."
LIVE = "{}, or compare with the database itself: {}"
CHECKS = "alembic.ext.checkconstraint_byname"


def compare(settings: Settings, options: dict[str, Any]) -> None:
    """Compare the models with what the revisions build.

    Arguments:
        settings: the settings of the project.
        options: the options of `context.configure`, of the project and the library.

    Raises:
        CommandError: there is no server on which a database may be created, a revision
            fails, or the models cannot be built.
    """
    with ExitStack() as stack:
        try:
            connection = stack.enter_context(settings.scratch_connection())
        except CommandError as error:
            if context.script.get_heads():
                way = x_arguments.command("live", "check")
                raise CommandError(LIVE.format(error, way)) from None
            _compare_with_nothing(settings, options, str(error))
        else:
            _compare_on(settings, options, connection, stack)
    if private.is_check():
        print(NOTE, file=sys.stderr)


def live_options(
    settings: Settings, options: dict[str, Any], connection: Connection
) -> dict[str, Any]:
    """Return the options for a comparison with a database itself.

    Where the revisions and the models can be built on a scratch database, the models are
    described there; otherwise Alembic compares them by its own rules.

    Arguments:
        settings: the settings of the project.
        options: the options of `context.configure`, of the project and the library.
        connection: the database, which is only read.
    """
    everything = options
    options = _without_unmodelled(settings, options, connection)
    replay = partial(scratch.replay, settings, options, heads="heads")
    try:
        with without_details(), _any_scratch(settings) as other:
            replay(other)
            scope = Scope(settings, options, other)
            measured = _measure(settings, scope, other, replay)
            is_given = connection.in_transaction()
            measured.take(measured.describe(connection))
            if not is_given:
                connection.rollback()
            measured.differences()  # While the scratch database is there.
    except CommandError as error:
        # No server for it, or a history that cannot be run on an empty database.
        print(f"Note: Alembic's own rules compare here: {error}", file=sys.stderr)
        review = Review(settings, options, None, is_live=True)
        options = _without_unmodelled(settings, everything, connection, are_parts=True)
        told = {"compare_server_default": True, **options}
        return told | {"autogenerate_plugins": _plugins(settings)} | review.options()
    review = Review(settings, options, measured, is_live=True)
    return _options(settings, options, measured, review)


def _without_unmodelled(
    settings: Settings,
    options: dict[str, Any],
    connection: Connection,
    *,
    are_parts: bool = False,
) -> dict[str, Any]:
    """Return options that leave out the tables that models can't say, or parts as well."""
    unmodelled = Unmodelled(settings, connection.dialect.default_schema_name)
    include = unmodelled.left_out(options["include_object"], are_parts=are_parts)
    return {**options, "include_object": include}


@contextmanager
def _any_scratch(settings: Settings) -> Iterator[Connection]:
    """Create a database on the server for scratch databases, or on that for tests."""
    with ExitStack() as stack:
        try:
            connection = stack.enter_context(settings.scratch_connection())
        except CommandError as reason:
            try:
                url = stack.enter_context(settings.test_database())
                connection = stack.enter_context(settings.adapter.connect(url))
            except CommandError:
                raise reason from None
        yield connection


def _compare_on(
    settings: Settings,
    options: dict[str, Any],
    connection: Connection,
    stack: ExitStack,
) -> None:
    """Compare on a scratch database, and leave it to the trial of a new revision."""
    options = _without_unmodelled(settings, options, connection)
    replay = partial(scratch.replay, settings, options, heads="heads")
    replay(connection)
    context.get_context().stamp(context.script, "heads")
    connection.commit()
    scope = Scope(settings, options, connection)
    with without_details():
        measured = _measure(settings, scope, connection, replay)
        review = Review(settings, options, measured)
        told = _options(settings, options, measured, review)
        context.configure(connection=connection, **told)
        context.run_migrations()
    if not review.number or private.is_check():
        return
    if not review.is_restored:
        stack.close()
        connection = stack.enter_context(settings.scratch_connection())
        replay(connection)
    close = stack.pop_all().close
    finalize(context.script, close)
    trial.Trial(
        options, connection, close, measured, review.unresolved, review.number
    ).arrange()


def prove(
    settings: Settings,
    config: Config,
    scripts: ScriptDirectory,
    before: str,
    files: Sequence[Path],
) -> list[str]:
    """Run revisions up, down and up on a scratch database, and return what is said of each.

    Arguments:
        settings: the settings of the project.
        config: Alembic's configuration of the project.
        scripts: its revisions.
        before: the revision behind which they stand.
        files: their files, oldest first; the last one has to lead to what the models build.

    Raises:
        CommandError: one does not work; no file has changed.
    """
    options = configure_options(settings)
    with settings.scratch_connection() as connection:
        with EnvironmentContext(config, scripts), without_details():
            options = _without_unmodelled(settings, options, connection)
            replay = partial(scratch.replay, settings, options, heads=before)
            replay(connection)
            connection.commit()
            scope = Scope(settings, options, connection)
            measured = _measure(settings, scope, connection, replay)
        tried = trial.Trial(
            *(options, connection, connection.close, measured, set(), len(files)),
            *(scripts, config),
        )
        return [tried.prove(file) for file in files]


def _measure(
    settings: Settings,
    scope: Scope,
    connection: Connection,
    replay: Callable[[Connection], None],
) -> Ruler:
    connection.rollback()
    empty = partial(_any_scratch, settings)
    return ruler.measure(settings, scope, connection, empty, replay)


def _options(
    settings: Settings, options: dict[str, Any], measured: Ruler, review: Review
) -> dict[str, Any]:
    include = options["include_object"]
    told = options | noise.options(measured, settings.options, include)
    told["compare_server_default"] = True  # Ours is called, and then none of Alembic's.
    told["autogenerate_plugins"] = [*_plugins(settings), noise.PLUGIN]
    if not (measured.differences() or _others_compare_tables(settings)):
        # Nothing could be proposed, and there may be many tables.
        told["autogenerate_plugins"].append("~alembic.autogenerate.tables")
    return told | review.options()


def _others_compare_tables(settings: Settings) -> bool:
    return "autogenerate_plugins" in settings.options or private.compares_tables()


def _plugins(settings: Settings) -> list[str]:
    own = settings.options.get("autogenerate_plugins", ["alembic.autogenerate.*"])
    return [*own, CHECKS]


def _compare_with_nothing(
    settings: Settings, options: dict[str, Any], reason: str
) -> None:
    # Any empty database will do for the comparison, as long as the revision is written for
    # the project's dialect.
    review = Review(settings, options, None)
    told = options | {"autogenerate_plugins": _plugins(settings)} | review.options()
    context.configure(dialect_name=settings.dialect_name, **told)
    migration: Any = context.get_context()
    with create_engine("sqlite://", poolclass=NullPool).connect() as connection:
        settings.adapter.pretend(migration, connection)
        migration.connection = connection
        context.run_migrations()
    if review.number and not private.is_check():
        print(f"Warning: the revision has not run: {reason}", file=sys.stderr)
        remark = trial.NOT_RUN.format(NO_SERVER)
        hooks.append(context.script, lambda file: trial.note(file, remark))
