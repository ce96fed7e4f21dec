"""What squawk says of the revisions, in CI and by hand, and how a finding is accepted."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest
import yaml

from tests.conftest import BIN, Project, Service
from tests.test_service import ADD_USERNAME, begin_upgrade

SQUAWK = ("steady", "squawk")
ACCEPT = "# squawk-ignore <rule>: <reason>"
INDEX = "require-concurrent-index-creation"


@pytest.fixture
def project(copied: Callable[[str], Project]) -> Project:
    """Return a project whose server is not there: squawk needs none."""
    project = copied("psycopg2")
    project.environment["DATABASE_URL"] = "postgresql+psycopg2://u:p@192.0.2.1/none"
    return project


def revision(project: Project, upgrade: str, *options: str) -> Path:
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


def identifier(revision: Path) -> str:
    """Return what Alembic calls a revision."""
    (found,) = re.findall("-([0-9a-f]{12})_", revision.name)
    assert isinstance(found, str)
    return found


def findings(output: str) -> list[tuple[str, str]]:
    """Return the revisions that are reported, each with the rule, by files' names."""
    line = r"^\S+-([0-9a-f]{12})_\S*\.sql:\d+:\d+: \w+: (\S+)"
    return re.findall(line, output, re.MULTILINE)


@pytest.mark.parametrize("kind", ["psycopg2", "psycopg", "psycopg_async", "asyncpg"])
def test_a_fresh_project_passes(copied: Callable[[str], Project], kind: str) -> None:
    assert copied(kind).run(*SQUAWK) == ""


def test_a_project_without_revisions_passes(project: Project) -> None:
    for revision in project.revisions():
        revision.unlink()
    assert findings(project.run(*SQUAWK)) == []


DANGERS = {
    'op.add_column("user", sa.Column("a", sa.String, nullable=False))': (
        "adding-required-field"
    ),
    'op.create_index("ix_user_id", "user", ["id"])': INDEX,
    'op.alter_column("user", "id", type_=sa.BigInteger)': "changing-column-type",
    'op.drop_column("user", "id")': "ban-drop-column",
    'op.alter_column("user", "id", new_column_name="key")': "renaming-column",
}


@pytest.mark.parametrize(("operation", "rule"), DANGERS.items(), ids=DANGERS.values())
def test_a_danger_is_reported_until_its_own_revision_accepts_it(
    project: Project, operation: str, rule: str
) -> None:
    (first,) = project.revisions()
    dangerous = revision(project, operation)
    output = project.run(*SQUAWK, code=1)
    assert findings(output) == [(identifier(dangerous), rule)]
    assert output.endswith(f"{ACCEPT}\n")
    accept(first, f"squawk-ignore {rule}: not here")
    other = "ban-truncate-cascade"
    accept(dangerous, f"squawk-ignore {other}: not this rule")
    assert findings(project.run(*SQUAWK, code=1)) == [(identifier(dangerous), rule)]
    accept(dangerous, f"squawk-ignore {other}, {rule}: the table is still empty")
    assert project.run(*SQUAWK) == ""


@pytest.mark.parametrize(
    "comment",
    [
        f"squawk-ignore {INDEX}",
        f"squawk-ignore {INDEX}:",
        f"squawk-ignore-file {INDEX}",
        "squawk-ignore: the table is still empty",
        "squawk-ignore",
    ],
)
def test_a_finding_is_accepted_by_name_and_with_a_reason(
    project: Project, comment: str
) -> None:
    (first,) = project.revisions()
    accept(first, comment)
    output = project.run(*SQUAWK, code=255)
    assert output == f"FAILED: {first.name}: write {ACCEPT}, not # {comment}\n"


def test_a_revision_that_asks_the_database_is_named_in_one_line(
    project: Project,
) -> None:
    asks = revision(project, 'op.get_bind().scalar(sa.text("SELECT 1"))')
    output = project.run(*SQUAWK, code=255)
    assert output.startswith(f"FAILED: could not print the SQL of {identifier(asks)}: ")
    assert "; if the revision queries the database, do so under `if not" in output
    assert output.count("\n") == 1


def test_what_else_prints_no_sql_is_named_in_one_line(project: Project) -> None:
    (project.path / "app" / "models.py").write_text("import nowhere\n")
    output = project.run(*SQUAWK, code=255)
    reason = "ModuleNotFoundError: No module named 'nowhere'"
    assert output == (
        f"FAILED: {project.path / 'migrations' / 'env.py'} failed: {reason};"
        " for the traceback, run: alembic current\n"
    )
    assert output.count("\n") == 1


