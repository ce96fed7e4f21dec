"""After `git switch`: commands say what the database has, and `steady sync` undoes it."""

from __future__ import annotations

import shutil

import pexpect
import pytest
import sqlalchemy as sa
from branched import (
    add,
    begin,
    branch,
    current,
    each,
    file,
    git,
    head,
    refused,
    save,
    switch,
    two_branches,
)
from harness import PlainProject, in_terminal

from tests.revisions import CLEAN, NOTE

SYNC = ("steady", "sync")
REPORT = ("steady", "-x", "dry-run", "sync")
EVERY = [
    ("alembic", "current"),
    ("alembic", "upgrade", "head"),
    ("alembic", "downgrade", "-1"),
    ("alembic", "-x", "live", "check"),
    ("steady", "drift"),
    ("steady", "plan"),
]


def insert(project: PlainProject, table: str) -> None:
    """Put a row into a table."""
    engine = sa.create_engine(project.url)
    with engine.begin() as connection:
        connection.execute(sa.insert(sa.table(table, sa.column("id"))).values(id=1))
    engine.dispose()


def is_synchronous(project: PlainProject) -> None:
    """See that the database has what the branch has."""
    assert current(project) == {*head(project)}
    assert project.run("alembic", "check") == NOTE + CLEAN
    assert "no drift" in project.run("steady", "drift")


def test_every_command_says_what_the_database_has(file_project: PlainProject) -> None:
    begin(file_project)
    other = branch(file_project, "address")
    switch(file_project, "main")
    told = (
        f"identified by '{other}'; the database is at it: Add address, on branch address,"
        " but main does not have it. To undo it in a database of this machine: steady sync"
    )
    for command in EVERY:
        assert refused(file_project, *command).endswith(told), command


@pytest.mark.parametrize(
    "project",
    ["sqlite", "psycopg", pytest.param("pymysql", marks=pytest.mark.full)],
    indirect=True,
)
def test_the_database_follows_the_branch(project: PlainProject) -> None:
    _, theirs = two_branches(project)
    switch(project, "main")
    printed = project.run(*REPORT)
    assert "Add address is on branch address, not here" in printed
    assert f"1 revision of this branch has not run: {theirs}" in printed
    assert printed.endswith("To let it follow the branch: steady sync\n")
    printed = project.run(*SYNC)
    assert "Downgrade from" in printed and "Upgrade from" in printed
    is_synchronous(project)
    assert project.run(*REPORT) == ""
    switch(project, "address")
    project.run(*SYNC)
    is_synchronous(project)


def test_rows_are_not_dropped_unasked(file_project: PlainProject) -> None:
    begin(file_project)
    other = branch(file_project, "address")
    file_project.change_models(
        {
            "# So that git can merge\n\n\n# fax": "    note: Mapped[str | None]\n\n\n# fax"
        }
    )
    insert(file_project, "address")
    switch_dirty = git(file_project, "stash")
    assert "Saved" in switch_dirty
    switch(file_project, "main")
    question = f"undoing {other} Add address drops table address (1 row). Undo it?"
    told = refused(file_project, *SYNC)
    assert told == f"FAILED: {question} If so: steady -x allow-drop sync"
    for answer, code in (("n", 255), ("y", 0)):
        child = in_terminal(file_project, *SYNC)
        child.expect_exact("Undo it? [y/N] ")
        child.sendline(answer)
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == code
        if code:
            assert "nothing has changed" in child.before
            assert "address" in file_project.tables()
    is_synchronous(file_project)


