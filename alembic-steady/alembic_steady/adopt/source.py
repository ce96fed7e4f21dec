"""What models are written from: a database's tables, and what it says of them."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import Connection, MetaData, Table

from alembic_steady.adapters.description import Description, Key, Part

Place = tuple[str | None, str]
"""The schema of a table, None for the default one, and its name."""
LEFT_OUT = 2
"""How an index or a check is written that SQLAlchemy can't create."""


def place_of(table: Table) -> Place:
    """Return where a table is."""
    return table.schema, str(table.name)


class Source:
    """The tables of a database, and how exactly each of their parts is written.

    Attributes:
        dialect: the database's dialect.
        tables: the tables, reflected.
        description: what the database says of them.
        parts: the same for each table.
        levels: how exactly a part is written: 0 is the plainest way.
        imports: the lines that import what the models name.
        needs_type: whether `DatabaseType` is used.
    """

    def __init__(
        self, connection: Connection, metadata: MetaData, description: Description
    ) -> None:
        """Take a database, its tables and what it says of them."""
        self.dialect = connection.dialect
        self.tables = metadata.tables
        self.description = description
        self.parts: dict[Place, list[tuple[Key, Part]]] = defaultdict(list)
        for key, part in sorted(description.items(), key=str):
            self.parts[key[:2]].append((key, part))
        self.levels: dict[Key, int] = defaultdict(int)
        self.imports: set[str] = set()
        self.needs_type = False

    def key(self, column: Any, aspect: str) -> Key:
        """Return the key of an aspect of a column."""
        return Key(*place_of(column.table), "column", column.name, aspect)

    def aspect(self, column: Any, aspect: str) -> Part | None:
        """Return what the database says of an aspect of a column, if anything."""
        return self.description.get(self.key(column, aspect))


def said(part: Part | None) -> str:
    """Return the words with which a part is defined."""
    return (part.definition or part.text) if part else ""
