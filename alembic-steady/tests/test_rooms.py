"""The rooms: what imports what is as the README's picture says, and the README names all."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import alembic_steady

LIBRARY = Path(alembic_steady.__file__).parent
README = (LIBRARY.parent / "README.md").read_text()


def _room(module: str) -> str:
    return module.split(".")[1]


def _imported(file: Path) -> set[str]:
    tree = ast.parse(file.read_text())
    rooms = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body.clear()  # Types alone are no arrow.
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "alembic_steady":
                rooms |= {alias.name for alias in node.names}
            elif node.module.startswith("alembic_steady."):
                rooms.add(_room(node.module))
    return rooms


def test_the_picture_shows_the_arrows_of_the_code() -> None:
    arrows = set()
    for file in LIBRARY.rglob("*.py"):
        place = file.relative_to(LIBRARY)
        if place == Path("__init__.py"):
            continue  # It names what is public.
        room = place.parts[0].removesuffix(".py")
        arrows |= {(room, other) for other in _imported(file) if other != room}
    shown = {*re.findall(r"^    (\w+) --> (\w+)$", README, re.MULTILINE)}
    assert shown == arrows


def test_each_family_is_known_to_its_own_package_and_where_one_is_chosen_alone() -> (
    None
):
    for file in LIBRARY.rglob("*.py"):
        place = file.relative_to(LIBRARY)
        if place == Path("adapters/__init__.py"):
            continue
        found = re.findall(r"adapters\.(sqlite|postgresql|mysql)\b", file.read_text())
        if place.parts[0] == "adapters":
            assert set(found) <= {place.parts[1]}
        else:
            assert not found


def test_the_readme_names_all_that_is_public() -> None:
    for name in alembic_steady.__all__:
        assert name in README


def test_private_names_are_used_in_one_module_alone() -> None:
    for file in LIBRARY.rglob("*.py"):
        if file.name == "private.py":
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
                is_own = isinstance(node.value, ast.Name) and node.value.id == "self"
                assert is_own or node.attr.startswith("__"), f"{file}: {node.attr}"
