"""The program pg_dump: which one can read a server, and what it says.

It connects as the driver does that has read the URL. A password reaches it in its
environment, where other users of the machine do not see it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from alembic.util import CommandError
from sqlalchemy import Connection

from alembic_steady.adapters.dump import DumpUnavailable

NAME = "pg_dump"
# Where packages of several versions are side by side, most of them not on the PATH.
FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/Library/PostgreSQL/*/bin",
    "C:/Program Files/PostgreSQL/*/bin",
)
OPTIONS = (
    *("--schema-only", "--no-owner", "--no-privileges", "--no-tablespaces"),
    *("--no-security-labels", "--no-subscriptions", "--no-password"),
    *("--encoding=UTF8", "--lock-wait-timeout=5s"),
)
MINUTE = 60
VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
# What is for finding one of several servers, and for the driver's own sessions.
DRIVERS_OWN = frozenset(
    (
        *("target_session_attrs", "load_balance_hosts", "fallback_application_name"),
        *("prepare_threshold", "client_encoding"),
    )
)
SECRETS = frozenset(
    ("sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key")
)
"""Parameters of libpq that would be seen among a program's arguments."""
MISSING = (
    "pg_dump {0} or newer is needed ({1}): install PostgreSQL's client programs, such as"
    " Debian's postgresql-client-{0}, or put their folder on PATH"
)
LOCKED = "others have locked a table for more than 5 s; try again when none is changed"
REASONS = {
    # pg_dump sets the one or the other, by its version.
    "lock timeout": LOCKED,
    "statement timeout": LOCKED,
    "out of shared memory": "raise the server's max_locks_per_transaction",
}
"""What helps against an error of pg_dump, by words in it."""
EXPORT = "SELECT pg_export_snapshot()"
"""Lets pg_dump see what the connection's transaction sees, as long as that lasts."""


def run(connection: Connection, excluded: Iterable[str]) -> tuple[str, list[str]]:
    """Dump what is in a database, and return the script and pg_dump's warnings.

    Arguments:
        connection: the database, which is only read.
        excluded: the tables, sequences and views to leave out, as patterns.

    Raises:
        DumpUnavailable: there is no such program, or it cannot be given the URL's secrets.
        CommandError: it fails; the message is one line.
    """
    parameters = _parameters(connection)
    secret = str(parameters.pop("password", "") or "")
    if shown := SECRETS & parameters.keys():
        names = ", ".join(sorted(shown))
        raise DumpUnavailable(f"pg_dump can't be given {names} without showing it")
    version = int((connection.dialect.server_version_info or (0,))[0])
    command = [
        find(version),
        *OPTIONS,
        f"--snapshot={connection.exec_driver_sql(EXPORT).scalar()}",
        *(f"--exclude-table={pattern}" for pattern in excluded),
        f"--dbname={_conninfo(parameters)}",
    ]
    told = {"LC_ALL": "C", **({"PGPASSWORD": secret} if secret else {})}
    try:
        done = subprocess.run(
            command, capture_output=True, env={**os.environ, **told}, check=False
        )
    except OSError as error:
        raise CommandError(f"{command[0]} can't be started: {error.strerror}") from None
    said = done.stderr.decode("utf-8", "replace")
    if done.returncode:
        raise CommandError(f"pg_dump: {_reason(said, done.returncode)}")
    try:
        script = done.stdout.decode("utf-8")
    except UnicodeDecodeError:
        reason = (
            "a definition in the database is not in the encoding that it says it has"
        )
        raise CommandError(f"pg_dump: {reason}") from None
    warnings = re.findall(r"^pg_dump: warning: (.*)$", said, re.MULTILINE)
    return script.replace("\r\n", "\n") if os.name == "nt" else script, warnings


def find(version: int) -> str:
    """Return the newest pg_dump that can read a server, the one on PATH before others.

    Arguments:
        version: the server's major version.

    Raises:
        DumpUnavailable: there is none, or each is older than the server.
    """
    known = {program: _version(program) for program in _programs()}
    best = max(known, key=lambda program: known[program], default=None)
    if best is None or not known[best]:
        raise DumpUnavailable(MISSING.format(version, "there is none"))
    if known[best] < version:
        reason = f"the newest here is {known[best]}"
        raise DumpUnavailable(MISSING.format(version, reason))
    return best


def _programs() -> Iterator[str]:
    if on_path := shutil.which(NAME):
        yield on_path
    for pattern in FOLDERS:
        anchor = Path(pattern).anchor
        for folder in Path(anchor).glob(pattern.removeprefix(anchor)):
            if found := shutil.which(NAME, path=str(folder)):
                yield found


def _version(program: str) -> int:
    """Return the major version of a program, or 0 if it does not run."""
    try:
        done = subprocess.run(
            [program, "--version"],
            capture_output=True,
            text=True,
            check=False,
            timeout=MINUTE,
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return 0
    found = VERSION.search(done.stdout)
    return int(found[1]) if found else 0


def _parameters(connection: Connection) -> dict[str, Any]:
    """Return libpq's parameters of a connection, to the one server that it has reached."""
    url = connection.engine.url
    _, told = connection.dialect.create_connect_args(url)
    parameters = {
        name: value
        for name, value in told.items()
        # Drivers pass objects of their own, too.
        if name not in DRIVERS_OWN and isinstance(value, str | int)
    }
    several = (str(told.get(name) or "") for name in ("host", "hostaddr", "port"))
    if any("," in it for it in several):
        raw: Any = connection.connection.dbapi_connection
        parameters.pop("hostaddr", None)
        parameters |= {"host": raw.info.host, "port": raw.info.port}
    return parameters


def _conninfo(parameters: Mapping[str, Any]) -> str:
    """Return parameters as libpq reads them from one string."""
    return " ".join(
        "{}='{}'".format(name, re.sub(r"([\\'])", r"\\\1", str(value)))
        for name, value in parameters.items()
    )


def _reason(said: str, code: int) -> str:
    """Return the cause of an error, in the one line of pg_dump's that has it."""
    lines = re.findall(r"^(?:\S*pg_dump\S*: )(.*)$", said, re.MULTILINE)
    errors = [it for it in lines if it.startswith("error: ")]
    line = next(iter([*errors, *lines, *said.splitlines()]), f"it ended with {code}")
    line = line.removeprefix("error: ").removeprefix("query failed: ")
    line = re.sub(r"\b(?:ERROR|FATAL): +", "", line)
    advice = next((REASONS[words] for words in REASONS if words in line), "")
    return f"{line}; {advice}" if advice else line
