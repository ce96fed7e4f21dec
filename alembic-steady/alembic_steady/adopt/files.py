"""Files that are written all or not at all, and what is printed of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic.config import Config

Undo = list[Callable[[], Any]]
"""The steps that undo what was done, the last one at the end."""


@contextmanager
def all_or_none() -> Iterator[Undo]:
    """Yield a list of steps that are run, from its end, if the block fails."""
    undo: Undo = []
    try:
        yield undo
    except BaseException:
        for step in reversed(undo):
            step()
        raise


def replace(file: Path, text: str | None, undo: Undo) -> None:
    """Write or remove a file, and note how to undo that."""
    if file.exists():
        before = file.read_bytes()
        undo.append(lambda: file.write_bytes(before))
        if text is None:
            file.unlink()
    else:
        for folder in [it for it in reversed(file.parents) if not it.exists()]:
            folder.mkdir()
            undo.append(folder.rmdir)
        undo.append(lambda: file.unlink(missing_ok=True))
    if text is not None:
        file.write_text(text, "utf-8", newline="\n")


def tell_written(config: Config, files: Iterable[Path]) -> None:
    """Print the names of files that have been written."""
    for file in files:
        config.print_stdout("Wrote %s", os.path.relpath(file))


def tell(config: Config, title: str, lines: Iterable[str]) -> None:
    """Print some lines under a title, if there are any."""
    told = [" ".join(line.split()) for line in lines]
    if told:
        config.print_stdout("\n%s\n", title)
        for line in told:
            config.print_stdout("  %s", line)
