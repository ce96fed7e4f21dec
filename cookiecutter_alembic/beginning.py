"""How the models and their history begin, as was answered."""

from __future__ import annotations

from dataclasses import dataclass

from cookiecutter_alembic import (
    adoption,
    database_file,
    first_revision,
    server,
    tables,
)
from cookiecutter_alembic.project import VERSIONS, Project

UPGRADE = "alembic upgrade head"
WRITE = [
    "# write a model in app/models.py, as README.md shows, then:",
    *first_revision.LATER,
    UPGRADE,
]
STAMP = [tables.STAMP, "alembic check"]


@dataclass(frozen=True)
class Begun:
    """How far the models and the database have got: the commands that are left to type.

    Attributes:
        start: those that start the database's server, or let it be reached.
        write: those that write the models or the first revision.
        create: those that create the database.
        first: those that come first in a project that is ready.
        is_troubled: whether more than the usual is left.
    """

    start: list[str]
    write: list[str]
    create: list[str]
    first: list[str]
    is_troubled: bool


def begin(project: Project, settle: list[str], install: list[str]) -> Begun:
    """Write what the models begin with, and look at the database.

    Arguments:
        project: the project.
        settle: the commands that are left to complete its settings.
        install: those that are left to create its environment.
    """
    is_possible = not (install or settle)
    is_new = not any(VERSIONS.glob("*.py"))
    write: list[str] = []
    printed = ""
    if project.starting_point == "example":
        then = server.LOOK if is_possible else ""
        write, printed = first_revision.write(has_environment=not install, then=then)
    if is_possible and not printed:
        printed = server.ask()
    if project.is_server or project.is_adopted:
        start, create = server.look(project, printed, is_possible=is_possible)
    else:
        start, create = database_file.look(project)
    instead = tables.history(project, printed)
    if project.is_adopted and not instead:
        lacks = {"environment": install, "settings": settle, "database": start}
        write = adoption.adopt(next((f"the {it}" for it in lacks if lacks[it]), ""))
    elif not project.is_adopted:
        instead = instead or tables.look(project, printed)
    first = instead or first_steps(project, printed, is_new=is_new)
    return Begun(start, write, create, first, bool(start or write or instead))


def first_steps(project: Project, printed: str, *, is_new: bool) -> list[str]:
    """Return the commands that come first in a project that is ready.

    Arguments:
        project: the project.
        printed: what `server.LOOK` printed, if it could run.
        is_new: whether there was no revision before this run.
    """
    if project.starting_point == "empty" and is_new:
        return WRITE
    # A later run knows from the database whether it has a stamp, and skips no revision.
    is_alone = len([*VERSIONS.glob("*.py")]) == 1
    if project.is_adopted and (is_new or (is_alone and tables.found(printed)[1:])):
        return STAMP
    return [UPGRADE]
