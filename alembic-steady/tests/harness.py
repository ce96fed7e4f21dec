"""Projects that tests try the library in: their commands run in the tests' own process."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import (
    ExitStack,
    chdir,
    contextmanager,
    redirect_stderr,
    redirect_stdout,
)
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import CommandLine, Config

from alembic_steady import cli
from tests import servers, warm
from tests.conftest import TOOLS, clean_environment
from tests.projects import AnyProject, AnyService, schema

OWN_MODULES = ("app", "models")
"""What each project has, so that Python would take that of the one before."""


DRIVERS = {
    "sqlite": "sqlite",
    "psycopg2": "postgresql+psycopg2",
    "psycopg": "postgresql+psycopg",
    "pymysql": "mariadb+pymysql",
}
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
IS_NEWEST = not sa.__version__.startswith("2.0.")
PERCENT = "%(a)s" if IS_NEWEST else "%s"
"""What SQLAlchemy 2.0 takes for a parameter in a statement, and nobody can prevent it."""
USERNAME = "    username: Mapped[str | None] = mapped_column(sa.String(50))\n"


@dataclass
class Project(AnyProject):
    """A project that calls the library in its env.py."""

    def start(self, command: list[str], cwd: Path) -> tuple[int, str]:
        """Run `alembic` and `steady` in this process, and what else there is as it comes."""
        program, *typed = command
        # squawk is a program itself, and prints past Python.
        is_here = program in warm.PROGRAMS and "squawk" not in typed
        if is_here and not warm.tells_python(self.environment):
            return run_here(program, typed, self.path, cwd, self.environment)
        started = [str(TOOLS / program), *typed]
        if warm.suits(command, self.environment):
            return warm.of(Path(sys.executable)).run(started, cwd, self.environment)
        return self.start_process(started, cwd)

    def check_files(self, *, is_short: bool) -> None:
        """Check all files with ruff and, in a run that takes its time, with mypy."""
        self.run("ruff", "check")
        self.run("ruff", "format", "--check")
        if IS_NEWEST and not is_short:  # SQLAlchemy 2.0 has other types.
            self.run("mypy")

    def change_models(self, replaced: dict[str, str]) -> None:
        """Replace parts of the models, each of which has to be there."""
        text = self.models.read_text()
        for old, new in replaced.items():
            assert old in text
            text = text.replace(old, new)
        self.models.write_text(text)
        # Python takes a file of the same length for what it has compiled in the same second.
        shutil.rmtree(self.models.parent / "__pycache__", ignore_errors=True)

    def compare_with_created(self) -> list[str]:
        """Return how the database differs from one that the models have created."""
        printed = self.run("python", "-c", COMPARE_WITH_CREATED)
        return [line for line in printed.splitlines() if line]


COMPARE_WITH_CREATED = """
from sqlalchemy.schema import CreateSchema

from alembic.config import Config
from alembic_steady import drift, settings
from alembic_steady.configure import configure_options
from alembic_steady.scope import Scope

project = settings.load(Config("alembic.ini"))
options = configure_options(project)
with (
    project.adapter.connect(project.url()) as real,
    project.scratch_connection() as empty,
):
    for schema in {table.schema for table in project.tables.values()} - {None}:
        empty.execute(CreateSchema(schema))
    project.metadata.create_all(empty)
    scope = Scope(project, options, empty)
    described = map(scope.describe, (empty, real))
    print("\\n".join(drift.compare(scope, *described)))
"""


def run_here(
    program: str,
    typed: list[str],
    project: Path,
    cwd: Path,
    environment: dict[str, str],
) -> tuple[int, str]:
    """Run a command in this process, and return its exit code and what it printed."""
    line = cli.command_line() if program == "steady" else CommandLine(prog=program)
    with as_started([program, *typed], cwd, environment) as printed:
        try:
            options = line.parser.parse_args(typed)
            ini = project / "alembic.ini"
            line.run_cmd(Config(ini, stdout=printed, cmd_opts=options), options)
            code: Any = 0
        except SystemExit as error:
            code = error.code or 0
        except Exception:  # noqa: BLE001  Python shows them all
            traceback.print_exc()
            code = 1
        if isinstance(code, str):
            printed.write(f"{code}\n")
            code = 1
    return code & 0xFF, printed.getvalue()


class Output(StringIO):
    """What is printed. Alembic looks for the encoding, and would write ASCII without."""

    encoding = "utf-8"


@contextmanager
def as_started(
    argv: list[str], cwd: Path, environment: dict[str, str]
) -> Iterator[StringIO]:
    """Let this process look like one that was started, and yield what it prints."""
    printed = Output()
    before = dict(os.environ), sys.argv, [*sys.path], sys.dont_write_bytecode
    forget_modules()
    with ExitStack() as stack:
        stack.enter_context(chdir(cwd))
        stack.enter_context(redirect_stdout(printed))
        stack.enter_context(redirect_stderr(printed))
        stack.enter_context(warnings.catch_warnings())
        stack.enter_context(own_logging())
        warnings.simplefilter("default")
        if not IS_NEWEST:  # SQLAlchemy 2.0 reads them otherwise than they are written.
            warnings.filterwarnings("ignore", "Computed default")
        warnings.showwarning = _print_warning  # type: ignore[assignment]
        os.environ.clear()
        os.environ.update(environment)
        # A model that changes within a second to text of the same length is read anew.
        sys.argv, sys.dont_write_bytecode = argv, True
        try:
            yield printed
        finally:
            os.environ.clear()
            os.environ.update(before[0])
            sys.argv, sys.path[:], sys.dont_write_bytecode = before[1:]


def forget_modules() -> None:
    """Let Python read the next project's modules, and not those of the last one."""
    for name in [*sys.modules]:
        if name.partition(".")[0] in OWN_MODULES:
            del sys.modules[name]


