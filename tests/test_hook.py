"""The post-generation hook: what it makes and prints, in good and bad surroundings."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import (
    ARTICLE_URL,
    TEMPLATE,
    TOOLS,
    Project,
    bake,
    baked,
    clean_environment,
)
from tests.revisions import operations
from tests.servers import PASSWORD, MariaDB, Postgres

SECONDS = r"\d+\.\d s"
PYTHON = ".".join(map(str, sys.version_info[:2]))
REVISION = r"\d{4}_\d\d_\d\d_\d{4}-[0-9a-f]{12}_initial_revision\.py"


def only(folder: Path, *programs: str) -> str:
    """Return a PATH on which only these programs are found."""
    folder.mkdir()
    for program in programs:
        found = TOOLS / "uv" if program == "uv" else shutil.which(program)
        assert found
        (folder / program).symlink_to(found)
    return str(folder)


def next_steps(project: Project) -> list[str]:
    """Return the commands that the hook prints at its end."""
    _, _, steps = project.output.partition("Next:\n\n")
    return [line.removeprefix("  ") for line in steps.splitlines()]


def type_in(project: Project, *commands: str) -> str:
    """Type commands into a shell, in the folder that holds the project."""
    return subprocess.run(
        ["bash", "-ec", "\n".join(commands)],
        cwd=project.path.parent,
        env=project.environment,
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ).stdout


def commits(project: Project) -> list[str]:
    """Return the subjects of all commits."""
    return project.run("git", "log", "--format=%s").splitlines()


def is_tried(project: Project) -> bool:
    """Return whether the first revision has run, and see that both places say the same."""
    (revision,) = project.revisions()
    told = "# Not run yet: no scratch database was available when it was written.\n"
    is_said = revision.read_text().startswith(told)
    assert (
        "\n                   not run yet: no scratch database\n" in project.output
    ) == is_said
    assert is_said or revision.read_text().startswith('"""Initial revision')
    return not is_said


def test_a_good_run(bench: Path, environment: dict[str, str]) -> None:
    temporary = bench / "tmp"
    temporary.mkdir()
    environment["TMPDIR"] = str(temporary)
    project = baked(bench / "out", environment, project_slug="orders_service")
    assert re.fullmatch(
        rf"""Creating orders_service for SQLite \(orders_service\.db\)

  environment      \.venv, Python {PYTHON}, uv +{SECONDS}
  first revision   {REVISION} +{SECONDS}
                   create table user
  git              first commit [0-9a-f]+

Ready in {SECONDS}\. Next:

  cd orders_service
  source \.venv/bin/activate
  alembic upgrade head
""",
        project.output,
    )
    assert max(map(len, project.output.splitlines())) <= 80
    assert (project.path / ".env").stat().st_mode & 0o777 == 0o600
    assert commits(project) == ["Initial commit"]
    assert project.run("git", "status", "--short") == ""
    assert "bin" in os.listdir(project.path / ".venv")
    type_in(project, *next_steps(project))
    assert (project.path / "orders_service.db").exists()
    # Cookiecutter leaves the rendered hook in the temporary directory; it holds answers.
    assert {path.suffix for path in temporary.iterdir()} <= {".lock"}  # uv's own


def test_a_good_run_on_a_server(
    postgres: Postgres, bench: Path, environment: dict[str, str]
) -> None:
    url = postgres.url("postgres", "orders")
    project = baked(bench / "out", environment, database_url=url)
    address = f"127.0.0.1:{postgres.port}"
    place = f"orders at {address}"
    assert f"Creating my_service for PostgreSQL ({place})\n" in project.output
    assert f"  database         {place} does not exist yet\n" in project.output
    assert "Ready in" in project.output
    assert is_tried(project)
    assert next_steps(project) == [
        "cd my_service",
        "source .venv/bin/activate",
        "steady create",
        "alembic upgrade head",
    ]
    (revision,) = project.revisions()
    assert operations(revision, "upgrade") == ["op.create_table"]
    type_in(project, *next_steps(project))
    assert postgres.query('SELECT * FROM "user"', "orders") == []
    assert " passed" in type_in(project, "cd my_service", ".venv/bin/pytest")
    assert PASSWORD not in project.output


def test_a_good_run_on_mariadb(
    mariadb: MariaDB, bench: Path, environment: dict[str, str]
) -> None:
    url = mariadb.url("mariadb", "orders")
    project = baked(bench / "out", environment, database_url=url)
    place = f"orders at 127.0.0.1:{mariadb.port}"
    assert f"Creating my_service for MariaDB ({place})\n" in project.output
    assert f"  database         {place} does not exist yet\n" in project.output
    assert "Ready in" in project.output
    assert is_tried(project)
    type_in(project, *next_steps(project))
    assert mariadb.query("SELECT * FROM user", "orders") == []
    assert PASSWORD not in project.output


