"""Fixtures: baked projects, each copied for the test that uses it, and real servers."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import pytest
from cookiecutter.main import cookiecutter
from filelock import FileLock

from cookiecutter_alembic.databases import ConnectionString, parse
from tests import servers, warm
from tests.projects import AnyProject, AnyService

TEMPLATE = Path(__file__).resolve().parent.parent
TOOLS = Path(sys.executable).parent
"""Where the programs of the tests' own environment are."""

BIN = "Scripts" if sys.platform == "win32" else "bin"
ARTICLE_URL = f"postgresql+{{}}://postgres:{servers.PASSWORD}@localhost:5432/postgres"
MYSQL_URL = f"{{}}://root:{servers.PASSWORD}@localhost:3306/orders"

ASKED = {
    key
    for key in json.loads((TEMPLATE / "cookiecutter.json").read_text())
    if not key.startswith("_")
}

# One entry for each kind of repository that can come out.
ANSWERS = {
    "sqlite": {"project_name": "My Service"},
    "psycopg2": {
        "project_name": "Orders Service",
        "database_url": ARTICLE_URL.format("psycopg2"),
    },
    "psycopg": {
        "project_name": "Orders Service",
        "database_url": ARTICLE_URL.format("psycopg"),
    },
    "mariadb_pymysql": {"database_url": MYSQL_URL.format("mariadb+pymysql")},
    "mysql_pymysql": {"database_url": MYSQL_URL.format("mysql+pymysql")},
    "aiosqlite": {"database_url": "sqlite+aiosqlite:///my_service.db"},
    "psycopg_async": {"database_url": ARTICLE_URL.format("psycopg_async")},
    "asyncpg": {"database_url": ARTICLE_URL.format("asyncpg")},
    "mariadb_asyncmy": {"database_url": MYSQL_URL.format("mariadb+asyncmy")},
    "mysql_asyncmy": {"database_url": MYSQL_URL.format("mysql+asyncmy")},
}
CONNECTIONS = {
    kind: parse(answers.get("database_url", "sqlite:///my_service.db"))
    for kind, answers in ANSWERS.items()
}


AnyServer = TypeVar("AnyServer", bound=servers.Server)

# A shell that runs the tests in the background makes them ignore Ctrl-C, and with them all
# that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Hooks look for it here, also those of bakes inside the tests' own process.
os.environ["PATH"] = f"{TOOLS}{os.pathsep}{os.environ['PATH']}"


def require(found: object, what: str) -> None:
    """Skip a test for lack of a program, or fail it where REQUIRE_SERVERS is set."""
    if not found:
        outcome = pytest.fail if os.environ.get("REQUIRE_SERVERS") else pytest.skip
        outcome(f"{what} is not installed")


@cache
def uv_cache() -> str:
    """Return the folder of uv's cache, which all bakes share."""
    return subprocess.check_output([TOOLS / "uv", "cache", "dir"], text=True).strip()


def clean_environment(home: Path, **variables: str) -> dict[str, str]:
    """Return the environment of a stranger: an empty home, but for a name in git."""
    home.mkdir(parents=True, exist_ok=True)
    # Whole at each moment: other workers may bake in the same home.
    unfinished = home / f".gitconfig-{os.getpid()}"
    unfinished.write_text(
        "[user]\nname = Template Tests\nemail = tests@example.invalid\n"
    )
    unfinished.replace(home / ".gitconfig")
    kept = ("LANG", "PIP_", "SSL_", "REQUESTS_CA_BUNDLE", "SYSTEMROOT", "TEMP", "TMP")
    return {
        **{name: text for name, text in os.environ.items() if name.startswith(kept)},
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "UV_CACHE_DIR": uv_cache(),
        "PIP_CACHE_DIR": f"{uv_cache()}-pip",
        "PIP_NO_COMPILE": "1",
        # A project's pytest would clear away the folders of earlier runs of these tests.
        "PYTEST_DEBUG_TEMPROOT": str(home),
        **variables,
    }


@dataclass
class Project(AnyProject):
    """A generated repository."""

    output: str = ""
    """What its bake has printed."""

    def start(self, command: list[str], cwd: Path) -> tuple[int, str]:
        """Run a command of the project's `.venv`, which is not activated, or another."""
        program = self.path / ".venv" / BIN / command[0]
        if not program.exists():
            return self.start_process(command, cwd)
        started = [str(program), *command[1:]]
        if warm.suits([str(program)], self.environment):
            python = program.parent.resolve() / "python"
            return warm.of(python).run(started, cwd, self.environment)
        return self.start_process(started, cwd)

    def run_tests(self, *options: str) -> str:
        """Run the project's own tests, see that all pass, and return what is printed."""
        output = self.run("pytest", *options)
        is_on_server = (self.path / "compose.yaml").exists()
        assert f"= {8 if is_on_server else 7} passed in " in output
        return output