def _print_warning(
    message: Warning | str, category: type[Warning], name: str, line: int, *_: Any
) -> None:
    print(warnings.formatwarning(message, category, name, line), file=sys.stderr)


@contextmanager
def own_logging() -> Iterator[None]:
    """Undo what an ini file sets up."""
    root, known = logging.root, logging.root.manager.loggerDict
    loggers = [root, *(it for it in known.values() if isinstance(it, logging.Logger))]
    before = [(it, it.level, [*it.handlers], it.disabled) for it in loggers]
    yield
    for logger, level, handlers, disabled in before:
        logger.setLevel(level)
        logger.handlers[:], logger.disabled = handlers, disabled


@dataclass
class Service(AnyService):
    """A project and the server that its database is on, if any."""

    project: Project
    server: servers.Server | None = None
    database: str = "orders"

    @property
    def driver(self) -> str:
        """The driver that migrations run on."""
        return self.project.environment["DRIVER"]

    @property
    def family(self) -> str:
        """The family of databases: sqlite, postgresql or mysql."""
        return self.driver.partition("+")[0].replace("mariadb", "mysql")

    @property
    def file(self) -> Path:
        """The database, where it is a file."""
        return self.project.path / "my_service.db"

    @property
    def batch(self) -> list[str]:
        """What its revisions wrap changes of a table in: SQLite can't alter one."""
        return ["op.batch_alter_table"] if self.family == "sqlite" else []

    def drift(self, code: int) -> list[str]:
        """Return the lines that say how the database differs, which nothing changes."""
        before = self.fingerprint()
        place, *lines = self.project.run("steady", "drift", code=code).splitlines()
        assert place.startswith(self.driver) and place.endswith(":")
        assert self.fingerprint() == before
        return lines


@dataclass
class PlainProject(Project):
    """A project that `alembic init` has made, with the library called in its env.py."""

    url: sa.URL | str = ""

    @property
    def models(self) -> Path:
        """The file of the models."""
        return self.path / "models.py"

    def configure(self, **options: object) -> None:
        """Write the call in env.py, with options of `context.configure`."""
        told = "".join(f", {name}={value!r}" for name, value in options.items())
        env = self.path / "migrations" / "env.py"
        before = env.read_text().partition("target_metadata = None")[0]
        before = before.partition("from models import Base")[0]
        env.write_text(before + CALL.format(options=told))

    def columns(self, table: str) -> set[str]:
        """Return the names of a table's columns."""
        return schema(self.url)[table]

    def tables(self, name: str | None = None) -> set[str]:
        """Return the names of all tables of a schema."""
        return {*schema(self.url, name)}


def plain_project(folder: Path, url: str, template: str = "generic") -> PlainProject:
    """Let `alembic init` make a project.

    Arguments:
        folder: where to make it.
        url: its database.
        template: which of Alembic's templates to use.
    """
    config = Config(folder / "alembic.ini", stdout=StringIO())
    command.init(config, str(folder / "migrations"), template)
    ini = (folder / "alembic.ini").read_text()
    told = url.replace("%", "%%")
    ini = ini.replace("driver://user:pass@localhost/dbname", told)
    # Python would look for `.` in the folder of the first project of this process.
    ini = ini.replace("prepend_sys_path = .", "prepend_sys_path = %(here)s")
    # As a project sets it whose output is looked at.
    ini = ini.replace("level = INFO", "level = WARNING")
    (folder / "alembic.ini").write_text(ini)
    (folder / "models.py").write_text(MODELS)
    environment = clean_environment(folder / "home")
    project = PlainProject(folder, environment, url=sa.make_url(url))
    project.configure()
    return project


def in_terminal(project: AnyProject, *command: str) -> Any:
    """Start a command on a pseudo-terminal and return it, for its questions to be answered."""
    import pexpect  # Windows has no pseudo-terminals.

    program, *arguments = command
    return pexpect.spawn(
        str(TOOLS / program),
        arguments,
        cwd=str(project.path),
        env={**project.environment, "TERM": "dumb"},
        encoding="utf-8",
        timeout=60,
        dimensions=(24, 80),
    )


def tell(project: PlainProject, definitions: str, options: str) -> None:
    """Write in env.py what is passed to `run_migrations`, and what that is."""
    env = project.path / "migrations" / "env.py"
    call = "run_migrations(target_metadata"
    env.write_text(env.read_text().replace(call, f"{definitions}\n\n{call}, {options}"))


def migrate(project: PlainProject) -> None:
    """Make the database, if there is none, and run all revisions."""
    project.run("steady", "create")
    project.run("alembic", "upgrade", "heads")
