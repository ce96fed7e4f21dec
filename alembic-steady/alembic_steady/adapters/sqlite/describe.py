"""What SQLite says of its tables: the statements that it has stored, cut into parts."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import chain, pairwise
from typing import NamedTuple

from sqlalchemy import Connection

from alembic_steady.adapters.description import Description, Key, Part

STORED = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL"
SHADOWS = "SELECT name FROM pragma_table_list WHERE type = 'shadow'"
LEFT_OUT = ("sqlite_", "_alembic_tmp_")
TOKEN = re.compile(
    r"""
    (?P<gap> \s+ | --[^\n]* | /\*.*?(?:\*/|\Z) )
    | (?P<string> [xX]?'(?:[^']|'')*' )
    | (?P<quoted> "(?:[^"]|"")*" | `(?:[^`]|``)*` | \[[^\]]*\] )
    | (?P<word> [\w$]+ )
    | (?P<sign> \|\| | ->>? | << | >> | <> | [<>=!]= | . )
    """,
    re.VERBOSE | re.DOTALL,
)
# The words that begin a constraint of a table and a clause of a column. SQLite reserves all of them but
# one, so that a column with such a name is quoted.
OF_TABLE = frozenset(["constraint", "primary", "unique", "check", "foreign"])
OF_COLUMN = frozenset(
    ["constraint", "primary", "not", "null", "unique", "check", "default", "collate"]
    + ["references", "generated", "as"]
)
# After these, a word of a clause does not begin another one.
GOES_ON = frozenset(["set", "not", "default", "always"])
CONSTRAINTS = {
    "primary": ("primary key", 2),
    "unique": ("unique constraint", 1),
    "foreign": ("foreign key", 2),
    "check": ("check", 1),
}
"""The kind of each constraint, and how many words it begins with."""


WHOLE_KEY = "\0"
"""What stands for the columns that a foreign key does not name."""


CLAUSES = ("on", "match", "not", "deferrable")
"""The words with which the clauses of a foreign key begin."""
NO_ACTION = ["no", "action"]


class Token(NamedTuple):
    """A word, name, string or sign of a statement.

    Attributes:
        raw: how it is written.
        word: the same in lower case; "" for a string and for a quoted name.
        name: the name that it stands for, without quotes; "" for a string and for a sign.
        start: where it begins in the statement.
        end: where it ends.
    """

    raw: str
    word: str
    name: str
    start: int
    end: int


def tokens(sql: str) -> list[Token]:
    """Cut a statement into tokens, without comments."""
    found = []
    for match in TOKEN.finditer(sql):
        raw, kind = match[0], match.lastgroup
        if kind == "gap":
            continue
        name = raw if kind == "word" else ""
        if kind == "quoted":
            name = raw[1:-1].replace(raw[-1] * 2, raw[-1])
        word = raw.lower() if kind in ("word", "sign") else ""
        found.append(Token(raw, word, name, *match.span()))
    return found


# What stands in a constraint of the table, but not in the same one of a column.
OPENING, CLOSING, FOREIGN, KEY = (
    token._replace(start=0, end=0) for token in tokens("( ) FOREIGN KEY")
)


def describe(connection: Connection) -> Description:
    """Return what SQLite says of all tables, their indexes, and all views.

    Names are spelt as in the statements; everything else is compared without their case,
    quotes, blanks and comments. Virtual tables have no columns here.

    Arguments:
        connection: the database to describe, which is only read.
    """
    rows = connection.exec_driver_sql(STORED).all()
    tables = [(name, sql) for kind, name, _, sql in rows if kind == "table"]
    hidden = _shadows(connection, tables)
    description: Description = {}
    for name, sql in tables:
        if not name.startswith(LEFT_OUT) and name not in hidden:
            description |= describe_table(name, sql)
    description = with_referred(description, description)
    columns = _column_names(description)
    for kind, name, table, sql in rows:
        owner = Key(None, table, "table")
        if kind == "view":
            key = Key(None, name, "view")
            description[key] = Part(_print(tokens(sql)[3:]), sql, name)
        elif kind == "index" and owner in description:
            key = Key(None, table, "index", name)
            description[key] = _index(name, sql, columns[table])
        elif kind == "trigger" and owner in description:
            part = description[owner]
            description[owner] = part._replace(attached=(*part.attached, sql))
    return description


def with_referred(parts: Mapping[Key, Part], known: Description) -> Description:
    """Name the columns that foreign keys refer to where they only name the table.

    Arguments:
        parts: what statements say, each of its own table.
        known: the tables that they refer to, with their primary keys.
    """
    keys = {
        key.table.lower(): ", ".join(map(_shown, part.columns))
        for key, part in known.items()
        if key.kind == "primary key"
    }
    found: Description = {}
    for key, part in parts.items():
        if key.kind == "foreign key" and WHOLE_KEY in part.text:
            columns = keys.get(part.target[1].lower(), "")
            columns = f" ({columns})" if columns else ""
            text = part.text.replace(f" {WHOLE_KEY}", columns)
            name = text if key.name == part.text else key.name
            found[key._replace(name=name)] = part._replace(text=text)
        else:
            found[key] = part
    return found


def _shadows(connection: Connection, tables: Iterable[tuple[str, str]]) -> set[str]:
    """Return the names of the tables in which virtual tables keep their data."""
    version = connection.dialect.server_version_info or ()
    if not any(is_virtual(sql) for _, sql in tables) or version < (3, 37):
        return set()
    return {*connection.exec_driver_sql(SHADOWS).scalars()}


def is_virtual(sql: str) -> bool:
    """Return whether a statement creates a virtual table, which can't be rebuilt."""
    return sql[:14].upper() == "CREATE VIRTUAL"


