"""The migration lock on a Galera cluster, whose nodes each have named locks of their own."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from harness import Project
from runs import IN_A_TRANSACTION, Upgrade

from tests import galera, servers
from tests.conftest import require
from tests.galera import Node
from tests.revisions import DRIFT, revision_id, seconds, write_history

LOCK = "alembic_version_lock"
TABLE = """
op.create_table(
    "done",
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("step", sa.Integer),
    if_not_exists=True,
)
"""
ROWS = "op.execute('INSERT INTO done (step) VALUES ({0})')"
COLUMN = (
    "op.add_column('done', sa.Column('note{0}', sa.Integer), if_not_exists=True)\n"
    + ROWS
)


@pytest.fixture(scope="module")
def alone() -> Iterator[Node]:
    """Return the node of a cluster of one."""
    require(galera.provider(), "Galera")
    with galera.cluster(1) as nodes:
        yield nodes[0]


@pytest.fixture
def project(copied: Callable[[str], Project], alone: Node) -> Iterator[Project]:
    """Return a project whose database is on that node, with two revisions.

    Its account has no rights but those in that database.
    """
    project, server = copied("pymysql"), alone.server
    server.create("orders")
    server.query(f"CREATE USER owner@'127.0.0.1' IDENTIFIED BY '{servers.PASSWORD}'")
    server.query("GRANT ALL ON orders.* TO owner@'127.0.0.1'")
    url = server.url("mariadb+pymysql", "orders", "owner")
    project.environment["DATABASE_URL"] = url
    write_history(project, TABLE, COLUMN.format(1))
    yield project
    server.query("DROP USER owner@'127.0.0.1'")
    server.drop("orders")


def rows(node: Node) -> list[tuple[str, ...]]:
    """Return what holds the lock of the cluster."""
    return node.server.query(f"SELECT run, node, address FROM {LOCK}", "orders")


@pytest.mark.full
def test_a_row_is_there_while_a_run_works(project: Project, alone: Node) -> None:
    write_history(
        project, TABLE, f"op.execute('CREATE TABLE seen SELECT * FROM {LOCK}')"
    )
    project.run("alembic", "upgrade", "head")
    ((address,),) = alone.server.query("SELECT address FROM seen", "orders")
    assert address == f"127.0.0.1:{alone.server.port}"
    assert rows(alone) == []


@pytest.mark.full
@pytest.mark.parametrize("place", ["this node", "one that is gone"])
def test_the_row_of_a_run_that_is_gone_is_replaced(
    project: Project, alone: Node, place: str
) -> None:
    project.run("alembic", "upgrade", "+1")
    uuid = "(SELECT variable_value FROM information_schema.global_status WHERE"
    node = f"{uuid} variable_name = 'wsrep_gcomm_uuid')"
    address = f"127.0.0.1:{alone.server.port}"
    if place != "this node":
        node, address = "'another'", "127.0.0.1:1"
    left = f"INSERT INTO {LOCK} VALUES (1, 'left', {node}, '{address}', 'left')"
    alone.server.query(left, "orders")
    output = project.run("alembic", "-x", "lock-timeout=0", "upgrade", "head")
    assert list(seconds(output)) == ["Step 2"]
    assert rows(alone) == []


SLOW = """
import pathlib, time
op.execute("INSERT INTO done (step) VALUES (1)")
while not pathlib.Path({file!r}).exists():
    time.sleep(0.02)
