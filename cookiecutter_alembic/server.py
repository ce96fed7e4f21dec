"""Checks whether the project's database server answers and has the database."""

from __future__ import annotations

from cookiecutter_alembic.children import StepFailed, TookTooLong, run
from cookiecutter_alembic.console import report, working
from cookiecutter_alembic.environment import PYTHON
from cookiecutter_alembic.project import Project

IS_THERE = """
from alembic.config import Config
from alembic.util import CommandError
from alembic_steady import settings
try:
    project = settings.load(Config("alembic.ini"))
    print(project.adapter.exists(project.url()))
except CommandError as error:
    exit(str(error))
"""
CREATE = "steady create"
CORRECT_URL = "# correct DATABASE_URL in .env"
ANSWER_SECONDS = 12


def look(project: Project, *, is_possible: bool) -> tuple[list[str], list[str]]:
    """Check whether the server answers and has the database.

    Returns:
        The commands that start the server, and those that create the database.
    """
    if not project.is_server:
        return [], []
    if not is_possible:
        return [], [CREATE]
    try:
        with working("database"):
            found = run(PYTHON, "-c", IS_THERE, timeout=ANSWER_SECONDS)
    except TookTooLong:
        report("database", f"{project.place} does not answer")
        return [project.start_server], [CREATE]
    except StepFailed as failure:
        place, silent, _cause = str(failure).partition(" does not answer")
        if silent:
            report("database", place + silent)
            return [project.start_server], [CREATE]
        report("database", place.partition(": ")[2])
        return [CORRECT_URL], [CREATE]
    if found.strip() == "True":
        return [], []
    report("database", f"{project.place} does not exist yet")
    return [], [CREATE]
