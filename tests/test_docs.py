"""The documents: their links lead somewhere, and what they show is sound."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.conftest import TEMPLATE, Project
from tests.test_generated_files import check_compose

PAGES = [*TEMPLATE.glob("*.md"), *(TEMPLATE / "docs").glob("*.md")]
DEPLOYING = TEMPLATE / "docs" / "deploying.md"


def anchors(page: Path) -> set[str]:
    """Return what a link can name of a page, as GitHub makes it of headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)", page.read_text())
    for name, anchor in links:
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), name
        assert not anchor or anchor in anchors(target), anchor


def test_what_the_page_on_deploying_shows_can_be_read(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.+?)```", DEPLOYING.read_text(), re.DOTALL)
    job, init, compose = map(yaml.safe_load, blocks)
    (migrate,) = job["spec"]["template"]["spec"]["containers"]
    assert migrate["command"] == ["alembic", "upgrade", "head"]
    (wait,) = init["initContainers"]
    assert "alembic current --check-heads && exit" in wait["command"][-1]
    for container in (migrate, wait):
        assert "DATABASE_URL" in {variable["name"] for variable in container["env"]}
    assert compose["services"]["migrate"]["command"] == migrate["command"]
    assert not re.search(r"^[A-Z]+$", DEPLOYING.read_text(), re.MULTILINE)
    file = tmp_path / "compose.yaml"
    file.write_text(blocks[-1])
    check_compose(file)


def test_the_page_on_deploying_names_the_times_that_hold(
    original: Callable[[str], Project],
) -> None:
    project = original("psycopg2")
    page = " ".join(DEPLOYING.read_text().split())
    readme = " ".join((project.path / "README.md").read_text().split())
    package = project.path / "vendor" / "alembic-steady" / "alembic_steady"
    lock = (package / "lock.py").read_text()
    patience = (package / "adapters" / "postgresql" / "retry.py").read_text()
    assert "SECONDS = 300\n" in lock
    assert "300 seconds at most" in page and "300 seconds at most" in readme
    assert "SET LOCAL lock_timeout = '1s'" in patience
    assert "PAUSES = (1, 2, 4, 8, 15, 30, 30, 30)" in patience
    assert "waits for one second only" in page
    assert "is retried after 1, 2, 4, 8, 15 and three times 30 seconds" in page
