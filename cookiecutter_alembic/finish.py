"""Runs the steps that follow rendering.

If a step cannot be done, the hook prints the command to do it later, and still succeeds;
otherwise, Cookiecutter would delete the project.
"""

from __future__ import annotations

import signal
import sys
import time
from dataclasses import dataclass

from cookiecutter_alembic import (
    adoption,
    database_file,
    environment,
    files,
    first_revision,
    library,
    repository,
    server,
    settings,
    tables,
)
from cookiecutter_alembic.console import report, say
from cookiecutter_alembic.project import Project

FIRST = {
    "example": ["alembic upgrade head"],
    "empty": [
        "# write a model in app/models.py, as README.md shows, then:",
        *first_revision.LATER,
        "alembic upgrade head",
    ],
    "existing": [tables.STAMP, "alembic check"],
}
"""The first steps in a project that is ready, for each starting point."""


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
    begun = _begin(project, settle, install)
    written = "the models" if project.is_adopted else "the first revision"
    commit = repository.commit(project, lacking=written if begun.write else "")
    trouble = [*settle, *install, *begun.trouble, *commit]
    if trouble:
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
        *(begun.instead or FIRST[project.starting_point]),
    ]:
        say(f"  {command}")


@dataclass(frozen=True)
class Begun:
    """How far the models and the database have got: the commands that are left to type.

    Attributes:
        start: those that start the database's server, or let it be reached.
        write: those that write the models or the first revision.
        create: those that create the database.
        instead: those that take the place of the first upgrade.
    """

    start: list[str]
    write: list[str]
    create: list[str]
    instead: list[str]

    @property
    def trouble(self) -> list[str]:
        """Those that are not left in every project."""
        return [*self.start, *self.write, *self.instead]


def _begin(project: Project, settle: list[str], install: list[str]) -> Begun:
    """Begin the models and their history as was answered, and look at the database."""
    is_possible = not (install or settle)
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
    if not project.is_adopted:
        return Begun(start, write, create, tables.look(project, printed))
    lacks = {"the environment": install, "the settings": settle, "the database": start}
    lacking = next((name for name in lacks if lacks[name]), "")
    return Begun(start, adoption.adopt(lacking), create, [])


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
