"""Says what is to be done about a database that has tables of others."""

from __future__ import annotations

import json
import re

from cookiecutter_alembic.console import report

ADOPT = "# make models and first revision build what it has, then: alembic stamp head"
SHOWN = 3
"""How many of the tables are named."""


def look(printed: str) -> list[str]:
    """Report tables that no revision of the project has created.

    Arguments:
        printed: what `server.LOOK` printed, if it could run.

    Returns:
        The step that takes the place of the first upgrade, or none if that can be run.
    """
    told = re.findall("^Tables: (.+)$", printed, re.MULTILINE)
    place, *tables = json.loads(told[-1]) if told else [""]
    if not tables:
        return []
    more = [f"{len(tables) - SHOWN} more"] if len(tables) > SHOWN else []
    named = " ".join(", ".join([*tables[:SHOWN], *more]).split())
    report("database", f"{place} has tables already: {named}")
    return [ADOPT]
