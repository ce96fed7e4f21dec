"""`steady rebase`: the revisions of one branch go behind those of another."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from importlib.util import cache_from_source
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError, to_tuple
from sqlalchemy import URL

from alembic_steady import errors, head_file, private, settings, x_arguments
from alembic_steady.adopt.files import Undo, all_or_none, replace, tell_written
from alembic_steady.branches import sides, steps
from alembic_steady.branches.sides import Sides
from alembic_steady.configure import current_heads, heads_at
from alembic_steady.git import kept, repository, revisions
from alembic_steady.git.repository import Repository
from alembic_steady.settings import Settings

ONE_HEAD = "There is one head: nothing to rebase"
MERGED = "{} joins branches, so it can't be moved: alembic merge -m '…' {}"
PUBLISHED = (
    "{} is on {}, so others may have run it: join the branches by a revision: alembic merge"
    " -m '…' {}; or, if nobody has: {}"
)
APPLIED = (
    "{} is at {}, which is not to change any more: join the branches by a revision:"
    " alembic merge -m '…' {}"
)
NO_PLACE = "{} gives down_revision no value of its own: write {!r} there by hand"


def rebase(config: Config) -> None:
    """Put my revisions behind theirs, and let the local database follow.

    Arguments:
        config: Alembic's configuration of the project.

    Raises:
        CommandError: that is not possible; the message is one line, and no file has changed.
    """
    project = settings.load(config)
    scripts = ScriptDirectory.from_config(config)
    if len(scripts.get_heads()) < 2:
        config.print_stdout(ONE_HEAD)
        if named := head_file.write(scripts):
            tell_written(config, [named])
        return
    here = repository.of(Path(scripts.dir))
    found = sides.tell_apart(config, scripts, here)
    _refuse(config, scripts, here, found)
    with errors.in_one_line("steady rebase", config):
        for url in project.told_urls("database"):
            _refuse_applied(project, url, found, scripts)
        local = _local(project, found, scripts)
        _move(project, config, scripts, found, local)


def _refuse(
    config: Config, scripts: ScriptDirectory, here: Repository, found: Sides
) -> None:
    """Refuse to change a revision that others may have, or that joins branches."""
    heads = " ".join(scripts.get_heads())
    for script in found.mine:
        if len(to_tuple(script.down_revision, ())) > 1:
            raise CommandError(MERGED.format(script.revision, heads))
    if x_arguments.is_told(config, "published"):
        return
    published = revisions.published(here, scripts, [it.revision for it in found.mine])
    for revision, branch in published.items():
        way = x_arguments.again("published")
        raise CommandError(PUBLISHED.format(revision, branch, heads, way))


def _refuse_applied(
    project: Settings, url: URL, found: Sides, scripts: ScriptDirectory
) -> None:
    """Refuse if a database that is no developer's own has one of the revisions."""
    if applied := _applied(project, url, found, scripts):
        place = project.adapter.describe(url)
        heads = " ".join(scripts.get_heads())
        raise CommandError(APPLIED.format(place, applied[-1].revision, heads))


def _local(project: Settings, found: Sides, scripts: ScriptDirectory) -> list[Script]:
    """Return which of mine the local database has; another one must not have any."""
    url = project.url()
    if not project.adapter.is_local(url):
        _refuse_applied(project, url, found, scripts)
        return []
    return _applied(project, url, found, scripts)


def _applied(
    project: Settings, url: URL, found: Sides, scripts: ScriptDirectory
) -> list[Script]:
    """Return which of mine a database has run, oldest first."""
    heads = heads_at(project, url)
    scripts.get_revisions(heads)  # One that is not here may stand behind mine.
    newest = [n for n, it in enumerate(found.mine, 1) if it.revision in heads]
    return found.mine[: max(newest, default=0)]


def _move(
    project: Settings,
    config: Config,
    scripts: ScriptDirectory,
    found: Sides,
    local: Sequence[Script],
) -> None:
    """Write the revisions anew, prove them, and bring the local database along."""
    from alembic_steady.autogenerate import comparison

    with all_or_none() as undo:
        files = _write(scripts, found, undo)
        moved = ScriptDirectory.from_config(config)
        mine = [Path(it.path) for it in found.mine]
        proven = comparison.prove(project, config, moved, found.theirs, mine)
        behind = moved.get_revision(found.theirs)
        config.print_stdout("Behind %s %s:", behind.revision, behind.doc)
        for script, told in zip(found.mine, proven, strict=True):
            config.print_stdout("  %s %s %s", script.revision, script.doc, told)
        if local:
            _follow(project, config, scripts, found, local[-1])
    for script in local:
        kept.keep(script.revision, Path(script.path))
    if named := head_file.write(moved):
        files.append(named)
    tell_written(config, files)


def _write(scripts: ScriptDirectory, found: Sides, undo: Undo) -> list[Path]:
    """Let those of mine that follow none of mine follow theirs, in the project's format."""
    files = []
    ids = {it.revision for it in found.mine}
    for script in found.mine:
        if ids.intersection(to_tuple(script.down_revision, ())):
            continue
        file = Path(script.path)
        text = file.read_text("utf-8")
        replace(file, behind(text, found.theirs, file.name), undo)
        for hook in scripts.hooks:
            private.run_hook(hook, file)
        # Python would take the file for what it was a second ago, since it is as long.
        Path(cache_from_source(str(file))).unlink(missing_ok=True)
        files.append(file)
    return files


def behind(text: str, revision: str, name: str) -> str:
    """Return the text of a revision, made to follow another.

    Arguments:
        text: the text of its file.
        revision: the one to follow.
        name: the name of the file.

    Raises:
        CommandError: the file has no such line.
    """
    values = dict(revisions.assigned(ast.parse(text)))
    value = values.get("down_revision")
    if value is None:
        raise CommandError(NO_PLACE.format(name, revision))
    # Positions of the syntax tree count bytes.
    lines = [line.encode() for line in text.splitlines(keepends=True)]
    first, last = value.lineno - 1, (value.end_lineno or value.lineno) - 1
    start = lines[first][: value.col_offset]
    end = lines[last][value.end_col_offset :]
    quote = "'" if lines[first][value.col_offset :].startswith(b"'") else '"'
    quoted = f"{quote}{revision}{quote}"
    lines[first : last + 1] = [start + quoted.encode() + end]
    written = b"".join(lines).decode()
    # Alembic's template says it in the docstring, too.
    return re.sub(r"(?m)^Revises:.*$", f"Revises: {revision}", written, count=1)


def _follow(
    project: Settings,
    config: Config,
    scripts: ScriptDirectory,
    found: Sides,
    newest: Script,
) -> None:
    """Run theirs on the local database, which has mine, and note only the newest of these.

    Arguments:
        project: the settings of the project.
        config: Alembic's configuration of the project.
        scripts: the revisions as they were, with two heads.
        found: which are mine.
        newest: the newest of mine that the database has.
    """
    with project.adapter.connect(project.url()) as real:
        heads = current_heads(project, real)
    known = {it.revision for it in scripts.iterate_revisions(heads, "base")}
    lacking = [
        it
        for it in scripts.iterate_revisions(found.theirs, "base")
        if it.revision not in known
    ]
    steps.redo(config, scripts.revision_map, reversed(lacking))
    command.stamp(config, newest.revision, purge=True)