def bake_command(
    folder: Path,
    *options: str,
    template: str | Path = TEMPLATE,
    answers: dict[str, str],
) -> list[str]:
    """Return the command that bakes, which ignores keys that it does not know."""
    assert set(answers) <= ASKED
    return [
        str(TOOLS / "cookiecutter"),
        *("--no-input", "--output-dir", str(folder), *options, str(template)),
        *(f"{key}={answer}" for key, answer in answers.items()),
    ]


def bake(
    folder: Path,
    environment: dict[str, str],
    *options: str,
    template: str | Path = TEMPLATE,
    answers: dict[str, str],
) -> subprocess.CompletedProcess[str]:
    """Run the real `cookiecutter` command."""
    folder.mkdir(parents=True, exist_ok=True)
    return subprocess.run(
        bake_command(folder, *options, template=template, answers=answers),
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
    )


def bake_in_terminal(folder: Path, environment: dict[str, str]) -> Any:
    """Start to bake on a pseudo-terminal and return it, for the answers to be typed."""
    import pexpect

    return pexpect.spawn(
        str(TOOLS / "cookiecutter"),
        ["--output-dir", str(folder), str(TEMPLATE)],
        cwd=str(folder),
        env={**environment, "TERM": "dumb"},
        encoding="utf-8",
        timeout=60,
        dimensions=(24, 80),
    )


def baked(folder: Path, environment: dict[str, str], **answers: str) -> Project:
    """Bake a project and insist that it comes out."""
    done = bake(folder, environment, answers=answers)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = folder.iterdir()
    return Project(path, environment, output=done.stdout)


def refused(folder: Path, environment: dict[str, str], **answers: str) -> str:
    """Bake with an answer that is refused, and return the line that says so.

    See that it is one line, that nothing is made, and that no answer is kept at home.
    """
    done = bake(folder, environment, answers=answers)
    assert done.returncode != 0
    assert done.stdout == ""
    assert re.fullmatch(r"[^\n]+\n", done.stderr), done.stderr
    assert not list(folder.iterdir())
    assert not list(Path(environment["HOME"]).rglob("*.json"))
    return done.stderr


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that all xdist workers of this run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def mypy_cache(folder: Path) -> dict[str, str]:
    """Let mypy keep what it knows of SQLAlchemy, which is the same in each project.

    Arguments:
        folder: that of one worker, since projects have modules of the same names, and would
            take those of another that is checked at the same time.
    """
    return {"MYPY_CACHE_DIR": str(folder / "mypy")}


@pytest.fixture(scope="session")
def original(shared_folder: Path) -> Callable[[str], Project]:
    """Bake a set of answers once for all workers."""

    def find(answers: str) -> Project:
        folder = shared_folder / "originals" / answers
        environment = clean_environment(shared_folder / "home")
        output = shared_folder / f"{answers}.txt"
        with FileLock(shared_folder / f"{answers}.lock"):
            if not output.exists():
                project = baked(folder, environment, **ANSWERS[answers])
                output.write_text(project.output)
        (path,) = folder.iterdir()
        string = CONNECTIONS[answers].dialect.string
        return Project(path, environment, string, output.read_text())

    return find


@pytest.fixture
def copied(
    original: Callable[[str], Project], tmp_path: Path
) -> Callable[[str], Project]:
    """Copy a baked project; its environment stays where it is."""

    def copy(answers: str) -> Project:
        source = original(answers)
        path = tmp_path / source.path.name
        shutil.copytree(source.path, path, ignore=shutil.ignore_patterns(".venv"))
        (path / ".venv").symlink_to(source.path / ".venv")
        environment = clean_environment(
            tmp_path / "home", **mypy_cache(tmp_path.parent)
        )
        return Project(path, environment, source.string, source.output)

    return copy


@pytest.fixture
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an empty folder, at the same path for all tests of a worker.

    Half the time of a bake goes into compiling what it has installed. Python finds that
    compiled already where an earlier test has made a project of the same name here.
    """
    folder = tmp_path_factory.getbasetemp() / "bench"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


@pytest.fixture
def environment(bench: Path, shared_folder: Path) -> dict[str, str]:
    """Return a stranger's environment, in which Python keeps apart what it compiles."""
    prefix = str(shared_folder / "compiled")
    environment = clean_environment(bench / "home", PYTHONPYCACHEPREFIX=prefix)
    return environment | mypy_cache(bench.parent)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Copy the template's own files, with what is not committed yet."""
    listed = subprocess.check_output(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=TEMPLATE,
        text=True,
    )
    folder = tmp_path / "cookiecutter-alembic"
    for name in listed.split("\0"):
        source = TEMPLATE / name
        if name and source.is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, folder / name)
    return folder


def cruft(*arguments: str, cwd: Path, environment: dict[str, str]) -> str:
    """Run the real `cruft` command, and return what it printed."""
    command = [str(TOOLS / "cruft"), *arguments]
    return subprocess.check_output(command, cwd=cwd, env=environment, text=True)


def commit(folder: Path, environment: dict[str, str], message: str) -> None:
    """Commit all that is in a repository."""
    for command in (
        ["git", "add", "--all"],
        ["git", "commit", "--quiet", "--message", message],
    ):
        subprocess.run(command, cwd=folder, env=environment, check=True)


