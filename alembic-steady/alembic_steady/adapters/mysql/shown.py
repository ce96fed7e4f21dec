"""Reads and changes what SHOW CREATE prints, past its strings and quoted names."""

from __future__ import annotations

import re

QUOTED = r"""'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`(?:[^`]|``)*`"""


def quoted(name: str) -> str:
    """Return a name as the server writes it; SQLAlchemy would double each %."""
    return "`" + name.replace("`", "``") + "`"


def replaced(pattern: str, replacement: str, sql: str) -> str:
    """Return a statement in which what matches is replaced, but in strings and names.

    Arguments:
        pattern: a regular expression without groups; a match may begin with a name.
        replacement: what to write instead.
        sql: the statement.
    """
    return re.sub(
        rf"(?s)({pattern})|{QUOTED}",
        lambda it: replacement if it[1] is not None else it[0],
        sql,
    )


def found(pattern: str, sql: str) -> list[str]:
    """Return what matches in a statement, but in strings and names; see `replaced`."""
    told = re.finditer(rf"(?s)({pattern})|{QUOTED}", sql)
    return [it[0] for it in told if it[1] is not None]


def without_database(database: str, sql: str) -> str:
    """Return a statement that names the database's own sequences and functions alone.

    The server itself leaves the database out where it names tables.
    """
    own = re.escape(quoted(database))
    sequence = rf"(?<=(?:next|last)val\(){own}\.|(?<=setval\(){own}\."
    function = rf"{own}\.(?=`(?:[^`]|``)*`\()"
    return replaced(f"{sequence}|{function}", "", sql)
