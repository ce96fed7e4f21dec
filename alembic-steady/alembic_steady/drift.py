"""Drift: how a database differs from what the revisions up to its own would build."""

from __future__ import annotations

from collections.abc import Iterator

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from alembic_steady import scratch
from alembic_steady.adapters.description import SHARED, Description
from alembic_steady.configure import configure_options, current_heads
from alembic_steady.scope import Scope
from alembic_steady.settings import Settings

NOT_OWNED = " (not owned: no revision creates it)"


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
    heads = current_heads(settings, real)
    with EnvironmentContext(config, ScriptDirectory.from_config(config)):
        scratch.replay(settings, options, empty, heads)
    scope = Scope(settings, options, empty)
    return list(compare(scope, scope.describe(empty), scope.describe(real)))


def compare(scope: Scope, built: Description, real: Description) -> Iterator[str]:
    """Yield what a database has in addition (`+`), lacks (`-`) or has changed (`~`)."""
    owned = {key[:2] for key in built if key.table}
    for key in scope.differences(built, real):
        if key.kind in SHARED:
            continue  # Its tables say what is missing.
        line = f"{key.kind} {key.place}"
        if key not in real:
            yield f"- {line}"
        elif key not in built:
            yield f"+ {line}" + ("" if key[:2] in owned else NOT_OWNED)
        else:
            aspect = f"{key.aspect} " if key.aspect else ""
            old, new = (" ".join(it[key].text.split()) for it in (built, real))
            yield f"~ {line}: {aspect}{new}; the revisions build {aspect}{old}"
