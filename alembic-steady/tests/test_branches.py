"""Two branches with a revision each: git tells, and one goes behind the other."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from branched import (
    add,
    begin,
    branch,
    current,
    each,
    file,
    follows,
    git,
    head,
    refused,
    save,
    switch,
    two_branches,
)
from harness import PlainProject

from alembic_steady.branches.rebase import behind
from tests.revisions import CLEAN, NOTE

REBASE = ("steady", "rebase")


def is_rebased(project: PlainProject, mine: str, theirs: str) -> None:
    """See that there is one head, and that files and database say the same."""
    assert follows(project, mine) == {theirs}
    assert head(project) == [mine]
    assert project.run("alembic", "heads") == f"{mine} (head)\n"
    assert project.run("alembic", "check") == NOTE + CLEAN
    assert current(project) == {mine}
    assert "no drift" in project.run("steady", "drift")


@each
def test_a_second_head_is_a_conflict_and_rebase_resolves_it(
    project: PlainProject,
) -> None:
    mine, theirs = two_branches(project)
    assert "CONFLICT (content): Merge conflict in migrations/head.txt" in git(
        project, "merge", "main", code=1
    )
    told = project.run("alembic", "upgrade", "head", code=255)
    by = r" \(Template Tests, \d{4}-\d\d-\d\d\)"
    names = {mine: f"{mine} Add address{by}", theirs: f"{theirs} Add phone{by}"}
    first, second = (names[it] for it in sorted(names))
    ways = rf"steady rebase; .*: alembic merge -m '…' {' '.join(sorted(names))}\n$"
    assert re.search(rf"there are 2 heads: {first}, {second}\. .*: {ways}", told)
    printed = project.run(*REBASE)
    assert (
        f"Behind {theirs} Add phone:\n  {mine} Add address ran up, down and up in"
        in (printed)
    )
    is_rebased(project, mine, theirs)
    save(project, "Merge")


@pytest.mark.full
def test_rebase_on_mariadb(project: PlainProject) -> None:
    mine, theirs = two_branches(project)
    git(project, "merge", "main", code=1)
    project.run(*REBASE)
    is_rebased(project, mine, theirs)


HOW = {
    "rebase": (
        ("rebase", "main"),
        1,
        ("-c", "core.editor=true", "rebase", "--continue"),
    ),
    "cherry-pick": (("cherry-pick", "address"), 1, ("commit", "--no-edit")),
}


@each
@pytest.mark.parametrize("how", HOW)
def test_mine_is_what_git_puts_behind_theirs(how: str, project: PlainProject) -> None:
    mine, theirs = two_branches(project)
    begun, code, ended = HOW[how]
    if how == "cherry-pick":
        switch(project, "main")
    git(project, *begun, code=code)
    project.run(*REBASE)
    is_rebased(project, mine, theirs)
    git(project, "add", "--all")
    git(project, *ended)
    assert git(project, "status", "--porcelain") == ""
    assert follows(project, mine) == {theirs}


@each
def test_theirs_stays_where_it_is_merged_as_one_commit(
    project: PlainProject,
) -> None:
    """The commits of the branch are none of the trunk's afterwards."""
    begin(project)
    theirs = branch(project, "phone", is_run=False)
    switch(project, "main")
    mine = branch(project, "address")
    switch(project, "main")
    git(project, "merge", "--squash", "phone")
    save(project, "Phones")
    switch(project, "address")
    git(project, "merge", "main", code=1)
    project.run(*REBASE)
    is_rebased(project, mine, theirs)


@pytest.mark.full
def test_what_is_on_the_trunk_stays_where_the_trunk_merges(
    file_project: PlainProject,
) -> None:
    mine, theirs = two_branches(file_project)
    switch(file_project, "main")
    git(file_project, "merge", "address", code=1)
    file_project.run(*REBASE)
    is_rebased(file_project, mine, theirs)


@each
def test_what_is_not_committed_is_mine(project: PlainProject) -> None:
    begin(project)
    theirs = branch(project, "phone", is_run=False)
    switch(project, "main")
    mine = add(project, "address")
    project.run("alembic", "upgrade", "head")
    git(project, "stash", "--include-untracked")
    git(project, "merge", "--quiet", "phone")
    git(project, "stash", "pop", code=1)
    project.run(*REBASE)
    is_rebased(project, mine, theirs)


@pytest.mark.full
def test_what_the_trunk_has_is_theirs_after_a_merge_that_resolved_the_file_alone(
    file_project: PlainProject,
) -> None:
    mine, theirs = two_branches(file_project)
    git(file_project, "merge", "main", code=1)
    (file_project.path / "migrations" / "head.txt").write_text("both\n")
    save(file_project, "Merge")
    file_project.run(*REBASE)
    is_rebased(file_project, mine, theirs)


