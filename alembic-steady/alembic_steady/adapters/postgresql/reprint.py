"""Whether the server understands two expressions as the same, though it prints them apart.

It prints `a IN ('x', 'y')` on a varchar column in one way if it has been written so, and in
another if it has been written as the server prints it, as in a dump. So both are created once
more, as printed, and compared as they are printed then.
"""

from __future__ import annotations

import re

from sqlalchemy import Connection, TextClause, text
from sqlalchemy.exc import DBAPIError

from alembic_steady.adapters.description import Key, Part
from alembic_steady.adapters.postgresql.statements import place

NAME = "alembic_steady_reprint"
CONSTRAINT = text(
    f"SELECT pg_get_constraintdef(oid, true) FROM pg_constraint WHERE conname = '{NAME}'"
)
INDEX = text(
    f"SELECT pg_get_indexdef(oid, 0, true) FROM pg_class WHERE relname = '{NAME}'"
)
VIEW = text(f"SELECT pg_get_viewdef(oid, true) FROM pg_class WHERE relname = '{NAME}'")
COLUMN = text(f"""
    SELECT pg_get_expr(adbin, adrelid, true) FROM pg_attrdef
    JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum WHERE attname = '{NAME}'
""")
TYPE = text("""
    SELECT format_type(atttypid, atttypmod) FROM pg_attribute
    WHERE attrelid = CAST(:table AS regclass) AND attname = :name
""")
PLACE = r'(?:"(?:[^"]|"")*"|[^"\s])+'  # a name, which may be quoted and qualified
CONSTRAINTS = ("check", "exclusion constraint")


def has_expression(key: Key) -> bool:
    """Return whether a part is one that has an expression, which may be printed apart."""
    return key.kind in ("index", "view", *CONSTRAINTS) or key.aspect in (
        "default",
        "computed",
    )


def are_alike(connection: Connection, key: Key, old: Part, new: Part) -> bool:
    """Return whether two parts that have an expression are printed alike when made as printed.

    Arguments:
        connection: a scratch database that has the table. It is as before afterwards.
        key: what they are.
        old: how it is described in one database.
        new: how it is described in another.
    """
    printed = {_reprinted(connection, key, part) for part in (old, new)}
    return len(printed) == 1 and None not in printed


def _reprinted(connection: Connection, key: Key, part: Part) -> str | None:
    with connection.begin_nested() as savepoint:
        try:
            told, query = _made(connection, key, part)
            connection.exec_driver_sql(told.replace("%", "%%"))
            return str(connection.scalar(query))
        except DBAPIError:
            return None
        finally:
            savepoint.rollback()


def _made(connection: Connection, key: Key, part: Part) -> tuple[str, TextClause]:
    """Return how a part is made under another name, and the query for how it is printed."""
    if key.kind == "index":
        start = f" INDEX {NAME} ON "
        return re.sub(f" INDEX {PLACE} ON ", start, part.definition, count=1), INDEX
    if key.kind == "view":
        start = f"CREATE TEMPORARY VIEW {NAME} AS"
        return re.sub(f"^CREATE .*?VIEW {PLACE} AS", start, part.definition), VIEW
    start = f"ALTER TABLE {place(key)} ADD"
    if key.kind in CONSTRAINTS:
        is_check = key.kind == "check" and "NOT VALID" not in part.definition
        rest = f"{part.definition}{' NOT VALID' if is_check else ''}"
        return f"{start} CONSTRAINT {NAME} {rest}", CONSTRAINT
    kind = connection.scalar(TYPE, {"table": place(key), "name": key.name})
    word = "DEFAULT " if key.aspect == "default" else ""
    return f"{start} COLUMN {NAME} {kind} {word}{part.definition}", COLUMN
