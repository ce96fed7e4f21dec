"""The names that the naming convention of the models gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import MetaData, Table


class Convention:
    """A naming convention, asked without the models."""

    def __init__(self, convention: Mapping[str, Any]) -> None:
        """Take `MetaData.naming_convention`."""
        self._convention = convention
        self._known: dict[Any, str | None] = {}
        self._copies: dict[Table, Table] = {}

    @property
    def makes_checks(self) -> bool:
        """Whether the name of a check becomes a part of another one."""
        return "%(constraint_name)" in str(self._convention.get("ck", ""))

    def name(
        self,
        table: Table,
        kind: Any,
        columns: Sequence[str],
        targets: Sequence[str] = (),
    ) -> str | None:
        """Return the name that the models' convention gives to a constraint or index.

        Arguments:
            table: the table.
            kind: the class of what is named.
            columns: the names of its columns.
            targets: what a foreign key refers to.
        """
        told = table, kind, *columns, *targets
        if told not in self._known:
            copy = self._copy(table)
            item: Any
            if kind is sa.Index:
                item = sa.Index(None, *(copy.columns[it] for it in columns))
            else:
                item = kind([*columns], targets) if targets else kind(*columns)
                copy.append_constraint(item)
            self._known[told] = None if item.name is None else str(item.name)
        return self._known[told]

    def _copy(self, table: Table) -> Table:
        """Return a table of the same name and columns whose metadata has the convention."""
        if table not in self._copies:
            metadata = MetaData(naming_convention=dict(self._convention))
            columns = [sa.Column(it.name, sa.types.NULLTYPE) for it in table.columns]
            copy = Table(table.name, metadata, *columns, schema=table.schema)
            self._copies[table] = copy
        return self._copies[table]
