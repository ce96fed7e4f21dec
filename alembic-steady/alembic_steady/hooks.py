"""What is called with each revision file that Alembic has written, after the project's hooks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from alembic.script import ScriptDirectory, write_hooks

TYPE = "alembic_steady.call"
NAME = "steady"


def append(scripts: ScriptDirectory, call: Callable[[Path], object]) -> None:
    """Let Alembic call a function with each file that it has written, after other hooks."""
    calls: list[Any] = []
    others: list[Any] = [*scripts.hooks]
    if others and others[-1]["_hook_name"] == NAME:
        calls = others.pop()["calls"]  # Alembic prints a line for each hook.
    scripts.hooks = [*others, hook(NAME, *calls, call)]


def hook(name: str, *calls: Callable[[Path], object]) -> Any:
    """Return a post write hook that calls functions with the file."""
    return {"_hook_name": name, "type": TYPE, "calls": calls}


@write_hooks.register(TYPE)
def _call(path: str, options: Any) -> None:
    for call in options["calls"]:
        call(Path(path))
