"""Creates the project's virtual environment with uv, or with `venv` and pip."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path

from cookiecutter_alembic.children import StepFailed, run
from cookiecutter_alembic.console import report, working

FOLDER = Path(".venv")
PYTHON = Path(FOLDER, "Scripts/python.exe" if os.name == "nt" else "bin/python")
ACTIVATE = r".venv\Scripts\activate" if os.name == "nt" else "source .venv/bin/activate"
PIP_WITH_GROUPS = "pip>=25.1"  # The pip of Python 3.11 does not have --group.
WITHOUT_UV = [
    "py -m venv .venv" if os.name == "nt" else "python3 -m venv .venv",
    ACTIVATE,
    f'python -m pip install "{PIP_WITH_GROUPS}"',
    "python -m pip install --editable . --group dev",
]


def make() -> list[str]:
    """Create `.venv` and install everything.

    Returns:
        The commands to do this later, or none if it is done.
    """
    started = time.monotonic()
    is_new = not FOLDER.exists()
    uv = shutil.which("uv")
    try:
        with working("environment"):
            if uv:
                run(uv, "sync", "--python", sys.executable)
            else:
                _make_without_uv()
    except StepFailed as failure:
        if is_new:  # The commands to do this later would take it for complete.
            shutil.rmtree(FOLDER, ignore_errors=True)
        if "(from versions: none)" in str(failure):
            report(
                "environment", "pip found no packages; check its index and the network"
            )
        else:
            report("environment", str(failure))
        return ["uv sync"] if uv else WITHOUT_UV
    version = ".".join(map(str, sys.version_info[:2]))
    tool = "uv" if uv else "pip"
    report("environment", f".venv, Python {version}, {tool}", started)
    return []


def _make_without_uv() -> None:
    run(sys.executable, "-m", "venv", ".venv")
    run(PYTHON, "-m", "pip", "install", PIP_WITH_GROUPS)
    run(PYTHON, "-m", "pip", "install", "--editable", ".", "--group", "dev")
