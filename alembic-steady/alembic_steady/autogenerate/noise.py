"""Noise: what Alembic would propose although the database describes both sides alike.

Alembic is told by its public ways: `compare_type`, `include_object`, and a plugin that
compares a column's nullability, default and comment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from alembic.operations import ops
from alembic.runtime.plugins import Plugin
from alembic.util import DispatchPriority, PriorityDispatchResult
from sqlalchemy import Column, Computed, Identity

from alembic_steady.adapters.description import Key
from alembic_steady.autogenerate.comment import Comment
from alembic_steady.autogenerate.ruler import Ruler, difference
from alembic_steady.autogenerate.unmodelled import KINDS

PLUGIN = "alembic_steady.noise"
FILTER = "alembic_steady_filter"
"""The name of the option of `context.configure` in which the plugin finds the filter."""


def options(
    ruler: Ruler, own: Mapping[str, Any], include: Callable[..., bool]
) -> dict[str, Any]:
    """Return options of `context.configure` that let Alembic propose real changes only.

    Arguments:
        ruler: the two descriptions that are compared.
        own: the options of the project, whose own comparisons are asked, too.
        include: the `include_object` that is asked, too.
    """
    _register()
    filter_ = Filter(ruler, own)
    return {
        "compare_type": filter_.compare_type,
        "include_object": lambda *it: include(*it) and filter_.is_changed(*it),
        FILTER: filter_,
    }


@cache
def _register() -> None:
    plugin = Plugin(PLUGIN)
    for aspect, compare in {
        "nullable": Filter.compare_nullable,
        "server_default": Filter.compare_default,
        "comments": Filter.compare_comment,
    }.items():
        plugin.add_autogenerate_comparator(
            _called(compare), "column", aspect, priority=DispatchPriority.FIRST
        )
    plugin.add_autogenerate_comparator(
        _compare_table_comment, "table", "comments", priority=DispatchPriority.FIRST
    )
    plugin.add_autogenerate_comparator(
        _finish, "schema", "finish", priority=DispatchPriority.LAST
    )


def strip(script: Any) -> None:
    """Remove what was added to the operations for the eyes of `check` and of tests.

    Arguments:
        script: the operations of a revision, for both directions.
    """
    for changes in (script.upgrade_ops, script.downgrade_ops):
        changes.ops = [step for step in changes.ops if not isinstance(step, Comment)]


def _finish(
    context: Any, upgrade: ops.UpgradeOps, _schemas: object
) -> PriorityDispatchResult:
    """Remove operations on tables that are alike; say what no operation has been found for.

    Alembic calls this after all comparisons.
    """
    filter_: Filter | None = context.opts.get(FILTER)
    if filter_ is not None:
        filter_.finish(upgrade)
    return PriorityDispatchResult.CONTINUE


def _called(compare: Callable[..., Any]) -> Callable[..., PriorityDispatchResult]:
    def call(context: Any, operation: Any, *compared: Any) -> PriorityDispatchResult:
        if (filter_ := context.opts.get(FILTER)) is None:
            return PriorityDispatchResult.CONTINUE
        if compare(filter_, context.migration_context, operation, *compared[-2:]):
            return PriorityDispatchResult.CONTINUE
        return PriorityDispatchResult.STOP

    return call


def _compare_table_comment(
    context: Any, _changes: Any, schema: str | None, table: str, *_tables: Any
) -> PriorityDispatchResult:
    filter_: Filter | None = context.opts.get(FILTER)
    if filter_ is not None and filter_.is_comment_alike(schema, table):
        return PriorityDispatchResult.STOP
    return PriorityDispatchResult.CONTINUE


class Filter:
    """What Alembic asks for each column, index and constraint."""

    def __init__(self, ruler: Ruler, own: Mapping[str, Any]) -> None:
        """Filter by two descriptions, and by the functions that the project passes."""
        self._ruler = ruler
        self._own = own

    def compare_type(
        self, migration: Any, old: Column[Any], new: Column[Any], *types: Any
    ) -> bool:
        """Return whether a column's type differs."""
        key = self._key(new, "type")
        if self._ruler.is_alike(key):
            return False
        theirs = self._own.get("compare_type")
        is_changed = theirs(migration, old, new, *types) if callable(theirs) else None
        if is_changed is False:
            self._ruler.ignored.add(key)
        return is_changed is not False

    def compare_nullable(
        self, _migration: Any, operation: Any, old: Column[Any], new: Column[Any]
    ) -> bool:
        """Return whether Alembic has to compare whether a column may be null."""
        operation.existing_nullable = old.nullable
        return not self._ruler.is_alike(self._key(new, "nullable"))

    def compare_comment(
        self, _migration: Any, operation: Any, old: Column[Any], new: Column[Any]
    ) -> bool:
        """Return whether Alembic has to compare a column's comment."""
        operation.existing_comment = old.comment or None
        return not self._ruler.is_alike(self._key(new, "comment"))

    def finish(self, upgrade: ops.UpgradeOps) -> None:
        """Remove operations on tables that are alike, and name differences without one."""
        ruler = self._ruler
        found = ruler.differences()
        changed = {(key.schema, key.table) for key in found}

        def is_noise(step: Any) -> bool:
            if type(step).__module__ != ops.__name__ or not hasattr(step, "table_name"):
                return False
            place = ruler.scope.schema(step.schema), step.table_name
            return place not in changed

        kept = [step for step in upgrade.ops if not is_noise(step)]
        upgrade.ops[:] = kept or [
            Comment([difference(key, ruler.revisions, ruler.models)]) for key in found
        ]

    def is_comment_alike(self, schema: str | None, table: str) -> bool:
        """Return whether a table's comments are the same."""
        return self._ruler.is_alike(
            Key(self._ruler.scope.schema(schema), table, "comment")
        )

    def compare_default(
        self, migration: Any, operation: Any, old: Column[Any], new: Column[Any]
    ) -> bool:
        """Change a column's default if it differs; Alembic has nothing left to compare."""
        operation.existing_server_default = old.server_default
        # MySQL and MariaDB have to be told again with each change of the column.
        if new.table.autoincrement_column is new:
            operation.kw["autoincrement"] = True
        elif isinstance(new.autoincrement, bool):
            operation.kw["autoincrement"] = new.autoincrement
        aspect = "default"
        if isinstance(new.server_default, Identity):
            aspect = "identity"
        elif isinstance(old.server_default, Computed | Identity):
            return False  # Alembic has no operation for it.
        key = self._key(new, aspect)
        if isinstance(new.server_default, Computed) or self._ruler.is_alike(key):
            return False
        if aspect == "default" and self._ignores_default(migration, old, new):
            self._ruler.ignored.add(key)
        else:
            operation.modify_server_default = new.server_default
        return False

    def is_changed(
        self, thing: Any, name: Any, kind: str, is_reflected: bool, other: Any
    ) -> bool:
        """Return whether an index or a constraint differs, and True for most else."""
        if kind == "table" and is_reflected and other is None:
            # Partitions are a part of their table.
            return self._key_of_table(thing, kind) in self._ruler.revisions
        if kind not in KINDS:
            return True
        if kind == "column":
            key = self._key_of_table(thing.table, kind)._replace(name=str(name))
            return not self._ruler.unmodelled.has(key)
        side = self._ruler.revisions if is_reflected else self._ruler.models
        if not self._ruler.is_alike(self._key_of_table(thing.table, "table")):
            return True  # The table is created or dropped, and the part with it.
        tables = [self._key_of_table(thing.table, it)[:3] for it in KINDS[kind]]
        columns = tuple(str(column.name) for column in thing.columns)
        found = [
            key
            for key, part in side.items()
            if key[:3] in tables
            and (
                str(name) == key.name
                if name is not None
                # The database has made up the name, so the columns have to do.
                else part.columns == columns and not self._ruler.scope.is_in_models(key)
            )
        ]
        # What is not there, the database does not keep.
        return not all(map(self._ruler.is_alike, found))

    def _ignores_default(self, migration: Any, old: Any, new: Any) -> bool:
        theirs = self._own.get("compare_server_default")
        if not callable(theirs):
            return False
        was, now = (
            getattr(getattr(it.server_default, "arg", None), "text", None)
            for it in (old, new)
        )
        return theirs(migration, old, new, was, new.server_default, now) is False

    def _key(self, column: Column[Any], aspect: str) -> Key:
        key = self._key_of_table(column.table, "column")
        return key._replace(name=str(column.name), aspect=aspect)

    def _key_of_table(self, table: Any, kind: str) -> Key:
        return Key(self._ruler.scope.schema(table.schema), str(table.name), kind)
