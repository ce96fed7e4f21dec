"""The pictures in the READMEs: what imports what, in Mermaid's words and in the code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

Arrow = tuple[str, str]


def drawn(page: Path) -> set[Arrow]:
    """Return the arrows of a page's picture."""
    return {*re.findall(r"^    (\w+) --> (\w+)$", page.read_text(), re.MULTILINE)}


def written(package: Path) -> set[Arrow]:
    """Return what imports what in a package, by the names of modules or sub-packages."""
    arrows = set()
    for file in package.rglob("*.py"):
        place = file.relative_to(package)
        if place == Path("__init__.py"):
            continue  # It names what is public.
        room = place.parts[0].removesuffix(".py")
        arrows |= {(room, other) for other in imported(file, package.name)} - {
            (room, room)
        }
    return arrows


def imported(file: Path, package: str) -> set[str]:
    """Return the rooms of a package that a file imports; types alone do not count."""
    tree = ast.parse(file.read_text())
    rooms = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body.clear()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            if node.module == package:
                rooms |= {alias.name for alias in node.names}
            elif node.module.startswith(f"{package}."):
                rooms.add(node.module.split(".")[1])
    return rooms
