"""A generated repository takes over changes of the template by `cruft update`."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest

from tests.conftest import Project, commit, cruft


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
