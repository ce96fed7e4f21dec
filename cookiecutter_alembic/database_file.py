"""Checks whether the project's database can be created, if it is a file."""

from __future__ import annotations

import os
from pathlib import Path

from cookiecutter_alembic.console import report
from cookiecutter_alembic.project import Project
from cookiecutter_alembic.server import CORRECT_URL, CREATE


def look(project: Project) -> tuple[list[str], list[str]]:
    """Check whether the file of the project's database is there or can be created.

    SQLite creates the file itself, but not its folders.

    Arguments:
        project: the project, in whose folder a relative path begins.

    Returns:
        The steps that are left to do by hand, and the commands that create the folders.
    """
    file = Path(project.place)
    if os.path.isdir(file):
        report("database", f"{file} is a folder")
        return [CORRECT_URL], []
    # Unlike the methods of Path, these functions raise no error.
    there = next(folder for folder in file.parents if os.path.exists(folder))
    if not os.path.isdir(there):
        report("database", f"{there} is not a folder")
        return [CORRECT_URL], [CREATE]
    if not os.path.exists(file) and not os.access(there, os.W_OK):
        report("database", f"{there.resolve()} cannot be written to")
        return [CORRECT_URL], [CREATE]
    if there == file.parent:
        return [], []
    report("database", f"the folder {file.parent} does not exist yet")
    return [], [CREATE]
