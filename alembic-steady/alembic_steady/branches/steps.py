"""Steps that a command chooses itself, run with the lock and the report of every run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationStep
from alembic.script import Script
from alembic.script.revision import RevisionMap

from alembic_steady.executor import PLAN


def undo(config: Config, known: RevisionMap, newest_first: Iterable[Script]) -> None:
    """Run `downgrade` of some revisions, whose files may be elsewhere.

    Arguments:
        config: Alembic's configuration of the project.
        known: a history that has them.
        newest_first: those that are undone.

    Raises:
        CommandError: one fails.
    """
    _run(
        config, [MigrationStep.downgrade_from_script(known, it) for it in newest_first]
    )


def redo(config: Config, known: RevisionMap, oldest_first: Iterable[Script]) -> None:
    """Run `upgrade` of some revisions; arguments are as for `undo`."""
    _run(config, [MigrationStep.upgrade_from_script(known, it) for it in oldest_first])


def _run(config: Config, steps: list[Any]) -> None:
    config.attributes[PLAN] = lambda _heads, _migration: steps
    try:
        command.upgrade(config, "heads")
    finally:
        del config.attributes[PLAN]
