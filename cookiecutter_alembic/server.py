"""Checks whether the project's database server answers and has the database."""

from __future__ import annotations

from cookiecutter_alembic.children import StepFailed, run
from cookiecutter_alembic.console import report, working
from cookiecutter_alembic.environment import PYTHON
from cookiecutter_alembic.project import Project

LOOK = """
from alembic.config import Config
from alembic.util import CommandError
from alembic_steady import settings

try:
    project = settings.load(Config("alembic.ini"))
    answer = project.adapter.exists(project.url())
except CommandError as error:
    answer = error
print("Database:", answer)
"""
CREATE = "steady create"
CORRECT_URL = "# correct DATABASE_URL in .env"


def look(
    project: Project, printed: str, *, is_possible: bool
) -> tuple[list[str], list[str]]:
    """Check whether the server answers and has the database.

    Arguments:
        project: the project, whose database is on a server.
        printed: what `LOOK` printed, if it has already run.
        is_possible: whether commands of the project can run.

    Returns:
        The commands that start the server, and those that create the database.
    """
    if not is_possible:
        return [], [CREATE]
    try:
        if not printed:
            with working("database"):
                printed = run(PYTHON, "-c", LOOK)
        answer = printed.rpartition("Database: ")[2].strip()
    except StepFailed as failure:
        answer = str(failure)
    if answer == "True":
        return [], []
    if answer == "False":
        report("database", f"{project.place} does not exist yet")
        return [], [CREATE]
    place, unreachable, _cause = answer.partition(" does not answer")
    if unreachable:
        report("database", place + unreachable)
        return [project.start_server], [CREATE]
    report("database", place.partition(": ")[2])
    return [CORRECT_URL], [CREATE]
