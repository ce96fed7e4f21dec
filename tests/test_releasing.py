"""A release has in it what it should, and is made by the commands that the page shows."""

from __future__ import annotations

import re
import subprocess
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

from cookiecutter_alembic import library, version
from tests.conftest import BIN, TEMPLATE, TOOLS

PAGE = TEMPLATE / "docs" / "releasing.md"


def commands(page: str) -> list[str]:
    """Return the commands that a page shows."""
    blocks = re.findall(r"```console\n(.+?)```", page, re.DOTALL)
    return [line.strip() for block in blocks for line in block.strip().splitlines()]


def modules() -> set[str]:
    """Return the files of the library's package, as they are called in a release."""
    package = library.SOURCE / "alembic_steady"
    files = [*package.rglob("*.py"), package / "py.typed"]
    return {file.relative_to(library.SOURCE).as_posix() for file in files}


def test_the_page_builds_a_release_that_runs(
    checkout: Path, environment: dict[str, str]
) -> None:
    everything = commands(PAGE.read_text())
    first, last = everything.index("rm -rf dist"), "dist/try/bin/steady --help"
    shown = everything[first : everything.index(last) + 1]
    assert len(shown) == 6
    for command in shown:
        if command.startswith("unzip"):
            continue  # Python does that below.
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=checkout,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
    assert "drift" in done.stdout
    (wheel,) = (checkout / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {*archive.namelist()}
        (metadata,) = [name for name in names if name.endswith("/METADATA")]
        told = archive.read(metadata).decode()
    folder = metadata.removesuffix("METADATA")
    own = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}
    assert names == modules() | {f"{folder}{name}" for name in own}
    assert "License-Expression: MIT" in told and "# alembic-steady" in told
    (source,) = (checkout / "dist").glob("*.tar.gz")
    with tarfile.open(source) as packed:
        paths = {name.partition("/")[2] for name in packed.getnames()}
    own = {"CHANGELOG.md", "LICENSE", "PKG-INFO", "README.md", "pyproject.toml"}
    assert paths - {".gitignore"} == modules() | own


def test_the_library_installs_from_the_repository(
    repository: Path, environment: dict[str, str]
) -> None:
    python = repository.parent / "python"
    place = f"git+{repository.as_uri()}#subdirectory=alembic-steady"
    install = ["pip", "install", "--python", str(python), f"alembic-steady @ {place}"]
    for arguments in (["venv", str(python)], install):
        subprocess.run([TOOLS / "uv", *arguments], env=environment, check=True)
    told = subprocess.check_output([python / BIN / "steady", "--help"], text=True)
    assert "drift" in told


def test_the_pages_other_commands_are_those_of_the_programs() -> None:
    """They publish, and are not run: their words are looked up in the programs' help."""
    shown = commands(PAGE.read_text())
    line = shown[0].removesuffix(" --full")
    assert line in (TEMPLATE / "README.md").read_text()
    program = str(TOOLS / "uv")
    told = subprocess.check_output([program, "publish", "--help"], text=True)
    assert "UV_PUBLISH_TOKEN" in told and "dist/*" in told


@pytest.mark.parametrize("folder", [TEMPLATE, library.SOURCE], ids=lambda it: it.name)
def test_the_changelog_begins_with_the_version_or_with_what_is_to_come(
    folder: Path,
) -> None:
    version = tomllib.loads((folder / "pyproject.toml").read_text())["project"][
        "version"
    ]
    heading, *_ = re.findall(
        "^## (.+)$", (folder / "CHANGELOG.md").read_text(), re.MULTILINE
    )
    is_dated = re.fullmatch(rf"{re.escape(version)} \(\d{{4}}-\d\d-\d\d\)", heading)
    assert heading == "Unreleased" or is_dated


def test_the_template_says_which_version_it_is() -> None:
    told = tomllib.loads((TEMPLATE / "pyproject.toml").read_text())
    assert told["project"]["version"] == version.VERSION