def test_values_of_a_column_count_and_empty_ones_do_not(
    file_project: PlainProject,
) -> None:
    begin(file_project)
    git(file_project, "switch", "--quiet", "--create", "note")
    primary = "    id: Mapped[int] = mapped_column(primary_key=True)\n"
    file_project.change_models(
        {f"{primary}\n\n# The": f"{primary}    note: Mapped[str | None]\n\n\n# The"}
    )
    file_project.revise("Add note")
    file_project.run("alembic", "upgrade", "head")
    save(file_project, "Add note")
    insert(file_project, "user")
    switch(file_project, "main")
    file_project.run(*SYNC)
    is_synchronous(file_project)
    switch(file_project, "note")
    file_project.run(*SYNC)
    engine = sa.create_engine(file_project.url)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE user SET note = 'x'")
    engine.dispose()
    switch(file_project, "main")
    assert "drops column user.note (1 value)" in refused(file_project, *SYNC)


@each
def test_several_are_undone_newest_first(project: PlainProject) -> None:
    begin(project)
    first = branch(project, "address")
    second = add(project, "phone")
    project.run("alembic", "upgrade", "head")
    save(project, "Add phone")
    switch(project, "main")
    printed = project.run(*SYNC)
    assert printed.index(f"  {second} ") < printed.index(f"  {first} ")
    is_synchronous(project)


@each
@pytest.mark.parametrize("kept", [True, False], ids=["kept", "in git"])
@pytest.mark.parametrize("fate", ["deleted", "stashed", "never committed", "amended"])
def test_a_file_is_found_wherever_it_is(
    fate: str, kept: bool, project: PlainProject
) -> None:
    begin(project)
    git(project, "switch", "--quiet", "--create", "address")
    other = add(project, "address")
    project.run("alembic", "upgrade", "head")
    where = "on no branch"
    if fate == "deleted":
        save(project, "Add address")
        switch(project, "main")
        git(project, "branch", "--delete", "--force", "address")
    elif fate == "amended":
        save(project, "Add address")
        file(project, other).unlink()
        (project.path / "migrations" / "head.txt").write_text("base\n")
        git(project, "commit", "--quiet", "--all", "--amend", "-m", "None")
        switch(project, "main")
    elif fate == "stashed":
        git(project, "stash", "--include-untracked")
        switch(project, "main")
    else:
        file(project, other).unlink()
        git(project, "checkout", "--quiet", ".")
        where = "which has run here and is in no commit"
    copies = project.path / ".git" / "alembic-steady"
    if not kept:
        shutil.rmtree(copies)
    if fate == "never committed" and not kept:
        told = refused(project, "alembic", "current")
        assert "no file of this project has it, nor has git: bring that from" in told
        assert f"the database is at {other}, and neither git nor a copy" in refused(
            project, *SYNC
        )
        return
    told = refused(project, "alembic", "current")
    assert f"'{other}'; the database is at it: Add address, " in told and where in told
    project.run(*SYNC)
    is_synchronous(project)


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "in git"])
def test_a_revision_comes_with_its_statements(
    kept: bool, file_project: PlainProject
) -> None:
    begin(file_project)
    git(file_project, "switch", "--quiet", "--create", "address")
    revision = file(file_project, add(file_project, "address"))
    text = revision.read_text()
    start, end = text.index("    op.create_table("), text.index("    # ### end")
    call = '    execute_file(Path(__file__).with_suffix(".sql"))\n'
    imports = "from pathlib import Path\n\nfrom alembic_steady import execute_file\n"
    text = f"{text[:start]}{call}{text[end:]}"
    revision.write_text(
        text.replace("from alembic import op\n", f"{imports}from alembic import op\n")
    )
    statement = "CREATE TABLE address (id INTEGER NOT NULL, PRIMARY KEY (id));"
    revision.with_suffix(".sql").write_text(f"-- ;;\n{statement}\n")
    file_project.run("alembic", "upgrade", "head")
    save(file_project, "Add address")
    insert(file_project, "address")
    switch(file_project, "main")
    if not kept:
        shutil.rmtree(file_project.path / ".git" / "alembic-steady")
    assert "drops table address (1 row)" in refused(file_project, *SYNC)
    file_project.run("steady", "-x", "allow-drop", "sync")
    is_synchronous(file_project)


