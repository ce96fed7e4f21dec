"""The library on the oldest releases that it says it runs with."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.conftest import TEMPLATE, TOOLS

LIBRARY = Path(__file__).resolve().parent.parent


def oldest() -> list[str]:
    """Return pins of the oldest releases of what the library needs."""
    project = tomllib.loads((LIBRARY / "pyproject.toml").read_text())["project"]
    return [
        re.sub(",.*", "", requirement).replace(">=", "==")
        for requirement in project["dependencies"]
    ]


def test_the_readme_names_them() -> None:
    told = (LIBRARY / "README.md").read_text()
    for pin in oldest():
        name, version = pin.split("==")
        assert f"{name} {version}" in told.lower()


@pytest.mark.soak
def test_its_tests_pass_on_the_oldest_releases(tmp_path: Path) -> None:
    project = tomllib.loads((TEMPLATE / "pyproject.toml").read_text())
    others = [
        requirement
        for requirement in project["dependency-groups"]["dev"]
        if not re.match(r"(alembic|alembic-steady|sqlalchemy)([^-\w]|$)", requirement)
    ]
    uv, python = TOOLS / "uv", tmp_path / "oldest"
    subprocess.run([uv, "venv", "--quiet", python], check=True)
    install: list[str | Path] = [uv, "pip", "install", "--quiet", "--python", python]
    extras = [*project["project"]["dependencies"], "greenlet"]
    subprocess.run([*install, *oldest(), *others, *extras], check=True)
    subprocess.run([*install, "--no-deps", "--editable", LIBRARY], check=True)
    done = subprocess.run(
        [python / "bin" / "python", "-m", "pytest", "-n2", LIBRARY / "tests"],
        cwd=TEMPLATE,
        env={**os.environ, "PYTEST_DEBUG_TEMPROOT": str(tmp_path)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
