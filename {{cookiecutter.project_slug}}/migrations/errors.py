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
UNDONE = "nothing of this run is kept; mend the revision and run it again"
{% else %}
UNDONE = (
    "this run keeps nothing of it; mend the cause, which may be what a killed run has left"
    " of it, and run it again"
)
UNKNOWN = "nobody knows whether its transaction was committed: run it again to find out"
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
    text = _reason(error)
    if step:
        text = f"{step}: {text}; {UNDONE}"
{% else %}
def explain(error: BaseException, step: str | None, done: Iterable[str]) -> str:
    """Explain an error.

    Arguments:
        error: what went wrong.
        step: the revision that ran, if any did.
        done: those of its statements that can't be undone any more.
    """
    text = _reason(error)
    if step:
        state = _state(error, "; ".join(map(_shortened, done)))
{% if family == "postgresql" %}
        if " CONCURRENTLY " in str(getattr(error, "statement", "")):
            state = f"{state}. {INVALID}"
{% endif %}
        text = f"{step}: {text}; {state}"
{% endif %}
    return f"{text}. All about the error: {arguments.command('traceback')}"


{% if family != "file" %}
def _state(error: BaseException, done: str) -> str:
    is_lost = isinstance(error, DBAPIError) and error.connection_invalidated
    if is_lost and not error.statement:  # In COMMIT, which is none.
        return f"done is: {done}; {UNKNOWN}" if done else UNKNOWN
    return HALF_DONE.format(done) if done else UNDONE


{% endif %}
def _reason(error: BaseException) -> str:
    if isinstance(error, PendingRollbackError) and error.__context__:
        error = error.__context__  # what came before, as when the server has gone
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
