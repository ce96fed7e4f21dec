"""The project's files beyond those that are rendered, and those that are torn."""

from __future__ import annotations

import shutil
from pathlib import Path

from cookiecutter_alembic import environment, library
from cookiecutter_alembic.project import VERSIONS, Project


def complete(project: Project) -> None:
    """Drop what only other kinds of projects have, and bring the library."""
    for name in project.unneeded:
        file = Path(name)
        # Rendered, it is empty; one with anything in it is its owner's.
        if file.is_file() and not file.read_bytes().strip():
            file.unlink()
    library.bring(Path())


def remove_torn() -> None:
    """Remove what a run that was killed in the middle of a step has left.

    The files are written in one go, so one that is not whole is empty.
    """
    for path in (Path(".env"), Path("uv.lock"), *VERSIONS.glob("[0-9]*.py")):
        if path.is_file() and not path.stat().st_size:
            path.unlink()
    # uv and pip take a package for installed that they were killed over. The first
    # revision comes right after them, and is made with an environment that is whole.
    if any(VERSIONS.glob("*.py")) and environment.PYTHON.exists():
        return
    for path in Path().glob(".tmp??????"):  # uv's name for a lock to be.
        if path.is_file():
            path.unlink()
    if environment.FOLDER.is_dir() and not environment.FOLDER.is_symlink():
        shutil.rmtree(environment.FOLDER)
