"""Copies of revisions that have run on a local database, in git's own folder.

After `git switch`, a database may have a revision that was never committed. To undo it,
its file is needed.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from pathlib import Path

from alembic_steady.git.repository import FOLDER, shared_folder


def keep(revision: str, file: Path) -> None:
    """Copy the files of a revision, where there is a git repository that can be written."""
    target = _target(revision, file.parent)
    if target is None:
        return
    statements = target.with_suffix(".sql")
    with suppress(OSError):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())
        statements.unlink(missing_ok=True)
        for it in files(file)[1:]:
            statements.write_bytes(it.read_bytes())


def find(revision: str, versions: Path) -> Path | None:
    """Return the copy of a revision's file, or None.

    Arguments:
        revision: its id.
        versions: a folder of the work tree.
    """
    target = _target(revision, versions)
    return target if target and target.is_file() else None


def files(revision: Path) -> list[Path]:
    """Return the files of a revision: its own, and that of its statements."""
    statements = revision.with_suffix(".sql")
    return [revision, statements] if statements.is_file() else [revision]


def _target(revision: str, within: Path) -> Path | None:
    folder = _folder(within)
    # An id may be any text, such as "../..".
    if folder is None or not revision.replace("_", "a").replace("-", "a").isalnum():
        return None
    return folder / f"{revision}.py"


@cache
def _folder(within: Path) -> Path | None:
    shared = shared_folder(within)
    return shared and shared / FOLDER / "revisions"
