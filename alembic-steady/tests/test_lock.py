"""One run at a time for each version table."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from alembic_steady.adapters.mysql import lock as mysql_lock
from alembic_steady.adapters.postgresql import lock as postgresql_lock
from conftest import DRIVERS, Project
from tests import servers


@pytest.mark.parametrize("family", ["postgresql", "mariadb"])
def test_only_runs_of_the_same_version_table_wait_for_each_other(
    family: str,
    request: pytest.FixtureRequest,
    new_project: Callable[..., Project],
) -> None:
    name = "any_postgres" if family == "postgresql" else "mariadb"
    server: servers.Server = request.getfixturevalue(name)
    server.create("orders")
    project = new_project(server.url(DRIVERS[family], "orders"), server)
    project.revise("first")
    engine = sa.create_engine(project.url)
    with engine.connect() as other:
        if family == "postgresql":
            key = {"table": postgresql_lock.key("alembic_version")}
            assert other.scalar(postgresql_lock.TRY, key)
        else:
            assert other.scalar(mysql_lock.TRY, {"table": "alembic_version"}) == 1
        output = project.run("-x", "lock-timeout=0", "upgrade", "head", code=255)
        assert "another run is migrating the database" in output
        assert "alembic -x lock-timeout=300 -x lock-timeout=0 upgrade head" in output
        project.configure(version_table="of_another_service")
        project.run("-x", "lock-timeout=0", "upgrade", "head")
    engine.dispose()
    assert "user" in project.tables()
