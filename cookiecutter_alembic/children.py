"""Runs the commands of all steps; no other module starts a program."""

from __future__ import annotations

import os
import re
import subprocess
from itertools import chain
from pathlib import Path

from cookiecutter_alembic.dotenv import HANDOVER_VARIABLE

# Variables of the programs that the steps run. Most are meant for another project, or for
# one command of it: UV_FROZEN, PIP_TARGET, GIT_DIR, PYTHONPATH.
_OF_PROGRAMS = re.compile(
    "(ALEMBIC|CONDA|GIT|HATCH|PIP|RUFF|UV|VIRTUALENV)_|PYTHON|VIRTUAL_ENV"
)
# Those that are for every project on a machine.
_FOR_ALL_PROJECTS = re.compile(
    r"""
    GIT_(AUTHOR|COMMITTER)_(EMAIL|NAME)$  # who commits
    | GIT_CONFIG_(COUNT|GLOBAL|KEY_|NOSYSTEM|SYSTEM|VALUE_)
    | GIT_(ASKPASS|EXEC_PATH|PROXY|SSH|SSL|TERMINAL_PROMPT)
    | (?!GIT_).*(
        CONFIG_FILE|NO_CONFIG
        # where packages come from
        |ENDPOINT|FIND_LINKS|INDEX|MIRROR
        # how to reach them
        |CERT|CONCURRENT|CREDENTIALS|HTTP|INSECURE|KEYRING|NATIVE_TLS|OFFLINE|PROXY
        |RETRIES|TIMEOUT|TRUSTED_HOST|USE_DEPRECATED|USE_FEATURE|VERSION_CHECK
        # which of them may be used
        |EXCLUDE_NEWER|MALWARE|NO_BUILD$|NO_BUILD_PACKAGE|ONLY_BINARY|UPLOADED_PRIOR
        # where caches are
        |CACHE|LINK_MODE
    )
    """,
    re.VERBOSE,
)
_URLS = {
    "DATABASE_URL",
    "MIGRATION_DATABASE_URL",
    "SHADOW_DATABASE_URL",
    "TEST_DATABASE_URL",
}
# Of those that are passed on, the ones that may hold a relative path.
_PATHS = re.compile(
    r"(CURL|PIP|PYTHON|REQUESTS|RUFF|SSL|UV).*"
    r"((?<!NO_)CACHE_DIR|CACHEPREFIX|CA_BUNDLE|CERT|CERT_DIR|CERT_FILE|CONFIG_FILE)$"
)


class StepFailed(Exception):
    """A step failed; the message is one line and says why."""


def run(*command: str | Path) -> str:
    """Run a command without a shell and return what it printed.

    Arguments:
        command: a program and its arguments.

    Raises:
        StepFailed: it could not be started, or failed.
    """
    try:
        done = subprocess.run(
            command,
            env=_environment(),
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        raise StepFailed(f"{command[0]}: {error.strerror}") from None
    if done.returncode:
        raise StepFailed(_reason(done.stderr, done.stdout, done.returncode))
    return done.stdout


def _environment() -> dict[str, str]:
    """Return the environment for a new project: without what is meant for other ones."""
    passed = {name: text for name, text in os.environ.items() if _is_passed(name)}
    # The steps run in the project's folder, but these were set where the command was typed.
    typed_in = os.environ.get("PWD", "")
    for name in filter(_PATHS.match, passed):
        passed[name] = os.path.join(typed_in, passed[name])
    return {**passed, "PYTHONIOENCODING": "utf-8"}  # `run` expects it.


def _is_passed(name: str) -> bool:
    if name == HANDOVER_VARIABLE or name in _URLS:
        return False
    return not _OF_PROGRAMS.match(name) or bool(_FOR_ALL_PROJECTS.match(name))


def _reason(stderr: str, stdout: str, code: int) -> str:
    """Return the line that says why a command failed."""
    printed = [_lines(text) for text in (stderr, stdout)]
    errors = [
        line
        for line in chain(*printed)
        if re.match("error|fatal|failed", line, re.IGNORECASE)
    ]
    last = [lines[-1] for lines in printed if lines]
    reason = [*errors, *last, f"exit code {code}"][0]
    return re.sub("^(error|fatal|failed): ?", "", reason, flags=re.IGNORECASE)


def _lines(printed: str) -> list[str]:
    printed = re.sub(r"\x1b\[[\d;]*m", "", printed)  # Colors may be forced.
    return printed.strip().splitlines()
