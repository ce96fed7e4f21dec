"""One line for the error of a run: what is wrong, what was kept, and what to type."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.script.revision import MultipleHeads, ResolutionError
from alembic.util import CommandError
from sqlalchemy.exc import (
    DBAPIError,
    PendingRollbackError,
    SQLAlchemyError,
    StatementError,
)

from alembic_steady import head_file, moved, private, x_arguments
from alembic_steady.git import repository, revisions
from alembic_steady.record import COMMIT, Record

AGAIN = "fix the cause and run it again"
NOTHING_KEPT = f"nothing of this run is kept; {AGAIN}"
UNDONE = f"this run kept nothing of the revision; {AGAIN}"
UNDONE_BUT = f"nothing else of the revision is kept; {AGAIN}"
UNKNOWN = "it is unknown whether {} took effect; run the revision again to find out"
HALF_DONE = (
    "already committed: {}; nothing else of this {}. Undo that by hand, or let the"
    " revision skip it (if_exists, if_not_exists), and run it again"
)
STAMP = (
    "If the database already has all that this revision builds, note that instead:"
    " {} stamp {}"
)
NO_SUCH = "{0} history lists all that there are"
NOT_HERE = (
    "the database is at it, but no file of this project has it{}: bring that from where it"
    " was written"
)
ELSEWHERE = (
    "the database is at it: {}, but {} does not have it. To undo it in a database of this"
    " machine: steady sync"
)
DEPENDENT = ("2BP01", "0A000")
"""PostgreSQL's codes of what something else depends on."""
WITH_VALUES = ("22", "23", "44", "P0")
"""PostgreSQL's classes of errors whose details may have values of rows."""
CAUSES = (SQLAlchemyError, OSError, SyntaxError)
"""What a server, a right or a file raises. Other packages end a command with their own."""
LENGTH = 300  # the number of characters shown of a statement
LINE = 500  # the number of characters of a whole line
FAILED = "FAILED: "  # what Alembic prints before it
ROOMS = (LENGTH, 150, 80, 40, 20)
"""The numbers of characters to show of a statement, until the line is short enough."""


@dataclass(frozen=True)
class Outcome:
    """What was kept of what failed.

    Attributes:
        error: the exception.
        record: what the revision, or the whole run, has executed.
        hint: what a statement may have left behind that commits by itself, or "".
        is_one_transaction: whether the whole run is a single transaction.
    """

    error: BaseException
    record: Record
    hint: str
    is_one_transaction: bool

    def text(self, room: int) -> str:
        """Say it, with a number of characters for each statement."""
        committed = _several(self.record.committed, room)
        if unknown := self._unknown(room):
            parts = [UNKNOWN.format(unknown)]
            parts += [f"Already committed: {committed}"] if committed else []
            return ". ".join([*parts, *filter(None, [_sentence(self.hint)])])
        if committed:
            whole = "run" if self.is_one_transaction else "revision"
            state = HALF_DONE.format(committed, whole)
            return f"{state}. {_sentence(self.hint)}" if self.hint else state
        if self.hint:
            return f"{self.hint}; {UNDONE_BUT}"
        return NOTHING_KEPT if self.is_one_transaction else UNDONE

    def _unknown(self, room: int) -> str:
        last = self.record.running
        if last == COMMIT:
            last = "its COMMIT"
        elif last and isinstance(self.error, StatementError):
            last = "this statement"  # It is shown before this.
        told = [*self.record.unclear, *filter(None, [last])]
        return _several(told, room)


def explain(
    error: BaseException,
    step: str | None,
    outcome: Outcome | None = None,
    advice: str = "",
) -> str:
    """Explain an error in one line that is not too long.

    Arguments:
        error: the exception.
        step: the revision that was running, if any.
        outcome: what was kept, if there is something to say.
        advice: what else helps, or "".
    """
    told = moved.advice(error) if isinstance(error, ImportError) and not step else None
    if told:  # No revision has begun.
        return fitted(told)
    end = [advice, _full_traceback(x_arguments.command("traceback"))]
    text = ""
    for room in ROOMS:
        start = f"{_shortened(step, room)}: " if step else ""
        kept = f"; {outcome.text(room)}" if outcome else ""
        text = ". ".join(filter(None, [f"{start}{reason(error, room)}{kept}", *end]))
        if len(text) <= LINE - len(FAILED):
            break
    return fitted(text)


