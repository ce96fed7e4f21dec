"""Adds files that are not rendered, and removes those that are not needed or incomplete."""

from __future__ import annotations

import shutil
from pathlib import Path

from cookiecutter_alembic import environment, library, repository
from cookiecutter_alembic.project import VERSIONS, Project


def complete(project: Project) -> None:
    """Remove files that are only for other kinds of projects, and add the library."""
    for name in project.unneeded:
        file = Path(name)
        # It is rendered empty; if it has any content, that is the owner's.
        if file.is_file() and not file.read_bytes().strip():
            file.unlink()
    library.bring(Path())


def remove_torn() -> None:
    """Remove incomplete files that a killed run has left.

    Files are written in one go, so an incomplete one is empty.
    """
    for path in (Path(".env"), Path("uv.lock"), *VERSIONS.glob("[0-9]*.py")):
        if path.is_file() and not path.stat().st_size:
            path.unlink()
    # uv and pip take a package for installed even if they were killed while installing it.
    # If there is a revision or a commit, which follow that, the environment is complete.
    is_later = any(VERSIONS.glob("*.py")) or repository.has_history()
    if is_later and environment.PYTHON.exists():
        return
    for path in Path().glob(".tmp??????"):  # uv's name for a new lock file.
        if path.is_file():
            path.unlink()
    if environment.FOLDER.is_dir() and not environment.FOLDER.is_symlink():
        shutil.rmtree(environment.FOLDER)
