"""The dump of a file: the statements that SQLite itself has stored."""

from __future__ import annotations

from sqlalchemy import Connection

from alembic_steady.adapters.dump import Dump, Entry, IsWanted

# In the order in which they were created, which is one in which they can be created again.
# One query, so that nothing can change in between.
STORED = """
    SELECT type, name, tbl_name, sql, name IN (
        SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow'
    ) FROM main.sqlite_master
    WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid
"""
KINDS = ("table", "index", "view", "trigger")


def read(connection: Connection, is_wanted: IsWanted) -> Dump:
    """Return the statements that build what is in a file.

    Arguments:
        connection: the database, which is only read.
        is_wanted: tells which tables to dump, with what belongs to them.
    """
    rows = connection.exec_driver_sql(STORED, None, {"no_parameters": True}).all()
    # A shadow comes with the virtual table whose data it keeps.
    unwanted = {
        name
        for kind, name, _, _, is_shadow in rows
        if kind == "table" and (is_shadow or not is_wanted(None, name))
    }
    found = [
        Entry(kind, name, sql)
        for kind, name, table, sql, _ in rows
        if table not in unwanted
    ]
    # A table that was rebuilt is younger than its views and triggers.
    return Dump(sorted(found, key=lambda entry: KINDS.index(entry.kind)))