"""


@pytest.mark.full
@pytest.mark.parametrize("then", ["", "op.execute('CREATE TABLE more (id INTEGER)')"])
def test_a_run_whose_row_is_gone_makes_nothing_final(
    project: Project, alone: Node, then: str, tmp_path: Path
) -> None:
    go_on = tmp_path / "go_on"
    write_history(project, TABLE, f"{SLOW.format(file=str(go_on))}{then}")
    upgrade = Upgrade(project, tmp_path / "output")
    upgrade.wait_for("Step 2")
    alone.server.query(f"DELETE FROM {LOCK}", "orders")
    go_on.touch()
    *_, error = upgrade.end().splitlines()
    lost = "the migration lock is lost: this run no longer holds it"
    assert error == f"FAILED: {lost}"
    assert alone.server.query("SELECT * FROM done", "orders") == []
    assert ("more",) not in alone.server.query("SHOW TABLES", "orders")


@pytest.mark.full
def test_its_table_is_no_drift(project: Project, alone: Node) -> None:
    project.run("alembic", "upgrade", "head")
    assert (LOCK,) in alone.server.query("SHOW TABLES", "orders")
    project.environment["SHADOW_DATABASE_URL"] = alone.server.url("mariadb+pymysql")
    drift = project.run(*DRIFT)
    assert LOCK not in drift
    assert LOCK not in project.run("alembic", "-x", "live", "check", code=255)


@pytest.mark.full
def test_a_given_transaction_is_refused(project: Project) -> None:
    *_, error = project.run("python", "-c", IN_A_TRANSACTION, code=1).splitlines()
    assert "CommandError: pass the connection before it begins a transaction" in error


@pytest.fixture
def nodes() -> Iterator[list[Node]]:
    """Return the nodes of a cluster of three, with a database."""
    require(galera.provider(), "Galera")
    with galera.cluster(3) as nodes:
        nodes[0].server.create("orders")
        yield nodes


def started(projects: list[Project], count: int, folder: Path) -> list[Upgrade]:
    """Start runs, in turn on each node."""
    return [
        Upgrade(projects[number % len(projects)], folder / f"run{number}")
        for number in range(count)
    ]


def on_each(project: Project, nodes: list[Node]) -> list[Project]:
    """Return the project once for each node."""
    return [
        replace(
            project,
            environment={
                **project.environment,
                "DATABASE_URL": node.server.url("mariadb+pymysql", "orders"),
            },
        )
        for node in nodes
    ]


@pytest.mark.soak
def test_of_many_runs_on_three_nodes_one_works(
    nodes: list[Node], copied: Callable[[str], Project], tmp_path: Path
) -> None:
    project = copied("pymysql")
    history = (TABLE, *(COLUMN.format(number) for number in range(1, 6)))
    write_history(project, *history)
    runs = started(on_each(project, nodes), 12, tmp_path)
    outputs = sorted((run.end() for run in runs), key=len)
    assert [run.process.returncode for run in runs] == [0] * 12, outputs
    *waited, worked = outputs
    assert len(seconds(worked)) == len(history)
    assert all(
        output.endswith(f"Now at {revision_id(6)} (head)\n") for output in waited
    )
    for node in nodes:
        done = node.server.query("SELECT step FROM done ORDER BY step", "orders")
        assert [step for (step,) in done] == [1, 2, 3, 4, 5]
        assert rows(node) == []


@pytest.mark.soak
def test_a_node_that_is_killed_takes_its_run_along_and_another_finishes(
    nodes: list[Node], copied: Callable[[str], Project], tmp_path: Path
) -> None:
    project = copied("pymysql")
    slow = f"{COLUMN}\nimport time\ntime.sleep(0.5)"
    write_history(project, TABLE, *(slow.format(number) for number in range(1, 6)))
    here, *others = on_each(project, nodes)
    first = Upgrade(here, tmp_path / "first")
    first.wait_for("Step 3")
    second, third = started(others, 2, tmp_path)
    second.wait_for("another run is migrating the database (root@")
    print(second.log.read_text())
    nodes[0].kill()
    outputs = [run.end() for run in (first, second, third)]
    assert [run.process.returncode for run in (first, second, third)] == [255, 0, 0], (
        outputs
    )
    for output in outputs:
        assert "Traceback" not in output
    for node in nodes[1:]:
        done = node.server.query("SELECT step FROM done ORDER BY id", "orders")
        assert [step for (step,) in done] == [1, 2, 3, 4, 5]


@pytest.mark.soak
def test_a_killed_run_is_waited_for_on_other_nodes_and_replaced_on_its_own(
    nodes: list[Node], copied: Callable[[str], Project], tmp_path: Path
) -> None:
    project = copied("pymysql")
    slow = f"{COLUMN.format(1)}\nimport time\ntime.sleep(60)"
    write_history(project, TABLE, slow)
    here, there, _ = on_each(project, nodes)
    first = Upgrade(here, tmp_path / "first")
    first.wait_for("Step 2")
    time.sleep(1)
    first.kill()
    write_history(project, TABLE, COLUMN.format(1))
    command = ("alembic", "-x", "lock-timeout=2", "upgrade", "head")
    *_, error = there.run(*command, code=255).splitlines()
    assert re.fullmatch(
        r"FAILED: gave up after 2 s: another run is migrating the database \(root@localhost"
        rf" on node 127.0.0.1:{nodes[0].server.port} since \d\d:\d\d:\d\d UTC, id \d+;"
        rf" if it is dead: DELETE FROM {LOCK}\); to wait longer: .*",
        error,
    )
    assert list(seconds(here.run(*command))) == ["Step 2"]
    done = nodes[2].server.query("SELECT step FROM done", "orders")
    assert [step for (step,) in done] == [1]
