"""What squawk says of a generated repository, in CI and by hand."""

from __future__ import annotations

import tomllib
from collections.abc import Callable

import pytest
import yaml

from tests.conftest import Project, Service
from tests.revisions import (
    ADD_USERNAME,
    INDEX,
    SQUAWK,
    accept,
    add_by_hand,
    findings,
    identifier,
)


@pytest.mark.parametrize("kind", ["psycopg2", "psycopg", "psycopg_async", "asyncpg"])
def test_a_fresh_project_passes(copied: Callable[[str], Project], kind: str) -> None:
    assert copied(kind).run(*SQUAWK) == ""


@pytest.fixture
def project(copied: Callable[[str], Project]) -> Project:
    """Return a project whose server is not there: squawk needs none."""
    project = copied("psycopg2")
    project.environment["DATABASE_URL"] = "postgresql+psycopg2://u:p@192.0.2.1/none"
    return project


LEFT_OUT = """\
op.create_table(
        "other",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("small", sa.SmallInteger),
        sa.Column("text", sa.String(20)),
        sa.Column("letters", sa.CHAR(3)),
        sa.Column("at", sa.DateTime),
    )
    op.execute("CREATE TYPE mood AS ENUM ('calm')")
    op.execute("ALTER TYPE mood ADD VALUE 'glad'")
    op.add_column("user", sa.Column("name", sa.String))"""


def test_what_is_left_out_would_be_reported_and_nothing_else(project: Project) -> None:
    """Each rule in the file has something to leave out here."""
    add_by_hand(project, LEFT_OUT)
    add_by_hand(project, "pass")
    assert project.run(*SQUAWK) == ""
    file = project.path / ".squawk.toml"
    excluded = tomllib.loads(file.read_text())["excluded_rules"]
    file.write_text("assume_in_transaction = true\n")
    reported = {rule for _, rule in findings(project.run(*SQUAWK, code=1))}
    assert reported == {*excluded}


@pytest.mark.full
@pytest.mark.parametrize("service", ["psycopg2-wheel"], indirect=True)
def test_ci_reports_the_articles_index_which_stops_nobody_before(
    service: Service,
) -> None:
    project = service.project
    service.create()
    project.add_username()
    project.run(*ADD_USERNAME)
    *_, second = project.revisions()
    project.run("alembic", "upgrade", "head")
    project.run_tests()
    workflow = yaml.safe_load((project.path / ".github/workflows/ci.yml").read_text())
    *_, step = workflow["jobs"]["check"]["steps"]
    # As a runner that has activated nothing, in the environment that is there.
    ci = ("bash", "-e", "-c", step["run"].replace("uv run", "uv run --no-sync"))
    output = project.run(*ci, code=1)
    assert findings(output) == [(identifier(second), INDEX)]
    accept(second, f"squawk-ignore {INDEX}: nobody uses the table yet")
    assert findings(project.run(*ci)) == []
    project.run("ruff", "format", "--check")
