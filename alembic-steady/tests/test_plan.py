"""`steady plan`: what an upgrade would do, to a database or with what a branch adds."""

from __future__ import annotations

import re

import pytest
from branched import add, begin, branch, current, file, git, save, state, switch
from harness import PlainProject
from test_sync import insert

PLAN = ("steady", "plan")
SINCE = ("steady", "-x", "since=main", "plan")
KEY = "    id: Mapped[int] = mapped_column(primary_key=True)\n"
NOTE = {f"{KEY}\n\n# The": f"{KEY}    note: Mapped[str | None]\n\n\n# The"}


@pytest.mark.parametrize(
    "project",
    ["sqlite", "psycopg", pytest.param("pymysql", marks=pytest.mark.full)],
    indirect=True,
)
def test_the_plan_is_what_has_not_run(project: PlainProject) -> None:
    begin(project)
    (before,) = current(project)
    first = branch(project, "address", is_run=False)
    second = add(project, "phone")
    was = state(project)
    printed = project.run(*PLAN)
    assert state(project) == was
    place, *_ = printed.splitlines()
    assert place.endswith(f", at {before}")
    told = re.findall(
        r"(?m)^([0-9a-f]{12}) (.+)\n  ran in \d\.\d\d s on a scratch database$", printed
    )
    assert told == [(first, "Add address"), (second, "Add phone")]
    tables = re.findall(r"(?m)^  CREATE TABLE (\w+) \($", printed)
    assert tables == ["address", "phone"]
    project.run("alembic", "upgrade", "head")
    assert project.run(*PLAN).endswith("Nothing to do\n")


def test_what_is_dropped_is_told_with_its_rows(file_project: PlainProject) -> None:
    begin(file_project)
    branch(file_project, "address")
    insert(file_project, "address")
    file_project.models.write_text(
        file_project.models.read_text().partition("class Address")[0]
    )
    file_project.revise("Drop address", "-x", "allow-drop")
    assert "  Warning: drops table address (1 row)\n" in file_project.run(*PLAN)
    # A branch is not about rows of one database.
    assert "  Warning: drops table address\n" in file_project.run(
        "steady", "-x", "since=HEAD", "plan"
    )


def test_what_may_fail_or_change_values_is_told(file_project: PlainProject) -> None:
    begin(file_project)
    file_project.change_models(NOTE)
    file_project.revise("Add note")
    file_project.run("alembic", "upgrade", "head")
    file_project.change_models({"note: Mapped[str | None]": "note: Mapped[int]"})
    file_project.revise("Change note")
    printed = file_project.run(*PLAN)
    assert (
        "  Warning: column user.note becomes NOT NULL, which fails if a row has no value for"
        " it\n"
    ) in printed
    line = "  Warning: type of column user.note changes from varchar to integer\n"
    assert line in printed
    # Alembic can't print how a table is rebuilt, so this is what the scratch database ran.
    assert (
        "\n  -- as run on a scratch database\n  CREATE TABLE _alembic_tmp_" in printed
    )
    assert "INSERT INTO _alembic_tmp_" in printed and "PRAGMA" not in printed


def test_since_is_what_a_branch_adds(file_project: PlainProject) -> None:
    begin(file_project)
    assert file_project.run(*SINCE) == "Since main\nNothing to do\n"
    revision = branch(file_project, "address")
    # The trunk goes on, and the database is not asked.
    switch(file_project, "main")
    theirs = add(file_project, "phone")
    save(file_project, "Add phone")
    switch(file_project, "address")
    (file_project.path / "app.db").unlink()
    printed = file_project.run(*SINCE)
    assert re.findall(r"(?m)^([0-9a-f]{12}) ", printed) == [revision]
    assert theirs not in printed
    assert not (file_project.path / "app.db").exists()
    told = file_project.run("steady", "-x", "since=none", "plan", code=255)
    assert told.endswith(
        "git has no commit none: git fetch origin, or git fetch --unshallow\n"
    )


def test_a_revision_that_reads_rows_is_shown_as_it_runs(
    file_project: PlainProject,
) -> None:
    begin(file_project)
    revision = branch(file_project, "address", is_run=False)
    target = file(file_project, revision)
    added = """\
    rows = op.get_bind().execute(sa.text("SELECT 'it''s read'")).all()
    user = sa.table("user", sa.column("id"))
    op.execute(user.insert().values(id=len(rows)))
"""
    start = "def upgrade() -> None:\n"
    target.write_text(target.read_text().replace(start, start + added))
    printed = file_project.run(*PLAN)
    assert "  -- as run on a scratch database\n" in printed
    assert "  INSERT INTO user (id) VALUES (?);  -- with (1,)\n" in printed
    assert "  CREATE TABLE address (\n" in printed and "it''s read" not in printed
    (file_project.path / "pyproject.toml").write_text(
        f'[tool.alembic-steady]\nminimum_sql_revision = "{revision}"\n'
    )
    assert "  -- as run on a scratch database\n" in file_project.run(*PLAN)


@pytest.mark.parametrize("project", ["psycopg"], indirect=True)
def test_squawk_finds_something_in_these_revisions_alone(
    project: PlainProject,
) -> None:
    begin(project)
    for number, name in enumerate(("main", "address")):
        if number:
            git(project, "switch", "--quiet", "--create", name)
        column = f"    n{number}: Mapped[int | None] = mapped_column(index=True)\n"
        text = project.models.read_text()
        project.models.write_text(text.replace(KEY, f"{KEY}{column}", 1))
        project.revise(f"Index {number}")
        save(project, f"Index {number}")
    both = project.run("steady", "squawk", code=1)
    assert both.count("require-concurrent-index-creation") == 2
    printed = project.run(*SINCE, code=1)
    assert printed.count("require-concurrent-index-creation") == 1
    assert "index_1.sql" in printed and "Use alembic_steady.create_index." in printed
    (project.path / ".squawk.toml").write_text(
        'excluded_rules = ["require-concurrent-index-creation", "prefer-robust-stmts",'
        ' "require-lock-timeout", "require-statement-timeout", "ban-uncommitted-transaction",'
        ' "transaction-nesting", "prefer-bigint-over-int"]\n'
    )
    assert project.run(*SINCE).endswith("\n\nsquawk finds nothing in these revisions\n")


@pytest.mark.parametrize("project", ["psycopg"], indirect=True)
def test_a_plan_without_a_scratch_database_says_so(project: PlainProject) -> None:
    begin(project)
    revision = branch(project, "address", is_run=False)
    ini = project.path / "alembic.ini"
    # The same place, in words that only the resolver knows to be local.
    ini.write_text(ini.read_text().replace("@127.0.0.1:", "@127.1:"))
    printed = project.run(*PLAN)
    assert f"{revision} Add address\n  not tried: " in printed
    assert "is not on this machine, so no database is created there unasked" in printed
    assert "  CREATE TABLE address (" in printed