def fitted(text: str) -> str:
    """Return a line without its middle if it is too long: causes come first, ways out last."""
    most = LINE - len(FAILED)
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]}…{text[len(text) - (most - half - 1) :]}"


@contextmanager
def in_one_line(place: str, config: Config) -> Iterator[None]:
    """Raise what a server, a file or a right has caused as an error of one line.

    Arguments:
        place: what the command was at work on, such as the database.
        config: Alembic's configuration, which has the command as it was typed.

    Raises:
        CommandError: that has happened. With `-x traceback`, the error itself is raised.
    """
    try:
        yield
    except CommandError as error:
        told = _advised(error, config)
        if "\n" not in told:  # Questions and their answers have lines of their own.
            told = fitted(told)
        if told == str(error):
            raise
        raise type(error)(told) from error
    except ImportError as error:
        told = moved.advice(error) or ""
        if not told:
            raise
        raise CommandError(fitted(told)) from error
    except CAUSES as error:
        command = x_arguments.traceback(config)
        if command is None:
            raise
        told = f"{place}: {reason(cause(error))}. {_full_traceback(command)}"
        raise CommandError(fitted(told)) from error


def _full_traceback(command: str) -> str:
    return f"Full traceback: {command if len(command) < 100 else '-x traceback'}"


def _advised(error: CommandError, config: Config) -> str:
    """Return the message of an error, with the command that helps."""
    program, why = x_arguments.program(), error.__cause__
    if isinstance(why, MultipleHeads):
        scripts = ScriptDirectory.from_config(config)
        return head_file.several(scripts, why.heads)
    if isinstance(why, ResolutionError):
        if why.argument in str(private.destination()):
            return f"{error}; {NO_SUCH.format(program)}"
        return f"{error}; {_whereabouts(why.argument, config)}"
    return str(error)


def _whereabouts(revision: str, config: Config) -> str:
    """Say which revision a database is at that the project's files do not have."""
    scripts = ScriptDirectory.from_config(config)
    here = repository.find(Path(scripts.dir))
    told = here and revisions.whereabouts(here, scripts, revision)
    if here and told:
        return ELSEWHERE.format(told, here.branch())
    return NOT_HERE.format(", nor has git" if here else "")


def cause(error: BaseException) -> BaseException:
    """Return the original error, not the PendingRollbackError that followed it."""
    while isinstance(error, PendingRollbackError) and error.__context__:
        error = error.__context__
    return error


def reason(error: BaseException, room: int = LENGTH) -> str:
    """Return what went wrong and in which statement, in one line.

    Arguments:
        error: the exception.
        room: the number of characters to show of the statement.
    """
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    if not isinstance(error, StatementError):
        return named(error, max(room, 80))
    # Further lines may contain values of rows.
    told = str((error.orig and error.orig.args or [""])[-1]).strip().partition("\n")[0]
    cause = _shortened(told or type(error.orig).__name__, max(room, 150))
    if more := _more(error.orig):
        cause = f"{cause} ({_shortened(more, max(room, 80))})"
    return (
        f"{cause}, in {_shortened(error.statement, room)}" if error.statement else cause
    )


def _more(error: object) -> str:
    """Return PostgreSQL's details and hint, but none that may have values of rows."""
    diagnosis = getattr(error, "diag", None)
    code = getattr(diagnosis, "sqlstate", None) or ""
    # The hint about what depends on it is to drop that, too.
    names = {
        "message_detail": not code.startswith(WITH_VALUES),
        "message_hint": code not in DEPENDENT,
    }
    parts = (getattr(diagnosis, name, None) for name, fits in names.items() if fits)
    return " ".join(" ".join(filter(None, parts)).split())


def plain(error: object) -> str:
    """Return what went wrong, in one line, as the database or SQLAlchemy says it."""
    if isinstance(error, DBAPIError):
        return reason(error)
    return " ".join(str(error).split())


def named(error: BaseException, room: int = LENGTH) -> str:
    """Return the name of an error's class and its message, in one line.

    Arguments:
        error: the exception.
        room: the number of characters to show.
    """
    return _shortened(f"{type(error).__name__}: {error}", room)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _several(statements: Sequence[str], room: int) -> str:
    text = "; ".join(_shortened(statement, room) for statement in statements)
    if len(statements) < 3 or len(text) <= room:
        return text
    return f"{len(statements)} statements, the last {_shortened(statements[-1], room)}"


def _shortened(text: str, room: int = LENGTH) -> str:
    line = " ".join(text.split())
    return line if len(line) <= room else f"{line[:room]}…"
