"""What autogenerate leaves out of a revision, or writes in an order that fails."""

from typing import Any

from alembic.operations import ops


def complete(migration: Any, script: Any) -> None:
    """Change what autogenerate has found before it is written.

    Arguments:
        migration: the context in which models and revisions were compared.
        script: the operations of the revision, for both directions.
    """
{% include "complete.py" %}
    # Indexes go with their table; before, a foreign key may need them.
    for changes in (upgrade, downgrade):
        gone = {op.table_name for op in changes.ops if isinstance(op, ops.DropTableOp)}
        for op in changes.ops:
            if isinstance(op, ops.ModifyTableOps) and op.table_name in gone:
                op.ops.clear()
