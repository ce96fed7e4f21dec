"""A generated repository takes over changes of the template by `cruft update`."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import TEMPLATE, TOOLS, Project, bake, commit, cruft
from tests.servers import PASSWORD, Postgres


def test_an_update_changes_what_the_template_changed_and_no_more(
    repository: Path, bench: Path, environment: dict[str, str]
) -> None:
    # It is created in a temporary folder, as those are in which an update compares.
    environment["TMPDIR"] = str(bench)
    folder = Path(tempfile.mkdtemp(dir=bench))
    url = f"file://{repository}"
    cruft("create", "--no-input", url, cwd=folder, environment=environment)
    project = Project(folder / "my_service", environment)
    commit(project.path, environment, "Follow the template")
    assert cruft("diff", cwd=project.path, environment=environment) == ""
    revisions = project.revisions()
    assert len(revisions) == 1
    dotenv = (project.path / ".env").read_text()

    # Both the files and the extension change, and one process renders old and new.
    ini = repository / "{{cookiecutter.project_slug}}" / "alembic.ini"
    ini.write_text(ini.read_text() + "\n# {{ 'x' | quoted }} is new\n")
    answers = repository / "cookiecutter_alembic" / "answers.py"
    answers.write_text(answers.read_text().replace("return f'\"{", "return f'new \"{"))
    commit(repository, environment, "Another template")
    cruft("update", "--skip-apply-ask", cwd=project.path, environment=environment)

    assert project.revisions() == revisions
    assert (project.path / ".env").read_text() == dotenv
    assert '# new "x" is new\n' in (project.path / "alembic.ini").read_text()
    changed = project.run("git", "diff", "--name-only", "HEAD").split()
    assert set(changed) == {".cruft.json", "alembic.ini", "pyproject.toml"}


@pytest.mark.full
def test_an_update_brings_the_next_version_of_the_library(
    repository: Path, bench: Path, environment: dict[str, str]
) -> None:
    cruft(
        *("create", "--no-input", f"file://{repository}"),
        cwd=bench,
        environment=environment,
    )
    project = Project(bench / "my_service", environment)
    commit(project.path, environment, "Follow the template")
    lock = (project.path / "uv.lock").read_bytes()

    source = repository / "alembic-steady"
    package = source / "alembic_steady"
    (package / "cli.py").write_text((package / "cli.py").read_text() + "\nNEXT = 1\n")
    (package / "adapters" / "next.py").write_text('"""A new module."""\n')
    (package / "py.typed").write_text("partial\n")
    (source / "CHANGELOG.md").write_text("# Not for projects\n")
    commit(repository, environment, "Another library")
    cruft("update", "--skip-apply-ask", cwd=project.path, environment=environment)

    vendored = "vendor/alembic-steady/alembic_steady"
    status = project.run("git", "status", "--short", "--untracked-files=all")
    assert {line[3:] for line in status.splitlines()} == {
        ".cruft.json",
        f"{vendored}/adapters/next.py",
        f"{vendored}/cli.py",
        f"{vendored}/py.typed",
    }
    code = "from alembic_steady import cli; print(cli.NEXT)"
    assert project.run("python", "-c", code) == "1\n"
    assert (project.path / "uv.lock").read_bytes() == lock
    project.run("uv", "lock", "--check")


@pytest.mark.full
def test_a_project_of_an_older_template_keeps_its_models(
    repository: Path, bench: Path, environment: dict[str, str]
) -> None:
    """It was not asked what the models start with; it has the example."""
    url = f"file://{repository}"
    cruft("create", "--no-input", url, cwd=bench, environment=environment)
    project = Project(bench / "my_service", environment)
    state = project.path / ".cruft.json"
    told = json.loads(state.read_text())
    assert told["context"]["cookiecutter"].pop("starting_point") == "example"
    state.write_text(json.dumps(told, indent=2))
    commit(project.path, environment, "Follow the template")
    before = project.models.read_text(), project.revisions()
    change(repository, environment, "app", "config.py")
    cruft("update", "--skip-apply-ask", cwd=project.path, environment=environment)
    told = json.loads(state.read_text())
    assert told["context"]["cookiecutter"]["starting_point"] == "example"
    assert (project.models.read_text(), project.revisions()) == before
    changed = project.run("git", "diff", "--name-only", "HEAD").split()
    assert set(changed) == {".cruft.json", "app/config.py"}


@pytest.mark.full
def test_an_update_leaves_models_alone_that_were_read_from_a_database(
    repository: Path, bench: Path, environment: dict[str, str]
) -> None:
    url = f"file://{repository}"
    answers = json.dumps({"starting_point": "existing"})
    create = ("create", "--no-input", "--extra-context", answers, url)
    cruft(*create, cwd=bench, environment=environment)
    project = Project(bench / "my_service", environment)
    project.models.write_text("class Read: ...\n")
    project.run("git", "init", "--quiet")
    commit(project.path, environment, "Follow the template")
    assert cruft("diff", cwd=project.path, environment=environment) == ""
    for name in ("config.py", "models.py"):
        change(repository, environment, "app", name)
    cruft("update", "--skip-apply-ask", cwd=project.path, environment=environment)
    changed = project.run("git", "diff", "--name-only", "HEAD").split()
    assert set(changed) == {".cruft.json", "app/config.py"}
    assert project.models.read_text() == "class Read: ...\n"


def change(repository: Path, environment: dict[str, str], *path: str) -> None:
    """Change a file that the template renders."""
    file = repository.joinpath("{{cookiecutter.project_slug}}", *path)
    file.write_text(f"{file.read_text()}# New\n")
    commit(repository, environment, "Another template")


BEFORE_THE_LIBRARY = "07cc04f00097f14029a8570fb738684dffdb2250"
"""The last version whose projects have all of the code, in `migrations/*.py`."""
WITH_THE_LIBRARY = "632a6e34750f9ca4ca637d92cb3b1fdeea880ceb"
"""A version whose projects call the library, and have no file that names the head."""


@dataclass
class Follower:
    """A project that follows a template, which goes on.

    Attributes:
        template: the template's repository.
        project: the project, made from an older version of it.
        checkout: the files of today's version.
    """

    template: Path
    project: Project
    checkout: Path

    def cruft(self, *command: str, code: int = 0) -> str:
        """Run `cruft` in the project, and return what it printed."""
        done = subprocess.run(
            [str(TOOLS / "cruft"), *command],
            cwd=self.project.path,
            env=self.project.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == code, done.stdout
        return done.stdout

    def bring_today(self) -> None:
        """Let the template's repository have the files of today."""
        environment = self.project.environment
        git(self.template, environment, "rm", "--quiet", "-r", ".")
        shutil.copytree(self.checkout, self.template, dirs_exist_ok=True)
        commit(self.template, environment, "Today")
        git(self.template, environment, "tag", "today")


