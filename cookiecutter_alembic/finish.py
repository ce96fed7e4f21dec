"""Runs the steps that follow rendering.

If a step cannot be done, the hook prints the command to do it later, and still succeeds;
otherwise, Cookiecutter would delete the project.
"""

from __future__ import annotations

import signal
import sys
import time

from cookiecutter_alembic import (
    beginning,
    environment,
    files,
    library,
    repository,
    settings,
)
from cookiecutter_alembic.console import report, say
from cookiecutter_alembic.project import Project


def finish(project: Project) -> None:
    """Finish the project in the current folder; if interrupted, print how to do it later."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupted)
    if project.is_for_comparison:
        files.complete(project)
        return
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        take_steps(project)
    except KeyboardInterrupt:
        _say_how_to_finish(project, "Interrupted")
    except Exception as error:  # noqa: BLE001  otherwise, Cookiecutter would delete the project
        _say_how_to_finish(project, f"{type(error).__name__}: {error}")


def take_steps(project: Project) -> None:
    """Run all steps, and print what is left to do."""
    started = time.monotonic()
    say(f"Creating {project.slug} for {project.title} ({project.place})\n")
    is_whole = _complete(project)
    files.remove_torn()
    settle = settings.write(project)
    if not is_whole:
        _say_how_to_finish(project, "The remaining steps need the library")
        return
    install = environment.make()
    begun = beginning.begin(project, settle, install)
    written = "the models" if project.is_adopted else "the first revision"
    commit = repository.commit(project, lacking=written if begun.write else "")
    if begun.is_troubled or settle or install or commit:
        say("\nNext:\n")
    else:
        say(f"\nReady in {time.monotonic() - started:.1f} s. Next:\n")
    activate = environment.ACTIVATE
    for command in [
        f"cd {project.folder}",
        *settle,
        *begun.start,
        *install,
        *([] if activate in install else [activate]),
        *begun.write,
        *commit,
        *begun.create,
        *begun.first,
    ]:
        say(f"  {command}")


def _complete(project: Project) -> bool:
    """Add what is not rendered, and return whether this succeeded."""
    try:
        files.complete(project)
    except OSError as error:
        report("library", f"{library.VENDORED}: {error.strerror}")
        return False
    return True


def _interrupted(_number: int, _frame: object) -> None:
    """Handle SIGTERM like Ctrl-C, and ignore further signals."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _say_how_to_finish(project: Project, reason: str) -> None:
    """Print the commands to finish or to remove an unfinished project."""
    say(f"\n{reason}. To finish the project, or to remove it:\n")
    say(f"  {project.command_to_finish}")
    say(f"  rm -r {project.folder}")
