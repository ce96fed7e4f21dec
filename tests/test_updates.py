"""A generated repository takes over changes of the template by `cruft update`."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.conftest import TOOLS, Project, commit


def test_an_update_changes_what_the_template_changed_and_no_more(
    repository: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    def run(*command: str | Path, cwd: Path) -> None:
        subprocess.run(command, cwd=cwd, env=environment, check=True)

    cruft = TOOLS / "cruft"
    run(cruft, "create", "--no-input", f"file://{repository}", cwd=tmp_path)
    project = Project(tmp_path / "my_service", environment)
    commit(project.path, environment, "Follow the template")
    revisions = project.revisions()
    dotenv = (project.path / ".env").read_text()

    # Both the files and the extension change, and one process renders old and new.
    ini = repository / "{{cookiecutter.project_slug}}" / "alembic.ini"
    ini.write_text(ini.read_text() + "\n# {{ 'x' | quoted }} is new\n")
    answers = repository / "cookiecutter_alembic" / "answers.py"
    answers.write_text(answers.read_text().replace("return f'\"{", "return f'new \"{"))
    commit(repository, environment, "Another template")
    run(cruft, "update", "--skip-apply-ask", cwd=project.path)

    assert project.revisions() == revisions
    assert (project.path / ".env").read_text() == dotenv
    assert '# new "x" is new\n' in (project.path / "alembic.ini").read_text()
    changed = project.run("git", "diff", "--name-only", "HEAD").split()
    assert set(changed) == {".cruft.json", "alembic.ini", "pyproject.toml"}
