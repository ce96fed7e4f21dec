"""The only module that runs git, on the repository that a project is in."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from alembic.util import CommandError

FOLDER = "alembic-steady"
"""The folder of this library in that of git, which all work trees of a clone share."""
OWN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR")
"""What git tells its hooks, and what would lead astray in another folder."""
NOT_INSTALLED = "git is not installed"
NO_REPOSITORY = "this is no git repository"


class GitError(CommandError):
    """Git is not there, or has failed; the message is one line."""


@dataclass(frozen=True)
class Repository:
    """A work tree of a git repository.

    Attributes:
        folder: the root of the work tree.
        program: git.
    """

    folder: Path
    program: str

    def run(self, *command: str | Path, told: dict[str, str] | None = None) -> str:
        """Run a command of git in the root, and return what it prints.

        Arguments:
            command: the command and its arguments.
            told: further environment variables.

        Raises:
            GitError: it has failed; the message is what git says.
        """
        done = self._started(*command, told=told)
        if done.returncode:
            said = f"{done.stderr}\n{done.stdout}".strip().splitlines()
            raise GitError(f"git {command[0]}: {said[0] if said else 'failed'}")
        return done.stdout

    def lines(
        self, *command: str | Path, told: dict[str, str] | None = None
    ) -> list[str]:
        """Return the lines that a command prints, or none if it fails or finds nothing."""
        done = self._started(*command, told=told)
        # Other characters that Python takes for the end of a line may be in a name.
        return done.stdout.split("\n")[:-1] if done.returncode == 0 else []

    def line(self, *command: str | Path) -> str:
        """Return the first line that a command prints, or "" if there is none."""
        return next(iter(self.lines(*command)), "")

    def commit(self, name: str) -> str:
        """Return the hash of the commit that a name stands for, or ""."""
        return self.line("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")

    def branch(self) -> str:
        """Return the current branch, or the beginning of the commit if there is none."""
        return self.line("symbolic-ref", "--quiet", "--short", "HEAD") or self.line(
            "rev-parse", "--short", "HEAD"
        )

    def text(self, place: str, path: str) -> str | None:
        """Return what is in a file of a commit, or None if it has no such file."""
        done = self._started("show", f"{place}:{path}")
        return done.stdout if done.returncode == 0 else None

    def path(self, file: Path) -> str:
        """Return the name of a file as git writes it."""
        return file.resolve().relative_to(self.folder).as_posix()

    def _started(
        self, *command: str | Path, told: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        environment = {key: it for key, it in os.environ.items() if key not in OWN}
        return subprocess.run(
            [self.program, "-c", "core.quotePath=false", *command],
            cwd=self.folder,
            env={**environment, "GIT_OPTIONAL_LOCKS": "0", **(told or {})},
            check=False,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
        )


def of(folder: Path) -> Repository:
    """Return the repository that a folder is in.

    Raises:
        GitError: there is none, or git is not installed.
    """
    program = shutil.which("git")
    if program is None:
        raise GitError(NOT_INSTALLED)
    around = Repository(folder.resolve(), program)
    root = around.line("rev-parse", "--show-toplevel")
    if not root:
        raise GitError(NO_REPOSITORY)
    return Repository(Path(root).resolve(), program)


def find(folder: Path) -> Repository | None:
    """Return the repository that a folder is in, or None without one."""
    with suppress(GitError):
        return of(folder)
    return None


def shared_folder(folder: Path) -> Path | None:
    """Return the folder in which git keeps what all work trees share, or None.

    Arguments:
        folder: a folder of the work tree. Git itself is not started.
    """
    for parent in (folder.resolve(), *folder.resolve().parents):
        place = parent / ".git"
        with suppress(OSError, UnicodeDecodeError):
            if place.is_file():  # of a further work tree, or of a submodule
                told = place.read_text("utf-8").removeprefix("gitdir:").strip()
                place = parent / told
                common = place / "commondir"
                if common.is_file():
                    place /= common.read_text("utf-8").strip()
            if (place / "HEAD").is_file():
                return place.resolve()
    return None
