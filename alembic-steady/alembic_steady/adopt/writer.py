"""Writes the classes: each part as the database says it, in SQLAlchemy's words.

Most can be said in several ways, from the plain one to the very text of the database. A
part is written in the plain one first. Where the database then says that it is not the
same, `sharpen` lets it be written in the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, MetaData, Table

from alembic_steady.adapters.description import Description, Key
from alembic_steady.adopt.calls import mapping
from alembic_steady.adopt.columns import GENERATED, VERBATIM, Columns
from alembic_steady.adopt.constraints import Constraints
from alembic_steady.adopt.conventions import Convention
from alembic_steady.adopt.names import Names
from alembic_steady.adopt.source import LEFT_OUT, Place, Source, place_of

DATABASE_TYPE = '''
class DatabaseType(sa.types.UserDefinedType[Any]):
    """A type that SQLAlchemy has no class for, in the words of the database."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_options: Any) -> str:
        """Return what stands behind the name of a column."""
        return self.name

'''


class Writer:
    """Writes the models of a database."""

    def __init__(
        self,
        connection: Connection,
        metadata: MetaData,
        description: Description,
        base: str,
        convention: Mapping[str, Any],
    ) -> None:
        """Prepare to write models.

        Arguments:
            connection: the database.
            metadata: its tables, reflected.
            description: what the database says of them.
            base: the name of the base class.
            convention: the naming convention of the models.
        """
        self._base = base
        self._source = Source(connection, metadata, description)
        self._names = Names(metadata, connection, base)
        self._constraints = Constraints(self._source, Convention(convention))
        self._columns = Columns(
            connection, self._source, self._names, self._constraints
        )
        self._written: dict[Place, str] = {}

    @property
    def imports(self) -> set[str]:
        """The lines that import what the models name."""
        return self._source.imports

    @property
    def needs_type(self) -> bool:
        """Whether `DatabaseType` is used."""
        return self._source.needs_type

    @property
    def schemas(self) -> set[str | None]:
        """The schemas of the tables; None is the default one."""
        return {table.schema for table in self._source.tables.values()}

    def has(self, table: str, column: str) -> bool:
        """Return whether a table, told with its schema, has a column."""
        return column in self._source.tables[table].columns

    # How exactly

    def sharpen(self, keys: Iterable[Key]) -> bool:
        """Write what differs in the next way, and return whether there is one for any."""
        sharpened = [self._sharpen(key) for key in keys]
        return any(sharpened)

    def leave_out(self, statement: str) -> bool:
        """Leave out what keeps a statement from being accepted, as far as that is known.

        Of an index that is the index; of a table, first its types are written verbatim, then
        its checks and defaults are left out, which may call functions or sequences.

        Returns:
            Whether there was something to change.
        """
        quoted = self._source.dialect.identifier_preparer.quote
        head = f"{statement.strip().split('(')[0].strip()} "
        if " INDEX " in head:
            name = head.partition(" INDEX ")[2].partition(" ON ")[0].strip()
            return self._raised(
                (key for key in self._source.description if key.kind == "index"
                 and quoted(key.name) == name), LEFT_OUT
            )  # fmt: skip
        own = [
            key
            for key in self._source.description
            if key.table
            and head.startswith("CREATE TABLE ")
            and head.endswith((f" {quoted(key.table)} ", f".{quoted(key.table)} "))
        ]
        return self._raised(
            (key for key in own if key.aspect == "type"), VERBATIM
        ) or self._raised(
            (key for key in own if key.kind == "check" or key.aspect == "default"),
            LEFT_OUT,
        )

    def _raised(self, keys: Iterable[Key], level: int) -> bool:
        low = [key for key in keys if self._source.levels[key] < level]
        for key in low:
            self._set_level(key, level)
        return bool(low)

    def _set_level(self, key: Key, level: int) -> None:
        self._source.levels[key] = level
        self._written.pop(key[:2], None)

    def _sharpen(self, key: Key) -> bool:
        is_there = key in self._source.description
        if key.aspect in GENERATED and not is_there:
            key = key._replace(aspect="autoincrement")
            most = 1
        elif key.kind == "table" and is_there:
            most = 1
        elif key.aspect == "type":
            most = VERBATIM
        elif key.kind in ("index", "exclusion constraint") and is_there:
            most = LEFT_OUT
        else:
            return False
        self._set_level(key, self._source.levels[key] + 1)
        return self._source.levels[key] <= most

    # Tables

    def tables(self, schema: Iterable[str | None]) -> Iterator[str]:
        """Yield the text of each class, or of each table without a key, of some schemas."""
        wanted = {*schema}
        for table, name in self._names.names.items():
            if table.schema in wanted:
                place = place_of(table)
                if place not in self._written:
                    is_class = table in self._names.classes
                    write = self._class if is_class else self._table
                    self._written[place] = write(table, name)
                yield self._written[place]

    def _class(self, table: Table, name: str) -> str:
        self._source.imports.add("from sqlalchemy.orm import Mapped, mapped_column")
        lines = [f"class {name}({self._base}):"]
        if table.comment:
            told = " ".join(table.comment.split()).replace("\\", r"\\")
            told = told.replace('"""', r"\"\"\"")
            lines += [f'    """{told}{" " * told.endswith(chr(34))}"""', ""]
        lines += [f"    __tablename__ = {table.name!r}"]
        items, options = [*self._constraints.written(table)], self._options(table)
        if items:
            told = "".join(f"        {it},\n" for it in items)
            told += f"        {mapping(options)},\n" if options else ""
            lines.append(f"    __table_args__ = (\n{told}    )")
        elif options:
            lines.append(f"    __table_args__ = ({mapping(options)},)")
        lines.append("")
        for column in table.columns:
            attribute = self._names.attributes[table, column.name]
            first = [repr(column.name)] if attribute != column.name else []
            arguments = ", ".join([*first, *self._columns.arguments(column)])
            kind = self._columns.annotation(column)
            lines.append(
                f"    {attribute}: Mapped[{kind}] = mapped_column({arguments})"
            )
        return "\n".join(lines)

    def _table(self, table: Table, name: str) -> str:
        items, options = [*self._constraints.written(table)], self._options(table)
        columns = [
            f"sa.Column({', '.join([repr(it.name), *self._columns.arguments(it)])})"
            for it in table.columns
        ]
        told = [f"{key}={value}" for key, value in options.items()]
        inside = "".join(f"    {it},\n" for it in [*columns, *items, *told])
        start = f"{name} = sa.Table(\n    {table.name!r},\n    {self._base}.metadata,\n"
        return f"{start}{inside})"

    def _options(self, table: Table) -> dict[str, str]:
        """Return the options of a table: its schema, its comment, and those of the dialect."""
        place = place_of(table)
        options = {"schema": repr(table.schema)} if table.schema else {}
        if table.comment:
            options["comment"] = repr(table.comment)
        if self._source.levels[Key(*place, "table")]:
            told: Mapping[str, Any] = table.dialect_kwargs
            options |= {
                name: repr(value) for name, value in told.items() if value is not None
            }
        counts = any(
            key.aspect == "autoincrement" for key, _ in self._source.parts[place]
        )
        if counts and self._source.dialect.name == "sqlite":
            options["sqlite_autoincrement"] = "True"
        return options
