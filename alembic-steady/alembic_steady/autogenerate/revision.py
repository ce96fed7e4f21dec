"""The hook that completes and reviews a new revision before it is written."""

from __future__ import annotations

from typing import Any

from alembic import context

from alembic_steady import private
from alembic_steady.autogenerate import checks, renames, server_defaults
from alembic_steady.settings import Settings

COMPARES_CHECKS = "alembic.ext.checkconstraint_byname"


def configure_options(settings: Settings) -> dict[str, Any]:
    """Return the options of `context.configure` for commands that compare models."""
    server_defaults.register()
    own = settings.options
    return {
        "autogenerate_plugins": [
            *own.get("autogenerate_plugins", ["alembic.autogenerate.*"]),
            COMPARES_CHECKS,
            server_defaults.PLUGIN,
            *settings.adapter.plugins(),
        ],
        "compare_server_default": own.get("compare_server_default", True),
        "process_revision_directives": _Review(settings),
    }


class _Review:
    """The `process_revision_directives` hook, called with the operations found."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __call__(self, migration: Any, revision: Any, directives: list[Any]) -> None:
        """Complete the operations, ask about renames, and warn of data loss."""
        adapter = self._settings.adapter
        adapter.complete(migration, directives[0])
        if not private.is_check():
            renames.settle(migration, directives[0], self._settings)
        if own := self._settings.options.get("process_revision_directives"):
            own(migration, revision, directives)
        for script in directives:
            checks.review(script.upgrade_ops, self._settings.tables)
        _write_percent_once(migration.dialect)
        is_empty = all(script.upgrade_ops.is_empty() for script in directives)
        if is_empty and not private.is_check():  # `check` looks at them itself
            directives.clear()
            context.config.print_stdout(
                "No changes in the models, so no revision was written."
            )


def _write_percent_once(dialect: Any) -> None:
    # A % is doubled for the driver only; a revision has to contain it once.
    plain = type(dialect)(paramstyle="named")
    dialect.identifier_preparer = dialect.preparer(plain)
