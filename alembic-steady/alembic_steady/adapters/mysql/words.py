"""The words of MySQL and MariaDB that change one part of a database into another."""

from __future__ import annotations

import re
from collections.abc import Iterator

from alembic.operations import ops
from sqlalchemy.dialects import mysql
from sqlalchemy.dialects.mysql import mariadb
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import conv

from alembic_steady.adapters.description import (
    HIDDEN,
    Description,
    Key,
    Part,
    differences,
)
from alembic_steady.adapters.mysql.describe import (
    NO_DEFAULT,
    column_line,
    is_made_for,
    referred,
    units,
)
from alembic_steady.adapters.statement import Statement

Operation = ops.MigrateOperation
Way = list[Operation]
Ways = Iterator[Way]

PREPARERS = tuple(
    dialect.identifier_preparer
    for dialect in (mysql.dialect(), mariadb.MariaDBDialect())
)
TYPES = {
    "foreign key": "foreignkey",
    "unique constraint": "unique",
    "check": "check",
    "primary key": "primary",
}
"""How Alembic calls constraints."""
CLAUSES = {"column": "COLUMN", "check": "CONSTRAINT", "foreign key": "FOREIGN KEY"}
"""What follows DROP in ALTER TABLE; KEY for all others."""
KEYS = ("primary key", "unique constraint", "index")
CONSTRAINTS = ("unique constraint", "foreign key", "check")
"""What may have no name in a statement."""
# What the server says of a foreign key that is in the way.
IN_THE_WAY = frozenset(
    (
        1217,  # a row is referred to, or a table
        1451,  # the same
        1553,  # an index is needed
        1828,  # a column is needed
        1829,  # the same, by another table
        1832,  # a column cannot be changed
        1833,  # the same, because of another table
        1834,  # rows cannot be deleted
        3730,  # a table cannot be dropped
        3780,  # columns are not compatible
    )
)


def words(key: Key, before: Description, after: Description) -> Ways:
    """Yield ways to change one part, as `Adapter.words` explains."""
    change = {
        "table": _change_table,
        "comment": _change_comment,
        "column": _change_column,
        "primary key": _change_key,
        "unique constraint": _change_key,
        "index": _change_key,
        "foreign key": _change_foreign_key,
        "check": _change_check,
        "view": _change_view,
        "sequence": _change_sequence,
        HIDDEN: _change_hidden,
    }.get(key.kind)
    if change:
        yield from change(key, before, after)


def obstacles(table: str, before: Description) -> list[Key]:
    """Return the foreign keys that refer to a table, and those that it has.

    Arguments:
        table: the name of the table.
        before: the description of the database.
    """
    found = [key for key in before if key.kind == "foreign key"]
    others = [it for it in found if before[it].target == (None, table)]
    return [*others, *(it for it in found if it.table == table and it not in others)]


def in_the_way(error: DBAPIError, table: str, before: Description) -> list[Key]:
    """Return the foreign keys that an error is about, the likely ones first.

    Arguments:
        error: how the server has refused to change the table.
        table: the name of the table.
        before: the description of the database.
    """
    code, message = (*getattr(error.orig, "args", ()), 0, "")[:2]
    if code not in IN_THE_WAY:
        return []
    said = {*re.findall(r"[^'`/]+", str(message))}
    indexes = [
        (key, part)
        for key, part in before.items()
        if key.table == table and key.kind in KEYS and (part.name or key.name) in said
    ]
    served = [it for key, part in indexes for it in _users(key, part, before)]
    found = obstacles(table, before)
    # The server names a key, or the index that it needs; or else it may be any.
    return sorted(found, key=lambda it: (before[it].name not in said, it not in served))


# Tables, comments, views and sequences


def _change_table(key: Key, before: Description, after: Description) -> Ways:
    if key in before:
        keys = [it for it in obstacles(key.table, before) if it.table != key.table]
        yield [ops.DropTableOp(key.table)]
        yield [*(_dropped(it, before) for it in keys), ops.DropTableOp(key.table)]
        return
    sql = after[key].definition
    yield [Statement(sql)]
    # Tables that refer to each other get their foreign keys when all are there.
    for other, part in after.items():
        if (other.table, other.kind) == (key.table, "foreign key"):
            sql = sql.replace(f",\n  {part.definition}", "")
    yield [Statement(sql)]


def _change_comment(key: Key, _before: Description, after: Description) -> Ways:
    comment = after[key].text if key in after else "''"
    yield [_alter(key.table, f"COMMENT = {comment}")]


def _change_view(key: Key, _before: Description, after: Description) -> Ways:
    if key in after:
        yield [Statement(after[key].definition)]
    else:
        yield [Statement(f"DROP VIEW {quoted(key.table)}")]


def _change_sequence(key: Key, before: Description, after: Description) -> Ways:
    if key not in after:
        yield [Statement(f"DROP SEQUENCE {quoted(key.name)}")]
    elif key in before:
        yield [Statement(f"ALTER SEQUENCE {quoted(key.name)} {after[key].text}")]
    else:
        yield [Statement(after[key].definition)]