def git(folder: Path, environment: dict[str, str], *command: str) -> str:
    """Run git, and return what it printed."""
    return subprocess.check_output(
        ["git", *command], cwd=folder, env=environment, text=True
    )


def follow(
    version: str,
    url: str,
    bench: Path,
    environment: dict[str, str],
    checkout: Path,
    *,
    is_linked: bool = False,
    is_tagged: bool = False,
) -> Follower:
    """Make a project from an older version of the template, and commit it.

    Arguments:
        version: a commit of the template.
        url: the connection string.
        bench: where to make it.
        environment: the environment of all commands.
        checkout: the files of today's version.
        is_linked: whether Cookiecutter makes it, and cruft learns of it afterwards.
        is_tagged: whether it follows tags, and not the branch.
    """
    kept = subprocess.run(
        ["git", "cat-file", "-e", version], cwd=TEMPLATE, capture_output=True
    )
    if kept.returncode:
        pytest.skip(f"version {version} is not in this clone, which may be shallow")
    template = bench / "template"
    git(bench, environment, "clone", "--quiet", str(TEMPLATE), str(template))
    git(template, environment, "checkout", "--quiet", "-B", "main", version)
    git(template, environment, "tag", "before")
    folder = bench / "projects"
    folder.mkdir()
    at = f"file://{template}"
    answers = json.dumps({"database_url": url})
    if is_linked:
        bake(folder, environment, template=template, answers={"database_url": url})
    else:
        create = ("create", "--no-input", "--extra-context", answers)
        tag = ("--checkout", "before") if is_tagged else ()
        cruft(*create, *tag, at, cwd=folder, environment=environment)
    project = Project(folder / "my_service", environment)
    follower = Follower(template, project, checkout)
    if is_linked:
        link = (
            "link",
            "--no-input",
            "--checkout",
            "before",
            "--extra-context",
            answers,
        )
        follower.cruft(*link, at)
    if git(project.path, environment, "status", "--porcelain"):
        commit(project.path, environment, "Follow the template")
    return follower


def live(project: Project) -> dict[str, bytes]:
    """Add three revisions and changes of the owner's, and return all these files."""
    path = project.path
    project.add_username()
    project.revise("Add username")
    for name in ("Second", "Third"):
        project.run("alembic", "revision", "-m", name)
    (path / "app" / "service.py").write_text('"""Own code."""\n')
    readme = path / "README.md"
    readme.write_text(f"Own words.\n\n{readme.read_text()}")
    pyproject = path / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace('"0.1.0"', '"1.2.3"', 1))
    commit(path, project.environment, "Live")
    return own_files(project)


def own_files(project: Project) -> dict[str, bytes]:
    """Return what a template must not change."""
    names = [".env", "app/models.py", "app/service.py"]
    found = [*project.revisions(), *(project.path / name for name in names)]
    return {it.name: it.read_bytes() for it in found}


