"""`steady adopt` on what only one family of databases has."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
import test_mysql_dump
import test_sqlite_dump
from harness import DRIVERS, PlainProject
from test_adopt import ADOPT, begin
from test_adopt_refusals import use

from tests import servers
from tests.revisions import CLEAN, NOTE


def dumped(project: PlainProject) -> list[str]:
    """Return what is in a project's database, but for Alembic's table."""
    url = sa.make_url(project.url)
    family = (
        test_sqlite_dump if url.database and "/" in url.database else test_mysql_dump
    )
    with family.ADAPTER.connect(url) as connection:
        found = family.ADAPTER.dump(
            connection, lambda schema, table: table != "alembic_version"
        )
    return sorted(entry.sql for entry in found.entries)


def adopt_and_build(project: PlainProject, other: str) -> None:
    """Adopt a database, see that nothing differs, and build another from the baseline."""
    before = dumped(project)
    print(project.run(*ADOPT))
    assert dumped(project) == before
    project.run("alembic", "stamp", "head")
    project.run("alembic", "current", "--check-heads")
    assert "no drift" in project.run("steady", "drift")
    use(project, sa.make_url(project.url).set(database=other))
    project.run("steady", "create")
    project.run("alembic", "upgrade", "head")
    assert dumped(project) == before
    assert project.run("alembic", "check") == NOTE + CLEAN


@pytest.mark.parametrize("name", test_sqlite_dump.SCHEMAS)
def test_sqlite(file_project: PlainProject, name: str) -> None:
    begin(file_project, test_sqlite_dump.SCHEMAS[name])
    adopt_and_build(file_project, f"{sa.make_url(file_project.url).database}2")


@pytest.mark.full
@pytest.mark.parametrize("name", test_mysql_dump.SCHEMAS)
def test_mariadb(
    mariadb: servers.MariaDB, new_project: Callable[..., PlainProject], name: str
) -> None:
    project = new_project(mariadb.url(DRIVERS["pymysql"], "shop"))
    begin(project, ["CREATE TABLE one (i INT)", *test_mysql_dump.SCHEMAS[name]])
    adopt_and_build(project, "shop_2")
