"""Creates the project's git repository and its first commit."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from cookiecutter_alembic.children import StepFailed, run
from cookiecutter_alembic.console import report, working
from cookiecutter_alembic.project import Project

FIRST_COMMIT = "Initial commit"
COMMIT = f'git add --all && git commit -m "{FIRST_COMMIT}"'
IDENTITY = [
    'git config --global user.name "Your Name"',
    "git config --global user.email you@example.com",
]


def commit(project: Project, *, lacking: str) -> list[str]:
    """Create a repository and its first commit, unless inside a repository already.

    Arguments:
        project: the project.
        lacking: what has to be there before, or nothing if it is.

    Returns:
        The commands to do this later, or none if it is done.
    """
    git = shutil.which("git")
    if git is None:
        report("git", "is not installed; no repository created")
        return [f"git init && {COMMIT}"]
    if has_history():
        report("git", "the repository already exists; nothing committed")
        return []
    if (outer := _repository_around(git)) is not None:
        report("git", f"inside the repository {outer.name}; nothing committed")
        return [f'git add . && git commit -m "Add {project.slug}" -- .']
    if lacking:
        report("git", f"needs {lacking} first; nothing committed")
        return [f"git init && {COMMIT}"]
    with working("git"):
        outcome, later = _commit(git)
    report("git", outcome)
    return later


def _commit(git: str) -> tuple[str, list[str]]:
    # A name and email that git guesses would stay in the history forever.
    git_command = [git, "-c", "user.useConfigOnly=true"]
    try:
        # Remove locks of a killed git; nothing else uses git before the first commit.
        for lock in Path(".git").rglob("*.lock"):
            lock.unlink()
        run(git, "init", "--quiet")
        run(git, "add", "--all")
        _add_what_is_ignored_elsewhere(git)
    except StepFailed as failure:
        return str(failure), [f"git init && {COMMIT}"]
    try:
        run(*git_command, "var", "GIT_COMMITTER_IDENT")
    except StepFailed:
        unknown = "has no name and email of yours; nothing committed"
        return unknown, [*IDENTITY, COMMIT]
    try:
        run(*git_command, "commit", "--quiet", "-m", FIRST_COMMIT)
        number = run(git, "rev-parse", "--short", "HEAD").strip()
    except StepFailed as failure:
        return f"nothing committed: {failure}", [COMMIT]
    return f"first commit {number}", []


def _add_what_is_ignored_elsewhere(git: str) -> None:
    """Add what the project's own .gitignore allows, but another file of the owner ignores."""
    others = ("ls-files", "-z", "--others", "--exclude-per-directory=.gitignore")
    if names := run(git, *others).split("\0")[:-1]:
        run(git, "add", "--force", "--", *names)


def _repository_around(git: str) -> Path | None:
    """Return the folder of the repository that the project is in, unless it ignores it."""
    for parent in Path.cwd().parents:
        place = parent / ".git"
        if place.is_file() or (place / "HEAD").exists():
            with suppress(StepFailed):  # It fails for what is not ignored.
                run(git, "check-ignore", "--quiet", Path.cwd())
                return None
            return parent
    return None


def has_history() -> bool:
    """Return whether the project is a git repository of its own with commits."""
    if not Path(".git").exists():
        return False
    try:
        return bool(run("git", "rev-list", "--all", "--max-count=1"))
    except StepFailed:
        # Do not touch it, unless `git init` was killed before it created `objects`.
        return Path(".git").is_file() or Path(".git", "objects").exists()
