"""Finish a generated project: its environment, first revision and first commit.

Cookiecutter renders this file with Jinja and runs it in the new project, on its own
Python. What cannot be done here is named, with the command that does it later; only
then does the hook still end well, since Cookiecutter would delete the project.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PROJECT: dict[str, Any] = {{cookiecutter | for_hook}}  # type: ignore # noqa: F821

PYTHON = Path(".venv", "Scripts/python.exe" if os.name == "nt" else "bin/python")
ACTIVATE = r".venv\Scripts\activate" if os.name == "nt" else "source .venv/bin/activate"
PIP_WITH_GROUPS = "pip>=25.1"  # Python 3.11 comes with one that knows no --group.
WITHOUT_UV = [
    "py -m venv .venv" if os.name == "nt" else "python3 -m venv .venv",
    ACTIVATE,
    f'python -m pip install "{PIP_WITH_GROUPS}"',
    "python -m pip install --editable . --group dev",
]
IDENTITY = [
    'git config --global user.name "Your Name"',
    "git config --global user.email you@example.com",
]
IS_THERE = """
from alembic.util import CommandError
from app.config import migration_url
from migrations import databases
try:
    print(databases.exists(migration_url()))
except CommandError as error:
    exit(str(error))
"""
CORRECT_URL = "# correct DATABASE_URL in .env"
FIRST_REVISION = "Initial revision"
FIRST_COMMIT = "Initial commit"

# The caller's settings are for other projects.
NOT_FOR_CHILDREN = {
    PROJECT["handover_variable"],
    "ALEMBIC_CONFIG",
    "DATABASE_URL",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_WORK_TREE",
    "MIGRATION_DATABASE_URL",
    "PYTHONDONTWRITEBYTECODE",  # or every later command compiles all it imports again
    "PYTHONHOME",
    "PYTHONPATH",
    "SHADOW_DATABASE_URL",
    "TEST_DATABASE_URL",
    "UV_PROJECT_ENVIRONMENT",
    "VIRTUAL_ENV",
}


class StepFailed(Exception):
    """A step could not be done; the message is one line and says why."""


def main() -> None:
    """Do each step, and list what is left to type."""
    Path(__file__).unlink()  # Cookiecutter leaves the rendered hook behind.
    if is_for_comparison():
        return
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    started = time.monotonic()
    say(f"Creating {PROJECT['slug']} for {PROJECT['title']} ({PROJECT['place']})\n")
    write_dotenv()
    install = make_environment()
    revise = write_first_revision(has_environment=not install)
    start, create = look_at_database(has_environment=not install)
    commit = commit_all()
    trouble = [*install, *revise, *start, *commit]
    if trouble:
        say("\nNext:\n")
    else:
        say(f"\nReady in {time.monotonic() - started:.1f} s. Next:\n")
    for command in [
        f"cd {PROJECT['slug']}",
        *start,
        *install,
        *([] if ACTIVATE in install else [ACTIVATE]),
        *revise,
        *commit,
        *create,
        "alembic upgrade head",
    ]:
        say(f"  {command}")


def is_for_comparison() -> bool:
    """Return whether `cruft update` bakes this project only to compare two versions.

    It bakes the old and the new one in temporary folders. What the steps here make, a
    first revision above all, would differ between the two and end in the real project.
    """
    folder = Path.cwd().parent
    temporary = Path(tempfile.gettempdir()).resolve()
    return bool(
        PROJECT["is_cruft"]
        and folder.parent == temporary
        and re.fullmatch("tmp.{8}", folder.name)
    )


def write_dotenv() -> None:
    """Write `.env`, for its owner alone; one that is there already is kept."""
    url, text = json.loads(os.environ.get(PROJECT["handover_variable"], "[null, null]"))
    # A replayed run has no password, and an earlier bake's is not for this project.
    text = text if url == PROJECT["url"] else PROJECT["dotenv"]
    try:
        file = os.open(".env", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        report("settings", ".env is there already and stays as it is")
        return
    with open(file, "w", encoding="utf-8", newline="\n") as dotenv:
        dotenv.write(text)


def make_environment() -> list[str]:
    """Make `.venv` and install everything.

    Returns:
        The commands that do it later, none where it is done.
    """
    started = time.monotonic()
    uv = shutil.which("uv")
    try:
        if uv:
            run(uv, "sync", "--python", sys.executable)
        else:
            run(sys.executable, "-m", "venv", ".venv")
            run(PYTHON, "-m", "pip", "install", PIP_WITH_GROUPS)
            run(PYTHON, "-m", "pip", "install", "--editable", ".", "--group", "dev")
    except StepFailed as failure:
        if "(from versions: none)" in str(failure):
            report("environment", "pip reaches no package index")
        else:
            report("environment", str(failure))
        return ["uv sync"] if uv else WITHOUT_UV
    version = ".".join(map(str, sys.version_info[:2]))
    tool = "uv" if uv else "pip"
    report("environment", f".venv, Python {version}, {tool}", started)
    return []


def write_first_revision(*, has_environment: bool) -> list[str]:
    """Let Alembic's autogenerate write the first revision, unless there is one.

    Returns:
        The commands that do it later, none where it is done.
    """
    started = time.monotonic()
    later = [f'alembic revision --autogenerate -m "{FIRST_REVISION}"']
    versions = Path("migrations", "versions")
    if any(versions.glob("*.py")):
        report("first revision", "there is one already")
        return []
    if not has_environment:
        report("first revision", "needs the environment")
        return later
    try:
        run(PYTHON, "-m", "alembic", "revision", "--autogenerate", "-m", FIRST_REVISION)
    except StepFailed as failure:
        report("first revision", str(failure))
        return later
    (revision,) = versions.glob("*.py")
    report("first revision", revision.name, started)
    for table in re.findall(r'create_table\(\s*"(.+?)"', revision.read_text("utf-8")):
        say(f"  {'':16} create table {table}")
    return []


def look_at_database(*, has_environment: bool) -> tuple[list[str], list[str]]:
    """See whether the server answers and has the database.

    Returns:
        The commands that start the server, and those that make the database.
    """
    create = ["python -m migrations create"]
    if not PROJECT["is_server"]:
        return [], []
    if not has_environment:
        return [], create
    try:
        if run(PYTHON, "-c", IS_THERE).strip() == "True":
            return [], []
    except StepFailed as failure:
        place, silent, _cause = str(failure).partition(" does not answer")
        if silent:
            report("database", place + silent)
            return [PROJECT["start_server"]], create
        report("database", place.partition(": ")[2])
        return [CORRECT_URL], create
    report("database", f"{PROJECT['place']} is to be made")
    return [], create


def commit_all() -> list[str]:
    """Make a repository and its first commit, unless inside a repository already.

    Returns:
        The commands that do it later, none where it is done.
    """
    commit = f'git add --all && git commit -m "{FIRST_COMMIT}"'
    git = shutil.which("git")
    if git is None:
        report("git", "is not installed, no repository made")
        return [f"git init && {commit}"]
    if Path(".git").exists():
        report("git", "the repository is there already, nothing committed")
        return []
    for folder in Path.cwd().parents:
        if (folder / ".git").exists():
            report("git", f"inside the repository {folder.name}, nothing committed")
            return [f'git add . && git commit -m "Add {PROJECT["slug"]}" -- .']
    # A name and address that git guesses would stay in the history for ever.
    git_command = [git, "-c", "user.useConfigOnly=true"]
    try:
        run(git, "init", "--quiet")
        run(git, "add", "--all")
    except StepFailed as failure:
        report("git", str(failure))
        return [f"git init && {commit}"]
    try:
        run(*git_command, "var", "GIT_COMMITTER_IDENT")
    except StepFailed:
        report("git", "knows no name and address of yours, nothing committed")
        return [*IDENTITY, commit]
    try:
        run(*git_command, "commit", "--quiet", "-m", FIRST_COMMIT)
        number = run(git, "rev-parse", "--short", "HEAD").strip()
    except StepFailed as failure:
        report("git", f"nothing committed: {failure}")
        return [commit]
    report("git", f"first commit {number}")
    return []


def run(*command: str | Path) -> str:
    """Run a command without a shell and return what it printed.

    Raises:
        StepFailed: it could not be started or ended with an error.
    """
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in NOT_FOR_CHILDREN
    }
    try:
        done = subprocess.run(
            command,
            env=environment,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        raise StepFailed(f"{command[0]}: {error.strerror}") from None
    if done.returncode:
        lines = (done.stderr + done.stdout).strip().splitlines()
        errors = [
            line
            for line in lines
            if re.match("error|fatal|failed", line, re.IGNORECASE)
        ]
        reason = (errors or lines[-1:] or [f"exit code {done.returncode}"])[0]
        raise StepFailed(
            re.sub("^(error|fatal|failed): ?", "", reason, flags=re.IGNORECASE)
        )
    return done.stdout


def report(step: str, outcome: str, started: float | None = None) -> None:
    """Print a step's line, with the seconds it took where it is told when it started."""
    line = f"  {step:<16} {outcome}"
    if started is not None:
        line = f"{line:<68} {time.monotonic() - started:4.1f} s"
    say(line)


def say(line: str) -> None:
    """Print a line; where nobody reads any more, go on without."""
    try:
        print(line, flush=True)
    except OSError:
        # As in the documentation of Python's signal module, on SIGPIPE.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


try:
    main()
except Exception as error:  # noqa: BLE001  or Cookiecutter would delete the project
    say(f"\nNot finished: {type(error).__name__}: {error}")
