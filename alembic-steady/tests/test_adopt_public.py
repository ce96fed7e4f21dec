"""Databases that nobody here made: the schemas in Debian's packages are adopted."""

from __future__ import annotations

import gzip
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from adopted import rig
from harness import DRIVERS, PlainProject
from test_adopt import BASE
from test_adopted import check_that_it_is_adopted

from tests import servers
from tests.conftest import require

SCHEMAS = {
    ("roundcube-core", "psycopg2"): "usr/share/roundcube/SQL/postgres.initial.sql",
    ("roundcube-core", "pymysql"): "usr/share/roundcube/SQL/mysql.initial.sql",
    ("roundcube-core", "sqlite"): "usr/share/roundcube/SQL/sqlite.initial.sql",
    ("zabbix-server-pgsql", "psycopg2"): "usr/share/zabbix-server-pgsql/schema.sql.gz",
    ("zabbix-server-mysql", "pymysql"): "usr/share/zabbix-server-mysql/schema.sql.gz",
}

ROWS = {
    "roundcube": "INSERT INTO users (username, mail_host, created)"
    " VALUES ('ada', 'localhost', '2026-01-01 00:00:00')",
    "zabbix": "INSERT INTO regexps (regexpid, name, test_string) VALUES (1, 'any', 'x')",
}


def fetched(package: str, file: str, folder: Path) -> str:
    """Return the text of a file in a package of Debian, which is not installed."""
    require(shutil.which("apt-get") and shutil.which("dpkg-deb"), "Debian's apt-get")
    subprocess.run(["apt-get", "download", package], cwd=folder, check=True)
    (archive,) = folder.glob(f"{package}_*.deb")
    subprocess.run(["dpkg-deb", "-x", archive, folder / package], check=True)
    content = (folder / package / file).read_bytes()
    return (gzip.decompress(content) if file.endswith(".gz") else content).decode()


@pytest.mark.soak
@pytest.mark.parametrize(("package", "driver"), SCHEMAS)
def test_a_schema_of_a_package_is_adopted(
    request: pytest.FixtureRequest,
    new_project: Callable[..., PlainProject],
    tmp_path: Path,
    package: str,
    driver: str,
) -> None:
    folder = tmp_path / "packages"
    folder.mkdir()
    text = fetched(package, SCHEMAS[package, driver], folder)
    server: servers.Server | None = None
    url = f"sqlite:///{tmp_path / 'app.db'}"
    if driver != "sqlite":
        name = "any_postgres" if driver == "psycopg2" else "mariadb"
        server = request.getfixturevalue(name)
        assert server
        url = server.url(DRIVERS[driver], "orders")
    project = new_project(url)
    project.models.write_text(BASE)
    if server:
        project.run("steady", "create")
    rig.load(sa.make_url(url), text)
    rig.load(sa.make_url(url), ROWS[package.partition("-")[0]])
    check_that_it_is_adopted(project)
    tables = sa.MetaData()
    engine = sa.create_engine(url)
    tables.reflect(engine)
    engine.dispose()
    assert len(tables.tables) > 16
    project.run("mypy", "--strict", "models.py")
    project.run("python", "-c", READ.format(url=url))


# Each table is read through its model.
READ = """
import models, sqlalchemy as sa
with sa.create_engine({url!r}).connect() as connection:
    for table in models.Base.metadata.tables.values():
        connection.execute(sa.select(table).limit(1)).all()
"""
