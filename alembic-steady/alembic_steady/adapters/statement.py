"""A statement in the words of the database, as an operation of a revision."""

from __future__ import annotations

import re

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops

# A colon that text() takes for a parameter, and a backslash that it takes off. SQLAlchemy 2.0
# takes a $ for a letter, too.
SPECIAL = re.compile(
    r"(?<![:\w\\]):(?=\w+(?![:\w])|[\w$]+(?![:\w$]))|\\(?=:\w*(?![:\w]))"
)
LINE = re.compile(r"(?s).{1,75}(?: |$)|.{1,75}")


class Statement(ops.ExecuteSQLOp):
    """An operation that runs a statement, in which nothing is a parameter."""

    def __init__(self, sql: str) -> None:
        """Keep the statement as `op.execute` takes it."""
        super().__init__(SPECIAL.sub(r"\\\g<0>", sql))


@renderers.dispatch_for(Statement)
def _render(context: AutogenContext, statement: Statement) -> str:
    """Write a statement on lines that are not too long."""
    prefix = context.opts["alembic_module_prefix"] or ""
    text = str(statement.sqltext)
    lines = LINE.findall(text)
    if len(lines) == 1:
        return f"{prefix}execute({text!r})"
    return "\n".join([f"{prefix}execute(", *(f"    {it!r}" for it in lines), ")"])
