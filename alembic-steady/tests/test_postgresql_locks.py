"""Models with more tables than a server lets one transaction lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness import PlainProject as Project

from tests import servers
from tests.conftest import left_clean

SETTINGS = "max_locks_per_transaction = 10\nmax_connections = 40\n"
TABLES = """
for number in range({}):
    columns = [sa.Column(name, sa.Integer, index=True) for name in "abcde"]
    key = sa.Column("id", sa.Integer, primary_key=True)
    sa.Table(f"t{{number}}", Base.metadata, key, *columns)
"""


@pytest.fixture
def strict_postgres(tmp_path: Path) -> Iterator[servers.Postgres]:
    """Run a server that allows few locks."""
    with servers.readable_folder() as folder:
        binaries = servers.wheel_postgres(folder)
        with servers.new_postgres(binaries) as server:
            with open(server.folder / "data" / "postgresql.conf", "a") as file:
                file.write(SETTINGS)
            with servers.running_postgres(binaries, server), left_clean(server):
                yield server


@pytest.mark.full
def test_models_of_many_tables_are_built_in_parts(
    strict_postgres: servers.Postgres, new_project: Callable[..., Project]
) -> None:
    project = new_project(strict_postgres.url("postgresql+psycopg", "orders"))
    before = project.models.read_text()
    for number in (50, 100):
        project.models.write_text(before + TABLES.format(number))
        assert "ran up, down and up" in project.revise(f"{number} tables")
    assert "No new upgrade operations" in project.run("alembic", "check")
    project.models.write_text(before + TABLES.format(99))
    assert "drops table t99" in project.run("alembic", "check", code=255)