def _column_names(description: Description) -> Mapping[str, dict[str, str]]:
    """Return the names of each table's columns, by the same in lower case."""
    names: dict[str, dict[str, str]] = defaultdict(dict)
    for key in description:
        if key.kind == "column" and not key.aspect:
            names[key.table][key.name.lower()] = key.name
    return names


def _index(name: str, sql: str, names: Mapping[str, str]) -> Part:
    found = tokens(sql)
    # Behind CREATE INDEX name ON table.
    rest = found[[token.word for token in found].index("on") + 2 :]
    unique = "unique " if found[1].word == "unique" else ""
    columns = _columns(rest, names)
    return Part(unique + _print(rest, names), sql, name, columns)


# A statement says all of its table, and most stay the same while databases are compared.
@lru_cache(maxsize=10_000)
def describe_table(name: str, sql: str) -> Mapping[Key, Part]:
    """Describe a table, its columns and its constraints, by the statement that creates it."""
    key = Key(None, name, "table")
    found = tokens(sql)
    if is_virtual(sql):
        return {key: Part(_print([found[1], *found[4:]]), sql, name)}
    inside = enclosed(found)
    behind = found[found.index(inside[-1]) + 2 :]
    options = ", ".join(sorted(map(_print, _items(behind))))
    reader = _Reader(name, sql, inside)
    reader.take_as_not_null(bool(options))
    return {key: Part(options, sql, name), **reader.parts}


