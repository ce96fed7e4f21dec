"""What follows rendering, step by step.

What cannot be done here is named, with the command that does it later; only then does the
hook still end well, since Cookiecutter would delete the project.
"""

from __future__ import annotations

import re
import signal
import sys
import tempfile
import time
from pathlib import Path

from cookiecutter_alembic import (
    environment,
    files,
    first_revision,
    library,
    repository,
    server,
    settings,
)
from cookiecutter_alembic.console import report, say
from cookiecutter_alembic.project import Project


def finish(project: Project) -> None:
    """Finish a project in the current folder, and say how to where that is interrupted."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupted)
    if is_for_comparison(project):
        files.complete(project)
        return
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        take_steps(project)
    except KeyboardInterrupt:
        _say_how_to_finish(project, "Interrupted")
    except Exception as error:  # noqa: BLE001  or Cookiecutter would delete the project
        _say_how_to_finish(project, f"{type(error).__name__}: {error}")


def is_for_comparison(project: Project) -> bool:
    """Return whether `cruft update` bakes this project only to compare two versions.

    It bakes the old and the new one in temporary folders. What the steps here make, a
    first revision above all, would differ between the two and end in the real project.
    """
    folder = Path.cwd().parent
    temporary = Path(tempfile.gettempdir()).resolve()
    return bool(
        project.is_cruft
        and folder.parent == temporary
        and re.fullmatch("tmp.{8}", folder.name)
    )


def take_steps(project: Project) -> None:
    """Do each step, and list what is left to type."""
    started = time.monotonic()
    say(f"Creating {project.slug} for {project.title} ({project.place})\n")
    is_whole = _complete(project)
    files.remove_torn()
    settle = settings.write(project)
    if not is_whole:
        _say_how_to_finish(project, "The remaining steps need the library")
        return
    install = environment.make()
    is_possible = not (install or settle)
    then = server.LOOK if is_possible and project.is_server else ""
    revise, printed = first_revision.write(has_environment=not install, then=then)
    start, create = server.look(project, printed, is_possible=is_possible)
    commit = repository.commit(project, is_complete=not revise)
    trouble = [*settle, *install, *revise, *start, *commit]
    if trouble:
        say("\nNext:\n")
    else:
        say(f"\nReady in {time.monotonic() - started:.1f} s. Next:\n")
    activate = environment.ACTIVATE
    for command in [
        f"cd {project.folder}",
        *settle,
        *start,
        *install,
        *([] if activate in install else [activate]),
        *revise,
        *commit,
        *create,
        "alembic upgrade head",
    ]:
        say(f"  {command}")


def _complete(project: Project) -> bool:
    """Bring what is not rendered, and return whether that could be done."""
    try:
        files.complete(project)
    except OSError as error:
        report("library", f"{library.VENDORED}: {error.strerror}")
        return False
    return True


def _interrupted(_number: int, _frame: object) -> None:
    """Take being told to end for Ctrl-C, and once is enough."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _say_how_to_finish(project: Project, reason: str) -> None:
    """Say what a run that could not end leaves to do."""
    say(f"\n{reason}. To finish the project, or to remove it:\n")
    say(f"  {project.command_to_finish}")
    say(f"  rm -r {project.folder}")
