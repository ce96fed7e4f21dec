"""What Cookiecutter and cruft are doing, and with which answers, read from their stack frames."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from inspect import unwrap
from types import FrameType
from typing import Any


def context(function: str) -> dict[str, Any]:
    """Return the context that a function of Cookiecutter was given, {} outside of it.

    Arguments:
        function: `prompt_for_config`, which renders the answers, or `generate_files`. Only
            their stack frames have these dictionaries.
    """
    for frame in _frames():
        if frame.f_code.co_name == function:
            found: dict[str, Any] = frame.f_locals["context"]
            return found
    return {}


def is_for_comparison() -> bool:
    """Return whether this is inside of `cruft update` or `cruft diff`.

    They generate projects in temporary folders, only to compare them with each other or with
    the real one. The results of the hook's steps, above all the first revision, would
    differ, and end up in the real project.
    """
    cruft = sys.modules.get("cruft")
    if cruft is None:
        return False
    comparing = {unwrap(it).__code__ for it in (cruft.diff, cruft.update)}
    return any(frame.f_code in comparing for frame in _frames())


def _frames() -> Iterator[FrameType]:
    """Yield the frames of the functions that are being called, innermost first."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        yield frame
        frame = frame.f_back
