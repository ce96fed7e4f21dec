"""The template's own repository keeps its promises."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from cookiecutter_alembic.databases import ALIASES, DRIVERS, Driver
from tests.conftest import (
    ANSWERS,
    ASKED,
    CONNECTIONS,
    TEMPLATE,
    TOOLS,
    Project,
    clean_environment,
    left_clean,
    require,
)
from tests.servers import MariaDB, Postgres


@pytest.mark.parametrize(
    "command", [("ruff", "check"), ("ruff", "format", "--check"), ("mypy",)]
)
def test_own_checks_pass(command: tuple[str, ...]) -> None:
    subprocess.run([TOOLS / command[0], *command[1:]], cwd=TEMPLATE, check=True)


def test_ci_runs_the_line_that_the_readme_shows() -> None:
    readme = (TEMPLATE / "README.md").read_text()
    first, second, *_ = re.findall(r"^python3 .*$", readme, re.MULTILINE)
    assert first == (
        "python3 -m pip install uv && "
        "python3 -m uv tool run cookiecutter --no-input gh:org/cookiecutter-alembic"
    )
    full = f"{second} --full"
    assert full == (TEMPLATE / ".ci" / "run").read_text().splitlines()[-1]
    workflow = (TEMPLATE / ".github" / "workflows" / "ci.yml").read_text()
    assert f"- run: {full}\n" in workflow


def test_the_first_line_of_the_readme(tmp_path: Path) -> None:
    """With this checkout instead of the place where the template will live."""
    readme = (TEMPLATE / "README.md").read_text()
    (line, *_) = re.findall(r"^python3 .*$", readme, re.MULTILINE)
    line = line.replace("gh:org/cookiecutter-alembic", f"'{TEMPLATE}'")
    python = tmp_path / "python"
    subprocess.run([sys.executable, "-m", "venv", python], check=True)
    environment = clean_environment(tmp_path / "home")
    # Nothing but Python and git: no uv, and no cookiecutter.
    environment["PATH"] = f"{python / 'bin'}:/usr/bin:/bin"
    done = subprocess.run(
        ["bash", "-ec", line],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert "Ready in" in done.stdout, done.stdout + done.stderr
    assert len(list(tmp_path.glob("my_service/migrations/versions/*.py"))) == 1


def test_each_answer_is_documented() -> None:
    page = (TEMPLATE / "docs" / "answers.md").read_text()
    assert set(re.findall(r"^## `(.+)`$", page, re.MULTILINE)) == ASKED


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: driver.name)
def test_each_driver_is_documented(driver: Driver) -> None:
    page = (TEMPLATE / "docs" / "answers.md").read_text()
    (row,) = re.findall(rf"^\| (`{re.escape(driver.name)}`.*) \|$", page, re.MULTILINE)
    schemes, packages, style, migrations, _ = row.split(" | ")
    aliases = [name for name, full in ALIASES.items() if full == driver.name]
    assert set(re.findall("`(.+?)`", schemes)) == {driver.name, *aliases}
    wanted = [package.partition(">")[0] for package in driver.packages]
    assert packages == (", ".join(wanted) or "–")
    assert style == ("awaits" if driver.is_async else "is synchronous")
    name = (driver.migrations or driver.name).rpartition("+")[2]
    assert migrations == name.replace("sqlite", "sqlite3")
    readme = (TEMPLATE / "README.md").read_text()
    assert f"`{driver.name}://" in readme


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=() if kind == "psycopg2" else pytest.mark.full)
        for kind in ANSWERS
    ],
)
def test_the_steps_of_the_generated_workflow(
    kind: str,
    original: Callable[[str], Project],
    start_postgres: Callable[[str], Postgres],
    start_mariadb: Callable[[], MariaDB],
    bench: Path,
    environment: dict[str, str],
) -> None:
    """As written there, one after the other, on a clone, as a runner would."""
    clone = bench / "clone"
    subprocess.run(["git", "clone", "--quiet", original(kind).path, clone], check=True)
    workflow = yaml.safe_load((clone / ".github" / "workflows" / "ci.yml").read_text())
    job = workflow["jobs"]["check"]
    environment |= {"CI": "true", **job["env"]}
    connection = CONNECTIONS[kind]
    own = ["squawk"] if connection.dialect.family == "postgresql" else []
    if connection.kind == "file":
        run_steps(job, clone, environment, own)
        return
    url = sa.make_url(environment["DATABASE_URL"])
    assert (url.drivername, url.database) == (connection.driver.name, "ci")
    service = job["services"]["database"]
    assert service["ports"] == [f"127.0.0.1:{url.port}:{url.port}"]
    assert "throw-away" in service["env"].values() and url.password == "throw-away"
    is_mysql = connection.dialect.family == "mysql"
    running = start_mariadb() if is_mysql else start_postgres("wheel")
    with left_clean(running) as server:
        assert url.username == server.superuser
        environment["DATABASE_URL"] = server.url(url.drivername, "ci")
        run_steps(job, clone, environment, own)


def run_steps(
    job: dict[str, Any], clone: Path, environment: dict[str, str], own: list[str]
) -> None:
    """Run the steps of a job that are commands, `own` being those of its database."""
    assert job["steps"][0]["with"]["fetch-depth"] == 0  # for the plan of a branch
    steps = [step for step in job["steps"] if "run" in step]
    assert [step["run"].split()[-1] for step in steps] == [
        "sync",
        "check",
        "--check",
        "mypy",
        "staged",
        "pytest",
        '"$GITHUB_STEP_SUMMARY"',
        *own,
    ]
    summary = clone / ".git" / "summary"
    environment["GITHUB_STEP_SUMMARY"] = str(summary)
    command = ["git", "rev-parse", "--abbrev-ref", "origin/HEAD"]
    trunk = subprocess.check_output(command, cwd=clone, text=True).strip()
    base = trunk.removeprefix("origin/")
    printed = ""
    for step in steps:
        told = {
            name: text.replace("${{ github.base_ref }}", base)
            for name, text in step.get("env", {}).items()
        }
        done = subprocess.run(
            [
                "bash",
                "-e",
                *(["-o", "pipefail"] if "shell" in step else []),
                "-c",
                step["run"],
            ],
            cwd=clone,
            env=environment | told,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, done.stdout
        printed += done.stdout
    assert re.search("[78] passed", printed)
    assert summary.read_text() == f"    Since {trunk}\n    Nothing to do\n"


def test_programs_that_are_missing_fail_where_ci_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REQUIRE_SERVERS", "1")
    with pytest.raises(pytest.fail.Exception, match="no-such-program"):
        require(None, "no-such-program")
    monkeypatch.delenv("REQUIRE_SERVERS")
    with pytest.raises(pytest.skip.Exception, match="no-such-program"):
        require(None, "no-such-program")
