"""Commands of a project without the second that Python takes to import what they need.

A process of the project's own Python has imported Alembic, SQLAlchemy and the drivers, and
forks for each command. What the command does, with which environment and in which folder,
is as if it had been started; what starts a program itself is tried in tests of that.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

PROGRAMS = ("alembic", "steady")

SERVER = r"""
import importlib, json, os, socket, sys, traceback
from contextlib import suppress

for module in ("alembic.command", "alembic.config", "alembic.ddl.impl", "alembic_steady",
               "sqlalchemy.orm", "sqlalchemy.ext.asyncio", "dotenv", "psycopg", "psycopg2",
               "pymysql", "sqlalchemy.dialects.sqlite", "logging.config", "mako.template"):
    with suppress(ImportError):
        importlib.import_module(module)
from alembic.config import main as alembic
from alembic_steady.cli import main as steady


def run(asked):
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    output = os.open(asked["output"], os.O_WRONLY)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.argv = asked["command"]
    name = os.path.basename(sys.argv[0])
    sys.path.insert(0, os.path.dirname(sys.argv[0]))
    try:
        if name == "python":
            _, option, text, *arguments = sys.argv
            sys.argv, sys.path[0] = [option, *arguments], ""
            code = exec(compile(text, "<string>", "exec"), {"__name__": "__main__"})
        else:
            code = {"alembic": alembic, "steady": steady}[name]()
    except SystemExit as error:
        code = error.code
        if isinstance(code, str):
            print(code, file=sys.stderr)
            code = 1
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit((code or 0) & 0xFF)


own = socket.socket(fileno=int(sys.argv[1]))
for line in own.makefile():
    child = os.fork()
    if child == 0:
        run(json.loads(line))
    _, status = os.waitpid(child, 0)
    own.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))
"""


class Warm:
    """A process that runs commands of one environment."""

    def __init__(self, python: Path) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            number = theirs.fileno()
            self._process = subprocess.Popen(
                [python, "-c", SERVER, str(number)],
                pass_fds=[number],
                stdin=subprocess.DEVNULL,
                env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
            )
        self._socket = ours
        self._answers = ours.makefile()

    def run(
        self, command: list[str], cwd: Path, environment: dict[str, str]
    ) -> tuple[int, str]:
        """Run a command, and return its exit code and what it printed."""
        with tempfile.NamedTemporaryFile() as output:
            asked = {
                "command": command,
                "cwd": str(cwd),
                "environment": environment,
                "output": output.name,
            }
            self._socket.sendall(json.dumps(asked).encode() + b"\n")
            code = int(self._answers.readline())
            return code, Path(output.name).read_text(encoding="utf-8")


@cache
def of(python: Path) -> Warm:
    """Return the process of an environment; it ends with the one of the tests."""
    return Warm(python)


def tells_python(environment: dict[str, str]) -> bool:
    """Return whether an environment tells Python itself anything."""
    return any(name.startswith("PYTHON") for name in environment)


def suits(command: list[str], environment: dict[str, str]) -> bool:
    """Return whether a command can be run so: not where Python is told anything itself."""
    is_known = Path(command[0]).name in PROGRAMS or command[:2] == ["python", "-c"]
    return sys.platform != "win32" and is_known and not tells_python(environment)