def test_what_has_run_is_undone_and_not_what_is_written_now(
    file_project: PlainProject,
) -> None:
    """A commit may have been changed after its revision has run."""
    begin(file_project)
    other = branch(file_project, "address")
    target = file(file_project, other)
    target.write_text(target.read_text().replace("'address'", "'elsewhere'"))
    git(file_project, "commit", "--quiet", "--all", "--amend", "--no-edit")
    switch(file_project, "main")
    file_project.run(*SYNC)
    assert "address" not in file_project.tables()
    is_synchronous(file_project)


def test_a_revision_that_stands_behind_others_now_runs_behind_them(
    file_project: PlainProject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Somebody else has put it there, and their database has followed, not this one."""
    mine, _theirs = two_branches(file_project)
    before = tmp_path_factory.mktemp("before") / "app.db"
    shutil.copyfile(file_project.path / "app.db", before)
    copies = file_project.path / ".git" / "alembic-steady"
    shutil.copytree(copies, before.parent / "copies")
    git(file_project, "merge", "main", code=1)
    file_project.run("steady", "rebase")
    save(file_project, "Merge")
    shutil.copyfile(before, file_project.path / "app.db")
    shutil.rmtree(copies)
    shutil.copytree(before.parent / "copies", copies)
    assert current(file_project) == {mine}
    assert "phone" not in file_project.tables()
    told = file_project.run(*REPORT)
    assert f"{mine} Add address stands behind others here that have not run" in told
    file_project.run(*SYNC)
    assert "phone" in file_project.tables()
    is_synchronous(file_project)


@pytest.mark.full
def test_what_was_squashed_stays_as_it_is(file_project: PlainProject) -> None:
    begin(file_project)
    (first,) = head(file_project)
    branch(file_project, "address")
    file_project.run("steady", "squash", "head")
    assert head(file_project) == [*current(file_project)]
    insert(file_project, "address")
    assert "Nothing to do" in file_project.run(*SYNC)
    is_synchronous(file_project)
    # Even where what stood before it is nowhere any more.
    shutil.rmtree(file_project.path / ".git" / "objects")
    (file_project.path / ".git/alembic-steady/revisions" / f"{first}.py").unlink()
    assert "Nothing to do" in file_project.run(*SYNC)


@each
@pytest.mark.full
def test_a_shallow_clone_undoes_what_has_run_there(
    project: PlainProject,
) -> None:
    begin(project)
    other = branch(project, "address")
    git(project, "push", "--quiet", "origin", "address")
    switch(project, "main")
    git(project, "branch", "--delete", "--force", "address")
    git(project, "branch", "--delete", "--remotes", "origin/address")
    tip = git(project, "rev-parse", "HEAD").strip()
    (project.path / ".git" / "shallow").write_text(f"{tip}\n")
    git(project, "reflog", "expire", "--expire=now", "--all")
    git(project, "gc", "--quiet", "--prune=now")
    assert f"'{other}'; the database is at it: Add address, which has run here" in (
        refused(project, "alembic", "current")
    )
    project.run(*SYNC)
    is_synchronous(project)


@pytest.mark.full
def test_a_database_of_others_is_left_alone(
    project: PlainProject, request: pytest.FixtureRequest
) -> None:
    if project.url.get_backend_name() == "sqlite":  # type: ignore[union-attr]
        return  # A file is always on this machine.
    begin(project)
    ini = project.path / "alembic.ini"
    # The same place, in words that only the resolver knows to be local.
    ini.write_text(ini.read_text().replace("@127.0.0.1:", "@127.1:"))
    told = project.run(*SYNC, code=255)
    assert "is not on this machine, and sync is for your own databases" in told


def test_a_database_that_is_not_there_is_not_made(file_project: PlainProject) -> None:
    begin(file_project)
    (file_project.path / "app.db").unlink()
    assert file_project.run(*REPORT) == ""
    told = file_project.run(*SYNC, code=255)
    assert told.endswith("app.db does not exist; to make it: steady create\n")
    assert not (file_project.path / "app.db").exists()
