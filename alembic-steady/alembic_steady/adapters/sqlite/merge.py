"""A table that Alembic rebuilds keeps what SQLAlchemy does not see of it.

SQLAlchemy reads neither checks without a name as such, nor collations, conflict clauses and
many actions of foreign keys; some defaults it reads wrong. So three statements are compared:
the stored one, the one that Alembic would write if it only renamed, and the one that it
writes. Where the last two say the same, the stored one holds.
"""

from __future__ import annotations

import re
import sqlite3
import warnings
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from typing import NamedTuple

from alembic_steady.adapters.description import Description, Key, Part
from alembic_steady.adapters.sqlite.creation import quote, statement
from alembic_steady.adapters.sqlite.describe import describe_table, tokens

LIST = re.compile(r"\S+ in \(.*\)", re.DOTALL)
"""What checks of SQLAlchemy's own types are like."""
GOES = (
    "Unnamed CHECK constraint of table {} goes with the type of its column: {}; to keep it,"
    " pass it to batch_alter_table in table_args"
)


class Checks(NamedTuple):
    """What a revision says of checks without a name.

    Attributes:
        are_told: whether it has a list of them.
        columns: the names of the columns that get a type with a check of its own.
    """

    are_told: bool = False
    columns: frozenset[str] = frozenset()


def merged(name: str, stored: str, unchanged: str, changed: str, checks: Checks) -> str:
    """Return the statement that creates the table anew.

    Arguments:
        name: the name of the table.
        stored: the statement that has created it, with columns renamed.
        unchanged: what Alembic would write if it only renamed columns.
        changed: what Alembic writes, with the name that the new table has at first.
        checks: what the revision says of checks without a name.
    """
    old, same, new = (describe_table(name, sql) for sql in (stored, unchanged, changed))
    merge = _Merge(old, same, new, checks)
    for check in merge.gone():
        warnings.warn(GOES.format(name, " ".join(check.split())), stacklevel=2)
    table = Key(None, name, "table")
    options, definition = merge.stored[table].text, changed
    if merge.unchanged[table].text == merge.changed[table].text:
        was, now = (tokens(sql)[2] for sql in (stored, changed))  # CREATE TABLE name
        definition = f"{stored[: was.start]}{now.raw}{stored[was.end :]}"
    part = Part(options, definition, name)
    return statement(table, {table: part, **merge.columns(), **merge.constraints()})


def renamed(sql: str, names: Mapping[str, str]) -> str:
    """Return a statement that creates a table, with other names of columns.

    Arguments:
        sql: the statement.
        names: the new name of each renamed column.
    """
    table = quote(tokens(sql)[2].name)
    # It may need functions that only the application has.
    with suppress(sqlite3.Error), closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(sql)
        # Two columns may swap their names.
        between = {old: f"_alembic_tmp_{number}" for number, old in enumerate(names)}
        then = {between[old]: new for old, new in names.items()}
        for old, new in [*between.items(), *then.items()]:
            columns = f"{quote(old)} TO {quote(new)}"
            connection.execute(f"ALTER TABLE {table} RENAME COLUMN {columns}")
        query = "SELECT sql FROM sqlite_master WHERE type = 'table'"
        return str(connection.execute(query).fetchone()[0])
    return sql


class _Merge:
    """The three descriptions of one table."""

    def __init__(
        self,
        stored: Mapping[Key, Part],
        unchanged: Mapping[Key, Part],
        changed: Mapping[Key, Part],
        checks: Checks,
    ) -> None:
        self.stored = stored
        self.unchanged = unchanged
        self.changed = changed
        self.checks = checks

    def columns(self) -> Description:
        """Return the columns and their aspects, in the order of the new table."""
        found: Description = {}
        for key in [key for key in self.changed if _is_column(key)]:
            for it in dict.fromkeys([*self.changed, *self.stored]):
                if it._replace(aspect="") == key and (part := self.aspect(it)):
                    found[it] = part
        return found

    def aspect(self, key: Key) -> Part | None:
        """Return an aspect of a column of the new table, or None without it."""
        if self.is_alike(key) and key._replace(aspect="") in self.stored:
            if key.aspect == "autoincrement" and not self.keeps_key():
                return None
            return self.stored.get(key)
        return self.changed.get(key)

    def is_alike(self, key: Key) -> bool:
        """Return whether Alembic does not change a part."""
        old, new = self.unchanged.get(key), self.changed.get(key)
        return (old and old.text) == (new and new.text)

    def keeps_key(self) -> bool:
        """Return whether the primary key is the stored one."""
        kept = self.constraints()
        return all(key in kept for key in self.stored if key.kind == "primary key")

    def constraints(self) -> Description:
        """Return the constraints."""
        found: Description = {}
        for key, part in self.stored.items():
            if key.kind not in ("table", "column") and self.keeps(key, part):
                found |= self.named(key, part)
        for key, part in self.changed.items():
            is_stored = key in self.stored or _has_twin(key, part, self.stored)
            is_kept = is_stored and self.is_alike(key)
            if key.kind not in ("table", "column") and not is_kept:
                found[key] = part
        return found

    def keeps(self, key: Key, part: Part) -> bool:
        """Return whether a stored constraint stays as it is."""
        if key in self.unchanged:
            return self.is_alike(key)
        table = Key(None, key.table, "column")
        columns = [table._replace(name=name) for name in part.columns]
        if not all(column in self.changed for column in columns):
            return False
        if key.kind == "check" and not part.name:  # Alembic leaves all of them out.
            return not (self.checks.are_told or self.is_of_type(part, columns))
        is_seen = _has_twin(key, part, self.unchanged)
        return not is_seen or _has_twin(key, part, self.changed)

    def is_of_type(self, check: Part, columns: Sequence[Key]) -> bool:
        """Return whether a check may be that of a type which a column no longer has."""
        if len(columns) != 1 or not LIST.fullmatch(check.text):
            return False
        if not self.checks.columns.isdisjoint(check.columns):
            return True
        return not self.is_alike(columns[0]._replace(aspect="type"))

    def gone(self) -> list[str]:
        """Return the checks that go with a type, and that no other one takes the place of."""
        return [
            part.definition
            for key, part in self.stored.items()
            if key.kind == "check"
            and not (part.name or self.checks.are_told or key in self.unchanged)
            and all(
                key._replace(kind="column", name=it) in self.changed
                for it in part.columns
            )
            and not self.keeps(key, part)
            and self.checks.columns.isdisjoint(part.columns)
        ]

    def named(self, key: Key, part: Part) -> Description:
        """Return a constraint with the name that a convention gives to it, if one does."""
        names = [
            it.name
            for other, it in self.changed.items()
            if (other.kind, it.columns) == (key.kind, part.columns)
            and it.name
            and other in self.unchanged
        ]
        if part.name or key in self.changed or len(names) != 1 or key.kind == "check":
            return {key: part}
        definition = f"CONSTRAINT {quote(names[0])} {part.definition}"
        named = part._replace(name=names[0], definition=definition)
        return {key._replace(name=names[0]): named}


def _is_column(key: Key) -> bool:
    return key.kind == "column" and not key.aspect


def _has_twin(key: Key, part: Part, others: Mapping[Key, Part]) -> bool:
    """Return whether there is a constraint of the same kind on the same columns."""
    return any(
        other.kind == key.kind and {*it.columns} == {*part.columns}
        for other, it in others.items()
    )