def test_which_stays_can_be_said(file_project: PlainProject) -> None:
    mine, theirs = two_branches(file_project)
    git(file_project, "merge", "main", code=1)
    save(file_project, "Merge")
    git(file_project, "branch", "--force", "main", "address")
    told = refused(file_project, *REBASE)
    assert "it is not clear which of these is yours" in told
    told = refused(file_project, "steady", "-x", "onto=nowhere", "rebase")
    assert "-x onto=nowhere: that is none of the heads" in told
    file_project.run("steady", "-x", f"onto={theirs}", "rebase")
    is_rebased(file_project, mine, theirs)


@each
def test_several_of_mine_stay_in_their_order(project: PlainProject) -> None:
    first, theirs = two_branches(project)
    second = add(project, "fax")  # which has not run
    save(project, "Add fax")
    git(project, "merge", "main", code=1)
    project.run(*REBASE)
    assert follows(project, first) == {theirs}
    assert follows(project, second) == {first}
    assert current(project) == {first}
    project.run("alembic", "upgrade", "head")
    is_rebased_only = project.run("alembic", "check")
    assert is_rebased_only == NOTE + CLEAN
    assert "no drift" in project.run("steady", "drift")


def test_the_projects_hooks_see_what_is_written(file_project: PlainProject) -> None:
    """As they see a new revision, which they format."""
    mine, _ = two_branches(file_project)
    git(file_project, "merge", "main", code=1)
    hook = file_project.path / "home" / "hook.py"
    hook.write_text(
        "import sys\nfile = open(sys.argv[1], 'a')\nfile.write('# seen\\n')\n"
    )
    ini = file_project.path / "alembic.ini"
    section = f"hooks = own\nown.type = exec\nown.executable = {sys.executable}\n"
    options = f"own.options = {hook} REVISION_SCRIPT_FILENAME\n"
    head_line = "[post_write_hooks]\n"
    ini.write_text(ini.read_text().replace(head_line, head_line + section + options))
    file_project.run(*REBASE)
    assert file(file_project, mine).read_text().endswith("# seen\n")


def test_what_others_may_have_is_not_changed(file_project: PlainProject) -> None:
    mine, theirs = two_branches(file_project)
    git(file_project, "push", "--quiet", "origin", "address")
    git(file_project, "merge", "main", code=1)
    told = refused(file_project, *REBASE)
    assert f"{mine} is on origin/address, so others may have run it" in told
    assert told.endswith("or, if nobody has: steady -x published rebase")
    # The database that is told has it, too.
    again = ("-x", "published", "-x", f"database={file_project.url}", "rebase")
    told = refused(file_project, "steady", *again)
    assert f"app.db is at {mine}, which is not to change any more" in told
    file_project.run("steady", "-x", "published", "rebase")
    is_rebased(file_project, mine, theirs)


def test_a_database_that_has_more_is_not_guessed_at(file_project: PlainProject) -> None:
    begin(file_project)
    theirs = branch(file_project, "phone", is_run=False)
    switch(file_project, "main")
    mine = branch(file_project, "address")
    later = branch(file_project, "fax")
    switch(file_project, "address")
    git(file_project, "merge", "phone", code=1)
    told = refused(file_project, *REBASE)
    assert f"'{later}'; the database is at it: Add fax, on branch fax" in told
    file_project.run("steady", "sync", code=255)  # It undoes, and finds two heads.
    assert current(file_project) == {mine}
    file_project.run(*REBASE)
    is_rebased(file_project, mine, theirs)


def test_what_does_not_work_behind_theirs_changes_nothing(
    file_project: PlainProject,
) -> None:
    mine, theirs = two_branches(file_project)
    git(file_project, "merge", "main", code=1)
    target = file(file_project, theirs)
    text = target.read_text()
    target.write_text(
        text.replace("op.create_table('phone'", "op.create_table('address'")
    )
    told = refused(file_project, *REBASE)
    assert "table address already exists" in told
    assert told.endswith("to do it nevertheless: steady -x untried rebase")
    assert current(file_project) == {mine}


def test_a_revision_that_joins_branches_stays(file_project: PlainProject) -> None:
    mine, theirs = two_branches(file_project)
    git(file_project, "merge", "main", code=1)
    file_project.run("alembic", "merge", "-m", "Join", mine, theirs)
    (joined,) = head(file_project)
    save(file_project, "Merge")
    assert file_project.run("alembic", "heads") == f"{joined} (head)\n"
    file_project.run("alembic", "upgrade", "head")
    assert file_project.run(*REBASE) == "There is one head: nothing to rebase\n"
    switch(file_project, "main")
    add(file_project, "fax")
    save(file_project, "Add fax")
    switch(file_project, "address")
    git(file_project, "merge", "main", code=1)
    assert f"{joined} joins branches, so it can't be moved" in refused(
        file_project, *REBASE
    )