@pytest.mark.full
@pytest.mark.parametrize("folder", ["elsewhere", "else where"])
def test_into_another_folder(
    bench: Path, environment: dict[str, str], folder: str
) -> None:
    """What is to be typed next works where the command was typed."""
    here = bench / "here"
    here.mkdir()
    environment["PWD"] = str(here)
    project = baked(bench / folder, environment)
    commands = next_steps(project)
    subprocess.run(
        ["bash", "-ec", "\n".join(commands)], cwd=here, env=environment, check=True
    )
    assert (project.path / "my_service.db").exists()


@pytest.mark.full
def test_a_password_of_any_characters(
    any_postgres: Postgres, bench: Path, environment: dict[str, str]
) -> None:
    password = "p@ss:w/o?#[]%41 ${HOME} $$ 'it\"s' \\\\ ü🐘\\"
    literal = password.replace("'", "''")
    any_postgres.query("DROP ROLE IF EXISTS hard")
    any_postgres.query(f"CREATE ROLE hard LOGIN CREATEDB PASSWORD '{literal}'")
    url = any_postgres.url("postgres", "orders", "hard", password)
    project = baked(bench / "out", environment, database_url=url)
    type_in(project, *next_steps(project))
    assert any_postgres.query('SELECT * FROM "user"', "orders") == []
    any_postgres.query("DROP DATABASE orders")
    any_postgres.query("DROP ROLE hard")


def test_the_database_may_be_there(
    any_postgres: Postgres, bench: Path, environment: dict[str, str]
) -> None:
    any_postgres.create("orders")
    url = any_postgres.url(database="orders")
    project = baked(bench / "out", environment, database_url=url)
    assert "  database " not in project.output
    assert "steady create" not in next_steps(project)


@pytest.mark.full
def test_with_a_role_that_may_enter_its_own_database_alone(
    any_postgres: Postgres, bench: Path, environment: dict[str, str]
) -> None:
    """As on Heroku: it may not create databases either."""
    query = any_postgres.query
    query(f"CREATE ROLE modest LOGIN PASSWORD '{PASSWORD}'")
    query("CREATE DATABASE orders OWNER modest")
    query("REVOKE CONNECT ON DATABASE postgres FROM PUBLIC")
    url = any_postgres.url("postgres", "orders", "modest")
    project = baked(bench / "out", environment, database_url=url)
    type_in(project, *next_steps(project))
    found = query("SELECT count(*) FROM alembic_version", "orders")
    query("GRANT CONNECT ON DATABASE postgres TO PUBLIC")
    query("DROP DATABASE orders WITH (FORCE)")
    query("DROP ROLE modest")
    assert found == [(1,)]
    assert "Ready in" in project.output
    assert "  database   " not in project.output
    assert not is_tried(project)
    assert "steady create" not in next_steps(project)


def test_with_the_server_down(bench: Path, environment: dict[str, str]) -> None:
    url = f"postgresql+psycopg2://postgres:{PASSWORD}@localhost:9/orders"
    project = baked(bench / "out", environment, database_url=url)
    assert (
        "  database         postgresql+psycopg2 at localhost:9 does not answer\n"
        in project.output
    )
    shown = rf"""
  first revision   {REVISION} +{SECONDS}
                   create table user
                   not run yet: no scratch database
"""
    assert re.search(shown, project.output)
    assert not is_tried(project)
    assert "Ready" not in project.output
    assert next_steps(project) == [
        "cd my_service",
        "docker compose up -d --wait  # or start your own server",
        "source .venv/bin/activate",
        "steady create",
        "alembic upgrade head",
    ]
    assert len(project.revisions()) == 1
    assert commits(project) == ["Initial commit"]
    assert PASSWORD not in project.output


@pytest.mark.full
def test_with_a_server_that_never_answers(
    bench: Path, environment: dict[str, str]
) -> None:
    """One of the drivers gives up by itself, the other would wait for ever."""
    drivers = ["postgresql+psycopg2", "mysql+asyncmy"]
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        place = f"127.0.0.1:{silent.getsockname()[1]}"

        def bake_for(driver: str) -> Project:
            url = f"{driver}://postgres:{PASSWORD}@{place}/orders"
            return baked(bench / driver, environment, database_url=url)

        started = time.monotonic()
        with ThreadPoolExecutor() as at_once:
            projects = list(at_once.map(bake_for, drivers))
    assert time.monotonic() - started < 30
    for project in projects:
        assert f"{place} does not answer\n" in project.output
        assert not is_tried(project)


