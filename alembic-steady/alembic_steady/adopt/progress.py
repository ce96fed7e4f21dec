"""A progress bar on a terminal; nothing is printed anywhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

WIDTH = 30
SECONDS = 0.1
"""How long a picture stays at least."""


@contextmanager
def bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show how far something is, and yield the function that tells it.

    Arguments:
        title: what is being done.

    Yields:
        A function of the number of what is done, and of all that there is to do.
    """
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    shown = 0.0

    def show(done: int, total: int) -> None:
        nonlocal shown
        if time.monotonic() - shown < SECONDS:
            return
        shown = time.monotonic()
        full = WIDTH * done // max(total, 1)
        picture = "#" * full + "." * (WIDTH - full)
        _print(f"  {title:<10} {picture} {done:,} of {total:,}")

    _print(f"  {title} …")
    try:
        yield show
    finally:
        _print("")


def _print(text: str) -> None:
    # Go to the beginning of the line, and clear what is behind the text.
    print(f"\r{text}\033[K", end="", file=sys.stderr, flush=True)
