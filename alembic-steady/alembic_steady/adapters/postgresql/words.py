"""Changes in the words of PostgreSQL, for what no operation of Alembic has changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from alembic.operations import ops

from alembic_steady.adapters.description import Description, Key
from alembic_steady.adapters.postgresql import enum_words
from alembic_steady.adapters.postgresql.describe import OWN_SEQUENCE
from alembic_steady.adapters.postgresql.statements import (
    Operations,
    alter_column,
    alter_table,
    dependents,
    drop,
    literal,
    place,
    quote,
    references,
    table_of,
)
from alembic_steady.adapters.statement import Statement

Ways = Iterator[Operations]
IN_THE_WAY = frozenset(("2BP01", "0A000"))
"""PostgreSQL's codes for what others depend on, and for a column of a computed one."""


def words(key: Key, before: Description, after: Description) -> Ways:
    """Yield ways to change one part of a database, each as operations to run in turn.

    Arguments:
        key: the part that differs.
        before: the description of the database as it is.
        after: the description of the database as it has to be.
    """
    known = ASPECTS if key.kind == "column" else PARTS
    ways = known.get(key.aspect if key.kind == "column" else key.kind)
    return ways(key, before, after) if ways else iter(())


def obstacles(error: Any, table: Key, before: Description) -> list[Key]:
    """Return what may keep an operation on a table from being run, to be dropped in turn.

    Arguments:
        error: what SQLAlchemy has raised.
        table: the key of the table.
        before: the description of the database as it is.
    """
    # Each driver has its own name for the code.
    orig = getattr(error, "orig", None)
    codes = {getattr(orig, name, None) for name in ("sqlstate", "pgcode")}
    if not codes & IN_THE_WAY:
        return []
    # Those of the table itself are in the way of less.
    keys = sorted(references(table, before), key=lambda key: table_of(key) == table)
    own = [key for key in before if table_of(key) == table]
    computed = [
        key._replace(aspect="") for key in own if key[2::2] == ("column", "computed")
    ]
    return [*keys, *computed, *(key for key in own if key.kind == "check")]


def _table(key: Key, before: Description, after: Description) -> Ways:
    if key in after:  # Its constraints and indexes are missing then.
        yield [Statement(after[key].definition)]
    else:
        yield from enum_words.with_unused([[drop(key, before)]], key, before, after)


def _table_comment(key: Key, before: Description, after: Description) -> Ways:
    said = literal(after[key].text) if key in after else "NULL"
    yield [Statement(f"COMMENT ON TABLE {place(key)} IS {said}")]


def _part(key: Key, before: Description, after: Description) -> Ways:
    """Yield ways to make, replace or drop a constraint or an index."""
    gone = [drop(key, before)] if key in before else []
    ways: list[Operations] = [[]]
    if key in after and key.kind == "index":
        ways = [[Statement(after[key].definition)]]
    elif key in after:
        part = after[key]
        named = f"ADD CONSTRAINT {quote(part.name)} {part.definition}"
        # Where the server has made up the name, it may be taken.
        ways = [[alter_table(key, it)] for it in (named, f"ADD {part.definition}")]
    for way in ways:
        yield [*gone, *way]
    # Foreign keys depend on the key or index that they refer to.
    others = [it for it in references(key, before) if it != key] if gone else []
    for way in ways if others else []:
        yield [*(drop(it, before) for it in others), *gone, *way]


def _sequence(key: Key, before: Description, after: Description) -> Ways:
    """Yield ways to make, change or drop a sequence that belongs to no column."""
    if key not in before:
        yield [Statement(after[key].definition)]
    elif key not in after:
        yield [Statement(f"DROP SEQUENCE {place(key, key.name)}")]
    else:
        yield [_alter_sequence(key, before, after)]


def _alter_sequence(
    key: Key, before: Description, after: Description
) -> ops.MigrateOperation:
    clauses = " ".join(_changed(key, before, after))
    return Statement(f"ALTER SEQUENCE {place(key, before[key].name)} {clauses}")


def _changed(key: Key, before: Description, after: Description) -> list[str]:
    known = before[key].text.split(", ")
    return [it for it in after[key].text.split(", ") if it not in known]


def _column(key: Key, before: Description, after: Description) -> Ways:
    if key in after:
        yield [alter_table(key, f"ADD COLUMN {after[key].definition}")]
        return
    gone = drop(key, before)
    others = [drop(it, before) for it in dependents(key, before)]
    ways = [[gone], [*others, gone]]
    yield from enum_words.with_unused(ways, key, before, after)


def _nullable(key: Key, before: Description, after: Description) -> Ways:
    is_nullable = after[key].text == "NULL"
    yield [
        ops.AlterColumnOp(
            key.table, key.name, modify_nullable=is_nullable, schema=key.schema
        )
    ]


def _column_comment(key: Key, before: Description, after: Description) -> Ways:
    said = literal(after[key].text) if key in after else "NULL"
    yield [Statement(f"COMMENT ON COLUMN {place(key)}.{quote(key.name)} IS {said}")]


def _default(key: Key, before: Description, after: Description) -> Ways:
    if key not in after:
        yield [alter_column(key, "DROP DEFAULT")]
        return
    setting = alter_column(key, _set_default(key, before, after))
    yield [setting]
    sequence = key._replace(aspect="sequence")
    if sequence in after and sequence not in before:
        for made in _own_sequence(sequence, before, after):
            yield [*made, setting]


