"""`steady adopt` where something is in the way: one line, and all is as it was."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from harness import DRIVERS, PlainProject
from test_adopt import ADOPT, BASE, SHOP, begin, refused

from alembic_steady.adapters.sqlite.adapter import SQLiteAdapter
from tests import servers
from tests.revisions import CLEAN


def database(project: PlainProject) -> Path:
    """Return the file of a project's database."""
    return Path(str(sa.make_url(project.url).database))


def use(project: PlainProject, url: str | sa.URL) -> None:
    """Let a project use another database."""
    old, new = (
        sa.make_url(it).render_as_string(hide_password=False).replace("%", "%%")
        for it in (project.url, url)
    )
    ini = project.path / "alembic.ini"
    text = ini.read_text()
    assert old in text
    ini.write_text(text.replace(old, new))
    project.url = sa.make_url(url)


def test_a_missing_file_is_not_made(file_project: PlainProject) -> None:
    file_project.models.write_text(BASE)
    assert not database(file_project).exists()
    assert "app.db: there is no such database" in refused(file_project)
    assert not database(file_project).exists()


def test_a_folder_is_no_database(file_project: PlainProject) -> None:
    file_project.models.write_text(BASE)
    database(file_project).mkdir()
    assert "app.db: there is no such database" in refused(file_project)


def test_a_locked_file_is_one_line(file_project: PlainProject) -> None:
    begin(file_project, SHOP["sqlite"])
    use(file_project, f"{file_project.url}?timeout=0.1")
    with closing(sqlite3.connect(database(file_project))) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert "database is locked" in refused(file_project)


def test_a_torn_file_is_one_line(file_project: PlainProject) -> None:
    begin(file_project, SHOP["sqlite"])
    whole = database(file_project).read_bytes()
    database(file_project).write_bytes(whole[:4096] + b"\xff" * 4096)
    assert "database disk image is malformed" in refused(file_project)


def test_nothing_is_written_to_the_file(file_project: PlainProject) -> None:
    begin(file_project, SHOP["sqlite"])
    before = database(file_project).read_bytes()
    file_project.run(*ADOPT)
    assert database(file_project).read_bytes() == before
    assert [it.name for it in database(file_project).parent.glob("app.db*")] == [
        "app.db"
    ]


