"""One line for the error of a run: what is wrong, what was kept, and what to type."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy.exc import DBAPIError, PendingRollbackError, StatementError

from alembic_steady import x_arguments

NOTHING_KEPT = "nothing of this run is kept; fix the cause and run it again"
UNDONE = (
    "this run kept nothing of the revision; fix the cause, which may be left over from an"
    " earlier, killed run, and run it again"
)
UNKNOWN = "it is unknown whether {} took effect; run the revision again to find out"
HALF_DONE = (
    "already committed: {}; nothing else of this revision. Undo that by hand, or let the"
    " revision skip it (if_exists, if_not_exists), and run it again"
)
DEPENDENT = ("2BP01", "0A000")
"""PostgreSQL's codes of what something else depends on."""
LENGTH = 300  # the number of characters shown of a statement


def explain(error: BaseException, step: str | None, outcome: str) -> str:
    """Explain an error in one line.

    Arguments:
        error: the exception.
        step: the revision that was running, if any.
        outcome: what was kept of the run, or "" if there is nothing to say.
    """
    parts = [step and f"{step}: ", reason(error), outcome and f"; {outcome}"]
    text = "".join(filter(None, parts))
    return f"{text}. Full traceback: {x_arguments.command('traceback')}"


def outcome(
    error: BaseException, committed: Iterable[str], committing: str, hint: str
) -> str:
    """Say what was kept of the revision that failed.

    Arguments:
        error: the exception.
        committed: the statements of the revision that are committed.
        committing: the statement that was running and commits implicitly, or "".
        hint: what that statement may have left behind, or "".
    """
    state = _state(error, "; ".join(map(_shortened, committed)), _shortened(committing))
    return f"{state}. {hint}" if hint else state


def cause(error: BaseException) -> BaseException:
    """Return the original error, not the PendingRollbackError that followed it."""
    while isinstance(error, PendingRollbackError) and error.__context__:
        error = error.__context__
    return error


def _state(error: BaseException, committed: str, committing: str) -> str:
    if unknown := _cut_off(error, committing):
        state = UNKNOWN.format(unknown)
        return f"{state}. Already committed: {committed}" if committed else state
    return HALF_DONE.format(committed) if committed else UNDONE


def _cut_off(error: BaseException, committing: str) -> str:
    # The failed statement is shown before this, except for a COMMIT, which has none.
    if isinstance(error, KeyboardInterrupt):
        return committing
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return (committing and "this statement") if error.statement else "its COMMIT"
    return ""


def reason(error: BaseException) -> str:
    """Return what went wrong and in which statement, in one line."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    if not isinstance(error, StatementError):
        return named(error)
    # Further lines may contain values of rows.
    told = str((error.orig and error.orig.args or [""])[-1]).strip().partition("\n")[0]
    cause = told or type(error.orig).__name__
    if more := _more(error.orig):
        cause = f"{cause} ({more})"
    return f"{cause}, in {_shortened(error.statement)}" if error.statement else cause


def _more(error: object) -> str:
    """Return what PostgreSQL says besides: what is in the way, or else its hint."""
    diagnosis = getattr(error, "diag", None)
    # Its hint is to drop what depends on it, too. Of other errors, details may be rows.
    is_needed = getattr(diagnosis, "sqlstate", "") in DEPENDENT
    name = "message_detail" if is_needed else "message_hint"
    return " ".join((getattr(diagnosis, name, None) or "").split())


def plain(error: object) -> str:
    """Return what went wrong, in one line, as the database or SQLAlchemy says it."""
    if isinstance(error, DBAPIError):
        return reason(error)
    return " ".join(str(error).split())


def named(error: BaseException) -> str:
    """Return the name of an error's class and its message, in one line."""
    return _shortened(f"{type(error).__name__}: {error}")


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LENGTH else f"{line[:LENGTH]}…"
