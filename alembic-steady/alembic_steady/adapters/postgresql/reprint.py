"""Whether the server understands two conditions as the same, though it prints them apart.

It prints `a IN ('x', 'y')` on a varchar column in one way if it has been written so, and in
another if it has been written as the server prints it. So both are created once more, as
printed, and compared as they are printed then.
"""

from __future__ import annotations

import re

from sqlalchemy import Connection, text
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


def are_alike(connection: Connection, key: Key, old: Part, new: Part) -> bool:
    """Return whether two constraints or indexes are printed alike when made as printed.

    Arguments:
        connection: a scratch database that has the table. It is as before afterwards.
        key: what they are.
        old: how it is described in one database.
        new: how it is described in another.
    """
    printed = {_reprinted(connection, key, part) for part in (old, new)}
    return len(printed) == 1 and None not in printed


def _reprinted(connection: Connection, key: Key, part: Part) -> str | None:
    if key.kind == "index":
        told, query = (
            re.sub(r" INDEX .*? ON ", f" INDEX {NAME} ON ", part.definition, count=1),
            INDEX,
        )
    else:
        is_check = key.kind == "check" and "NOT VALID" not in part.definition
        rest = f"{part.definition}{' NOT VALID' if is_check else ''}"
        told = f"ALTER TABLE {place(key)} ADD CONSTRAINT {NAME} {rest}"
        query = CONSTRAINT
    with connection.begin_nested() as savepoint:
        try:
            connection.exec_driver_sql(told.replace("%", "%%"))
            return str(connection.scalar(query))
        except DBAPIError:
            return None
        finally:
            savepoint.rollback()
