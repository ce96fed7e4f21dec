"""What a generated repository does, beyond the article."""

from __future__ import annotations

import re
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib.metadata import distribution
from pathlib import Path

import pytest

from tests.conftest import CONNECTIONS, Project, Service
from tests.documented import add_column, document, index_it
from tests.revisions import (
    ADD_USERNAME,
    add_by_hand,
    begin_upgrade,
    identifier,
    operations,
)
from tests.servers import PASSWORD, Postgres


def test_its_tests_pass_and_leave_the_users_database_alone(service: Service) -> None:
    project = service.project
    project.run("steady", "create")
    service.execute("CREATE TABLE theirs (id int)")
    service.execute("INSERT INTO theirs VALUES (1), (2)")
    project.run("alembic", "upgrade", "head")
    service.execute('INSERT INTO "user" (id) VALUES (7)')
    before = service.fingerprint()
    output = project.run_tests()
    assert service.fingerprint() == before
    seconds = re.search(r" passed in ([\d.]+)s", output)
    assert seconds and float(seconds[1]) < (15 if service.server else 5)


@pytest.fixture(scope="session")
def xdist(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a folder for PYTHONPATH with pytest-xdist in it."""
    folder = tmp_path_factory.mktemp("xdist")
    for name in ("pytest-xdist", "execnet"):
        for file in distribution(name).files or []:
            if ".." not in file.parts:
                target = folder / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file.locate(), target)
    return str(folder)


@pytest.mark.full
def test_its_tests_pass_in_parallel(service: Service, xdist: str) -> None:
    service.project.environment["PYTHONPATH"] = xdist
    service.project.run_tests("--numprocesses=2")


@pytest.mark.parametrize(
    ("file", "line", "broken"),
    [
        (
            "tests/conftest.py",
            "    return database.SessionLocal\n",
            "    return lambda bind, **_options: database.SessionLocal(bind=bind.engine)\n",
        ),
        ("app/database.py", '    event.listen(engine, "begin", _begin)\n', ""),
    ],
)
def test_its_tests_notice_a_session_that_leaves_rows(
    copied: Callable[[str], Project], file: str, line: str, broken: str
) -> None:
    project = copied("sqlite")
    path = project.path / file
    text = path.read_text()
    assert line in text
    path.write_text(text.replace(line, broken))
    output = project.run("pytest", code=1)
    assert "test_what_another_test_has_committed_is_gone" in output


on_one = pytest.mark.parametrize(
    "service",
    [
        "psycopg-wheel",
        pytest.param("sqlite", marks=pytest.mark.full),
        pytest.param("mariadb_pymysql", marks=pytest.mark.full),
    ],
    indirect=True,
)
"""For what is the same on all databases."""


@on_one
def test_its_tests_notice_a_model_without_a_revision(service: Service) -> None:
    service.project.add_username()
    output = service.project.run("pytest", code=1)
    assert "test_model_definitions_match_ddl" in output


def limit(project: Project, name: str, revision: Path) -> str:
    """Name a revision as a limit, as the README shows, and return the words for it."""
    readme = (project.path / "README.md").read_text()
    (block,) = re.findall(r"```toml\n(.+?)```", readme, re.DOTALL)
    table, *lines = block.splitlines()
    (line,) = [line for line in lines if line.startswith(f"{name} = ")]
    named = re.sub('".*"', f'"{identifier(revision)}"', line)
    pyproject = project.path / "pyproject.toml"
    pyproject.write_text(f"{pyproject.read_text()}\n{table}\n{named}\n")
    return f"write {named} under {table} in pyproject.toml"


@pytest.mark.full
def test_its_tests_leave_out_what_cannot_be_undone(service: Service) -> None:
    project = service.project
    revision = add_by_hand(project, 'op.execute("SELECT 1")')
    head, _, _ = revision.read_text().rpartition("pass")
    revision.write_text(f"{head}raise NotImplementedError\n")
    add_by_hand(project, 'op.execute("SELECT 2")')
    assert " passed, 1 warning in" in project.run("pytest")
    revision.write_text(f'{head}raise RuntimeError("rows are gone")\n')
    output = project.run("pytest", code=1)
    error = f"{identifier(revision)} By hand: RuntimeError: rows are gone; "
    told = re.findall(f"^E +{error}.*", output, re.MULTILINE)
    way = limit(project, "minimum_downgrade_revision", revision)
    assert len(told) == 1 and told[0].endswith(f". If it cannot be undone, {way}")
    project.run_tests()


@pytest.mark.parametrize(
    "service",
    ["psycopg-wheel", pytest.param("mariadb_pymysql", marks=pytest.mark.full)],
    indirect=True,
)
@pytest.mark.full
def test_its_tests_leave_out_what_cannot_be_printed(service: Service) -> None:
    project = service.project
    asks = add_by_hand(project, 'op.get_bind().execute(sa.text("SELECT 1")).one()')
    add_by_hand(project, 'op.execute("SELECT 2")')
    output = project.run("pytest", code=1)
    assert "= 1 failed, 7 passed in " in output
    is_linted = service.connection.dialect.family == "postgresql"
    linted = is_linted and project.run("steady", "squawk", code=255)
    way = limit(project, "minimum_sql_revision", asks)
    (told,) = re.findall(r"^E +alembic.*CommandError: (.*)", output, re.MULTILINE)
    assert told.startswith(f"could not print the SQL of {identifier(asks)}: ")
    assert told.endswith(f", or {way}")
    project.run_tests()
    if is_linted:
        assert linted == f"FAILED: {told}\n"
        project.run("steady", "squawk")


NAMELESS = (
    "table user: a check has no name;"
    ' add name="…" to its CheckConstraint or to its type'
)


@on_one
def test_a_check_without_a_name_is_told_in_one_line(service: Service) -> None:
    project = service.project
    service.create()
    check = '    __table_args__ = (sa.CheckConstraint("age > 0"),)\n'
    project.add_to_models(f"    age = sa.Column(sa.Integer)\n{check}")
    error = f"the models cannot be imported: {NAMELESS}"
    for command in (
        (*ADD_USERNAME,),
        ("alembic", "check"),
        ("alembic", "upgrade", "head"),
        ("steady", "create"),
        ("steady", "drift"),
    ):
        assert project.run(*command, code=255) == f"FAILED: {error}\n"
    assert project.run("pytest", code=4) == f"ERROR: {error}\n\n"
    # In the application, it is an error like any other of SQLAlchemy's.
    output = project.run("python", "-c", "import app.models", code=1)
    name = "sqlalchemy.exc.InvalidRequestError"
    assert output.splitlines()[-1] == f"{name}: {NAMELESS}"
    named = project.models.read_text().replace('> 0"', '> 0", name="positive"')
    project.models.write_text(named)
    project.run(*ADD_USERNAME)
    assert "ck_user_positive" in project.revisions()[-1].read_text()


@on_one
def test_a_type_whose_check_has_no_name_is_told_in_one_line(service: Service) -> None:
    project = service.project
    project.add_to_models(
        '    kind = sa.Column(sa.Enum("a", native_enum=False, create_constraint=True))\n'
    )
    for command in (ADD_USERNAME, ("alembic", "check")):
        output = project.run(*command, code=255)
        assert output == f"FAILED: the models cannot be built: {NAMELESS}\n"


def test_the_database_is_made_when_asked(service: Service) -> None:
    project = service.project
    if service.server:
        place = f"{service.migrations} at 127.0.0.1:{service.server.port}"
        output = project.run("alembic", "upgrade", "head", code=255)
        *_, error = output.splitlines()
        assert error == (
            f"FAILED: {place}, database orders does not exist; create it with: steady create"
        )
        where = f"{place}, database orders"
    else:
        project.environment["DATABASE_URL"] = "sqlite:///data/base/my_service.db"
        error = project.run("alembic", "upgrade", "head", code=255).splitlines()[-1]
        assert "create it with: steady create" in error
        where = f"sqlite at {project.path}/data/base/my_service.db"
    create = ("steady", "create")
    assert project.run(*create) == f"{where}: created\n"
    assert project.run(*create) == f"{where}: already exists\n"
    assert where in project.run("alembic", "upgrade", "head")


@pytest.mark.parametrize("path", ["/proc/none/x.db", "README.md/x.db", "app"])
def test_a_file_that_cannot_be_made_is_named_in_one_line(
    copied: Callable[[str], Project], path: str
) -> None:
    project = copied("sqlite")
    project.environment["DATABASE_URL"] = f"sqlite:///{path}"
    output = project.run("steady", "create", code=255)
    assert output.count("\n") == 1 and path in output


REASON = """
from alembic_steady.adapters import adapter_for
from sqlalchemy import make_url
url = make_url("postgresql+psycopg2://u@localhost/postgres")
print(adapter_for("postgresql")._reason(url, MESSAGE))
"""
TWO_ADDRESSES = """\
connection to server at "localhost" (::1), port 5432 failed: Connection refused
\tIs the server running on that host and accepting TCP/IP connections?
connection to server at "localhost" (127.0.0.1), port 5432 failed: {}
"""


@pytest.mark.parametrize(
    ("last", "reason"),
    [
        ("Connection refused", " does not answer (Connection refused)"),
        ("FATAL:  password authentication failed", ": password authentication failed"),
        ("fe_sendauth: no password supplied", ": fe_sendauth: no password supplied"),
    ],
)
def test_what_a_server_says_counts_more_than_an_address_without_one(
    copied: Callable[[str], Project], last: str, reason: str
) -> None:
    code = REASON.replace("MESSAGE", repr(TWO_ADDRESSES.format(last)))
    output = copied("psycopg2").run("python", "-c", code)
    assert output == f"postgresql+psycopg2 at localhost:5432{reason}\n"


def test_a_changed_server_default_is_seen(service: Service) -> None:
    project = service.project
    models = project.path / "app" / "models.py"
    column = f"    state = sa.Column({project.string}, server_default={{!r}})\n"
    models.write_text(models.read_text() + column.format("new"))
    project.run("alembic", "revision", "--autogenerate", "-m", "Add state")
    models.write_text(models.read_text().replace("'new'", "'fresh'"))
    project.run("alembic", "revision", "--autogenerate", "-m", "Change state")
    *_, revision = project.revisions()
    assert operations(revision, "upgrade") == ["op.alter_column", *service.batch]


@pytest.mark.full
@pytest.mark.parametrize("service", ["psycopg-wheel"], indirect=True)
def test_a_documented_revision_passes_the_projects_checks(service: Service) -> None:
    project = service.project
    add_column(project, service)
    document(index_it(project))
    project.run_tests()
    for command in (("ruff", "check"), ("ruff", "format", "--check"), ("mypy",)):
        project.run(*command)


def test_sql_is_printed_without_a_database(service: Service) -> None:
    service.project.environment["DATABASE_URL"] = {
        "file": "sqlite:///nowhere/none.db"
    }.get(service.connection.kind, f"{service.migrations}://u:p@192.0.2.1/none")
    output = service.project.run("alembic", "upgrade", "head", "--sql")
    assert "CREATE TABLE" in output


GIVEN_CONNECTION = """
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, inspect

engine = create_engine({url!r})
config = Config("alembic.ini")
with engine.begin() as connection:
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    command.check(config)
    assert inspect(connection).has_table("user")
"""


def test_a_given_connection_wins_over_everything(
    any_postgres: Postgres, copied: Callable[[str], Project]
) -> None:
    """With the settings naming a server that is not there, nor one for scratch databases."""
    project = copied("psycopg2")
    any_postgres.create("orders")
    project.environment["DATABASE_URL"] = "postgresql+psycopg2://u:p@192.0.2.1/none"
    url = any_postgres.url(database="orders")
    project.run("python", "-c", GIVEN_CONNECTION.format(url=url))


def test_commands_work_from_any_directory(service: Service, tmp_path: Path) -> None:
    project = service.project
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    ini = ("alembic", "-c", project.path / "alembic.ini")
    project.run("steady", "create")
    project.run(*ini, "upgrade", "head", cwd=elsewhere)
    assert set(service.schema()) == {"alembic_version", "user"}
    project.add_username()
    project.run(*ini, *ADD_USERNAME[1:], cwd=elsewhere)
    assert len(project.revisions()) == 2
    assert list(elsewhere.iterdir()) == []


def test_a_path_may_hold_any_character(copied: Callable[[str], Project]) -> None:
    project = copied("sqlite")
    moved = project.path.with_name("an ünï;cödé's $HOME #1")
    project.path.rename(moved)
    project.path = moved
    project.add_username()
    project.run(*ADD_USERNAME)
    project.run("alembic", "upgrade", "head")
    assert (moved / "my_service.db").exists()


@pytest.mark.parametrize(
    "message", ['"C:\\Users"', 'x"""; print("run"); """', "100% \\"]
)
def test_a_message_is_text(copied: Callable[[str], Project], message: str) -> None:
    project = copied("sqlite")
    project.run("alembic", "revision", "-m", message)
    assert "run\n" not in project.run("alembic", "upgrade", "head")
    assert message in project.run("alembic", "history")
    project.run("ruff", "check")
    project.run("ruff", "format", "--check")


def test_a_revision_by_hand_is_written_with_the_models_unchanged(
    copied: Callable[[str], Project],
) -> None:
    project = copied("sqlite")
    project.run("alembic", "upgrade", "head")
    project.run("alembic", "revision", "-m", "By hand")
    assert len(project.revisions()) == 2
    assert project.run("cat", "migrations/head.txt").endswith(" By hand\n")


def test_the_applications_loggers_stay_on(copied: Callable[[str], Project]) -> None:
    project = copied("sqlite")
    with open(project.path / "app" / "models.py", "a") as models:
        models.write("\n\nimport logging\n\nlogger = logging.getLogger('app')\n")
    (revision,) = project.revisions()
    warn = "    from app.models import logger\n\n    logger.warning('still here')\n"
    begin_upgrade(revision, warn)
    assert "still here" in project.run("alembic", "upgrade", "head")
    from_python = (
        "import logging; from alembic import command; from alembic.config import Config;"
        "command.downgrade(Config('alembic.ini'), 'base');"
        "assert not logging.root.handlers"
    )
    output = project.run("python", "-c", from_python)
    first, *_, last = output.splitlines()
    assert first == f"Database: sqlite at {project.path}/my_service.db"
    assert last == "Now at base"


def test_new_revisions_are_named_by_the_time_in_utc(
    copied: Callable[[str], Project],
) -> None:
    project = copied("sqlite")
    project.environment["TZ"] = "Pacific/Kiritimati"  # fourteen hours ahead
    before = time.strftime("%Y_%m_%d_%H%M", time.gmtime())
    project.add_username()
    project.run(*ADD_USERNAME)
    after = time.strftime("%Y_%m_%d_%H%M", time.gmtime())
    assert before <= project.revisions()[-1].name.partition("-")[0] <= after


def test_a_password_in_env_is_not_expanded(copied: Callable[[str], Project]) -> None:
    project = copied("psycopg2")
    (project.path / ".env").write_text("DATABASE_URL='postgresql://u:${HOME}@h/d'\n")
    code = "from app.config import database_url; print(database_url().password)"
    assert project.run("python", "-c", code) == "${HOME}\n"


CONFIG = """
from app.config import database_url
url = database_url()
print(url.drivername, url.host, url.database)
"""


@pytest.mark.parametrize(
    ("kind", "url", "message"),
    [
        ("sqlite", "", "DATABASE_URL is not set: copy .env.example to .env"),
        ("sqlite", "postgresql://u:secret@h/d", "is for postgresql"),
        ("sqlite", "sqlite://", "names no file"),
        ("sqlite", "sqlite:///:memory:", "names no file"),
        ("sqlite", "secret", "is not a valid SQLAlchemy URL"),
        ("psycopg2", "", "DATABASE_URL is not set: copy .env.example to .env"),
        ("psycopg2", "sqlite:///a.db", "is for sqlite"),
        (
            "psycopg2",
            "postgresql+psycopg://u:secret@h/d",
            "runs on postgresql+psycopg2",
        ),
        ("psycopg2", "mysql://u:secret@h/d", "is for mysql"),
        ("psycopg2", "postgresql://u:secret@h:port/d", "is not a valid SQLAlchemy URL"),
        ("psycopg2", "postgresql://u:secret@h", "names no database"),
        ("psycopg2", "postgresql://u:top@secret@h/d", "write an @ in the password"),
        ("psycopg2", "postgresql://u:top@secret/@h/d", "write an @ in the password"),
    ],
)
def test_a_bad_setting_is_refused_in_one_line(
    copied: Callable[[str], Project], kind: str, url: str, message: str
) -> None:
    project = copied(kind)
    (project.path / ".env").unlink()
    project.environment["DATABASE_URL"] = url
    commands: list[tuple[str, ...]] = [
        ("python", "-c", CONFIG),
        ("alembic", "current"),
    ]
    if not url:
        commands += [("steady", "create"), ("pytest",)]
    for command in commands:
        output = project.run(*command, code=1)
        assert message in output
        assert output.count("\n") == 1
        assert "secret" not in output


def test_a_file_of_settings_that_is_no_text_is_refused_in_one_line(
    copied: Callable[[str], Project],
) -> None:
    project = copied("sqlite")
    text = "DATABASE_URL=sqlite:///a.db"
    (project.path / ".env").write_text(text, encoding="utf-16")  # As by PowerShell.
    for command in (("alembic", "current"), ("steady", "create")):
        output = project.run(*command, code=1)
        assert output.startswith(".env can't be read as UTF-8 text: ")
        assert output.count("\n") == 1


@pytest.mark.parametrize(
    ("kind", "url", "expected"),
    [
        ("sqlite", "sqlite:///a.db", "sqlite None {root}/a.db"),
        ("sqlite", "sqlite:////srv/a@b.db", "sqlite None /srv/a@b.db"),
        ("psycopg2", "postgres://u:p@h/d", "postgresql+psycopg2 h d"),
        ("psycopg2", "postgresql://u:p@h/d", "postgresql+psycopg2 h d"),
        ("psycopg", "postgresql://u:p@h/d", "postgresql+psycopg h d"),
    ],
)
def test_a_url_comes_from_the_environment_first(
    copied: Callable[[str], Project],
    tmp_path: Path,
    kind: str,
    url: str,
    expected: str,
) -> None:
    project = copied(kind)
    # What .env says does not count then, and what a parent directory's says never does.
    (project.path.parent / ".env").write_text("DATABASE_URL=sqlite:///parent.db\n")
    project.environment["DATABASE_URL"] = url
    output = project.run("python", "-c", CONFIG)
    assert output.strip() == expected.format(root=project.path)
    del project.environment["DATABASE_URL"]
    (project.path / ".env").write_text(f"DATABASE_URL='{url}'\n")
    output = project.run("python", "-c", CONFIG)
    assert output.strip() == expected.format(root=project.path)


def test_migrations_may_use_another_url(
    any_postgres: Postgres, copied: Callable[[str], Project]
) -> None:
    project = copied("psycopg2")
    project.environment["DATABASE_URL"] = "postgresql://postgres:p@192.0.2.1/none"
    project.environment["MIGRATION_DATABASE_URL"] = any_postgres.url(database="orders")
    project.run("steady", "create")
    project.run("alembic", "upgrade", "head")
    project.run("alembic", "check")
    assert any_postgres.query('SELECT * FROM "user"', "orders") == []


@pytest.mark.parametrize(
    "kind", ["psycopg", pytest.param("mariadb_asyncmy", marks=pytest.mark.full)]
)
def test_tests_make_no_database_on_another_machine_unasked(
    copied: Callable[[str], Project], kind: str
) -> None:
    project = copied(kind)
    driver = CONNECTIONS[kind].driver.name
    project.environment["DATABASE_URL"] = f"{driver}://u:p@192.0.2.1/none"
    (line,) = project.run("pytest", code=4).strip().splitlines()
    assert line.endswith("unasked; to test on another server, set TEST_DATABASE_URL")


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Return a port that accepts connections and never answers on them."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield listener.getsockname()[1]


@pytest.mark.full
@pytest.mark.parametrize("kind", ["psycopg2", "psycopg", "mariadb_pymysql"])
def test_a_server_that_never_answers_is_not_waited_for(
    copied: Callable[[str], Project], silent_port: int, kind: str
) -> None:
    project = copied(kind)
    driver = CONNECTIONS[kind].driver.name
    url = f"{driver}://u:{PASSWORD}@127.0.0.1:{silent_port}/none"
    project.environment["DATABASE_URL"] = url
    started = time.monotonic()
    output = project.run("alembic", "upgrade", "head", code=255)
    assert time.monotonic() - started < 15
    assert "does not answer" in output.splitlines()[-1]
    assert PASSWORD not in output


@pytest.mark.parametrize(
    "kind",
    [
        "psycopg2",
        pytest.param("asyncpg", marks=pytest.mark.full),
        pytest.param("mariadb_pymysql", marks=pytest.mark.full),
        "mysql_asyncmy",
    ],
)
def test_without_a_server_each_command_ends_in_one_line(
    copied: Callable[[str], Project], xdist: str, kind: str
) -> None:
    project = copied(kind)
    driver = CONNECTIONS[kind].driver
    url = f"{driver.name}://u:{PASSWORD}@127.0.0.1:9/none"
    project.environment |= {"DATABASE_URL": url, "PYTHONPATH": xdist}
    reason = (
        f"{driver.migrations or driver.name} at 127.0.0.1:9 does not answer "
        "(Connection refused)"
    )
    for command, code in (
        (("alembic", "check"), 255),
        (("steady", "create"), 255),
        (("pytest", "--quiet"), 4),
        (("pytest", "--quiet", "--numprocesses=2"), 4),
    ):
        output = project.run(*command, code=code)
        hint = {
            "alembic": "; set SHADOW_DATABASE_URL to a server on which databases may be created,",
            "pytest": "; to test on another server, set TEST_DATABASE_URL",
            "steady": "",
        }[command[0]]
        (line,) = output.strip().splitlines()
        assert reason + hint in line
        assert PASSWORD not in output
    # The models can be imported, a connection is not opened before it is needed.
    project.run("python", "-c", "from app.database import engine; import app.models")


@pytest.mark.parametrize("driver", ["psycopg2", "psycopg"])
def test_a_wrong_password_is_named_and_not_shown(
    any_postgres: Postgres, copied: Callable[[str], Project], driver: str
) -> None:
    project = copied(driver)
    wrong = any_postgres.url("postgresql", password="not-this-one")
    project.environment["DATABASE_URL"] = wrong
    *_, error = project.run("alembic", "upgrade", "head", code=255).splitlines()
    assert "password authentication failed" in error
    assert "not-this-one" not in error


@pytest.mark.parametrize("driver", ["psycopg2", "psycopg"])
def test_a_role_that_may_not_make_databases_is_told_so(
    any_postgres: Postgres, copied: Callable[[str], Project], driver: str
) -> None:
    any_postgres.query("DROP ROLE IF EXISTS modest")
    any_postgres.query(f"CREATE ROLE modest LOGIN PASSWORD '{PASSWORD}'")
    project = copied(driver)
    url = any_postgres.url("postgresql", "orders", "modest")
    project.environment["DATABASE_URL"] = url
    for command in (("alembic", "check"), ("steady", "create")):
        output = project.run(*command, code=None)
        assert ": permission denied to create database" in output
        assert output.count("\n") == 1
    any_postgres.query("DROP ROLE modest")


@pytest.mark.parametrize(
    "service", ["psycopg2-system", "psycopg-system", "mariadb_pymysql"], indirect=True
)
def test_a_name_of_any_characters_is_created(service: Service) -> None:
    assert service.server
    service.database = '100% "of" `:all`\'s'
    url = service.server.url(service.connection.driver.name, service.database)
    service.project.environment["DATABASE_URL"] = url
    service.project.run("steady", "create")
    service.project.run("alembic", "upgrade", "head")
    assert service.database in service.server.databases()


ENGINE = """
from sqlalchemy import text
from app.database import SessionLocal, engine
assert engine.pool._pre_ping
with SessionLocal() as session:
    print(session.scalar(text("PRAGMA foreign_keys")))
"""


def test_sqlite_enforces_foreign_keys(copied: Callable[[str], Project]) -> None:
    assert copied("sqlite").run("python", "-c", ENGINE) == "1\n"


CONSTRAINTS = """
import sqlalchemy as sa
from sqlalchemy.schema import CreateIndex, CreateTable
from app.database import Base
one = sa.Table("one", Base.metadata, sa.Column("id", sa.Integer, primary_key=True))
two = sa.Table(
    "two", Base.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("one_id", sa.ForeignKey("one.id")),
    sa.Column("a", sa.Integer, index=True),
    sa.Column("b", sa.Integer, sa.CheckConstraint("b > 0", name="positive")),
    sa.UniqueConstraint("a", "b"),
)
print(CreateTable(two), *map(CreateIndex, two.indexes))
"""


def test_every_kind_of_constraint_has_a_name(copied: Callable[[str], Project]) -> None:
    output = copied("sqlite").run("python", "-c", CONSTRAINTS)
    for name in ("pk_two", "fk_two_one_id_one", "ck_two_positive", "uq_two_a_b"):
        assert f"CONSTRAINT {name} " in output
    assert "INDEX ix_two_a ON" in output


def test_the_first_revision_speaks_the_projects_dialect(
    copied: Callable[[str], Project],
) -> None:
    """Written without a server, with types and indexes that only PostgreSQL has."""
    project = copied("psycopg2")
    project.environment["DATABASE_URL"] = "postgresql://u:p@192.0.2.1/none"
    for revision in project.revisions():
        revision.unlink()
    models = project.path / "app" / "models.py"
    models.write_text(
        models.read_text()
        + """    data: Mapped[dict[str, str]] = mapped_column(postgresql.JSONB)
    tags: Mapped[list[str]] = mapped_column(postgresql.ARRAY(sa.Text))
    __table_args__ = (
        sa.Index("ix_user_data", "data", postgresql_using="gin"),
        sa.Index("ix_user_lower", sa.text("lower(tags[1])"), postgresql_where=sa.text("id > 0")),
    )
""".replace("postgresql.", "pg.")
    )
    text = models.read_text().replace(
        "import sqlalchemy as sa\n",
        "import sqlalchemy as sa\nfrom sqlalchemy.dialects import postgresql as pg\n",
    )
    models.write_text(text)
    project.run("alembic", "revision", "--autogenerate", "-m", "Initial revision")
    (revision,) = project.revisions()
    written = revision.read_text()
    assert "postgresql.JSONB(astext_type=sa.Text())" in written
    assert "postgresql.ARRAY(sa.Text())" in written
    assert 'postgresql_using="gin"' in written
    assert "postgresql_where" in written
    assert "batch" not in written
    project.run("ruff", "check")
