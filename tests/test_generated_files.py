"""The generated files, read as their new owner would read them."""

from __future__ import annotations

import configparser
import re
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import sqlalchemy as sa
import yaml

from cookiecutter_alembic import library
from tests.conftest import ANSWERS, CONNECTIONS, TEMPLATE, TOOLS, Project
from tests.servers import PASSWORD, MariaDB

RENDERED = {
    ".env.example",
    ".gitattributes",
    ".github/workflows/ci.yml",
    ".gitignore",
    ".pre-commit-config.yaml",
    "README.md",
    "alembic.ini",
    "app/__init__.py",
    "app/config.py",
    "app/database.py",
    "app/models.py",
    "migrations/env.py",
    "migrations/head.txt",
    "migrations/script.py.mako",
    "pyproject.toml",
    "tests/__init__.py",
    "tests/conftest.py",
    "tests/test_migrations.py",
    "tests/test_models.py",
}
FOR_SERVERS = {"compose.yaml"}
FOR_POSTGRESQL = {".squawk.toml"}
LIBRARY = {
    f"vendor/alembic-steady/{path.relative_to(library.SOURCE).as_posix()}"
    for path in library.files()
}
MADE_BY_HOOK = {".env", "uv.lock", "migrations/versions/REVISION"}
TOOL_FOLDERS = {".git", ".ruff_cache", ".venv", "__pycache__"}

each_kind = pytest.mark.parametrize("kind", ANSWERS)


def files(project: Path) -> set[str]:
    """Return a project's files, without those that tools keep in folders of theirs."""
    found = set()
    for path in project.rglob("*"):
        relative = path.relative_to(project)
        if path.is_file() and not TOOL_FOLDERS & set(relative.parts):
            name = re.sub(
                r"versions/\d{4}_\d\d_\d\d_\d{4}-[0-9a-f]{12}_initial_revision\.py",
                "versions/REVISION",
                relative.as_posix(),
            )
            found.add(name)
    return found


def is_file(kind: str) -> bool:
    """Return whether a kind's database is a file."""
    return CONNECTIONS[kind].kind == "file"


def expected(kind: str) -> set[str]:
    """Return the files that a set of answers renders."""
    return {
        "file": RENDERED,
        "mysql": RENDERED | FOR_SERVERS,
        "postgresql": RENDERED | FOR_SERVERS | FOR_POSTGRESQL,
    }[CONNECTIONS[kind].dialect.family]


def text_files(project: Path) -> list[Path]:
    """Return all files that the template renders or the first revision adds."""
    rendered = RENDERED | FOR_SERVERS | FOR_POSTGRESQL
    return [project / name for name in files(project) if name in rendered] + sorted(
        project.glob("migrations/versions/*.py")
    )


@each_kind
def test_exactly_these_files_are_rendered(
    kind: str, rendered: Callable[..., Path]
) -> None:
    """Those that another kind has are empty, and are what the generator drops."""
    project = rendered(**ANSWERS[kind])
    everything = RENDERED | FOR_SERVERS | FOR_POSTGRESQL
    assert files(project) == everything
    empty = {
        name
        for name in everything
        if not (project / name).read_text().strip() and not name.endswith("__init__.py")
    }
    assert empty == everything - expected(kind)
    assert sorted(empty) == CONNECTIONS[kind].unneeded_files


@each_kind
def test_exactly_these_files_are_made(
    kind: str, original: Callable[[str], Project]
) -> None:
    project = original(kind)
    assert files(project.path) == expected(kind) | LIBRARY | MADE_BY_HOOK
    committed = set(project.run("git", "ls-files").splitlines())
    (revision,) = project.revisions()
    name = revision.relative_to(project.path).as_posix()
    made = {"uv.lock", name}
    assert committed == expected(kind) | LIBRARY | made


@each_kind
def test_no_file_shows_that_a_template_made_it(
    kind: str, original: Callable[[str], Project]
) -> None:
    for path in text_files(original(kind).path):
        check_text(path)


def check_text(path: Path) -> None:
    """See that a generated file holds no Jinja, and that its lines are as by hand."""
    text = path.read_text(encoding="utf-8")
    # The address of the library, for those who lack it.
    told = re.sub(r"/cookiecutter-alembic\b", "", text)
    assert not re.search(r"\{%|%\}|\{#|cookiecutter", told), path
    assert not re.search(r"(?<!\$)\{\{", text), path
    assert not re.search(r"[ \t]+$", text, re.MULTILINE), path
    assert not text.startswith("\n"), path
    assert "\n\n\n\n" not in text, path
    if path.suffix != ".py":
        assert "\n\n\n" not in re.sub(r"\n{3}(class|def) ", "", text), path
    assert text == "" or re.search(r"[^\n]\n\Z", text), path


