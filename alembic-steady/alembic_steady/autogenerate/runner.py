"""Runs single operations on the scratch database, as a revision would: as rendered text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import sqlalchemy
from alembic import context, op
from alembic.autogenerate import render_python_code
from alembic.operations import Operations, ops
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Dialect

IMPORTS = "from sqlalchemy.dialects import mysql, postgresql, sqlite"
FUNCTION = "def run():\n    {}\n"


class Runner:
    """Renders operations and runs the text.

    An operation that works as an object may still fail as it is written in a revision.

    Attributes:
        is_batch: whether a change of a table is rendered as one that may rebuild it.
    """

    def __init__(self, migration: Any, options: Mapping[str, Any], types: Any) -> None:
        """Prepare to run operations.

        Arguments:
            migration: the context to run them in.
            options: the options of `context.configure`.
            types: the renderer of types, which collects what they need to import.
        """
        self._migration = migration
        self._types = types
        names = "sqlalchemy_module_prefix", "alembic_module_prefix", "render_as_batch"
        self._options = {name: options[name] for name in names if name in options}
        self.is_batch = bool(options.get("render_as_batch"))
        self._plain = MigrationContext.configure(
            dialect=without_driver(migration.dialect)
        )
        self._options["user_module_prefix"] = options.get("user_module_prefix")
        self._names = self._template_names()
        for prefix, module in (
            (options.get("sqlalchemy_module_prefix", "sa."), sqlalchemy),
            (options.get("alembic_module_prefix", "op."), op),
        ):
            self._names[prefix.rstrip(".")] = module

    def run(self, steps: Sequence[ops.MigrateOperation]) -> None:
        """Run operations on the database; whatever they raise is raised."""
        # What has to be outside of a transaction is run inside, which leads to the same.
        plain = [getattr(step, "plain", step) for step in steps]
        code = render_python_code(
            ops.UpgradeOps(plain),
            render_item=self._types,
            migration_context=self._plain,
            **self._options,
        )
        names = dict(self._names)
        for line in self._types.imports:
            exec(line, names)  # noqa: S102  These are imports that a revision would have.
        exec(FUNCTION.format(code), names)  # noqa: S102  So would it have this text.
        with Operations.context(self._migration):
            names["run"]()

    def _template_names(self) -> dict[str, Any]:
        names: dict[str, Any] = {}
        exec(IMPORTS, names)  # noqa: S102
        template = Path(context.script.dir, "script.py.mako")
        for line in template.read_text("utf-8").splitlines():
            if line.startswith(("import ", "from ")):
                with suppress(Exception):
                    exec(line, names)  # noqa: S102
        return names


def without_driver(dialect: Any) -> Dialect:
    """Return a dialect in which a % is written once, as in a revision.

    A driver needs it doubled.
    """
    plain: Dialect = type(dialect)(paramstyle="named")
    plain.default_schema_name = dialect.default_schema_name
    return plain
