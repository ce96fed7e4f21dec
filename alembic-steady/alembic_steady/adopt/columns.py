"""Writes columns and the types of their values."""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate.api import AutogenContext
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.dialects import mysql
from sqlalchemy.dialects.postgresql import DOMAIN

from alembic_steady import private
from alembic_steady.adopt.calls import text
from alembic_steady.adopt.constraints import Constraints
from alembic_steady.adopt.definitions import computed
from alembic_steady.adopt.names import Names
from alembic_steady.adopt.source import Source, said

GENERIC, OWN, VERBATIM = range(3)
"""How a type is written: as one of all databases, of this one, or as the database's text."""
GENERATED = frozenset(("autoincrement", "default", "identity", "sequence"))
"""Aspects of a column that SQLAlchemy adds to a key of one number by itself."""
ADAPTED = re.compile(r"(?:, )?_create_events=False")
"""What SQLAlchemy tells a type that it has made from another."""
PREFIXES = {"sqlalchemy_module_prefix": "sa.", "user_module_prefix": None}
"""How Alembic writes types."""


class Columns:
    """Writes the columns of tables."""

    def __init__(
        self,
        connection: Connection,
        source: Source,
        names: Names,
        constraints: Constraints,
    ) -> None:
        """Prepare to write columns.

        Arguments:
            connection: the database.
            source: its tables.
            names: the names of the classes, and the types of all databases.
            constraints: what is written with a column of them.
        """
        self._source = source
        self._names = names
        self._constraints = constraints
        self._rendering = AutogenContext(
            MigrationContext.configure(connection, opts=PREFIXES)
        )
        self._types = {
            column: (self._generic(column), column.type)
            for table in source.tables.values()
            for column in table.columns
        }

    def _generic(self, column: Any) -> Any:
        """Return the type of SQLAlchemy's own that may be the same in this database."""
        part = self._source.aspect(column, "type")
        if part and "json_valid(" in part.text:  # how MariaDB says it
            return sa.JSON()
        if part and self._is_guessed(column.type, part.text):
            return sa.types.NULLTYPE
        if isinstance(column.type, sa.Float):
            # Some of MySQL's would be read as decimals, which they are not.
            column.type.asdecimal = False
        is_unsigned = getattr(column.type, "unsigned", False)
        if isinstance(column.type, sa.Integer) and not is_unsigned:
            return column.type.as_generic()
        return self._names.generic(column.type)

    def _is_guessed(self, kind: Any, words: str) -> bool:
        """Return whether SQLite has a type of any name, which may hold anything.

        Its columns are said to be NUMERIC, for lack of a better word.
        """
        name = words.partition("(")[0].strip().upper()
        known: Any = getattr(self._source.dialect, "ischema_names", {})
        is_numeric = isinstance(kind, sa.Numeric) and not isinstance(kind, sa.Float)
        return (
            self._source.dialect.name == "sqlite" and is_numeric and name not in known
        )

    def arguments(self, column: Any) -> list[str]:
        """Return the arguments of a column behind its name."""
        told = [self._type(column), *self._constraints.foreign_keys_of(column)]
        named: dict[str, str] = {}
        if column.primary_key:
            named["primary_key"] = "True"
        nullable = self._is_nullable(column)
        if nullable and column.primary_key or self.annotation(column) == "Any":
            named["nullable"] = str(nullable)
        elif not nullable and not column.primary_key and not self._is_class(column):
            named["nullable"] = "False"
        if self._must_not_count(column):
            named["autoincrement"] = "False"
        elif column.primary_key and self._counts(column) and _has_several(column):
            named["autoincrement"] = "True"
        if self._constraints.is_indexed(column):
            named["index"] = "True"
        if part := self._source.aspect(column, "computed"):
            told.append(computed(said(part)))
        elif column.identity is not None:
            told.append(self._identity(column.identity))
        elif default := self._source.aspect(column, "default"):
            is_told = not self._source.levels[self._source.key(column, "default")]
            if self._source.aspect(column, "sequence") or not is_told:
                if not (column.primary_key and is_told):
                    named["server_default"] = "sa.FetchedValue()"
            else:
                words = re.sub(r"^DEFAULT\s+", "", said(default))
                named["server_default"] = f"sa.text({text(words)})"
        if column.comment:
            named["comment"] = repr(column.comment)
        return [*told, *(f"{name}={value}" for name, value in named.items())]

    def _is_class(self, column: Any) -> bool:
        return column.table in self._names.classes

    def _is_nullable(self, column: Any) -> bool:
        part = self._source.aspect(column, "nullable")
        return part is None or "not" not in part.text.lower()

    def _counts(self, column: Any) -> bool:
        return bool(
            self._source.aspect(column, "sequence")
            or self._source.aspect(column, "autoincrement")
        )

    def _must_not_count(self, column: Any) -> bool:
        """Return whether SQLAlchemy would number a key that the database does not number."""
        if self._source.levels[self._source.key(column, "autoincrement")]:
            return True
        if self._source.dialect.name == "sqlite":  # It numbers each such key.
            return False
        return (
            column.primary_key
            and not _has_several(column)
            and isinstance(column.type, sa.Integer)
            and not column.foreign_keys
            and not any(self._source.aspect(column, aspect) for aspect in GENERATED)
        )

    def _identity(self, identity: Any) -> str:
        told = {
            name: getattr(identity, name)
            for name in (
                *("always", "start", "increment", "minvalue", "maxvalue"),
                *("cycle", "cache"),
            )
        }
        usual = {
            "always": False,
            "start": 1,
            "increment": 1,
            "cycle": False,
            "cache": 1,
        }
        usual |= {"minvalue": 1}
        kept = [
            f"{name}={value!r}"
            for name, value in told.items()
            if value is not None
            and usual.get(name) != value
            and not (name == "maxvalue" and value in (2**15 - 1, 2**31 - 1, 2**63 - 1))
        ]
        return f"sa.Identity({', '.join(kept)})"

    def _type(self, column: Any) -> str:
        level = self._source.levels[self._source.key(column, "type")]
        kind = self._types[column][min(level, OWN)]
        if level >= VERBATIM or _is_unknown(kind):
            part = self._source.aspect(column, "type")
            self._source.needs_type = True
            self._source.imports.add("from typing import Any")
            return f"DatabaseType({said(part)!r})"
        text = private.render_type(kind, self._rendering)
        text = ADAPTED.sub("", text)
        self._source.imports |= self._rendering.imports
        return re.sub(r"^(\w+\.\w+)\(\)$", r"\1", text)

    def annotation(self, column: Any) -> str:
        """Return the Python type of a column's values."""
        kind = self._python_type(self._types[column][GENERIC])
        is_optional = self._is_nullable(column) and kind != "Any"
        return f"{kind} | None" if is_optional else kind

    def _python_type(self, kind: Any) -> str:
        # Drivers know arrays of no type but PostgreSQL's own.
        if isinstance(kind, sa.ARRAY) and not isinstance(kind.item_type, DOMAIN):
            depth = kind.dimensions or 1
            return "list[" * depth + self._python_type(kind.item_type) + "]" * depth
        if isinstance(kind, DOMAIN):
            return self._python_type(kind.data_type)
        if isinstance(kind, mysql.SET):
            return "set[str]"
        try:
            found = kind.python_type
        except NotImplementedError:
            found = object
        if found in (object, dict, list) or found.__module__ not in (
            *("builtins", "datetime", "decimal", "uuid"),
        ):
            self._source.imports.add("from typing import Any")
            return "Any"
        if found.__module__ == "builtins":
            return str(found.__name__)
        self._source.imports.add(f"import {found.__module__}")
        return f"{found.__module__}.{found.__name__}"


def _is_unknown(kind: Any) -> bool:
    inner = getattr(kind, "item_type", None)
    if inner is not None and _is_unknown(inner):
        return True
    return isinstance(kind, (sa.types.NullType, DOMAIN))


def _has_several(column: Any) -> bool:
    return len(column.table.primary_key.columns) > 1
