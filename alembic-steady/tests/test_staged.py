"""`steady staged`: what the next commit has is checked, not what the work tree has."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from branched import TABLE, add, begin, file, git, head, save, switch, two_branches
from harness import PlainProject

STAGED = ("steady", "staged")
GOOD = "The models and revisions that are staged are the same\n"
MISSING = "the models that are staged have what no staged revision makes: "


def failed(project: PlainProject) -> str:
    """Return the line with which the check fails."""
    *_, line = project.run(*STAGED, code=255).splitlines()
    assert line.startswith("FAILED: ")
    return line.removeprefix("FAILED: ")


@pytest.mark.parametrize(
    "project",
    ["sqlite", "psycopg", pytest.param("pymysql", marks=pytest.mark.full)],
    indirect=True,
)
def test_a_revision_has_to_be_staged_with_its_model(project: PlainProject) -> None:
    begin(project)
    assert project.run(*STAGED) == GOOD
    revision = add(project, "address")
    name = file(project, revision).name
    # Nothing of it is staged.
    assert project.run(*STAGED) == GOOD
    git(project, "add", "models.py", "migrations/head.txt")
    assert failed(project) == (
        f"head.txt names {revision}, but the head is {first(project, revision)}: to write it"
        " anew: steady rebase"
    )
    git(project, "reset", "--quiet", "migrations/head.txt")
    told = failed(project)
    assert told == (
        f"{MISSING}add_table address. Not staged: git add migrations/versions/{name}"
    )
    git(project, "add", "--all")
    assert project.run(*STAGED) == GOOD
    # The revision without its model is no better.
    git(project, "reset", "--quiet", "models.py")
    assert "remove_table address" in failed(project)


def first(project: PlainProject, second: str) -> str:
    """Return the revision before another."""
    (found,) = {it.name[:12] for it in project.revisions()} - {second}
    return found


def test_a_model_without_a_revision_is_told_with_the_command(
    file_project: PlainProject,
) -> None:
    begin(file_project)
    file_project.change_models({"# address\n": "note = 1\n"})
    git(file_project, "add", "--all")
    assert file_project.run(*STAGED) == GOOD
    key = "    id: Mapped[int] = mapped_column(primary_key=True)\n"
    file_project.change_models({key: f"{key}    note: Mapped[str | None]\n"})
    # It may be staged in part.
    assert file_project.run(*STAGED) == GOOD
    git(file_project, "add", "--all")
    assert failed(file_project) == (
        f"{MISSING}add_column user note. Write a revision: alembic revision --autogenerate"
        " -m '…', and git add it"
    )


def test_documents_are_committed_without_a_server(
    file_project: PlainProject,
) -> None:
    begin(file_project)
    (file_project.path / "README.md").write_text("Words\n")
    git(file_project, "add", "README.md")
    (file_project.path / "migrations" / "env.py").write_text("raise SystemExit(1)\n")
    told = "What is staged has nothing to do with models or revisions\n"
    assert file_project.run(*STAGED) == told
    # A file of a revision that goes alone is no document.
    (revision,) = file_project.revisions()
    git(file_project, "checkout", "--quiet", "migrations/env.py")
    git(file_project, "rm", "--quiet", str(revision))
    assert "but the head is base" in failed(file_project)


def test_a_second_head_is_refused(file_project: PlainProject) -> None:
    mine, theirs = two_branches(file_project)
    git(file_project, "merge", "main", code=1)
    git(file_project, "add", "--all")
    told = failed(file_project)
    assert told.startswith("there are 2 heads: ")
    assert mine in told and theirs in told and "steady rebase" in told


def test_the_files_that_git_commits_are_checked(file_project: PlainProject) -> None:
    """`git commit FILE` has an index of its own, of which it tells its hooks."""
    begin(file_project)
    hook = file_project.path / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\nexec steady staged\n")
    hook.chmod(hook.stat().st_mode | stat.S_IXUSR)
    add(file_project, "address")
    told = git(file_project, "commit", "-m", "The model", "models.py", code=1)
    assert f"{MISSING}add_table address" in told
    # What is committed is that file alone, whatever else is staged.
    git(file_project, "add", "--all")
    git(file_project, "commit", "-m", "The model", "models.py", code=1)
    git(file_project, "commit", "--quiet", "-m", "Both")
    assert git(file_project, "status", "--porcelain") == ""


def test_files_that_git_ignores_are_there_and_no_copy_stays(
    file_project: PlainProject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    begin(file_project)
    places = tmp_path_factory.mktemp("places")
    secret = file_project.path / ".env"
    secret.write_text("secret")
    (file_project.path / ".gitignore").write_text("/.env\n*.db\nhome/\norigin.git/\n")
    env = file_project.path / "migrations" / "env.py"
    look = (
        "from pathlib import Path\n"
        "it = Path(__file__).parents[1] / '.env'\n"
        f"open({str(places / 'seen')!r}, 'a').write(f'{{it.is_symlink()}} {{it.read_text()}} ')\n"
    )
    env.write_text(look + env.read_text())
    git(file_project, "add", "--all")
    file_project.environment["TMPDIR"] = str(places)
    code, printed = file_project.start_process([*STAGED], file_project.path)
    assert printed == GOOD
    assert code == 0
    assert (places / "seen").read_text() == "True secret "
    assert os.listdir(places) == ["seen"]
    assert secret.read_text() == "secret"


def test_a_folder_of_the_repository_may_be_the_project(
    file_project: PlainProject,
) -> None:
    """The models are imported from where Python finds them, but as they are staged."""
    begin(file_project)
    folder = file_project.path / "services" / "orders"
    folder.mkdir(parents=True)
    for name in ("alembic.ini", "models.py", "migrations"):
        git(file_project, "mv", name, f"services/orders/{name}")
    save(file_project, "Move")
    inner = PlainProject(folder, file_project.environment, url=file_project.url)
    assert inner.run(*STAGED) == GOOD
    add(inner, "address")
    git(inner, "add", "models.py")
    assert f"{MISSING}add_table address" in failed(inner)


def test_an_absolute_place_is_refused(file_project: PlainProject) -> None:
    begin(file_project)
    ini = file_project.path / "alembic.ini"
    place = f"{file_project.path}/migrations"
    ini.write_text(ini.read_text().replace("%(here)s/migrations", place))
    git(file_project, "add", "--all")
    assert f"script_location of alembic.ini is {place}" in failed(file_project)


@pytest.mark.full
def test_a_merge_and_a_clean_branch_pass(file_project: PlainProject) -> None:
    mine, _ = two_branches(file_project)
    assert file_project.run(*STAGED) == GOOD
    git(file_project, "merge", "main", code=1)
    file_project.run("steady", "rebase")
    git(file_project, "add", "--all")
    assert file_project.run(*STAGED) == GOOD
    save(file_project, "Merge")
    switch(file_project, "main")
    assert file_project.run(*STAGED) == GOOD
    assert head(file_project) != [mine]


@pytest.mark.full
def test_a_merge_of_branches_without_the_file_is_refused(
    file_project: PlainProject,
) -> None:
    begin(file_project)
    (file_project.path / "migrations" / "head.txt").unlink()
    save(file_project, "Without")
    for name in ("address", "phone"):
        git(file_project, "switch", "--quiet", "--create", name, "main")
        model = TABLE.format(name=name.capitalize(), table=name)
        file_project.change_models({f"# {name}\n": f"{model}\n"})
        file_project.revise(f"Add {name}")
        save(file_project, f"Add {name}")
    git(file_project, "merge", "--quiet", "address")
    assert failed(file_project).startswith("there are 2 heads: ")


def test_outside_of_git_it_says_so(file_project: PlainProject) -> None:
    assert failed(file_project) == "this is no git repository"
    assert not Path(file_project.path, ".git").exists()
