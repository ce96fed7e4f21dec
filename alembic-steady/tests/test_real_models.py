"""A shop of nearly thirty tables on each family of databases: no loss, and no noise."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from harness import Project, Service

from tests.revisions import AS_BUILT, CLEAN, NOTE, TABLES_AT_BASE, operations

MODELS = Path(__file__).resolve().parent / "real_models"
NO_CHANGES = "No changes in the models, so no revision was written.\n"
VIEW = """\
    select = "SELECT account_id, count(*) AS messages FROM message GROUP BY account_id"
    op.execute(f"CREATE VIEW inbox AS {select}")
"""


@pytest.fixture
def shop(service: Service) -> Service:
    """Give a service the models, before its first revision."""
    project = service.project
    for revision in project.revisions():
        revision.unlink()
    family = service.family
    for source, target in (("shared", "shared"), (family, "models")):
        shutil.copy(MODELS / f"{source}.py", project.path / "app" / f"{target}.py")
    return service


def add_view(project: Project) -> None:
    """Write the revision that makes the view."""
    project.run("alembic", "revision", "-m", "Add view")
    *_, revision = project.revisions()
    text = revision.read_text().replace("    pass\n", VIEW, 1)
    revision.write_text(
        text.replace("    pass\n", '    op.execute("DROP VIEW inbox")\n')
    )


def change_check(service: Service) -> None:
    """Let autogenerate take one check for another."""
    models = service.project.path / "app" / "shared.py"
    before = 'CheckConstraint("amount >= 0", name="not_negative")'
    after = 'CheckConstraint("amount > -5", name="hardly_negative")'
    text = models.read_text()
    assert before in text
    models.write_text(text.replace(before, after))
    service.project.revise("Change check")
    *_, revision = service.project.revisions()
    made = ["op.create_check_constraint", "op.drop_constraint"]
    assert operations(revision, "upgrade") == sorted([*service.batch, *made])


def left(service: Service) -> set[str]:
    """Return the enums of PostgreSQL that are in the database; its schemas are kept."""
    if service.family != "postgresql":
        return set()
    assert service.server
    query = "SELECT typname FROM pg_type WHERE typtype = 'e'"
    return {name for (name,) in service.server.query(query, service.database)}


@pytest.mark.parametrize(
    "service",
    [
        "psycopg-wheel",
        pytest.param("sqlite", marks=pytest.mark.full),
        pytest.param("pymysql", marks=pytest.mark.full),
    ],
    indirect=True,
)
def test_a_shop_is_built_as_the_models_say(shop: Service, is_short: bool) -> None:
    project = shop.project
    output = project.revise("Shop")
    (first,) = project.revisions()
    text = first.read_text()
    assert text.count("op.create_table(") >= 25
    assert "%%" not in text
    change_check(shop)
    add_view(project)
    shop.create()
    output += project.run("alembic", "upgrade", "head")
    output += project.run("alembic", "downgrade", "base")
    assert left(shop) == set()
    output += project.run("alembic", "upgrade", "head")
    assert project.run("alembic", "check") == NOTE + CLEAN
    assert shop.drift(0) == [AS_BUILT.strip()]
    output += project.run("alembic", "downgrade", "base")
    assert shop.schema() == TABLES_AT_BASE
    assert left(shop) == set()
    assert project.revise("Again") == NO_CHANGES
    assert "Warning" not in output
    project.check_files(is_short=is_short)