def test_a_file_that_names_another_head_is_written_anew(
    file_project: PlainProject,
) -> None:
    begin(file_project)
    (before,) = head(file_project)
    (file_project.path / "migrations" / "head.txt").write_text("1f6c2a9b7d3e Other\n")
    printed = file_project.run(*REBASE)
    assert printed.endswith("Wrote migrations/head.txt\n")
    assert head(file_project) == [before]


def test_a_project_without_the_file_does_without_it(
    file_project: PlainProject,
) -> None:
    begin(file_project)
    (file_project.path / "migrations" / "head.txt").unlink()
    file_project.run("alembic", "revision", "-m", "Empty")
    assert not (file_project.path / "migrations" / "head.txt").exists()


def test_revision_and_merge_need_no_database(file_project: PlainProject) -> None:
    """`env.py` runs for them, so that it can keep the file."""
    begin(file_project)
    ini = file_project.path / "alembic.ini"
    ini.write_text(ini.read_text().replace(str(file_project.url), "sqlite:////no/such"))
    printed = file_project.run("alembic", "revision", "-m", "Second")
    assert "Database" not in printed
    (second,) = head(file_project)
    for it in ("One", "Another"):
        file_project.run("alembic", "revision", "-m", it, "--head", second, "--splice")
    assert len(head(file_project)) == 2
    told = file_project.run("alembic", "revision", "-m", "Third", code=255)
    assert "there are 2 heads" in told and "(not committed)" in told
    file_project.run("alembic", "merge", "-m", "Joined", "heads")
    assert len(head(file_project)) == 1


@each
@pytest.mark.full
def test_a_further_work_tree_is_rebased(
    project: PlainProject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    mine, theirs = two_branches(project)
    folder = tmp_path_factory.mktemp("trees") / "tree"
    git(project, "worktree", "add", "-b", "tree", str(folder), "address")
    other = with_own_database(project, folder)
    other.run("alembic", "upgrade", "head")
    git(other, "merge", "main", code=1)
    other.run(*REBASE)
    is_rebased(other, mine, theirs)


@each
@pytest.mark.full
def test_a_shallow_clone_is_rebased(
    project: PlainProject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    begin(project)
    folder = tmp_path_factory.mktemp("clones") / "clone"
    url = f"file://{project.path / 'origin.git'}"
    git(project, "clone", "--quiet", "--depth", "1", url, str(folder))
    other = with_own_database(project, folder)
    mine = branch(other, "address")
    theirs = add(project, "phone")
    save(project, "Add phone")
    git(project, "push", "--quiet", "origin", "main")
    git(other, "pull", "--quiet", "--no-rebase", "origin", "main", code=1)
    other.run(*REBASE)
    is_rebased(other, mine, theirs)


def with_own_database(project: PlainProject, folder: Path) -> PlainProject:
    """Return a project in another folder, with a database of its own."""
    url = sa.make_url(project.url)
    is_file = url.get_backend_name() == "sqlite"
    own = url.set(database=f"{folder}/app.db" if is_file else "orders_own")
    other = PlainProject(folder, project.environment, url=own)
    ini = folder / "alembic.ini"
    told = own.render_as_string(hide_password=False).replace("%", "%%")
    lines = ini.read_text().splitlines()
    where = next(n for n, it in enumerate(lines) if it.startswith("sqlalchemy.url"))
    lines[where] = f"sqlalchemy.url = {told}"
    ini.write_text("\n".join([*lines, ""]).replace(str(project.path), str(folder)))
    save(other, "Own database")
    other.run("steady", "create")
    other.run("alembic", "upgrade", "head")
    return other


REVISION = '''\
"""Föö

Revision ID: 1f6c
Revises: {0}
"""
revision = "1f6c"
{1}
'''


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("down_revision = 'a'", "down_revision = 'b'"),
        (
            'down_revision: str | None = "a"  # ö',
            'down_revision: str | None = "b"  # ö',
        ),
        ("down_revision = None", 'down_revision = "b"'),
        ("down_revision = (\n    'a',\n)", 'down_revision = "b"'),
    ],
)
def test_a_revision_follows_another_in_docstring_and_code(
    written: str, expected: str
) -> None:
    text = behind(REVISION.format("a", written), "b", "x.py")
    assert text == REVISION.format("b", expected)


def test_the_lock_of_another_is_not_needed_to_read(file_project: PlainProject) -> None:
    """A git that others use at the same time, as an editor does, is no obstacle."""
    begin(file_project)
    lock = file_project.path / ".git" / "index.lock"
    lock.touch()
    assert file_project.run(*REBASE) == "There is one head: nothing to rebase\n"
    lock.unlink()
