"""Nothing is lost by what autogenerate writes, and nothing is silently left out."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from harness import USERNAME
from harness import PlainProject as Project

from tests import servers
from tests.revisions import operations

ONLY_MODELS = """\
def is_wanted(thing, name, kind, is_reflected, other):
    return not (is_reflected and other is None)
"""
OTHER_SCHEMA = """

class Entry(Base):
    __tablename__ = "entry"
    __table_args__ = {"schema": "audit"}

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(sa.String(10))
"""
SEVERAL = """

class Other(DeclarativeBase):
    pass


class Thing(Other):
    __tablename__ = "thing"

    id: Mapped[int] = mapped_column(sa.Sequence("shared"), primary_key=True)
    kind: Mapped[str] = mapped_column(sa.Enum("a", "b", name="kind"))
"""
KIND = """
    kind: Mapped[str] = mapped_column(sa.Enum("a", "b", name="kind"))
    number: Mapped[int] = mapped_column(sa.Integer, sa.Sequence("shared"))
"""


@pytest.fixture
def file_project(new_project: Callable[..., Project], tmp_path: Path) -> Project:
    """Return a project on SQLite, for what is the same on all databases."""
    return new_project(f"sqlite:///{tmp_path / 'app.db'}")


@pytest.fixture
def server_project(
    any_postgres: servers.Postgres, new_project: Callable[..., Project]
) -> Project:
    """Return a project on PostgreSQL."""
    return new_project(any_postgres.url("postgresql+psycopg", "orders"))


def tell(project: Project, definitions: str, options: str) -> None:
    """Write in env.py what is passed to `run_migrations`, and what that is."""
    env = project.path / "migrations" / "env.py"
    call = "run_migrations(target_metadata"
    env.write_text(env.read_text().replace(call, f"{definitions}\n\n{call}, {options}"))


def upgrade(project: Project) -> None:
    """Run all revisions on a database that is there, or is made."""
    project.run("steady", "create")
    project.run("alembic", "upgrade", "head")


def test_no_table_is_dropped_that_the_way_back_needs(server_project: Project) -> None:
    """Alembic does not look into the schema, and proposes to create the table again."""
    project = server_project
    tell(project, "", "include_schemas=False")
    project.add_to_models(OTHER_SCHEMA)
    project.revise("first")
    project.change_models({"sa.String(10)": "sa.String(20)"})
    project.revise("second")
    *_, second = project.revisions()
    assert "drop_table" not in second.read_text()
    upgrade(project)
    with sa.create_engine(project.url).begin() as connection:
        connection.execute(sa.text("INSERT INTO audit.entry VALUES (1, 'kept')"))
    project.run("alembic", "downgrade", "-1")
    with sa.create_engine(project.url).connect() as connection:
        assert connection.scalar(sa.text("SELECT text FROM audit.entry")) == "kept"


def test_values_of_a_column_that_becomes_computed_are_warned_of(
    project: Project,
) -> None:
    project.add_to_models("    total: Mapped[int | None] = mapped_column(sa.Integer)\n")
    project.revise("first")
    computed = 'sa.Integer, sa.Computed("21 * 2", persisted=True)'
    project.change_models({"mapped_column(sa.Integer)": f"mapped_column({computed})"})
    printed = project.revise("second")
    warning = "user.total becomes a computed column, and its values are lost"
    assert f"Warning: {warning}" in printed
    *_, second = project.revisions()
    assert f"# {warning}" in second.read_text()


def test_an_option_that_keeps_to_the_models_hides_no_change(project: Project) -> None:
    tell(project, ONLY_MODELS, "include_object=is_wanted")
    column = 'key_of: Mapped[str] = mapped_column("name", sa.String({}))\n'
    unique = "    __table_args__ = (sa.UniqueConstraint({}),)\n"
    project.add_to_models("    " + column.format(10) + unique.format('"name"'))
    project.revise("first")
    project.change_models(
        {"String(10)": "String(20)", 'Constraint("name")': 'Constraint("name", "id")'}
    )
    project.run("alembic", "check", code=255)
    project.revise("second")
    assert len(project.revisions()) == 2
    assert "No new upgrade operations" in project.run("alembic", "check")


def test_an_index_on_the_way_to_a_rename_is_no_constraint(
    file_project: Project,
) -> None:
    project = file_project
    project.add_to_models("    first: Mapped[str] = mapped_column(unique=True)\n")
    project.revise("first")
    changed = "second: Mapped[str] = mapped_column(unique=True, index=True)"
    project.change_models({"first: Mapped[str] = mapped_column(unique=True)": changed})
    project.revise("second", "-x", "rename=user.first:second")
    *_, second = project.revisions()
    assert "new_column_name" in second.read_text()
    assert "No new upgrade operations" in project.run("alembic", "check")


def test_what_is_refused_leaves_no_trace(
    file_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A compiled file of a refused revision would be one to Alembic."""
    project = file_project
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    project.revise("first")
    text = project.revisions()[0].read_text()
    insert = "    op.execute('INSERT INTO user VALUES (1)')\n    # ### end"
    project.revisions()[0].write_text(text.replace("    # ### end", insert, 1))
    project.add_to_models("    needed: Mapped[str]\n")
    known = {*(project.path / "migrations").rglob("*second*")}
    project.revise("second", code=255)
    assert {*(project.path / "migrations").rglob("*second*")} == known


def test_live_is_a_way_out_of_a_history_that_cannot_be_replayed(
    project: Project,
) -> None:
    project.revise("first")
    upgrade(project)
    (first,) = project.revisions()
    text = first.read_text().replace("    # ### commands", "    1 / 0\n    #", 1)
    first.write_text(text)
    assert "ZeroDivisionError" in project.run("alembic", "check", code=255)
    assert "No new upgrade" in project.run("alembic", "-x", "live", "check")
    project.add_to_models(USERNAME)
    project.revise("second", "-x", "live")
    second = {*project.revisions()} - {first}
    assert "op.add_column" in operations(second.pop(), "upgrade")


def test_tables_are_created_in_the_search_path(server_project: Project) -> None:
    project = server_project
    ini = project.path / "alembic.ini"
    url = project.url.update_query_dict({"options": "-csearch_path=app"})  # type: ignore[union-attr]
    told = url.render_as_string(hide_password=False).replace("%", "%%")
    ini.write_text(
        re.sub(
            "(?m)^sqlalchemy.url = .*$",
            lambda _: f"sqlalchemy.url = {told}",
            ini.read_text(),
        )
    )
    project.add_to_models(USERNAME)
    assert "ran up, down and up" in project.revise("first")
    assert "No new upgrade operations" in project.run("alembic", "check")
    *_, first = project.revisions()
    assert "schema=" not in first.read_text()


def test_models_of_several_kinds_share_types_and_sequences(
    server_project: Project,
) -> None:
    project = server_project
    env = project.path / "migrations" / "env.py"
    project.add_to_models(KIND + SEVERAL)
    text = env.read_text().replace("import Base", "import Base, Other")
    both = "[Base.metadata, Other.metadata]"
    env.write_text(
        text.replace("target_metadata = Base.metadata", f"target_metadata = {both}")
    )
    assert "ran up, down and up" in project.revise("first")
    assert "No new upgrade operations" in project.run("alembic", "check")
