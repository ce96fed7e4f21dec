"""How SQLite changes a part of a table: by building the whole table again."""

from __future__ import annotations

from collections.abc import Iterator

from alembic.operations import ops

from alembic_steady.adapters.description import Description, Key
from alembic_steady.adapters.sqlite.creation import quote, statement
from alembic_steady.adapters.sqlite.describe import is_virtual, tokens
from alembic_steady.adapters.statement import Statement

Way = list[ops.MigrateOperation]


def words(key: Key, before: Description, after: Description) -> Iterator[Way]:
    """Yield the way to change one part of a database; views have none.

    Arguments:
        key: the part that differs.
        before: the description of the database as it is.
        after: the description of the database as it has to be.
    """
    table = Key(None, key.table, "table")
    if key.kind == "index":
        yield _index(key, before, after)
    elif table in before and table in after:
        if not any(is_virtual(state[table].definition) for state in (before, after)):
            yield [Statement(sql) for sql in _rebuild(table, before, after)]
    elif table in before:
        yield [ops.DropTableOp(key.table)]
    elif table in after:
        created = [on_one_line(statement(table, after)), *_beside(table, after, after)]
        yield [Statement(sql) for sql in created]


def _index(key: Key, before: Description, after: Description) -> Way:
    way: Way = []
    if key in before:
        way.append(ops.DropIndexOp(key.name, key.table))
    if key in after:
        way.append(Statement(after[key].definition))
    return way


def _rebuild(table: Key, before: Description, after: Description) -> Iterator[str]:
    """Yield the statements that build a table as it has to be, with the rows it has."""
    old, new = quote(table.table), quote(f"_new_{table.table}")
    created = statement(table, after)
    name = tokens(created)[2]  # CREATE TABLE name
    yield on_one_line(f"{created[: name.start]}{new}{created[name.end :]}")
    if _is_counted(table, before) and _is_counted(table, after):
        # A number that was given to a row once is never given again.
        names = [_string(name) for name in (f"_new_{table.table}", table.table)]
        yield "UPDATE sqlite_sequence SET name = {} WHERE name = {}".format(*names)
    copied = dict(_copied(table, before, after))
    if copied:
        columns, values = ", ".join(copied), ", ".join(copied.values())
        yield f"INSERT INTO {new} ({columns}) SELECT {values} FROM {old}"
    yield f"DROP TABLE {old}"
    # Views and other triggers refer to a table that does not exist at this moment.
    yield "PRAGMA legacy_alter_table = ON"
    yield f"ALTER TABLE {new} RENAME TO {old}"
    yield "PRAGMA legacy_alter_table = OFF"
    yield from _beside(table, after, before)


def on_one_line(sql: str) -> str:
    """Return a statement without breaks and comments between its words."""
    line, end = "", 0
    for token in tokens(sql):
        is_apart = token.start > end and not line.endswith("(") and token.raw != ")"
        line += f" {token.raw}" if line and is_apart else token.raw
        end = token.end
    return line


def _beside(table: Key, indexes: Description, triggers: Description) -> Iterator[str]:
    """Yield the statements that create the indexes and the triggers of a table."""
    for key, part in indexes.items():
        if key.kind == "index" and key.table == table.table:
            yield part.definition
    yield from triggers[table].attached


def _copied(
    table: Key, before: Description, after: Description
) -> Iterator[tuple[str, str]]:
    """Yield each column that both have, and the expression for its value."""
    had = {key.name.lower(): key for key in _columns(table, before)}
    for key in _columns(table, after):
        if key._replace(aspect="computed") in after or key.name.lower() not in had:
            continue
        column = value = quote(key.name)
        default = after.get(key._replace(aspect="default"))
        nullable = before[had[key.name.lower()]._replace(aspect="nullable")]
        is_required = after[key._replace(aspect="nullable")].text.startswith("not")
        if default and is_required and nullable.text.startswith("null"):
            value = f"coalesce({column}, {default.definition})"
        yield column, value


def _columns(table: Key, description: Description) -> list[Key]:
    return [
        key
        for key in description
        if (key.table, key.kind, key.aspect) == (table.table, "column", "")
    ]


def _is_counted(table: Key, description: Description) -> bool:
    return any(
        (key.table, key.aspect) == (table.table, "autoincrement") for key in description
    )


def _string(text: str) -> str:
    return "'{}'".format(text.replace("'", "''"))