@each_kind
def test_nothing_but_env_holds_the_password(
    kind: str, original: Callable[[str], Project]
) -> None:
    project = original(kind)
    for path in project.path.rglob("*"):
        inside = path.relative_to(project.path).parts
        if (
            path.is_file()
            and inside[0] not in {".git", ".venv"}
            and inside != (".env",)
        ):
            assert PASSWORD.encode() not in path.read_bytes(), path
    history = project.run("git", "log", "--all", "--patch")
    assert PASSWORD not in history and "create_table" in history
    assert PASSWORD not in project.output


@each_kind
def test_configuration_can_be_read_by_what_reads_it(
    kind: str, original: Callable[[str], Project]
) -> None:
    project = original(kind)
    pyproject = tomllib.loads((project.path / "pyproject.toml").read_text())
    assert pyproject["project"]["description"] == ANSWERS[kind].get(
        "project_name", "My Service"
    )
    workflow = yaml.safe_load((project.path / ".github/workflows/ci.yml").read_text())
    assert workflow["permissions"] == {"contents": "read"}
    ini = configparser.ConfigParser({"here": "/"})
    ini.read_string((project.path / "alembic.ini").read_text())
    assert "sqlalchemy.url" not in ini["alembic"]
    if not is_file(kind):
        compose = yaml.safe_load((project.path / "compose.yaml").read_text())
        assert list(compose["services"]) == ["database"]


@each_kind
def test_compose_file_is_sound(kind: str, original: Callable[[str], Project]) -> None:
    if not is_file(kind):
        check_compose(original(kind).path / "compose.yaml")


def check_compose(file: Path) -> dict[str, Any]:
    """Compare a Compose file with Compose's schema and return its contents."""
    schema = ("--builtin-schema", "vendor.compose-spec")
    subprocess.run([TOOLS / "check-jsonschema", *schema, file], check=True)
    contents: dict[str, Any] = yaml.safe_load(file.read_text())
    return contents


@pytest.mark.parametrize(
    ("url", "port", "user", "database", "example"),
    [
        (
            "postgresql://localhost:6432/x?user=o%24&password=p%25q&dbname=sales",
            6432,
            "o$$",
            "sales",
            "postgresql+psycopg://o%24:password@localhost:6432/sales",
        ),
        (
            "postgresql+psycopg2://u:p@/a%20b?host=h1:6432&host=h2:5432",
            6432,
            "u",
            "a b",
            "postgresql+psycopg2://u:password@/a%20b?host=h1:6432&host=h2:5432",
        ),
        (
            "mariadb://h:3307/x?user=u&passwd=p&charset=utf8mb4",
            3307,
            "u",
            "x",
            "mariadb+pymysql://u:password@h:3307/x?charset=utf8mb4",
        ),
    ],
)
def test_nothing_in_a_connection_string_is_lost(
    rendered: Callable[..., Path],
    url: str,
    port: int,
    user: str,
    database: str,
    example: str,
) -> None:
    project = rendered(database_url=url)
    compose = yaml.safe_load((project / "compose.yaml").read_text())
    container = compose["services"]["database"]
    told = container["environment"]
    names = {told.get("POSTGRES_USER"), told.get("MARIADB_USER")} - {None}
    databases = {told.get("POSTGRES_DB"), told.get("MARIADB_DATABASE")} - {None}
    assert (names, databases) == ({user}, {database})
    (published,) = container["ports"]
    assert published.startswith(f"127.0.0.1:{port}:")
    assert f"\nDATABASE_URL='{example}'\n" in (project / ".env.example").read_text()
    # Elsewhere, the README says under which name the container would be found.
    is_named = f"`localhost:{port}`" in (project / "README.md").read_text()
    assert is_named is not ("localhost" in url)


