"""How the library that makes migrations safe gets into a project."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path
from typing import Any, Literal

from cookiecutter_alembic.databases import ConnectionString

FORM: Literal["vendored", "index"] = "vendored"
"""`vendored`: its modules are copied into the project and are part of its distribution.
`index`: the project depends on it. See docs/library.md."""

NAME = "alembic-steady"
SOURCE = Path(__file__).resolve().parent.parent / NAME
VENDORED = Path("vendor", NAME)
ATTRIBUTES = "vendor/** linguist-vendored\n"
"""What `.gitattributes` says of a library that is vendored."""


def bring(project: Path) -> None:
    """Copy the library into a project, unless that is to depend on it."""
    if FORM == "vendored":
        copy_to(project)
        return
    # Git reads this file in the template, too, so no condition of Jinja can be in it.
    attributes = project / ".gitattributes"
    if attributes.is_file() and attributes.read_text("utf-8") == ATTRIBUTES:
        attributes.unlink()


def copy_to(project: Path) -> None:
    """Copy the library into a project, in the place of one that is there."""
    target = project / VENDORED
    if target.is_dir():
        shutil.rmtree(target)
    try:
        for source in files():
            file = target / source.relative_to(SOURCE)
            file.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, file)
    except OSError:
        # On a full disk, this makes room for the password, which is kept nowhere else.
        shutil.rmtree(target, ignore_errors=True)
        raise


def files() -> list[Path]:
    """Return what of the library a project gets: no tests, and nothing that tools make."""
    package = SOURCE / "alembic_steady"
    return [
        *(SOURCE / name for name in ("LICENSE", "README.md", "pyproject.toml")),
        *sorted(package.rglob("*.py")),
        package / "py.typed",
    ]


def requirements(connection: ConnectionString) -> list[str]:
    """Return what a project depends on for the library, besides what it needs itself."""
    told = _metadata()
    extra = connection.dialect.extra
    if FORM == "index":
        return [f"{NAME}{f'[{extra}]' if extra else ''}>={told['version']}"]
    needed = [*told["dependencies"]]
    if extra:
        needed += told["optional-dependencies"][extra]
    own = {_name(requirement) for requirement in connection.requirements}
    return [requirement for requirement in needed if _name(requirement) not in own]


def _metadata() -> dict[str, Any]:
    told: dict[str, Any] = tomllib.loads((SOURCE / "pyproject.toml").read_text("utf-8"))
    return dict(told["project"])


def _name(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower()
