"""What other queries feel of a change of a large table, with the helpers and without."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import cycle
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from harness import DRIVERS, PlainProject
from runs import Traffic, Upgrade, until

from tests import servers
from tests.revisions import write_history

ROWS = 3_000_000
TABLES = f"""
op.execute("CREATE TABLE owner (id int PRIMARY KEY)")
op.execute("CREATE TABLE account (id int PRIMARY KEY, owner int, age int, code int, sum int)")
op.execute("INSERT INTO owner VALUES (0)")
op.execute("INSERT INTO account SELECT i, 0, i, i, NULL FROM generate_series(1, {ROWS}) AS i")
"""
CHANGES = {
    "add_foreign_key": (
        'op.create_foreign_key("fk", "account", "owner", ["owner"], ["id"])',
        'add_foreign_key("fk", "account", "owner", ["owner"], ["id"])',
    ),
    "add_check": (
        'op.create_check_constraint("ck", "account", "age > 0")',
        'add_check("ck", "account", "age > 0")',
    ),
    "add_unique": (
        'op.create_unique_constraint("uq", "account", ["code"])',
        'add_unique("uq", "account", ["code"])',
    ),
    "set_not_null": (
        'op.alter_column("account", "age", nullable=False)',
        'set_not_null("account", "age", nullable=False)',
    ),
    "backfill": (
        'op.execute("UPDATE account SET sum = age WHERE sum IS NULL")',
        'backfill("account", {"sum": "age"}, where="sum IS NULL")',
    ),
}
"""For each helper, the same in Alembic's words, and its call."""
TOUCH = "UPDATE account SET owner = 0 WHERE id = %s"


def longest_pause(project: PlainProject, change: str) -> float:
    """Return how many seconds others wait at most while a change is made."""
    write_history(project, TABLES, change)
    url = sa.make_url(project.url).set(drivername="postgresql")
    told = url.render_as_string(hide_password=False)
    numbers = cycle(range(1, 1001))
    traffic = Traffic(
        partial(psycopg.connect, told, autocommit=True),
        lambda connection: connection.execute(TOUCH, [next(numbers)]),
    )
    traffic.start()
    try:
        project.run("alembic", "upgrade", "head")
    finally:
        longest = traffic.end()
    return longest


@pytest.mark.soak
@pytest.mark.parametrize("name", CHANGES)
def test_others_wait_for_a_moment_only(
    any_postgres: servers.Postgres, new_project: Callable[..., PlainProject], name: str
) -> None:
    slow, helped = CHANGES[name]
    project = new_project(any_postgres.url(DRIVERS["psycopg"], "orders"))
    pauses = []
    for change in (slow, f"from alembic_steady import {name}\n{helped}"):
        write_history(project, TABLES)
        project.run("steady", "create")
        project.run("alembic", "upgrade", "head")
        pauses.append(longest_pause(project, change))
        any_postgres.drop("orders")
    print(f"{name}: {pauses[0]:.3f} s without, {pauses[1]:.3f} s with it")
    assert pauses[1] < 0.1 < pauses[0]


@pytest.mark.soak
def test_a_killed_backfill_goes_on_where_it_was(
    any_postgres: servers.Postgres,
    new_project: Callable[..., PlainProject],
    tmp_path: Path,
) -> None:
    project = new_project(any_postgres.url(DRIVERS["psycopg"], "orders"))
    write_history(project, TABLES)
    project.run("steady", "create")
    project.run("alembic", "upgrade", "head")
    call = CHANGES["backfill"][1]
    write_history(project, TABLES, f"from alembic_steady import backfill\n{call}")
    left = "SELECT count(*) FROM account WHERE sum IS NULL"

    def has_less(than: int) -> bool:
        return any_postgres.query(left, "orders") < [(than,)]

    found = ROWS
    while found == ROWS or found > ROWS // 2:
        upgrade = Upgrade(project, tmp_path / "output")
        until(partial(has_less, found - ROWS // 5))
        upgrade.kill()
        ((count,),) = any_postgres.query(left, "orders")
        assert isinstance(count, int) and 0 < count < found
        found = count
        print(f"killed with {found:,} of {ROWS:,} rows left")
    project.run("alembic", "upgrade", "head")
    assert any_postgres.query(left, "orders") == [(0,)]
    any_postgres.drop("orders")
