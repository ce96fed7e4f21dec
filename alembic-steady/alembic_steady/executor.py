"""The executor runs what a command has planned: revisions, said, timed, and named on failure."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from alembic import context
from alembic.util import CommandError, to_tuple
from sqlalchemy import Connection

from alembic_steady import errors, private, x_arguments
from alembic_steady.adapters import Adapter


class Executor:
    """What a command is going to do to a database, one revision after the other.

    Attributes:
        left: the steps that are not done; None before Alembic asks for the first.
        step: the one that runs now.
        executed: the statements of the revision that runs.
        committed: those of them that can't be undone any more.
        committing: the statement that runs and commits by itself, or nothing.
    """

    def __init__(self, adapter: Adapter, plan: Callable[..., Iterable[Any]]) -> None:
        """Prepare a run.

        Arguments:
            adapter: the ways of the database.
            plan: yields the steps of the command for the heads of the database.
        """
        self._adapter = adapter
        self._plan = plan
        self._check: Callable[[], None] = lambda: None
        self.left: list[Any] | None = None
        self.step: Any = None
        self.executed: list[str] = []
        self.committed: list[str] = []
        self.committing = ""

    def steps(self, heads: tuple[str, ...], migration: Any) -> Iterator[Any]:
        """Yield each step; this takes the place of what Alembic has planned."""
        if self.left is None:  # else it is a second try, which goes on from there
            self.left = [*self._plan(heads, migration)]
            _announce(heads, self.left)
        while self.left:
            self._check()
            self.step = self.left[0]
            self.executed, self.committed, self.committing = [], [], ""
            say(f"  {_describe(self.step)} ", end="")
            start = time.monotonic()
            yield self.step
            say(f"{time.monotonic() - start:.2f} s")
            self.step = None
            del self.left[0]

    def run(self, connection: Connection, check: Callable[[], None]) -> None:
        """Run what is planned, and say what is done.

        Arguments:
            connection: the one to run it on.
            check: is called before each revision, and raises an error to end the run.

        Raises:
            CommandError: anything went wrong. With `-x traceback` that itself is raised.
        """
        self._check = check
        try:
            heads = self._adapter.run(connection, self)
        except (Exception, KeyboardInterrupt) as raised:
            error = errors.cause(raised)
            if self.step:
                say("failed")
            is_wanted = x_arguments.value("traceback") is not None
            if isinstance(error, CommandError) or is_wanted:
                raise
            if (
                isinstance(error, KeyboardInterrupt)
                and not x_arguments.is_command_line()
            ):
                raise error from None
            raise CommandError(self._explained(error)) from error
        is_last = heads == {*context.script.get_heads()}
        say(f"Now at {_listed(heads)}{' (head)' if is_last else ''}")

    def _explained(self, error: BaseException) -> str:
        outcome = ""
        if self._adapter.is_one_transaction:
            outcome = errors.NOTHING_KEPT
        elif self.step:
            hint = self._adapter.hint(self.committing)
            outcome = errors.outcome(error, self.committed, self.committing, hint)
        return errors.explain(error, self.step and _describe(self.step), outcome)


def say(text: str, end: str = "\n") -> None:
    """Print for whoever watches the run, apart from a command's output."""
    print(text, end=end, file=sys.stderr, flush=True)


def _announce(heads: Iterable[str], steps: list[Any]) -> None:
    if not steps:
        say("Nothing to do")
        return
    verb = steps[0].name.partition("_")[0].capitalize()
    target = steps[-1].to_revisions_no_deps
    if len(context.script.get_heads()) > 1:  # The last step is not the whole of it.
        target = to_tuple(private.destination())
    way = f"from {_listed(heads)} to {_listed(target)}"
    say(f"{verb} {way}, {len(steps)} revision{'s' * (len(steps) > 1)}:")


def _describe(step: Any) -> str:
    revision = getattr(step, "revision", None)  # `stamp` runs none.
    return f"{revision.revision} {revision.doc}" if revision else _listed(step.to_)


def _listed(revisions: Iterable[str]) -> str:
    return ", ".join(sorted(revisions)) or "base"
