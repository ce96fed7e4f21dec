"""What of a database is compared: all that the project's options do not leave out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Connection,
    ForeignKeyConstraint,
    Index,
    MetaData,
    Table,
    UniqueConstraint,
)
from sqlalchemy.exc import NoSuchTableError, SQLAlchemyError
from sqlalchemy.sql.elements import conv

from alembic_steady.adapters.description import (
    Description,
    Key,
    Part,
    differences,
)
from alembic_steady.settings import Settings

# The kinds that `include_object` and `include_name` know, by those of descriptions.
KINDS = {
    "column": "column",
    "index": "index",
    "unique constraint": "unique_constraint",
    "foreign key": "foreign_key_constraint",
    "check": "check_constraint",
}
CLASSES: dict[str, type[Any]] = {
    "index": Index,
    "unique constraint": UniqueConstraint,
    "foreign key": ForeignKeyConstraint,
    "check": CheckConstraint,
}
PREFIXES = {
    "primary key": "pk",
    "unique constraint": "uq",
    "foreign key": "fk",
    "check": "ck",
    "exclusion constraint": "",
}
"""The kinds of constraints, and what SQLAlchemy's naming conventions call them."""
ASPECTS = {"type": "type", "default": "server_default"}
"""Aspects of columns whose comparison an option may turn off."""


