"""A database that is a file: what the hook says of its folder."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from cookiecutter_alembic import database_file
from cookiecutter_alembic.answers import for_hook
from cookiecutter_alembic.project import Project
from tests.conftest import baked
from tests.test_hook import next_steps, type_in

CORRECT, CREATE = "# correct DATABASE_URL in .env", "steady create"


def project_on(url: str) -> Project:
    """Return what the hook knows of a project on a file."""
    answers = {
        "project_slug": "x",
        "database_url": url,
        "starting_point": "example",
        "__left_out": "",
    }
    return Project(**ast.literal_eval(for_hook(answers)))


@pytest.mark.parametrize(
    ("url", "said", "left"),
    [
        ("sqlite:///x.db", "", []),
        ("sqlite:///there/x.db", "", []),
        ("sqlite:///a/b/x.db", "the folder a/b does not exist yet", [CREATE]),
        ("sqlite:////tmp/no/x.db", "the folder /tmp/no does not exist yet", [CREATE]),
        ("sqlite:///there", "there is a folder", [CORRECT]),
        ("sqlite:///file/b/x.db", "file is not a folder", [CORRECT, CREATE]),
    ],
)
def test_what_is_missing_for_a_file(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    url: str,
    said: str,
    left: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("there").mkdir()
    Path("file").touch()
    steps, create = database_file.look(project_on(url))
    assert [*steps, *create] == left
    assert capsys.readouterr().out == (f"  {'database':16} {said}\n" if said else "")


@pytest.mark.full
def test_what_is_printed_makes_the_folders(
    bench: Path, environment: dict[str, str]
) -> None:
    project = baked(
        bench / "out", environment, database_url="sqlite+aiosqlite:///data/my/x.db"
    )
    assert "Ready in" in project.output
    steps = next_steps(project)
    assert steps[2:] == ["steady create", "alembic upgrade head"]
    type_in(project, *steps)
    assert (project.path / "data" / "my" / "x.db").exists()
    readme = (project.path / "README.md").read_text()
    assert "activate\nsteady create\nalembic upgrade head\n" in readme
