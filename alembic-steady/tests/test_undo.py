"""`steady undo`: database, revision and model go back together, in a commit of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from branched import (
    TABLE,
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
from harness import PlainProject
from test_sync import insert

from tests.revisions import CLEAN, NOTE

UNDO = ("steady", "undo")
STREET = TABLE.format(name="Street", table="straße")


def is_back(project: PlainProject, before: list[str]) -> None:
    """See that all is as it was, in files and database."""
    assert head(project) == before
    assert git(project, "status", "--porcelain") == ""
    assert project.run("alembic", "check") == NOTE + CLEAN
    assert current(project) == {*before}
    assert "no drift" in project.run("steady", "drift")
    assert not (project.path / ".git" / "worktrees").exists()


@pytest.mark.parametrize(
    "project",
    ["sqlite", "psycopg", pytest.param("pymysql", marks=pytest.mark.full)],
    indirect=True,
)
def test_all_goes_back_in_a_commit_of_its_own(project: PlainProject) -> None:
    begin(project)
    before = head(project)
    models = project.models.read_text()
    revision = branch(project, "address")
    number = git(project, "rev-parse", "--short=7", "HEAD").strip()
    (project.path / "notes").write_text("Not committed, and nobody's business")
    git(project, "add", "notes")
    printed = project.run(*UNDO)
    new = git(project, "rev-parse", "--short=7", "HEAD").strip()
    assert (
        f"Took back {revision} Add address by commit {new}, which reverts {number}:"
        in (printed)
    )
    assert project.models.read_text() == models
    assert git(project, "log", "--format=%s", "-1") == 'Revert "Add address"\n'
    assert git(project, "status", "--porcelain") == "A  notes\n"
    git(project, "rm", "--force", "--quiet", "notes")
    is_back(project, before)
    # It can be taken back itself.
    git(project, "revert", "--no-edit", "HEAD")
    project.run("alembic", "upgrade", "head")
    is_back(project, [revision])


def test_rows_are_not_dropped_unasked(file_project: PlainProject) -> None:
    begin(file_project)
    before = head(file_project)
    revision = branch(file_project, "address")
    insert(file_project, "address")
    told = refused(file_project, *UNDO)
    assert told == (
        f"FAILED: undoing {revision} Add address drops table address (1 row). Undo it?"
        " If so: steady -x allow-drop undo"
    )
    file_project.run("steady", "-x", "allow-drop", "undo")
    is_back(file_project, before)


def test_a_database_that_has_not_run_it_is_left_alone(
    file_project: PlainProject,
) -> None:
    begin(file_project)
    before = head(file_project)
    branch(file_project, "address", is_run=False)
    assert "app.db has not run it\n" in file_project.run(*UNDO)
    is_back(file_project, before)


def test_a_database_that_has_more_is_not_guessed_at(file_project: PlainProject) -> None:
    begin(file_project)
    before = head(file_project)
    branch(file_project, "address")
    later = branch(file_project, "phone")
    switch(file_project, "address")
    assert f"'{later}'; the database is at it: Add phone, on branch phone" in refused(
        file_project, *UNDO
    )
    file_project.run("steady", "sync")
    file_project.run(*UNDO)
    is_back(file_project, before)


def test_what_others_may_have_run_is_not_taken_back(file_project: PlainProject) -> None:
    begin(file_project)
    revision = branch(file_project, "address")
    git(file_project, "push", "--quiet", "origin", "address")
    told = refused(file_project, *UNDO)
    assert (
        f"{revision} is on origin/address, so others may have run it: change the"
        in told
    )
    assert told.endswith("that goes forward: alembic revision --autogenerate -m '…'")


def test_files_that_are_not_committed_are_not_lost(file_project: PlainProject) -> None:
    begin(file_project)
    git(file_project, "switch", "--quiet", "--create", "address")
    revision = add(file_project, "address")
    assert f"{revision}_add_address.py is not committed, so no commit can take it" in (
        refused(file_project, *UNDO)
    )
    save(file_project, "Add address")
    for staged in (False, True):
        file_project.add_to_models("# more\n")
        if staged:
            git(file_project, "add", "models.py")
        assert "models.py has changes that are not committed" in refused(
            file_project, *UNDO
        )


def test_other_files_of_the_commit_are_named(file_project: PlainProject) -> None:
    begin(file_project)
    before = head(file_project)
    git(file_project, "switch", "--quiet", "--create", "address")
    add(file_project, "address")
    file_project.run("alembic", "upgrade", "head")
    (file_project.path / "service.py").write_text("import models\n")
    number = save(file_project, "Add address")
    assert refused(file_project, *UNDO) == (
        f"FAILED: commit {number} also changes service.py: take these back by hand first, or"
        " all of the commit: steady -x whole-commit undo"
    )
    file_project.run("steady", "-x", "whole-commit", "undo")
    assert not (file_project.path / "service.py").exists()
    is_back(file_project, before)


def test_a_model_in_another_commit_is_not_left_behind(
    file_project: PlainProject,
) -> None:
    begin(file_project)
    git(file_project, "switch", "--quiet", "--create", "address")
    add(file_project, "address")
    file_project.run("alembic", "upgrade", "head")
    git(file_project, "commit", "--quiet", "-m", "The model", "models.py")
    number = save(file_project, "The revision")
    assert refused(file_project, *UNDO) == (
        f"FAILED: commit {number} has the revision without all of its models, and nothing has"
        " changed: what would be left makes no revision: add_table address"
    )


def test_a_conflict_changes_nothing(file_project: PlainProject) -> None:
    begin(file_project)
    branch(file_project, "address")
    file_project.change_models({'"address"\n': '"address"  # where they live\n'})
    number = git(file_project, "rev-parse", "--short=7", "HEAD").strip()
    save(file_project, "Comment")
    assert refused(file_project, *UNDO) == (
        f"FAILED: commit {number} can't be taken back, and nothing has changed: later commits"
        " have changed models.py in the same place"
    )
    assert not (file_project.path / ".git" / "worktrees").exists()


def test_a_downgrade_that_fails_changes_nothing(file_project: PlainProject) -> None:
    begin(file_project)
    git(file_project, "switch", "--quiet", "--create", "address")
    revision = add(file_project, "address")
    target = file(file_project, revision)
    text = target.read_text()
    file_project.run("alembic", "upgrade", "head")
    end = "def downgrade() -> None:\n"
    target.write_text(text.replace(end, f"{end}    op.execute('SELECT missing')\n"))
    save(file_project, "Add address")
    told = refused(file_project, "steady", "-x", "allow-drop", "undo")
    assert "nothing of this run is kept" in told
    assert current(file_project) == {revision}


def test_a_commit_that_git_refuses_changes_nothing(file_project: PlainProject) -> None:
    begin(file_project)
    revision = branch(file_project, "address")
    config = Path(file_project.environment["HOME"], ".gitconfig")
    name = config.read_text()
    config.write_text("[user]\nuseConfigOnly = true\n")
    try:
        told = file_project.run(*UNDO, code=255)
    finally:
        config.write_text(name)
    assert "can't be taken back, and nothing has changed: git revert: " in told
    assert current(file_project) == {revision}
    assert git(file_project, "status", "--porcelain") == ""
    assert file(file_project, revision).exists()


def test_a_git_that_is_at_work_changes_nothing(file_project: PlainProject) -> None:
    begin(file_project)
    revision = branch(file_project, "address")
    insert(file_project, "address")
    lock = file_project.path / ".git" / "index.lock"
    lock.touch()
    command = ("steady", "-x", "allow-drop", "undo")
    try:
        told = file_project.run(*command, code=255)
    finally:
        lock.unlink()
    assert "index.lock': File exists" in told
    assert current(file_project) == {revision}
    # The row is there as before.
    assert "drops table address (1 row)" in refused(file_project, *UNDO)
    file_project.run(*command)


def test_a_revision_that_came_with_a_merge_is_said_to(
    file_project: PlainProject,
) -> None:
    mine, theirs = two_branches(file_project)
    git(file_project, "merge", "main", code=1)
    file_project.run("alembic", "merge", "-m", "Join", mine, theirs)
    save(file_project, "Merge")
    told = refused(file_project, *UNDO)
    assert "_join.py came with a merge of branches, which is not taken back" in told


def test_names_may_have_any_letters(file_project: PlainProject) -> None:
    begin(file_project)
    before = head(file_project)
    file_project.change_models({"# address\n": f"{STREET}\n"})
    file_project.revise("Straße hinzufügen")
    file_project.run("alembic", "upgrade", "head")
    save(file_project, "Straße")
    (file_project.path / "unrelated ü").write_text("")
    assert "_straße_hinzufügen.py\n" in file_project.run(*UNDO)
    (file_project.path / "unrelated ü").unlink()
    is_back(file_project, before)


@pytest.mark.full
def test_the_first_commit_of_a_clone_stays(file_project: PlainProject) -> None:
    begin(file_project)
    git(file_project, "remote", "remove", "origin")
    number = git(file_project, "rev-parse", "--short=7", "HEAD").strip()
    assert f"commit {number} has none before it in this clone" in refused(
        file_project, *UNDO
    )


@pytest.mark.full
def test_a_database_of_others_is_asked_for(project: PlainProject) -> None:
    if project.url.get_backend_name() == "sqlite":  # type: ignore[union-attr]
        return  # A file is always on this machine.
    begin(project)
    before = head(project)
    ini = project.path / "alembic.ini"
    # The same place, in words that only the resolver knows to be local.
    here, there = "@127.0.0.1:", "@127.1:"
    project.environment["SHADOW_DATABASE_URL"] = str(
        project.url.render_as_string(hide_password=False)  # type: ignore[union-attr]
    )
    ini.write_text(ini.read_text().replace(here, there))
    save(project, "Another place")
    revision = branch(project, "address")
    told = project.run(*UNDO, code=255)
    assert f"is not on this machine. Undo {revision} Add address there?" in told
    assert told.endswith("If so: steady -x not-local undo\n")
    assert current(project) == {revision}
    project.run("steady", "-x", "not-local", "undo")
    assert current(project) == {*before}


@each
@pytest.mark.full
def test_it_is_taken_back_in_a_further_work_tree(
    project: PlainProject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    begin(project)
    before = head(project)
    branch(project, "address")
    switch(project, "main")
    folder = tmp_path_factory.mktemp("trees") / "tree"
    git(project, "worktree", "add", "--quiet", str(folder), "address")
    other = PlainProject(folder, project.environment, url=project.url)
    other.run(*UNDO)
    assert head(other) == before
    assert current(other) == {*before}
