"""Finds out whether the server answers, has the database, and what is in it."""

from __future__ import annotations

from cookiecutter_alembic.children import StepFailed, run
from cookiecutter_alembic.console import report, working
from cookiecutter_alembic.environment import PYTHON
from cookiecutter_alembic.project import Project

LOOK = """
import json
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from alembic_steady import settings
from alembic_steady.configure import configure_options
from sqlalchemy.exc import SQLAlchemyError

def foreign_heads(connection):
    # The revisions of a database that the project does not have.
    known = {it.revision for it in ScriptDirectory.from_config(config).walk_revisions()}
    context = MigrationContext.configure(connection, opts=configure_options(project))
    heads = {*context.get_current_heads()}
    return None if known & heads else sorted(heads)

def foreign_tables(connection):
    options = configure_options(project)
    keys = project.adapter.describe_tables(connection)
    tables = {it.table for it in keys if it.kind == "table" and it.schema is None}
    return sorted(tables - {options.get("version_table", "alembic_version")})

config = Config("alembic.ini")
try:
    project = settings.load(config)
    url = project.url()
    answer = project.adapter.exists(url)
    if answer is True:
        with project.adapter.connect(url) as connection:
            heads = foreign_heads(connection)
            # Those of a database that no revision of the project has changed yet.
            tables = [] if heads is None else foreign_tables(connection)
        print("History:", json.dumps(heads or []))
        print("Tables:", json.dumps([project.adapter.describe(url), *tables]))
except SQLAlchemyError:
    pass  # Other commands say what it is.
except CommandError as error:
    answer = error
print("Database:", answer)
"""
CREATE = "steady create"
CORRECT_URL = "# correct DATABASE_URL in .env"


def ask() -> str:
    """Run `LOOK`, and return what it printed."""
    try:
        with working("database"):
            return run(PYTHON, "-c", LOOK)
    except StepFailed as failure:
        return f"Database: {failure}"


def look(
    project: Project, printed: str, *, is_possible: bool
) -> tuple[list[str], list[str]]:
    """Check whether the server answers and has the database.

    Arguments:
        project: the project, whose database is on a server or has to be there.
        printed: what `LOOK` printed, if it could run.
        is_possible: whether commands of the project can run.

    Returns:
        The commands that start the server, and those that create the database.
    """
    create = [] if project.is_adopted else [CREATE]
    if not is_possible:
        return [], create
    answer = printed.rpartition("Database: ")[2].strip()
    if answer == "True":
        return [], []
    if answer == "False":
        report("database", f"{project.place} does not exist yet")
        return [] if create else [CORRECT_URL], create
    place, unreachable, _cause = answer.partition(" does not answer")
    if unreachable:
        report("database", place + unreachable)
        return [project.start_server], create
    report("database", place.partition(": ")[2])
    return [CORRECT_URL], create
