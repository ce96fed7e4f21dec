"""`steady plan`: what `upgrade head` would do to a database, without doing it."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError, to_tuple
from sqlalchemy import Connection, event

from alembic_steady import errors, history, scratch, settings, x_arguments
from alembic_steady.adapters.description import Description, Key
from alembic_steady.branches import losses
from alembic_steady.configure import configure_options, heads_at
from alembic_steady.git import repository, revisions
from alembic_steady.scope import Scope
from alembic_steady.settings import Settings

NO_PLACE = "git has no commit {0}: git fetch origin, or git fetch --unshallow"
NOTHING = "Nothing to do"
AS_RUN = "-- as run on a scratch database"
"""What stands before the SQL of a revision that Alembic can't print without a database."""
READS = re.compile(r"(?i)\s*(SELECT|PRAGMA|SHOW|EXPLAIN|SAVEPOINT|RELEASE|SET)\b")
"""Statements that change nothing."""
NO_FINDING = "squawk finds nothing in these revisions"
TIME = "ran in {:.2f} s on a scratch database"
NOT_TRIED = "not tried: {}"
NOT_PRINTED = "-- Alembic can't print it without a database"
DROPS = "drops {}"
REQUIRED = "{} becomes NOT NULL, which fails if a row has no value for it"
TYPE = "{} changes from {} to {}"


@dataclass
class Step:
    """A revision that has not run.

    Attributes:
        script: the revision.
        seconds: how long it took on a scratch database; None if there is none.
        statements: what it has executed there.
        dropped: the tables and columns that it drops.
        remarks: what else the owner of the rows may want to know.
    """

    script: Script
    seconds: float | None = None
    statements: list[str] = field(default_factory=list)
    dropped: list[Key] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def plan(config: Config) -> None:
    """Show what `upgrade head` would do to the database, or with what a branch adds.

    Arguments:
        config: Alembic's configuration of the project.

    Raises:
        CommandError: that is not known; the message is one line.
    """
    project = settings.load(config)
    scripts = ScriptDirectory.from_config(config)
    since = next(x_arguments.told(config, "since"), None)
    with errors.in_one_line("steady plan", config):
        if since is None:
            known = _run_before(project, config, scripts)
        else:
            known = _known_to(config, scripts, since)
        oldest_first = reversed([*scripts.walk_revisions()])
        pending = [it for it in oldest_first if it.revision not in known]
        if not pending:
            config.print_stdout(NOTHING)
            return
        steps, reason = [Step(it) for it in pending], ""
        with ExitStack() as stack:
            try:
                connection = stack.enter_context(project.scratch_connection())
            except CommandError as error:
                reason = str(error)
            else:
                steps = _tried(project, config, scripts, connection, pending)
        counts = {} if since else _counts(project, steps)
        sql = _sql(config, pending)
        for step in steps:
            _tell(config, step, counts, sql, reason)
        if project.adapter.can_lint():
            config.print_stdout("")
            code = project.adapter.squawk(config, {it.revision for it in pending})
            if not code:
                config.print_stdout("%s", NO_FINDING)
            if since:  # What a branch adds can still be changed.
                sys.exit(code)


def _run_before(
    project: Settings, config: Config, scripts: ScriptDirectory
) -> set[str]:
    """Return the revisions that the database has run."""
    url = project.url()
    place = project.adapter.describe(url)
    with errors.in_one_line(place, config):
        heads = heads_at(project, url)
        config.print_stdout("%s, at %s", place, ", ".join(heads) or "base")
        scripts.get_revisions(heads)  # It says which one is not here.
        return {it.revision for it in scripts.iterate_revisions(heads, "base")}


def _known_to(config: Config, scripts: ScriptDirectory, since: str) -> set[str]:
    """Return the revisions that a commit has."""
    here = repository.of(Path(scripts.dir))
    if not here.commit(since):
        raise CommandError(NO_PLACE.format(since))
    config.print_stdout("Since %s", since)
    return revisions.ids(here, scripts, since)


