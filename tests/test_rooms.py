"""The rooms of the generator: what imports what is as the README's picture says."""

from __future__ import annotations

import re

from tests import pictures
from tests.conftest import TEMPLATE

GENERATOR = TEMPLATE / "cookiecutter_alembic"


def test_the_picture_shows_the_arrows_of_the_code() -> None:
    arrows = pictures.written(GENERATOR)
    # The hook is Jinja until it is rendered.
    hook = (TEMPLATE / "hooks" / "post_gen_project.py").read_text()
    rooms = re.findall(r"from cookiecutter_alembic\.(\w+) import", hook)
    arrows |= {("post_gen_project", room) for room in rooms}
    assert pictures.drawn(TEMPLATE / "README.md") == arrows


def test_the_generator_knows_nothing_of_alembic() -> None:
    for file in GENERATOR.glob("*.py"):
        for package in ("alembic", "alembic_steady", "sqlalchemy"):
            assert not re.search(rf"^(from|import) {package}\b", file.read_text())
            assert not pictures.imported(file, package)
