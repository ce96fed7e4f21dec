"""A project that `alembic init` has made gets all of it by three lines in its env.py."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from harness import USERNAME
from harness import PlainProject as Project

from tests import servers
from tests.revisions import add_by_hand


def test_a_revision_is_the_change_of_the_models_and_goes_up_and_down(
    project: Project,
) -> None:
    project.revise("first")
    assert "created" in project.run("steady", "create")
    assert "already exists" in project.run("steady", "create")
    output = project.run("alembic", "upgrade", "head")
    assert "Upgrade from base to" in output and "(head)" in output
    assert "no drift" in project.run("steady", "drift")
    project.add_to_models(USERNAME)
    project.run("alembic", "check", code=255)
    project.revise("second")
    project.run("alembic", "check")
    project.run("alembic", "upgrade", "+1")
    assert project.columns("user") == {"id", "username"}
    output = project.revise("nothing")
    assert "No changes in the models, so no revision was written." in output
    assert len(project.revisions()) == 2
    project.run("alembic", "downgrade", "-1")
    assert project.columns("user") == {"id"}
    project.run("alembic", "downgrade", "base")
    assert project.tables() == {"alembic_version"}


def test_a_rename_is_asked_about_and_carried_out(project: Project) -> None:
    project.add_to_models(USERNAME)
    project.revise("first")
    project.run("steady", "create")
    project.run("alembic", "upgrade", "head")
    models = project.path / "models.py"
    models.write_text(models.read_text().replace("username", "nickname"))
    output = project.revise("second", code=255)
    assert "alembic -x rename=user.username:nickname revision --autogenerate" in output
    assert "alembic -x allow-drop revision --autogenerate" in output
    project.revise("second", "-x", "rename=user.username:nickname")
    project.run("alembic", "upgrade", "head")
    assert project.columns("user") == {"id", "nickname"}
    project.run("alembic", "check")


def test_what_is_changed_by_hand_is_drift(project: Project) -> None:
    project.revise("first")
    project.run("steady", "create")
    project.run("alembic", "upgrade", "head")
    engine = sa.create_engine(project.url)
    with engine.begin() as connection:
        table = connection.dialect.identifier_preparer.quote("user")
        connection.exec_driver_sql(f"ALTER TABLE {table} ADD extra INTEGER")
        connection.exec_driver_sql("CREATE TABLE theirs (id INTEGER)")
    engine.dispose()
    output = project.run("steady", "drift", code=1)
    assert "+ column user.extra\n" in output
    assert "+ table theirs (not owned: no revision creates it)\n" in output


def test_an_error_is_one_line_and_says_what_is_kept(project: Project) -> None:
    project.run("alembic", "revision", "-m", "bad")
    (revision,) = project.revisions()
    text = revision.read_text()
    text = text.replace("    pass", '    op.execute("SELECT nonsense FROM nowhere")', 1)
    revision.write_text(text)
    project.run("steady", "create")
    output = project.run("alembic", "upgrade", "head", code=255)
    assert output.count("FAILED: ") == 1 and "Traceback" not in output
    assert "SELECT nonsense FROM nowhere" in output
    assert "alembic -x traceback upgrade head" in output


@pytest.mark.parametrize("project", ["psycopg", "pymysql"], indirect=True)
def test_the_history_is_printed_as_sql_without_a_database(project: Project) -> None:
    project.revise("first")
    assert "CREATE TABLE" in project.run("alembic", "upgrade", "head", "--sql")
    # Who reads the SQL runs it on a real database.
    role = 'alembic_steady.is_scratch() or op.execute("CREATE ROLE reader")'
    by_hand = add_by_hand(project, role)
    by_hand.write_text(f"import alembic_steady\n{by_hand.read_text()}")
    assert "CREATE ROLE reader" in project.run("alembic", "upgrade", "head", "--sql")


def test_several_version_locations_and_a_version_table_of_its_own(
    project: Project,
) -> None:
    ini = project.path / "alembic.ini"
    places = "%(here)s/migrations/versions %(here)s/migrations/more_versions"
    text = ini.read_text().replace("path_separator = os", "path_separator = space")
    text = text.replace("[alembic]\n", f"[alembic]\nversion_locations = {places}\n", 1)
    ini.write_text(text)
    (project.path / "migrations" / "more_versions").mkdir()
    project.configure(version_table="our_version")
    for folder in ("versions", "more_versions"):
        place = str(project.path / "migrations" / folder)
        project.run(
            "alembic",
            "revision",
            "--autogenerate",
            "-m",
            "more",
            "--version-path",
            place,
        )
        project.add_to_models(USERNAME if folder == "versions" else "")
    project.run("steady", "create")
    project.run("alembic", "upgrade", "heads")
    assert project.tables() == {"our_version", "user"}
    assert "no drift" in project.run("steady", "drift")


def test_the_version_table_may_be_in_a_schema(
    any_postgres: servers.Postgres, new_project: Callable[..., Project]
) -> None:
    project = new_project(any_postgres.url("postgresql+psycopg", "orders"))
    project.configure(version_table="v", version_table_schema="meta")
    project.revise("first")
    project.run("steady", "create")
    any_postgres.query("CREATE SCHEMA meta", "orders")
    project.run("alembic", "upgrade", "head")
    assert project.tables("meta") == {"v"}
    project.run("alembic", "check")
    assert "no drift" in project.run("steady", "drift")


def test_an_asynchronous_project_migrates_on_a_synchronous_driver(
    any_postgres: servers.Postgres, new_project: Callable[..., Project]
) -> None:
    url = any_postgres.url("postgresql+asyncpg", "orders")
    project = new_project(f"{url}?ssl=prefer", template="async")
    project.revise("first")
    output = project.run("steady", "create")
    assert output.startswith("postgresql+psycopg at 127.0.0.1:")
    project.run("alembic", "upgrade", "head")
    assert any_postgres.query("SELECT count(*) FROM alembic_version", "orders") == [
        (1,)
    ]


def test_an_option_that_is_the_librarys_to_decide_is_refused(project: Project) -> None:
    project.configure(transaction_per_migration=False)
    output = project.run("alembic", "current", code=255)
    assert "remove transaction_per_migration from run_migrations()" in output


def test_a_dialect_that_is_not_supported_is_refused_in_one_line(
    new_project: Callable[..., Project],
) -> None:
    project = new_project("oracle://localhost/orders")
    output = project.run("alembic", "current", code=255)
    assert "does not support oracle, only sqlite, postgresql, mysql, mariadb" in output


@pytest.mark.parametrize(
    "order", ["alembic, alembic_steady", "alembic_steady, alembic"]
)
def test_alembic_can_be_imported_before_and_after(order: str) -> None:
    subprocess.run([sys.executable, "-c", f"import {order}"], check=True)


def test_the_fixtures_give_sessions_that_leave_no_trace(
    new_project: Callable[..., Project], tmp_path: Path
) -> None:
    project = new_project(f"sqlite:///{tmp_path / 'app.db'}")
    project.revise("first")
    tests = tmp_path / "tests"
    tests.mkdir()
    (tests / "conftest.py").write_text('pytest_plugins = ["alembic_steady.fixtures"]\n')
    (tests / "test_it.py").write_text("""\
