"""Enums of PostgreSQL: made, changed and dropped by what autogenerate writes."""

from __future__ import annotations

import pytest
from harness import Project, Service

from tests.revisions import AS_BUILT, CLEAN, DRIFT, NOTE, begin_upgrade

pytestmark = pytest.mark.parametrize("service", ["psycopg2-wheel"], indirect=True)

MOOD = '''\
class Mood(enum.Enum):
    """How somebody feels."""

    CALM = "calm"
    GLAD = "glad"


class User('''
COLUMN = (
    '    mood: Mapped[Mood] = mapped_column(sa.Enum(Mood), server_default="CALM")\n'
)


def add_mood(project: Project) -> None:
    """Give users an enum column."""
    models = project.models
    text = models.read_text().replace(
        "import sqlalchemy", "import enum\n\nimport sqlalchemy"
    )
    models.write_text(text.replace("class User(", MOOD) + COLUMN)


def types(service: Service) -> list[str]:
    """Return the names of the enums in the database."""
    assert service.server
    query = "SELECT typname FROM pg_type WHERE typtype = 'e'"
    return [name for (name,) in service.server.query(query, service.database)]


def test_a_first_revision_without_a_server_makes_enums(service: Service) -> None:
    project = service.project
    url = project.environment["DATABASE_URL"]
    project.environment["DATABASE_URL"] = "postgresql://u:p@192.0.2.1/none"
    for revision in project.revisions():
        revision.unlink()
    add_mood(project)
    project.revise("Initial revision")
    project.environment["DATABASE_URL"] = url
    assert project.run("alembic", "check") == NOTE + CLEAN
    assert "CREATE TYPE mood" in project.run("alembic", "upgrade", "head", "--sql")
    service.create()
    for direction, target in (("upgrade", "head"), ("downgrade", "base")) * 2:
        project.run("alembic", direction, target)
        assert types(service) == (["mood"] if target == "head" else [])


def test_a_value_is_added_and_used_by_the_next_revision(
    service: Service, is_short: bool
) -> None:
    project = service.project
    service.create()
    project.run("alembic", "upgrade", "head")
    add_mood(project)
    project.revise("Add mood")
    models = project.models
    glad = '    GLAD = "glad"\n'
    models.write_text(models.read_text().replace(glad, f'{glad}    SAD = "sad"\n'))
    assert "enum mood is" in project.run("alembic", "check", code=255)
    project.revise("Add sad")
    *_, added = project.revisions()
    assert "ALTER TYPE mood ADD VALUE 'SAD'" in added.read_text()
    project.run("alembic", "revision", "-m", "Use it")
    *_, used = project.revisions()
    statement = """INSERT INTO "user" (mood) VALUES ('SAD')"""
    use = f'    op.execute("""{statement}""")\n'
    begin_upgrade(used, use)
    used.write_text(used.read_text().replace(f"{use}    pass\n", use))
    # Both are in one run, on the scratch database and on the real one.
    assert project.run("alembic", "check") == NOTE + CLEAN
    project.run("alembic", "upgrade", "head")
    assert service.rows("user") == [(1, "SAD")]
    assert project.run(*DRIFT).endswith(AS_BUILT)
    service.execute('DELETE FROM "user"')
    for direction, target in (("downgrade", "base"), ("upgrade", "head")):
        project.run("alembic", direction, target)
        assert types(service) == (["mood"] if target == "head" else [])
    project.check_files(is_short=is_short)
