"""Batch mode: SQLite can't change most of a table, so Alembic rebuilds it, at no loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
import sqlalchemy as sa
from harness import Project, Service

from tests.revisions import CLEAN, NOTE, add_revision

MODELS = '''\
"""A table to rebuild, with the one that it refers to and those that refer to it."""

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


class Team(Base):
    __tablename__ = "team"

    id: Mapped[int] = mapped_column(primary_key=True)


class User(Base):
    __tablename__ = "user"
    __table_args__ = (
        sa.CheckConstraint("amount >= 0 AND amount % 5 <> 3", name="in_fives"),
        sa.UniqueConstraint("team_id", "name"),
        sa.Index(None, "name", "amount"),
        sa.Index("ix_user_lower", sa.text("lower(name)")),
        sa.Index("ix_user_open", "name", unique=True, sqlite_where=sa.text("is_on")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    team_id: Mapped[int] = mapped_column(sa.ForeignKey("team.id"))
    boss_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("user.id", ondelete="SET NULL"), index=True
    )
    name: Mapped[str] = mapped_column(sa.String(50), unique=True)
    amount: Mapped[int] = mapped_column(server_default="15")
    text: Mapped[str] = mapped_column(server_default="it's 100% (b)")
    json: Mapped[str] = mapped_column(sa.JSON, server_default='{"a": "b"}')
    made_at: Mapped[str] = mapped_column(server_default=sa.func.current_timestamp())
    is_on: Mapped[bool] = mapped_column(server_default=sa.true())
    price: Mapped[float] = mapped_column(sa.Numeric(12, 4), server_default="-2.5")
    twice: Mapped[int] = mapped_column(sa.Computed("amount * 2"))
    note: Mapped[str] = mapped_column(
        sa.Computed("name || '(a'", persisted=True), index=True
    )
    width: Mapped[str | None] = mapped_column(sa.String(50))
    need: Mapped[str | None] = mapped_column(sa.String(50))
    given: Mapped[str] = mapped_column(server_default="old")
    gone: Mapped[str | None] = mapped_column(sa.String(50), index=True)
    code: Mapped[int | None]


class Order(Base):
    __tablename__ = "order"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user.id", ondelete="CASCADE"))


class Visit(Base):
    __tablename__ = "visit"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None] = mapped_column(
        sa.ForeignKey("user.name", ondelete="SET NULL", onupdate="CASCADE")
    )
'''
# What autogenerate can't write.
BY_HAND = """
    op.execute('CREATE VIEW names AS SELECT name FROM "user"')
    op.execute('CREATE TRIGGER more AFTER INSERT ON "order" BEGIN'
               ' UPDATE "user" SET amount = amount + 5 WHERE id = new.user_id; END')
    op.execute('CREATE TRIGGER less AFTER UPDATE OF is_on ON "user" BEGIN'
               ' INSERT INTO visit (name) VALUES (new.name); END')
"""
ROWS = """\
INSERT INTO team (id) VALUES (1), (2);
INSERT INTO "user" (team_id, name, need, gone) VALUES
    (1, 'Ann', 'a', 'x'), (2, 'Bob', 'b', 'y'), (2, 'Cid', 'c', 'z'), (2, 'Dan', 'd', 'z');
