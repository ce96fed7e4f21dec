"""The page docs/git.md, whose commands are run as they stand there."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import TEMPLATE, TOOLS, Project

PAGE = TEMPLATE / "docs" / "git.md"
BLOCK = re.compile(r"```(console|python)\n(.*?)```", re.DOTALL)
WORDS = {
    r"(?<![0-9a-z])[0-9a-f]{12}(?![0-9a-z])": "REVISION",
    r"\b[0-9a-f]{7}\b": "COMMIT",
    r"\b\d{4}_\d\d_\d\d_\d{4}": "TIME",
    r"\b\d{4}-\d\d-\d\d\b": "DAY",
    r"\b\d+\.\d+ ?s\b": "SECONDS",
    r"\((?:me|Template Tests), ": "(ME, ",
    r"/\S+/my_service/": "…/",
}
HEADS = re.compile(r"(there are 2 heads: )(.+?\)), (.+?\))(\.)")


def play(project: Project, page: str) -> Iterator[tuple[str, str]]:
    """Do what a page says, and yield each command with what it has printed.

    A class goes in front of the first model, and a column to the end of the last one.
    """
    for kind, text in BLOCK.findall(page):
        if kind == "python":
            add(project.models, text)
        for command in re.findall(r"(?m)^\$ (.+)$", text):
            yield command, run(project, shlex.split(command))


def add(models: Path, text: str) -> None:
    """Add to the models what the page shows."""
    before = models.read_text()
    if text.startswith("class "):
        text = before.replace("class User", f"{text}\n\nclass User", 1)
    else:
        text = before + text
    models.write_text(text)


def run(project: Project, command: list[str]) -> str:
    """Run a command in an activated environment, and return what it has printed."""
    if command[0] in ("alembic", "steady"):
        return project.run(*command, code=None)
    with activated(project):
        return project.start_process(command, project.path)[1]


@contextmanager
def activated(project: Project) -> Iterator[None]:
    """Let git's hooks find the programs of the project's environment."""
    own = project.path / ".venv" / "bin"
    before = project.environment["PATH"]
    project.environment["PATH"] = f"{own}{os.pathsep}{TOOLS}{os.pathsep}{before}"
    try:
        yield
    finally:
        project.environment["PATH"] = before


def told(page: str) -> Iterator[tuple[str, str]]:
    """Yield each command of a page with what stands below it."""
    for kind, text in BLOCK.findall(page):
        if kind == "console" and text.startswith("$ "):
            for part in re.split(r"(?m)^\$ ", text)[1:]:
                command, _, printed = part.partition("\n")
                yield command, printed


def general(text: str) -> str:
    """Return a text in which what differs from run to run is called by its kind."""
    for pattern, word in WORDS.items():
        text = re.sub(pattern, word, text)
    return HEADS.sub(_sorted, text)


def _sorted(match: re.Match[str]) -> str:
    first, second = sorted((match[2], match[3]))
    return f"{match[1]}{first}, {second}{match[4]}"
