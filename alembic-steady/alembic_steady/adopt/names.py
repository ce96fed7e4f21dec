"""The names of classes and attributes for tables and columns, which sqlacodegen finds."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from sqlacodegen.generators import Base, DeclarativeGenerator
from sqlacodegen.models import Model, ModelClass
from sqlalchemy import Connection, MetaData, Table
from sqlalchemy.exc import CompileError
from sqlalchemy.types import TypeEngine

# What an annotation or a column may name while Python executes the body of a class.
TAKEN = (
    *("Any", "Mapped", "conv", "mapped_column", "registry", "sa"),
    *("bool", "bytes", "datetime", "decimal", "dict", "float", "int", "list", "str"),
    *("mariadb", "mysql", "postgresql", "sqlite", "uuid", "DatabaseType"),
)


class Names(DeclarativeGenerator):
    """Names and generic types, and nothing else that sqlacodegen would write."""

    def __init__(self, metadata: MetaData, bind: Connection, base: str) -> None:
        """Find the names for all tables of some metadata.

        Arguments:
            metadata: the tables, reflected.
            bind: the database that they are in.
            base: the name of the base class.
        """
        super().__init__(metadata, bind, ["nojoined"], base_class_name=base)
        self.base = Base([], [], f"{base}.metadata")
        # A table without key has no class, nor has one of nothing but two foreign keys.
        self.classes: set[Table] = set()
        self.names: dict[Table, str] = {}
        self.attributes: dict[tuple[Table, str], str] = {}
        for model in self.generate_models():
            self.names[model.table] = model.name
            if isinstance(model, ModelClass):
                self.classes.add(model.table)
            for attribute in getattr(model, "columns", []):
                # Python gives another name to what begins with two underscores in a class.
                name = attribute.name
                name = f"x{name}" if name.startswith("__") else name
                self.attributes[model.table, attribute.column.name] = name

    def generate_base(self) -> None:
        """Keep the base: a project has its own."""

    def collect_imports(self, models: Iterable[Model]) -> None:
        """Let no class or attribute have a name that stands for something else."""
        self.imports = {"": {*TAKEN, self.base_class_name}}

    def find_free_name(self, name: str, *taken: Any) -> str:
        """Return an identifier for a name, also for one without any letter or digit."""
        found: str = super().find_free_name(
            re.sub(r"^[\W_]*$", "unnamed", name), *taken
        )
        return found

    def generate_relationships(self, *_: Any) -> list[Any]:
        """Write none: they are for the owner of the models to name."""
        return []

    def generic(self, kind: TypeEngine[Any]) -> TypeEngine[Any]:
        """Return the type of SQLAlchemy's own that is the same on this database, if any."""
        try:
            found: TypeEngine[Any] = self.get_adapted_type(kind)
        except (CompileError, NotImplementedError):
            return kind
        return found
