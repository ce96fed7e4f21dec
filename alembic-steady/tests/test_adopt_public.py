"""Databases that nobody here made: the schemas in Debian's packages are adopted."""

from __future__ import annotations

import gzip
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from harness import DRIVERS, PlainProject
from test_adopt import ADOPT, BASE

from tests import servers
from tests.conftest import TOOLS, require
from tests.revisions import CLEAN, NOTE

SCHEMAS = {
    ("roundcube-core", "psycopg2"): "usr/share/roundcube/SQL/postgres.initial.sql",
    ("roundcube-core", "pymysql"): "usr/share/roundcube/SQL/mysql.initial.sql",
    ("roundcube-core", "sqlite"): "usr/share/roundcube/SQL/sqlite.initial.sql",
    ("zabbix-server-pgsql", "psycopg2"): "usr/share/zabbix-server-pgsql/schema.sql.gz",
    ("zabbix-server-mysql", "pymysql"): "usr/share/zabbix-server-mysql/schema.sql.gz",
}


def fetched(package: str, file: str, folder: Path) -> str:
    """Return the text of a file in a package of Debian, which is not installed."""
    require(shutil.which("apt-get") and shutil.which("dpkg-deb"), "Debian's apt-get")
    subprocess.run(["apt-get", "download", package], cwd=folder, check=True)
    (archive,) = folder.glob(f"{package}_*.deb")
    subprocess.run(["dpkg-deb", "-x", archive, folder / package], check=True)
    content = (folder / package / file).read_bytes()
    return (gzip.decompress(content) if file.endswith(".gz") else content).decode()


def load(project: PlainProject, server: servers.Server | None, text: str) -> None:
    """Fill a project's database, with the program of its kind."""
    url = sa.make_url(project.url)
    if server is None:
        with sqlite3.connect(str(url.database)) as connection:
            connection.executescript(text)
        connection.close()
        return
    project.run("steady", "create")
    told = {"PGPASSWORD": servers.PASSWORD, "MYSQL_PWD": servers.PASSWORD}
    where = ["-h", "127.0.0.1", "-U", "postgres", "-p", str(server.port)]
    command = ["psql", "-q", "-v", "ON_ERROR_STOP=1", *where, "-d", str(url.database)]
    if url.get_backend_name() != "postgresql":
        command = ["mariadb", "-h", "127.0.0.1", "-P", str(server.port)]
        command += ["-u", "root", str(url.database)]
    subprocess.run(command, input=text, text=True, check=True, env=told)


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
    load(project, server, text)
    printed = project.run(*ADOPT)
    tables = re.search(r"^  (\d+) tables", printed, re.MULTILINE)
    assert tables and int(tables[1]) > 16
    assert "Left out" not in printed and "Not in the models" not in printed
    project.run("alembic", "stamp", "head")
    assert project.run("alembic", "check") == NOTE + CLEAN
    assert "no drift" in project.run("steady", "drift")
    subprocess.run(
        [TOOLS / "mypy", "--strict", "models.py"], cwd=project.path, check=True
    )
    # Each table is read through its model.
    read = "import models, sqlalchemy as sa\n" + READ.format(url=url)
    subprocess.run([TOOLS / "python", "-c", read], cwd=project.path, check=True)


READ = """
with sa.create_engine({url!r}).connect() as connection:
    for table in models.Base.metadata.tables.values():
        connection.execute(sa.select(table).limit(1)).all()
"""
