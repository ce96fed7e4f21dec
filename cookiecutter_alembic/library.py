"""Adds the library alembic-steady to a project."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path
from typing import Any, Literal

from cookiecutter_alembic.databases import ConnectionString

FORM: Literal["vendored", "index"] = "vendored"
"""`vendored`: the library's modules are copied into the project and are part of its
distribution. `index`: the project depends on the library. See docs/library.md."""

NAME = "alembic-steady"
SOURCE = Path(__file__).resolve().parent.parent / NAME
VENDORED = Path("vendor", NAME)
ATTRIBUTES = "vendor/** linguist-vendored\n"
"""The content of `.gitattributes` for a vendored library."""


def bring(project: Path) -> None:
    """Copy the library into a project, unless the project depends on it."""
    if FORM == "vendored":
        copy_to(project)
        return
    # Git also reads this file in the template, so it cannot contain a Jinja condition.
    attributes = project / ".gitattributes"
    if attributes.is_file() and attributes.read_text("utf-8") == ATTRIBUTES:
        attributes.unlink()


def copy_to(project: Path) -> None:
    """Copy the library into a project, and replace an existing one."""
    target = project / VENDORED
    if target.is_dir():
        shutil.rmtree(target)
    try:
        for source in files():
            file = target / source.relative_to(SOURCE)
            file.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, file)
    except OSError:
        # If the disk is full, this makes room for `.env` with the password.
        shutil.rmtree(target, ignore_errors=True)
        raise


def files() -> list[Path]:
    """Return the library's files for a project, without tests and generated files."""
    package = SOURCE / "alembic_steady"
    return [
        *(SOURCE / name for name in ("LICENSE", "README.md", "pyproject.toml")),
        *sorted(package.rglob("*.py")),
        package / "py.typed",
    ]


def requirements(connection: ConnectionString) -> list[str]:
    """Return the requirements for the library that a project does not have itself."""
    told = _metadata()
    if FORM == "index":
        return [f"{NAME}>={told['version']}"]
    own = {_name(requirement) for requirement in connection.requirements}
    return [it for it in told["dependencies"] if _name(it) not in own]


def _metadata() -> dict[str, Any]:
    told: dict[str, Any] = tomllib.loads((SOURCE / "pyproject.toml").read_text("utf-8"))
    return dict(told["project"])


def _name(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower()
