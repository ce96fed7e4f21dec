"""A comment in a revision, which is rendered between its operations."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops

WIDTH = 82


class Comment(ops.MigrateOperation):
    """An operation that does nothing and is rendered as lines of comment."""

    def __init__(self, remarks: Sequence[str]) -> None:
        """Keep the remarks, each of which begins on a new line."""
        self.lines = [line for remark in remarks for line in wrap(remark, WIDTH)]

    def reverse(self) -> Comment:
        """Return the same comment."""
        return self

    def to_diff_tuple(self) -> tuple[str, str]:
        """Return the comment as `alembic check` prints it."""
        return "differs", " ".join(self.lines)


class Nothing(ops.MigrateOperation):
    """An operation that is rendered as `pass`, which a function of comments needs."""

    def reverse(self) -> Nothing:
        """Return the same."""
        return self


@renderers.dispatch_for(Nothing)
def _render_nothing(_context: AutogenContext, _nothing: Nothing) -> str:
    return "pass"


@renderers.dispatch_for(Comment)
def _render(_context: AutogenContext, comment: Comment) -> list[str]:
    return [f"# {line}" for line in comment.lines]