def test_with_a_wrong_password(
    any_postgres: Postgres, bench: Path, environment: dict[str, str]
) -> None:
    url = any_postgres.url(password="not-this-one")
    project = baked(bench / "out", environment, database_url=url)
    assert "password authentication failed" in project.output
    assert "not-this-one" not in project.output
    assert next_steps(project)[1] == "# correct DATABASE_URL in .env"


@pytest.mark.full
def test_with_nobody_reading(bench: Path, environment: dict[str, str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    subprocess.run(
        [TOOLS / "cookiecutter", "--no-input", TEMPLATE],
        cwd=bench,
        env=environment,
        stdout=writer,
    )
    os.close(writer)
    project = Project(bench / "my_service", environment)
    assert len(project.revisions()) == 1
    assert commits(project) == ["Initial commit"]


@pytest.mark.full
def test_without_uv(bench: Path, environment: dict[str, str]) -> None:
    environment["PATH"] = only(bench / "bin", "git")
    project = baked(bench / "out", environment)
    assert re.search(
        rf"environment      \.venv, Python {PYTHON}, pip +{SECONDS}\n", project.output
    )
    assert not (project.path / "uv.lock").exists()
    assert len(project.revisions()) == 1
    assert commits(project) == ["Initial commit"]
    project.run_tests()


NO_NETWORK = {
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "ALL_PROXY": "http://127.0.0.1:9",
    "PIP_RETRIES": "0",
    "PIP_CONFIG_FILE": os.devnull,
    "UV_HTTP_RETRIES": "0",
}


@pytest.mark.full
def test_uv_needs_no_network_for_a_second_project(
    bench: Path, environment: dict[str, str]
) -> None:
    baked(bench / "first", environment)
    environment["UV_OFFLINE"] = "1"
    project = baked(bench / "second", {**environment, **NO_NETWORK})
    assert "Ready" in project.output


@pytest.mark.full
@pytest.mark.parametrize("tool", ["uv", "pip"])
def test_without_network(bench: Path, environment: dict[str, str], tool: str) -> None:
    programs = ["git", "uv"] if tool == "uv" else ["git"]
    broken = {
        **environment,
        **NO_NETWORK,
        "PATH": only(bench / "bin", *programs),
        "UV_CACHE_DIR": str(bench / "cache"),
    }
    project = baked(bench / "out", broken)
    reason = {
        "uv": "Failed to fetch: https://",
        "pip": "pip found no packages; check its index and the network\n",
    }[tool]
    assert f"\n  environment      {reason}" in project.output
    assert f"Python {PYTHON}" not in project.output
    assert "  first revision   needs the environment first\n" in project.output
    assert "Traceback" not in project.output
    assert max(map(len, project.output.splitlines())) <= 100
    assert (project.path / ".env").exists()
    # The commands that it prints make up for all that was not done.
    project.environment = environment
    type_in(project, *next_steps(project))
    assert len(project.revisions()) == 1
    assert (project.path / "my_service.db").exists()


def test_without_git(bench: Path, environment: dict[str, str]) -> None:
    with_git = dict(environment)
    environment["PATH"] = only(bench / "bin", "uv")
    project = baked(bench / "out", environment)
    line = "  git              is not installed; no repository created\n"
    assert line in project.output
    assert len(project.revisions()) == 1
    project.environment = with_git
    type_in(project, *next_steps(project))
    assert commits(project) == ["Initial commit"]


def test_without_an_identity(bench: Path, environment: dict[str, str]) -> None:
    config = Path(environment["HOME"], ".gitconfig")
    config.write_text("[user]\nuseConfigOnly = true\n")
    project = baked(bench / "out", environment)
    assert "has no name and email of yours; nothing committed" in project.output
    type_in(project, *next_steps(project))
    assert commits(project) == ["Initial commit"]


def test_an_identity_is_never_guessed(bench: Path, environment: dict[str, str]) -> None:
    Path(environment["HOME"], ".gitconfig").unlink()
    project = baked(bench / "out", environment)
    assert "has no name and email of yours; nothing committed" in project.output


@pytest.mark.parametrize(
    "config",
    [
        "[commit]\ngpgsign = true\n[gpg]\nprogram = false\n",
        "[core]\nhooksPath = {home}/hooks\n",
    ],
    ids=["signing", "hook"],
)
@pytest.mark.full
def test_a_commit_that_fails(
    bench: Path, environment: dict[str, str], config: str
) -> None:
    home = Path(environment["HOME"])
    hook = home / "hooks" / "pre-commit"
    hook.parent.mkdir()
    hook.write_text("#!/bin/sh\necho 'error: not today' >&2\nexit 1\n")
    hook.chmod(0o755)
    with open(home / ".gitconfig", "a") as gitconfig:
        gitconfig.write(config.format(home=home))
    project = baked(bench / "out", environment)
    assert "  git              nothing committed: " in project.output
    assert "Ready" not in project.output
    assert 'git add --all && git commit -m "Initial commit"' in next_steps(project)
    assert len(project.revisions()) == 1
    clean_environment(home)
    type_in(project, *next_steps(project))
    assert commits(project) == ["Initial commit"]


@pytest.mark.full
def test_inside_a_repository(bench: Path, environment: dict[str, str]) -> None:
    outer = bench / "out"
    outer.mkdir()
    subprocess.run(["git", "init", "--quiet", outer], check=True)
    (outer / "unrelated.txt").touch()
    done = bake(outer, environment, answers={})
    line = "  git              inside the repository out; nothing committed\n"
    assert line in done.stdout
    project = Project(outer / "my_service", environment, output=done.stdout)
    assert not (project.path / ".git").exists()
    assert project.run("git", "diff", "--cached") == ""
    type_in(project, *next_steps(project))
    assert commits(project) == ["Add my_service"]
    assert project.run("git", "status", "--short") == "?? ../unrelated.txt\n"


@pytest.mark.full
def test_the_first_commit_is_whole_whatever_is_ignored_elsewhere(
    bench: Path, environment: dict[str, str]
) -> None:
    ignore = Path(environment["HOME"], "ignore")
    ignore.write_text(".*\n*.ini\ntests\napp/m*\n")
    with open(Path(environment["HOME"], ".gitconfig"), "a") as config:
        config.write(f"[core]\nexcludesFile = {ignore}\n")
    project = baked(bench / "out", environment)
    committed = set(project.run("git", "ls-files").splitlines())
    rendered = TEMPLATE / "{{cookiecutter.project_slug}}"
    files = [file for file in rendered.rglob("*") if file.is_file()]
    for_other_kinds = {".squawk.toml", "compose.yaml"}
    assert len(files) > 15
    assert {
        str(it.relative_to(rendered)) for it in files
    } <= committed | for_other_kinds
    assert ".env" not in committed


def test_inside_a_uv_workspace(bench: Path, environment: dict[str, str]) -> None:
    """What is printed works, and nothing of the workspace is changed."""
    workspace = bench / "shop"
    (workspace / ".venv").mkdir(parents=True)
    told = '[tool.uv.workspace]\nmembers = ["packages/*"]\n'
    (workspace / "pyproject.toml").write_text(told)
    (workspace / "uv.lock").write_text("# The lock\n")
    project = baked(workspace / "packages", environment)
    assert re.search(
        rf"environment      \.venv, Python {PYTHON}, uv +{SECONDS}\n"
        r" {19}in the workspace shop, whose environment and lock stay as is\n",
        project.output,
    )
    assert (workspace / "uv.lock").read_text() == "# The lock\n"
    assert not list((workspace / ".venv").iterdir())
    assert not (project.path / "uv.lock").exists()
    type_in(project, *next_steps(project))
    assert (project.path / "my_service.db").exists()


@pytest.mark.full
def test_inside_a_uv_workspace_without_network(
    bench: Path, environment: dict[str, str]
) -> None:
    folder = bench / "shop"
    folder.mkdir()
    told = '[tool.uv.workspace]\nmembers = ["*"]\n'
    (folder / "pyproject.toml").write_text(told)
    broken = {**environment, **NO_NETWORK, "UV_CACHE_DIR": str(bench / "cache")}
    done = bake(folder, broken, answers={})
    project = Project(folder / "my_service", environment, output=done.stdout)
    assert "first revision   needs the environment first\n" in project.output
    type_in(project, *next_steps(project))
    assert (project.path / "my_service.db").exists()
    assert not (folder / ".venv").exists()


# What a shell, a CI job or a task of another project may have set.
OF_OTHER_PROJECTS = {
    "DATABASE_URL": "mysql://somebody@192.0.2.1/else",
    "MIGRATION_DATABASE_URL": "sqlite:///{bench}/other.db",
    "SHADOW_DATABASE_URL": "mysql://somebody@192.0.2.1/else",
    "ALEMBIC_CONFIG": "/nowhere/alembic.ini",
    "CONDA_PREFIX": "{bench}/conda",
    "GIT_AUTHOR_DATE": "nonsense",
    "GIT_DIR": "{bench}/git",
    "GIT_INDEX_FILE": "{bench}/index",
    "GIT_OBJECT_DIRECTORY": "{bench}/objects",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONWARNINGS": "error",
    "RUFF_OUTPUT_FILE": "{bench}/ruff",
    "UV_FROZEN": "1",
    "UV_LOCKED": "1",
    "UV_NO_DEFAULT_GROUPS": "1",
    "UV_NO_DEV": "1",
    "UV_NO_EDITABLE": "1",
    "UV_NO_GROUP": "dev",
    "UV_NO_INSTALL_PROJECT": "1",
    "UV_PROJECT": "{bench}",
    "UV_PROJECT_ENVIRONMENT": "{bench}/venv",
    "UV_PYTHON": "3.8",
    "UV_RESOLUTION": "lowest",
    "UV_WORKING_DIR": "{bench}",
    "VIRTUAL_ENV": "{bench}/venv",
}


def test_settings_of_the_caller_are_not_used(
    bench: Path, environment: dict[str, str]
) -> None:
    del environment["PYTHONPYCACHEPREFIX"]
    before = {path.name for path in bench.iterdir()}
    told = {name: it.format(bench=bench) for name, it in OF_OTHER_PROJECTS.items()}
    project = baked(bench / "out", environment | told)
    assert "Ready" in project.output
    assert {path.name for path in bench.iterdir()} == before | {"out"}
    assert list(project.path.glob(".venv/lib/*/site-packages/alembic/__pycache__"))
    assert list(project.path.glob(".venv/lib/*/site-packages/_editable_impl_*.pth"))
    assert (project.path / "uv.lock").exists()
    assert (project.path / ".venv" / "bin" / "mypy").exists()
    project.environment = environment
    assert commits(project) == ["Initial commit"]


@pytest.mark.full
def test_settings_of_the_caller_are_not_used_by_pip(
    bench: Path, environment: dict[str, str]
) -> None:
    """Its files, too, may name another place to install to."""
    elsewhere = bench / "elsewhere"
    config = Path(environment["HOME"], ".config", "pip", "pip.conf")
    config.parent.mkdir(parents=True)
    told = f"[install]\ntarget = {elsewhere}\nprefix = {elsewhere}\nuser = true\n"
    config.write_text(told)
    environment |= {
        "PATH": only(bench / "bin", "git"),
        "PIP_CONSTRAINT": "nowhere.txt",
        "PIP_NO_DEPS": "1",
        "PIP_PREFIX": str(elsewhere),
        "PIP_REQUIRE_HASHES": "1",
        "PIP_ROOT": str(elsewhere),
        "PIP_TARGET": str(elsewhere),
        "PIP_USER": "1",
    }
    project = baked(bench / "out", environment)
    assert "Ready" in project.output
    assert not elsewhere.exists()
    assert (project.path / ".venv" / "bin" / "mypy").exists()


@pytest.mark.full
def test_again_over_a_finished_project(
    bench: Path, environment: dict[str, str]
) -> None:
    project = baked(bench / "out", environment)
    dotenv = project.path / ".env"
    dotenv.write_text("DATABASE_URL=sqlite:///mine.db\n")
    before = project.revisions()
    done = bake(bench / "out", environment, "--overwrite-if-exists", answers={})
    assert done.returncode == 0
    assert "settings         .env already exists and was kept" in done.stdout
    assert "first revision   already exists" in done.stdout
    assert "the repository already exists; nothing committed" in done.stdout
    assert project.revisions() == before
    assert dotenv.read_text() == "DATABASE_URL=sqlite:///mine.db\n"
    assert commits(project) == ["Initial commit"]


def test_a_password_is_written_where_it_is_read(
    bench: Path, environment: dict[str, str]
) -> None:
    url = ARTICLE_URL.format("psycopg2")
    project = baked(bench / "out", environment, database_url=url)
    code = "from app.config import database_url; print(database_url().password)"
    assert project.run("python", "-c", code) == f"{PASSWORD}\n"
    kept = "".join(
        path.read_text()
        for path in Path(environment["HOME"]).rglob("*")
        if path.is_file()
    )
    assert '"database_url"' in kept  # the replay file is among what was read
    assert PASSWORD not in kept
