"""The dump of a database of MySQL or MariaDB: what SHOW CREATE says of all that is in it.

There is no snapshot for that. So everything is read twice, until both say the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from alembic.util import CommandError
from sqlalchemy import Connection, text

from alembic_steady.adapters.dump import Dump, Entry, IsWanted, LeftOut

TRIES = 3
MOVING = "the database is being changed while it is read; try again when that has ended"
# As mysqldump does, so that what was accepted in another mode is so again.
MODE = "NO_AUTO_VALUE_ON_ZERO"
BEGIN = (
    "SET @steady_mode = @@sql_mode, @steady_keys = @@foreign_key_checks",
    f"SET foreign_key_checks = 0, sql_mode = '{MODE}'",
)
END = ("SET sql_mode = @steady_mode, foreign_key_checks = @steady_keys",)
READ_AS = "SET SESSION sql_mode = '', sql_quote_show_create = 1"
READ_AS_BEFORE = "SET SESSION sql_mode = :mode, sql_quote_show_create = :quote"
SESSION = "SELECT @@sql_mode AS mode, @@sql_quote_show_create AS quote"

TABLES = "SHOW FULL TABLES"
ROUTINES = text(
    "SELECT routine_type, routine_name, sql_mode FROM information_schema.routines"
    " WHERE routine_schema = DATABASE() ORDER BY routine_type, routine_name"
)
TRIGGERS = text(
    "SELECT 'TRIGGER', trigger_name, sql_mode, event_object_table"
    " FROM information_schema.triggers WHERE trigger_schema = DATABASE()"
    " ORDER BY event_object_table, action_timing, event_manipulation, action_order"
)
EVENTS = text(
    "SELECT 'EVENT', event_name, sql_mode FROM information_schema.events"
    " WHERE event_schema = DATABASE() ORDER BY event_name"
)
GRANTS = "SHOW GRANTS"

COUNTER = re.compile(r" AUTO_INCREMENT=\d+")
DEFINER = re.compile(r"^(CREATE\b.*?) DEFINER=`(?:[^`]|``)*`@`(?:[^`]|``)*`", re.DOTALL)
NO_BODY = "the account has no right to read its body"
NOT_SEEN = "the account has no right to see them"
NAMES_DATABASE = (
    "its text names the database itself, and could change it from another one"
)
WITH_ADDRESS = "it has the address, and maybe the password, of another server"


def read(connection: Connection, is_wanted: IsWanted) -> Dump:
    """Return the statements that build what is in a database.

    Arguments:
        connection: the database, which is only read.
        is_wanted: tells which tables to dump, with their triggers.

    Raises:
        CommandError: it changes all the time.
    """
    session = dict(connection.exec_driver_sql(SESSION).mappings().one())
    connection.exec_driver_sql(READ_AS)
    try:
        last = _read(connection, is_wanted)
        for _ in range(TRIES):
            before, last = last, _read(connection, is_wanted)
            if before == last:
                return last
    finally:
        connection.execute(text(READ_AS_BEFORE), session)
    raise CommandError(MOVING)


def _read(connection: Connection, is_wanted: IsWanted) -> Dump:
    dumped = Dump(begin=BEGIN, end=END)
    found = {name: kind for name, kind in connection.exec_driver_sql(TABLES)}
    for wanted in ("SEQUENCE", "TABLE"):
        for name, kind in found.items():
            is_it = (kind == "SEQUENCE") == (wanted == "SEQUENCE")
            if is_it and kind != "VIEW" and is_wanted(None, name):
                _add(dumped, _table(connection, wanted, name))
    for kind, name, mode in connection.execute(ROUTINES):
        _add(dumped, _with_body(connection, kind, name, mode))
    for name, kind in found.items():
        if kind == "VIEW":
            _add(dumped, _with_body(connection, "VIEW", name, MODE))
    for kind, name, mode, table in connection.execute(TRIGGERS):
        if is_wanted(None, table):
            _add(dumped, _with_body(connection, kind, name, mode))
    for kind, name, mode in connection.execute(EVENTS):
        _add(dumped, _with_body(connection, kind, name, mode))
    dumped.left_out += _hidden(connection)
    return dumped


def _add(dumped: Dump, found: Entry | LeftOut) -> None:
    if isinstance(found, Entry):
        dumped.entries.append(found)
    else:
        dumped.left_out.append(found)


def _shown(connection: Connection, kind: str, name: str) -> str | None:
    """Return what SHOW CREATE says: behind the name, and the mode of what has a body."""
    quoted = connection.dialect.identifier_preparer.quote_identifier(name)
    row = connection.exec_driver_sql(
        f"SHOW CREATE {kind} {quoted}", None, {"no_parameters": True}
    ).one()
    place = (
        2
        if kind in ("FUNCTION", "PROCEDURE", "TRIGGER", "PACKAGE", "PACKAGE BODY")
        else 1
    )
    place = 3 if kind == "EVENT" else place
    return row[place]  # type: ignore[no-any-return]


def _table(connection: Connection, kind: str, name: str) -> Entry | LeftOut:
    shown = str(_shown(connection, kind, name))
    inside, closing, options = shown.rpartition("\n)")
    if "CONNECTION=" in options:
        return LeftOut(f"table {name}", WITH_ADDRESS)
    sql = inside + closing + COUNTER.sub("", options)
    own = connection.dialect.identifier_preparer.quote_identifier(_database(connection))
    return Entry(kind.lower(), name, sql.replace(f"nextval({own}.", "nextval("))


def _with_body(
    connection: Connection, kind: str, name: str, mode: str
) -> Entry | LeftOut:
    told = f"{kind.lower()} {name}"
    shown = _shown(connection, kind, name)
    if shown is None:
        return LeftOut(told, NO_BODY)
    sql = DEFINER.sub(r"\1", shown)
    if re.search(rf"(?i)(?<![\w`])`?{re.escape(_database(connection))}`?\s*\.", sql):
        return LeftOut(told, NAMES_DATABASE)
    return Entry(kind.lower(), name, sql, (f"SET sql_mode = '{mode}'",))


def _database(connection: Connection) -> str:
    return str(connection.engine.url.database)


def _hidden(connection: Connection) -> Iterator[LeftOut]:
    """Yield the kinds of things that rights may hide: the server says nothing of them."""
    grants = " ".join(connection.exec_driver_sql(GRANTS).scalars()).upper()
    for right in ("TRIGGER", "EVENT"):
        if not re.search(rf"\b({right}|ALL PRIVILEGES)\b", grants):
            yield LeftOut(f"{right.lower()}s", NOT_SEEN)
