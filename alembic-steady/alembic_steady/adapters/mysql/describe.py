"""What MySQL and MariaDB say of a database: the lines of SHOW CREATE TABLE."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, text

from alembic_steady.adapters.description import HIDDEN, Description, Key, Part

TABLES = text("""
    SELECT table_name, table_type FROM information_schema.tables
    WHERE table_schema = DATABASE()
""")
SHOWN = {
    "BASE TABLE": "TABLE",
    "SYSTEM VERSIONED": "TABLE",
    "VIEW": "VIEW",
    "SEQUENCE": "SEQUENCE",
}
"""How the server calls in SHOW CREATE what it lists with a type."""

STRING = r"'(?:[^'\\]|\\.|'')*'"
NAME = r'`(?:[^`]|``)*`|"(?:[^"]|"")*"'  # the latter with the mode ANSI_QUOTES
TOKEN = re.compile(rf"{STRING}|{NAME}|/\*.*?\*/|[\w.$]+|\S", re.DOTALL)
LONG = re.compile(r"(tiny|medium|long)?(text|blob)\b")
MADE_UP = re.compile(r"(.+_ibfk_)?\d+")
"""The names that the server gives to foreign keys without one."""

KINDS = {
    "PRIMARY KEY": "primary key",
    "UNIQUE KEY": "unique constraint",
    "FOREIGN KEY": "foreign key",
    "CHECK": "check",
}
ASPECTS = {
    "CHARACTER": "type",
    "COLLATE": "type",
    "NOT": "nullable",
    "NULL": "nullable",
    "DEFAULT": "default",
    "ON": "default",
    "GENERATED": "computed",
    "AUTO_INCREMENT": "autoincrement",
    "COMMENT": "comment",
    "CHECK": "check",
    "INVISIBLE": "options",
    "WITHOUT": "options",
}
"""The word with which each aspect of a column begins."""
IN_ORDER = (
    "type",
    "computed",
    "nullable",
    "default",
    "autoincrement",
    "options",
    "comment",
    "check",
)
"""The aspects of a column, as they follow each other in its line."""
NO_DEFAULT = "NONE"
"""The default of a column that may be null and has not even that as its default."""


class Unit(NamedTuple):
    """A token that is in no parentheses, or something in parentheses as a whole."""

    text: str
    start: int
    end: int


def units(sql: str) -> Iterator[Unit]:
    """Yield the units of SQL as the server prints it."""
    depth = start = 0
    for match in TOKEN.finditer(sql):
        if depth == 0:
            start = match.start()
        depth += (match[0] == "(") - (match[0] == ")")
        if depth == 0:
            yield Unit(sql[start : match.end()], start, match.end())


def names(sql: str) -> tuple[str, ...]:
    """Return the names in SQL, in their order."""
    found = (match[0] for match in TOKEN.finditer(sql))
    return tuple(_unquoted(token) for token in found if token[0] in '`"')


def referred(key: Part) -> tuple[str, ...]:
    """Return the columns that a foreign key refers to."""
    _, columns = (it.text for it in units(key.text) if it.text[0] == "(")
    return names(columns)


def is_made_for(index: Part, key: Part) -> bool:
    """Return whether an index is one that the server makes for a foreign key.

    A key needs an index that begins with its columns. If there is none, the server makes
    one, with the name of the key, or that of its first column if the key has no name. It
    drops that index again as soon as another will do, but one with the same name that a
    statement has made is kept; which of both it is cannot be read anywhere. So an index
    with that name that covers just the columns of the key is hidden: the key says that
    it, or another one, is there.
    """
    made = {key.name}
    if MADE_UP.fullmatch(key.name):
        made.add(key.columns[0])
    # Prefixes of columns, an order or a comment are never the server's idea.
    plain = "KEY ({})".format(",".join("x" * len(key.columns)))
    is_plain = re.sub(NAME, "x", index.text) == plain
    return index.name in made and index.columns == key.columns and is_plain


def describe(connection: Connection) -> Description:
    """Return what the server says of the tables, views and sequences of a database.

    The options of a table other than its comment are left out.

    Arguments:
        connection: the database, which is only read.
    """
    own = str(connection.scalar(text("SELECT DATABASE()")))
    found: Description = {}
    for name, listed in connection.execute(TABLES).all():
        if (kind := SHOWN.get(listed)) is None:
            continue
        quoted = connection.dialect.identifier_preparer.quote_identifier(name)
        shown = connection.exec_driver_sql(f"SHOW CREATE {kind} {quoted}").one()[1]
        if kind == "TABLE":
            found |= describe_table(name, shown, own)
        elif kind == "VIEW":
            key = Key(None, name, "view")
            found[key] = _view(shown, own)
        else:
            key = Key(None, "", "sequence", name)
            found[key] = _sequence(name, shown)
    return found


def describe_table(table: str, shown: str, own: str) -> Description:
    """Return what a statement says of a table.

    Arguments:
        table: the name of the table.
        shown: the statement that creates it, as the server prints it.
        own: the name of its database.
    """
    if f"`{own}`" in shown:
        shown = _without(own, shown)
    lines, end = _lines(shown)
    options = _options(shown[end:])
    # It is about the rows.
    counter = f" AUTO_INCREMENT={options.get('AUTO_INCREMENT')}"
    definition = shown[:end] + shown[end:].replace(counter, "", 1)
    found = {Key(None, table, "table"): Part("", definition)}
    if "COMMENT" in options:
        found[Key(None, table, "comment")] = Part(options["COMMENT"])
    for line in lines:
        found |= _column(table, line) if line[0] in '`"' else _part(table, line)
    keys = [part for key, part in found.items() if key.kind == "foreign key"]
    return {
        key._replace(kind=HIDDEN)
        if key.kind == "index" and any(is_made_for(part, it) for it in keys)
        else key: part
        for key, part in found.items()
    }


def _options(rest: str) -> dict[str, str]:
    """Return the options of a table, but those of its partitions."""
    told: dict[str, str] = {}
    found = [it.text for it in units(rest)]
    for option, sign, value in zip(found, found[1:], found[2:], strict=False):
        if sign == "=":
            told.setdefault(option, value)
    return told


def _without(own: str, sql: str) -> str:
    """Return SQL without the name of its database in front of names, as of sequences."""
    kept, end = "", 0
    found = [*TOKEN.finditer(sql)]
    for place, dot, _name in zip(found, found[1:], found[2:], strict=False):
        if dot[0] == "." and _unquoted(place[0]) == own and place[0][0] in '`"':
            kept += sql[end : place.start()]
            end = dot.end()
    return kept + sql[end:]


def _lines(shown: str) -> tuple[list[str], int]:
    """Return the lines between the parentheses of a statement, and where they end."""
    lines: list[str] = []
    depth = start = 0
    for match in TOKEN.finditer(shown):
        mark = match[0]
        if mark == "(":
            depth += 1
        if depth == 1 and mark in ("(", ",", ")"):
            if mark != "(":
                lines.append(shown[start : match.start()].strip())
            start = match.end()
        if mark == ")":
            depth -= 1
            if depth == 0:
                return lines, start
    raise ValueError(f"no table, but {shown}")


def _column(table: str, line: str) -> Description:
    name, *rest = units(line)
    aspect, previous = "type", ""
    told: dict[str, str] = {}
    for unit, end in zip(rest, [*(it.start for it in rest[1:]), None], strict=True):
        if unit.text.startswith("/*"):  # options that other versions do not know
            aspect = "options"
        elif (unit.text, previous) != ("NULL", "DEFAULT"):
            aspect = ASPECTS.get(unit.text, aspect)
        told[aspect] = told.get(aspect, "") + line[unit.start : end]
        previous = unit.text
    told = {aspect: sql.strip() for aspect, sql in told.items()}
    key = Key(None, table, "column", _unquoted(name.text))
    found = {key: Part("", line, key.name)}
    for aspect, sql in _amended(name.text, told).items():
        covered = names(sql) if aspect == "computed" else ()
        found[key._replace(aspect=aspect)] = Part(sql, columns=covered)
    return found


def column_line(column: Key, description: Description) -> str:
    """Return how a column is written, also if some of it is not from its own line.

    Arguments:
        column: the key of the column.
        description: what the table has to be like.
    """
    line = description[column].definition
    own, told = (
        {key.aspect: part.text for key, part in it.items() if key[:4] == column[:4]}
        for it in (description, _column(column.table, line))
    )
    if own == told:
        return line
    if "computed" in own and own["nullable"] == "NULL":
        del own["nullable"]  # It is not said of one.
    written = [
        own[aspect] for aspect in IN_ORDER if own.get(aspect, NO_DEFAULT) != NO_DEFAULT
    ]
    name = next(units(line)).text
    return " ".join([name, *written])


def _amended(name: str, told: dict[str, str]) -> dict[str, str]:
    """Return the aspects of a column with what is left unsaid."""
    # MariaDB's JSON is a text with this check.
    if told.get("check") == f"CHECK (json_valid({name}))":
        told["type"] += f" {told.pop('check')}"
    is_nullable = told.setdefault("nullable", "NULL") == "NULL"
    # Null is the default of a column that may be null; it is not printed of computed
    # columns, nor by MySQL of long texts. Elsewhere, there is no default then.
    default = told.get("default", "")
    if default.startswith("DEFAULT NULL"):
        told["default"] = default.removeprefix("DEFAULT NULL").strip()
    elif is_nullable and not (
        default or "computed" in told or LONG.match(told["type"])
    ):
        told["default"] = NO_DEFAULT
    return {aspect: sql for aspect, sql in told.items() if sql}


def _part(table: str, line: str) -> Description:
    """Return a constraint or an index."""
    told = [*units(line)]
    place = next(number for number, it in enumerate(told) if it.text[0] == "(")
    begin, rest = [it.text for it in told[:place]], told[place:]
    name = next((_unquoted(it) for it in begin if it[0] in '`"'), "")
    head = " ".join(it for it in begin if it[0] not in '`"' and it != "CONSTRAINT")
    kind = KINDS.get(head, "index" if head.endswith("KEY") else head.lower())
    sql = f"{head} {line[rest[0].start :]}"
    target = _target([it.text for it in rest]) if kind == "foreign key" else (None, "")
    # A primary key is always called the same, and has no name in a statement.
    key = Key(None, table, kind, name or "PRIMARY")
    return {key: Part(sql, line, name, names(rest[0].text), target)}


def _target(rest: list[str]) -> tuple[str | None, str]:
    place = rest.index("REFERENCES") + 1
    found = [_unquoted(it) for it in rest[place : place + 3] if it[0] in '`"']
    return (found[0], found[1]) if len(found) == 2 else (None, found[0])


def _view(shown: str, own: str) -> Part:
    told = [*units(shown)]
    place = [it.text for it in told].index("VIEW") + 1
    # Columns of a view that does not work any more have the database's name in front.
    full = rf"`{re.escape(own)}`\.(?=({NAME})\.)"
    select = re.sub(full, "", shown[told[place].end :]).strip()
    return Part(select, f"CREATE OR REPLACE VIEW {told[place].text} {select}")


def _sequence(name: str, shown: str) -> Part:
    told = [*units(shown)]
    engine = next((it.start for it in told if it.text == "ENGINE"), None)
    return Part(shown[told[2].end : engine].strip(), shown[:engine].strip(), name)


def _unquoted(name: str) -> str:
    return name[1:-1].replace(name[0] * 2, name[0])