def test_what_another_process_changes_meanwhile_is_told(
    file_project: PlainProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the description and the dump."""
    begin(file_project, SHOP["sqlite"])
    read = SQLiteAdapter.dump

    def late(*given: object) -> object:
        with closing(sqlite3.connect(database(file_project))) as other:
            other.execute("CREATE TABLE late (i INT)")
            other.commit()
        return read(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(SQLiteAdapter, "dump", late)
    printed = file_project.run(*ADOPT)
    assert "differs when it is built anew: - table late" in printed


def spoil_settings(project: PlainProject) -> None:
    project.path.joinpath("pyproject.toml").write_text("[tool")


def spoil_folder(project: PlainProject) -> None:
    versions = project.path / "migrations" / "versions"
    shutil.rmtree(versions)
    versions.write_text("")


def spoil_template(project: PlainProject) -> None:
    project.path.joinpath("migrations", "script.py.mako").write_text("${a.b}")


@pytest.mark.parametrize("spoil", [spoil_settings, spoil_folder, spoil_template])
def test_what_can_not_be_written_changes_no_file(
    file_project: PlainProject, spoil: Callable[[PlainProject], None]
) -> None:
    """The models are written first, and are as before."""
    begin(file_project, SHOP["sqlite"])
    spoil(file_project)
    refused(file_project)


def test_views_alone_are_no_tables(file_project: PlainProject) -> None:
    begin(file_project, ["CREATE VIEW v AS SELECT 1 AS i"])
    assert "has no tables" in refused(file_project)


def test_the_history_of_another_tool_alone_is_no_table(
    file_project: PlainProject,
) -> None:
    begin(file_project, ["CREATE TABLE flyway_schema_history (i INT)"])
    assert "has no tables" in refused(file_project)


@pytest.fixture
def shop(
    mariadb: servers.MariaDB, new_project: Callable[..., PlainProject]
) -> PlainProject:
    """Return a project on a server."""
    project = new_project(mariadb.url(DRIVERS["pymysql"], "orders"))
    begin(project, SHOP["mysql"])
    return project


def test_a_server_that_can_not_be_entered_is_one_line(
    shop: PlainProject, mariadb: servers.MariaDB
) -> None:
    use(shop, mariadb.url(DRIVERS["pymysql"], "orders", password="no"))
    assert "Access denied" in refused(shop)
    use(shop, mariadb.url(DRIVERS["pymysql"], "nowhere"))
    assert "database nowhere: there is no such database" in refused(shop)
    port = str(servers.free_port())
    url = mariadb.url(DRIVERS["pymysql"], "orders").replace(str(mariadb.port), port)
    use(shop, url)
    assert "refused" in refused(shop)


@pytest.fixture
def reader(shop: PlainProject, mariadb: servers.MariaDB) -> Iterator[PlainProject]:
    """Return a project whose account may read the tables, and create nothing."""
    mariadb.query(f"CREATE USER reader@'%' IDENTIFIED BY '{servers.PASSWORD}'")
    mariadb.query("GRANT SELECT ON orders.* TO reader@'%'")
    use(shop, mariadb.url(DRIVERS["pymysql"], "orders", user="reader"))
    yield shop
    mariadb.query("DROP USER reader@'%'")


def test_the_right_that_is_missing_is_named(reader: PlainProject) -> None:
    assert "SHOW VIEW command denied to user" in refused(reader)


def test_without_a_scratch_database_files_are_written_and_not_verified(
    reader: PlainProject, mariadb: servers.MariaDB
) -> None:
    mariadb.query("GRANT SHOW VIEW ON orders.* TO reader@'%'")
    printed = reader.run(*ADOPT)
    assert "not verified: " in printed and "triggers: the account has no" in printed
    baseline = next(reader.path.glob("migrations/versions/*.sql")).read_text()
    assert "--   not verified: " in baseline and servers.PASSWORD not in baseline
    # It builds the same, but for what the account has not seen.
    use(reader, mariadb.url(DRIVERS["pymysql"], "orders"))
    reader.run("alembic", "stamp", "head")
    assert "no drift" in reader.run("steady", "drift")


@pytest.mark.parametrize(
    "told", ["", "/tables.py", "sub/tables", "my-tables.py", "../tables.py"]
)
def test_a_file_that_can_be_no_module_is_refused(
    file_project: PlainProject, told: str
) -> None:
    begin(file_project, ["CREATE TABLE author (id INTEGER PRIMARY KEY)"])
    printed = file_project.run("steady", "-x", f"models={told}", "adopt", code=255)
    assert f"models={told}: write the path of a module" in printed
    assert not file_project.revisions()


def test_models_in_a_new_module_have_to_be_imported(file_project: PlainProject) -> None:
    begin(file_project, ["CREATE TABLE author (id INTEGER PRIMARY KEY)"])
    printed = file_project.run("steady", "-x", "models=app/tables.py", "adopt")
    assert (
        "\nNext:\n\n  # import app.tables in env.py, then:\n  alembic stamp" in printed
    )
    env = file_project.path / "migrations" / "env.py"
    env.write_text(f"import app.tables\n{env.read_text()}")
    file_project.run("alembic", "stamp", "head")
    assert CLEAN in file_project.run("alembic", "check")


OLD = "from sqlalchemy.orm import declarative_base\n\nBase = declarative_base()\n"
IN_A_SCHEMA = BASE.replace(
    "    pass", '    metadata = sa.MetaData(schema="app")'
).replace("from", "import sqlalchemy as sa\nfrom", 1)
WITH_COLUMNS = BASE.replace(
    "    pass", "    born: Mapped[int | None]\n    at: Mapped[int]"
).replace("DeclarativeBase\n", "DeclarativeBase, Mapped\n", 1)
AS_DATACLASSES = BASE.replace(
    "(DeclarativeBase)", "(MappedAsDataclass, DeclarativeBase)"
)
AS_DATACLASSES = AS_DATACLASSES.replace("import D", "import MappedAsDataclass, D")


@pytest.mark.parametrize(
    ("base", "told"),
    [
        (OLD, "needs one base class whose metadata env.py passes"),
        (IN_A_SCHEMA, "leave out schema='app' of the base class's MetaData"),
        (WITH_COLUMNS, "adds columns that the database does not have (at, born)"),
    ],
)
def test_a_base_class_that_does_not_suit_is_refused(
    file_project: PlainProject, base: str, told: str
) -> None:
    begin(file_project, ["CREATE TABLE author (id INTEGER PRIMARY KEY)"])
    file_project.models.write_text(base)
    assert told in refused(file_project)


def test_models_may_be_dataclasses(file_project: PlainProject) -> None:
    table = "CREATE TABLE author (id INTEGER PRIMARY KEY, a INT DEFAULT 1, b INT)"
    begin(file_project, [table])
    file_project.models.write_text(AS_DATACLASSES)
    file_project.run(*ADOPT)
    file_project.run("alembic", "stamp", "head")
    assert CLEAN in file_project.run("alembic", "check")
    made = "import models; print(models.Author(id=1, a=2, b=None).a)"
    assert file_project.run("python", "-c", made) == "2\n"
