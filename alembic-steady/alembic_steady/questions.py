"""Questions of yes or no, which are asked on a terminal and answered by `-x` elsewhere."""

from __future__ import annotations

import sys

from alembic.config import Config
from alembic.util import CommandError

from alembic_steady import x_arguments

NOT_DONE = "nothing has changed"


def confirm(config: Config, question: str, option: str) -> None:
    """Go on if the answer is yes, or `-x` says so.

    Arguments:
        config: Alembic's configuration, which has the command as it was typed.
        question: what is to be confirmed; it ends with a question mark.
        option: the argument of that `-x`.

    Raises:
        CommandError: the answer is no, or there is no terminal to ask on.
    """
    if x_arguments.is_told(config, option):
        return
    if not sys.stdin.isatty():
        raise CommandError(f"{question} If so: {x_arguments.again(option)}")
    if not is_yes(question, NOT_DONE):
        raise CommandError(NOT_DONE)


def is_yes(question: str, without: str) -> bool:
    """Ask a question on the terminal, and return whether the answer is yes.

    Arguments:
        question: the question.
        without: what to say where there is no answer.

    Raises:
        CommandError: there is no answer.
    """
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except (EOFError, KeyboardInterrupt):
        raise CommandError(without) from None
