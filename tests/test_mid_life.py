"""Projects that have used Alembic for years, moved into a new repository."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.conftest import Project, baked
from tests.revisions import CLEAN, operations
from tests.servers import Postgres

PLAIN = """
import sqlalchemy as sa
from alembic import context

with sa.create_engine(context.config.attributes["url"]).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
AS_BEFORE = """
import sys
from pathlib import Path
from alembic import command
from alembic.config import Config

config = Config()
config.set_main_option("script_location", "before")
config.set_main_option("version_locations", str(Path("migrations/versions").resolve()))
config.attributes["url"] = sys.argv[1]
command.upgrade(config, "head")
"""
OWN = "from app.database import Base\n"
ZOU = '''\
"""What the models of zou need of its application."""

from types import SimpleNamespace

from flask_sqlalchemy import SQLAlchemy

config = SimpleNamespace(DEFAULT_TIMEZONE="Europe/Paris", DEFAULT_LOCALE="en_US")
db = SQLAlchemy()
'''
ZOU_MODELS = '''\
"""The models, a module each."""

from importlib import import_module
from pkgutil import iter_modules

from zou.app import models

for module in iter_modules(models.__path__):
    import_module(f"{models.__name__}.{module.name}")
'''
# Its first tables were made by create_all(), before the first revision.
MLFLOW_FIRST = '''\
"""The tables that were there before the first revision."""

from alembic import op
from mlflow.store.tracking.dbmodels.initial_models import Base

revision = "0000"
down_revision = None


def upgrade():
    Base.metadata.create_all(op.get_bind())


def downgrade():
    Base.metadata.drop_all(op.get_bind())
'''
# Two of its indexes name no column, so no database would create them.
MLFLOW_MODELS = '''\
"""The models, which mlflow brings."""

import mlflow.store.model_registry.dbmodels.models
import mlflow.store.tracking.dbmodels.models
import mlflow.store.workspace.dbmodels.models  # noqa: F401
from mlflow.store.db.base_sql_model import Base
from sqlalchemy import Index

for name in ("trace_tags", "trace_request_metadata"):
    table = Base.metadata.tables[name]
    for index in [*table.indexes]:
        if not index.columns:
            table.indexes.remove(index)
            Index(index.name, table.c.request_id)
'''


def unpacked(requirement: str, project: Project) -> Path:
    """Return a folder with the files of a package of the index, without its dependencies."""
    target = project.path.parent / "unpacked"
    install = ["uv", "pip", "install", "--no-deps", "--target", str(target)]
    project.run(*install, requirement)
    return target


def replace(file: Path, old: str, new: str) -> None:
    """Change a line of a file that has it once."""
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))


def bring_zou(project: Project, source: Path) -> None:
    """Bring the revisions of zou, its models, and what both import of its application."""
    zou = project.path / "zou"
    shutil.copytree(
        source / "zou" / "migrations" / "utils", zou / "migrations" / "utils"
    )
    shutil.copytree(source / "zou" / "app" / "models", zou / "app" / "models")
    for name in (
        *("utils/fields", "utils/date_helpers", "utils/__init__"),
        *("services/exception", "services/__init__"),
    ):
        target = zou / "app" / f"{name}.py"
        target.parent.mkdir(exist_ok=True)
        shutil.copy(source / "zou" / "app" / f"{name}.py", target)
    (zou / "app" / "__init__.py").write_text(ZOU)
    needed = ["flask-sqlalchemy", "sqlalchemy-utils", "babel", "pytz", "isoweek"]
    project.run("uv", "add", *needed, "python-dateutil")
    project.models.write_text(ZOU_MODELS)
    env = project.path / "migrations" / "env.py"
    replace(env, OWN, "from zou.app import db\n")
    replace(env, "= Base.metadata", "= db.metadata")
    versions = source / "zou" / "migrations" / "versions"
    shutil.copytree(
        versions, project.path / "migrations" / "versions", dirs_exist_ok=True
    )


def bring_mlflow(project: Project, source: Path) -> None:
    """Bring the revisions of mlflow, and one before them; its models are a package."""
    versions = project.path / "migrations" / "versions"
    mlflow = source / "mlflow" / "store" / "db_migrations" / "versions"
    shutil.copytree(mlflow, versions, dirs_exist_ok=True)
    (versions / "0000_first_tables.py").write_text(MLFLOW_FIRST)
    (first,) = versions.glob("451aebb31d03_*.py")
    replace(first, "down_revision = None", 'down_revision = "0000"')
    project.run("uv", "add", "mlflow-skinny==3.17.2")
    project.models.write_text(MLFLOW_MODELS)
    env = project.path / "migrations" / "env.py"
    replace(env, OWN, "from mlflow.store.db.base_sql_model import Base\n")