@pytest.fixture
def repository(checkout: Path, environment: dict[str, str]) -> Path:
    """Return a git repository with the template in it."""
    subprocess.run(["git", "init", "--quiet", checkout], env=environment, check=True)
    commit(checkout, environment, "Template")
    return checkout


@pytest.fixture
def rendered(tmp_path: Path) -> Callable[..., Path]:
    """Render the template's files alone, without hooks."""

    def render(**answers: Any) -> Path:
        assert set(answers) <= ASKED
        return Path(
            cookiecutter(
                str(TEMPLATE),
                no_input=True,
                extra_context=answers,
                output_dir=str(tmp_path / "rendered"),
                default_config=True,
                accept_hooks=False,
            )
        )

    return render


@pytest.fixture(scope="session")
def start_postgres() -> Iterator[Callable[[str], servers.Postgres]]:
    """Run PostgreSQL where a test needs it: the `system`'s, or that of a `wheel`."""
    with ExitStack() as stack:

        @cache
        def start(origin: str) -> servers.Postgres:
            if origin == "system":
                binaries = servers.system_postgres()
                require(binaries, "PostgreSQL")
            else:
                folder = stack.enter_context(servers.readable_folder())
                binaries = servers.wheel_postgres(folder)
            assert binaries is not None
            return stack.enter_context(servers.postgres(binaries))

        yield start


@contextmanager
def left_clean(server: AnyServer) -> Iterator[AnyServer]:
    """Lend a server to a test and see that no scratch or test database is left."""
    yield server
    left = server.databases() - server.own_databases
    for name in left:
        server.drop(name)
    assert not [name for name in left if name.startswith(("shadow_", "test_"))]


@pytest.fixture(params=["system", pytest.param("wheel", marks=pytest.mark.full)])
def postgres(
    request: pytest.FixtureRequest, start_postgres: Callable[[str], servers.Postgres]
) -> Iterator[servers.Postgres]:
    """Return a PostgreSQL server that holds no database of users."""
    with left_clean(start_postgres(request.param)) as server:
        yield server


@pytest.fixture
def any_postgres(
    start_postgres: Callable[[str], servers.Postgres],
) -> Iterator[servers.Postgres]:
    """Return a server for what is the same in all of its versions."""
    origin = "system" if servers.system_postgres() else "wheel"
    with left_clean(start_postgres(origin)) as server:
        yield server


@pytest.fixture
def pooler(any_postgres: servers.Postgres) -> Iterator[servers.Postgres]:
    """Return a PgBouncer in front of a server."""
    require(servers.pgbouncer_program(), "PgBouncer")
    with servers.pgbouncer(any_postgres) as pooler:
        yield pooler


@pytest.fixture(scope="session")
def start_mariadb() -> Iterator[Callable[[], servers.MariaDB]]:
    """Run MariaDB where a test needs it."""
    with ExitStack() as stack:

        @cache
        def start() -> servers.MariaDB:
            require(servers.mariadb_server(), "MariaDB")
            return stack.enter_context(servers.mariadb())

        yield start


@pytest.fixture
def mariadb(start_mariadb: Callable[[], servers.MariaDB]) -> Iterator[servers.MariaDB]:
    """Return a MariaDB server that holds no database of users."""
    with left_clean(start_mariadb()) as server:
        yield server


@dataclass
class Service(AnyService):
    """A generated repository and the server that its database is on, if any."""

    project: Project
    connection: ConnectionString
    server: servers.Server | None = None
    database: str = "orders"

    @property
    def file(self) -> Path:
        """The database, where it is a file."""
        return self.project.path / "my_service.db"

    @property
    def migrations(self) -> str:
        """The driver that migrations run on."""
        return self.connection.driver.migrations or self.connection.driver.name

    @property
    def batch(self) -> list[str]:
        """What its revisions wrap changes of a table in: SQLite can't alter one."""
        is_sqlite = self.connection.kind == "file"
        return ["op.batch_alter_table"] if is_sqlite else []


# Each family of databases once; the article and what else drivers and versions of servers
# may differ in is tried with all of them.
@pytest.fixture(params=["sqlite", "psycopg-wheel", "mariadb_pymysql"])
def service(
    request: pytest.FixtureRequest,
    copied: Callable[[str], Project],
    start_postgres: Callable[[str], servers.Postgres],
    start_mariadb: Callable[[], servers.MariaDB],
) -> Iterator[Service]:
    """Return a freshly baked service whose database is not made yet."""
    kind, _, origin = request.param.partition("-")
    connection = CONNECTIONS[kind]
    if connection.kind == "file":
        yield Service(copied(kind), connection)
        return
    running: servers.Server
    if connection.dialect.family == "mysql":
        running = start_mariadb()
    else:
        running = start_postgres(origin or "system")
    with left_clean(running) as server:
        project = copied(kind)
        url = server.url(connection.driver.name, "orders")
        project.environment["DATABASE_URL"] = url
        yield Service(project, connection, server)
