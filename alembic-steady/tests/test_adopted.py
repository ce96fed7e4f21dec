"""Databases with an object of each kind are adopted, and nothing of them is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from adopted import rig
from harness import PlainProject
from test_adopt import ADOPT, BASE, family

from tests.conftest import TOOLS  # noqa: F401
from tests.revisions import CLEAN, NOTE

SCHEMAS = Path(__file__).resolve().parent / "adopted"
pytestmark = pytest.mark.full


@pytest.fixture
def filled(project: PlainProject) -> Iterator[PlainProject]:
    """Return a project without models, whose database has the objects of its kind."""
    project.models.write_text(BASE)
    if family(project) != "sqlite":
        project.run("steady", "create")
    text = (SCHEMAS / f"{family(project)}.sql").read_text()
    rig.load(sa.make_url(project.url), text)
    yield project


def test_a_changed_object_and_a_changed_row_are_seen(filled: PlainProject) -> None:
    url = sa.make_url(filled.url)
    objects, rows = rig.catalogue(url), rig.checksums(url)
    assert rig.catalogue(url) == objects and rig.checksums(url) == rows
    assert all(count for count, _ in rows.values() if "lines" not in rows), rows
    rig.load(
        url,
        "UPDATE numbered SET ticket = 1"
        if "post" in str(url)
        else "INSERT INTO log (line) VALUES ('second')",
    )
    changed = {it for it, value in rig.checksums(url).items() if value != rows[it]}
    assert len(changed) == 1 and rig.catalogue(url) == objects
    rig.load(url, "CREATE VIEW another AS SELECT 1 AS one")
    assert sum((rig.catalogue(url) - objects).values()) == 1


def test_the_baseline_builds_the_same_and_no_row_changes(filled: PlainProject) -> None:
    url = sa.make_url(filled.url)
    objects, rows = rig.catalogue(url), rig.checksums(url)
    printed = filled.run(*ADOPT)
    assert "Left out" not in printed, printed
    filled.run("alembic", "stamp", "head")
    filled.run("alembic", "current", "--check-heads")
    assert filled.run("alembic", "check") == NOTE + CLEAN
    assert "no drift" in filled.run("steady", "drift")
    assert rig.catalogue(url) == objects and rig.checksums(url) == rows