class _Reader:
    """Reads what stands between the parentheses of CREATE TABLE.

    Attributes:
        parts: the description of the columns and constraints.
    """

    def __init__(self, table: str, sql: str, inside: list[Token]) -> None:
        items = [(item, item[0].word in OF_TABLE) for item in _items(inside)]
        self.table, self.sql = table, sql
        columns = [_name(item[0]) for item, is_constraint in items if not is_constraint]
        self.names = {name.lower(): name for name in columns}
        self.parts: Description = {}
        constraints: list[tuple[str, Part]] = []
        for item, is_constraint in items:
            if is_constraint:
                clauses = _clauses(item, OF_TABLE)[1:]
            else:
                clauses = [_of_table(item[0], part) for part in self.column(item)]
            constraints += self.constraints(clauses)
        for kind, part in sorted(constraints):
            key = Key(None, table, kind, part.name or part.text)
            if key in self.parts:
                key = key._replace(name=part.text)  # SQLite lets two have one name.
            self.parts[key] = part

    def column(self, item: list[Token]) -> list[list[Token]]:
        """Describe a column, and return its clauses."""
        name = _name(item[0])
        key = Key(None, self.table, "column", name)
        kind, *clauses = _clauses(item[1:], OF_COLUMN)
        text = _print(kind).replace(" (", "(")
        self.parts[key] = Part("", self.raw(item), name, (name,))
        self.parts[key._replace(aspect="type")] = Part(text, self.raw(kind), name)
        self.parts[key._replace(aspect="nullable")] = Part("null", "", name)
        for clause in clauses:
            for aspect, said, shown in self.aspects(clause):
                used = _columns(said, self.names) if aspect == "computed" else ()
                part = Part(shown, self.raw(said), name, used)
                self.parts[key._replace(aspect=aspect)] = part
        return clauses

    def aspects(self, clause: list[Token]) -> Iterator[tuple[str, list[Token], str]]:
        """Yield the aspects of a column in a clause, each with its tokens and its text."""
        first, *rest = clause
        if first.word in ("not", "null"):
            yield "nullable", clause, _print(clause)
        elif first.word == "default":
            # There are no columns in it, but strings with the quotes of a name.
            yield "default", rest, _print(_unwrapped(rest), {})
        elif first.word == "collate":
            yield "collation", rest, _print(rest)
        elif first.word in ("generated", "as"):
            expression = _print(_unwrapped(enclosed(rest)), self.names)
            kept = rest[-1].word if rest[-1].word == "stored" else "virtual"
            yield "computed", clause, f"{expression} {kept}"

    def constraints(self, clauses: Iterable[list[Token]]) -> Iterator[tuple[str, Part]]:
        """Yield the kind and the part of each constraint, written as one of the table."""
        name, named = "", []
        for clause in clauses:
            if clause[0].word == "constraint":
                name, named = _name(clause[1]), clause
                continue
            if clause[0].word in CONSTRAINTS:
                kind, words = CONSTRAINTS[clause[0].word]
                if kind != "check":  # It has expressions, the others have names alone.
                    clause = [token._replace(name=_name(token)) for token in clause]
                columns = self.columns(clause)
                definition = self.definition([*named, *clause])
                target = (None, _target(clause))
                text = self.text(kind, clause[words:])
                yield kind, Part(text, definition, name, columns, target)
            name, named = "", []

    def text(self, kind: str, rest: list[Token]) -> str:
        """Return the text of a constraint of which the first words were taken off."""
        if kind == "check":
            return _print(_unwrapped(rest), self.names)
        if kind == "foreign key":
            rest = _in_order(rest)
        return _print(token for token in rest if token.word != "autoincrement")

    def columns(self, clause: list[Token]) -> tuple[str, ...]:
        """Return the names of the columns that a constraint covers."""
        columns = _columns(enclosed(clause), self.names)
        if any(token.word == "autoincrement" for token in clause):
            key = Key(None, self.table, "column", columns[0], "autoincrement")
            self.parts[key] = Part("autoincrement", "AUTOINCREMENT", columns[0])
        return columns

    def take_as_not_null(self, has_options: bool) -> None:
        """Describe a key's columns as NOT NULL where SQLite never stores NULL in them.

        Arguments:
            has_options: whether the table is WITHOUT ROWID or STRICT.
        """
        keys = [part for key, part in self.parts.items() if key.kind == "primary key"]
        for part in keys:
            columns = [Key(None, self.table, "column", name) for name in part.columns]
            types = [self.parts[key._replace(aspect="type")].text for key in columns]
            for key in columns if has_options or types == ["integer"] else []:
                aspect = key._replace(aspect="nullable")
                self.parts[aspect] = self.parts[aspect]._replace(text="not null")

    def definition(self, found: list[Token]) -> str:
        """Return how a constraint is written behind all columns."""
        text, end = "", 0
        for token in found:
            if token.word == "autoincrement":  # That is an aspect of the column.
                end = 0
                continue
            if text and token.start >= end > 0:
                text += self.sql[end : token.start]
            elif text and token.raw != ")" and not text.endswith("("):
                text += " "
            text += token.raw
            end = token.end
        return text

    def raw(self, found: list[Token]) -> str:
        """Return how tokens are written in the statement."""
        own = [token for token in found if token.end > token.start]
        return self.sql[own[0].start : own[-1].end] if own else ""


def enclosed(found: list[Token]) -> list[Token]:
    """Return what stands between the first parenthesis and the one that closes it."""
    outer = [place for place in _outer(found) if found[place].word in ("(", ")")]
    return found[outer[0] + 1 : outer[1]] if outer else []


def _outer(found: Iterable[Token]) -> Iterator[int]:
    """Yield the places of the tokens outside of parentheses, and of these themselves."""
    depth = 0
    for place, token in enumerate(found):
        depth -= token.word == ")"
        if depth == 0:
            yield place
        depth += token.word == "("