def _tried(
    project: Settings,
    config: Config,
    scripts: ScriptDirectory,
    connection: Connection,
    pending: Sequence[Script],
) -> list[Step]:
    """Run all revisions on a scratch database, and look at what some of them do."""
    options = configure_options(project)
    ids = {it.revision for it in pending}
    found = []
    with (
        EnvironmentContext(config, scripts),
        scratch.running(project, options, connection) as run,
    ):
        scope = Scope(project, options, connection)
        ran = _noted(connection)
        before: Description | None = None
        for script in scratch.in_order("heads"):
            if script.revision in ids and before is None:
                before = _now(scope, connection)
            ran.clear()
            start = time.monotonic()
            run(script, "upgrade")
            step = Step(script, time.monotonic() - start, [*ran])
            if before is not None:
                after = _now(scope, connection)
                step.dropped = losses.dropped(before, after)
                step.remarks = [*_remarks(before, after)]
                before = after
            if script.revision in ids:
                found.append(step)
    return found


def _noted(connection: Connection) -> list[str]:
    """Return a list to which each statement is added that changes something."""
    ran: list[str] = []

    def note(_connection: Any, _cursor: Any, text: str, values: Any, *_: Any) -> None:
        if not READS.match(text):
            told = f"  -- with {values}" if values else ""
            ran.append(f"{text.strip()};{told}")

    event.listen(connection, "before_cursor_execute", note)
    return ran


def _now(scope: Scope, connection: Connection) -> Description:
    found = scope.describe(connection)
    connection.rollback()
    return found


def _remarks(before: Description, after: Description) -> Iterator[str]:
    """Yield what a change of a column may mean for the rows."""
    for key, part in after.items():
        column = key._replace(aspect="")
        if column not in before or (key in before and before[key].text == part.text):
            continue
        old = before[key].text if key in before else ""
        if key.aspect == "nullable" and part.text.upper().startswith("NOT NULL"):
            yield REQUIRED.format(column.words)
        elif key.aspect == "type":
            yield TYPE.format(key.words, old, part.text)


def _counts(project: Settings, steps: Sequence[Step]) -> dict[str, str]:
    """Return how many rows each table and column has that is going to be dropped."""
    keys = [key for step in steps for key in step.dropped]
    if not keys or not project.adapter.exists(project.url()):
        return {}
    with project.adapter.connect(project.url()) as real:
        told = [*losses.counted(real, keys)]
    return {it.rpartition(" (")[0]: it for it in told}


def _sql(config: Config, pending: Sequence[Script]) -> dict[str, str]:
    """Return the SQL of each revision that Alembic can print without a database."""
    ids = {it.revision for it in pending}
    starts = {it for script in pending for it in to_tuple(script.down_revision, ())}
    start = [*starts - ids]
    with suppress(CommandError):
        return history.by_revision(config, start[0] if len(start) == 1 else None)
    return {}


def _tell(
    config: Config,
    step: Step,
    counts: dict[str, str],
    sql: dict[str, str],
    reason: str,
) -> None:
    script = step.script
    config.print_stdout("\n%s %s", script.revision, script.doc)
    is_tried = step.seconds is not None
    told = TIME.format(step.seconds) if is_tried else NOT_TRIED.format(reason)
    config.print_stdout("  %s", told)
    drops = [DROPS.format(counts.get(it.words, it.words)) for it in step.dropped]
    for remark in [*drops, *step.remarks]:
        config.print_stdout("  Warning: %s", remark)
    shown = [AS_RUN, *step.statements] if is_tried else [NOT_PRINTED]
    text = sql.get(script.revision, "\n".join(shown)).strip()
    config.print_stdout(
        "\n%s", "\n".join(f"  {it}".rstrip() for it in text.split("\n"))
    )
