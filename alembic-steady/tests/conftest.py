"""Fixtures: plain projects on real databases."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness import DRIVERS, PlainProject, Project, Service, plain_project

from tests import servers
from tests.conftest import (  # noqa: F401  fixtures
    any_postgres,
    clean_environment,
    left_clean,
    mariadb,
    mypy_cache,
    pooler,
    shared_folder,
    start_mariadb,
    start_postgres,
)

SAMPLE = Path(__file__).resolve().parent / "sample"


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[str], Project]:
    """Copy the sample project, for a driver."""

    def copy(driver: str) -> Project:
        path = tmp_path / "my_service"
        shutil.copytree(SAMPLE, path, ignore=shutil.ignore_patterns("__pycache__"))
        environment = clean_environment(
            tmp_path / "home", **mypy_cache(tmp_path.parent)
        )
        environment["DRIVER"] = DRIVERS[driver]
        environment["DATABASE_URL"] = f"{DRIVERS[driver]}://u:p@192.0.2.1/none"
        if driver == "sqlite":
            environment["DATABASE_URL"] = f"sqlite:///{path / 'my_service.db'}"
        string = "sa.String(255)" if driver == "pymysql" else "sa.String"
        return Project(path, environment, string)

    return copy


# Each family of databases once. What drivers and versions of servers may differ in is tried
# with others, too.
@pytest.fixture(params=["sqlite", "psycopg-wheel", "pymysql"])
def service(
    request: pytest.FixtureRequest,
    copied: Callable[[str], Project],
    start_postgres: Callable[[str], servers.Postgres],  # noqa: F811
    start_mariadb: Callable[[], servers.MariaDB],  # noqa: F811
) -> Iterator[Service]:
    """Return a copy of the sample project, whose database is not made yet."""
    driver, _, origin = request.param.partition("-")
    project = copied(driver)
    if driver == "sqlite":
        yield Service(project)
        return
    running: servers.Server
    if driver == "pymysql":
        running = start_mariadb()
    else:
        running = start_postgres(origin or "system")
    with left_clean(running) as server:
        project.environment["DATABASE_URL"] = server.url(DRIVERS[driver], "orders")
        yield Service(project, server)


@pytest.fixture
def new_project(tmp_path: Path) -> Callable[..., PlainProject]:
    """Let `alembic init` make a project."""

    def make(url: str, template: str = "generic") -> PlainProject:
        return plain_project(tmp_path, url, template)

    return make


@pytest.fixture(params=["sqlite", "psycopg", "pymysql"])
def project(
    request: pytest.FixtureRequest,
    new_project: Callable[..., PlainProject],
    tmp_path: Path,
) -> PlainProject:
    """Return a project on each family of databases; the database is not made yet."""
    if request.param == "sqlite":
        return new_project(f"sqlite:///{tmp_path / 'app.db'}")
    name = "any_postgres" if request.param == "psycopg" else "mariadb"
    server: servers.Server = request.getfixturevalue(name)
    return new_project(server.url(DRIVERS[request.param], "orders"))


@pytest.fixture
def file_project(
    new_project: Callable[..., PlainProject], tmp_path: Path
) -> PlainProject:
    """Return a project on SQLite, for what is the same on all databases."""
    return new_project(f"sqlite:///{tmp_path / 'app.db'}")