def is_up_to_date(follower: Follower, password: str) -> None:
    """See that the owner's changes are there, and what the template is now."""
    path = follower.project.path
    assert "Own words." in (path / "README.md").read_text()
    assert '"1.2.3"' in (path / "pyproject.toml").read_text()
    told = (path / ".cruft.json").read_text()
    assert not password or password not in told
    vendored = path / "vendor" / "alembic-steady" / "alembic_steady"
    source = follower.checkout / "alembic-steady" / "alembic_steady"
    for file in source.rglob("*.py"):
        assert (vendored / file.relative_to(source)).read_bytes() == file.read_bytes()
    gone = {it.relative_to(vendored) for it in vendored.rglob("*.py")} - {
        it.relative_to(source) for it in source.rglob("*.py")
    }
    assert not gone
    assert "up to date" in follower.cruft("check")
    assert not [*path.glob("**/*.rej")]
    assert "<<<<<<<" not in git(path, follower.project.environment, "diff", "HEAD")


def works(project: Project) -> None:
    """See that the project's own checks pass, and what is new for it."""
    project.run("uv", "sync", "--quiet")
    project.run("alembic", "upgrade", "head")
    assert "no drift" in project.run("steady", "drift")
    git(project.path, project.environment, "add", "--all")
    assert "to write it anew: steady rebase" in project.run(
        "steady", "staged", code=255
    )
    project.run("steady", "rebase")
    git(project.path, project.environment, "add", "--all")
    project.run("steady", "staged")
    for command in (("ruff", "check"), ("ruff", "format", "--check"), ("mypy",)):
        project.run(*command)
    assert " passed" in project.run("pytest", "-q")


@pytest.mark.full
@pytest.mark.parametrize(
    ("driver", "is_linked"), [("sqlite", False), ("sqlite", True), ("psycopg2", False)]
)
def test_a_project_with_a_life_of_its_own_follows_the_template(
    driver: str,
    is_linked: bool,
    bench: Path,
    environment: dict[str, str],
    checkout: Path,
    request: pytest.FixtureRequest,
) -> None:
    url, password = database(driver, request)
    follower = follow(
        *(WITH_THE_LIBRARY, url, bench, environment, checkout), is_linked=is_linked
    )
    project = follower.project
    before = live(project)
    python = (project.path / ".venv" / "pyvenv.cfg").stat()
    assert "up to date" in follower.cruft("check")
    # The project's own changes are what `diff` shows.
    told = follower.cruft("diff")
    assert {*re.findall(r"(?m)^diff --git \S*?-old/(\S+) ", told)} <= {
        *("README.md", "app/models.py", "app/service.py", "pyproject.toml"),
    }
    follower.bring_today()
    # What was linked to a version stays there until another one is named.
    target = ("--checkout", "main") if is_linked else ()
    assert "out of date" in follower.cruft("check", *target, code=1)
    follower.cruft("update", "--skip-apply-ask", *target)
    assert own_files(project) == before
    assert (project.path / ".venv" / "pyvenv.cfg").stat() == python
    is_up_to_date(follower, password)
    works(project)


def database(driver: str, request: pytest.FixtureRequest) -> tuple[str, str]:
    """Return a connection string, and the password in it."""
    if driver == "sqlite":
        return "sqlite:///my_service.db", ""
    server: Postgres = request.getfixturevalue("any_postgres")
    server.create("orders")
    return server.url("postgresql+psycopg2", "orders"), PASSWORD


OLD_IMPORTS = {
    "sqlite": ("from migrations.scratch import is_scratch", "is_scratch()"),
    "psycopg2": (
        "from migrations import concurrently",
        'concurrently.create_index("ix_own", "user", ["id"])\n    op.drop_index("ix_own")',
    ),
}


@pytest.mark.full
@pytest.mark.parametrize("driver", OLD_IMPORTS)
def test_a_project_from_before_the_library_comes_to_it(
    driver: str,
    bench: Path,
    environment: dict[str, str],
    checkout: Path,
    request: pytest.FixtureRequest,
) -> None:
    url, password = database(driver, request)
    follower = follow(
        *(BEFORE_THE_LIBRARY, url, bench, environment, checkout), is_tagged=True
    )
    project = follower.project
    live(project)
    line, call = OLD_IMPORTS[driver]
    *_, last = project.revisions()
    text = last.read_text().replace("    pass\n", f"    {call}\n", 1)
    last.write_text(
        text.replace("from alembic import op\n", f"from alembic import op\n{line}\n")
    )
    project.run("alembic", "upgrade", "head")
    commit(project.path, environment, "As documented then")
    before = own_files(project)
    follower.bring_today()
    follower.cruft("update", "--skip-apply-ask", "--checkout", "today")
    assert own_files(project) == before
    assert {it.name for it in (project.path / "migrations").glob("*.py")} == {"env.py"}
    is_up_to_date(follower, password)
    # Each revision that needs it is told what to write.
    project.run("uv", "sync", "--quiet")
    told = project.run("alembic", "current", code=255)
    name = call.partition("(")[0].rpartition(".")[2]
    assert f"{last.name}, line " in told
    assert f"; write instead: from alembic_steady import {name}" in told
    text = last.read_text().replace(line, f"from alembic_steady import {name}")
    last.write_text(text.replace("concurrently.", ""))
    works(project)
