"""Revisions: what tests write and read of them, and what is printed about them."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from textwrap import indent

from tests.projects import AnyProject

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


def write_history(project: AnyProject, *steps: str | tuple[str, str]) -> None:
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


ADD_USERNAME = ("alembic", "revision", "--autogenerate", "-m", "Add username for user")
CLEAN = "No new upgrade operations detected.\n"
NOTE = """\
Compared the models with the revisions, not with the database. To check the database,
run alembic current --check-heads and steady drift.
"""
DRIFT = ("steady", "drift")
AS_BUILT = "no drift\n"
TABLES_AT_FIRST = {"alembic_version": {"version_num"}, "user": {"id"}}
TABLES_AT_SECOND = {"alembic_version": {"version_num"}, "user": {"id", "username"}}
TABLES_AT_BASE = {"alembic_version": {"version_num"}}


def operations(revision: Path, function: str) -> list[str]:
    """Return the operations of a revision's `upgrade` or `downgrade`, sorted."""
    tree = ast.parse(revision.read_text())
    (body,) = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name == function
    ]
    calls = (node for node in ast.walk(body) if isinstance(node, ast.Call))
    names = (
        f"{call.func.value.id}.{call.func.attr}"
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
    )
    return sorted(
        name.replace("batch_op.", "op.")
        for name in names
        if re.match(r"(batch_)?op\.(?!f$)", name)
    )


def begin_upgrade(revision: Path, statements: str) -> None:
    """Put statements at the beginning of a revision's `upgrade`."""
    head = "def upgrade() -> None:\n"
    revision.write_text(revision.read_text().replace(head, head + statements))


BY_HAND = """
import sqlalchemy as sa
from alembic import op

from alembic_steady import is_scratch

revision = "{revision}"
down_revision = {down!r}
branch_labels = None
depends_on = None


def upgrade() -> None:
{upgrade}

def downgrade() -> None:
    pass
"""


def identifier(revision: Path) -> str:
    """Return what a revision is called, which its file has after the date."""
    return revision.stem.partition("-")[2].partition("_")[0]


def add_revision(
    project: AnyProject, name: str, down: str | None, upgrade: str
) -> None:
    """Write a revision by hand.

    Arguments:
        project: where, with its first revision the oldest.
        name: its own name.
        down: the name of the one before it, None for the first revision.
        upgrade: the statements of its `upgrade`.
    """
    first = project.revisions()[0]
    down = down or identifier(first)
    text = BY_HAND.format(revision=name, down=down, upgrade=upgrade)
    first.with_name(f"{name}.py").write_text(text)


SQUAWK = ("steady", "squawk")
ACCEPT = "# squawk-ignore <rule>: <reason>"
INDEX = "require-concurrent-index-creation"


def add_by_hand(project: AnyProject, upgrade: str, *options: str) -> Path:
    """Add a revision by hand and return its file."""
    before = project.revisions()
    project.run("alembic", "revision", "-m", "By hand", *options)
    (added,) = {*project.revisions()} - {*before}
    text = added.read_text().replace("    pass\n", f"    {upgrade}\n", 1)
    added.write_text(text)
    return added


def accept(revision: Path, comment: str) -> None:
    """Put a comment at the beginning of a revision's `upgrade`."""
    begin_upgrade(revision, f"    # {comment}\n")


def findings(output: str) -> list[tuple[str, str]]:
    """Return the revisions that are reported, each with the rule, by files' names."""
    line = r"^\S+-([0-9a-f]{12})_\S*\.sql:\d+:\d+: \w+: (\S+)"
    return re.findall(line, output, re.MULTILINE)
