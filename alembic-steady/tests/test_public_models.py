"""The models of public applications, installed from the package index as they are.

`public_models/` has a file for each, with the releases that its models need. None of its
own dependencies is resolved, so nothing else of the application is installed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa
from harness import CALL, DRIVERS, PlainProject

from tests import servers
from tests.conftest import TOOLS
from tests.projects import schema

HERE = Path(__file__).resolve().parent
LIBRARY = HERE.parent
DRIVER_PACKAGES = ["alembic", "mako", "markupsafe", "psycopg[binary]", "pymysql[rsa]"]
NO_CHANGES = "No changes in the models, so no revision was written."


@dataclass(frozen=True)
class Application:
    """What of an application is tried.

    Attributes:
        models: statements that define `metadata`.
        drivers: for the databases that its models can be built on.
        environment: variables that it reads when it is imported.
    """

    models: str
    drivers: tuple[str, ...] = ("sqlite", "psycopg", "pymysql")
    environment: dict[str, str] = field(default_factory=dict)


ALL_MODULES = """\
import importlib, pkgutil

for module in pkgutil.iter_modules({package}.__path__, "{package}."):
    importlib.import_module(module.name)
"""
APPLICATIONS = {
    "optuna": Application(
        "from optuna.storages._rdb.models import BaseModel\n"
        "metadata = BaseModel.metadata\n"
    ),
    # Its strings have no length, which MySQL and MariaDB need.
    "galaxy-data": Application(
        "from galaxy.model import mapper_registry\nmetadata = mapper_registry.metadata\n",
        ("sqlite", "psycopg"),
    ),
    # An index of it has a name that is too long for PostgreSQL.
    "zenml": Application(
        "from zenml.zen_stores import schemas\nfrom sqlmodel import SQLModel\n"
        "metadata = SQLModel.metadata\n",
        ("sqlite",),
    ),
    # It has columns of JSONB.
    "zou": Application(
        "import zou.app.models\nfrom zou.app import db\n"
        + ALL_MODULES.format(package="zou.app.models")
        + "metadata = db.metadata\n",
        ("psycopg",),
        environment={"SECRET_KEY": "0" * 40},
    ),
    "neutron": Application(
        "from neutron.db.migration.models import head\nmetadata = head.get_metadata()\n",
    ),
}
# Its models cannot be built as they are, and why, by driver.
REFUSED = {
    "sqlite": "index ix_artifact__key already exists",
    "psycopg": 'has no default operator class for access method "gin"',
}
PREFECT = Application(
    "from prefect.server.database.orm_models import Base\nmetadata = Base.metadata\n",
    tuple(REFUSED),
)


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that installs an application, once, and returns its programs."""
    made: dict[str, Path] = {}

    def install(name: str) -> Path:
        if name not in made:
            made[name] = folder = tmp_path_factory.mktemp(name) / "venv"
            uv = TOOLS / "uv"
            subprocess.run(
                [uv, "venv", "-q", "--python", sys.executable, folder], check=True
            )
            base: list[str | Path] = [uv, "pip", "install", "-q", "--python", folder]
            pins = HERE / "public_models" / f"{name}.txt"
            subprocess.run([*base, "--no-deps", "--requirements", pins], check=True)
            told: list[str | Path] = ["--constraints", pins, *DRIVER_PACKAGES]
            subprocess.run([*base, *told], check=True)
            subprocess.run([*base, "--no-deps", "--editable", LIBRARY], check=True)
        return made[name] / "bin"

    return install


@pytest.fixture
def start(
    environments: Callable[..., Path],
    new_project: Callable[..., PlainProject],
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> Callable[..., Callable[..., str]]:
    """Return a function that makes a project, and returns one that runs its commands."""

    def make(name: str, application: Application, driver: str) -> Callable[..., str]:
        programs = environments(name)
        url = f"sqlite:///{tmp_path / 'app.db'}"
        if driver != "sqlite":
            of = "any_postgres" if driver == "psycopg" else "mariadb"
            server: servers.Server = request.getfixturevalue(of)
            url = server.url(DRIVERS[driver], "orders")
        project = new_project(url)
        project.models.write_text(application.models)
        env = project.path / "migrations" / "env.py"
        text = env.read_text().partition("from models import Base")[0]
        call = CALL.format(options="").replace("Base", "metadata")
        env.write_text(text + call.replace("metadata.metadata", "metadata"))
        environment = {
            **project.environment,
            **application.environment,
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        }

        def run(*command: str, code: int = 0) -> str:
            done = subprocess.run(
                [programs / command[0], *command[1:]],
                cwd=project.path,
                env=environment,
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            assert done.returncode == code, done.stdout[-4000:]
            return done.stdout

        run.url = project.url  # type: ignore[attr-defined]
        return run

    return make


REVISE = ("alembic", "revision", "--autogenerate", "-m")


@pytest.mark.soak
@pytest.mark.parametrize(
    ("name", "driver"),
    [(name, it) for name, each in APPLICATIONS.items() for it in each.drivers],
)
def test_its_first_revision_builds_it_and_goes_back(
    name: str, driver: str, start: Callable[..., Callable[..., str]]
) -> None:
    run = start(name, APPLICATIONS[name], driver)
    assert "ran up, down and up in" in run(*REVISE, "first")
    run("steady", "create")
    run("alembic", "upgrade", "head")
    assert "No new upgrade operations detected." in run("alembic", "check")
    assert "no drift" in run("steady", "drift")
    run("alembic", "downgrade", "base")
    url: sa.URL = run.url  # type: ignore[attr-defined]
    assert {*schema(url)} == {"alembic_version"}
    run("alembic", "upgrade", "head")
    assert NO_CHANGES in run(*REVISE, "second")


@pytest.mark.soak
@pytest.mark.parametrize("driver", REFUSED)
def test_models_that_cannot_be_built_are_one_line(
    driver: str, start: Callable[..., Callable[..., str]]
) -> None:
    run = start("prefect", PREFECT, driver)
    printed = run(*REVISE, "first", code=255)
    line = printed.strip().splitlines()[-1]
    assert line.startswith("FAILED: the models cannot be built: ")
    assert REFUSED[driver] in line
    assert "Traceback" not in printed
