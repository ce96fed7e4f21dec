"""Writes the project's `.env`, the only file that contains the password."""

from __future__ import annotations

import json
import os
from pathlib import Path

from cookiecutter_alembic.console import report
from cookiecutter_alembic.dotenv import HANDOVER_VARIABLE
from cookiecutter_alembic.project import Project


def write(project: Project) -> list[str]:
    """Write `.env`, readable only by its owner, unless it exists.

    Returns:
        The steps that are left to do by hand, or none if it is complete.
    """
    url, text = json.loads(os.environ.get(HANDOVER_VARIABLE, "[null, null]"))
    # A replayed run has no password, and one from an earlier run is not for this project.
    is_whole = url == project.url or not project.left_out
    text = text if url == project.url else project.dotenv
    dotenv = Path(".env")
    try:
        file = os.open(dotenv, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        report("settings", ".env already exists and was kept")
        return []
    try:
        with open(file, "w", encoding="utf-8", newline="\n") as opened:
            opened.write(text)
    except OSError as error:
        dotenv.unlink()
        report("settings", f".env: {error.strerror}")
        return ["cp .env.example .env  # and fill it in"]
    if is_whole:
        return []
    report(
        "settings", f".env lacks the {project.left_out}; stored answers hold no secrets"
    )
    return [f"# add the {project.left_out} to .env, as in .env.example"]
