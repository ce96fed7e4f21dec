"""Writes constraints and indexes, in SQLAlchemy's words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Table

from alembic_steady.adapters.description import Key, Part
from alembic_steady.adopt.calls import call, listed, text
from alembic_steady.adopt.conventions import Convention
from alembic_steady.adopt.definitions import actions, deferrable, elements, enclosed
from alembic_steady.adopt.source import LEFT_OUT, Source, place_of

ON_INDEX = re.compile(
    r"(?is)\s*CREATE\s+(UNIQUE\s+)?INDEX\s.*?\sON\s+(?:ONLY\s+)?.*?(?:USING\s+(\w+)\s*)?\("
)
EXCLUDE = re.compile(r"(?is)\bEXCLUDE\s+(?:USING\s+(\w+)\s*)?\(")


class Constraints:
    """Writes the constraints and indexes of tables."""

    def __init__(self, source: Source, convention: Convention) -> None:
        """Write those of some tables, for models with a naming convention."""
        self._source = source
        self._convention = convention

    def written(self, table: Table) -> Iterator[str]:
        """Yield the constraints and indexes of a table that no column has."""
        writers = {
            "primary key": self._primary_key,
            "unique constraint": self._unique,
            "foreign key": self._foreign_key,
            "check": self._check,
            "exclusion constraint": self._exclusion,
            "index": self._index,
        }
        self._taken: set[str] = set()
        for key, part in self._source.parts[place_of(table)]:
            if key.kind in writers and (told := writers[key.kind](table, key, part)):
                yield told

    def _primary_key(self, table: Table, _key: Key, part: Part) -> str:
        columns = part.columns or tuple(it.name for it in table.primary_key.columns)
        in_order = columns == tuple(it.name for it in table.primary_key.columns)
        if not part.name or part.name == "PRIMARY":
            return "" if in_order else f"sa.PrimaryKeyConstraint({listed(columns)})"
        plain = self._convention.name(table, sa.PrimaryKeyConstraint, columns)
        if in_order and plain == part.name:
            return ""
        return f"sa.PrimaryKeyConstraint({listed(columns)}, name={part.name!r})"

    def _unique(self, table: Table, key: Key, part: Part) -> str:
        found = next(
            (
                it
                for it in table.constraints
                if isinstance(it, sa.UniqueConstraint)
                and (it.name == part.name if part.name else True)
                and tuple(column.name for column in it.columns) == part.columns
            ),
            None,
        )
        named = self._name(table, sa.UniqueConstraint, part)
        options = dict(found.dialect_kwargs) if found is not None else {}
        if "NULLS NOT DISTINCT" in part.definition.upper():
            options[f"{self._source.dialect.name}_nulls_not_distinct"] = True
        named |= {name: repr(value) for name, value in options.items() if value}
        named |= deferrable(part.definition)
        return call("sa.UniqueConstraint", map(repr, part.columns), named)

    def _check(self, table: Table, key: Key, part: Part) -> str:
        if self._source.levels[key] >= LEFT_OUT:
            return ""
        behind = re.split(r"(?i)\bCHECK\b", part.definition, maxsplit=1)[-1].strip()
        expression, _rest = enclosed(behind)
        is_made = self._convention.makes_checks
        if part.name:
            name = f"conv({part.name!r})" if is_made else repr(part.name)
        elif is_made:
            name = repr(self._free("_".join(part.columns) or "check"))
        else:
            name = ""
        if name.startswith("conv("):
            self._source.imports.add("from sqlalchemy.schema import conv")
        return call(
            "sa.CheckConstraint", [text(expression)], {"name": name} if name else {}
        )

    def _exclusion(self, table: Table, key: Key, part: Part) -> str:
        found = EXCLUDE.search(part.definition)
        if found is None or self._source.levels[key]:
            return ""
        inside, rest = enclosed(part.definition[found.end() - 1 :])
        told = [it.rpartition(" WITH ") for it in elements(inside)]
        pairs = [f"({self._element(table, what)}, {op!r})" for what, _, op in told]
        named = {"name": repr(part.name)}
        if found[1]:
            named["using"] = repr(found[1])
        if where := re.search(r"(?is)\bWHERE\b\s*(\(.*)", rest):
            condition, rest = enclosed(where[1])
            named["where"] = f"sa.text({text(condition)})"
        self._source.imports.add("from sqlalchemy.dialects import postgresql")
        options = named | deferrable(rest)
        return call("postgresql.ExcludeConstraint", pairs, options)

    def _element(self, table: Table, told: str) -> str:
        """Write an element of an index or an exclusion constraint, a column if it is one."""
        quote = self._source.dialect.identifier_preparer.quote
        for column in table.columns:
            if told == quote(column.name):
                return repr(column.name)
        return f"sa.text({text(told)})"

    def _free(self, name: str) -> str:
        number, found = 1, name
        while found in self._taken:
            number += 1
            found = f"{name}_{number}"
        self._taken.add(found)
        return found

    def _foreign_key(self, table: Table, _key: Key, part: Part) -> str:
        targets = self._targets(table, part)
        if self._is_inline(table, part) or not targets:
            return ""
        named = self._name(table, sa.ForeignKeyConstraint, part, targets)
        named |= actions(part.definition)
        columns = f"[{listed(part.columns)}]"
        return call("sa.ForeignKeyConstraint", [columns, f"[{listed(targets)}]"], named)

    def _is_inline(self, table: Table, part: Part) -> bool:
        """Return whether a foreign key is written with its only column."""
        others = [
            it
            for key, it in self._source.parts[place_of(table)]
            if key.kind == "foreign key" and it.columns == part.columns
        ]
        return len(part.columns) == 1 and len(others) == 1

    def foreign_keys_of(self, column: Any) -> Iterator[str]:
        """Yield the foreign keys that are written with their only column."""
        for key, part in self._source.parts[place_of(column.table)]:
            is_own = key.kind == "foreign key" and part.columns == (column.name,)
            targets = self._targets(column.table, part) if is_own else []
            if targets and self._is_inline(column.table, part):
                kind = sa.ForeignKeyConstraint
                named = self._name(column.table, kind, part, targets)
                named |= actions(part.definition)
                yield call("sa.ForeignKey", map(repr, targets), named)

    def _targets(self, table: Table, part: Part) -> list[str]:
        """Return the columns that a foreign key refers to, or none if they have no model."""
        for constraint in table.foreign_key_constraints:
            columns = tuple(it.parent.name for it in constraint.elements)
            targets = [it.target_fullname for it in constraint.elements]
            schema, name = part.target
            start = f"{schema}.{name}." if schema else f"{name}."
            if columns == part.columns and all(it.startswith(start) for it in targets):
                return targets
        return []

    def is_indexed(self, column: Any) -> bool:
        """Return whether a column has an index that is named as the convention says."""
        for key, part in self._source.parts[place_of(column.table)]:
            if key.kind == "index" and part.columns == (column.name,):
                index = self._reflected(column.table, part.name)
                if index is not None and self._is_plain(column.table, index, key):
                    return True
        return False

    def _is_plain(self, table: Table, index: Any, key: Key) -> bool:
        options = [value for value in dict(index.dialect_kwargs).values() if value]
        columns = [it for it in index.expressions if isinstance(it, sa.Column)]
        if self._source.levels[key] or index.unique or options or len(columns) != 1:
            return False
        if len([*index.expressions]) != 1:
            return False
        name = self._convention.name(table, sa.Index, [columns[0].name])
        return bool(name == index.name)

    def _reflected(self, table: Table, name: str) -> Any:
        return next((it for it in table.indexes if it.name == name), None)

    def _index(self, table: Table, key: Key, part: Part) -> str:
        if self._source.levels[key] >= LEFT_OUT:
            return ""
        index = self._reflected(table, part.name)
        if index is not None and self._is_plain(table, index, key):
            return ""
        is_simple = index is not None and all(
            isinstance(it, sa.Column) for it in index.expressions
        )
        if self._source.levels[key] or not is_simple:
            return self._index_as_told(table, part)
        columns = [repr(it.name) for it in index.expressions]
        named = {"unique": "True"} if index.unique else {}
        for name, value in index.dialect_kwargs.items():
            if value:
                is_text = isinstance(value, sa.TextClause)
                named[name] = f"sa.text({text(str(value))})" if is_text else repr(value)
        return call("sa.Index", [repr(part.name), *columns], named)

    def _index_as_told(self, table: Table, part: Part) -> str:
        """Write an index of which each element is the text of the database."""
        found = ON_INDEX.match(part.definition)
        if found is None:
            return ""
        inside, rest = enclosed(part.definition[found.end() - 1 :])
        told = [self._element(table, it) for it in elements(inside)]
        named = {"unique": "True"} if found[1] else {}
        name = self._source.dialect.name
        if found[2] and found[2] != "btree":
            named[f"{name}_using"] = repr(found[2])
        if include := re.search(r"(?i)\bINCLUDE\s*\((.*?)\)", rest):
            names = [self._element(table, it) for it in elements(include[1])]
            named[f"{name}_include"] = f"[{', '.join(names)}]"
        if re.search(r"(?i)\bNULLS NOT DISTINCT\b", rest):
            named[f"{name}_nulls_not_distinct"] = "True"
        if where := re.search(r"(?is)\bWHERE\b\s*(.*)", rest):
            named[f"{name}_where"] = f"sa.text({text(where[1])})"
        return call("sa.Index", [repr(part.name), *told], named)

    def _name(
        self, table: Table, kind: Any, part: Part, targets: Sequence[str] = ()
    ) -> dict[str, str]:
        """Return the name to write for a constraint, if the convention gives another."""
        name = self._convention.name(table, kind, part.columns, targets)
        return {"name": repr(part.name)} if part.name and name != part.name else {}
