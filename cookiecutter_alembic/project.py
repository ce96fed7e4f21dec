"""The project to generate: the data for its hook, and its location."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path

VERSIONS = Path("migrations", "versions")


@dataclass(frozen=True)
class Project:
    """The data that the template's extension passes to the hook, without secrets.

    The hook, and everything that it calls, runs in the folder of the project.

    Attributes:
        template: the folder of the template.
        slug: the name of the project's folder.
        url: the connection string without its secrets.
        dotenv: the text of `.env` without secrets.
        title: the kind of database, for people to read.
        place: where the database is, for people to read.
        is_server: whether the database needs a server.
        start_server: the command that starts it.
        left_out: the names of the secrets removed from the answers, for people to read.
        unneeded: files that are only for other kinds of projects.
        starting_point: what the models begin with: `example`, `empty` or `existing`.
        again: the command that generates the project again, with the same answers.
        is_for_comparison: whether cruft generates it only to compare two versions.
    """

    template: str
    slug: str
    url: str
    dotenv: str
    title: str
    place: str
    is_server: bool
    start_server: str
    left_out: str
    unneeded: list[str]
    starting_point: str
    again: list[str]
    is_for_comparison: bool

    @property
    def is_adopted(self) -> bool:
        """Whether the models are read from a database, which the project doesn't create."""
        return self.starting_point == "existing"

    @property
    def folder(self) -> str:
        """The project's folder, to be typed where the command was typed."""
        return shlex.quote(self.slug if _is_here() else str(Path.cwd()))

    @property
    def command_to_finish(self) -> str:
        """The command that generates the project again, to be typed in the same folder."""
        where = [] if _is_here() else ["--output-dir", str(Path.cwd().parent)]
        return shlex.join([*self.again, *where])


def adopted_models(folder: Path) -> str | None:
    """Return the text of the models that `steady adopt` has written, without its end.

    They would be lost if the project was generated again.

    Arguments:
        folder: that of the project, if it has been generated before.

    Returns:
        None if there is no revision yet, and "" if the models are in more than one module.
    """
    if not any((folder / VERSIONS).glob("*.py")):
        return None
    file = folder / "app" / "models.py"
    return file.read_text("utf-8").removesuffix("\n") if file.is_file() else ""


def _is_here() -> bool:
    """Return whether the command was typed in the project's parent folder."""
    here = Path(os.environ.get("PWD", os.pardir))
    return here.is_dir() and here.samefile(os.pardir)