import pytest
from alembic import command
from models import User


@pytest.mark.parametrize("time", [1, 2])
def test_rows_are_gone(session, time):
    assert session.query(User).count() == 0
    session.add(User())
    session.commit()
    assert session.query(User).count() == 1


def test_drift(alembic_engine, alembic_config, find_drift):
    alembic_config.attributes["connection"] = alembic_engine
    command.upgrade(alembic_config, "heads")
    assert find_drift(alembic_engine) == []
""")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert "3 passed" in done.stdout, done.stdout + done.stderr
    assert not (tmp_path / "app.db").exists()


FLASK_APPLICATION = """\
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///{database}"
db = SQLAlchemy(app)
Migrate(app, db)


class User(db.Model):
    id = db.Column(db.Integer, primary_key=True)
"""


@pytest.mark.full
def test_a_project_of_flask_migrate(tmp_path: Path) -> None:
    database = tmp_path / "app.db"
    (tmp_path / "app.py").write_text(FLASK_APPLICATION.format(database=database))

    def flask(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "flask", "db", *arguments],
            cwd=tmp_path,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    flask("init")
    env = tmp_path / "migrations" / "env.py"
    kept = env.read_text().partition("def run_migrations_offline")[0]
    call = (
        "from alembic_steady import run_migrations\n\nrun_migrations(get_metadata())\n"
    )
    env.write_text(kept + call)
    flask("migrate", "-m", "first")
    output = flask("upgrade")
    assert "Upgrade from base to" in output and "(head)" in output
    engine = sa.create_engine(f"sqlite:///{database}")
    assert {"alembic_version", "user"} == {*sa.inspect(engine).get_table_names()}
    engine.dispose()
    assert "No changes in the models" in flask("migrate", "-m", "second")
    flask("downgrade")
    flask("check")


def test_families_of_databases_do_not_get_in_each_others_way(
    any_postgres: servers.Postgres,
    mariadb: servers.MariaDB,
    tmp_path: Path,
    new_project: Callable[..., Project],
) -> None:
    urls = [
        any_postgres.url("postgresql+psycopg", "orders"),
        mariadb.url(database="orders"),
        f"sqlite:///{tmp_path / 'app.db'}",
    ]
    for url in [*urls, *urls]:
        for name in ("alembic.ini", "migrations"):
            path = tmp_path / name
            if path.is_file():
                path.unlink()
            elif path.exists():
                shutil.rmtree(path)
        project = new_project(url)
        output = project.revise("first")
        assert "only supports postgresql" not in output
        assert len(project.revisions()) == 1
        project.run("alembic", "check")
