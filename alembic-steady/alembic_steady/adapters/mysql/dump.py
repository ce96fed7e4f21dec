"""The dump of a database of MySQL or MariaDB: what SHOW CREATE says of all that is in it.

There is no snapshot for that. So everything is read twice, until both say the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from alembic_steady.adapters.dump import Dump, Entry, IsWanted, LeftOut
from alembic_steady.adapters.mysql.shown import (
    found,
    quoted,
    replaced,
    without_database,
)

TRIES = 3
MOVING = "the database is being changed while it is read; try again when that has ended"
# As mysqldump does, so that what was accepted in another mode is so again.
MODE = "NO_AUTO_VALUE_ON_ZERO"
BEGIN = (
    (
        "SET @steady_mode = @@sql_mode, @steady_keys = @@foreign_key_checks,"
        " @steady_collation = @@collation_connection, @steady_zone = @@time_zone"
    ),
    "SET foreign_key_checks = 0",
)
# Of these, a body keeps what was set when it was created. It is sent in the session's own
# character set, since a file of SQL has only one.
SETTINGS = "SET sql_mode = {}, collation_connection = {}, time_zone = {}"
OWN = "@steady_collation"
UTC = "'+00:00'"
END = (
    (
        "SET sql_mode = @steady_mode, foreign_key_checks = @steady_keys,"
        " collation_connection = @steady_collation, time_zone = @steady_zone"
    ),
)
READ_AS = "SET SESSION sql_mode = '', sql_quote_show_create = 1, time_zone = '+00:00'"
READ_AS_BEFORE = (
    "SET SESSION sql_mode = :mode, sql_quote_show_create = :quote, time_zone = :zone"
)
SESSION = (
    "SELECT @@sql_mode AS mode, @@sql_quote_show_create AS quote, @@time_zone AS zone"
)

TABLES = "SHOW FULL TABLES"
ROUTINES = text(
    "SELECT routine_type, routine_name FROM information_schema.routines"
    " WHERE routine_schema = DATABASE() ORDER BY routine_type, routine_name"
)
TRIGGERS = text(
    "SELECT 'TRIGGER', trigger_name, event_object_table"
    " FROM information_schema.triggers WHERE trigger_schema = DATABASE()"
    " ORDER BY event_object_table, action_timing, event_manipulation, action_order"
)
EVENTS = text(
    "SELECT 'EVENT', event_name FROM information_schema.events"
    " WHERE event_schema = DATABASE() ORDER BY event_name"
)
COLLATION = text(
    "SELECT @@collation_database, default_collate_name"
    " FROM information_schema.character_sets WHERE character_set_name = 'utf8mb4'"
)
GRANTS = "SHOW GRANTS"
GRANT = re.compile(r"GRANT (.*?) ON (?:TABLE )?(\*|`(?:[^`]|``)*`)\.\* TO ")
# One of these rights on the whole database shows all that there is of a kind.
RIGHTS = {
    "tables on which it has no rights": {"SELECT", "INSERT", "UPDATE", "DELETE"},
    "routines": {"EXECUTE", "ALTER ROUTINE", "CREATE ROUTINE"},
    "triggers": {"TRIGGER"},
    "events": {"EVENT"},
}
DENIED = (1044, 1142, 1143, 1227, 1370)

COUNTER = r" AUTO_INCREMENT=\d+"
ELSEWHERE = r" CONNECTION=| ENGINE ?= ?(?:FEDERATED|CONNECT|SPIDER|S3)\b"
FOREIGN = r"REFERENCES `(?:[^`]|``)*`\."
ENABLED = r"(?<= ON COMPLETION NOT PRESERVE) ENABLE|(?<= ON COMPLETION PRESERVE) ENABLE"
EVENT = re.compile(r"CREATE (OR REPLACE |DEFINER\S+ )*EVENT\b")
DEFINER = re.compile(
    r"^(CREATE(?: OR REPLACE| AGGREGATE| ALGORITHM=\w+)*)"
    r""" DEFINER=((?:`(?:[^`]|``)*`|"(?:[^"]|"")*"|@)+)"""
)
NO_BODY = "the account has no right to read its definition"
NOT_SEEN = "the account has no right to see them"
NAMES_DATABASE = (
    "its text names the database itself, and could change it from another one"
)
WITH_ADDRESS = "it has the address, and maybe the password, of another server"
OTHER_DATABASE = "it is kept; that database has to be there on each server"
DEFINERS = "what they have defined gets the account that runs the revision"
NOT_DEFAULT = "a new database has {}; what has no character set of its own takes that"


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
        last = _Reader(connection, is_wanted).read()
        for _ in range(TRIES):
            before, last = last, _Reader(connection, is_wanted).read()
            if before == last:
                return last
    finally:
        connection.execute(text(READ_AS_BEFORE), session)
    raise CommandError(MOVING)


def disabled(statement: str) -> str:
    """Return a statement; if it creates an event, so that this does not run by itself."""
    if not EVENT.match(statement):
        return statement
    return replaced(ENABLED, " DISABLE", statement)


def delimited(statement: str) -> str:
    """Return a statement between lines that let the client end it at another word.

    Arguments:
        statement: the statement, with a semicolon at its end.
    """
    told = statement.removesuffix(";")
    if ";" not in told:
        return statement
    end = ";;"
    while end in told:
        end += ";"
    return f"DELIMITER {end}\n{told}\n{end}\nDELIMITER ;"


class _Reader:
    """Reads a database once."""

    def __init__(self, connection: Connection, is_wanted: IsWanted) -> None:
        self.connection = connection
        self.is_wanted = is_wanted
        told = connection.execute(text("SELECT DATABASE(), CURRENT_USER()")).one()
        self.database, self.account = map(str, told)
        self.definers: set[str] = set()
        self.dump = Dump(begin=BEGIN, end=END)

    def read(self) -> Dump:
        """Return what is there."""
        listed = {name: kind for name, kind in self.connection.exec_driver_sql(TABLES)}
        for name, kind in listed.items():
            if kind == "SEQUENCE" and self.is_wanted(None, name):
                self.table(kind, name)
        for name, kind in listed.items():
            if kind not in ("SEQUENCE", "VIEW") and self.is_wanted(None, name):
                self.table("TABLE", name)
        for kind, name in self.connection.execute(ROUTINES):
            self.body(kind, name)
        first = len(self.dump.entries)
        for name, kind in listed.items():
            if kind == "VIEW":
                self.view(name)
        self.dump.entries[first:] = _in_order(self.dump.entries[first:])
        for kind, name, table in self.connection.execute(TRIGGERS):
            if self.is_wanted(None, table):
                self.body(kind, name)
        for kind, name in self.connection.execute(EVENTS):
            self.body(kind, name)
        self.dump.left_out += self.surroundings()
        return self.dump

    def table(self, kind: str, name: str) -> None:
        """Read a table or a sequence."""
        told = self.shown(kind, name)
        if told is None:
            return
        sql = told[1]
        if found(ELSEWHERE, sql):
            self.leave_out(kind, name, WITH_ADDRESS)
            return
        for other in sorted({*found(FOREIGN, sql)}):
            into = other.removeprefix("REFERENCES ").removesuffix(".")
            what = f"foreign key of table {name} into {into}"
            self.dump.left_out.append(LeftOut(what, OTHER_DATABASE))
        self.add(
            kind, name, replaced(COUNTER, "", without_database(self.database, sql))
        )

    def view(self, name: str) -> None:
        """Read a view. The server itself leaves the database out where it names tables."""
        if told := self.shown("VIEW", name):
            sql, collation = told[1], told[3]
            sql = without_database(self.database, self.without_definer(sql))
            self.add("VIEW", name, sql, collation=f"'{collation}'")

    def body(self, kind: str, name: str) -> None:
        """Read what has a body: a text that the server keeps as it was written."""
        told = self.shown(kind, name)
        if told is None:
            return
        mode, zone = told[1], UTC
        if kind == "EVENT":
            zone, sql, _, collation = told[2:6]
            zone = f"'{zone}'"
        else:
            sql, _, collation = told[2:5]
        if sql is None:
            self.leave_out(kind, name, NO_BODY)
            return
        own = re.escape(self.database)
        if re.search(rf"""(?i)(?<![\w`"$])[`"]?{own}[`"]?\s*\.""", sql):
            self.leave_out(kind, name, NAMES_DATABASE)
            return
        sql = self.without_definer(sql)
        self.add(kind, name, sql, f"'{mode}'", f"'{collation}'", zone)

    def shown(self, kind: str, name: str) -> Sequence[Any] | None:
        """Return what SHOW CREATE says, or None if that was refused, which is noted."""
        statement = f"SHOW CREATE {kind} {quoted(name)}"
        plain = {"no_parameters": True}
        try:
            return self.connection.exec_driver_sql(statement, None, plain).one()
        except DBAPIError as error:
            if error.connection_invalidated or error.orig is None:
                raise
            code, *_, why = error.orig.args
            self.leave_out(kind, name, NO_BODY if code in DENIED else str(why))
            return None

    def add(
        self,
        kind: str,
        name: str,
        sql: str,
        mode: str = f"'{MODE}'",
        collation: str = OWN,
        zone: str = UTC,
    ) -> None:
        """Note a statement, and in which session it has to run."""
        settings = SETTINGS.format(mode, collation, zone)
        self.dump.entries.append(Entry(kind.lower(), name, sql, (settings,)))

    def leave_out(self, kind: str, name: str, why: str) -> None:
        """Note what is not in the dump."""
        self.dump.left_out.append(LeftOut(f"{kind.lower()} {name}", why))

    def without_definer(self, sql: str) -> str:
        """Return a statement without the account that has run it first."""
        if told := DEFINER.match(sql):
            self.definers.add(re.sub(r'[`"]', "", told[2]))
        return DEFINER.sub(r"\1", sql)

    def surroundings(self) -> Iterator[LeftOut]:
        """Yield what is there and in no statement, or can't be seen."""
        if others := self.definers - {self.account}:
            yield LeftOut(f"definers ({', '.join(sorted(others))})", DEFINERS)
        own, usual = self.connection.execute(COLLATION).one()
        if own != usual:
            why = NOT_DEFAULT.format(usual)
            yield LeftOut(f"default collation of the database, {own}", why)
        for kind, needed in RIGHTS.items():
            if not needed & self.rights():
                yield LeftOut(kind, NOT_SEEN)

    def rights(self) -> set[str]:
        """Return the rights that the account has on the whole database."""
        rights: set[str] = set()
        for line in self.connection.exec_driver_sql(GRANTS).scalars():
            told = GRANT.match(line)
            if told and (told[2] == "*" or self.is_meant(told[2][1:-1])):
                rights.update(told[1].upper().split(", "))
        if "ALL PRIVILEGES" in rights or "ALL" in rights:
            rights.update(*RIGHTS.values())
        return rights

    def is_meant(self, pattern: str) -> bool:
        """Return whether a name in a grant, in which _ and % are wildcards, is of this one."""
        like = text("SELECT DATABASE() LIKE :pattern")
        pattern = pattern.replace("``", "`")
        return bool(self.connection.scalar(like, {"pattern": pattern}))


def _in_order(views: list[Entry]) -> list[Entry]:
    """Return views, each behind those that it names.

    A column may have the name of a view, too. Then one is too early, at worst, and waits.
    """
    waiting = {view.name: view for view in views}
    ordered: list[Entry] = []

    def take(view: Entry) -> None:
        for name in re.findall(r"`(?:[^`]|``)*`", view.sql):
            if other := waiting.pop(name[1:-1].replace("``", "`"), None):
                take(other)
        ordered.append(view)

    while waiting:
        take(waiting.pop(next(iter(waiting))))
    return ordered
