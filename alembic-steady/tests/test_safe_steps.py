"""Constraints and values that are added while others go on: `add_…`, `set_not_null`, `backfill`."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from harness import DRIVERS, PlainProject

from alembic_steady import backfilling
from alembic_steady.adapters import adapter_for
from alembic_steady.adapters.postgresql import retry
from tests import servers
from tests.revisions import CLEAN, DRIFT, NOTE, write_history

MODELS = """\
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    metadata = sa.MetaData(naming_convention={
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
    })


class User(Base):
    __tablename__ = "user"
    __table_args__ = (sa.CheckConstraint("age >= 0", name="age"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    age: Mapped[int]
    code: Mapped[str | None] = mapped_column(sa.String(9), unique=True)
    boss: Mapped[int | None] = mapped_column(sa.ForeignKey("user.id"))
"""
TABLE = """
op.create_table("user", sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("age", sa.Integer), sa.Column("code", sa.String(9)), sa.Column("boss", sa.Integer))
"""
ROWS = "INSERT INTO {} (id, age, code, boss) VALUES (1, 30, 'a', NULL), (2, 40, 'b', 1)"
STEPS = {
    "add_foreign_key": (
        'add_foreign_key(None, "user", "user", ["boss"], ["id"])',
        'op.drop_constraint(op.f("fk_user_boss"), "user", type_="foreignkey")',
        "UPDATE {} SET boss = 7 WHERE id = 2",
    ),
    "add_check": (
        'add_check("age", "user", "age >= 0")',
        'op.drop_constraint(op.f("ck_user_age"), "user", type_="check")',
        "UPDATE {} SET age = -1 WHERE id = 2",
    ),
    "add_unique": (
        'add_unique(op.f("uq_user_code"), "user", ["code"])',
        'op.drop_constraint(op.f("uq_user_code"), "user", type_="unique")',
        "UPDATE {} SET code = 'a'",
    ),
    "set_not_null": (
        'set_not_null("user", "age", existing_type=sa.Integer(), nullable=False)',
        'op.alter_column("user", "age", existing_type=sa.Integer(), nullable=True)',
        "UPDATE {} SET age = NULL WHERE id = 2",
    ),
}
"""For each helper its call, the downgrade, and rows that are in the way."""
FILL = """
from alembic_steady import backfill
backfill("user", {"code": "concat('c:', id, '%')"}, where="code IS NULL", batch=100)
"""
MANY = "INSERT INTO {} (id, age) VALUES " + ", ".join(
    f"({it}, {it})" for it in range(3, 1004)
)
CHANGES = re.compile(r"^ALTER TABLE .*?;$", re.MULTILINE | re.DOTALL)


def history(project: PlainProject, *names: str) -> None:
    """Write a table, and a revision for each of some helpers."""
    project.models.write_text(MODELS)
    is_file = str(project.url).startswith("sqlite")
    steps: list[str | tuple[str, str]] = [TABLE]
    for name in names:
        call, undo, _ = STEPS[name]
        if is_file:
            undo = undo.replace('"user", ', "").replace(', "user"', "")
            undo = f'with op.batch_alter_table("user") as op_:\n    {undo}'
            undo = undo.replace("    op.", "    op_.")
        steps.append((f"from alembic_steady import {name}\n{call}", undo))
    write_history(project, *steps)


def execute(project: PlainProject, statement: str) -> None:
    """Run a statement on the table, in the database's spelling of its name."""
    engine = sa.create_engine(project.url)
    with engine.begin() as connection:
        quote = connection.dialect.identifier_preparer.quote_identifier
        connection.exec_driver_sql(statement.format(quote("user")))
    engine.dispose()


def begin(project: PlainProject, *names: str) -> None:
    """Write a history, and run its first revision."""
    history(project, *names)
    project.run("steady", "create")
    project.run("alembic", "upgrade", "+1")
    execute(project, ROWS)


@pytest.mark.full
def test_all_do_what_the_models_say(project: PlainProject) -> None:
    begin(project, *STEPS)
    for _ in range(2):
        project.run("alembic", "upgrade", "head")
        assert project.run("alembic", "check") == NOTE + CLEAN
        assert "no drift" in project.run(*DRIFT)
        project.run("alembic", "downgrade", f"-{len(STEPS)}")


@pytest.fixture
def on_postgres(
    any_postgres: servers.Postgres, new_project: Callable[..., PlainProject]
) -> PlainProject:
    """Return a project on PostgreSQL, where the helpers have several steps."""
    return new_project(any_postgres.url(DRIVERS["psycopg"], "orders"))


@pytest.mark.parametrize("name", STEPS)
def test_it_goes_on_where_rows_were_in_the_way(
    on_postgres: PlainProject, name: str
) -> None:
    begin(on_postgres, name)
    execute(on_postgres, STEPS[name][2])
    *_, told = on_postgres.run("alembic", "upgrade", "head", code=255).splitlines()
    assert told.startswith("FAILED: ") and "run it again" in told
    assert ("holds for new rows" in told) is (name != "add_unique")
    assert ("INVALID index uq_user_code is left" in told) is (name == "add_unique")
    execute(on_postgres, "DELETE FROM {} WHERE id = 2")
    on_postgres.run("alembic", "upgrade", "head")
    on_postgres.run("alembic", "downgrade", "-1")
    on_postgres.run("alembic", "upgrade", "head")


@pytest.mark.full
def test_all_work_behind_a_pooler(
    pooler: servers.Postgres, new_project: Callable[..., PlainProject]
) -> None:
    """Nothing is set for a session, which others would get with its connection."""
    pooler.create("orders")
    project = new_project(pooler.url(DRIVERS["psycopg"], "orders"))
    begin(project, *STEPS)
    execute(project, MANY)
    fill = FILL.replace("code IS NULL", "id > 2 AND code IS NULL")
    project.run("alembic", "upgrade", "head")
    for _ in range(2):
        project.run("alembic", "downgrade", f"-{len(STEPS)}")
        project.run("alembic", "upgrade", "head")
    write_history(project, TABLE, *["pass"] * len(STEPS), fill)
    project.run("alembic", "upgrade", "head")
    assert pooler.query('SELECT count(*) FROM "user" WHERE code IS NULL', "orders") == [
        (0,)
    ]


@pytest.mark.full
@pytest.mark.parametrize("name", STEPS)
def test_it_is_no_step_if_it_is_there(on_postgres: PlainProject, name: str) -> None:
    """As after a crash between the last step and the note that the revision has run."""
    begin(on_postgres, name)
    on_postgres.run("alembic", "upgrade", "head")
    on_postgres.run("alembic", "stamp", "000000000001")
    on_postgres.run("alembic", "upgrade", "head")
    on_postgres.run("alembic", "downgrade", "-1")


def test_what_takes_long_is_printed_outside_a_transaction(
    on_postgres: PlainProject,
) -> None:
    history(on_postgres, *STEPS)
    printed = on_postgres.run("alembic", "upgrade", "head", "--sql")
    assert [" ".join(it.split()) for it in CHANGES.findall(printed)] == [
        (
            'ALTER TABLE "user" ADD CONSTRAINT fk_user_boss FOREIGN KEY(boss)'
            ' REFERENCES "user" (id) NOT VALID;'
        ),
        'ALTER TABLE "user" VALIDATE CONSTRAINT fk_user_boss;',
        'ALTER TABLE "user" ADD CONSTRAINT ck_user_age CHECK (age >= 0) NOT VALID;',
        'ALTER TABLE "user" VALIDATE CONSTRAINT ck_user_age;',
        'ALTER TABLE "user" ADD CONSTRAINT uq_user_code UNIQUE USING INDEX uq_user_code;',
        (
            'ALTER TABLE "user" ADD CONSTRAINT user_age_is_set CHECK (age IS NOT NULL)'
            " NOT VALID;"
        ),
        'ALTER TABLE "user" VALIDATE CONSTRAINT user_age_is_set;',
        'ALTER TABLE "user" ALTER COLUMN age SET NOT NULL;',
        'ALTER TABLE "user" DROP CONSTRAINT IF EXISTS user_age_is_set;',
    ]
    inside = "".join(re.findall(r"BEGIN;(.*?)COMMIT;", printed, re.DOTALL))
    assert "VALIDATE" not in inside and "CONCURRENTLY" not in inside
    assert inside.count("ALTER TABLE") == 6


def test_a_check_without_a_name_is_refused(on_postgres: PlainProject) -> None:
    begin(on_postgres)
    call = 'from alembic_steady import add_check\nadd_check(None, "user", "age > 0")'
    write_history(on_postgres, TABLE, call)
    told = on_postgres.run("alembic", "upgrade", "head", code=255)
    assert "add_check needs a name for the check of table user" in told


ODD = """
op.execute('CREATE SCHEMA "Od:d"')
op.execute('CREATE TABLE "Od:d"."Or der" ("a%b" int, "c:d" int, PRIMARY KEY ("a%b", "c:d"))')
op.execute('CREATE TABLE "Od:d"."Line" (x int, y int)')
"""
ODDLY = """
from alembic_steady import add_check, add_foreign_key, add_unique, set_not_null
told = {"source_schema": "Od:d", "referent_schema": "Od:d", "ondelete": "CASCADE"}
add_foreign_key(None, "Line", "Or der", ["x", "y"], ["a%b", "c:d"], **told)
add_check(op.f("C k%"), "Or der", '"a%b" <> 1', schema="Od:d")
add_unique(None, "Line", ["x", "y"], schema="Od:d", deferrable=True, initially="DEFERRED")
set_not_null("Line", "y", schema="Od:d")
from alembic_steady import backfill
op.execute('INSERT INTO "Od:d"."Or der" VALUES (2, 1), (2, 2), (3, 1)')
backfill("Or der", {"c:d": '"c:d" + 10'}, where='"c:d" < 9', schema="Od:d", batch=2)
"""


@pytest.mark.full
def test_names_may_be_any_and_a_revision_may_have_several(
    on_postgres: PlainProject, any_postgres: servers.Postgres
) -> None:
    write_history(on_postgres, ODD, ODDLY)
    on_postgres.run("steady", "create")
    on_postgres.run("alembic", "upgrade", "head")
    found = any_postgres.query(
        "SELECT conname, pg_get_constraintdef(oid), convalidated FROM pg_constraint"
        " WHERE contype IN ('c', 'f', 'u') AND connamespace = '\"Od:d\"'::regnamespace"
        " ORDER BY contype",
        "orders",
    )
    assert found == [
        ("C k%", 'CHECK (("a%b" <> 1))', True),
        (
            "Line_x_y_fkey",
            'FOREIGN KEY (x, y) REFERENCES "Od:d"."Or der"("a%b", "c:d") ON DELETE CASCADE',
            True,
        ),
        ("Line_x_y_key", "UNIQUE (x, y) DEFERRABLE INITIALLY DEFERRED", True),
    ]
    rows = any_postgres.query('SELECT * FROM "Od:d"."Or der" ORDER BY 1, 2', "orders")
    assert rows == [(2, 11), (2, 12), (3, 11)]


def test_a_last_step_lets_others_pass_until_the_table_is_free(
    any_postgres: servers.Postgres,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    any_postgres.create("orders")
    engine = sa.create_engine(any_postgres.url(DRIVERS["psycopg"], "orders"))
    with engine.connect() as other, engine.connect() as own:
        other.exec_driver_sql("CREATE TABLE account (id int)")
        other.commit()
        other.exec_driver_sql("SELECT * FROM account")
        own.exec_driver_sql("SET lock_timeout = '50ms'")
        monkeypatch.setattr(retry, "_wait", lambda _pause: other.commit())
        change = "ALTER TABLE account ALTER id SET NOT NULL"
        adapter_for("postgresql").step(own, lambda: own.exec_driver_sql(change))
        own.commit()
        # Other faults are not waited for.
        with pytest.raises(sa.exc.ProgrammingError):
            adapter_for("postgresql").step(own, lambda: own.exec_driver_sql("SELEC"))
    engine.dispose()
    any_postgres.drop("orders")


@pytest.mark.full
def test_values_are_filled_in_batches(
    project: PlainProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(project)
    execute(project, MANY)
    fill = FILL
    if str(project.url).startswith("sqlite"):
        fill = FILL.replace("concat('c:', id, '%')", "'c:' || id || '%'")
    write_history(project, TABLE, fill)
    monkeypatch.setattr(backfilling, "SECONDS", 0)
    printed = project.run("alembic", "upgrade", "head")
    told = re.findall(r"^    .?user.?: ([\d,]+) rows ", printed, re.MULTILINE)
    is_file = str(project.url).startswith("sqlite")
    assert told == [] if is_file else told[:2] == ["100", "200"] and "1,001" in told
    engine = sa.create_engine(project.url)
    with engine.connect() as connection:
        quote = connection.dialect.identifier_preparer.quote_identifier
        rows = connection.execute(sa.text(f"SELECT id, code FROM {quote('user')}"))
        found: dict[int, str] = dict(rows.all())
    assert found == {1: "a", 2: "b"} | {it: f"c:{it}%" for it in range(3, 1004)}
    engine.dispose()


@pytest.mark.full
@pytest.mark.parametrize("driver", ["psycopg", "pymysql"])
def test_what_is_filled_stays_and_the_rest_follows(
    request: pytest.FixtureRequest,
    new_project: Callable[..., PlainProject],
    driver: str,
) -> None:
    name = "any_postgres" if driver == "psycopg" else "mariadb"
    server: servers.Server = request.getfixturevalue(name)
    project = new_project(server.url(DRIVERS[driver], "orders"))
    begin(project)
    execute(project, MANY)
    write_history(project, TABLE, FILL)
    # The rows of the last batches refuse what is filled in.
    execute(
        project, "ALTER TABLE {} ADD CONSTRAINT c CHECK (age < 700 OR code IS NULL)"
    )
    project.run("alembic", "upgrade", "head", code=255)
    quoted = '"user"' if driver == "psycopg" else "`user`"
    left = f"SELECT count(*) FROM {quoted} WHERE code IS NULL"
    ((count,),) = server.query(left, "orders")
    assert 303 < count < 405
    execute(project, "ALTER TABLE {} DROP CONSTRAINT c")
    project.run("alembic", "upgrade", "head")
    assert server.query(left, "orders") == [(0,)]
