"""`steady squash`: one revision in place of many, for databases old and new."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import harness
import pytest
import sqlalchemy as sa
from harness import DRIVERS, PlainProject
from test_cost import build

from tests import servers
from tests.conftest import TOOLS, commit
from tests.revisions import CLEAN, NOTE, revision_id, write_history

MODELS = (
    harness.MODELS
    + """\
    name: Mapped[str | None] = mapped_column(sa.String(50), index=True)
    age: Mapped[int | None]
"""
)
BATCH = 'with op.batch_alter_table("user") as batch:\n    batch.'
WIDER = 'alter_column("name", type_=sa.String(50), existing_type=sa.String(20))'
STEPS = (
    (
        'op.create_table("user", sa.Column("id", sa.Integer, primary_key=True))',
        'op.drop_table("user")',
    ),
    (
        f'{BATCH}add_column(sa.Column("name", sa.String(20)))',
        f'{BATCH}drop_column("name")',
    ),
    (
        'op.bulk_insert(sa.table("user", sa.column("name")), [{"name": "Ada"}])',
        'op.execute(sa.table("user").delete())',
    ),
    (
        f'{BATCH}{WIDER}\nop.create_index("ix_user_name", "user", ["name"])',
        'op.drop_index("ix_user_name", "user")',
    ),
    (f'{BATCH}add_column(sa.Column("age", sa.Integer))', f'{BATCH}drop_column("age")'),
)
FOURTH = revision_id(4)


def begin(project: PlainProject) -> None:
    """Write a history of five revisions, and commit it."""
    project.models.write_text(MODELS)
    write_history(project, *STEPS)
    (project.path / ".gitignore").write_text("*.db\n__pycache__\n")
    project.environment |= {
        f"GIT_{who}_{what}": "me@example.org"
        for who in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
    subprocess.run(["git", "init", "--quiet", project.path], check=True)
    save(project)


def save(project: PlainProject) -> None:
    """Commit all files."""
    commit(project.path, project.environment, "All")


def files(project: PlainProject) -> dict[str, bytes]:
    """Return the files of the revisions and the settings."""
    found = [
        *project.path.glob("migrations/versions/*.*"),
        project.path / "pyproject.toml",
    ]
    return {it.name: it.read_bytes() for it in found if it.exists()}


def refused(project: PlainProject, *told: str, revision: str = FOURTH) -> str:
    """Return the line with which `squash` ends, and see that it changes no file."""
    before = files(project)
    *_, line = project.run("steady", *told, "squash", revision, code=255).splitlines()
    assert line.startswith("FAILED: ") and files(project) == before
    return line


@pytest.mark.full
def test_it_builds_the_same_and_others_need_nothing(project: PlainProject) -> None:
    begin(project)
    project.run("steady", "create")
    project.run("alembic", "upgrade", FOURTH)
    printed = project.run("steady", "squash", FOURTH)
    new, last = sorted(
        project.revisions(), key=lambda it: it.stem != f"{FOURTH}_squashed"
    )
    assert new.stem == f"{FOURTH}_squashed" and last.stem == f"{revision_id(5)}_step"
    assert "Removed the 3 revisions before it" in printed
    assert printed.endswith(f"will not have:\n\n  {revision_id(3)} Step 3\n")

    # The database that was there goes on, and keeps its row.
    project.run("alembic", "upgrade", "head")
    assert project.run("alembic", "check") == NOTE + CLEAN
    assert "no drift" in project.run("steady", "drift")
    engine = sa.create_engine(project.url)
    with engine.connect() as connection:
        table = sa.table("user", sa.column("name"))
        assert connection.scalar(sa.select(table.c.name)) == "Ada"
    engine.dispose()
    project.run("alembic", "downgrade", "-1")
    project.run("alembic", "upgrade", "head")


def test_a_new_database_is_the_same(file_project: PlainProject) -> None:
    begin(file_project)
    # As an editor on Windows may leave it.
    (file_project.path / "pyproject.toml").write_bytes(
        b'[tool.alembic-steady]\r\nminimum_sql_revision = "000000000003"\r\n'
    )
    save(file_project)
    file_project.run("steady", "squash", "head")
    (new,) = file_project.revisions()
    assert new.stem == f"{revision_id(5)}_squashed"
    assert (file_project.path / "pyproject.toml").read_text() == (
        '[tool.alembic-steady]\nminimum_downgrade_revision = "000000000005"\n'
        'minimum_sql_revision = "000000000005"\n'
    )
    file_project.run("alembic", "upgrade", "head")
    assert file_project.run("alembic", "check") == NOTE + CLEAN
    assert "no drift" in file_project.run("steady", "drift")
    # It can be squashed again, once there are others after it.
    assert "there is nothing to squash" in refused(file_project, revision="head")
    file_project.models.write_text(MODELS + "    code: Mapped[int | None]\n")
    file_project.revise("Code")
    save(file_project)
    file_project.run("alembic", "upgrade", "head")
    file_project.run("steady", "squash", "head")
    assert len(file_project.revisions()) == 1
    assert file_project.run("alembic", "check") == NOTE + CLEAN


def test_a_database_that_is_behind_is_named(
    file_project: PlainProject, tmp_path: Path
) -> None:
    begin(file_project)
    file_project.run("alembic", "upgrade", "+2")
    line = refused(file_project)
    assert f"app.db is at {revision_id(2)}, which would be gone: upgrade it to" in line
    file_project.run("alembic", "upgrade", "head")
    other = tmp_path / "other.db"
    other.write_bytes((tmp_path / "app.db").read_bytes())
    file_project.run("alembic", "downgrade", "-2")
    told = ("-x", f"database=sqlite:///{other}")
    assert f"app.db is at {revision_id(3)}" in refused(file_project, *told)
    other.write_bytes((tmp_path / "app.db").read_bytes())
    file_project.run("alembic", "upgrade", "head")
    assert f"other.db is at {revision_id(3)}" in refused(file_project, *told)


def test_nothing_is_removed_that_git_does_not_have(file_project: PlainProject) -> None:
    begin(file_project)
    revision = file_project.revisions()[1]
    revision.write_text(f"{revision.read_text()}\n")
    assert f"commit migrations/versions/{revision.name} first" in refused(file_project)
    save(file_project)
    (file_project.path / ".git").rename(file_project.path / "no_git")
    assert "this is no git repository" in refused(file_project)


def test_a_branch_inside_is_named(file_project: PlainProject) -> None:
    begin(file_project)
    file_project.run(
        *("alembic", "revision", "--splice", "-m", "Branch", "--head", revision_id(2))
    )
    save(file_project)
    assert f"follows {revision_id(2)}, which would be gone" in refused(file_project)
    file_project.run("steady", "squash", revision_id(2))


def test_what_would_differ_changes_nothing(
    file_project: PlainProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a dump leaves out what the scratch database refuses."""
    from alembic_steady.adapters.sqlite.adapter import SQLiteAdapter

    begin(file_project)
    whole = SQLiteAdapter.dump

    def part(self: SQLiteAdapter, *told: object) -> object:
        found = whole(self, *told)  # type: ignore[arg-type]
        found.entries = [it for it in found.entries if it.kind != "index"]
        return found

    monkeypatch.setattr(SQLiteAdapter, "dump", part)
    assert "and nothing has changed: " in refused(file_project)


