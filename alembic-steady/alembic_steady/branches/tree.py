"""A folder with the files of a commit, or of the one that is being made."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import (
    chdir,
    contextmanager,
    redirect_stderr,
    redirect_stdout,
    suppress,
)
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from alembic_steady import head_file
from alembic_steady.git.repository import GitError, Repository

NOT_THERE = "{} is not in it: git add {}"
OTHER_HEAD = "{} names {}, but the head is {}: to write it anew: steady rebase"
ABSOLUTE = "script_location of {} is {}, which another folder can't have: write it behind %(here)s"
LATER = "later commits have changed {} in the same place"
LENGTH = 300  # the number of characters shown of what differs
QUIET = ("-c", f"core.hooksPath={os.devnull}")
"""What keeps hooks from running for a work tree of which nobody knows."""


@contextmanager
def staged(here: Repository) -> Iterator[Path]:
    """Yield a folder with the files of the next commit."""
    with TemporaryDirectory() as folder:
        told = index(here)
        here.run("checkout-index", "--all", f"--prefix={folder}/", told=told)
        _link_ignored(here, Path(folder))
        yield Path(folder)


def index(here: Repository) -> dict[str, str]:
    """Return what tells git of the index that is committed, as for `git commit FILE`."""
    file = os.environ.get("GIT_INDEX_FILE")
    return {"GIT_INDEX_FILE": str(here.folder / file)} if file else {}


@contextmanager
def reverted(here: Repository, commit: str) -> Iterator[Repository]:
    """Yield a further work tree in which a commit is taken back by another commit.

    Git merges there, so that the work tree of the user stays as it is.

    Raises:
        GitError: a conflict, or git has no name for who commits.
    """
    with TemporaryDirectory() as folder:
        place = Path(folder, "tree")
        here.run(*QUIET, "worktree", "add", "--detach", "--quiet", place, "HEAD")
        try:
            there = Repository(place, here.program)
            _revert(there, commit)
            _link_ignored(here, place)
            yield there
        finally:
            here.run("worktree", "remove", "--force", place)


def _revert(there: Repository, commit: str) -> None:
    try:
        there.run("revert", "--no-edit", commit)
    except GitError as error:
        if not (files := there.lines("diff", "--name-only", "--diff-filter=U")):
            raise
        raise GitError(LATER.format(", ".join(files))) from error


def _link_ignored(here: Repository, folder: Path) -> None:
    """Give a folder the files that git ignores, such as .env, without a copy of them."""
    listed = ("ls-files", "--others", "--ignored", "--exclude-standard", "--directory")
    for name in here.run(*listed, "-z").split("\0"):
        source, target = here.folder / name, folder / name
        if name and source.is_file() and target.parent.is_dir():
            try:
                target.symlink_to(source)
            except OSError:  # Windows allows it to some only.
                with suppress(OSError):
                    os.link(source, target)


def check(config: Config, here: Repository, folder: Path) -> None:
    """Check that there is one head, and that the revisions build what the models build.

    Arguments:
        config: Alembic's configuration of the project.
        here: the repository that the project is in.
        folder: the files to check, from the root of the repository.

    Raises:
        CommandError: that is not so; the message is one line.
    """
    folder = folder.resolve()
    ini = Path(str(config.config_file_name)).resolve()
    own = folder / here.path(ini)
    if not own.is_file():
        raise CommandError(NOT_THERE.format(ini.name, ini.name))
    toml = config.toml_file_name
    told = Config(
        own,
        toml_file=folder / here.path(Path(toml)) if toml else None,
        ini_section=config.config_ini_section,
        stdout=StringIO(),
        cmd_opts=config.cmd_opts,
    )
    with chdir(own.parent), _importing_from(here, folder):
        scripts = ScriptDirectory.from_config(told)
        if not Path(scripts.dir).resolve().is_relative_to(folder):
            raise CommandError(ABSOLUTE.format(ini.name, scripts.dir))
        _check_head(scripts)
        with redirect_stderr(StringIO()), redirect_stdout(StringIO()):
            command.check(told)


def words(difference: Any) -> str:
    """Return one of the differences that Alembic has found, in a few words."""
    # Changes of one column come as a list.
    several = difference if isinstance(difference, list) else [difference]
    return "; ".join(
        " ".join(str(getattr(part, "name", part)) for part in it if part is not None)
        for it in several
    )


def _check_head(scripts: ScriptDirectory) -> None:
    head_file.refuse_several(scripts)
    file = head_file.file(scripts)
    if file.is_file():
        heads = {*scripts.get_heads()}
        named = head_file.names(file.read_text("utf-8"))
        if named != heads:
            told = [", ".join(sorted(it)) or head_file.BASE for it in (named, heads)]
            raise CommandError(OTHER_HEAD.format(head_file.NAME, *told))


@contextmanager
def _importing_from(here: Repository, folder: Path) -> Iterator[None]:
    """Let Python import what it would import from the work tree from a folder instead."""
    before = [*sys.path]
    places = [Path(it).resolve() for it in before]
    inside = [it for it in places if it.is_relative_to(here.folder)]
    copies = [folder / it.relative_to(here.folder) for it in inside]
    sys.path[:0] = [str(it) for it in copies if it.is_dir()]
    is_cached, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    sys.path_importer_cache.clear()  # What is relative means another folder here.
    try:
        yield
    finally:
        sys.path_importer_cache.clear()
        sys.path[:] = before
        sys.dont_write_bytecode = is_cached
        for name, module in [*sys.modules.items()]:
            file = getattr(module, "__file__", None)
            if file and Path(file).resolve().is_relative_to(folder):
                del sys.modules[name]
