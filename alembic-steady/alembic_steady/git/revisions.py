"""Where git has a revision: on which branch, in which commit, by whom and since when."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError, to_tuple

from alembic_steady.git import kept
from alembic_steady.git.repository import Repository

BRANCHES = ("refs/heads", "refs/remotes")
NAME = re.compile(r"""^revision\b[^=]*=\s*["']([^"']+)["']""")
PATTERN = r"""^revision[ :=].*["']{}["']"""
"""The same for git, in the words that each of its platforms knows."""


@dataclass(frozen=True)
class Found:
    """A file of a revision in git.

    Attributes:
        place: the branch or the commit that has it.
        path: its name, from the root.
        is_branch: whether the place is a branch.
    """

    place: str
    path: str
    is_branch: bool

    def __str__(self) -> str:
        """Say where it is."""
        if self.is_branch:
            return f"on branch {self.place}"
        return f"in commit {self.place[:7]}, on no branch"


@dataclass(frozen=True)
class Source:
    """What a revision's file says, without running it.

    Attributes:
        revision: its id.
        message: the first line of its docstring.
        before: the revisions that it follows.
    """

    revision: str
    message: str
    before: tuple[str, ...]


def folders(scripts: ScriptDirectory) -> list[Path]:
    """Return the folders that have a project's revisions."""
    return [Path(it).resolve() for it in scripts.version_locations] or [
        Path(scripts.dir).resolve() / "versions"
    ]


def find(
    repository: Repository, scripts: ScriptDirectory, revision: str
) -> Found | None:
    """Return where git has a revision that the work tree has not, or None.

    A branch is preferred; otherwise it is any commit that git still knows of, as those of a
    branch that was deleted, or of a stash.
    """
    paths = _paths(repository, folders(scripts))
    pattern = PATTERN.format(re.escape(revision))
    branches = repository.lines(
        *("for-each-ref", "--sort=-committerdate", "--format=%(refname)", *BRANCHES)
    )
    for line in _hits(repository, pattern, branches, paths):
        place, _, path = line.partition(":")
        place = re.sub(r"^refs/(heads|remotes)/", "", place)
        return Found(place, path, is_branch=True)
    added = repository.lines(
        *("log", "--all", "--reflog", "--full-history", "--format=%x00%H"),
        "--name-only",
        *("--diff-filter=A", f"-G{pattern}", "--", *paths),
    )
    commit = ""
    for line in added:
        if line.startswith("\0"):
            commit = line[1:]
        elif line.endswith(".py"):
            return Found(commit, line, is_branch=False)
    return None


def _hits(
    repository: Repository, pattern: str, places: list[str], paths: list[str]
) -> Iterator[str]:
    if places:
        command = ("grep", "--extended-regexp", "--files-with-matches", "-e", pattern)
        yield from repository.lines(*command, *places, "--", *paths)


def bring(repository: Repository, found: Found, folder: Path) -> Path:
    """Write the files of a revision to a folder, and return its own."""
    target = folder / Path(found.path).name
    for suffix in (".py", ".sql"):
        path = Path(found.path).with_suffix(suffix).as_posix()
        text = repository.text(found.place, path)
        if text is not None:
            target.with_suffix(suffix).write_text(text, "utf-8", newline="\n")
    return target


def whereabouts(repository: Repository, scripts: ScriptDirectory, revision: str) -> str:
    """Return the name of a revision that the work tree has not, and where it is, or ""."""
    found = find(repository, scripts, revision)
    if found:
        return f"{_name(repository.text(found.place, found.path))}, {found}"
    copy = kept.find(revision, Path(scripts.dir))
    if copy:
        name = _name(copy.read_text("utf-8"))
        return f"{name}, which has run here and is in no commit"
    return ""


def ids(repository: Repository, scripts: ScriptDirectory, place: str) -> set[str]:
    """Return the revisions that a commit has."""
    paths = _paths(repository, folders(scripts))
    command = ("grep", "--extended-regexp", "-h", "-e", "^revision[ :=]")
    lines = repository.lines(*command, place, "--", *paths)
    return {found[1] for line in lines if (found := NAME.match(line))}


def published(
    repository: Repository, scripts: ScriptDirectory, revisions: Iterable[str]
) -> dict[str, str]:
    """Return those of some revisions that are on a remote branch, with the branch's name."""
    found = {}
    paths = _paths(repository, folders(scripts))
    remotes = repository.lines("for-each-ref", "--format=%(refname)", "refs/remotes")
    for revision in revisions:
        pattern = PATTERN.format(re.escape(revision))
        for line in _hits(repository, pattern, remotes, paths):
            found[revision] = line.partition(":")[0].removeprefix("refs/remotes/")
            break
    return found


def made(repository: Repository, file: Path) -> str:
    """Return who has committed a file first, on any branch, and when, or that nobody has."""
    command = ("log", "--all", "--full-history", "--diff-filter=A", "--date=short")
    name = repository.path(file)
    told = repository.lines(*command, "--format=%an, %ad", "HEAD", "--", name)
    return told[-1] if told else "not committed"


def told(repository: Repository | None, script: Script) -> str:
    """Return a revision with its name, and who made it and when where git knows that."""
    by = f" ({made(repository, Path(script.path))})" if repository else ""
    return f"{script.revision} {script.doc}{by}"


def source(text: str) -> Source:
    """Read a revision's file without running it.

    Raises:
        SyntaxError: it is no Python.
    """
    tree = ast.parse(text)
    found: dict[str, object] = {}
    for name, value in assigned(tree):
        with suppress(ValueError):  # It is computed.
            found[name] = ast.literal_eval(value)
    message = (ast.get_docstring(tree) or "").partition("\n")[0]
    before: Any = to_tuple(found.get("down_revision"), ())
    return Source(str(found.get("revision")), message, before)


def _name(text: str | None) -> str:
    """Return what a revision is called, as far as its file can be read."""
    with suppress(SyntaxError):
        return source(text or "").message or "no name"
    return "no name"


def assigned(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Yield the names of a module that are given a value, with the value."""
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield name, value


def load(file: Path) -> Script:
    """Run the file of a revision that is in none of the project's folders.

    Raises:
        CommandError: that fails; the message is one line.
    """
    module: Any = ModuleType(f"steady_{file.stem}")
    module.__file__ = str(file)
    try:
        exec(compile(file.read_bytes(), file, "exec"), module.__dict__)  # noqa: S102
    except Exception as error:  # noqa: BLE001  It may be anything.
        reason = f"{type(error).__name__}: {error}"
        raise CommandError(f"{file.name} cannot be read: {reason}") from None
    return Script(module, module.revision, str(file))


def _paths(repository: Repository, places: Iterable[Path]) -> list[str]:
    root = repository.folder
    return [it.relative_to(root).as_posix() for it in places if it.is_relative_to(root)]
