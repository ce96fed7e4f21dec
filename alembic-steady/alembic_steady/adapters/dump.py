"""Dumps: the statements that build all that a database has, as the database writes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import NamedTuple

from alembic.util import CommandError

IsWanted = Callable[[str | None, str], bool]
"""Tells whether a table is to be dumped, by its schema (None: the default one) and name."""


NEEDED_BY_TABLES = frozenset(
    (
        *("aggregate", "cast", "collation", "conversion", "domain", "extension"),
        *("function", "operator", "procedure", "schema", "sequence", "text", "type"),
    )
)
"""The first words of kinds of statements without which no table may be created."""
OWNED = "sequence owned by"
"""The kind of a statement that gives a sequence to a column, with which it comes and goes."""


class DumpUnavailable(CommandError):
    """A database can't be dumped, for lack of a program; the message says why."""


class Entry(NamedTuple):
    """One statement of a dump.

    Attributes:
        kind: what it creates: "table", "view", "function", …
        name: the name of that, for people to read; with its schema, unless it is the default.
        sql: the statement, without a semicolon at its end.
        settings: statements that have to be run before, and hold until others are.
    """

    kind: str
    name: str
    sql: str
    settings: tuple[str, ...] = ()


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
        begin: statements to run before all others.
        end: statements to run at the end.
    """

    entries: list[Entry] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    begin: tuple[str, ...] = ()
    end: tuple[str, ...] = ()

    def without_tables(self) -> Dump:
        """Return what tables may need: types, functions, sequences that no table owns."""
        owned = {it.name for it in self.entries if it.kind == OWNED}
        kept = [
            it
            for it in self.entries
            if it.kind.split()[0] in NEEDED_BY_TABLES
            and not (it.kind.startswith("sequence") and it.name in owned)
        ]
        return replace(self, entries=kept, left_out=[])

    def statements(self) -> Iterator[str]:
        """Yield all statements, with settings where they change."""
        yield from self.begin
        settings: tuple[str, ...] = ()
        for entry in self.entries:
            if entry.settings != settings:
                yield from entry.settings
                settings = entry.settings
            yield entry.sql
        yield from self.end


Progress = Callable[[int, int], None]
"""Is told how many statements have run, and how many there are."""


def untold(_done: int, _total: int) -> None:
    """Be told how far it is, and do nothing."""


def run(
    dump: Dump, execute: Callable[[str], str], progress: Progress, at_once: int = 1
) -> list[LeftOut]:
    """Run a dump, bring it into the order in which that works, and return what is refused.

    A statement that was refused is tried again as long as others are accepted: one view may
    need another, and a function a table. What is refused for good is taken out of the dump.

    Arguments:
        dump: the dump.
        execute: runs a statement, or several with semicolons between them, all or none, and
            returns why that was refused, or "".
        progress: is told how far it is.
        at_once: how many statements `execute` takes.
    """
    for statement in dump.begin:
        execute(statement)
    done: list[Entry] = []
    waiting = [*dump.entries]
    while True:
        again, refused = [], []
        for settings, entries in groupby(waiting, lambda entry: entry.settings):
            for setting in settings:
                execute(setting)
            for entry, why in _tried([*entries], execute, at_once):
                if why:
                    again.append(entry)
                    refused.append(LeftOut(f"{entry.kind} {entry.name}", why))
                else:
                    done.append(entry)
                    progress(len(done), len(dump.entries))
        if not again or len(again) == len(waiting):
            break
        waiting = again
    for statement in dump.end:
        execute(statement)
    dump.entries = done
    return refused


def _tried(
    entries: list[Entry], execute: Callable[[str], str], at_once: int
) -> Iterator[tuple[Entry, str]]:
    """Run statements, and yield why each was refused, or "".

    Where several at once are refused, each half of them is tried by itself.
    """
    for start in range(0, len(entries), at_once):
        some = entries[start : start + at_once]
        # What ends in a comment would take a semicolon behind it for a part of that.
        why = execute("\n;\n".join(entry.sql for entry in some))
        if why and len(some) > 1:
            yield from _tried(some, execute, (len(some) + 1) // 2)
        else:
            yield from ((entry, why) for entry in some)
