"""What autogenerate leaves out of a revision, or writes in an order that fails."""

from typing import Any

from alembic.operations import ops
from sqlalchemy import inspect


def complete(migration: Any, script: Any) -> None:
    """Change what autogenerate has found before it is written.

    Arguments:
        migration: the context in which models and revisions were compared.
        script: the operations of the revision, for both directions.
    """
{% include "complete.py" %}
    there = {None, *inspect(migration.connection).get_schema_names()}
    models = migration.opts["target_metadata"].tables.values()
    for schema in {table.schema for table in models} - there:
        name = migration.dialect.identifier_preparer.quote(schema)
        upgrade.ops.insert(0, ops.ExecuteSQLOp(f"CREATE SCHEMA {name}"))
        downgrade.ops.append(ops.ExecuteSQLOp(f"DROP SCHEMA {name}"))
