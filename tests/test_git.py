"""A generated repository in git: commits, branches and databases go together."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
import yaml

from tests import story
from tests.conftest import TOOLS, Project, Service
from tests.revisions import CLEAN, NOTE

NAME = "    name: Mapped[str | None] = mapped_column(sa.String(50))\n"


def git(project: Project, *command: str, code: int = 0) -> str:
    """Run git as an activated environment does, and return what it printed."""
    with story.activated(project):
        ended, printed = project.start_process(["git", *command], project.path)
    assert ended == code, printed
    return printed


def save(project: Project, message: str) -> None:
    """Commit all."""
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", message)


def leave_environment_out(project: Project) -> None:
    """Let git ignore `.venv`, which is a link in these tests."""
    (project.path / ".git" / "info" / "exclude").write_text("/.venv\n")


def trunk(project: Project) -> str:
    """Return the name of the branch that is checked out."""
    return git(project, "symbolic-ref", "--short", "HEAD").strip()


@pytest.mark.parametrize(
    "kind",
    [
        "sqlite",
        *(pytest.param(it, marks=pytest.mark.full) for it in ("psycopg2", "aiosqlite")),
    ],
)
def test_a_first_revision_is_the_head_that_the_file_names(
    kind: str, original: Callable[[str], Project]
) -> None:
    project = original(kind)
    (revision,) = project.revisions()
    number = revision.name.partition("-")[2][:12]
    told = (project.path / "migrations" / "head.txt").read_text()
    assert told == f"{number} Initial revision\n"
    assert git(project, "status", "--porcelain") == ""


@pytest.mark.full
def test_pre_commit_refuses_a_model_without_its_revision(
    copied: Callable[[str], Project],
) -> None:
    project = copied("sqlite")
    name = trunk(project)
    for options in ((), ("--hook-type", "post-checkout")):
        project.run(TOOLS / "pre-commit", "install", *options)
    project.run("alembic", "upgrade", "head")
    project.add_to_models(NAME)
    git(project, "add", "--all")
    started = time.monotonic()
    told = git(project, "commit", "--message", "Model", code=1)
    took = time.monotonic() - started
    assert "FAILED: the models that are staged have what no staged revision makes:" in (
        told
    )
    # What it costs is two seconds at most, on a machine that may be busy with other tests.
    assert took < 6
    project.revise("Add name")
    # The revision is there, but would not be committed.
    assert "Not staged: git add migrations/versions/" in git(
        project, "commit", "--message", "Model", code=1
    )
    git(project, "switch", "--quiet", "--create", "name")
    save(project, "Add name")
    project.run("alembic", "upgrade", "head")
    told = git(project, "switch", name)
    assert "Add name is on branch name, not here\n" in told
    assert "To let it follow the branch: steady sync\n" in told
    project.run("steady", "sync")
    assert "Add name" not in git(project, "switch", name)


@pytest.mark.full
@pytest.mark.parametrize("service", ["sqlite", "psycopg2-wheel"], indirect=True)
def test_pre_commit_is_quick(service: Service) -> None:
    """Two seconds at most on SQLite, with a repository of this size."""
    project = service.project
    service.create()
    project.run("alembic", "upgrade", "head")
    times = []
    for _ in range(3):
        started = time.monotonic()
        project.start_process(
            [str(project.path / ".venv/bin/steady"), "staged"], project.path
        )
        times.append(time.monotonic() - started)
    assert min(times) < 2


def test_the_hooks_are_what_ci_runs(original: Callable[[str], Project]) -> None:
    project = original("sqlite")
    (repository,) = yaml.safe_load(
        (project.path / ".pre-commit-config.yaml").read_text()
    )["repos"]
    assert repository["repo"] == "local"
    staged, report = (hook["entry"] for hook in repository["hooks"])
    assert (staged, report) == ("steady staged", "steady -x dry-run sync")
    workflow = (project.path / ".github" / "workflows" / "ci.yml").read_text()
    assert f"run: uv run {staged}\n" in workflow


@pytest.mark.parametrize(
    "service",
    ["sqlite", pytest.param("psycopg2-wheel", marks=pytest.mark.full)],
    indirect=True,
)
def test_the_articles_last_section_is_one_command(service: Service) -> None:
    """Migrate down and go back to the model that belongs to it."""
    project = service.project
    service.create()
    project.run("alembic", "upgrade", "head")
    leave_environment_out(project)
    models = project.models.read_text()
    before = service.schema()
    project.add_username()
    project.revise("Add username for user")
    project.run("alembic", "upgrade", "+1")
    save(project, "Add username for user")
    assert service.schema() != before
    told = project.run("steady", "undo")
    assert re.search(
        r"(?m)^Took back [0-9a-f]{12} Add username for user by commit", told
    )
    assert (service.schema(), project.models.read_text()) == (before, models)
    assert git(project, "status", "--porcelain") == ""
    assert project.run("alembic", "check") == NOTE + CLEAN


@pytest.mark.full
@pytest.mark.parametrize("service", ["sqlite", "psycopg2-wheel"], indirect=True)
def test_two_branches_are_put_behind_each_other_in_the_projects_format(
    service: Service,
) -> None:
    project = service.project
    service.create()
    project.run("alembic", "upgrade", "head")
    name = trunk(project)
    git(project, "switch", "--quiet", "--create", "mine")
    project.add_to_models(
        "\n\nclass Mine(Base):\n"
        '    """Mine."""\n\n'
        '    __tablename__ = "mine"\n\n'
        "    id: Mapped[int] = mapped_column(primary_key=True)\n"
    )
    project.revise("Mine")
    project.run("alembic", "upgrade", "head")
    save(project, "Mine")
    git(project, "switch", "--quiet", name)
    text = project.models.read_text()
    key = '    """Somebody who uses the service."""\n'
    assert key in text
    project.models.write_text(
        text.replace(
            '    __tablename__ = "user"\n', f'    __tablename__ = "user"\n\n{NAME}', 1
        )
    )
    project.revise("Theirs")
    save(project, "Theirs")
    git(project, "switch", "--quiet", "mine")
    assert "CONFLICT (content): Merge conflict in migrations/head.txt" in git(
        project, "merge", name, code=1
    )
    told = project.run("steady", "rebase")
    assert "ran up, down and up in" in told
    project.run("ruff", "check")
    project.run("ruff", "format", "--check")
    save(project, "Merge")
    project.run_tests()
    assert project.run("steady", "staged").startswith("The models and revisions")
    assert service.schema()["user"] == {"id", "name"}


def test_the_page_on_git_is_what_happens(copied: Callable[[str], Project]) -> None:
    """Each of its commands, one after the other, prints what stands there."""
    project = copied("sqlite")
    leave_environment_out(project)
    git(project, "branch", "--move", "main")
    project.run("alembic", "upgrade", "head")
    page = story.PAGE.read_text()
    expected = story.told(page)
    for command, printed in story.play(project, page):
        shown, text = next(expected)
        assert shown == command
        assert story.general(printed.rstrip()) == story.general(text.rstrip()), command
    assert next(expected, None) is None


@pytest.mark.full
def test_a_project_that_is_generated_again_keeps_its_head(
    copied: Callable[[str], Project],
) -> None:
    """The file is rendered, too, and the history goes on."""
    project = copied("sqlite")
    project.add_to_models(NAME)
    project.revise("Add name")
    head = project.path / "migrations" / "head.txt"
    before = head.read_text()
    head.write_text("base\n")
    project.run("steady", "rebase")
    assert head.read_text() == before
