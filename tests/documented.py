"""The revision with a concurrent index that docs/migrations.md shows."""

from __future__ import annotations

import re
from pathlib import Path

from tests.conftest import TEMPLATE
from tests.projects import AnyProject, AnyService


def documented() -> tuple[str, str]:
    """Return the import and the functions of the revision that the page shows."""
    page = (TEMPLATE / "docs" / "migrations.md").read_text()
    blocks = re.findall(r"```python\n(.+?)```", page, re.DOTALL)
    (block,) = [block for block in blocks if "import create_index" in block]
    line, _, functions = block.partition("\n\n\n")
    return f"{line}\n", functions


def add_column(project: AnyProject, service: AnyService) -> None:
    """Give the table a column to index, and make it."""
    project.add_to_models("    username = sa.Column(sa.String)\n")
    (revision,) = project.revisions()
    key = 'sa.PrimaryKeyConstraint("id"'
    text = revision.read_text()
    assert key in text
    column = f'sa.Column("username", sa.String(), nullable=True),\n        {key}'
    revision.write_text(text.replace(key, column))
    service.create()
    project.run("alembic", "upgrade", "head")


def index_it(project: AnyProject, *, unique: bool = False) -> Path:
    """Index the column in a revision, with the words that the page says to change."""
    models = project.models
    column = f"sa.Column(sa.String, index=True, unique={unique})"
    models.write_text(models.read_text().replace("sa.Column(sa.String)", column))
    project.revise("Index username")
    *_, revision = project.revisions()
    line, _ = documented()
    text = revision.read_text()
    assert text.count("op.create_index(") == text.count("op.drop_index(") == 1
    text = re.sub(r"\bop\.(create|drop)_index", r"\1_index", text)
    text = text.replace("from alembic import op\n", f"from alembic import op\n{line}")
    revision.write_text(text)
    return revision


def document(revision: Path) -> None:
    """Put the functions that the page shows in place of a revision's own."""
    line, functions = documented()
    head, _, _ = revision.read_text().partition("def upgrade()")
    assert line in head
    revision.write_text(head + functions)
