"""The arguments of `-x` on the command line, and commands with one more of them."""

from __future__ import annotations

import shlex
import sys
from pathlib import PurePath

from alembic import context


def value(name: str) -> str | None:
    """Return the value of the first `-x name=…`, "" for `-x name`, or None without it."""
    for argument in context.get_x_argument():
        key, _, text = argument.partition("=")
        if key == name:
            return text
    return None


def values(name: str) -> list[str]:
    """Return each argument `name=…` of an `-x`, as it was typed."""
    typed = context.get_x_argument()
    return [argument for argument in typed if argument.partition("=")[0] == name]


def is_given(name: str) -> bool:
    """Return whether an `-x` was typed, also where no command of Alembic runs."""
    try:
        return value(name) is not None
    except NameError:  # Alembic's `context` is only there while env.py runs.
        return False


def is_command_line() -> bool:
    """Return whether Alembic runs from the command line and not from Python."""
    return hasattr(context.config.cmd_opts, "cmd")


def command(argument: str, *otherwise: str) -> str:
    """Return the command that was typed, with one more `-x` in front of the others.

    Arguments:
        argument: the argument of that `-x`.
        otherwise: the command to return if Alembic was called from Python; without it,
            only the `-x` is returned then.
    """
    typed = sys.argv[1:] if is_command_line() else otherwise
    return (
        shlex.join([program(), "-x", argument, *typed]) if typed else f"-x {argument}"
    )


def program() -> str:
    """Return the name of the running program: `steady`, or else `alembic`."""
    return "steady" if PurePath(sys.argv[0]).stem == "steady" else "alembic"
