"""Changes of enums in the words of PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Iterator

from alembic.operations import ops

from alembic_steady.adapters.description import Description, Key, Part
from alembic_steady.adapters.postgresql.statements import (
    Operations,
    alter_table,
    drop,
    place,
    quote,
    table_of,
)
from alembic_steady.adapters.statement import Statement

LABEL = re.compile("E?'(?:[^']|'')*'")
NAMING = ("check", "exclusion constraint", "index")
"""What the server would read anew, with the labels of another type."""


def words(key: Key, before: Description, after: Description) -> Iterator[Operations]:
    """Yield ways to make, change or drop an enum, each as operations to run in turn.

    Arguments:
        key: the key of the enum.
        before: the description of the database as it is.
        after: the description of the database as it has to be.
    """
    if key not in after:
        yield [_drop(before[key])]
    elif key not in before:
        yield from _make(key, before, after)
    else:
        added = _added(key, before, after)
        if added and not _is_used(key, before, after):
            yield added
        for is_all in (False, True):
            for has_defaults in (True, False):
                yield _replace(key, before, after, is_all, has_defaults)
        if added:
            yield added


def with_unused(
    ways: list[Operations], gone: Key, before: Description, after: Description
) -> Iterator[Operations]:
    """Yield ways that take enums from columns, first with the enums that are left.

    Arguments:
        ways: each changes the type of a column, or drops the column or its table.
        gone: the key of the column's type, of the column or of the table.
        before: the description of the database as it is.
        after: the description of the database as it has to be.
    """
    unused = []
    for enum, part in before.items():
        columns = _columns(part, before) if enum.kind == "enum" else []
        owners = ((it, it._replace(aspect=""), table_of(it)) for it in columns)
        if columns and enum not in after and all(gone in them for them in owners):
            unused.append(_drop(part))
    for way in ways if unused else []:
        yield [*way, *unused]
    yield from ways


def _make(key: Key, before: Description, after: Description) -> Iterator[Operations]:
    for old, part in before.items():
        is_gone = old.kind == "enum" and old not in after
        if is_gone and old.schema == key.schema and part.text == after[key].text:
            yield [Statement(f"ALTER TYPE {_name(part)} RENAME TO {quote(key.name)}")]
    made = Statement(after[key].definition)
    yield [made]
    # One that no column uses may be left.
    yield [_drop(after[key]), made]


def _drop(part: Part) -> ops.MigrateOperation:
    return Statement(f"DROP TYPE {_name(part)}")


def _name(part: Part) -> str:
    """Return the name of an enum as the server prints it."""
    return part.definition.removeprefix("CREATE TYPE ").partition(" AS ENUM ")[0]


def _columns(enum: Part, description: Description) -> list[Key]:
    """Return the keys of the types of all columns that have an enum or an array of it."""
    name = _name(enum)
    return [
        key
        for key, part in description.items()
        if key.aspect == "type" and part.text in (name, f"{name}[]")
    ]


def _names(part: Part, enum: Part) -> bool:
    """Return whether what the server prints of a part names an enum."""
    return bool(re.search(rf"::{re.escape(_name(enum))}(?![\w.\"$])", part.text))


def _added(key: Key, before: Description, after: Description) -> Operations:
    """Return the operations that add what is missing, or none where a value goes."""
    old, new = (LABEL.findall(them[key].text) for them in (before, after))
    if not old or [label for label in new if label in old] != old:
        return []
    start = f"ALTER TYPE {_name(before[key])} ADD VALUE"
    added: Operations = []
    for number, label in enumerate(new):
        if label not in old:
            where = f" AFTER {new[number - 1]}" if number else f" BEFORE {old[0]}"
            is_last = not {*new[number:]} & {*old}
            added.append(Statement(f"{start} {label}{'' if is_last else where}"))
    return added


def _is_used(key: Key, before: Description, after: Description) -> bool:
    """Return whether a new value is used at once, which a transaction must not do."""
    old, new = (LABEL.findall(them[key].text) for them in (before, after))
    added = [label[1:-1] for label in new if label not in old]
    return any(
        _names(part, after[key])
        and any(label in part.text for label in added)
        and before.get(it, part._replace(text="")).text != part.text
        for it, part in after.items()
    )


def _replace(
    key: Key,
    before: Description,
    after: Description,
    is_all: bool,
    has_defaults: bool,
) -> Operations:
    """Return the operations that put a new type in the place of an enum.

    Arguments:
        key: the key of the enum.
        before: the description of the database as it is.
        after: the description of the database as it has to be.
        is_all: drop all that covers a column of the type, not only what names a value.
        has_defaults: set the columns' defaults again.
    """
    enum = before[key]
    name = _name(enum)
    types = _columns(enum, before)
    dropped: list[Key] = []
    computed: list[Key] = []
    for table in dict.fromkeys(table_of(it) for it in types):
        columns = {it.name for it in types if table_of(it) == table}
        parts = {it: part for it, part in before.items() if table_of(it) == table}
        for it, part in parts.items():
            is_covering = bool(columns & {*part.columns})
            if it.kind == "foreign key" and is_covering:
                dropped.insert(0, it)
            elif it.kind in NAMING and (_names(part, enum) or is_all and is_covering):
                dropped.append(it)
            elif it.aspect == "computed" and (is_covering or it.name in columns):
                computed.append(it._replace(aspect=""))
    old = f"{key.name[:59]}_old"
    kept = [it for it in types if it._replace(aspect="") not in computed]
    return [
        *(drop(it, before) for it in [*dropped, *computed]),
        Statement(f"ALTER TYPE {name} RENAME TO {quote(old)}"),
        Statement(f"CREATE TYPE {name} AS ENUM ({after[key].text})"),
        *_alter(kept, before, after, has_defaults),
        Statement(f"DROP TYPE {place(key, old)}"),
    ]


def _alter(
    types: list[Key], before: Description, after: Description, has_defaults: bool
) -> Operations:
    """Return the operations that give columns the new type, one for each table.

    The server reads a check that compares two of these columns anew after both.
    """
    altered = []
    for table in dict.fromkeys(table_of(it) for it in types):
        actions = []
        for it in types:
            if table_of(it) == table:
                actions += _actions(it, before, after, has_defaults)
        altered.append(alter_table(table, *actions))
    return altered


def _actions(
    key: Key, before: Description, after: Description, has_defaults: bool
) -> list[str]:
    column, kind = quote(key.name), before[key].text
    default = key._replace(aspect="default")
    is_kept = key in after and after[key].text == kind
    new = (after if is_kept else before).get(default)
    actions = [f"TYPE {kind} USING {column}::text::{kind}"]
    if default in before:
        actions.insert(0, "DROP DEFAULT")
    if new and has_defaults:
        actions.append(f"SET DEFAULT {new.definition}")
    return [f"ALTER COLUMN {column} {action}" for action in actions]