@pytest.mark.parametrize("user", ["orders", "o'r`d\"e$rs", "back%5Cslash", "größe"])
def test_the_user_of_a_mysql_container_may_make_databases(
    rendered: Callable[..., Path], mariadb: MariaDB, user: str
) -> None:
    """Its image lets a user other than root into one database alone."""
    url = f"mariadb://{user}:p@localhost/orders"
    compose = check_compose(rendered(database_url=url) / "compose.yaml")
    (database,) = compose["services"].values()
    name = database["environment"]["MARIADB_USER"].replace("$$", "$")
    assert name == unquote(user)
    target = database["configs"][0]["target"]
    assert target == "/docker-entrypoint-initdb.d/grant.sql"
    engine = sa.create_engine(mariadb.url(), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        literal = sa.literal(name).compile(
            dialect=engine.dialect, compile_kwargs={"literal_binds": True}
        )
        connection.exec_driver_sql(f"CREATE USER {literal}@'%%'")
        content = compose["configs"]["grant"]["content"].replace("$$", "$")
        mariadb.query(content)
        query = "SELECT create_priv FROM mysql.user WHERE user = %s"
        assert connection.exec_driver_sql(query, (name,)).scalar() == "Y"
        connection.exec_driver_sql(f"DROP USER {literal}@'%%'")
    engine.dispose()


@each_kind
def test_ci_workflow_is_sound(kind: str, original: Callable[[str], Project]) -> None:
    workflow = original(kind).path / ".github" / "workflows" / "ci.yml"
    check_workflow(workflow)


def check_workflow(workflow: Path) -> None:
    """Run what knows GitHub's workflows on one, offline."""
    schema = ("--builtin-schema", "vendor.github-workflows")
    subprocess.run([TOOLS / "check-jsonschema", *schema, workflow], check=True)
    subprocess.run([TOOLS / "zizmor", "--offline", "--quiet", workflow], check=True)


def test_template_ci_workflow_is_sound() -> None:
    check_workflow(TEMPLATE / ".github" / "workflows" / "ci.yml")


def owners_python(project: Path) -> list[Path]:
    """Return the owner's Python, but for revisions."""
    found = (project / name for name in files(project) if name.endswith(".py"))
    foreign = ("vendor", "versions")
    return [path for path in found if not {*foreign} & {*path.parts}]


@each_kind
def test_what_the_owner_has_to_read_stays_small(
    kind: str, original: Callable[[str], Project]
) -> None:
    project = original(kind).path
    lengths = {
        path.relative_to(project).as_posix(): len(path.read_text().splitlines())
        for path in owners_python(project)
    }
    assert {path for path in lengths if path.startswith("migrations/")} == {
        "migrations/env.py"
    }
    assert 10 < lengths["migrations/env.py"] <= 40
    assert 150 < sum(lengths.values()) <= 300, lengths


@each_kind
def test_env_py_has_the_line_that_everybody_looks_for(
    kind: str, original: Callable[[str], Project]
) -> None:
    env = (original(kind).path / "migrations" / "env.py").read_text()
    assert "\ntarget_metadata = Base.metadata\n" in env


@each_kind
def test_its_own_checks_pass_and_leave_the_library_alone(
    kind: str, copied: Callable[[str], Project]
) -> None:
    project = copied(kind)
    careless = project.path / "vendor" / "alembic-steady" / "alembic_steady" / "cli.py"
    careless.write_text(careless.read_text() + "import sys\nx: int = 'no integer'\n")
    for command in (
        *(("ruff", "check"), ("ruff", "check", ".")),
        *(("ruff", "format", "--check"), ("ruff", "format", "--check", ".")),
        *(("mypy",), ("mypy", ".")),
    ):
        project.run(*command)


WORDS = {
    "file": r"PRAGMA|batch\b|sqlite",
    "postgresql": "postgres|psycopg|libpq",
    "mysql": "mysql|mariadb",
    "async": "async|await",
    "psycopg2": "psycopg2",
    "psycopg": r"psycopg(?!2|_async)",
    "psycopg_async": "psycopg_async",
    "asyncpg": "asyncpg",
    "aiosqlite": "aiosqlite",
    "pymysql": "pymysql",
    "asyncmy": "asyncmy",
}


@each_kind
def test_no_kind_mentions_another(
    kind: str, original: Callable[[str], Project]
) -> None:
    connection = CONNECTIONS[kind]
    driver = connection.driver
    own = {connection.dialect.family, driver.short_name}
    if driver.is_async:
        own |= {"async", driver.migrations.rpartition("+")[2]}
    if connection.dialect.family == "file":
        strangers = "compose|SHADOW_DATABASE_URL|TEST_DATABASE_URL|server,"
    else:
        strangers = "a relative path"
    strangers += "".join(f"|{word}" for key, word in WORDS.items() if key not in own)
    for path in text_files(original(kind).path):
        found = re.search(strangers, path.read_text(), re.IGNORECASE)
        assert found is None, (path, found)
