"""The project's own Base, and the module that its models belong in."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from alembic.util import CommandError
from sqlalchemy import MetaData

from alembic_steady.settings import Settings

NO_BASE = (
    "steady adopt needs one base class whose metadata env.py passes to run_migrations(), such"
    " as class Base(DeclarativeBase)"
)
HAS_SCHEMA = (
    "steady adopt writes the schema of each table: leave out schema={!r} of the base class's"
    " MetaData"
)
NO_MODULE = (
    "it is not known in which module the models belong: pass it, as in steady -x"
    " models=app/models.py adopt"
)
NOT_A_MODULE = (
    "models={}: write the path of a module that Python can import here, such as"
    " app/models.py"
)


@dataclass(frozen=True)
class Target:
    """Where models are written.

    Attributes:
        base: the name of the base class.
        base_module: the name of the module that has it.
        module: the name of the module for the models, which may be the same.
        file: its file, which may not exist yet.
    """

    base: str
    base_module: str
    module: str
    file: Path

    @property
    def is_own(self) -> bool:
        """Whether the base class is in the same module."""
        return self.module == self.base_module

    @property
    def is_imported(self) -> bool:
        """Whether env.py imports the module."""
        return self.module in sys.modules


def find(settings: Settings, given: str | None) -> Target:
    """Return where a project's models are written.

    Arguments:
        settings: the settings of the project, whose `env.py` has been run.
        given: the file, from the project's folder or absolute, if it was told.

    Raises:
        CommandError: there is no base class, or one whose tables are all in one schema; it is
            not known where models belong; or the file can't be a module.
    """
    several = settings.several_metadata
    bases = [*_bases(several[0])] if len(several) == 1 else []
    if not bases:
        raise CommandError(NO_BASE)
    if schema := several[0].schema:
        raise CommandError(HAS_SCHEMA.format(schema))
    base = bases[0]
    module = sys.modules[base.__module__]
    if given is not None:
        return Target(base.__name__, base.__module__, *_given(given))
    name = f"{base.__module__.rpartition('.')[0]}.models".removeprefix(".")
    found: Any = sys.modules.get(name, module)
    if found is module and not _is_for_models(module, base):
        raise CommandError(NO_MODULE)
    return Target(
        base.__name__, base.__module__, found.__name__, Path(str(found.__file__))
    )


def _bases(metadata: MetaData) -> Iterator[Any]:
    """Yield the classes, not mapped themselves, that have some metadata."""
    for module in [*sys.modules.values()]:
        for name, value in [*getattr(module, "__dict__", {}).items()]:
            if (
                isinstance(value, type)
                and value.__dict__.get("metadata") is metadata
                and "registry" in value.__dict__
                and value.__module__ == module.__name__
                and value.__name__ == name
            ):
                yield value


def _is_for_models(module: ModuleType, base: type) -> bool:
    """Return whether a module is called after models, or has nothing but its base class."""
    own = [
        value
        for value in vars(module).values()
        if getattr(value, "__module__", None) == module.__name__
    ]
    return module.__name__.endswith("models") or own == [base]


def _given(path: str) -> tuple[str, Path]:
    """Return the name by which Python imports a file that was told, and the file.

    Raises:
        CommandError: it can't be a module.
    """
    file = Path(path).absolute()
    for folder in (Path(it).absolute() for it in sys.path):
        if file.suffix == ".py" and file.is_relative_to(folder):
            parts = file.relative_to(folder).with_suffix("").parts
            if all(it.isidentifier() for it in parts):
                return ".".join(parts), file
    raise CommandError(NOT_A_MODULE.format(path))
