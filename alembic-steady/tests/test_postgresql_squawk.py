"""What squawk says of revisions, and how a finding is accepted."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest
from harness import Project, in_terminal

from tests.conftest import BIN, TOOLS
from tests.revisions import (
    ACCEPT,
    INDEX,
    SQUAWK,
    accept,
    add_by_hand,
    findings,
    identifier,
)


@pytest.fixture
def project(copied: Callable[[str], Project]) -> Project:
    """Return a project whose server is not there: squawk needs none."""
    return copied("psycopg2")


def test_on_another_database_one_line_says_that_squawk_is_none_of_its_tools(
    copied: Callable[[str], Project],
) -> None:
    output = copied("sqlite").run(*SQUAWK, code=255)
    assert output == "FAILED: steady squawk is for PostgreSQL only\n"


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
    dangerous = add_by_hand(project, operation)
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
    asks = add_by_hand(project, 'op.get_bind().scalar(sa.text("SELECT 1"))')
    output = project.run(*SQUAWK, code=255)
    assert output.startswith(f"FAILED: could not print the SQL of {identifier(asks)}: ")
    assert "; if the revision queries the database, do so under `if not" in output
    assert output.count("\n") == 1


def test_what_else_prints_no_sql_is_named_in_one_line(project: Project) -> None:
    (project.models).write_text("import nowhere\n")
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
    left = add_by_hand(project, "pass")
    right = add_by_hand(project, index, "--splice", "--head", identifier(first))
    assert findings(project.run(*SQUAWK, code=1)) == [(identifier(right), INDEX)]
    project.run("alembic", "merge", "heads", "-m", "Merge")
    last = add_by_hand(project, index)
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
    add_by_hand(project, upgrade)
    add_by_hand(project, "pass")
    assert project.run(*SQUAWK) == ""


SLOW = """\
op.create_foreign_key("fk", "user", "user", ["id"], ["id"])
    op.create_check_constraint("ck", "user", "id > 0")
    op.create_unique_constraint("uq", "user", ["id"])
    op.alter_column("user", "id", existing_type=sa.Integer(), nullable=False)
    op.create_index("ix", "user", ["id"])"""
SAFE = (
    """\
from alembic_steady import add_check, add_foreign_key, add_unique, set_not_null
    from alembic_steady import create_index
    """
    + SLOW
)
for slow, safe in {
    "op.create_foreign_key": "add_foreign_key",
    "op.create_check_constraint": "add_check",
    "op.create_unique_constraint": "add_unique",
    "op.alter_column": "set_not_null",
    "op.create_index": "create_index",
}.items():
    SAFE = SAFE.replace(slow, safe)


def test_the_line_of_a_slow_form_names_the_helper(project: Project) -> None:
    add_by_hand(project, SLOW)
    printed = project.run(*SQUAWK, code=1)
    told = re.findall(
        r": warning: ([\w-]+) .* Use alembic_steady\.(\w+)\.$", printed, re.MULTILINE
    )
    assert told == [
        ("constraint-missing-not-valid", "add_foreign_key"),
        ("adding-foreign-key-constraint", "add_foreign_key"),
        ("constraint-missing-not-valid", "add_check"),
        ("constraint-missing-not-valid", "add_unique"),
        ("disallowed-unique-constraint", "add_unique"),
        ("adding-not-nullable-field", "set_not_null"),
        ("require-concurrent-index-creation", "create_index"),
    ]


def test_the_helpers_have_no_findings(project: Project) -> None:
    add_by_hand(project, SAFE)
    assert project.run(*SQUAWK) == ""


def test_a_concurrent_index_in_a_transaction_is_not(project: Project) -> None:
    """After a block, too, which begins one again."""
    option = "if_not_exists=True, postgresql_concurrently=True"
    index = f'op.create_index("ix", "user", ["id"], {option})'
    broken = add_by_hand(project, f"{IN_A_BLOCK}\n    {index}")
    found = findings(project.run(*SQUAWK, code=1))
    assert found == [(identifier(broken), f"ban-{INDEX[8:]}-in-transaction")]


def test_it_shows_the_statement_on_a_terminal_and_plain_lines_elsewhere(
    project: Project,
) -> None:
    add_by_hand(project, 'op.create_index("ix_user_id", "user", ["id"])')
    assert "\x1b" not in project.run(*SQUAWK, code=1)
    terminal = in_terminal(project, "steady", "squawk")
    terminal.expect('CREATE INDEX ix_user_id ON "user"')
    terminal.expect(rf"sql:\d+: {INDEX}: Use alembic_steady.create_index.")
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
    own = sysconfig.get_path("purelib")
    (other,) = folder.glob("lib/python*/site-packages")
    (other / "own.pth").write_text(f"import site; site.addsitedir({own!r})\n")
    project.environment["PATH"] = f"{TOOLS}:{project.environment['PATH']}"
    steady = (folder / BIN / "python", "-m", "alembic_steady.cli")
    output = project.run(*steady, "squawk", code=255)
    assert output == (
        "FAILED: squawk is not installed: run uv sync or pip install squawk-cli\n"
    )
