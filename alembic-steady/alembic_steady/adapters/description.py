"""Descriptions: what a database itself says of its tables, so that two can be compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Key(NamedTuple):
    """What identifies a part of a description.

    Attributes:
        schema: the schema of the table; None for the default schema.
        table: the table; "" for what belongs to none, such as an enum.
        kind: "table", "column", "primary key", "unique constraint", "foreign key",
            "check", "index", … in the words in which drift is reported.
        name: the name of the part; "" for the table itself.
        aspect: what is described of a column: "type", "nullable", "default", "comment", …;
            "" for all other parts, and for the column itself.
    """

    schema: str | None
    table: str
    kind: str
    name: str = ""
    aspect: str = ""

    @property
    def place(self) -> str:
        """The name of the part behind those of its schema and table."""
        return ".".join(filter(None, (self.schema, self.table, self.name)))

    @property
    def words(self) -> str:
        """The words for the part, such as "type of column user.name"."""
        told = f"{self.kind} {self.place}"
        return f"{self.aspect} of {told}" if self.aspect else told


class Part(NamedTuple):
    """What a database says of one part.

    Attributes:
        text: the description, without the name; two parts are alike if it is the same.
        definition: how the database writes the part in a statement that creates it.
        name: the name in this database, which may be one that the server has made up.
        columns: the names of the table's columns that a key, constraint or index covers.
        target: the schema and the name of the table that a foreign key refers to.
        attached: statements that create what goes with a table that is rebuilt, without
            being compared, such as triggers.
    """

    text: str
    definition: str = ""
    name: str = ""
    columns: tuple[str, ...] = ()
    target: tuple[str | None, str] = (None, "")
    attached: tuple[str, ...] = ()


Description = dict[Key, Part]

SHARED = ("schema", "extension")
"""What others may use as well, so it is never dropped."""
HIDDEN = "hidden index"
"""The kind of an index that a database makes for a foreign key; only its name counts, and
only where what a history has named has to get its name back."""


def differences(
    before: Mapping[Key, Part], after: Mapping[Key, Part], *, is_named: bool = False
) -> list[Key]:
    """Return the keys of the parts that are not the same in two descriptions, sorted.

    The parts of a table, and the aspects of a column, that only one of them has are left
    out: the table or the column itself says it all.

    Arguments:
        before: what one database has.
        after: what another has.
        is_named: whether the names of hidden indexes count.
    """
    changed = [
        key
        for key in {*before, *after}
        if key not in before or key not in after or before[key].text != after[key].text
    ]
    return [
        key
        for key in sorted(changed, key=str)
        if not _is_told_by_its_owner(key, before, after)
        and not (key.kind in SHARED and key in before)
        and (is_named or key.kind != HIDDEN)
    ]


def _is_told_by_its_owner(
    key: Key, before: Mapping[Key, Part], after: Mapping[Key, Part]
) -> bool:
    table = Key(key.schema, key.table, "table")
    owners = [table] if key != table else []
    if key.aspect:
        owners.append(key._replace(aspect=""))
    return any((owner in before) != (owner in after) for owner in owners)
