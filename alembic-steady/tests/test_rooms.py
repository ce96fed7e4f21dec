"""The rooms: what imports what is as the README's picture says, and the README names all."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import alembic_steady
from tests import pictures

LIBRARY = Path(alembic_steady.__file__).parent
README = LIBRARY.parent / "README.md"


def test_the_picture_shows_the_arrows_of_the_code() -> None:
    assert pictures.drawn(README) == pictures.written(LIBRARY)


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
        assert name in README.read_text()


def test_private_names_are_used_in_one_module_alone() -> None:
    for file in LIBRARY.rglob("*.py"):
        if file.name == "private.py":
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
                is_own = isinstance(node.value, ast.Name) and node.value.id == "self"
                is_public = node.attr.startswith("__") or node.attr == "_replace"
                assert is_own or is_public, f"{file}: {node.attr}"
