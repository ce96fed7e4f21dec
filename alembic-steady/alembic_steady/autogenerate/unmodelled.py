"""What models can't say: parts and tables that are in the revisions, and named by the models.

    Base.metadata.info["unmodelled"] = [
        "exclusion constraint booking.no_overlap",
        "table measurement_2026",
    ]

A table in the list is not compared; of "options of table old", its parts are. A part of a
table has to stay as it is as long as the table and the columns are there that it needs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from alembic_steady.adapters.description import Description, Key, Part
from alembic_steady.settings import Settings

# To some databases, a unique constraint and a unique index are the same.
KINDS = {
    "column": ("column",),
    "index": ("index", "unique constraint"),
    "unique_constraint": ("unique constraint", "index"),
    "foreign_key_constraint": ("foreign key",),
    "check_constraint": ("check",),
}
"""The kinds of parts that Alembic compares, and those of descriptions."""


OPTIONS = "options of {}"
"""The words for how a table is, apart from its parts, such as WITHOUT ROWID."""


class Unmodelled:
    """The list of what the models can't say."""

    def __init__(self, settings: Settings, default_schema: str | None) -> None:
        """Read the list.

        Arguments:
            settings: the settings of the project.
            default_schema: the name of the schema that descriptions leave out.

        Raises:
            CommandError: it is no list of words.
        """
        self._entries = {*settings.unmodelled}
        self._default_schema = default_schema

    def has(self, key: Key) -> bool:
        """Return whether the list names a part, its column, or its table."""
        is_table = key.kind == "table" and OPTIONS.format(key.words) in self._entries
        return is_table or self._is_named(key)

    def _is_named(self, key: Key) -> bool:
        """Return the same, without what a table's options say of the table."""
        if not self._entries:
            return False
        owners = [key, key._replace(aspect="")]
        if key.table:
            owners.append(Key(key.schema, key.table, "table"))
        return any(owner.words in self._entries for owner in owners)

    def added(self, built: Description, revisions: Description) -> Description:
        """Return what the models build, with what they can't say as the revisions build it.

        Arguments:
            built: what the models build.
            revisions: what the revisions build.
        """
        if not self._entries:
            return built
        found = {key: part for key, part in built.items() if not self.has(key)}
        kept = {key: part for key, part in revisions.items() if self.has(key)}
        for is_column in (True, False):
            for key, part in kept.items():
                is_now = is_column == (key.kind == "column" and not key.aspect)
                if is_now and all(it in found for it in _needed(key, part)):
                    found[key] = part
        return found

    def follow(
        self,
        before: Description,
        after: Description,
        built: Description,
        tables: Mapping[str, str],
    ) -> list[Key]:
        """Take parts that a rename has given other words for what the list names.

        Arguments:
            before: what the revisions build.
            after: the same after renames.
            built: what the models build.
            tables: the former names of renamed tables.

        Returns:
            What the list has to name now.
        """
        gone: dict[Key, list[tuple[str, str]]] = defaultdict(list)
        for key, part in before.items():
            if key.words in self._entries and key not in after:
                gone[key._replace(name="")].append((key.name, part.text))
        found = []
        for key, part in after.items():
            former = key._replace(table=tables.get(key.table, key.table))
            known = gone.get(former._replace(name=""), [])
            is_it = bool(known)
            if key.kind == "column":
                is_new = former._replace(aspect="") not in before
                is_it = any(
                    part.text == text and (is_new or key.name == name)
                    for name, text in known
                )
            # The models say something of each aspect, if only that there is no default.
            is_said = key in built and not key.aspect
            if is_it and not (is_said or key in before or self.has(key)):
                found.append(key)
        self._entries |= {key.words for key in found}
        return found

    def left_out(
        self, include: Callable[..., bool], *, are_parts: bool
    ) -> Callable[..., bool]:
        """Return an `include_object` of Alembic that leaves out what the list names.

        Arguments:
            include: the `include_object` that is asked, too.
            are_parts: whether it leaves out parts of tables.
        """

        def is_compared(thing: Any, name: Any, kind: str, *others: Any) -> bool:
            is_told = are_parts or kind == "table"
            if is_told and any(map(self._is_named, self._keys(thing, name, kind))):
                return False
            return include(thing, name, kind, *others)

        return is_compared if self._entries else include

    def _keys(self, thing: Any, name: Any, kind: str) -> Iterator[Key]:
        """Yield the keys that a thing of Alembic may have."""
        table = thing if kind == "table" else thing.table
        schema = None if table.schema == self._default_schema else table.schema
        whole = Key(schema, str(table.name), "table")
        yield whole
        for told in KINDS.get(kind, ()):
            yield whole._replace(kind=told, name=str(name))


def _needed(key: Key, part: Part) -> Iterator[Key]:
    """Yield the keys of the table and the columns without which a part can't be there."""
    if not key.table or (key.kind == "table" and not key.aspect):
        return
    table = Key(key.schema, key.table, "table")
    yield table
    if key.aspect:
        yield key._replace(aspect="")
    for name in part.columns:
        if (key.kind, key.name, key.aspect) != ("column", name, ""):
            yield table._replace(kind="column", name=name)