# Columns


def _change_column(key: Key, before: Description, after: Description) -> Ways:
    column = key._replace(aspect="")
    yield from _together(column, before, after)
    then = _unset(column, after)
    if column not in before:
        yield [_alter(key.table, _added(column, after)), *then]
    elif column not in after:
        clauses = [_gone(column, before)]
        yield from _freed_column(clauses, column, before, _dropped(column, before))
    else:
        ways = _freed_column([_added(column, after, True)], column, before)
        yield from ([*way, *then] for way in ways)
        yield from _made_again(column, before, after)


def _unset(column: Key, after: Description) -> Way:
    """Return what takes off the default of a column that may be null."""
    default = after.get(column._replace(aspect="default"))
    if default is None or default.text != NO_DEFAULT:
        return []
    return [_alter(column.table, f"ALTER COLUMN {quoted(column.name)} DROP DEFAULT")]


def _made_again(column: Key, before: Description, after: Description) -> Ways:
    """Yield what drops and adds a computed column, which loses nothing."""
    computed = column._replace(aspect="computed")
    if computed not in before and computed not in after:
        return
    then = _unset(column, after)
    if computed not in after:  # It keeps its values.
        value = next(
            it.text for it in units(before[computed].text) if it.text[0] == "("
        )
        table, name = quoted(column.table), quoted(column.name)
        then.append(Statement(f"UPDATE {table} SET {name} = {value}"))
    clauses = [_gone(column, before), _added(column, after)]
    ways = _freed_column(clauses, column, before)
    yield from ([*way, *then] for way in ways)


def _freed_column(
    clauses: list[str], column: Key, before: Description, alone: Operation | None = None
) -> Ways:
    keys = [
        key
        for key in obstacles(column.table, before)
        if _holds(key, before[key], column.table, column.name)
    ]
    others = [
        key._replace(aspect="")
        for key, part in before.items()
        if key.table == column.table
        and (key.kind in ("unique constraint", "index", "check") or key.aspect)
        and column.name in part.columns
    ]
    yield from _freed(column.table, clauses, keys, others, before, alone)


def _holds(key: Key, part: Part, table: str, column: str) -> bool:
    """Return whether a foreign key has a column of a table, or refers to it."""
    if key.table == table and column in part.columns:
        return True
    return part.target == (None, table) and column in referred(part)


# Keys, constraints and indexes


def _change_key(key: Key, before: Description, after: Description) -> Ways:
    old, new = before.get(key), after.get(key)
    yield from _together(key, before, after)
    if old is None:
        yield from _adds(key, after)
        if _may_be_hidden(key, after[key].name, before):
            yield [_alter(key.table, _gone(key, after), _added(key, after))]
    elif new is not None:
        clauses = [_gone(key, before), _added(key, after)]
        yield from _freed(key.table, clauses, _users(key, old, before), [], before)
    elif not _is_made_again(key, old, after):
        keys, alone = _users(key, old, before), _dropped(key, before)
        yield from _freed(key.table, [_gone(key, before)], keys, [], before, alone)


def _change_hidden(key: Key, _before: Description, after: Description) -> Ways:
    # Another index for a foreign key takes the place of the one that the server has made,
    # but not of one that has been written. Which it is cannot be seen, so it may be there.
    if key in after:
        name = quoted(key.name)
        line = after[key].definition.replace(
            f"`{key.name}`", f"IF NOT EXISTS {name}", 1
        )
        yield [_alter(key.table, f"ADD {line}")]
        yield [_alter(key.table, f"ADD {after[key].definition}")]  # on MySQL
    else:
        yield [ops.DropIndexOp(conv(key.name), table_name=key.table)]


def _may_be_hidden(key: Key, name: str, before: Description) -> bool:
    """Return whether a foreign key may have an index of a name, which is not described."""
    return key.kind != "primary key" and any(
        name in (part.name, *part.columns[:1])
        for it, part in before.items()
        if (it.table, it.kind) == (key.table, "foreign key")
    )


def _is_made_again(key: Key, index: Part, after: Description) -> bool:
    """Return whether an index is described only as long as a foreign key is missing."""
    return key.kind == "index" and any(
        is_made_for(index, part)
        for it, part in after.items()
        if (it.table, it.kind) == (key.table, "foreign key")
    )


def _users(key: Key, index: Part, before: Description) -> list[Key]:
    """Return the foreign keys that an index serves, on either side."""
    found = []
    for it in obstacles(key.table, before):
        part = before[it]
        sides = [part.columns] if it.table == key.table else []
        if part.target == (None, key.table):
            sides.append(referred(part))
        if any(index.columns[: len(side)] == side for side in sides):
            found.append(it)
    return found


def _change_foreign_key(key: Key, before: Description, after: Description) -> Ways:
    # One statement that drops a key and adds another with its name is refused.
    drop = [_dropped(key, before)] if key in before else []
    if key not in after:
        yield drop
    else:
        yield from ([*drop, *add] for add in _adds(key, after))


