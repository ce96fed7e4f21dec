"""The project's first revision, which Alembic's autogenerate writes."""

from __future__ import annotations

import re
import time
from contextlib import suppress

from cookiecutter_alembic.children import StepFailed, run
from cookiecutter_alembic.console import report, say, working
from cookiecutter_alembic.environment import PYTHON
from cookiecutter_alembic.project import VERSIONS
from cookiecutter_alembic.repository import has_history

MESSAGE = "Initial revision"
LATER = [f'alembic revision --autogenerate -m "{MESSAGE}"']
NOT_RUN = "not run yet: no scratch database"
HEAD = VERSIONS.with_name("head.txt")
NO_HEAD = "base\n"
"""What the file that names the head says before there is a revision."""
UNTRIED = "# Not run yet: no scratch database was available when it was written.\n"
"""The first line of a revision that the library could not try."""
AUTOGENERATE = """
from alembic.config import main

main()
"""


def write(*, has_environment: bool, then: str) -> tuple[list[str], str]:
    """Let Alembic's autogenerate write the first revision, unless it exists.

    Arguments:
        has_environment: whether there is an environment to run Alembic in.
        then: Python code to run afterwards in the same process, which has already imported
            most of what it needs.

    Returns:
        The commands to do this later, or none if it is done; and what was printed, or
        nothing if Alembic did not run.
    """
    started = time.monotonic()
    if revisions := [*VERSIONS.glob("*.py")]:
        if has_environment and len(revisions) == 1 and not has_history():
            # A killed run may not have formatted it.
            with suppress(StepFailed):
                run(PYTHON, "-m", "ruff", "format", "--quiet", revisions[0])
        if has_environment and HEAD.is_file() and HEAD.read_text("utf-8") == NO_HEAD:
            # It was killed before that was written, or it was there before the project.
            with suppress(StepFailed):
                run(PYTHON, "-m", "alembic_steady.cli", "rebase")
        report("first revision", "already exists")
        return [], ""
    if not has_environment:
        report("first revision", "needs the environment first")
        return LATER, ""
    try:
        with working("first revision"):
            command = ("revision", "--autogenerate", "-m", MESSAGE)
            printed = run(PYTHON, "-c", AUTOGENERATE + then, *command)
    except BaseException as failure:
        for half_written in VERSIONS.glob("*.py"):
            half_written.unlink()
        HEAD.write_text(NO_HEAD, "utf-8")
        if not isinstance(failure, StepFailed):
            raise
        report("first revision", str(failure))
        return LATER, ""
    (revision,) = VERSIONS.glob("*.py")
    report("first revision", revision.name, started)
    for line in _details(revision.read_text("utf-8")):
        say(f"  {'':16} {line}")
    return [], printed


def _details(text: str) -> list[str]:
    """Return what there is to say about a revision, line by line."""
    tables = re.findall(r'create_table\(\s*"(.+?)"', text)
    lines = [f"create table {table}" for table in tables]
    return [*lines, NOT_RUN] if text.startswith(UNTRIED) else lines
