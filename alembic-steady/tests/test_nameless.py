"""Constraints without a name, as most databases made by hand have them on SQLite.

A naming convention gives them one in the models, and SQLAlchemy has no way to say that they
have none.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from alembic.config import Config
from harness import PlainProject

from alembic_steady.configure import configure_options
from alembic_steady.scope import Scope
from alembic_steady.settings import Settings
from tests.revisions import CLEAN, NOTE

MODELS = """\
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.sql.elements import conv


class Base(DeclarativeBase):
    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Parent(Base):
    __tablename__ = "parent"

    id: Mapped[int] = mapped_column(sa.Integer, primary_key=True)
    code: Mapped[str | None] = mapped_column(sa.Text, unique=True)


class Child(Base):
    __tablename__ = "child"
    __table_args__ = (
        sa.CheckConstraint("a > b", name="more"),
        sa.CheckConstraint("c <> ''", name="filled"),
        sa.UniqueConstraint("c", "a"),
        sa.UniqueConstraint("a", name=conv("single")),
    )

    a: Mapped[int] = mapped_column(sa.Integer, primary_key=True)
    b: Mapped[int] = mapped_column(
        sa.ForeignKey("parent.id", ondelete="CASCADE"), primary_key=True
    )
    c: Mapped[str | None] = mapped_column(sa.Text)
    d: Mapped[bool | None] = mapped_column(
        sa.Boolean(create_constraint=True, name="bool")
    )
    old: Mapped[str | None] = mapped_column(sa.Text)
"""
BY_HAND = (
    "CREATE TABLE parent (id INTEGER PRIMARY KEY, code TEXT UNIQUE)",
    (
        "CREATE TABLE child (a INTEGER NOT NULL, b INTEGER NOT NULL REFERENCES parent"
        " ON DELETE CASCADE, c TEXT CHECK (c <> ''), d BOOLEAN CHECK (d IN (0, 1)),"
        " old TEXT, CHECK (a > b), PRIMARY KEY (a, b), UNIQUE (c, a),"
        " CONSTRAINT single UNIQUE (a))"
    ),
    "CREATE TRIGGER kept AFTER DELETE ON parent BEGIN SELECT 1; END",
)
ROWS = (
    "INSERT INTO parent VALUES (1, 'x'), (2, 'y')",
    "INSERT INTO child VALUES (5, 1, 'c', 1, 'o'), (6, 2, 'd', NULL, NULL)",
)
# What is written instead of what in the models, and the kinds of parts that differ then.
CHANGES = {
    "nothing": ("", "", set()),
    "foreign key": ('ondelete="CASCADE"', 'ondelete="SET NULL"', {"foreign key"}),
    "check": ('"a > b"', '"a >= b"', {"check"}),
    "unique": ('"c", "a"', '"a", "c"', {"unique constraint"}),
    "explicit": ('("c", "a"', '("c", "a", name="mine"', {"unique constraint"}),
    "conv": ('("c", "a"', '("c", "a", name=conv("mine")', {"unique constraint"}),
    "rename": ('conv("single")', 'conv("alone")', {"unique constraint"}),
    "type's check": ("sa.Boolean(create_constraint=True, ", "sa.Boolean(", {"check"}),
    "column": (
        "    old: Mapped[str | None] = mapped_column(sa.Text)\n",
        "",
        {"column"},
    ),
    "added": (
        "    old:",
        "    new: Mapped[int | None] = mapped_column(sa.Integer)\n    old:",
        {"column"},
    ),
}


@contextmanager
def database(*statements: str) -> Iterator[sa.Connection]:
    """Open a database in memory that statements have built."""
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
        yield connection
    engine.dispose()


@pytest.mark.parametrize("name", CHANGES)
def test_only_names_of_a_convention_do_not_count(name: str) -> None:
    old, new, expected = CHANGES[name]
    module: dict[str, object] = {"__name__": "models"}
    text = MODELS.replace(old, new) if old else MODELS
    exec(compile(text, "models", "exec", dont_inherit=True), module)
    base: type[sa.orm.DeclarativeBase] = module["Base"]  # type: ignore[assignment]
    settings = Settings(base.metadata, Config(), given_dialect_name="sqlite")
    with database(*BY_HAND) as connection, database() as other:
        base.metadata.create_all(other)
        scope = Scope(settings, configure_options(settings), connection)
        before, after = scope.describe(connection), scope.describe(other)
        for one, two in ((before, after), (after, before)):
            found = scope.differences(one, two)
            assert {key.kind for key in found} == expected
            assert len(found) <= 2
        # What the revisions have named has to get its name back.
        assert len(scope.differences(before, after, is_named=True)) > 2


def execute(project: PlainProject, *statements: str) -> None:
    """Run statements on the project's database."""
    engine = sa.create_engine(project.url)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def rows(project: PlainProject) -> dict[str, list[tuple[object, ...]]]:
    """Return the rows of all tables, and what SQLite has stored of them."""
    engine = sa.create_engine(project.url)
    queries = {
        "child": "SELECT a, b, c, d FROM child",
        "parent": "SELECT * FROM parent",
        "stored": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    }
    with engine.connect() as connection:
        return {
            name: [tuple(row) for row in connection.exec_driver_sql(query)]
            for name, query in queries.items()
        }


@pytest.mark.full
@pytest.mark.parametrize("name", ["foreign key", "column", "added"])
def test_a_change_is_written_alone(file_project: PlainProject, name: str) -> None:
    """Whatever else has no name stays, and no row is lost."""
    project = file_project
    project.models.write_text(MODELS)
    project.run("alembic", "revision", "-m", "by hand")
    (written,) = project.revisions()
    lines = "".join(f"    op.execute({statement!r})\n" for statement in BY_HAND)
    written.write_text(written.read_text().replace("    pass\n", lines, 1))
    project.run("steady", "create")
    project.run("alembic", "upgrade", "head")
    execute(project, *ROWS)
    before = rows(project)
    assert project.run("alembic", "check") == NOTE + CLEAN
    assert CLEAN in project.run("alembic", "-x", "live", "check")
    assert project.run("steady", "drift").endswith(":\nno drift\n")
    old, new, _ = CHANGES[name]
    project.change_models({old: new})
    told = project.run("alembic", "revision", "--autogenerate", "-m", "changed")
    assert "ran up, down and up" in told
    for way in ("upgrade head", "downgrade -1", "upgrade head"):
        project.run("alembic", *way.split())
        assert rows(project) == before
        assert project.run("steady", "drift").endswith(":\nno drift\n")
    assert project.run("alembic", "check") == NOTE + CLEAN
    assert CLEAN in project.run("alembic", "-x", "live", "check")
