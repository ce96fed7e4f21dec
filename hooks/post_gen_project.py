"""Finish a generated project: its environment, first revision and first commit.

Cookiecutter renders this file with Jinja and runs it in the new project, on its own
Python. What cannot be done here is named, with the command that does it later; only
then does the hook still end well, since Cookiecutter would delete the project.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

PROJECT: dict[str, Any] = {{cookiecutter | for_hook}}  # type: ignore # noqa: F821

ENVIRONMENT = Path(".venv")
PYTHON = Path(ENVIRONMENT, "Scripts/python.exe" if os.name == "nt" else "bin/python")
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
ANSWER_SECONDS = 12
VERSIONS = Path("migrations", "versions")
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
    started = time.monotonic()
    say(f"Creating {PROJECT['slug']} for {PROJECT['title']} ({PROJECT['place']})\n")
    remove_torn_files()
    settle = write_dotenv()
    install = make_environment()
    revise = write_first_revision(has_environment=not install)
    start, create = look_at_database(is_possible=not (install or settle))
    commit = commit_all(is_complete=not revise)
    trouble = [*settle, *install, *revise, *start, *commit]
    if trouble:
        say("\nNext:\n")
    else:
        say(f"\nReady in {time.monotonic() - started:.1f} s. Next:\n")
    for command in [
        f"cd {folder()}",
        *settle,
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


def is_here() -> bool:
    """Return whether the project is in the folder where the command was typed."""
    here = Path(os.environ.get("PWD", os.pardir))
    return here.is_dir() and here.samefile(os.pardir)


def folder() -> str:
    """Return the project's folder, to be typed where the command was typed."""
    return shlex.quote(PROJECT["slug"] if is_here() else str(Path.cwd()))


def remove_torn_files() -> None:
    """Remove what a run that was killed in the middle of a step has left.

    The files are written in one go, so one that is not whole is empty.
    """
    for path in (Path(".env"), Path("uv.lock"), *VERSIONS.glob("[0-9]*.py")):
        if path.is_file() and not path.stat().st_size:
            path.unlink()
    # uv and pip take a package for installed that they were killed over. The first
    # revision comes right after them, and is made with an environment that is whole.
    if any(VERSIONS.glob("*.py")) and PYTHON.exists():
        return
    for path in Path().glob(".tmp??????"):  # uv's name for a lock to be.
        if path.is_file():
            path.unlink()
    if ENVIRONMENT.is_dir() and not ENVIRONMENT.is_symlink():
        shutil.rmtree(ENVIRONMENT)