def _change_check(key: Key, before: Description, after: Description) -> Ways:
    if key not in before:
        yield from _adds(key, after)
    elif key not in after:
        yield [_dropped(key, before)]
    else:
        yield [_alter(key.table, _gone(key, before), _added(key, after))]
        yield [_dropped(key, before), _alter(key.table, _added(key, after))]


def _adds(key: Key, after: Description) -> Ways:
    """Yield how a constraint or index is added.

    The server may have made the name up, and it may be taken.
    """
    part = after[key]
    yield [_alter(key.table, _added(key, after))]
    if key.kind in CONSTRAINTS:
        yield [_alter(key.table, f"ADD {part.text}")]


def _together(key: Key, before: Description, after: Description) -> Ways:
    """Yield one statement for all that has to change at once, if that is several parts.

    A column that counts up has to be the first of a key all the time, and one of the
    primary key cannot be null.
    """
    linked = _linked(key.table, before, after)
    if key not in linked or len(linked) == 1:
        return
    gone = [_gone(it, before) for it in linked if _goes(it, before, after)]
    come = [_added(it, after, it in before) for it in linked if it in after]
    columns = [it.name for it in linked if it.kind == "column"]
    keys = [
        it
        for it in obstacles(key.table, before)
        if any(_holds(it, before[it], key.table, name) for name in columns)
        or any(
            it in _users(key, before[key], before) for key in linked if key in before
        )
    ]
    yield from _freed(key.table, [*gone, *come], keys, [], before)


def _linked(table: str, before: Description, after: Description) -> list[Key]:
    """Return what differs of the primary key and the columns that count up."""
    here, there = (
        {it: part for it, part in description.items() if it.table == table}
        for description in (before, after)
    )
    parts = [*here.items(), *there.items()]
    counting = {it.name for it, _ in parts if it.aspect == "autoincrement"}
    primary = {
        column
        for it, part in parts
        if it.kind == "primary key"
        for column in part.columns
    }
    found = []
    for it in differences(here, there):
        first = (there.get(it) or here[it]).columns[:1]
        if (
            it.kind == "primary key"
            or (it.kind == "column" and it.name in counting | primary)
            or (it.kind in KEYS and counting.issuperset(first))
        ):
            found.append(it._replace(aspect=""))
    return [*dict.fromkeys(found)]


def _goes(key: Key, before: Description, after: Description) -> bool:
    return key in before and (key.kind != "column" or key not in after)


# Clauses, statements and operations


def _gone(key: Key, before: Description) -> str:
    """Return the clause of ALTER TABLE that drops a part."""
    name = quoted(before[key].name)
    kind = CLAUSES.get(key.kind, "KEY")
    return "DROP PRIMARY KEY" if key.kind == "primary key" else f"DROP {kind} {name}"


def _added(key: Key, after: Description, is_there: bool = False) -> str:
    """Return the clause of ALTER TABLE that adds a part, or that changes a column."""
    if key.kind != "column":
        return f"ADD {after[key].definition}"
    return f"{'MODIFY' if is_there else 'ADD'} COLUMN {column_line(key, after)}"


def _freed(
    table: str,
    clauses: list[str],
    keys: list[Key],
    others: list[Key],
    before: Description,
    alone: Operation | None = None,
) -> Ways:
    """Yield how a table is changed, first alone, then without what may be in the way.

    What the table itself has in the way is dropped by the same statement, since there is
    nothing to undo if that fails.

    Arguments:
        table: the name of the table.
        clauses: the clauses of ALTER TABLE.
        keys: foreign keys that may be in the way, also those of other tables.
        others: what else of the table may be in the way.
        before: the description of the database.
        alone: the operation of Alembic that says the same, if there is one.
    """
    own = [key for key in keys if key.table == table]
    foreign = [_dropped(key, before) for key in keys if key.table != table]
    steps = [[], own, [*own, *dict.fromkeys(others)]]
    for drops in [[], foreign] if foreign else [[]]:
        for number, gone in enumerate(steps):
            if gone in steps[:number]:
                continue
            here = [_gone(key, before) for key in gone]
            change = _alter(table, *here, *clauses)
            yield [*drops, alone if alone and not gone else change]


def _dropped(key: Key, before: Description) -> Operation:
    name = before[key].name or key.name
    if key.kind == "column":
        return ops.DropColumnOp(key.table, name)
    # No naming convention may change the name.
    if key.kind == "index":
        return ops.DropIndexOp(conv(name), table_name=key.table)
    return ops.DropConstraintOp(conv(name), key.table, type_=TYPES[key.kind])


def _alter(table: str, *clauses: str) -> Statement:
    return Statement(f"ALTER TABLE {quoted(table)} {', '.join(clauses)}")


def quoted(name: str) -> str:
    """Return a name as it is written in SQL, in quotes only if they are needed."""
    if name and all(preparer.quote(name) == name for preparer in PREPARERS):
        return name
    return "`{}`".format(name.replace("`", "``"))
