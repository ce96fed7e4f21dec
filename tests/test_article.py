"""The how-to article's steps, as it prints them, in each kind of repository."""

from __future__ import annotations

import pytest

from tests.conftest import ANSWERS, Service
from tests.revisions import (
    TABLES_AT_BASE,
    TABLES_AT_FIRST,
    TABLES_AT_SECOND,
    operations,
)

# Each kind of repository, and each server of PostgreSQL once.
each_kind = pytest.mark.parametrize(
    "service",
    ["psycopg-wheel" if kind == "psycopg" else kind for kind in ANSWERS],
    indirect=True,
)


@each_kind
def test_each_step_of_the_article(service: Service) -> None:
    project = service.project
    project.run("steady", "create")
    (first,) = project.revisions()
    assert operations(first, "upgrade") == ["op.create_table"]
    assert operations(first, "downgrade") == ["op.drop_table"]

    # The first revision is there already, so there is nothing left to write.
    command = ["alembic", "revision", "--autogenerate", "-m", "First revision"]
    assert (
        project.run(*command)
        == "No changes in the models, so no revision was written.\n"
    )
    assert project.revisions() == [first]

    project.run("alembic", "upgrade", "+1")
    assert service.schema() == TABLES_AT_FIRST
    project.run("alembic", "upgrade", "head")
    assert service.schema() == TABLES_AT_FIRST

    project.add_username()
    command = ["alembic", "revision", "--autogenerate", "-m", "Add username for user"]
    project.run(*command)
    _, second = project.revisions()
    assert operations(second, "upgrade") == [
        "op.add_column",
        *service.batch,
        "op.create_index",
    ]
    assert operations(second, "downgrade") == [
        *service.batch,
        "op.drop_column",
        "op.drop_index",
    ]
    project.run("alembic", "upgrade", "+1")
    assert service.schema() == TABLES_AT_SECOND
    project.run("alembic", "downgrade", "-1")
    assert service.schema() == TABLES_AT_FIRST
    project.run("alembic", "upgrade", "head")
    assert service.schema() == TABLES_AT_SECOND
    project.run("alembic", "downgrade", "base")
    assert service.schema() == TABLES_AT_BASE


FROM_PYTHON = """
from alembic import command
from alembic.config import Config

config = Config("alembic.ini")
command.upgrade(config, "+1")
command.upgrade(config, "head")
assert not command.revision(config, "Nothing", autogenerate=True)
command.check(config)
with open("app/models.py", "a") as models:
    models.write("    username = sa.Column(STRING, index=True)\\n")
"""
FROM_PYTHON_AGAIN = """
from alembic import command
from alembic.config import Config

config = Config("alembic.ini")
assert command.revision(config, "Add username for user", autogenerate=True)
command.upgrade(config, "+1")
command.downgrade(config, "-1")
command.downgrade(config, "base")
"""


@pytest.mark.full
def test_the_same_from_python(service: Service) -> None:
    """In a kind of each family: migrations never run on what makes the others differ."""
    project = service.project
    project.run("steady", "create")
    project.run("python", "-c", FROM_PYTHON.replace("STRING", project.string))
    assert service.schema() == TABLES_AT_FIRST
    project.run("python", "-c", FROM_PYTHON_AGAIN)
    assert len(project.revisions()) == 2
    assert service.schema() == TABLES_AT_BASE
    project.run("alembic", "upgrade", "head")
    assert service.schema() == TABLES_AT_SECOND