def measured(project: PlainProject) -> dict[str, float]:
    """Return how long it takes to build a new database, and to check, in seconds."""
    found = {}
    for name, command in {"upgrade": ("upgrade", "head"), "check": ("check",)}.items():
        begun = time.perf_counter()
        subprocess.run(
            [TOOLS / "alembic", *command],
            cwd=project.path,
            env=project.environment,
            check=True,
            capture_output=True,
        )
        found[name] = time.perf_counter() - begun
    return found


@pytest.mark.soak
@pytest.mark.parametrize("driver", ["sqlite", "psycopg"])
def test_a_thousand_revisions_become_one(
    request: pytest.FixtureRequest,
    new_project: Callable[..., PlainProject],
    tmp_path: Path,
    driver: str,
) -> None:
    project = new_project(f"sqlite:///{tmp_path / 'app.db'}")
    if driver == "psycopg":
        server: servers.Postgres = request.getfixturevalue("any_postgres")
        project.url = server.url(DRIVERS[driver], "orders")
        ini = project.path / "alembic.ini"
        old = f"sqlite:///{tmp_path / 'app.db'}"
        ini.write_text(ini.read_text().replace(old, str(project.url)))
    begin(project)
    build(project, 100, 1_000)
    save(project)
    project.run("steady", "create")
    before = measured(project)
    project.run("steady", "squash", "head")
    if driver == "psycopg":
        server.drop("orders")
    else:
        (tmp_path / "app.db").unlink()
    project.run("steady", "create")
    after = measured(project)
    print({name: f"{before[name]:.1f} s, {after[name]:.1f} s" for name in before})
    assert after["upgrade"] < before["upgrade"] / 2
    assert after["check"] < before["check"]
