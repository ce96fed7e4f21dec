"""A project in git whose branches add revisions, as those of several developers do."""

from __future__ import annotations

import re
from pathlib import Path

import harness
import pytest
from harness import PlainProject

from tests.conftest import commit

each = pytest.mark.parametrize(
    "project",
    ["sqlite", pytest.param("psycopg", marks=pytest.mark.full)],
    indirect=True,
)
TABLES = ("address", "phone", "fax")
MODELS = f"{harness.MODELS}\n\n# The tables of others:\n{{places}}"
PLACE = "\n\n# {}\n\n# So that git can merge\n"
TABLE = """\
class {name}(Base):
    __tablename__ = "{table}"

    id: Mapped[int] = mapped_column(primary_key=True)"""
IGNORED = "*.db\n__pycache__/\nhome/\norigin.git/\nother/\n"


def begin(project: PlainProject, name: str = "app.db") -> PlainProject:
    """Put a project with one revision, which has run, in a repository with a remote."""
    folder = project.path
    project.models.write_text(
        MODELS.format(places="".join(PLACE.format(it) for it in TABLES))
    )
    ini = folder / "alembic.ini"
    head = "script_location ="
    text = ini.read_text().replace(head, f"revision_environment = true\n{head}", 1)
    ini.write_text(text.replace(f"{folder}/migrations", "%(here)s/migrations"))
    (folder / ".gitignore").write_text(IGNORED)
    (folder / "migrations" / "head.txt").write_text("base\n")
    git(project, "init", "--quiet", "-b", "main")
    git(project, "init", "--quiet", "--bare", "-b", "main", "origin.git")
    git(project, "remote", "add", "origin", str(folder / "origin.git"))
    project.run("steady", "create")
    project.revise("First")
    project.run("alembic", "upgrade", "head")
    save(project, "First")
    git(project, "push", "--quiet", "origin", "main")
    git(project, "remote", "set-head", "origin", "main")
    return project


def git(project: PlainProject, *command: str, code: int = 0) -> str:
    """Run git, and return what it printed."""
    ended, printed = project.start_process(["git", *command], project.path)
    assert ended == code, printed
    return printed


def save(project: PlainProject, message: str) -> str:
    """Commit all, and return the beginning of the commit."""
    commit(project.path, project.environment, message)
    return git(project, "rev-parse", "--short=7", "HEAD").strip()


def add(project: PlainProject, table: str) -> str:
    """Add a model, and write its revision; return the revision."""
    place = f"# {table}\n"
    model = TABLE.format(name=table.capitalize(), table=table)
    project.change_models({place: f"{model}\n"})
    project.revise(f"Add {table}")
    return head(project)[0]


def branch(project: PlainProject, table: str, *, is_run: bool = True) -> str:
    """Make a branch that adds a table, of whose name it is; return its revision."""
    git(project, "switch", "--quiet", "--create", table)
    revision = add(project, table)
    if is_run:
        project.run("alembic", "upgrade", "head")
    save(project, f"Add {table}")
    return revision


def switch(project: PlainProject, name: str) -> None:
    """Check out a branch, of which Python has compiled nothing."""
    git(project, "switch", "--quiet", name)


def two_branches(project: PlainProject) -> tuple[str, str]:
    """Let a branch add a table, and `main` another; return the revisions.

    The branch is checked out, and only its revision has run.
    """
    begin(project)
    mine = branch(project, "address")
    switch(project, "main")
    theirs = add(project, "phone")
    save(project, "Add phone")
    switch(project, "address")
    return mine, theirs


def head(project: PlainProject) -> list[str]:
    """Return the revisions that the file names."""
    text = (project.path / "migrations" / "head.txt").read_text()
    return [line.split()[0] for line in text.splitlines()]


def file(project: PlainProject, revision: str) -> Path:
    """Return the file of a revision."""
    (found,) = project.path.glob(f"migrations/versions/{revision}_*.py")
    return found


def follows(project: PlainProject, revision: str) -> set[str]:
    """Return what a revision follows: what its docstring says, and what holds."""
    text = file(project, revision).read_text()
    pattern = r"""(?m)^(?:Revises: |down_revision[^=]*= ["'])(\w*)"""
    return {*re.findall(pattern, text)}


def current(project: PlainProject) -> set[str]:
    """Return the revisions that the database is at."""
    printed = project.run("alembic", "current")
    return {*re.findall(r"(?m)^([0-9a-f]{12})\b", printed)}


def state(project: PlainProject) -> tuple[str, str, dict[str, set[str]]]:
    """Return all that a command may change: files, commits, and the database."""
    status = git(project, "status", "--porcelain", "--untracked-files=all")
    diff = git(project, "diff", "HEAD")
    commits = git(project, "rev-parse", "HEAD")
    from tests.projects import schema

    return status + diff, commits, schema(project.url)


def refused(project: PlainProject, *command: str) -> str:
    """Return the line with which a command ends, and see that nothing has changed."""
    before = state(project)
    *_, line = project.run(*command, code=255).splitlines()
    assert line.startswith("FAILED: ") and state(project) == before
    return line
