"""Says what is to be done about a database that has tables of others."""

from __future__ import annotations

import json
import re

from cookiecutter_alembic import environment
from cookiecutter_alembic.console import report
from cookiecutter_alembic.project import VERSIONS, Project

STAMP = "alembic stamp head"
INSTEAD = [
    "# for models of these tables, remove it and answer with starting_point=existing;",
    f"# or make models and first revision build what it has, then: {STAMP}",
]
BEFORE = "# for models of these tables, before you write your own:"
BRING = [
    "# bring its revisions to migrations/versions and its models to app/models.py:",
    "alembic current --check-heads",
    "alembic check",
]
REMOVE = "# remove the revision and the model that are here, and"
SHOWN = 3
"""How many of the tables are named."""


def found(printed: str) -> list[str]:
    """Return the place that `server.LOOK` has printed, or "", and the tables of others."""
    return _told("Tables", printed) or [""]


def _told(title: str, printed: str) -> list[str]:
    """Return the last list that stands behind a title, or an empty one."""
    lists = re.findall(f"^{title}: (.+)$", printed, re.MULTILINE)
    told: list[str] = json.loads(lists[-1]) if lists else []
    return told


def history(project: Project, printed: str) -> list[str]:
    """Report that a database is at a revision of Alembic's that the project does not have.

    Arguments:
        project: the project.
        printed: what `server.LOOK` printed, if it could run.

    Returns:
        The steps that bring that history, or none if there is none.
    """
    heads = _told("History", printed)
    if not heads:
        return []
    VERSIONS.mkdir(exist_ok=True)  # They can be copied there.
    place, *_ = found(printed)
    report("database", f"{place} has a history of Alembic, at {', '.join(heads)}")
    return [REMOVE, *BRING] if project.starting_point == "example" else BRING


def look(project: Project, printed: str) -> list[str]:
    """Report tables that no revision of the project has created.

    Arguments:
        project: the project, whose models are not made of these tables.
        printed: what `server.LOOK` printed, if it could run.

    Returns:
        The steps that take the place of the first upgrade, or none if that can be run.
    """
    place, *tables = found(printed)
    if not tables:
        return []
    more = [f"{len(tables) - SHOWN} more"] if len(tables) > SHOWN else []
    named = " ".join(", ".join([*tables[:SHOWN], *more]).split())
    report("database", f"{place} has tables already: {named}")
    if project.starting_point == "example":
        return INSTEAD
    return [BEFORE, *environment.choose().adopt, STAMP]
