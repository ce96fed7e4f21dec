"""The arguments of `-x` on the command line, and commands with one more of them."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import PurePath

from alembic import context
from alembic.config import Config


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


def told(config: Config, name: str) -> Iterator[str]:
    """Yield the value of each `-x name=…`, "" for `-x name`, where no `env.py` is running."""
    for argument in _typed(config):
        key, _, text = argument.partition("=")
        if key == name:
            yield text


def is_told(config: Config, name: str) -> bool:
    """Return whether there is an `-x name` or `-x name=…`, where no `env.py` is running."""
    return any(True for _ in told(config, name))


def _typed(config: Config) -> list[str]:
    return getattr(config.cmd_opts, "x", None) or []


def traceback(config: Config) -> str | None:
    """Return the command that was typed, with `-x traceback`, or None if it has that."""
    if is_told(config, "traceback"):
        return None
    is_typed = hasattr(config.cmd_opts, "cmd")
    return _with("traceback", sys.argv[1:] if is_typed else [])


def again(argument: str) -> str:
    """Return the command that was typed, with one more `-x`, where no `env.py` is running."""
    return _with(argument, sys.argv[1:])


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
    return _with(argument, sys.argv[1:] if is_command_line() else otherwise)


def _with(argument: str, typed: Sequence[str]) -> str:
    return (
        shlex.join([program(), "-x", argument, *typed]) if typed else f"-x {argument}"
    )


def program() -> str:
    """Return the name of the running program: `steady`, or else `alembic`."""
    return "steady" if PurePath(sys.argv[0]).stem == "steady" else "alembic"
