"""What a database has run, also where the work tree has no file of it any more."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from alembic.script import Script, ScriptDirectory
from alembic.script.revision import RevisionMap
from alembic.util import CommandError, to_tuple

from alembic_steady.git import kept, repository, revisions
from alembic_steady.git.repository import Repository
from alembic_steady.git.revisions import Found

NOWHERE = (
    "the database is at {}, and neither git nor a copy of what has run here has its file:"
    " bring that from where it was written"
)


@dataclass
class Ran:
    """The history of a database, as it has run there.

    Attributes:
        scripts: the revisions of the work tree.
        folder: where the files of others are written.
        found: what has run, each behind those that it follows.
    """

    scripts: ScriptDirectory
    folder: Path
    found: dict[str, Script] = field(default_factory=dict)
    _read: dict[str, Script] = field(default_factory=dict)

    def read(self, heads: Iterable[str]) -> None:
        """Find all revisions up to the heads of the database.

        Raises:
            CommandError: the file of one is nowhere.
        """
        for revision in heads:
            # Not by recursion: a history may be longer than Python's stack.
            waiting = [revision]
            while waiting:
                it = waiting[-1]
                script = self.found.get(it) or self._script(it)
                lacking = [b for b in before(script) if b not in self.found]
                if lacking:
                    waiting += lacking
                    self._read[it] = script
                else:
                    self.found[it] = script
                    waiting.pop()

    def to_undo(self, heads: Iterable[str]) -> list[Script]:
        """Return what has to be undone for the branch's own history to go on, newest first.

        That is what the branch does not have, and what stands behind others there that the
        database has not run.
        """
        wrong: set[str] = set()
        waiting = [*heads]
        while waiting:
            it = waiting.pop()
            if it not in wrong and not self._fits(it):
                wrong.add(it)
                waiting += before(self.found[it])
        return [it for key, it in reversed([*self.found.items()]) if key in wrong]

    def _fits(self, revision: str) -> bool:
        if not is_here(self.scripts, revision):
            return False
        needed = self.scripts.iterate_revisions(revision, "base")
        # A squashed revision stands for those that are gone.
        return all(it.revision in self.found for it in needed)

    def map(self) -> RevisionMap:
        """Return what has run as a history of its own."""
        found = RevisionMap(lambda: [*self.found.values()])
        found.heads  # noqa: B018  It is only built now, and with it what a step needs.
        return found

    def _script(self, revision: str) -> Script:
        if known := self._read.get(revision):
            return known
        is_own = is_here(self.scripts, revision)
        copy = kept.find(revision, Path(self.scripts.dir))
        if copy:
            files = kept.files(copy)
            for it in files:
                shutil.copyfile(it, self.folder / it.name)
            script = revisions.load(self.folder / copy.name)
            if not is_own:
                return script
            is_moved = {*before(script)} != {
                *before(self.scripts.get_revision(revision))
            }
            # What stood before a squashed revision may be nowhere any more.
            if is_moved and all(self._is_somewhere(it) for it in before(script)):
                return script
        if is_own:  # As it would be in another history, too, it is read once more.
            return revisions.load(Path(self.scripts.get_revision(revision).path))
        found = self._in_git(revision)
        if not (self._here and found):
            raise CommandError(NOWHERE.format(revision))
        return revisions.load(revisions.bring(self._here, found, self.folder))

    def _is_somewhere(self, revision: str) -> bool:
        return bool(
            is_here(self.scripts, revision)
            or kept.find(revision, Path(self.scripts.dir))
            or self._in_git(revision)
        )

    @cached_property
    def _here(self) -> Repository | None:
        return repository.find(Path(self.scripts.dir))

    def _in_git(self, revision: str) -> Found | None:
        here = self._here
        return revisions.find(here, self.scripts, revision) if here else None


def before(script: Script) -> Iterator[str]:
    """Yield the revisions that have to run before another."""
    yield from to_tuple(script.down_revision, ())
    yield from to_tuple(script.dependencies, ())


def is_here(scripts: ScriptDirectory, revision: str) -> bool:
    """Return whether the work tree has a revision."""
    try:
        return scripts.get_revision(revision).revision == revision
    except CommandError:
        return False
