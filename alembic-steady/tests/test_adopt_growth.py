"""`steady adopt` on many tables: what it costs, and what it shows meanwhile."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable

import pexpect
import pytest
import sqlalchemy as sa
from harness import DRIVERS, PlainProject, in_terminal
from test_adopt import ADOPT, BASE, begin

from alembic_steady.adapters.postgresql import models
from tests import servers
from tests.conftest import TOOLS
from tests.revisions import CLEAN, NOTE

TABLES = 1_000
COLUMNS = (
    *("id serial PRIMARY KEY", "a int NOT NULL REFERENCES t{0}", "b bigint", "c text"),
    *("d varchar(50) NOT NULL", "e numeric(10, 2)", "f timestamptz DEFAULT now()"),
    *("g boolean NOT NULL DEFAULT false", "h jsonb", "i date"),
)
ROUNDS = 3
MOST = 2.0
"""How many times as long it may take as sqlacodegen and a reflection together."""
REFLECT = (
    "import sys, sqlalchemy as sa; sa.MetaData().reflect(sa.create_engine(sys.argv[1]))"
)


def tables(number: int) -> list[str]:
    """Return the statements that create tables, each of which refers to the one before."""
    statements = []
    for it in range(number):
        columns = ", ".join(COLUMNS).format(max(it - 1, 0))
        statements += [f"CREATE TABLE t{it} ({columns})", f"CREATE INDEX ON t{it} (d)"]
    return statements


def seconds(project: PlainProject, *command: str) -> float:
    """Return how long a command takes, with a Python of its own."""
    begun = time.perf_counter()
    subprocess.run(
        [TOOLS / command[0], *command[1:]],
        cwd=project.path,
        env=project.environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - begun


@pytest.mark.soak
def test_a_thousand_tables_cost_twice_what_reading_them_costs(
    any_postgres: servers.Postgres, new_project: Callable[..., PlainProject]
) -> None:
    project = new_project(any_postgres.url(DRIVERS["psycopg2"], "orders"))
    begin(project, tables(TABLES))
    url = sa.make_url(project.url).render_as_string(hide_password=False)
    adopting, reading = [], []
    for _ in range(ROUNDS):
        for file in project.path.glob("migrations/versions/*.*"):
            file.unlink()
        project.models.write_text(BASE)
        adopting.append(seconds(project, *ADOPT))
        reading.append(
            seconds(project, "sqlacodegen", "--outfile", "/dev/null", url)
            + seconds(project, "python", "-c", REFLECT, url)
        )
    ratio = min(adopting) / min(reading)
    print(f"{min(adopting):.1f} s, {min(reading):.1f} s: {ratio:.2f}")
    assert ratio <= MOST
    project.run("alembic", "stamp", "head")
    assert project.run("alembic", "check") == NOTE + CLEAN


@pytest.mark.full
def test_tables_that_need_too_many_locks_get_the_same_models(
    any_postgres: servers.Postgres,
    new_project: Callable[..., PlainProject],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project = new_project(any_postgres.url(DRIVERS["psycopg"], "orders"))
    own = "CREATE SEQUENCE ticket", "CREATE TYPE mood AS ENUM ('sad', 'happy')"
    begin(
        project,
        [
            *own,
            *tables(3),
            "ALTER TABLE t1 ADD no int DEFAULT nextval('ticket'), ADD m mood, ADD n mood[]",
        ],
    )
    monkeypatch.setattr(models, "fits_a_transaction", lambda *_: False)
    printed = project.run(*ADOPT)
    assert "Left out" not in printed and "Not in the models" not in printed, printed
    project.run("alembic", "stamp", "head")
    assert project.run("alembic", "check") == NOTE + CLEAN


def test_a_terminal_shows_how_far_it_is(file_project: PlainProject) -> None:
    file_project.models.write_text(BASE)
    engine = sa.create_engine(file_project.url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE author (id INTEGER PRIMARY KEY)")
    engine.dispose()
    terminal = in_terminal(file_project, *ADOPT)
    terminal.expect(pexpect.EOF)
    terminal.close()
    printed = str(terminal.before)
    for step in ("reading", "trying", "models"):
        assert f"\r  {step} …\x1b[K" in printed
    assert "1 of 1" in printed
    # Each picture gives way to the next, so the lines that stay are those of a file.
    stays = [line.rstrip("\r").rpartition("\x1b[K")[2] for line in printed.split("\n")]
    assert re.match(
        r"Reading sqlite at .*\n  1 table\nWrote models.py\n", "\n".join(stays)
    )
