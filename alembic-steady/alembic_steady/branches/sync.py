"""`steady sync`: the local database gets the history of the branch that is checked out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic import command
from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL

from alembic_steady import errors, settings, x_arguments
from alembic_steady.branches import losses, steps
from alembic_steady.branches.elsewhere import Ran, is_here
from alembic_steady.configure import current_heads
from alembic_steady.git import repository, revisions
from alembic_steady.settings import Settings

NOT_LOCAL = "{} is not on this machine, and sync is for your own databases"
NOT_THERE = "{} does not exist; to make it: steady create"
TO_UNDO = "{} {} is {}, not here"
MOVED = "{} {} stands behind others here that have not run"
BEHIND = "{} revision{} of this branch {} not run: {}"


def sync(config: Config) -> None:
    """Undo in the local database what this branch does not have, and upgrade it.

    Arguments:
        config: Alembic's configuration of the project.

    Raises:
        CommandError: that is not possible; the message is one line.
    """
    project = settings.load(config)
    url = project.url()
    place = project.adapter.describe(url)
    if not project.adapter.is_local(url):
        raise CommandError(NOT_LOCAL.format(place))
    is_dry = x_arguments.is_told(config, "dry-run")
    scripts = ScriptDirectory.from_config(config)
    with errors.in_one_line(place, config):
        if not project.adapter.exists(url):
            if is_dry:
                return  # It only tells of what has to be done because of the branch.
            raise CommandError(NOT_THERE.format(place))
        with TemporaryDirectory() as folder:
            ran = Ran(scripts, Path(folder))
            wrong = _wrong(project, url, ran)
            if is_dry:
                _report(config, place, ran, wrong)
                return
            if wrong:
                found = [*ran.found.values()]
                losses.confirm(project, config, url, scripts, found, wrong)
                steps.undo(config, ran.map(), wrong)
        command.upgrade(config, "head")


def _wrong(project: Settings, url: URL, ran: Ran) -> list[Script]:
    with project.adapter.connect(url) as real:
        heads = current_heads(project, real)
    ran.read(heads)
    return ran.to_undo(heads)


def _report(config: Config, place: str, ran: Ran, wrong: Sequence[Script]) -> None:
    """Say what `sync` would do, or nothing if that is nothing."""
    undone = {it.revision for it in wrong}
    applied = {*ran.found} - undone
    new = [
        it.revision for it in ran.scripts.walk_revisions() if it.revision not in applied
    ]
    if not (wrong or new):
        return
    config.print_stdout("%s:", place)
    here = repository.find(Path(ran.scripts.dir))
    for it in wrong:
        line = MOVED.format(it.revision, it.doc)
        if not is_here(ran.scripts, it.revision):
            found = here and revisions.find(here, ran.scripts, it.revision)
            line = TO_UNDO.format(it.revision, it.doc, found or "in no commit")
        config.print_stdout("  %s", line)
    if new:
        several = len(new) > 1
        told = ", ".join(reversed(new)) if len(new) < 4 else f"up to {new[0]}"
        line = BEHIND.format(
            len(new), "s" * several, "have" if several else "has", told
        )
        config.print_stdout("  %s", line)
    config.print_stdout("To let it follow the branch: steady sync")
