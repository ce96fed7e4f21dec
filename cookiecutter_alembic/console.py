"""Output: a line for each step and, on a terminal, a spinner while it works."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


def say(line: str) -> None:
    """Print a line, and continue without output if it can no longer be written."""
    try:
        print(line, flush=True)
    except OSError:
        # As in the documentation of Python's signal module, on SIGPIPE.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def report(step: str, outcome: str, started: float | None = None) -> None:
    """Print the line of a step, with its duration if `started` is given."""
    line = f"  {step:<16} {outcome}"
    if started is not None:
        line = f"{line:<68} {time.monotonic() - started:4.1f} s"
    say(line)


@contextmanager
def working(step: str) -> Iterator[None]:
    """On a terminal, show that a step is working, and for how long; then clear that."""
    if not sys.stdout.isatty():
        yield
        return
    # Imported here, since it takes time and is only needed on a terminal.
    from rich.console import Console
    from rich.live import Live
    from rich.spinner import Spinner

    started = time.monotonic()
    spinner = Spinner("line")

    def picture() -> Spinner:
        spinner.update(text=f"{step:<16} {time.monotonic() - started:.0f} s")
        return spinner

    console = Console(highlight=False)
    with Live(
        console=console,
        get_renderable=picture,
        refresh_per_second=10,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    ):
        yield
