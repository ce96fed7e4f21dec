{% set family = cookiecutter.__family %}
"""The steps of a run: said before it, timed, and named where one fails."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
{% if family == "file" %}
from contextlib import nullcontext
{% endif %}
from typing import Any

from alembic import context
from alembic.util import CommandError, to_tuple
from sqlalchemy import Connection

{% if family == "file" %}
from migrations import arguments, errors
{% elif family == "postgresql" %}
from migrations import arguments, errors, patience
{% else %}
from migrations import arguments, commits, errors
{% endif %}


class Steps:
    """What a command is going to do to a database, one revision after the other.

    Attributes:
        left: what is not done; None before Alembic asks for the first.
        step: what runs now.
{% if family != "file" %}
        ran: the statements of the revision that runs.
        done: those that can't be undone any more.
        running: the one that runs and commits by itself, or nothing.
{% endif %}
    """

    def __init__(self, check: Callable[[], None]) -> None:
        """Take the place of what Alembic has planned.

        Arguments:
            check: is called before each revision, and raises an error to end the run.
        """
        migration = context.get_context()
        self._check = check
        self._plan: Any = migration.opts["fn"]
        self.left: list[Any] | None = None
        self.step: Any = None
{% if family != "file" %}
        self.ran: list[str] = []
        self.done: list[str] = []
        self.running = ""
{% endif %}
        migration._migrations_fn = self._one_by_one

    def _one_by_one(self, heads: tuple[str, ...], migration: Any) -> Iterator[Any]:
        if self.left is None:  # else it is a second try, which goes on from there
            self.left = [*self._plan(heads, migration)]
            _announce(heads, self.left)
        while self.left:
            self._check()
            self.step = self.left[0]
{% if family != "file" %}
            self.ran, self.done, self.running = [], [], ""
{% endif %}
            say(f"  {_describe(self.step)} ", end="")
            start = time.monotonic()
            yield self.step
            say(f"{time.monotonic() - start:.2f} s")
            self.step = None
            del self.left[0]


def run(connection: Connection, check: Callable[[], None]) -> None:
    """Run what a command has planned, and say what it does.

    Arguments:
        connection: the one to run it on.
        check: is called before each revision, and raises an error to end the run.

    Raises:
        CommandError: anything went wrong. With `-x traceback` that itself is raised.
    """
    steps = Steps(check)
    try:
        heads = _run(connection, steps)
    except (Exception, KeyboardInterrupt) as raised:
        error = errors.cause(raised)
        if steps.step:
            say("failed")
        is_wanted = arguments.value("traceback") is not None
        if isinstance(error, CommandError) or is_wanted:
            raise
        if isinstance(error, KeyboardInterrupt) and not arguments.is_typed():
            raise error from None
{% if family == "file" %}
        reason = errors.explain(error, steps.step and _describe(steps.step))
{% else %}
        step = steps.step and _describe(steps.step)
        reason = errors.explain(error, step, steps.done, steps.running)
{% endif %}
        raise CommandError(reason) from error
    is_last = heads == {*context.script.get_heads()}
    say(f"Now at {_listed(heads)}{' (head)' if is_last else ''}")


def _run(connection: Connection, steps: Steps) -> set[str]:
{% if family == "file" %}
    # A block with commits of its own would end the transaction, and with it the lock.
    migration: Any = context.get_context()
    migration.autocommit_block = nullcontext
    with context.begin_transaction():
        context.run_migrations()
        return {*migration.get_current_heads()}
{% else %}
    is_given = connection.in_transaction()
{% if family == "postgresql" %}
    patience.run(connection, steps)
{% else %}
    commits.run(connection, steps)
{% endif %}
    heads = {*context.get_context().get_current_heads()}
    if not is_given:
        connection.rollback()  # To read has begun a transaction.
    return heads
{% endif %}


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
        target = to_tuple(context.get_context().opts["destination_rev"])
    way = f"from {_listed(heads)} to {_listed(target)}"
    say(f"{verb} {way}, {len(steps)} revision{'s' * (len(steps) > 1)}:")


def _describe(step: Any) -> str:
    revision = getattr(step, "revision", None)  # `stamp` runs none.
    return f"{revision.revision} {revision.doc}" if revision else _listed(step.to_)


def _listed(revisions: Iterable[str]) -> str:
    return ", ".join(sorted(revisions)) or "base"
