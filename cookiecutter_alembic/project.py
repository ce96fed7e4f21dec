"""The project that is made: what its hook is told, and where it lies."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path

VERSIONS = Path("migrations", "versions")


@dataclass(frozen=True)
class Project:
    """What the template's extension tells the hook. No secret is in it.

    The hook, and all that it calls, runs in the folder of the project.

    Attributes:
        template: the folder that the template lies in.
        slug: the name of the project's folder.
        url: the connection string without its secrets.
        dotenv: the text of `.env` without them.
        title: the kind of database, for people to read.
        place: where the database is, for people to read.
        is_server: whether a server has to run.
        start_server: what starts it.
        left_out: what the answers no longer have, for people to read.
        unneeded: files that other kinds of projects have, and this one has not.
        again: the command that bakes it once more, with the same answers.
        is_cruft: whether it may be cruft that bakes it.
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
    again: list[str]
    is_cruft: bool

    @property
    def folder(self) -> str:
        """Its folder, to be typed where the command was typed."""
        return shlex.quote(self.slug if _is_here() else str(Path.cwd()))

    @property
    def command_to_finish(self) -> str:
        """The command that bakes it once more, to be typed in the same place."""
        where = [] if _is_here() else ["--output-dir", str(Path.cwd().parent)]
        return shlex.join([*self.again, *where])


def _is_here() -> bool:
    """Return whether the project is in the folder where the command was typed."""
    here = Path(os.environ.get("PWD", os.pardir))
    return here.is_dir() and here.samefile(os.pardir)
