"""Copies of revisions that have run on a local database, in git's own folder.

After `git switch`, a database may have a revision that was never committed. To undo it,
its file is needed.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from alembic_steady.git.repository import FOLDER, shared_folder


def keep(revision: str, file: Path) -> None:
    """Copy the files of a revision, where there is a git repository that can be written."""
    folder = _folder(revision, file.parent)
    if folder is None:
        return
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        for it in files(file):
            shutil.copyfile(it, folder / it.name)


def find(revision: str, versions: Path) -> Path | None:
    """Return the copy of a revision's file, or None.

    Arguments:
        revision: its id.
        versions: a folder of the work tree.
    """
    folder = _folder(revision, versions)
    if folder is None or not folder.is_dir():
        return None
    return next(folder.glob("*.py"), None)


def files(revision: Path) -> list[Path]:
    """Return the files of a revision: its own, and that of its statements."""
    statements = revision.with_suffix(".sql")
    return [revision, statements] if statements.is_file() else [revision]


def _folder(revision: str, within: Path) -> Path | None:
    shared = shared_folder(within)
    # An id may be any text, such as "../..".
    if shared is None or not revision.replace("_", "a").replace("-", "a").isalnum():
        return None
    return shared / FOLDER / "revisions" / revision
