"""The hook that completes and reviews a new revision before it is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alembic import context
from alembic.operations import ops
from sqlalchemy import URL

from alembic_steady import private
from alembic_steady.adapters.description import Key
from alembic_steady.autogenerate import concurrent_indexes, noise, renames, warnings
from alembic_steady.autogenerate.column_types import Renderer
from alembic_steady.autogenerate.comment import Comment, Nothing
from alembic_steady.autogenerate.completion import Completion
from alembic_steady.autogenerate.ruler import Ruler
from alembic_steady.autogenerate.runner import Runner, without_driver
from alembic_steady.settings import Settings

NO_CHANGES = "No changes in the models, so no revision was written."
NOT_WANTED = (
    "process_revision_directives has left nothing to write, so no revision was written."
)


class Review:
    """The `process_revision_directives` hook, called with the operations found.

    Attributes:
        number: how many revisions are going to be written.
        is_restored: whether the scratch database is as the revisions build it.
        unresolved: what has to be changed by hand.
    """

    def __init__(
        self,
        settings: Settings,
        options: dict[str, Any],
        ruler: Ruler | None,
        *,
        is_live: bool = False,
    ) -> None:
        """Prepare to review.

        Arguments:
            settings: the settings of the project.
            options: the options of `context.configure`, of the project and the library.
            ruler: what is compared; None if nothing is known of it.
            is_live: whether the database is a real one, on which nothing may be tried.
        """
        self._is_live = is_live
        self._settings = settings
        self._options = options
        self._ruler = ruler
        self.number = 0
        self.is_restored = True
        self.unresolved: set[Key] = set()
        self._renames: list[Any] = []

    def options(self) -> dict[str, Any]:
        """Return the options of `context.configure` that let Alembic call this."""
        name = self._settings.dialect_name
        dialect = URL.create(name).get_dialect()()
        self._types = Renderer(self._settings.adapter, self._settings.options, dialect)
        return {"render_item": self._types, "process_revision_directives": self}

    def __call__(self, migration: Any, revision: Any, directives: list[Any]) -> None:
        """Complete the operations, ask about renames, and warn of data loss."""
        script, ruler = directives[0], self._ruler
        self._prepare(migration, script)
        remarks = _remarks(directives)
        if ruler is not None:
            remarks += warnings.of_differences(ruler)
        if not private.is_check():
            if ruler is not None and not self._is_live:
                self._complete(migration, script, ruler)
            for changes in (script.upgrade_ops, script.downgrade_ops):
                concurrent_indexes.mark(changes.ops, lambda _step: False)
            concurrent_indexes.separate(directives)
        own = self._settings.options.get("process_revision_directives")
        had_any = not _are_empty(directives)
        if own:
            known = _remarks(directives)
            own(migration, revision, directives)
            remarks += [it for it in _remarks(directives) if it not in known]
        warnings.give(remarks, directives)
        _write_percent_once(migration.dialect)
        if not private.is_check():  # `check` looks at them itself
            self._end(directives, NOT_WANTED if own and had_any else NO_CHANGES)

    def _prepare(self, migration: Any, script: Any) -> None:
        """Remove noise, let renames be renames, and write types as the database has them."""
        adapter, ruler = self._settings.adapter, self._ruler
        warnings.refuse_without_models(self._settings.tables)
        if ruler is not None:
            self._types.types = ruler.types
        if not (private.is_check() or self._is_live):
            noise.strip(script)
        adapter.complete(migration, script)
        if ruler is None:
            adapter.add_what_tables_need(migration, script)
        if private.is_check():
            return
        self._renames = renames.settle(migration, script, self._settings, ruler)
        for changes in (script.upgrade_ops, script.downgrade_ops):
            self._types.replace(changes.ops)

    def _complete(self, migration: Any, script: Any, ruler: Ruler) -> None:
        if script.upgrade_ops.is_empty() and not ruler.differences():
            return
        runner = Runner(migration, self._options, self._types)
        completion = Completion(
            self._settings.adapter,
            ruler,
            runner,
            migration.connection,
            self._renames,
        )
        self.is_restored = completion.complete(script.upgrade_ops, script.downgrade_ops)
        self.unresolved = completion.unresolved

    def _end(self, directives: list[Any], why_none: str) -> None:
        if _are_empty(directives):
            directives.clear()
            context.config.print_stdout(why_none)
        self.number = len(directives)
        for script in directives:
            for changes in (script.upgrade_ops, script.downgrade_ops):
                if changes.ops and all(isinstance(it, Comment) for it in changes.ops):
                    changes.ops.append(Nothing())


def _remarks(directives: list[Any]) -> list[str]:
    return [
        remark
        for script in directives
        for remark in warnings.remarks(script.upgrade_ops.ops)
    ]


def _are_empty(directives: list[Any]) -> bool:
    return all(_is_empty(script.upgrade_ops.ops) for script in directives)


def _is_empty(steps: Sequence[ops.MigrateOperation]) -> bool:
    return all(isinstance(it, ops.OpContainer) and it.is_empty() for it in steps)


def _write_percent_once(dialect: Any) -> None:
    # A % is doubled for the driver only; a revision has to contain it once.
    dialect.identifier_preparer = dialect.preparer(without_driver(dialect))