def _set_default(key: Key, before: Description, after: Description) -> str:
    """Return the action that sets a default, with the sequence that the column has."""
    sequence = key._replace(aspect="sequence")
    name = before.get(sequence, after.get(sequence))
    said = after[key].definition
    if name and OWN_SEQUENCE in after[key].text:
        own = f"{literal(place(key, name.name))}::regclass"
        said = after[key].text.replace(OWN_SEQUENCE, own)
    return f"SET DEFAULT {said}"


def _own_sequence(key: Key, before: Description, after: Description) -> Ways:
    """Yield ways to make, change or drop the sequence of a serial column."""
    if key in before and key in after:
        yield [_alter_sequence(key, before, after)]
        return
    name = (after.get(key) or before[key]).name
    own = place(key, name)
    alone = Key(key.schema, "", "sequence", name)
    if key in before and alone in after:
        yield [Statement(f"ALTER SEQUENCE {own} OWNED BY NONE")]
    elif key in before:
        gone = Statement(f"DROP SEQUENCE {own}")
        yield [gone]
        yield [alter_column(key, "DROP DEFAULT"), gone]
    elif alone in before:
        yield [
            Statement(f"ALTER SEQUENCE {own} OWNED BY {place(key)}.{quote(key.name)}")
        ]
    else:
        line = f"{after[key].definition} OWNED BY {place(key)}.{quote(key.name)}"
        yield [Statement(line), _go_on(key, literal(own), after)]
        yield [Statement(line)]


def _go_on(key: Key, sequence: str, after: Description) -> ops.MigrateOperation:
    """Return an operation that lets a sequence go on behind the rows that are there."""
    most = f"max({quote(key.name)})"
    found = re.search(r"START WITH (-?\d+)", after[key].text)
    start = found[1] if found else "1"
    from_rows = f"FROM {place(key)} HAVING {most} >= {start}"
    return Statement(f"SELECT setval({sequence}, {most}) {from_rows}")


def _identity(key: Key, before: Description, after: Description) -> Ways:
    if key not in after:
        yield [alter_column(key, "DROP IDENTITY")]
    elif key in before:
        changed = _changed(key, before, after)
        yield [alter_column(key, " ".join(f"SET {clause}" for clause in changed))]
    else:
        own = f"pg_get_serial_sequence({literal(place(key))}, {literal(key.name)})"
        made = alter_column(key, f"ADD {after[key].definition}")
        yield [made, _go_on(key, own, after)]
        yield [made]
        yield [alter_column(key, "DROP DEFAULT"), made, _go_on(key, own, after)]


def _computed(key: Key, before: Description, after: Description) -> Ways:
    if key not in after:
        yield [alter_column(key, "DROP EXPRESSION")]
    column = key._replace(aspect="")
    made = alter_table(key, f"ADD COLUMN {after[column].definition}")
    yield [drop(column, before), made]


def _type(key: Key, before: Description, after: Description) -> Ways:
    """Yield ways to change a type: by itself, by a cast and by way of text.

    Its default may have to be taken off meanwhile, and what else depends on the column,
    which is missing then.
    """
    default = key._replace(aspect="default")
    off = ["DROP DEFAULT"] if default in before else []
    on = [_set_default(default, before, after)] if default in after else []
    new = f"TYPE {after[key].text}"
    column, kind = quote(key.name), _without_length(after[key].text)
    using = ("", f" USING {column}::{kind}", f" USING {column}::text::{kind}")
    ways = []
    for others in ([], [drop(it, before) for it in dependents(key, before)]):
        for change in (f"{new}{form}" for form in using):
            for actions in [[change], [*off, change, *on]] if off else [[change]]:
                ways.append([*others, alter_column(key, *actions)])
    yield from enum_words.with_unused(ways, key, before, after)


def _without_length(kind: str) -> str:
    """Return a type to cast to, for a cast to a length would cut what is longer."""
    bare = re.sub(r"\([\d,]+\)", "", kind.partition(" COLLATE ")[0])
    # Without a length these two have the length 1.
    return re.sub("^(?:character|bit)(?=$|\\[)", _any_length, bare)


def _any_length(found: re.Match[str]) -> str:
    return "bpchar" if found[0] == "character" else "bit varying"


def _schema(key: Key, before: Description, after: Description) -> Ways:
    yield [Statement(f"CREATE SCHEMA IF NOT EXISTS {after[key].definition}")]


def _extension(key: Key, before: Description, after: Description) -> Ways:
    yield [Statement(f"CREATE EXTENSION IF NOT EXISTS {after[key].definition}")]


Changer = Callable[[Key, Description, Description], Ways]
PARTS: dict[str, Changer] = {
    "table": _table,
    "comment": _table_comment,
    "primary key": _part,
    "unique constraint": _part,
    "foreign key": _part,
    "check": _part,
    "exclusion constraint": _part,
    "index": _part,
    "schema": _schema,
    "extension": _extension,
    "sequence": _sequence,
    "enum": enum_words.words,
}
ASPECTS: dict[str, Changer] = {
    "": _column,
    "type": _type,
    "nullable": _nullable,
    "default": _default,
    "computed": _computed,
    "identity": _identity,
    "sequence": _own_sequence,
    "comment": _column_comment,
}
