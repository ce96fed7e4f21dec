"""The dump of a database of PostgreSQL: what pg_dump says of it, a statement at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlalchemy import Connection, text

from alembic_steady.adapters.dump import Dump, Entry, IsWanted, LeftOut
from alembic_steady.adapters.postgresql import pg_dump, script
from alembic_steady.adapters.postgresql.script import Header

BEGIN = ("SET standard_conforming_strings = on", "SET check_function_bodies = off")
END = ("RESET check_function_bodies", "RESET standard_conforming_strings")
"""Functions come before the tables that they name."""
# With all that is a part of it: partitions, and tables that inherit.
TABLES = text("""
    SELECT it.oid, inhparent, nspname, relname,
        has_schema_privilege(place.oid, 'USAGE') AND has_table_privilege(it.oid, 'SELECT')
    FROM pg_class AS it
    JOIN pg_namespace AS place ON place.oid = relnamespace
    LEFT JOIN pg_inherits ON inhrelid = it.oid
    WHERE relkind IN ('r', 'p') AND nspname !~ '^(pg_|information_schema$)'
    ORDER BY nspname, relname
""")
SETTINGS = text("""
    SELECT unnest(setconfig) FROM pg_db_role_setting
    JOIN pg_database ON pg_database.oid = setdatabase AND datname = current_database()
    WHERE setrole = 0
""")
GRANTS = text("""
    SELECT count(*) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relacl IS NOT NULL AND nspname !~ '^(pg_|information_schema$)'
""")
SETTING = re.compile(r"SET \w+ =|SELECT pg_catalog\.set_config\(")
SCHEMA = re.compile(r"CREATE SCHEMA (?!IF\b)")
SECRET = re.compile(r"(?i)\bpassw(or)?d\b")
MAY_HOLD_A_PASSWORD = "it may hold a password"  # noqa: S105
NO_RIGHT = "the role may not read it"
OF_ROLES = "they belong to roles; grant them where the database is"


def read(connection: Connection, is_wanted: IsWanted) -> Dump:
    """Return the statements that build what is in a database.

    Arguments:
        connection: the database, which is only read.
        is_wanted: tells which tables to dump.

    Raises:
        DumpUnavailable: there is no pg_dump that can read this server.
        CommandError: pg_dump fails.
    """
    excluded, left_out = _excluded(connection, is_wanted)
    left_out += _settings(connection)
    connection.rollback()
    text_, _warnings = pg_dump.run(connection, excluded)
    dumped = Dump(left_out=left_out, begin=BEGIN, end=END)
    default = connection.dialect.default_schema_name
    for header, sql in script.split(text_):
        found = _entry(header, sql, default)
        if isinstance(found, Entry):
            dumped.entries.append(found)
        elif found:
            dumped.left_out.append(found)
    return dumped


def _excluded(
    connection: Connection, is_wanted: IsWanted
) -> tuple[list[str], list[LeftOut]]:
    """Return the patterns of the tables to leave out, and those that nobody wanted so."""
    default = connection.dialect.default_schema_name
    gone: set[int] = set()
    patterns, left_out = [], []
    rows = connection.execute(TABLES).all()
    found = None
    while found != len(gone):  # A partition may come before its table.
        found = len(gone)
        for oid, parent, schema, table, is_readable in rows:
            is_own = is_wanted(None if schema == default else schema, table)
            if oid in gone or (is_own and is_readable and parent not in gone):
                continue
            gone.add(oid)
            patterns.append(f"{_quoted(schema)}.{_quoted(table)}")
            if is_own and not is_readable:
                name = table if schema == default else f"{schema}.{table}"
                left_out.append(LeftOut(f"table {name}", NO_RIGHT))
    return patterns, left_out


def _quoted(name: str) -> str:
    return '"{}"'.format(name.replace('"', '""'))


def _settings(connection: Connection) -> Iterator[LeftOut]:
    """Yield what belongs to the database itself, and to roles."""
    for setting in connection.execute(SETTINGS).scalars():
        name, _, value = setting.partition("=")
        why = "it is a setting of the database itself"
        if name == "search_path":
            why += f"; pass it in the URL, too: ?options=-csearch_path={value}"
        yield LeftOut(f"ALTER DATABASE … SET {name}", why)
    if connection.scalar(GRANTS):
        yield LeftOut("grants", OF_ROLES)


def _entry(header: Header, sql: str, default: str | None) -> Entry | LeftOut | None:
    """Return a statement, why it is left out, or None if it builds nothing."""
    if SETTING.match(sql) or sql.startswith("COMMENT ON EXTENSION "):
        return None
    kind = header.kind.lower()
    is_plain = header.schema in ("-", default)
    name = header.name if is_plain else f"{header.schema}.{header.name}"
    is_secret = kind == "server" and SECRET.search(sql)
    if kind in ("user mapping", "subscription") or is_secret:
        return LeftOut(f"{kind} {name}", MAY_HOLD_A_PASSWORD)
    return Entry(kind, name, SCHEMA.sub("CREATE SCHEMA IF NOT EXISTS ", sql, count=1))
