"""Databases with an object of each kind are adopted, and nothing of them is lost."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from adopted import rig
from harness import DRIVERS, IS_NEWEST, PlainProject
from test_adopt import ADOPT, BASE, family

from tests import servers
from tests.conftest import TOOLS
from tests.revisions import CLEAN, NOTE, operations

SCHEMAS = Path(__file__).resolve().parent / "adopted"
SHAPES = sorted(file.stem for file in SCHEMAS.glob("*.sql"))
KINDS = [shape for shape in SHAPES if shape.startswith("kinds_")]
"""The name of each schema, and the family of databases for which it is."""
CHANGED_ROW = {
    "sqlite": "INSERT INTO log VALUES ('second')",
    "postgresql": "UPDATE numbered SET at = '(3,4)'",
    "mysql": "INSERT INTO log (line) VALUES ('second')",
}
READ = """
import models, sqlalchemy as sa
from sqlalchemy.orm import Session
classes = {{it.local_table: it.class_ for it in models.Base.registry.mappers}}
with Session(sa.create_engine({url!r})) as session:
    for table in models.Base.metadata.tables.values():
        print(table, len(session.scalars(sa.select(classes.get(table, table)).limit(1)).all()))
"""
DRIVER = {"postgresql": "psycopg", "mysql": "pymysql"}
SERVER = {"postgresql": "any_postgres", "mysql": "mariadb"}
pytestmark = pytest.mark.full


@pytest.fixture
def filled(
    request: pytest.FixtureRequest,
    new_project: Callable[..., PlainProject],
    tmp_path: Path,
) -> PlainProject:
    """Return a project without models, whose database has the schema that is named."""
    shape: str = request.param
    of = shape.rpartition("_")[2]
    url = f"sqlite:///{tmp_path / 'app.db'}"
    if of != "sqlite":
        server: servers.Server = request.getfixturevalue(SERVER[of])
        url = server.url(DRIVERS[DRIVER[of]], "orders")
    project = new_project(url)
    project.models.write_text(BASE)
    if of != "sqlite":
        project.run("steady", "create")
    rig.load(sa.make_url(url), (SCHEMAS / f"{shape}.sql").read_text())
    return project


@pytest.mark.parametrize("filled", KINDS, indirect=True)
def test_a_changed_object_and_a_changed_row_are_seen(filled: PlainProject) -> None:
    url = sa.make_url(filled.url)
    objects, rows = rig.catalogue(url), rig.checksums(url)
    assert rig.catalogue(url) == objects and rig.checksums(url) == rows
    assert all(count for count, _ in rows.values()), rows
    rig.load(url, CHANGED_ROW[family(filled)])
    changed = [it for it, value in rig.checksums(url).items() if value != rows[it]]
    assert len(changed) == 1 and rig.catalogue(url) == objects
    rig.load(url, "CREATE VIEW another AS SELECT 1 AS one")
    assert sum((rig.catalogue(url) - objects).values()) == 1


@pytest.mark.parametrize("filled", SHAPES, indirect=True)
def test_the_baseline_builds_the_same_and_no_row_changes(filled: PlainProject) -> None:
    check_that_it_is_adopted(filled)


def check_that_it_is_adopted(filled: PlainProject) -> None:
    """Adopt a database, see that nothing of it changes, and build the same once more."""
    url = sa.make_url(filled.url)
    objects, rows = rig.catalogue(url), rig.checksums(url)
    printed = filled.run(*ADOPT)
    assert "Left out" not in printed, printed
    filled.run("alembic", "stamp", "head")
    filled.run("alembic", "current", "--check-heads")
    assert filled.run("alembic", "check") == NOTE + CLEAN
    assert "no drift" in filled.run("steady", "drift")
    assert rig.catalogue(url) == objects and rig.checksums(url) == rows

    truth = objects
    if family(filled) == "postgresql":
        # Some expressions print otherwise once they are restored.
        third = url.set(database="orders_3")
        rig.load(url, "CREATE DATABASE orders_3")
        rig.load(third, rig.pg_dump(url))
        truth = rig.catalogue(third)
    second = url.set(database=f"{url.database}_2")
    ini = filled.path / "alembic.ini"
    here, there = (it.render_as_string(hide_password=False) for it in (url, second))
    ini.write_text(ini.read_text().replace(here, there))
    if family(filled) != "sqlite":
        filled.run("steady", "create")
    filled.run("alembic", "upgrade", "head")
    assert rig.catalogue(second) == truth


@pytest.mark.parametrize("filled", SHAPES, indirect=True)
def test_a_column_is_added_and_no_row_changes(filled: PlainProject) -> None:
    url = sa.make_url(filled.url)
    rows = rig.checksums(url)
    filled.run(*ADOPT)
    filled.run("alembic", "stamp", "head")
    if IS_NEWEST:  # SQLAlchemy 2.0 does not say all of its types.
        filled.run("mypy", "--strict", "models.py")
    place = url.render_as_string(hide_password=False)
    printed = filled.run("python", "-c", READ.format(url=place))
    assert len(printed.splitlines()) > 3
    assert all(it.endswith(" 1") for it in printed.splitlines()), printed

    first = re.compile(r"\n    __tablename__ = .*\n")
    column = "    extra: Mapped[int | None] = mapped_column()\n"
    models = filled.models.read_text()
    filled.models.write_text(first.sub(lambda it: it[0] + column, models, count=1))
    ini = filled.path / "alembic.ini"  # as `alembic init` writes it
    ini.write_text(ini.read_text().replace("level = WARNING", "level = INFO"))
    command = [TOOLS / "alembic", "revision", "--autogenerate", "-m", "extra"]
    told = filled.start_process([*map(str, command)], filled.path)[1]
    (found,) = (line for line in told.splitlines() if "alembic.autogenerate" in line)
    assert "Detected added column" in found
    assert "arning" not in told and "WARN" not in told, told
    added = operations(filled.revisions()[-1], "upgrade")
    assert [it for it in added if "batch" not in it] == ["op.add_column"]
    for direction in ("upgrade", "downgrade", "upgrade", "downgrade"):
        filled.run("alembic", direction, "head" if direction == "upgrade" else "-1")
    assert rig.checksums(url) == rows


@pytest.mark.full
def test_a_computed_column_of_sqlite_in_its_short_form(
    file_project: PlainProject,
) -> None:
    file_project.models.write_text(BASE)
    short = "CREATE TABLE price (net INT PRIMARY KEY, gross AS (net * 2))"
    rig.load(sa.make_url(file_project.url), short)
    file_project.run(*ADOPT)
    file_project.run("alembic", "stamp", "head")
    assert file_project.run("alembic", "check") == NOTE + CLEAN
