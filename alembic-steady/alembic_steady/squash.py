"""`steady squash`: one revision in place of all up to it, which builds the same.

It keeps the id of the newest of them, so a database that is there already needs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError, rev_id, to_tuple
from sqlalchemy import Connection, event

from alembic_steady import drift, errors, head_file, scratch, settings
from alembic_steady.adapters.description import Description
from alembic_steady.adapters.dump import Dump
from alembic_steady.adopt import baseline
from alembic_steady.adopt.files import Undo, all_or_none, replace, tell, tell_written
from alembic_steady.configure import configure_options, heads_at
from alembic_steady.git import kept, repository
from alembic_steady.git.repository import GitError
from alembic_steady.scope import Scope
from alembic_steady.settings import Settings

HEAD = """\
-- What the revisions up to {revision} built, as the database says it.
-- {{name}} runs it: each statement stands behind a line of its own.
"""
ALONE = "{} has none before it: there is nothing to squash"
BRANCHED = (
    "{} follows {}, which would be gone: squash up to a revision that all others follow"
)
LABELLED = "{} has a branch label or dependencies, which a squashed revision can't keep"
BEHIND = "{} is at {}, which would be gone: upgrade it to {} or later first"
NOT_KEPT = "squash removes revisions, which git has to have: {}"
NOT_THE_SAME = (
    "the squashed revision builds something else, and nothing has changed: {}"
)
WRITES = re.compile(
    r"(?i)\s*(?:WITH\b.*?\b)?(INSERT|UPDATE|DELETE|MERGE|REPLACE|COPY|TRUNCATE)\b"
    r"(?!.*_alembic_tmp_)",
    re.DOTALL,
)
"""Statements that change rows, but those with which Alembic rebuilds a table of SQLite."""


@dataclass
class Built:
    """What the revisions have built on a scratch database.

    Attributes:
        dump: the statements that build the same.
        description: what the database says of it.
        writers: the revisions that have changed rows.
    """

    dump: Dump
    description: Description
    writers: list[Script] = field(default_factory=list)


def squash(config: Config, revision: str) -> None:
    """Put one revision in place of all revisions up to it.

    Arguments:
        config: Alembic's configuration of the project.
        revision: the newest of those that are replaced, or `head`.

    Raises:
        CommandError: that is not possible; the message is one line, and no file has changed.
    """
    project = settings.load(config)
    scripts = ScriptDirectory.from_config(config)
    replaced = _replaced(scripts, revision)
    _refuse_without_git([Path(it.path) for it in replaced])
    for url in [project.url(), *project.told_urls("database")]:
        with errors.in_one_line(project.adapter.describe(url), config):
            _refuse_behind(project, url, replaced)
    with (
        errors.in_one_line("steady squash", config),
        _building(project, config, replaced[0].revision) as (built, _scope),
    ):
        files = _replace(project, config, replaced, built)
    _tell(config, replaced, files, built)


def _replaced(scripts: ScriptDirectory, revision: str) -> list[Script]:
    """Return a revision and all before it, which nothing else may need."""
    target = scripts.get_revision(revision)
    replaced = [*scripts.iterate_revisions(target.revision, "base")]
    if len(replaced) == 1:
        raise CommandError(ALONE.format(target.revision))
    ids = {it.revision for it in replaced}
    for script in replaced:
        if script.branch_labels or script.dependencies:
            raise CommandError(LABELLED.format(script.revision))
    for script in scripts.walk_revisions():
        named = {
            *to_tuple(script.down_revision, ()),
            *to_tuple(script.dependencies, ()),
        }
        needed = ids.intersection(named) - {target.revision}
        if script.revision not in ids and needed:
            raise CommandError(BRANCHED.format(script.revision, *sorted(needed)[:1]))
    return replaced


def _refuse_without_git(files: list[Path]) -> None:
    """Refuse if git does not have the files as they are."""
    try:
        here = repository.of(files[0].parent)
    except GitError as error:
        raise CommandError(NOT_KEPT.format(error)) from None
    if changed := here.lines("status", "--porcelain", "--ignored", "--", *files):
        raise CommandError(NOT_KEPT.format(f"commit {changed[0][3:]} first"))


def _refuse_behind(project: Settings, url: Any, replaced: list[Script]) -> None:
    """Refuse if a database is at a revision that would be gone."""
    gone = {it.revision for it in replaced[1:]}
    if behind := sorted(gone.intersection(heads_at(project, url))):
        place = project.adapter.describe(url)
        raise CommandError(BEHIND.format(place, behind[0], replaced[0].revision))


@contextmanager
def _building(
    project: Settings, config: Config, revision: str
) -> Iterator[tuple[Built, Scope]]:
    """Run the revisions up to one on a scratch database, and read what they build there."""
    options = configure_options(project)
    scripts = ScriptDirectory.from_config(config)
    with project.scratch_connection() as connection:
        noted = _Writers(connection)
        with EnvironmentContext(config, scripts):
            scratch.replay(project, options, connection, revision, noted.begin)
        connection.commit()
        scope = Scope(project, options, connection)
        description = scope.describe(connection)
        dump = project.adapter.dump(connection, scope.is_wanted)
        yield Built(dump, description, noted.found), scope


class _Writers:
    """Notes which revisions change rows."""

    def __init__(self, connection: Connection) -> None:
        self.found: list[Script] = []
        self._current: Script | None = None
        event.listen(connection, "before_cursor_execute", self._note)

    def begin(self, script: Script) -> None:
        """Take the revision that runs next."""
        self._current = script

    def _note(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        is_new = self._current and self._current not in self.found
        if is_new and self._current and WRITES.match(statement):
            self.found.append(self._current)


def _replace(
    project: Settings, config: Config, replaced: list[Script], built: Built
) -> list[Path]:
    """Write the revision in place of the others, and try it; or leave all as it was."""
    target = replaced[0]
    with all_or_none() as undo:
        files = _write(config, target, built, undo)
        for script in replaced:
            for file in kept.files(Path(script.path)):
                if file not in files:
                    replace(file, None, undo)
        gone = [it.revision for it in replaced]
        limited = baseline.limit_downgrades(config, target.revision, undo, gone)
        _prove(project, config, target.revision, built)
    named = head_file.write(ScriptDirectory.from_config(config))
    return [*files, *filter(None, [limited, named])]


def _write(config: Config, target: Script, built: Built, undo: Undo) -> list[Path]:
    """Write the revision with an id of its own, and then give it that of the newest one."""
    scripts = ScriptDirectory.from_config(config)
    left_out = [str(it) for it in built.dump.left_out]
    head = HEAD.format(revision=target.revision)
    own = rev_id()
    files = []
    for file in baseline.write(
        scripts, built.dump, left_out, "squashed", head, revision_id=own
    ):
        text = file.read_text("utf-8").replace(own, target.revision)
        file.unlink()
        new = file.with_name(file.name.replace(own, target.revision))
        replace(new, text, undo)
        files.append(new)
    return files


def _prove(project: Settings, config: Config, revision: str, built: Built) -> None:
    """Build a database from the new revision, and compare it with what the others built."""
    with _building(project, config, revision) as (found, scope):
        lines = [*drift.compare(scope, found.description, built.description)]
    known = {(it.kind, it.name) for it in found.dump.entries}
    lines += [
        f"{it.kind} {it.name}"
        for it in built.dump.entries
        if (it.kind, it.name) not in known
    ]
    if lines:
        raise CommandError(NOT_THE_SAME.format("; ".join(lines[:3])))


def _tell(
    config: Config, replaced: list[Script], files: list[Path], built: Built
) -> None:
    tell_written(config, files)
    several = f"{len(replaced) - 1:,} revisions" if len(replaced) > 2 else "revision"
    config.print_stdout("Removed the %s before it", several)
    tell(config, "Left out:", map(str, built.dump.left_out))
    title = "Rows that these revisions changed, which a new database will not have:"
    tell(config, title, (f"{it.revision} {it.doc}" for it in built.writers))
