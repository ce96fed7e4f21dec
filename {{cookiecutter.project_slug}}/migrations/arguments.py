"""What stands after `-x`, and the command that says more there."""

import shlex
import sys

from alembic import context


def value(name: str) -> str | None:
    """Return what the first `-x name=…` says, "" without a value, None without it."""
    for option in context.get_x_argument():
        key, _, text = option.partition("=")
        if key == name:
            return text
    return None


def is_typed() -> bool:
    """Return whether this is the `alembic` command, and not a call from Python."""
    return hasattr(context.config.cmd_opts, "cmd")


def command(option: str, *otherwise: str) -> str:
    """Return the command that was typed, with an option before all others.

    Arguments:
        option: what stands after `-x`.
        otherwise: the command to name where Python has called Alembic; without it, the
            option alone is returned there.
    """
    typed = sys.argv[1:] if is_typed() else otherwise
    return shlex.join(["alembic", "-x", option, *typed]) if typed else f"-x {option}"
