"""Revisions that import from a module which is gone, and whose functions this library has."""

from __future__ import annotations

import ast
import traceback
from collections.abc import Iterator
from pathlib import Path

import alembic_steady

WRITE = "{}, line {}: {}; write instead: from alembic_steady import {}"
BARE = ", and call it without `{}.`"


def advice(error: ImportError) -> str | None:
    """Return what to write for an import that has failed, or None if that is not known.

    Arguments:
        error: the exception, as it was raised by the file that imports.
    """
    frames = traceback.extract_tb(error.__traceback__)
    own = [it for it in frames if Path(it.filename).is_file()]
    if not own or own[-1].lineno is None:
        return None
    file, line = Path(own[-1].filename), own[-1].lineno
    tree = ast.parse(file.read_text("utf-8"))
    found = dict(_functions(tree, line))
    if not found:
        return None
    told = WRITE.format(file.name, line, error, ", ".join(sorted(found)))
    prefixes = sorted({it for it in found.values() if it})
    return told + "".join(BARE.format(it) for it in prefixes)


def _functions(tree: ast.Module, line: int) -> Iterator[tuple[str, str]]:
    """Yield what a line imports that this library has, and the module it is called with."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.ImportFrom) and node.lineno == line):
            continue
        for alias in node.names:
            if alias.name in alembic_steady.__all__:
                yield alias.name, ""
            module = alias.asname or alias.name
            for it in ast.walk(tree):
                match it:
                    case ast.Attribute(value=ast.Name(id=name), attr=function) if (
                        name == module and function in alembic_steady.__all__
                    ):
                        yield function, module
