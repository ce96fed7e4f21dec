"""The models and the first revision of a database with tables, which `steady adopt` writes."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from cookiecutter_alembic import environment
from cookiecutter_alembic.children import StepFailed, run
from cookiecutter_alembic.console import report, say, working
from cookiecutter_alembic.environment import PYTHON
from cookiecutter_alembic.project import VERSIONS

SQLACODEGEN = "sqlacodegen>=4.0.4"
ADOPT = """
import sys
from alembic_steady.cli import main

# What sqlacodegen needs and the project has, such as SQLAlchemy, is the project's.
sys.path.append(sys.argv.pop())
main()
"""


def adopt(lacking: str) -> list[str]:
    """Let `steady adopt` write models and baseline, unless there is a revision.

    Arguments:
        lacking: what has to be there before, or nothing if it is.

    Returns:
        The commands to do this later, or none if it is done.
    """
    started = time.monotonic()
    if any(VERSIONS.glob("*.py")):
        report("models", "already exist")
        return []
    way = environment.choose()
    if lacking:
        report("models", f"need {lacking} first")
        return way.adopt
    try:
        with working("models"):
            _place, counts, *details = _told(_adopt(way.install))
    except StepFailed as failure:
        report("models", str(failure))
        return way.adopt
    tables, _, others = counts.strip().partition(", ")
    report("models", tables, started)
    # The folder of the revisions is known, and would be too long for a line.
    for line in [*filter(None, [others]), *details]:
        say(f"  {'':16} {line.replace(f'{VERSIONS}{os.sep}', '')}")
    return []


def _adopt(install: tuple[str | Path, ...]) -> str:
    """Run `steady adopt` with an sqlacodegen that is gone afterwards."""
    try:
        temporary = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    except OSError as error:
        raise StepFailed(f"need a temporary folder: {error.strerror}") from None
    with temporary as folder:
        try:
            run(*install, "--target", folder, SQLACODEGEN)
        except StepFailed as failure:
            why = environment.reason(failure)
            raise StepFailed(f"need sqlacodegen, but: {why}") from None
        return run(PYTHON, "-c", ADOPT, "adopt", folder)


def _told(printed: str) -> list[str]:
    """Return the lines that were printed before the next steps."""
    told, _, _ = printed.partition("\nNext:\n")
    return [line for line in told.splitlines() if line.strip()]
