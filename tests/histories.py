"""Revisions that tests write by hand, and what is seen of a run of them."""

from __future__ import annotations

import re
from textwrap import indent

from tests.conftest import Project

REVISION = '''\
"""{message}"""

import sqlalchemy as sa
from alembic import op

revision = "{number:012d}"
down_revision = {before!r}


def upgrade() -> None:
{upgrade}

def downgrade() -> None:
{downgrade}
'''


def write_history(project: Project, *steps: str | tuple[str, str]) -> None:
    """Replace a project's revisions by others, called "Step 1" and so on.

    Arguments:
        project: the one whose revisions are replaced.
        steps: for each, the statements of `upgrade`, or those of both directions.
    """
    for revision in project.revisions():
        revision.unlink()
    for number, step in enumerate(steps, 1):
        upgrade, downgrade = step if isinstance(step, tuple) else (step, "pass")
        text = REVISION.format(
            message=f"Step {number}",
            number=number,
            before=revision_id(number - 1) if number > 1 else None,
            upgrade=indent(upgrade.strip(), "    ") + "\n",
            downgrade=indent(downgrade.strip(), "    ") + "\n",
        )
        folder = project.path / "migrations" / "versions"
        (folder / f"{revision_id(number)}_step.py").write_text(text)


def revision_id(number: int) -> str:
    """Return the identifier of a revision that `write_history` has written."""
    return f"{number:012d}"


def seconds(output: str) -> dict[str, float]:
    """Return how long each step took that an upgrade's output names."""
    found = re.findall(r"^  \d{12} (Step \d+) (\d+\.\d\d) s$", output, re.MULTILINE)
    return {step: float(time) for step, time in found}