@dataclass(frozen=True)
class History:
    """A history that is moved.

    Attributes:
        package: what has it.
        bring: moves it.
        count: how many revisions it has then.
        row: a statement that inserts a row.
        place: the file of the models, and the line behind which a column is added.
        column: what adds the column.
    """

    package: str
    bring: Callable[[Project, Path], None]
    count: int
    row: str
    place: tuple[str, str]
    column: str


HISTORIES = {
    "zou": History(
        package="zou==0.20.85",
        bring=bring_zou,
        count=189,
        row="INSERT INTO department (id, name, color, created_at) VALUES"
        " ('7f2c0f0e-1f6c-4a9b-9d3e-1f6c2a9b7d3e', 'Sets', '#fff', '2026-01-01')",
        place=(
            "zou/app/models/task.py",
            "    retake_count = db.Column(db.Integer, default=0)\n",
        ),
        column="    extra = db.Column(db.Integer)\n",
    ),
    "mlflow": History(
        package="mlflow-skinny==3.17.2",
        bring=bring_mlflow,
        count=69,
        row="INSERT INTO registered_models (name) VALUES ('first')",
        place=("app/models.py", "from sqlalchemy import Index\n"),
        column="from sqlalchemy import Column, Integer\n"
        'Base.metadata.tables["runs"].append_column(Column("extra", Integer))\n',
    ),
}


@pytest.fixture
def database(request: pytest.FixtureRequest, bench: Path) -> Iterator[str]:
    """Create a database for a history, and yield its URL."""
    if request.getfixturevalue("history") == "mlflow":
        yield f"sqlite:///{bench / 'mlflow.db'}"
        return
    server: Postgres = request.getfixturevalue("any_postgres")
    server.create("zou")
    yield server.url("postgresql+psycopg2", "zou")
    server.drop("zou")


def rows(url: str) -> dict[str, list[str]]:
    """Return all rows of all tables but Alembic's."""
    engine = sa.create_engine(url)
    metadata = sa.MetaData()
    with engine.connect() as connection:
        metadata.reflect(connection)
        found = {
            name: sorted(map(repr, connection.execute(sa.select(table)).mappings()))
            for name, table in metadata.tables.items()
            if name != "alembic_version"
        }
    engine.dispose()
    return found


@pytest.mark.soak
@pytest.mark.parametrize("history", HISTORIES)
def test_a_history_of_years_goes_on_in_a_new_repository(
    bench: Path, environment: dict[str, str], database: str, history: str
) -> None:
    moved, url = HISTORIES[history], database
    answers = {"database_url": url, "starting_point": "empty"}
    project = baked(bench / "out", environment, **answers)
    moved.bring(project, unpacked(moved.package, project))
    assert len(project.revisions()) == moved.count

    # A database that plain Alembic has brought to its revision, with a row in it.
    before = project.path / "before"
    before.mkdir()
    (before / "env.py").write_text(PLAIN)
    project.run("python", "-c", AS_BEFORE, url)
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text(moved.row))
    engine.dispose()
    shutil.rmtree(before)
    there = rows(url)

    # It is at the head, and what the revisions build is what it has.
    assert "(head)" in project.run("alembic", "current", "--check-heads")
    assert "no drift" in project.run("steady", "drift")
    project.run("alembic", "upgrade", "head")
    assert rows(url) == there

    # Where models and revisions differ, one revision says so, and then nothing does.
    assert "New upgrade operations" in project.run("alembic", "check", code=None)
    project.run("alembic", "revision", "--autogenerate", "-m", "Catch up")
    project.run("alembic", "upgrade", "head")
    assert CLEAN in project.run("alembic", "check")
    file, line = moved.place
    replace(project.path / file, line, line + moved.column)
    project.run("alembic", "revision", "--autogenerate", "-m", "Extra")
    (revision,) = [it for it in project.revisions() if it.stem.endswith("_extra")]
    added = [it for it in operations(revision, "upgrade") if "batch" not in it]
    assert added == ["op.add_column"]
    for direction, to in [
        ("upgrade", "head"),
        ("downgrade", "-1"),
        ("upgrade", "head"),
    ]:
        project.run("alembic", direction, to)
    assert CLEAN in project.run("alembic", "check")

    # What its own tests say of the old revisions, which are not mended, is followed.
    said = project.run("pytest", "-W", "ignore", code=1)
    written = re.findall(r'write (minimum_\w+ = "\w+") under', said)
    told = project.path / "pyproject.toml"
    head = re.sub("_.*", "", revision.stem.rpartition("-")[2])
    limits = [re.sub('".*"', f'"{head}"', it) for it in dict.fromkeys(written)]
    told.write_text("\n".join([told.read_text(), "[tool.alembic-steady]", *limits, ""]))
    project.run("pytest", "-W", "ignore")
