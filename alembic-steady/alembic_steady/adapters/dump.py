"""Dumps: the statements that build all that a database has, as the database writes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from alembic.util import CommandError

IsWanted = Callable[[str | None, str], bool]
"""Tells whether a table is to be dumped, by its schema (None: the default one) and name."""


class DumpUnavailable(CommandError):
    """A database can't be dumped, for lack of a program; the message says why."""


class Entry(NamedTuple):
    """One statement of a dump.

    Attributes:
        kind: what it creates: "table", "view", "function", …; "setting" for a statement that
            only says how those behind it are read.
        name: the name of that, for people to read; with its schema, unless it is the default.
        sql: the statement, without a semicolon at its end.
    """

    kind: str
    name: str
    sql: str


class LeftOut(NamedTuple):
    """Something that is in a database but not in its dump.

    Attributes:
        what: what it is, such as "view app.report" or "grants".
        why: why it is left out, in the middle of a sentence.
    """

    what: str
    why: str

    def __str__(self) -> str:
        """Return it as a line for people to read."""
        return f"{self.what}: {self.why}"


@dataclass
class Dump:
    """What `Adapter.dump` has read from a database.

    Attributes:
        entries: the statements, in an order in which an empty database accepts them.
        left_out: what they do not build.
    """

    entries: list[Entry] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
