"""The dump of a PostgreSQL database: what pg_dump writes, without what is for psql alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from alembic.util import CommandError
from sqlalchemy import Connection, text

from alembic_steady.adapters.dump import Dump, DumpUnavailable, Entry, IsWanted, LeftOut
from alembic_steady.adapters.postgresql import left_out, pg_dump
from alembic_steady.adapters.postgresql.script import Header, split

POOLED = (
    "pg_dump can't be run through a pooler, where its settings may reach other sessions:"
    " set MIGRATION_DATABASE_URL to the server itself"
)
# Functions come before the tables that they name.
BEGIN = ("SET standard_conforming_strings = on", "SET check_function_bodies = off")
END = ("RESET check_function_bodies", "RESET standard_conforming_strings")
# Whatever the connection is set to: each name has its schema, and is read as it is quoted.
SESSION = re.compile(r"SET |SELECT pg_catalog\.set_config\('search_path'")
WHOLE = re.compile(r"FOR ALL TABLES|ADD TABLES IN SCHEMA")
SUPERUSERS = "only a superuser may create it"
# libpq's own words in one string, a URL, or an option of a server.
PASSWORD = re.compile(
    r"""(?ix)
    \bpassword \s* = \s* [^\s'"]+ [^']* \b(?:host|hostaddr|dbname|user|port) \s* =
    | \b(?:host|hostaddr|dbname|user|port) \s* = [^']* \bpassword \s* = \s* [^\s'"]+
    | \w:// [^\s/:@']* : [^\s/@']+ @
    """
)
SECRET_OPTION = re.compile(r"""(?i)\b\w*(pass|pwd|secret|token|credential)\w*"?\s+'""")
WITH_OPTIONS = ("server", "foreign table", "foreign data wrapper")
REVEALING = "it contains a password"
WORDS = {
    "FK CONSTRAINT": "foreign key",
    "CHECK CONSTRAINT": "check",
}
CONSTRAINTS = {
    "PRIMARY KEY": "primary key",
    "UNIQUE": "unique constraint",
    "EXCLUDE": "exclusion constraint",
}
OF_TABLES = frozenset(
    (
        "CONSTRAINT",
        "FK CONSTRAINT",
        "CHECK CONSTRAINT",
        "DEFAULT",
        "TRIGGER",
        "POLICY",
        "RULE",
    )
)
"""The kinds whose name begins with that of their table."""
# pg_dump fills materialized views along with the tables.
FILLED = text("""
    SELECT format('%I.%I', n.nspname, c.relname) AS place, c.relname AS name,
        n.nspname AS schema
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind = 'm' AND c.relispopulated
""")


def read(connection: Connection, is_wanted: IsWanted, *, is_pooled: bool) -> Dump:
    """Return the statements that build what is in a database.

    Arguments:
        connection: the database, which is only read.
        is_wanted: tells which tables to dump, with what belongs to them.
        is_pooled: whether there is a pooler before it.

    Raises:
        DumpUnavailable: there is no pg_dump that can read the server.
        CommandError: it fails; the message is one line.
    """
    if is_pooled:
        raise DumpUnavailable(POOLED)
    if connection.scalar(text("SHOW standard_conforming_strings")) == "off":
        reason = "standard_conforming_strings is off, so statements can't be told apart"
        raise CommandError(f"{reason}; set it on for this role or database")
    excluded = left_out.excluded(connection, is_wanted)
    script, warnings = pg_dump.run(connection, excluded.patterns)
    default = str(connection.scalar(text("SELECT current_schema()")) or "")
    dump = Dump(begin=BEGIN, end=END)
    dump.left_out += [*excluded.left_out, *left_out.beside(connection)]
    dump.left_out += [LeftOut("pg_dump warns", line) for line in warnings]
    refused = {
        "EXTENSION"
    }  # Its comment comes with it, and its owner alone may change that.
    for header, sql in split(script):
        entry = _entry(header, sql, default)
        if SESSION.match(sql) or (header.schema, header.name) in excluded.keys:
            continue
        if header.kind == "COMMENT" and _is_of(header.name, refused):
            continue
        if reason := _refusal(entry, header):
            refused.add(f"{header.kind} {header.name}")
            dump.left_out.append(LeftOut(f"{entry.kind} {entry.name}", reason))
        else:
            dump.entries.append(entry)
    dump.left_out = [*dict.fromkeys(dump.left_out)]
    dump.entries += _filled(connection, dump, default)
    return dump


def _is_of(name: str, things: set[str]) -> bool:
    """Return whether the name of a comment's header is that of one of some things."""
    return name in things or name.partition(" ")[0] in things


def _entry(header: Header, sql: str, default: str) -> Entry:
    """Return a statement with its kind and name for people to read."""
    kind = WORDS.get(header.kind, header.kind.lower())
    if header.kind == "CONSTRAINT":
        found = re.search(r"(?s)ADD CONSTRAINT .*? (PRIMARY KEY|UNIQUE|EXCLUDE)\b", sql)
        kind = CONSTRAINTS[found[1]] if found else kind
    name = header.name
    if header.kind in OF_TABLES:
        name = name.replace(" ", ".", 1)
    name = name.removeprefix(f"{header.kind} ")
    schema = header.schema if header.schema not in ("-", default) else None
    if header.kind == "COMMENT":
        schema = None  # Its name begins with a kind.
    if header.kind == "SCHEMA":
        sql = re.sub("^CREATE SCHEMA ", "CREATE SCHEMA IF NOT EXISTS ", sql)
    return Entry(kind, left_out.full(schema, name), sql)


def _refusal(entry: Entry, header: Header) -> str:
    """Return why a statement is not for a file or for another server, or "" if it is."""
    if header.kind == "USER MAPPING":
        return "it belongs to a role, and may hold a password"
    if header.kind == "EVENT TRIGGER":
        return SUPERUSERS
    if header.kind.startswith("PUBLICATION") and WHOLE.search(entry.sql):
        return SUPERUSERS
    if entry.kind in WITH_OPTIONS and SECRET_OPTION.search(entry.sql):
        return REVEALING
    return REVEALING if PASSWORD.search(entry.sql) else ""


def _filled(connection: Connection, dump: Dump, default: str) -> Iterator[Entry]:
    """Yield statements that fill what is filled, in the order in which it is created."""
    filled = {
        left_out.full(
            row.schema if row.schema != default else None, left_out.flat(row.name)
        ): row.place
        for row in connection.execute(FILLED)
    }
    for entry in [*dump.entries]:
        is_made = entry.kind == "materialized view" and entry.name in filled
        if is_made and entry.sql.startswith("CREATE"):
            sql = f"REFRESH MATERIALIZED VIEW {filled[entry.name]}"
            yield Entry("rows of a materialized view", entry.name, sql)
