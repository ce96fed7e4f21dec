{% set family = cookiecutter.__family %}
"""An error of a run in one line: what is wrong, what is done, what to type."""

{% if family != "file" %}
from collections.abc import Iterable

{% endif %}
{% if family == "file" %}
from sqlalchemy.exc import PendingRollbackError, StatementError
{% else %}
from sqlalchemy.exc import DBAPIError, PendingRollbackError, StatementError
{% endif %}

from migrations import arguments

{% if family == "file" %}
UNDONE = "nothing of this run is kept; mend the cause and run it again"
{% else %}
UNDONE = (
    "this run keeps nothing of it; mend the cause, which may be what a killed run has left"
    " of it, and run it again"
)
UNKNOWN = "nobody knows whether {} came through: run it again to find out"
HALF_DONE = (
    "done is: {}; nothing else of this revision. Undo that by hand, or let the revision"
    " pass it over (if_exists, if_not_exists), and run it again"
)
{% endif %}
{% if family == "postgresql" %}
INVALID = "An INVALID index may be left; migrations.concurrently builds it again"
{% endif %}
LENGTH = 300  # of what is shown of a statement


{% if family == "file" %}
def explain(error: BaseException, step: str | None) -> str:
    """Explain an error.

    Arguments:
        error: what went wrong.
        step: the revision that ran, if any did.
    """
    text = f"{_reason(error)}; {UNDONE}"
    if step:
        text = f"{step}: {text}"
{% else %}
def explain(
    error: BaseException, step: str | None, done: Iterable[str], running: str
) -> str:
    """Explain an error.

    Arguments:
        error: what went wrong.
        step: the revision that ran, if any did.
        done: those of its statements that can't be undone any more.
        running: the one that ran and commits by itself, if any did.
    """
    text = _reason(error)
    if step:
        state = _state(error, "; ".join(map(_shortened, done)), _shortened(running))
{% if family == "postgresql" %}
        if " CONCURRENTLY " in running:
            state = f"{state}. {INVALID}"
{% endif %}
        text = f"{step}: {text}; {state}"
{% endif %}
    return f"{text}. All about the error: {arguments.command('traceback')}"


{% if family != "file" %}
def _state(error: BaseException, done: str, running: str) -> str:
    if unknown := _cut_off(error, running):
        state = UNKNOWN.format(unknown)
        return f"{state}. Done is: {done}" if done else state
    return HALF_DONE.format(done) if done else UNDONE


def _cut_off(error: BaseException, running: str) -> str:
    # What failed is shown before this, but for a COMMIT, which is no statement.
    if isinstance(error, KeyboardInterrupt):
        return running
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return (running and "that") if error.statement else "its COMMIT"
    return ""


{% endif %}
def cause(error: BaseException) -> BaseException:
    """Return what came before an error that only says that a connection was lost."""
    while isinstance(error, PendingRollbackError) and error.__context__:
        error = error.__context__
    return error


def _reason(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    if not isinstance(error, StatementError):
        return _shortened(f"{type(error).__name__}: {error}")
    # Further lines may show what stands in rows.
    told = str((error.orig and error.orig.args or [""])[-1]).strip().partition("\n")[0]
    reason = told or type(error.orig).__name__
    return f"{reason}, in {_shortened(error.statement)}" if error.statement else reason


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LENGTH else f"{line[:LENGTH]}…"