class Scope:
    """The tables and parts of tables that are compared, in whichever database."""

    def __init__(
        self, settings: Settings, options: Mapping[str, Any], scratch: Connection
    ) -> None:
        """Prepare to describe databases.

        Arguments:
            settings: the settings of the project.
            options: the options of `context.configure`.
            scratch: a scratch database that has the tables.
        """
        self._settings = settings
        self._options = options
        self._scratch = scratch
        self._dialect = scratch.dialect
        self._known_alike: dict[Any, bool] = {}
        self._asked: dict[Key, bool] = {}
        self._final: dict[tuple[str | None, str], dict[str, Any]] = {}

    @cached_property
    def models(self) -> dict[tuple[str | None, str], Table]:
        """The tables of the models, by schema and name."""
        return {
            (self.schema(table.schema), str(table.name)): table
            for table in self._settings.tables.values()
        }

    def schema(self, name: str | None) -> str | None:
        """Return the name of a schema, or None for the default one."""
        return None if name == self._dialect.default_schema_name else name

    def describe(self, connection: Connection) -> Description:
        """Describe what is compared of a database."""
        wanted: dict[tuple[str | None, str], bool] = {}
        found: Description = {}
        for key, part in self._settings.adapter.describe_tables(connection).items():
            place = key.schema, key.table
            if key.kind == "schema" and not self._is_schema_wanted(key.name):
                continue
            if not key.table or key.kind == "view":
                found[key] = part
                continue
            if place not in wanted:
                wanted[place] = self.is_wanted(*place)
            if wanted[place]:
                found[key] = part
        return found

    def differences(
        self, before: Description, after: Description, *, is_named: bool = False
    ) -> list[Key]:
        """Return the keys of the parts that differ and that no option leaves out.

        Arguments:
            before: what one database has.
            after: what another has.
            is_named: whether constraints are only the same if their names are. Otherwise,
                a name that is none of the models' does not count, since the database may
                have made it up; nor does one that a naming convention gives to what has no
                name at all, since SQLAlchemy cannot leave it without.
        """
        found = [
            key
            for key in differences(before, after, is_named=is_named)
            if self.is_part_compared(key, before.get(key) or after[key])
            and not (
                key in before
                and key in after
                and self.are_alike(key, before[key], after[key])
            )
        ]
        if is_named:
            return found
        paired = {*self._paired(found, before, after)}
        return [key for key in found if key not in paired]

    def _paired(
        self, found: list[Key], before: Description, after: Description
    ) -> Iterator[Key]:
        """Yield the keys of constraints that differ in a name that does not count."""
        changed = [key for key in found if key.kind in PREFIXES]
        added: dict[tuple[Any, ...], list[Key]] = defaultdict(list)
        for key in changed:
            if key not in before:
                added[key[:3]].append(key)
        for old in [key for key in changed if key not in after]:
            for new in added[old[:3]]:
                if (
                    self._is_free(old, after[new])
                    and self._is_free(new, before[old])
                    and self.are_alike(old, before[old], after[new])
                ):
                    added[old[:3]].remove(new)
                    yield from (old, new)
                    break

    def _is_free(self, key: Key, other: Part) -> bool:
        """Return whether a constraint may have another name, or none, as the other one has."""
        if not self.is_in_models(key):
            return True
        return not other.name and self._is_by_convention(key)

    def _is_by_convention(self, key: Key) -> bool:
        """Return whether a naming convention has given its name to a constraint."""
        part = self._names(key.schema, key.table)[self._quoted(key)]
        if not isinstance(part.name, conv):
            # Either it is given when the table is built, or the project has written it.
            return not isinstance(part.name, str)
        known: Mapping[Any, Any] = part.table.metadata.naming_convention
        pattern = known.get(PREFIXES[key.kind], known.get(type(part), ""))
        # The project may have written conv("…"), too.
        return fnmatchcase(part.name, pattern % defaultdict(lambda: "*"))

    def is_in_models(self, key: Key) -> bool:
        """Return whether the models give the name of a constraint or index to it."""
        return self._quoted(key) in self._names(key.schema, key.table)

    def _quoted(self, key: Key) -> str:
        return self._dialect.identifier_preparer.quote(key.name)

    def are_alike(self, key: Key, old: Part, new: Part) -> bool:
        """Return whether a database takes two parts for the same, though told apart."""
        if old.text == new.text:
            return True
        told = key[:3], *sorted((old.definition, new.definition))
        if told not in self._known_alike:
            self._known_alike[told] = self._settings.adapter.are_alike(
                self._scratch, key, old, new
            )
        return self._known_alike[told]

    def is_compared(self, aspect: str) -> bool:
        """Return whether an aspect of columns is compared, which an option may turn off."""
        return self._options.get(f"compare_{ASPECTS.get(aspect)}") is not False

    def _names(self, schema: str | None, table: str) -> dict[str, Any]:
        """Return the constraints and indexes of a model, by their names in the database."""
        place = schema, table
        if place not in self._final:
            model = self.models.get(place)
            self._final[place] = {} if model is None else self._final_names(model)
        return self._final[place]

    def _final_names(self, table: Table) -> dict[str, Any]:
        # A name may be longer than the database allows; then SQLAlchemy shortens it.
        parts: list[Any] = [*table.constraints, *table.indexes]
        preparer = self._dialect.identifier_preparer
        found: dict[str, Any] = {}
        for part in parts:
            if part.name is None:
                continue
            name = None  # as that of a type's check may still be
            with suppress(SQLAlchemyError):  # Building the models says this better.
                name = preparer.format_constraint(part)
            if name is not None:
                found[name] = part
        return found

    def _is_schema_wanted(self, name: str | None) -> bool:
        include_name = self._options.get("include_name")
        return include_name is None or bool(include_name(name, "schema", {}))

    def is_wanted(self, schema: str | None, table: str) -> bool:
        """Return whether no option leaves out a table."""
        options = self._options
        version_table = options.get("version_table", "alembic_version")
        version_schema = self.schema(options.get("version_table_schema"))
        if (self.schema(schema), table) == (version_schema, version_table):
            return False
        full = f"{schema}.{table}" if schema else table
        parents = {"schema_name": schema, "schema_qualified_table_name": full}
        include_name = options.get("include_name")
        if not self._is_schema_wanted(schema) or (
            include_name and not include_name(table, "table", parents)
        ):
            return False
        bare = Table(table, MetaData(), schema=schema)
        model = self.models.get((schema, table))
        if model is None:
            return bool(options["include_object"](bare, table, "table", True, None))
        return bool(options["include_object"](model, table, "table", False, bare))

    def is_part_compared(self, key: Key, part: Part) -> bool:
        """Return whether no option leaves out a part of a table.

        Arguments:
            key: the part.
            part: how it is described in a database that has it.
        """
        if not self.is_compared(key.aspect):
            return False
        kind = KINDS.get(key.kind)
        own = self._settings.options
        if kind is None or not (own.get("include_object") or own.get("include_name")):
            return True
        whole = key._replace(aspect="")
        if whole not in self._asked:
            answer = self._ask(whole, kind, part)
            if answer is None:
                return True
            self._asked[whole] = answer
        return self._asked[whole]

    def _ask(self, key: Key, kind: str, part: Part) -> bool | None:
        """Ask the project as Alembic does; None if the part is not there to be shown."""
        parents = {"schema_name": key.schema, "table_name": key.table}
        include_name = self._options.get("include_name")
        if include_name and not include_name(key.name, kind, parents):
            return False
        model = _find(self.models.get((key.schema, key.table)), key, part)
        there = _find(self._reflected(key), key, part)
        if model is None and there is None:
            return None
        include = self._options["include_object"]
        if model is None:
            return bool(include(there, key.name, kind, True, None))
        return bool(include(model, key.name, kind, False, there))

    def _reflected(self, key: Key) -> Table | None:
        with suppress(NoSuchTableError):
            return Table(
                key.table,
                MetaData(),
                schema=key.schema,
                autoload_with=self._scratch,
                resolve_fks=False,
            )
        return None


def _find(table: Table | None, key: Key, part: Part) -> Any:
    """Return the part of a table, which may have no name there."""
    if table is None:
        return None
    if key.kind == "column":
        return next((it for it in table.columns if it.name == key.name), None)
    parts: list[Any] = [*table.indexes, *table.constraints]
    for it in parts:
        if it.name is not None and str(it.name) == key.name:
            return it
    for it in parts:
        columns = tuple(str(column.name) for column in it.columns)
        is_same = isinstance(it, CheckConstraint) or columns == part.columns
        if it.name is None and isinstance(it, CLASSES[key.kind]) and is_same:
            return it
    return None
