"""What `check` and `revision` cost beside plain Alembic, which compares with the database."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import indent

import pytest
from harness import DRIVERS, PlainProject

from tests import servers
from tests.conftest import TOOLS
from tests.revisions import write_history

ROUNDS = 9
# The tables and revisions, and how many times as long `check` may take, by driver. On SQLite,
# half of what is added to 1,000 revisions is its own: it reads all tables anew after each
# ALTER TABLE.
SIZES = {
    (1, 1): {"sqlite": 1.5, "psycopg": 2.0},
    (10, 30): {"sqlite": 1.3, "psycopg": 2.2},
    (100, 1000): {"sqlite": 2.3, "psycopg": 4.0},
}
COMMANDS = {
    "check": ("check",),
    "revision": ("revision", "--autogenerate", "-m", "Added"),
}
OF_REVISION = 4.0
"""How many times as long `revision` may take, which runs what it has written."""
ADDED = 'Base.metadata.tables["t0"].append_column(sa.Column("added", sa.Integer))\n'
MODELS = """
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    pass

"""
PLAIN = """
from sqlalchemy import create_engine
from alembic import context
from models import Base

with create_engine(context.config.get_main_option("sqlalchemy.url")).connect() as it:
    context.configure(connection=it, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()
"""


def build(project: PlainProject, tables: int, revisions: int) -> None:
    """Write models, and a history that creates the tables and then adds columns."""
    columns: list[list[str]] = [[] for _ in range(tables)]
    history = []
    for number in range(revisions):
        name, of_table = f"t{number % tables}", columns[number % tables]
        if number < tables:
            made = 'sa.Column("id", sa.Integer, primary_key=True)'
            of_table += [
                made,
                'sa.Column("name", sa.String(50), nullable=False, index=True)',
            ]
            index = f'op.create_index("ix_{name}_name", "{name}", ["name"])'
            created = f'op.create_table("{name}", {", ".join(of_table)})'
            history.append(f"{created.replace(', index=True', '')}\n{index}")
        else:
            column = f'sa.Column("c{number}", sa.Integer, server_default="1")'
            of_table.append(column)
            history.append(f'op.add_column("{name}", {column})')
    write_history(project, *history)
    text = MODELS
    for number, of_table in enumerate(columns):
        body = ", ".join([f'"t{number}"', "Base.metadata", *of_table])
        text += f"sa.Table({body})\n"
    project.models.write_text(text)


def seconds(project: PlainProject, command: str, env: str) -> float:
    """Return how long a command takes with one of two versions of env.py."""
    target = project.path / "migrations" / "env.py"
    target.write_text((project.path / env).read_text())
    known = {*project.revisions()}
    start = time.monotonic()
    subprocess.run(
        [TOOLS / "alembic", *COMMANDS[command]],
        cwd=project.path,
        env=project.environment,
        check=True,
        capture_output=True,
    )
    taken = time.monotonic() - start
    written = {*project.revisions()} - known
    assert len(written) == (command == "revision")
    for file in written:
        file.unlink()
    return taken


@pytest.mark.soak
@pytest.mark.parametrize("driver", ["sqlite", "psycopg", "pymysql"])
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_costs_little_more_than_plain_alembic(
    command: str,
    driver: str,
    size: tuple[int, int],
    new_project: Callable[..., PlainProject],
    tmp_path: Path,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = f"sqlite:///{tmp_path / 'app.db'}"
    if driver != "sqlite":
        name = "any_postgres" if driver == "psycopg" else "mariadb"
        server: servers.Server = request.getfixturevalue(name)
        url = server.url(DRIVERS[driver], "orders")
    project = new_project(url)
    build(project, *size)
    (project.path / "ours.py").write_text(
        (project.path / "migrations" / "env.py").read_text()
    )
    (project.path / "plain.py").write_text(PLAIN)
    project.run("steady", "create")
    project.run("alembic", "upgrade", "head")
    if command == "revision":
        project.models.write_text(project.models.read_text() + ADDED)
    taken: dict[str, list[float]] = {"ours.py": [], "plain.py": []}
    for _ in range(ROUNDS + 1):  # The first one compiles.
        for env, times in taken.items():
            times.append(seconds(project, command, env))
    ours, plain = (min(times[1:]) for times in taken.values())
    with capsys.disabled():
        told = f"{command} on {driver}, {size}: {ours:.2f} s, plain {plain:.2f} s"
        print(indent(f"{told}, {ours / plain:.2f} times\n", "  "))
    limit = OF_REVISION if command == "revision" else SIZES[size].get(driver, 3.0)
    assert ours / plain <= limit
