{% set family = cookiecutter.__family %}
"""The steps of a run: said before it, timed, and explained where one fails."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

{% if family == "file" %}
from migrations import arguments
{% elif family == "postgresql" %}
from migrations import arguments, patience, server
{% else %}
from migrations import arguments, commits, server
{% endif %}

{% if family == "file" %}
UNDONE = "nothing of this run is kept; mend the revision and run it again"
{% else %}
UNDONE = (
    "this run keeps nothing of it; mend the cause, which may be what a killed run has left"
    " of it, and run it again"
)
HALF_DONE = (
    "done is: {}; nothing else of this revision. Undo that by hand, or let the revision"
    " pass it over (if_exists, if_not_exists), and run it again"
)
{% endif %}
{% if family == "postgresql" %}
INVALID = "An INVALID index may be left; migrations.concurrently builds it again"
{% endif %}
LENGTH = 300  # of what is shown of a statement


class Steps:
    """What a command is going to do to a database, one revision after the other.

    Attributes:
        left: what is not done; None before Alembic asks for the first.
        step: what runs now.
{% if family != "file" %}
        ran: the statements of the revision that runs.
        done: those that can't be undone any more.
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
            self.ran, self.done = [], []
{% endif %}
            say(f"  {_describe(self.step)} ", end="")
            start = time.monotonic()
            yield self.step
            say(f"{time.monotonic() - start:.2f} s")
            self.step = None
            del self.left[0]

    def explain(self, error: BaseException) -> str:
        """Say in one line what went wrong, what is done, and what to type."""
        text = _reason(error)
{% if family == "file" %}
        if self.step:
            text = f"{_describe(self.step)}: {text}; {UNDONE}"
{% else %}
        if self.step:
            done = "; ".join(map(_shortened, self.done))
            state = HALF_DONE.format(done) if done else UNDONE
{% if family == "postgresql" %}
            if " CONCURRENTLY " in str(getattr(error, "statement", "")):
                state = f"{state}. {INVALID}"
{% endif %}
            text = f"{_describe(self.step)}: {text}; {state}"
{% endif %}
        more = arguments.command("traceback", "upgrade", "head")
        return f"{text}. All about the error: {more}"


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
{% if family == "postgresql" %}
        patience.run(connection, steps)
{% elif family == "mysql" %}
        commits.run(connection, steps)
{% else %}
        with context.begin_transaction():
            context.run_migrations()
{% endif %}
    except (Exception, KeyboardInterrupt) as error:
        if steps.step:
            say("failed")
        if isinstance(error, CommandError) or arguments.value("traceback") is not None:
            raise
        raise CommandError(steps.explain(error)) from error
    heads = {*context.get_context().get_current_heads()}
    is_last = heads == {*context.script.get_heads()}
    say(f"Now at {_listed(heads)}{' (head)' if is_last else ''}")


def say(text: str, end: str = "\n") -> None:
    """Print for whoever watches the run, apart from a command's output."""
    print(text, end=end, file=sys.stderr, flush=True)


def _announce(heads: Iterable[str], steps: list[Any]) -> None:
    if not steps:
        say("Nothing to do")
        return
    verb = steps[0].name.partition("_")[0].capitalize()
    way = f"from {_listed(heads)} to {_listed(steps[-1].to_revisions_no_deps)}"
    say(f"{verb} {way}, {len(steps)} revision{'s' * (len(steps) > 1)}:")


def _describe(step: Any) -> str:
    revision = getattr(step, "revision", None)  # `stamp` runs none.
    return f"{revision.revision} {revision.doc}" if revision else _listed(step.to_)


def _listed(revisions: Iterable[str]) -> str:
    return ", ".join(sorted(revisions)) or "base"


def _reason(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    if not isinstance(error, DBAPIError):
        return _shortened(f"{type(error).__name__}: {error}")
{% if family == "file" %}
    reason = str(error.orig)
{% else %}
    _, reason = server.cause(error)
{% endif %}
    return f"{reason}, in {_shortened(error.statement)}" if error.statement else reason


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LENGTH else f"{line[:LENGTH]}…"
