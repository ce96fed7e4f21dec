"""What stands after `-x` on the command line, and commands to type with more of it."""

from __future__ import annotations

import shlex
import sys
from pathlib import PurePath

from alembic import context


def value(name: str) -> str | None:
    """Return what the first `-x name=…` says, "" without a value, None without it."""
    for argument in context.get_x_argument():
        key, _, text = argument.partition("=")
        if key == name:
            return text
    return None


def values(name: str) -> list[str]:
    """Return each `name=…` that stands after an `-x`, as it was typed."""
    typed = context.get_x_argument()
    return [argument for argument in typed if argument.partition("=")[0] == name]


def is_command_line() -> bool:
    """Return whether a command was typed, and Alembic is not called from Python."""
    return hasattr(context.config.cmd_opts, "cmd")


def command(argument: str, *otherwise: str) -> str:
    """Return the command that was typed, with one more `-x` before all others.

    Arguments:
        argument: what stands after `-x`.
        otherwise: the command to name where Python has called Alembic; without it, the
            argument alone is returned there.
    """
    typed = sys.argv[1:] if is_command_line() else otherwise
    return (
        shlex.join([program(), "-x", argument, *typed]) if typed else f"-x {argument}"
    )


def program() -> str:
    """Return the name of the command that runs, `alembic` unless it is ours."""
    return "steady" if PurePath(sys.argv[0]).stem == "steady" else "alembic"
