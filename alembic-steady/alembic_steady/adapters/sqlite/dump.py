"""The dump of a file: the statements that SQLite itself has stored."""

from __future__ import annotations

from sqlalchemy import Connection

from alembic_steady.adapters.dump import Dump, Entry, IsWanted

# In the order in which they were created, which is one in which they can be created again.
STORED = """
    SELECT type, name, tbl_name, sql FROM sqlite_master
    WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid
"""
SHADOWS = "SELECT name FROM pragma_table_list WHERE type = 'shadow'"
KINDS = ("table", "index", "view", "trigger")


def read(connection: Connection, is_wanted: IsWanted) -> Dump:
    """Return the statements that build what is in a file.

    Arguments:
        connection: the database, which is only read.
        is_wanted: tells which tables to dump, with what belongs to them.
    """
    rows = connection.exec_driver_sql(STORED).all()
    # They come with the virtual table whose data they keep.
    shadows = {*connection.exec_driver_sql(SHADOWS).scalars()}
    tables = {name for kind, name, *_ in rows if kind == "table"}
    unwanted = {name for name in tables if not is_wanted(None, name)} | shadows
    found = [
        Entry(kind, name, sql)
        for kind, name, table, sql in rows
        if table not in unwanted
    ]
    # A table that was rebuilt is younger than its views and triggers.
    return Dump(sorted(found, key=lambda entry: KINDS.index(entry.kind)))
