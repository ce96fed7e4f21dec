"""Runs the commands of all steps; no other module starts a program."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from cookiecutter_alembic.dotenv import HANDOVER_VARIABLE

# Settings of the caller, which are meant for other projects.
NOT_FOR_CHILDREN = {
    HANDOVER_VARIABLE,
    "ALEMBIC_CONFIG",
    "DATABASE_URL",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_WORK_TREE",
    "MIGRATION_DATABASE_URL",
    "PYTHONDONTWRITEBYTECODE",  # otherwise, every later command would compile its imports again
    "PYTHONHOME",
    "PYTHONPATH",
    "SHADOW_DATABASE_URL",
    "TEST_DATABASE_URL",
    "UV_PROJECT_ENVIRONMENT",
    "VIRTUAL_ENV",
}


class StepFailed(Exception):
    """A step failed; the message is one line and says why."""


def run(*command: str | Path) -> str:
    """Run a command without a shell and return what it printed.

    Arguments:
        command: a program and its arguments.

    Raises:
        StepFailed: it could not be started, or failed.
    """
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in NOT_FOR_CHILDREN
    }
    try:
        done = subprocess.run(
            command,
            env=environment,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        raise StepFailed(f"{command[0]}: {error.strerror}") from None
    if done.returncode:
        raise StepFailed(_reason(done.stderr + done.stdout, done.returncode))
    return done.stdout


def _reason(printed: str, code: int) -> str:
    """Return the line that says why a command failed."""
    lines = printed.strip().splitlines()
    errors = [
        line for line in lines if re.match("error|fatal|failed", line, re.IGNORECASE)
    ]
    reason = (errors or lines[-1:] or [f"exit code {code}"])[0]
    return re.sub("^(error|fatal|failed): ?", "", reason, flags=re.IGNORECASE)