def write_dotenv() -> list[str]:
    """Write `.env`, for its owner alone; one that is there already is kept.

    Returns:
        What is left to do by hand, nothing where it is complete.
    """
    url, text = json.loads(os.environ.get(PROJECT["handover_variable"], "[null, null]"))
    # A replayed run has no password, and an earlier bake's is not for this project.
    is_whole = url == PROJECT["url"] or not PROJECT["left_out"]
    text = text if url == PROJECT["url"] else PROJECT["dotenv"]
    dotenv = Path(".env")
    try:
        file = os.open(dotenv, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        report("settings", ".env is there already and stays as it is")
        return []
    try:
        with open(file, "w", encoding="utf-8", newline="\n") as opened:
            opened.write(text)
    except OSError as error:
        dotenv.unlink()
        report("settings", f".env: {error.strerror}")
        return ["cp .env.example .env  # and fill it in"]
    if is_whole:
        return []
    report("settings", f".env lacks the {PROJECT['left_out']}, which is not kept")
    return [f"# write the {PROJECT['left_out']} into .env, as in .env.example"]


def make_environment() -> list[str]:
    """Make `.venv` and install everything.

    Returns:
        The commands that do it later, none where it is done.
    """
    started = time.monotonic()
    is_new = not ENVIRONMENT.exists()
    uv = shutil.which("uv")
    try:
        if uv:
            run(uv, "sync", "--python", sys.executable)
        else:
            run(sys.executable, "-m", "venv", ".venv")
            run(PYTHON, "-m", "pip", "install", PIP_WITH_GROUPS)
            run(PYTHON, "-m", "pip", "install", "--editable", ".", "--group", "dev")
    except StepFailed as failure:
        if is_new:  # The commands that make it later would take it for whole.
            shutil.rmtree(ENVIRONMENT, ignore_errors=True)
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
    if revisions := [*VERSIONS.glob("*.py")]:
        if has_environment and len(revisions) == 1 and not has_history():
            # A run that was killed may not have come to it.
            with suppress(StepFailed):
                run(PYTHON, "-m", "ruff", "format", "--quiet", revisions[0])
        report("first revision", "there is one already")
        return []
    if not has_environment:
        report("first revision", "needs the environment")
        return later
    try:
        run(PYTHON, "-m", "alembic", "revision", "--autogenerate", "-m", FIRST_REVISION)
    except BaseException as failure:
        for half_written in VERSIONS.glob("*.py"):
            half_written.unlink()
        if not isinstance(failure, StepFailed):
            raise
        report("first revision", str(failure))
        return later
    (revision,) = VERSIONS.glob("*.py")
    report("first revision", revision.name, started)
    for table in re.findall(r'create_table\(\s*"(.+?)"', revision.read_text("utf-8")):
        say(f"  {'':16} create table {table}")
    return []


def look_at_database(*, is_possible: bool) -> tuple[list[str], list[str]]:
    """See whether the server answers and has the database.

    Returns:
        The commands that start the server, and those that make the database.
    """
    create = ["python -m migrations create"]
    if not PROJECT["is_server"]:
        return [], []
    if not is_possible:
        return [], create
    try:
        if run(PYTHON, "-c", IS_THERE, timeout=ANSWER_SECONDS).strip() == "True":
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


def commit_all(*, is_complete: bool) -> list[str]:
    """Make a repository and its first commit, unless inside a repository already.

    Returns:
        The commands that do it later, none where it is done.
    """
    commit = f'git add --all && git commit -m "{FIRST_COMMIT}"'
    git = shutil.which("git")
    if git is None:
        report("git", "is not installed, no repository made")
        return [f"git init && {commit}"]
    if has_history():
        report("git", "the repository is there already, nothing committed")
        return []
    for parent in Path.cwd().parents:
        if (parent / ".git").exists():
            report("git", f"inside the repository {parent.name}, nothing committed")
            return [f'git add . && git commit -m "Add {PROJECT["slug"]}" -- .']
    if not is_complete:
        report("git", "waits for the first revision")
        return [f"git init && {commit}"]
    # A name and address that git guesses would stay in the history for ever.
    git_command = [git, "-c", "user.useConfigOnly=true"]
    try:
        # Locks of a git that was killed; nothing else is at work before a first commit.
        for lock in Path(".git").rglob("*.lock"):
            lock.unlink()
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


def has_history() -> bool:
    """Return whether the project is a repository of its own with a history."""
    if not Path(".git").exists():
        return False
    try:
        return bool(run("git", "rev-list", "--all", "--max-count=1"))
    except StepFailed:
        # It is not ours to touch, unless `git init` was killed: it makes this last.
        return Path(".git").is_file() or Path(".git", "objects").exists()


def run(*command: str | Path, timeout: float | None = None) -> str:
    """Run a command without a shell and return what it printed.

    Arguments:
        command: a program and its arguments.
        timeout: the seconds that it may take.

    Raises:
        StepFailed: it could not be started, took too long or ended with an error.
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
            timeout=timeout,
        )
    except subprocess.TimeoutExpired:
        raise StepFailed(f"{PROJECT['place']} does not answer") from None
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


def say_how_to_finish(reason: str) -> None:
    """Say what a run that could not end leaves to do."""
    where = [] if is_here() else ["--output-dir", str(Path.cwd().parent)]
    say(f"\n{reason}. To finish, or to remove it:\n")
    say(f"  {shlex.join([*PROJECT['again'], *where])}")
    say(f"  rm -r {folder()}")


def interrupted(_number: int, _frame: object) -> None:
    """Take being told to end for Ctrl-C, and once is enough."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupted)
    Path(__file__).unlink()  # Cookiecutter leaves the rendered hook behind.
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        if not is_for_comparison():
            main()
    except KeyboardInterrupt:
        say_how_to_finish("Interrupted")
    except Exception as error:  # noqa: BLE001  or Cookiecutter would delete the project
        say_how_to_finish(f"{type(error).__name__}: {error}")
