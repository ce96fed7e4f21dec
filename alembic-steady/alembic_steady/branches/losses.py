"""What a database loses if revisions are undone: the rows and values that stand there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from alembic_steady import questions, scratch
from alembic_steady.adapters.description import Description, Key
from alembic_steady.configure import configure_options
from alembic_steady.scope import Scope
from alembic_steady.settings import Settings

LOST = "undoing {} drops {}. Undo it?"
UNKNOWN = "it is not known what undoing {} drops, since {}. Undo it?"


def confirm(
    project: Settings,
    config: Config,
    url: sa.URL,
    scripts: ScriptDirectory,
    ran: Sequence[Script],
    newest_first: Sequence[Script],
) -> None:
    """Ask before revisions are undone that have made what has rows.

    Arguments:
        project: the settings of the project.
        config: Alembic's configuration of the project.
        url: the database.
        scripts: the revisions of the project.
        ran: what the database has run, oldest first.
        newest_first: what is to be undone.

    Raises:
        CommandError: rows would be dropped, and that is not wanted.
    """
    names = ", ".join(f"{it.revision} {it.doc}" for it in newest_first)
    try:
        found = of_undoing(project, config, scripts, ran, newest_first)
    except CommandError as error:
        question = UNKNOWN.format(names, error)
    else:
        with project.adapter.connect(url) as real:
            told = [*counted(real, found)]
        if not told:
            return
        question = LOST.format(names, ", ".join(told))
    questions.confirm(config, question, "allow-drop")


def of_undoing(
    settings: Settings,
    config: Config,
    scripts: ScriptDirectory,
    ran: Sequence[Script],
    newest_first: Sequence[Script],
) -> list[Key]:
    """Return the tables and columns that are gone if some revisions are undone.

    They are run on a scratch database, and undone there.

    Arguments:
        settings: the settings of the project.
        config: Alembic's configuration of the project.
        scripts: the revisions of the project.
        ran: what the database has run, oldest first.
        newest_first: what is to be undone.

    Raises:
        CommandError: there is no scratch database, or a revision fails.
    """
    options = configure_options(settings)
    with (
        settings.scratch_connection() as connection,
        EnvironmentContext(config, scripts),
        scratch.running(settings, options, connection) as run,
    ):
        for script in ran:
            run(script, "upgrade")
        scope = Scope(settings, options, connection)
        before = scope.describe(connection)
        connection.rollback()
        for script in newest_first:
            run(script, "downgrade")
        after = scope.describe(connection)
    return dropped(before, after)


def dropped(before: Description, after: Description) -> list[Key]:
    """Return the tables, and the columns of others, that only the first database has."""
    found = [key for key in before if key not in after and not key.aspect]
    tables = [key for key in found if key.kind == "table"]
    gone = {key[:2] for key in tables}
    columns = [it for it in found if it.kind == "column" and it[:2] not in gone]
    return [*tables, *columns]


def counted(connection: Connection, keys: Sequence[Key]) -> Iterator[str]:
    """Yield the tables and columns that have rows in a database, with their number.

    Arguments:
        connection: the database, which is only read.
        keys: tables and columns.
    """
    inspector = sa.inspect(connection)
    for key in keys:
        if not inspector.has_table(key.table, schema=key.schema):
            continue
        table = sa.table(key.table, schema=key.schema)
        what, unit = sa.func.count(), "row"
        if key.kind == "column":
            what, unit = sa.func.count(sa.column(key.name)), "value"
        number = connection.scalar(sa.select(what).select_from(table))
        if number:
            yield f"{key.words} ({number:,} {unit}{'s' * (number > 1)})"