def _items(found: list[Token]) -> list[list[Token]]:
    """Cut tokens at the commas outside of parentheses."""
    commas = [place for place in _outer(found) if found[place].word == ","]
    places = pairwise([-1, *commas, len(found)])
    return [found[start + 1 : end] for start, end in places if end > start + 1]


def _clauses(found: list[Token], beginnings: frozenset[str]) -> list[list[Token]]:
    """Cut tokens before the words that begin a clause; the first has none of them."""
    places = [0]
    for place in _outer(found):
        before = found[place - 1].word if place else ""
        is_deferrable = [token.word for token in found[place + 1 :][:1]] == [
            "deferrable"
        ]
        if (
            found[place].word in beginnings
            and before not in GOES_ON
            and not is_deferrable
        ):
            places.append(place)
    return [found[start:end] for start, end in pairwise([*places, len(found)])]


def _of_table(column: Token, clause: list[Token]) -> list[Token]:
    """Write a constraint of a column as one of the table."""
    column = column._replace(start=0, end=0)
    word = clause[0].word
    if word == "primary":
        order = [token for token in clause[2:3] if token.word in ("asc", "desc")]
        rest = clause[2 + len(order) :]
        return [*clause[:2], OPENING, column, *order, CLOSING, *rest]
    if word == "unique":
        return [clause[0], OPENING, column, CLOSING, *clause[1:]]
    if word == "references":
        return [FOREIGN, KEY, OPENING, column, CLOSING, *clause]
    return clause


def _in_order(rest: list[Token]) -> list[Token]:
    """Write a foreign key, of which the first words were taken off, in one order."""
    words = [token.word for token in rest]
    place = words.index("references") + 2
    whole = tokens(WHOLE_KEY)
    if words[place : place + 1] == ["("]:
        place, whole = words.index(")", place) + 1, []
    behind = rest[place:]
    starts = [
        number
        for number, token in enumerate(behind)
        if token.word in ("on", "match", "not")
        or (token.word == "deferrable" and words[place + number - 1] != "not")
    ]
    clauses = [behind[start:end] for start, end in pairwise([*starts, len(behind)])]
    # What SQLite does anyway.
    said = [it for it in clauses if [token.word for token in it[2:]] != NO_ACTION]
    said.sort(key=lambda it: CLAUSES.index(it[0].word) * 10 + (it[1].word == "update"))
    return [*rest[:place], *whole, *chain.from_iterable(said)]


def _unwrapped(found: list[Token]) -> list[Token]:
    """Take off the parentheses around a whole expression."""
    while found and found[0].word == "(" and len(enclosed(found)) == len(found) - 2:
        found = found[1:-1]
    return found


def _name(token: Token) -> str:
    """Return a name, around which SQLite also accepts the quotes of a string."""
    return token.name or token.word or token.raw[1:-1].replace("''", "'")


def _columns(found: Iterable[Token], names: Mapping[str, str]) -> tuple[str, ...]:
    """Return the columns that are named, each once, spelt as where they are created."""
    written = (token.name.lower() for token in found)
    return tuple(dict.fromkeys(names[name] for name in written if name in names))


def _target(clause: list[Token]) -> str:
    """Return the table that a foreign key refers to, or ""."""
    words = [token.word for token in clause]
    if words[0] != "foreign":
        return ""
    return _name(clause[words.index("references") + 1])


def _shown(name: str) -> str:
    """Write a name in the one way in which it is compared."""
    lower = name.lower()
    return lower if re.fullmatch(r"[\w$]+", lower) else f'"{lower}"'


def _print(found: Iterable[Token], names: Mapping[str, str] | None = None) -> str:
    """Write tokens in the one way in which they are compared.

    Arguments:
        found: the tokens.
        names: the names that can stand in them, in lower case, if strings can, too: to
            SQLite a name in double quotes is a string unless there is such a column.
    """
    text = ""
    for token in found:
        shown = token.word or token.raw
        if token.name and not token.word:
            is_string = token.raw[0] == '"' and names is not None
            is_string = is_string and token.name.lower() not in (names or ())
            shown = token.raw if is_string else _shown(token.name)
        is_close = token.word in (",", ")", ".") or text.endswith(("(", "."))
        text += shown if is_close or not text else f" {shown}"
    return text
