"""Creates the project's virtual environment with uv, or with `venv` and pip."""

from __future__ import annotations

import os
import shutil
import sys
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

from cookiecutter_alembic.children import StepFailed, run
from cookiecutter_alembic.console import report, say, working

FOLDER = Path(".venv")
PYTHON = Path(FOLDER, "Scripts/python.exe" if os.name == "nt" else "bin/python")
ACTIVATE = r".venv\Scripts\activate" if os.name == "nt" else "source .venv/bin/activate"
PROJECT = ("--editable", ".", "--group", "dev")
PIP_WITH_GROUPS = "pip>=25.1"  # The pip of Python 3.11 does not have --group.
WITHOUT_UV = [
    "py -m venv .venv" if os.name == "nt" else "python3 -m venv .venv",
    ACTIVATE,
    f'python -m pip install "{PIP_WITH_GROUPS}"',
    f"python -m pip install {' '.join(PROJECT)}",
]
ADOPT = "steady adopt"
"""The command that writes models from a database; it needs sqlacodegen."""
IN_WORKSPACE = [
    "uv venv --allow-existing .venv",
    ACTIVATE,
    f"uv pip install {' '.join(PROJECT)}",
]


@dataclass(frozen=True)
class Way:
    """How an environment is created.

    Attributes:
        tool: the program that installs, for people to read.
        commands: what the hook runs.
        later: what people type to do the same.
        install: what the hook runs to install more, in front of where and what.
        adopt: what people type to run `steady adopt` in this environment.
        detail: what else there is to say, or nothing.
    """

    tool: str
    commands: list[tuple[str | Path, ...]]
    later: list[str]
    install: tuple[str | Path, ...]
    adopt: list[str]
    detail: str = ""


def make() -> list[str]:
    """Create `.venv` and install everything.

    Returns:
        The commands to do this later, or none if it is done.
    """
    started = time.monotonic()
    is_new = not FOLDER.exists()
    way = choose()
    try:
        with working("environment"):
            for command in way.commands:
                run(*command)
    except StepFailed as failure:
        if is_new:  # The commands to do this later would take it for complete.
            shutil.rmtree(FOLDER, ignore_errors=True)
        report("environment", reason(failure))
        return way.later
    version = ".".join(map(str, sys.version_info[:2]))
    report("environment", f".venv, Python {version}, {way.tool}", started)
    if way.detail:
        say(f"  {'':16} {way.detail}")
    return []


def reason(failure: StepFailed) -> str:
    """Return why an installation has failed, in one line."""
    if "(from versions: none)" in str(failure):
        return "pip found no packages; check its index and the network"
    return str(failure)


def choose() -> Way:
    """Choose how to create the environment: with uv if it works, in a workspace or not."""
    uv = _working_uv()
    if uv is None:
        return _way_without_uv()
    install = (uv, "pip", "install", "--python", PYTHON)
    workspace = _workspace(uv)
    if workspace is None:
        sync = (uv, "sync", "--python", sys.executable)
        adopt = [f"uv run --with sqlacodegen {ADOPT}"]
        return Way("uv", [sync], ["uv sync"], install, adopt)
    # `uv sync` would install into the workspace's environment, and change its lock file.
    venv = (uv, "venv", "--allow-existing", "--python", sys.executable, FOLDER)
    adopt = ["uv pip install sqlacodegen", ADOPT]
    detail = f"in the workspace {workspace.name}, whose environment and lock stay as is"
    commands = [venv, (*install, *PROJECT)]
    return Way("uv", commands, IN_WORKSPACE, install, adopt, detail)


def _way_without_uv() -> Way:
    # pip's own files are read for the index, but may name another place to install to.
    install = (PYTHON, "-m", "pip", "install", "--no-user", "--target=", "--prefix=")
    here = f"--prefix={FOLDER.absolute()}"
    commands = [
        (sys.executable, "-m", "venv", FOLDER),
        (*install, here, PIP_WITH_GROUPS),
        (*install, here, *PROJECT),
    ]
    adopt = ["python -m pip install sqlacodegen", ADOPT]
    return Way("pip", commands, WITHOUT_UV, install, adopt)


def _working_uv() -> str | None:
    """Return the path of uv, if there is one and it can be run.

    One on PATH may belong to a version manager that has none for this folder.
    """
    uv = shutil.which("uv")
    try:
        return uv and run(uv, "--version") and uv
    except StepFailed:
        return None


def _workspace(uv: str) -> Path | None:
    """Return the folder of the uv workspace that the project is a part of, if any."""
    above = next(filter(_is_workspace, Path.cwd().parents), None)
    if above is None:
        return None
    try:
        root = Path(run(uv, "workspace", "dir").strip())
    except StepFailed:
        return above  # An older uv, which does not say whether the project is a member.
    return None if root.samefile(os.curdir) else root


def _is_workspace(folder: Path) -> bool:
    try:
        told = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))
        return "workspace" in told["tool"]["uv"]
    except (OSError, ValueError, LookupError, TypeError):
        return False  # uv says what is wrong with it.
