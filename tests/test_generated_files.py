"""The generated files, read as their new owner would read them."""

from __future__ import annotations

import ast
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

from tests.conftest import ANSWERS, CONNECTIONS, TEMPLATE, TOOLS, Project
from tests.servers import PASSWORD, MariaDB

RENDERED = {
    ".env.example",
    ".github/workflows/ci.yml",
    ".gitignore",
    "README.md",
    "alembic.ini",
    "app/__init__.py",
    "app/config.py",
    "app/database.py",
    "app/models.py",
    "migrations/__init__.py",
    "migrations/__main__.py",
    "migrations/arguments.py",
    "migrations/databases.py",
    "migrations/defaults.py",
    "migrations/drift.py",
    "migrations/env.py",
    "migrations/errors.py",
    "migrations/guard.py",
    "migrations/lock.py",
    "migrations/mend.py",
    "migrations/names.py",
    "migrations/questions.py",
    "migrations/renames.py",
    "migrations/scratch.py",
    "migrations/script.py.mako",
    "migrations/steps.py",
    "pyproject.toml",
    "tests/__init__.py",
    "tests/conftest.py",
    "tests/test_migrations.py",
    "tests/test_models.py",
}
FOR_SERVERS = {"compose.yaml", "migrations/roles.py", "migrations/server.py"}
FOR_MYSQL = {"migrations/commits.py"}
FOR_POSTGRESQL = {
    ".squawk.toml",
    "migrations/concurrently.py",
    "migrations/patience.py",
    "migrations/squawk.py",
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
        "mysql": RENDERED | FOR_SERVERS | FOR_MYSQL,
        "postgresql": RENDERED | FOR_SERVERS | FOR_POSTGRESQL,
    }[CONNECTIONS[kind].dialect.family]


def text_files(project: Path) -> list[Path]:
    """Return all files that the template renders or the first revision adds."""
    rendered = RENDERED | FOR_SERVERS | FOR_MYSQL | FOR_POSTGRESQL
    return [project / name for name in files(project) if name in rendered] + sorted(
        project.glob("migrations/versions/*.py")
    )


@each_kind
def test_exactly_these_files_are_rendered(
    kind: str, rendered: Callable[..., Path]
) -> None:
    assert files(rendered(**ANSWERS[kind])) == expected(kind)


@each_kind
def test_exactly_these_files_are_made(
    kind: str, original: Callable[[str], Project]
) -> None:
    project = original(kind)
    assert files(project.path) == expected(kind) | MADE_BY_HOOK
    committed = set(project.run("git", "ls-files").splitlines())
    (revision,) = project.revisions()
    name = revision.relative_to(project.path).as_posix()
    made = {"uv.lock", name}
    assert committed == expected(kind) | made


@each_kind
def test_no_file_shows_that_a_template_made_it(
    kind: str, original: Callable[[str], Project]
) -> None:
    for path in text_files(original(kind).path):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\{%|%\}|\{#|cookiecutter", text), path
        assert not re.search(r"(?<!\$)\{\{", text), path
        assert not re.search(r"[ \t]+$", text, re.MULTILINE), path
        assert not text.startswith("\n"), path
        assert "\n\n\n\n" not in text, path
        if path.suffix != ".py":
            assert "\n\n\n" not in text.replace("\n\n\ndef ", ""), path
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


def code_lines(module: Path) -> int:
    """Return how many lines of a module are code: not empty, comment or docstring."""
    text = module.read_text()
    documented = [
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
    ]
    strings = [node.body[0] for node in documented if ast.get_docstring(node)]
    docstrings = {
        number
        for string in strings
        for number in range(string.lineno, (string.end_lineno or string.lineno) + 1)
    }
    return sum(
        bool(line.strip()) and not line.lstrip().startswith("#")
        for number, line in enumerate(text.splitlines(), 1)
        if number not in docstrings
    )


PAGE = 90
"""How many lines of code a module in `migrations/` has at most."""

ALL_MODULES = 1120
"""How many all of them have at most; what they do for that is in design_decisions.md."""


@each_kind
def test_what_is_written_by_hand_in_migrations_stays_small(
    kind: str, original: Callable[[str], Project]
) -> None:
    modules = sorted((original(kind).path / "migrations").glob("*.py"))
    lengths = {path.name: code_lines(path) for path in modules}
    assert lengths["env.py"] > 50
    assert max(lengths.values()) <= PAGE, lengths
    assert sum(lengths.values()) <= ALL_MODULES, lengths


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
        # Alembic's own stand-in for the first revision, wherever migrations run.
        text = path.read_text().replace('create_engine("sqlite://")', "")
        found = re.search(strangers, text, re.IGNORECASE)
        assert found is None, (path, found)
