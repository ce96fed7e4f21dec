"""Fixtures: plain Alembic projects on real databases, in which commands run in-process."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import CommandLine, Config

from alembic_steady import commands
from tests import servers
from tests.conftest import (  # noqa: F401  fixtures
    any_postgres,
    left_clean,
    mariadb,
    start_mariadb,
    start_postgres,
)

MODELS = """\
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "user"

    id: Mapped[int] = mapped_column(primary_key=True)
"""
CALL = """\
from models import Base

target_metadata = Base.metadata

from alembic_steady import run_migrations

run_migrations(target_metadata{options})
"""
DRIVERS = {"postgresql": "postgresql+psycopg", "mariadb": "mariadb+pymysql"}
USERNAME = "    username: Mapped[str | None] = mapped_column(sa.String(50))\n"


@dataclass
class Project:
    """A project that `alembic init` has made, with the library called in its env.py."""

    path: Path
    url: sa.URL
    server: servers.Server | None

    def configure(self, **options: Any) -> None:
        """Write the call in env.py, with options of `context.configure`."""
        told = "".join(f", {name}={value!r}" for name, value in options.items())
        env = self.path / "migrations" / "env.py"
        before = env.read_text().partition("target_metadata = None")[0]
        before = before.partition("from models import Base")[0]
        env.write_text(before + CALL.format(options=told))

    def run(self, *typed: str, code: int = 0, program: str = "alembic") -> str:
        """Run a command in this process, and return all that it printed."""
        line = CommandLine(prog=program)
        for own in (commands.create, commands.drift, commands.squawk):
            line.register_command(own)
        argv, path, compiles = sys.argv, [*sys.path], sys.dont_write_bytecode
        sys.modules.pop("models", None)
        # A model that changes within a second to text of the same length is read anew.
        sys.argv, sys.dont_write_bytecode = [program, *typed], True
        printed, ended = StringIO(), 0
        try:
            options = line.parser.parse_args(typed)
            ini = self.path / "alembic.ini"
            config = Config(ini, stdout=printed, cmd_opts=options)
            with (
                chdir(self.path),
                redirect_stdout(printed),
                redirect_stderr(printed),
            ):
                line.run_cmd(config, options)
        except SystemExit as error:
            ended = int(error.code or 0) & 0xFF
        finally:
            sys.argv, sys.path[:], sys.dont_write_bytecode = argv, path, compiles
        assert ended == code, printed.getvalue()
        return printed.getvalue()

    def revise(self, message: str, *before: str, code: int = 0) -> str:
        """Let autogenerate write a revision, and return what is printed."""
        return self.run(*before, "revision", "--autogenerate", "-m", message, code=code)

    def revisions(self) -> list[Path]:
        """Return the files of all revisions, oldest first."""
        found = self.path.glob("migrations/*versions*/*.py")
        return sorted(found, key=lambda path: path.stat().st_mtime_ns)

    def add_to_models(self, text: str) -> None:
        """Write more at the end of the models."""
        with open(self.path / "models.py", "a") as models:
            models.write(text)

    def columns(self, table: str) -> set[str]:
        """Return the names of a table's columns."""
        engine = sa.create_engine(self.url)
        try:
            return {column["name"] for column in sa.inspect(engine).get_columns(table)}
        finally:
            engine.dispose()

    def tables(self, schema: str | None = None) -> set[str]:
        """Return the names of all tables."""
        engine = sa.create_engine(self.url)
        try:
            return {*sa.inspect(engine).get_table_names(schema)}
        finally:
            engine.dispose()


@pytest.fixture
def new_project(tmp_path: Path) -> Callable[..., Project]:
    """Let `alembic init` make a project."""

    def make(
        url: str, server: servers.Server | None = None, template: str = "generic"
    ) -> Project:
        config = Config(tmp_path / "alembic.ini", stdout=StringIO())
        command.init(config, str(tmp_path / "migrations"), template)
        ini = (tmp_path / "alembic.ini").read_text()
        told = url.replace("%", "%%")
        ini = ini.replace("driver://user:pass@localhost/dbname", told)
        # Python would look for `.` in the folder of the first project of this process.
        ini = ini.replace("prepend_sys_path = .", "prepend_sys_path = %(here)s")
        # As a project sets it whose output is looked at.
        ini = ini.replace("level = INFO", "level = WARNING")
        (tmp_path / "alembic.ini").write_text(ini)
        (tmp_path / "models.py").write_text(MODELS)
        project = Project(tmp_path, sa.make_url(url), server)
        project.configure()
        return project

    return make


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def project(
    request: pytest.FixtureRequest,
    new_project: Callable[..., Project],
    tmp_path: Path,
) -> Iterator[Project]:
    """Return a project on each family of databases; the database is not made yet."""
    if request.param == "sqlite":
        yield new_project(f"sqlite:///{tmp_path / 'app.db'}")
        return
    name = "any_postgres" if request.param == "postgresql" else "mariadb"
    server: servers.Server = request.getfixturevalue(name)
    yield new_project(server.url(DRIVERS[request.param], "orders"), server)
