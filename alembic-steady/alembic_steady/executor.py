"""The executor runs the revisions of a command, and reports each with its time."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from alembic import context
from alembic.util import CommandError, to_tuple
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from alembic_steady import errors, private, x_arguments
from alembic_steady.adapters import Adapter
from alembic_steady.git import kept
from alembic_steady.record import Record

NOT_READ = (
    "all revisions have run, but the version table that a new connection finds says {}"
    " and not {}"
)
PLAN = "alembic_steady.plan"
"""The key in `Config.attributes` of other steps than those of the command itself."""
COPIES = 100
"""Of how many revisions of a run a copy is kept at most: branches differ in the newest."""
GIVEN = ", as soon as the transaction that was passed is committed"


class Executor:
    """Runs the steps of a command on a database, one revision after the other.

    Attributes:
        left: the steps that are not done yet; None before Alembic asks for the first.
        step: the step that is running.
        is_given: whether the caller has begun the transaction, and will end it.
        record: what that step has executed, or the whole run if it is one transaction.
    """

    def __init__(
        self, adapter: Adapter, plan: Callable[..., Iterable[Any]], *, is_given: bool
    ) -> None:
        """Prepare a run.

        Arguments:
            adapter: the adapter of the database.
            plan: a function that yields the command's steps, given the database's heads.
            is_given: whether the caller has begun the transaction, and will end it.
        """
        self._adapter = adapter
        self._plan = plan
        self._check: Callable[[], None] = lambda: None
        self.is_given = is_given
        self.left: list[Any] | None = None
        self.step: Any = None
        self.record = Record(adapter.commits)
        self._before: set[str] = set()

    def steps(self, heads: tuple[str, ...], migration: Any) -> Iterator[Any]:
        """Yield each step; Alembic calls this instead of the command's own function."""
        if self.left is None:  # otherwise it is a retry, which continues there
            self.left = [*self._plan(heads, migration)]
            self._before = {*heads}
            self.record.clear()
            _announce(heads, self.left)
        while self.left:
            self._check()
            self.step = self.left[0]
            if not self._adapter.is_one_transaction:
                self.record.clear()
            say(f"  {_describe(self.step)} ", end="")
            start = time.monotonic()
            yield self.step
            self._keep(migration.connection)
            say(f"{time.monotonic() - start:.2f} s")
            self._copy(migration.connection)
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
            with self.record.kept(connection):
                heads = self._adapter.run(connection, self)
            # What a run has not changed need not be read once more.
            is_read = self.is_given or heads == self._before
            found = heads if is_read else self._adapter.heads(connection)
        except (Exception, KeyboardInterrupt, SystemExit) as raised:
            error = errors.cause(raised)
            if self.step:
                say("failed")
            is_wanted = x_arguments.value("traceback") is not None
            if is_wanted:
                raise
            if isinstance(error, CommandError):
                if kept := self._kept(error):
                    raise CommandError(f"{error}; {kept}") from error
                raise
            if (
                isinstance(error, KeyboardInterrupt)
                and not x_arguments.is_command_line()
            ):
                raise error from None
            raise CommandError(self._explained(error, connection)) from error
        if found != heads:
            raise CommandError(NOT_READ.format(_listed(found), _listed(heads)))
        is_last = heads == {*context.script.get_heads()}
        end = f"{' (head)' if is_last else ''}{GIVEN if self.is_given else ''}"
        say(f"Now at {_listed(heads)}{end}")

    def _keep(self, connection: Connection) -> None:
        """Commit what a revision has left open that has committed by itself.

        It has ended the transaction that Alembic would commit, so that the version that
        Alembic notes afterwards is in another one.
        """
        is_own = not (self.is_given or self._adapter.is_one_transaction)
        if is_own and connection.in_transaction():
            connection.commit()

    def _copy(self, connection: Connection) -> None:
        """Keep a copy of what has run on this machine, for a branch that has not its file."""
        revision: Any = getattr(self.step, "revision", None)
        # One that was passed may be that of a test.
        is_own = context.config.attributes.get("connection") is None
        is_last = len(self.left or ()) <= COPIES
        is_new = revision is not None and self.step.is_upgrade and is_own and is_last
        if is_new and self._adapter.is_local(connection.engine.url):
            kept.keep(revision.revision, Path(revision.path))

    def _kept(self, error: CommandError) -> str:
        """Say what was kept of the revision that an error has ended, or "" if nothing was."""
        self.record.settle()
        if not self.record.is_kept_in_part:
            return ""
        is_one = self._adapter.is_one_transaction
        outcome = errors.Outcome(error, self.record, "", is_one_transaction=is_one)
        return outcome.text(errors.LENGTH)

    def _explained(self, error: BaseException, connection: Connection) -> str:
        if not self.is_given:
            with suppress(SQLAlchemyError):  # The connection may be lost.
                connection.rollback()
        self.record.settle()
        is_one = self._adapter.is_one_transaction
        if not (self.step or is_one):
            return errors.explain(error, None)
        statement = self.record.running or self.record.refused
        hint = self._adapter.hint(connection, statement)
        outcome = errors.Outcome(error, self.record, hint, is_one_transaction=is_one)
        step = self.step and _describe(self.step)
        is_untouched = not (hint or self.record.is_kept_in_part)
        advice = self._advice(error, is_untouched=is_untouched)
        return errors.explain(error, step, outcome, advice)

    def _advice(self, error: BaseException, *, is_untouched: bool) -> str:
        """Return what else helps against an error, or ""."""
        if not isinstance(error, DBAPIError):
            return ""
        is_first = not self._before and getattr(self.step, "is_upgrade", False)
        if is_first and is_untouched and self._adapter.is_duplicate(error):
            revision = self.step.revision.revision
            return errors.STAMP.format(x_arguments.program(), revision)
        return self._adapter.advice(error, is_autocommit=bool(self.record.refused))


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
