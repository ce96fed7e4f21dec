"""Each private name that is used still is what it is taken for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pymysql
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import comparators
from alembic.autogenerate.api import AutogenContext
from alembic.config import Config
from alembic.ddl.sqlite import SQLiteImpl
from alembic.operations import Operations
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory, write_hooks
from alembic.util import CommandError
from harness import PlainProject as Project
from sqlalchemy.schema import CreateTable

from alembic_steady import private
from tests import servers


def test_a_command_hands_over_what_it_is_going_to_do(project: Project) -> None:
    config = Config(project.path / "alembic.ini")
    scripts = ScriptDirectory.from_config(config)
    options: dict[str, Any] = {
        "destination_rev": "head",
        "fn": print,
        "revision_context": None,
    }
    with EnvironmentContext(config, scripts, **options):
        assert private.command_options() == options
        assert private.is_writing()
        assert private.destination() == "head"
        assert options["fn"] is private.plan()
        assert not private.is_autogenerate()
        assert not private.is_check()


@pytest.mark.parametrize("is_check", [True, False])
def test_check_is_told_from_revision_where_python_calls_it(
    is_check: bool, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def look(_scripts: ScriptDirectory) -> None:
        seen.append((private.is_autogenerate(), private.is_check()))
        raise KeyboardInterrupt

    monkeypatch.setattr(ScriptDirectory, "run_env", look)
    config = Config(project.path / "alembic.ini")
    with pytest.raises(KeyboardInterrupt):
        if is_check:
            command.check(config)
        else:
            command.revision(config, autogenerate=True)
    assert seen == [(True, is_check)]


@pytest.mark.parametrize(
    ("called", "is_generating", "follows_any"),
    [
        (lambda config: command.revision(config), True, True),
        (lambda config: command.revision(config, head="1f6c"), True, False),
        (lambda config: command.merge(config, ["1f6c", "2a9b"]), True, False),
        (lambda config: command.check(config), False, True),
        (lambda config: command.current(config), False, False),
    ],
)
def test_what_writes_a_revision_is_told_from_other_commands(
    called: Callable[[Config], object],
    is_generating: bool,
    follows_any: bool,
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = []

    def look(_scripts: ScriptDirectory) -> None:
        seen.append((private.is_generating(), private.follows_any_head()))
        raise KeyboardInterrupt

    monkeypatch.setattr(ScriptDirectory, "run_env", look)
    config = Config(project.path / "alembic.ini")
    config.set_main_option("revision_environment", "true")
    with pytest.raises(KeyboardInterrupt):
        called(config)
    assert seen == [(is_generating, follows_any)]


def test_an_autocommit_block_stays_in_its_transaction() -> None:
    with sa.create_engine("sqlite://", poolclass=sa.NullPool).connect() as connection:
        migration = MigrationContext.configure(
            connection, opts={"transactional_ddl": True}
        )
        private.keep_in_one_transaction(migration)
        with migration.begin_transaction():
            with migration.autocommit_block():
                connection.execute(sa.text("CREATE TABLE it (id INTEGER)"))
            assert connection.in_transaction()


def test_a_revision_runs_in_a_transaction_of_its_own() -> None:
    with sa.create_engine("sqlite://", poolclass=sa.NullPool).connect() as connection:
        options = {"transactional_ddl": True, "transaction_per_migration": True}
        migration = MigrationContext.configure(connection, opts=options)
        inside = []
        private.run_revision(
            migration, lambda: inside.append(connection.in_transaction())
        )
        assert inside == [True]
        assert not connection.in_transaction()


def test_a_timeout_of_pymysql_ends_when_the_connection_is_open(
    mariadb: servers.MariaDB,
) -> None:
    opened = pymysql.connect(
        host="127.0.0.1",
        port=mariadb.port,
        user=mariadb.superuser,
        password=servers.PASSWORD,
        read_timeout=1,
    )
    with closing(opened) as connection:
        private.end_read_timeout(connection)
        connection.cursor().execute("SELECT SLEEP(1.5)")


def test_a_type_is_written_as_its_variant() -> None:
    kind = sa.JSON().with_variant(sa.String(9), "sqlite")
    assert private.variant(sa.JSON(), "sqlite") is None
    assert private.variant(kind, "mysql") is kind
    assert isinstance(private.variant(kind, "sqlite"), sa.String)
    migration = MigrationContext.configure(dialect_name="sqlite")
    context = AutogenContext(migration, autogenerate=False)
    context.opts["sqlalchemy_module_prefix"] = "sa."
    assert private.render_type(kind, context) == "sa.JSON()"


def test_a_hook_of_a_project_is_run(tmp_path: Path) -> None:
    @write_hooks.register("a_test")
    def _call(path: str, options: object) -> None:
        Path(path).write_text(str(options))

    hook = {"_hook_name": "own", "type": "a_test"}
    private.run_hook(hook, tmp_path / "written")
    assert (tmp_path / "written").read_text() == str(hook)
    with pytest.raises(CommandError, match="own.type"):
        private.run_hook({"_hook_name": "own"}, tmp_path / "written")


def test_all_sequences_of_models_are_found() -> None:
    metadata = sa.MetaData()
    default = sa.Sequence("of_a_column")
    sa.Table("it", metadata, sa.Column("id", sa.Integer, default))
    alone = sa.Sequence("alone", metadata=metadata)
    assert {*private.sequences(metadata)} == {default, alone}


def test_types_are_known_by_what_they_are_a_kind_of() -> None:
    assert private.type_affinity(sa.BigInteger()) is sa.Integer
    assert private.type_affinity(sa.Text()) is sa.String


def test_it_is_known_whether_others_compare_tables() -> None:
    def compare(*_arguments: object) -> None:
        raise AssertionError

    assert not private.compares_tables()
    comparators.dispatch_for("table")(compare)
    try:
        assert private.compares_tables()
    finally:
        comparators._registry.clear()


def test_a_table_is_built_again_without_a_change() -> None:
    class Impl(SQLiteImpl):
        __dialect__ = "a_test"
        unchanged = ""

        def prep_table_for_batch(self, batch_impl: Any, table: sa.Table) -> None:
            again = private.rebuilt(batch_impl)
            type(self).unchanged = str(CreateTable(again))

    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        for sql in ("u (c INT)", "t (a INT, b INT REFERENCES u (c))"):
            connection.exec_driver_sql(f"CREATE TABLE {sql}")
        migration = MigrationContext.configure(connection)
        migration.impl = Impl(connection.dialect, connection, False, None, None, {})
        with Operations(migration).batch_alter_table("t", recreate="always") as batch:
            batch.drop_column("a")
    engine.dispose()
    built = " ".join(Impl.unchanged.split())
    assert built == (
        "CREATE TABLE _alembic_tmp_t ( a INTEGER, b INTEGER,"
        " FOREIGN KEY(b) REFERENCES u (c) )"
    )
