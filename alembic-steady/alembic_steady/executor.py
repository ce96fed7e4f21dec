"""The executor runs the revisions of a command, and reports each with its time."""

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
    """Runs the steps of a command on a database, one revision after the other.

    Attributes:
        left: the steps that are not done yet; None before Alembic asks for the first.
        step: the step that is running.
        executed: the statements that the running revision has executed.
        committed: those of them that are committed.
        committing: the statement that is running and commits implicitly, or "".
    """

    def __init__(self, adapter: Adapter, plan: Callable[..., Iterable[Any]]) -> None:
        """Prepare a run.

        Arguments:
            adapter: the adapter of the database.
            plan: a function that yields the command's steps, given the database's heads.
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
        """Yield each step; Alembic calls this instead of the command's own function."""
        if self.left is None:  # otherwise it is a retry, which continues there
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
        """Run all steps, and report what was done.

        Arguments:
            connection: the connection to run them on.
            check: is called before each revision, and raises an error to end the run.

        Raises:
            CommandError: a step failed. With `-x traceback`, its own error is raised.
        """
        self._check = check
        try:
            heads = self._adapter.run(connection, self)
        except (Exception, KeyboardInterrupt) as raised:
            error = errors.cause(raised)
            if self.step:
                say("failed")
            is_wanted = x_arguments.value("traceback") is not None
            if isinstance(error, CommandError) and self.committed:
                done = errors.outcome(error, self.committed, "", "")
                raise CommandError(f"{error}; {done}") from error
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
    """Print progress to standard error, apart from a command's output."""
    print(text, end=end, file=sys.stderr, flush=True)


def _announce(heads: Iterable[str], steps: list[Any]) -> None:
    if not steps:
        say("Nothing to do")
        return
    verb = steps[0].name.partition("_")[0].capitalize()
    target = steps[-1].to_revisions_no_deps
    if len(context.script.get_heads()) > 1:  # The last step does not name every head.
        target = to_tuple(private.destination())
    way = f"from {_listed(heads)} to {_listed(target)}"
    say(f"{verb} {way}, {len(steps)} revision{'s' * (len(steps) > 1)}:")


def _describe(step: Any) -> str:
    revision = getattr(step, "revision", None)  # `stamp` has none.
    return f"{revision.revision} {revision.doc}" if revision else _listed(step.to_)


def _listed(revisions: Iterable[str]) -> str:
    return ", ".join(sorted(revisions)) or "base"