UPDATE "user" SET boss_id = 1 WHERE id > 1;
DELETE FROM "user" WHERE id = 4;
INSERT INTO "order" (user_id) VALUES (1), (1), (2);
INSERT INTO visit (name) VALUES ('Ann'), ('Bob'), (NULL);
UPDATE "user" SET is_on = 0 WHERE id = 3;
"""
MORE_ROWS = """\
INSERT INTO "order" (user_id) VALUES (3);
UPDATE "user" SET name = 'Anna' WHERE id = 1;
UPDATE "user" SET is_on = 0 WHERE id = 1;
"""
WITHOUT_ANN = """\
DELETE FROM "user" WHERE name = 'Anna';
INSERT INTO "user" (team_id, name) VALUES (1, 'Eve');
"""
# How the table is changed in each revision, by names that stand in all that may differ.
CHANGES = {
    "width need given": {
        "width: Mapped[str | None] = mapped_column(sa.String(50))": (
            "width: Mapped[str | None] = mapped_column(sa.String(80))"
        ),
        "need: Mapped[str | None]": "need: Mapped[str]",
        'server_default="old"': 'server_default="new"',
    },
    "gone": {
        "    gone: Mapped[str | None] = mapped_column(sa.String(50), index=True)\n": ""
    },
    "few code": {
        'sa.UniqueConstraint("team_id", "name")': (
            'sa.CheckConstraint("amount < 1000", name="few"),\n'
            '        sa.UniqueConstraint("team_id", "name")'
        ),
        "code: Mapped[int | None]": (
            "code: Mapped[int | None] = mapped_column(unique=True)"
        ),
    },
}
ASPECTS: dict[str, Callable[[sa.Inspector, str], object]] = {
    "column": sa.Inspector.get_columns,
    "primary key": sa.Inspector.get_pk_constraint,
    "unique constraint": sa.Inspector.get_unique_constraints,
    "foreign key": sa.Inspector.get_foreign_keys,
    "check": sa.Inspector.get_check_constraints,
    "options": sa.Inspector.get_table_options,
}


@contextmanager
def opened(service: Service) -> Iterator[sa.Connection]:
    """Open the database as tests do, with SQLite's own defaults."""
    engine = sa.create_engine(service.url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def describe(service: Service) -> set[str]:
    """Return all that SQLite and SQLAlchemy tell of tables, but for their pages and SQL."""
    lines = set()
    with opened(service) as connection:
        query = connection.exec_driver_sql
        inspector = sa.inspect(connection)
        for table in inspector.get_table_names():
            for _, *column in query(f'PRAGMA table_xinfo("{table}")'):
                lines.add(f"{table} column {column}")
            for _, _, *key in query(f'PRAGMA foreign_key_list("{table}")'):
                lines.add(f"{table} foreign key {key}")
            # Those that SQLite makes itself have numbers for names.
            for _, name, *index in query(f'PRAGMA index_list("{table}")'):
                parts = [part[2:] for part in query(f'PRAGMA index_xinfo("{name}")')]
                lines.add(f"{table} index {name.rstrip('0123456789')} {index} {parts}")
            for aspect, get in ASPECTS.items():
                told: object = []
                with suppress(NotImplementedError):  # options, by SQLAlchemy 2.0
                    told = get(inspector, table)
                for part in told if isinstance(told, list) else [told]:
                    lines.add(f"{table} {aspect} {part}")
        for kind, name, sql in query("SELECT type, name, sql FROM sqlite_master"):
            if kind != "table" and sql:
                lines.add(f"{kind} {name}: {sql}")
        assert query("PRAGMA foreign_key_check").all() == []
        assert query("PRAGMA integrity_check").scalar() == "ok"
    return lines


def cells(service: Service) -> set[tuple[object, ...]]:
    """Return what stands in all rows, but for the column that is dropped."""
    with opened(service) as connection:
        tables = ("team", "user", "order", "visit", "names")
        return {
            (table, number, column, value)
            for table in tables
            for number, row in enumerate(
                connection.exec_driver_sql(f'SELECT * FROM "{table}"').mappings()
            )
            for column, value in row.items()
            if column != "gone"
        }


def root_page(service: Service) -> int:
    """Return where in the file the table begins: elsewhere, once it is rebuilt."""
    query = "SELECT rootpage FROM sqlite_master WHERE name = 'user' AND type = 'table'"
    with opened(service) as connection:
        return int(connection.exec_driver_sql(query).scalar_one())


BY_THE_APPLICATION = """
import sys

from app.database import engine

with engine.begin() as connection:
    for statement in sys.argv[1].split(";")[:-1]:
        connection.exec_driver_sql(statement)
"""


def write(service: Service, statements: str) -> None:
    """Let the application's engine run statements, with foreign keys on."""
    service.project.run("python", "-c", BY_THE_APPLICATION, statements)


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection")
def test_a_rebuilt_table_differs_by_the_change_alone(
    copied: Callable[[str], Project],
) -> None:
    """With children, keys, indexes, defaults, checks, triggers, a view and the rows."""
    project = copied("sqlite")
    service = Service(project)
    for revision in project.revisions():
        revision.unlink()
    (project.models).write_text(MODELS)
    project.revise("Begin")
    add_revision(project, "by_hand", None, BY_HAND)
    project.run("alembic", "upgrade", "head")
    write(service, ROWS)
    for names, replaced in CHANGES.items():
        project.change_models(replaced)
        project.revise(names)

    steps, rows = [describe(service)], cells(service)
    for names in CHANGES:
        page = root_page(service)
        project.run("alembic", "upgrade", "+1")
        assert root_page(service) != page
        steps.append(describe(service))
        differences = steps[-2] ^ steps[-1]
        for name in names.split():
            of_this = {line for line in differences if name in line}
            assert of_this
            differences -= of_this
        assert not differences
        assert cells(service) == rows
    assert [line for line in project.compare_with_created() if line[0] in "+-~"] == [
        "+ view names (not owned: no revision creates it)"
    ]
    assert project.run("alembic", "check").endswith(NOTE + CLEAN)
    write(service, MORE_ROWS)
    rows = cells(service)
    for _ in CHANGES:
        project.run("alembic", "downgrade", "-1")
        steps.pop()
        assert describe(service) == steps[-1]
        assert cells(service) == rows
    write(service, WITHOUT_ANN)
    assert service.rows("order") == [(3, 2), (4, 3)]
    visitors = [name for _, name in service.rows("visit")]
    assert visitors == [None, "Bob", None, "Cid", None]
    bosses = {row[0]: row[2] for row in service.rows("user")}
    assert bosses == {2: None, 3: None, 4: None}


FAMILY = """
    op.create_table("parent", sa.Column("id", sa.Integer, primary_key=True),
                    sa.Column("note", sa.String(9)))
    for name, action in (("doomed", "CASCADE"), ("freed", "SET NULL")):
        key = sa.ForeignKey("parent.id", ondelete=action)
        op.create_table(name, sa.Column("parent_id", sa.Integer, key))
"""
REBUILD = """
    with op.batch_alter_table("parent") as batch_op:
        batch_op.alter_column("note", type_=sa.String(20), existing_type=sa.String(9))
"""
UPGRADE = """
import asyncio

from alembic import command
from alembic.config import Config

from sqlalchemy import event
from sqlalchemy.ext.asyncio import create_async_engine

from app.database import engine

config = Config("alembic.ini")


def enforce(connection, _record):
    connection.execute("PRAGMA foreign_keys = ON")


def upgrade(connection=None):
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def enforces(connection):
    return connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


async def upgrade_async():
    asynchronous = create_async_engine(engine.url.set(drivername="sqlite+aiosqlite"))
    event.listen(asynchronous.sync_engine, "connect", enforce)
    async with asynchronous.connect() as connection:
        await connection.run_sync(upgrade)
    async with asynchronous.connect() as connection:
        assert await connection.run_sync(enforces)
    await asynchronous.dispose()


def upgrade_sync():
    with engine.connect() as connection:
        upgrade(connection)


def see_it_enforce():
    with engine.connect() as connection:
        assert enforces(connection)
"""
# What Alembic is given for a connection, and the statements that do so.
GIVEN = {
    "none": "upgrade(); see_it_enforce()",
    "engine": "upgrade(engine); see_it_enforce()",
    "connection": "upgrade_sync(); see_it_enforce()",
    "async connection": "asyncio.run(upgrade_async())",
}


@pytest.mark.parametrize("given", GIVEN)
def test_children_of_a_rebuilt_table_stay(
    copied: Callable[[str], Project], given: str
) -> None:
    """Also on a connection of the application, where foreign keys are on."""
    service = Service(copied("sqlite"))
    add_revision(service.project, "family", None, FAMILY)
    add_revision(service.project, "rebuild", "family", REBUILD)
    service.project.run("alembic", "upgrade", "family")
    for table in ("parent (id)", "doomed (parent_id)", "freed (parent_id)"):
        service.execute(f"INSERT INTO {table} VALUES (7)")
    service.project.run("python", "-c", UPGRADE + GIVEN[given])
    assert service.rows("alembic_version") == [("rebuild",)]
    for table in ("doomed", "freed"):
        assert service.rows(table) == [(7,)]


COMPUTED = """
    op.create_table("sum", sa.Column("a", sa.Integer),
                    sa.Column("b", sa.Numeric(12, 4), sa.Computed("(a + 1) * 2")))
    op.add_column("sum", sa.Column("c", sa.Integer, sa.Computed("a + (3)")))
    op.add_column("sum", sa.Column("d", sa.Text, sa.Computed("'(' || a || c")))
    op.execute("INSERT INTO sum (a) VALUES (1)")
    with op.batch_alter_table("sum") as batch_op:
        batch_op.alter_column("a", nullable=False)
"""


def test_computed_columns_come_over_wherever_they_stand(
    copied: Callable[[str], Project],
) -> None:
    """SQLite adds a column on the line of the last one."""
    service = Service(copied("sqlite"))
    add_revision(service.project, "computed", None, COMPUTED)
    service.project.run("alembic", "upgrade", "head")
    service.execute("UPDATE sum SET a = 2")
    assert service.rows("sum") == [(2, 6, 5, "(25")]
