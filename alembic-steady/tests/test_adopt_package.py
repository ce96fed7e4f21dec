"""Many tables in several schemas get a module for each schema."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness import DRIVERS, IS_NEWEST, PlainProject

from tests import servers
from tests.revisions import CLEAN, NOTE

BASE = """\
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    pass
"""


@pytest.mark.full
def test_each_schema_has_a_module(
    any_postgres: servers.Postgres, new_project: Callable[..., PlainProject]
) -> None:
    project = new_project(any_postgres.url(DRIVERS["psycopg"], "orders"))
    app = project.path / "app"
    app.mkdir()
    (app / "__init__.py").touch()
    (app / "database.py").write_text(BASE)
    (app / "models.py").write_text('"""The models."""\n')
    env = project.path / "migrations" / "env.py"
    told = env.read_text()
    env.write_text(
        told.replace(
            "from models import Base",
            "import app.models\nfrom app.database import Base",
        )
    )
    project.run("steady", "create")
    tables = [
        f"CREATE TABLE {schema}.thing{number} (id int PRIMARY KEY, at point,"
        f" other int REFERENCES public.thing{max(number - 1, 0)},"
        " EXCLUDE USING gist (at WITH ~=))"
        for schema in ("public", "stock")
        for number in range(26)
    ]
    any_postgres.query("; ".join(["CREATE SCHEMA stock", *tables]), "orders")
    printed = project.run("steady", "adopt")
    assert "52 tables" in printed, printed
    assert not (app / "models.py").exists(), printed
    assert {it.name for it in (app / "models").glob("*.py")} == {
        *("__init__.py", "database_type.py", "public.py", "stock.py")
    }
    project.run("alembic", "stamp", "head")
    assert project.run("alembic", "check") == NOTE + CLEAN
    assert "no drift" in project.run("steady", "drift")
    if IS_NEWEST:  # SQLAlchemy 2.0 does not say all of its types.
        project.run("mypy", "--strict", "app")
    project.run("ruff", "check", "app")