def test_a_rule_that_is_not_there_is_reported(project: Project) -> None:
    (first,) = project.revisions()
    accept(first, "squawk-ignore no-such-rule: it was a typing error")
    output = project.run(*SQUAWK, code=1)
    assert findings(output) == [(identifier(first), "unused-ignore")]
    assert "no-such-rule" in output


def test_each_revision_is_told_from_those_of_other_branches(project: Project) -> None:
    (first,) = project.revisions()
    index = 'op.create_index("ix_user_id", "user", ["id"])'
    left = revision(project, "pass")
    right = revision(project, index, "--splice", "--head", identifier(first))
    assert findings(project.run(*SQUAWK, code=1)) == [(identifier(right), INDEX)]
    project.run("alembic", "merge", "heads", "-m", "Merge")
    last = revision(project, index)
    accept(left, f"squawk-ignore {INDEX}: not here")
    found = findings(project.run(*SQUAWK, code=1))
    assert sorted(found) == sorted((identifier(one), INDEX) for one in (right, last))
    for one in (right, last):
        accept(one, f"squawk-ignore {INDEX}: the table is still empty")
    assert project.run(*SQUAWK) == ""


IN_A_BLOCK = """\
with op.get_context().autocommit_block():
        op.create_index(
            "ix_user_id",
            "user",
            ["id"],
            if_not_exists=True,
            postgresql_concurrently=True,
        )
    op.execute("SELECT 1")"""
BY_THE_HELPER = """\
from alembic_steady import create_index, drop_index

    create_index("ix_user_id", "user", ["id"])
    drop_index("ix_user_id", "user")"""


@pytest.mark.parametrize(
    "upgrade", [IN_A_BLOCK, BY_THE_HELPER], ids=["block", "helper"]
)
def test_a_concurrent_index_is_fine(project: Project, upgrade: str) -> None:
    revision(project, upgrade)
    revision(project, "pass")
    assert project.run(*SQUAWK) == ""


def test_a_concurrent_index_in_a_transaction_is_not(project: Project) -> None:
    """After a block, too, which begins one again."""
    option = "if_not_exists=True, postgresql_concurrently=True"
    index = f'op.create_index("ix", "user", ["id"], {option})'
    broken = revision(project, f"{IN_A_BLOCK}\n    {index}")
    found = findings(project.run(*SQUAWK, code=1))
    assert found == [(identifier(broken), f"ban-{INDEX[8:]}-in-transaction")]


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
    revision(project, LEFT_OUT)
    revision(project, "pass")
    assert project.run(*SQUAWK) == ""
    file = project.path / ".squawk.toml"
    excluded = tomllib.loads(file.read_text())["excluded_rules"]
    file.write_text("assume_in_transaction = true\n")
    reported = {rule for _, rule in findings(project.run(*SQUAWK, code=1))}
    assert reported == {*excluded}


def test_it_shows_the_statement_on_a_terminal_and_plain_lines_elsewhere(
    project: Project,
) -> None:
    revision(project, 'op.create_index("ix_user_id", "user", ["id"])')
    assert "\x1b" not in project.run(*SQUAWK, code=1)
    terminal = pexpect.spawn(
        str(project.path / ".venv" / BIN / "steady"),
        ["squawk"],
        cwd=str(project.path),
        env=project.environment,
        encoding="utf-8",
        timeout=60,
    )
    terminal.expect('CREATE INDEX ix_user_id ON "user"')
    terminal.expect(ACCEPT)
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 1


def test_without_squawk_one_line_says_what_installs_it(
    project: Project, tmp_path: Path
) -> None:
    """And one that is somewhere else on the machine is not taken."""
    folder = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (own,) = (project.path / ".venv").resolve().glob("lib/python*/site-packages")
    (other,) = folder.glob("lib/python*/site-packages")
    (other / "own.pth").write_text(f"import site; site.addsitedir({str(own)!r})\n")
    bin_folder = (project.path / ".venv" / BIN).resolve()
    project.environment["PATH"] = f"{bin_folder}:{project.environment['PATH']}"
    steady = (folder / BIN / "python", "-m", "alembic_steady.cli")
    output = project.run(*steady, "squawk", code=255)
    assert output == (
        "FAILED: squawk is not installed: run uv sync or pip install squawk-cli\n"
    )


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
