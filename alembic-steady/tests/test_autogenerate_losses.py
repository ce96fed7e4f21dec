"""Nothing is lost by what autogenerate writes, and nothing is silently left out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from harness import USERNAME, migrate, tell
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
RENAMED = """
    name: Mapped[str] = mapped_column(sa.String(10), unique=True)
    age: Mapped[int | None] = mapped_column(server_default="7")
    boss_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("user.id", ondelete="SET NULL"), index=True
    )

    __table_args__ = (sa.CheckConstraint("age > 0", name="ck_age"),)


class Visit(Base):
    __tablename__ = "visit"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user.id"))
    title: Mapped[str | None] = mapped_column(sa.String(20))
"""
REFERRING = """
    name: Mapped[str] = mapped_column(sa.String(10))
    user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user.id"))
    {}
    __table_args__ = (sa.UniqueConstraint({}), sa.CheckConstraint("name <> '{}'"))
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
def server_project(
    any_postgres: servers.Postgres, new_project: Callable[..., Project]
) -> Project:
    """Return a project on PostgreSQL."""
    return new_project(any_postgres.url("postgresql+psycopg", "orders"))


@contextmanager
def project_database(project: Project) -> Iterator[sa.Connection]:
    """Connect to the project's database, which is made if there is none."""
    project.run("steady", "create")
    engine = sa.create_engine(project.url)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


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
    migrate(project)
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


def test_what_is_renamed_is_changed_in_the_same_revision(
    file_project: Project,
) -> None:
    """What Alembic changes of a table is not written where a rebuild has to do the rest."""
    project = file_project
    project.add_to_models(RENAMED)
    project.revise("first")
    migrate(project)
    rows = (
        "INSERT INTO user VALUES (1, 'a', 5, NULL)",
        "INSERT INTO visit (id, user_id) VALUES (1, 1)",
    )
    with project_database(project) as connection:
        for row in rows:
            connection.exec_driver_sql(row)
    project.change_models(
        {
            "name: Mapped[str]": "login: Mapped[str]",
            "age: Mapped": "years: Mapped",
            '"7"': '"8"',
            '"age > 0", name="ck_age"': '"years > 0", name="ck_years"',
            "user_id: Mapped[int]": "owner_id: Mapped[int]",
            "String(20)": "String(30)",
            '"user.id"))\n    title': ('"user.id", ondelete="CASCADE"))\n    title'),
        }
    )
    renames = "user.name:login", "user.age:years", "visit.user_id:owner_id"
    project.revise(
        "second", *(word for it in renames for word in ("-x", f"rename={it}"))
    )
    *_, second = project.revisions()
    text = second.read_text()
    assert text.count("new_column_name=") == 2 * len(renames)
    for once in ("create_check_constraint('ck_years'", "server_default='8'"):
        assert text.replace('"', "'").count(once) == 1
    migrate(project)
    assert "No new upgrade operations" in project.run("alembic", "check")
    project.run("alembic", "downgrade", "-1")
    with project_database(project) as connection:
        assert connection.exec_driver_sql("SELECT name, age FROM user").one() == (
            "a",
            5,
        )
        assert connection.exec_driver_sql("SELECT user_id FROM visit").scalar() == 1


def test_a_column_of_others_stays_where_its_table_changes(project: Project) -> None:
    """The table is rebuilt, since its constraints have no names."""
    tell(project, ONLY_MODELS, "include_object=is_wanted")
    theirs = "theirs: Mapped[str | None] = mapped_column(sa.String(5), unique=True)"
    project.add_to_models(REFERRING.format(theirs, '"name"', 1))
    project.revise("first")
    migrate(project)
    user = sa.table("user", *map(sa.column, ("id", "name", "theirs")))
    with project_database(project) as connection:
        connection.execute(sa.insert(user).values(id=2, name="a", theirs="kept"))
    project.change_models(
        {
            theirs: "",
            '"name")': '"name", "id")',
            "'1'": "'0'",
            '"user.id")': ('"user.id", ondelete="CASCADE")'),
        }
    )
    project.revise("second")
    migrate(project)
    assert "No new upgrade operations" in project.run("alembic", "check")
    project.run("alembic", "downgrade", "-1")
    with project_database(project) as connection:
        assert connection.scalar(sa.select(user.c.theirs)) == "kept"


def test_no_table_of_another_database_is_passed_over(file_project: Project) -> None:
    project = file_project
    project.add_to_models(USERNAME + OTHER_SCHEMA)
    printed = project.revise("first", code=255)
    assert "FAILED: table audit.entry is in another database" in printed
    assert not project.revisions()
    own = "def is_own(thing, name, kind, *_):\n    return kind != 'table' or not thing.schema"
    tell(project, own, "include_object=is_own")
    project.revise("first")
    assert "entry" not in project.revisions()[0].read_text()


def test_a_schema_that_others_use_is_kept(server_project: Project) -> None:
    project = server_project
    project.add_to_models(OTHER_SCHEMA)
    with project_database(project) as connection:
        connection.exec_driver_sql("CREATE SCHEMA audit")
        connection.exec_driver_sql("CREATE TABLE audit.theirs (id int)")
    assert "ran up, down and up" in project.revise("first")
    migrate(project)
    project.run("alembic", "downgrade", "base")
    project.run("alembic", "upgrade", "head")
    with project_database(project) as connection:
        assert sa.inspect(connection).has_table("theirs", "audit")


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
    migrate(project)
    (first,) = project.revisions()
    text = first.read_text().replace("    # ### commands", "    1 / 0\n    #", 1)
    first.write_text(text)
    assert "ZeroDivisionError" in project.run("alembic", "check", code=255)
    printed = project.run("alembic", "-x", "live", "check")
    assert "No new upgrade" in printed
    assert "Note: Alembic's own rules compare here: " in printed
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
