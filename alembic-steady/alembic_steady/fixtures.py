"""Pytest fixtures: a test database, and sessions that are rolled back after each test.

Load them in `tests/conftest.py` with `pytest_plugins = ["alembic_steady.fixtures"]`. A
project can override `make_engine` and `session_factory`, or their asynchronous
counterparts.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.orm import Session, sessionmaker

from alembic_steady import drift, errors, history, settings

if TYPE_CHECKING:
    # This import needs greenlet, which only asynchronous projects install.
    from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

try:
    from pytest_asyncio import fixture as _async_fixture
except ImportError:  # Only asynchronous projects need it.
    _async_fixture = None  # type: ignore[assignment]


def pytest_sessionstart(session: pytest.Session) -> None:
    """End with one line if there is no server, before pytest-xdist starts workers."""
    if hasattr(session.config, "workerinput"):
        return
    hint = ""
    try:
        config = _config(session.config)
        project = settings.load(config)
        hint = "; to test on another server, set TEST_DATABASE_URL"
        with errors.in_one_line("no test database", config), project.test_database():
            pass
    except CommandError as error:
        raise pytest.UsageError(f"{error}{hint}") from None
    except SystemExit as error:
        raise pytest.UsageError(str(error)) from None


@pytest.fixture(scope="session")
def alembic_config(pytestconfig: pytest.Config) -> Config:
    """Return Alembic's configuration: `alembic.ini` in the root, unless overridden."""
    return _config(pytestconfig)


@pytest.fixture(scope="session")
def make_engine() -> Callable[[URL], Engine]:
    """Return a function that creates the application's engine for a URL."""
    return _create_engine


@pytest.fixture(scope="session")
def session_factory() -> sessionmaker[Session]:
    """Return the application's session factory."""
    return sessionmaker()


@pytest.fixture(scope="session")
def make_async_engine() -> Callable[[URL], AsyncEngine]:
    """Return a function that creates the engine for a URL with the migrations' driver."""
    from sqlalchemy.ext.asyncio import create_async_engine

    return create_async_engine


@pytest.fixture(scope="session")
def async_session_factory() -> async_sessionmaker[AsyncSession]:
    """Return the application's factory for asynchronous sessions."""
    from sqlalchemy.ext.asyncio import async_sessionmaker

    return async_sessionmaker(expire_on_commit=False)


@pytest.fixture(scope="session")
def migrated_url(alembic_config: Config) -> Iterator[URL]:
    """Create a test database with all revisions, one for each worker, and return its URL."""
    project = settings.load(alembic_config)
    with project.test_database() as url:
        with project.adapter.connect(url) as connection:
            _upgrade(alembic_config, connection)
        yield url


@pytest.fixture(scope="session")
def engine(migrated_url: URL, make_engine: Callable[[URL], Engine]) -> Iterator[Engine]:
    """Return the engine of a database that the revisions have built."""
    engine = make_engine(migrated_url)
    yield engine
    engine.dispose()


@pytest.fixture
def session(
    engine: Engine, session_factory: sessionmaker[Session]
) -> Iterator[Session]:
    """Return a session whose commits are undone after the test."""
    with engine.connect() as connection:
        transaction = connection.begin()
        with session_factory(
            bind=connection, join_transaction_mode="create_savepoint"
        ) as session:
            yield session
        transaction.rollback()


@pytest.fixture
def alembic_engine(alembic_config: Config) -> Iterator[Engine]:
    """Return an engine of an empty database; pytest-alembic uses this fixture."""
    with settings.load(alembic_config).test_database() as url:
        engine = create_engine(url)
        yield engine
        engine.dispose()


@pytest.fixture
def alembic_runner(alembic_config: Config, alembic_engine: Engine) -> Iterator[Any]:
    """Return what the tests of pytest-alembic run revisions with.

    It goes down to the revision that `minimum_downgrade_revision` names.
    """
    from pytest_alembic import Config as RunnerConfig
    from pytest_alembic import runner

    lowest = history.limit(alembic_config, history.DOWNGRADE)
    told = RunnerConfig(
        alembic_config=alembic_config, minimum_downgrade_revision=lowest
    )
    with runner(told, alembic_engine) as found:
        _explain_downgrades(found)
        yield found


@pytest.fixture
def print_history(alembic_config: Config) -> Callable[[], str]:
    """Return a function that returns the SQL of all revisions.

    It begins after the revision that `minimum_sql_revision` names.
    """
    return lambda: history.as_sql(alembic_config)


@pytest.fixture
def find_drift(alembic_config: Config) -> Callable[[Engine], list[str]]:
    """Return a function that lists how a database differs from its revisions."""

    def find(engine: Engine) -> list[str]:
        project = settings.load(alembic_config)
        with (
            engine.connect() as real,
            project.test_database() as url,
            project.adapter.connect(url) as empty,
        ):
            return drift.find(project, alembic_config, real, empty)

    return find


if _async_fixture is not None:

    @_async_fixture(scope="session", loop_scope="session")
    async def async_engine(
        migrated_url: URL, make_async_engine: Callable[[URL], AsyncEngine]
    ) -> AsyncIterator[AsyncEngine]:
        """Return the asynchronous engine of a database that the revisions have built."""
        engine = make_async_engine(migrated_url)
        yield engine
        await engine.dispose()

    @_async_fixture(loop_scope="session")
    async def async_session(
        async_engine: AsyncEngine,
        async_session_factory: async_sessionmaker[AsyncSession],
    ) -> AsyncIterator[AsyncSession]:
        """Return an asynchronous session whose commits are undone after the test."""
        async with async_engine.connect() as connection:
            transaction = await connection.begin()
            async with async_session_factory(
                bind=connection, join_transaction_mode="create_savepoint"
            ) as session:
                yield session
            await transaction.rollback()


def _create_engine(url: URL) -> Engine:
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        # By default, sqlite3 begins transactions too late for a rollback of everything.
        event.listen(engine, "connect", _begin_nothing)
        event.listen(engine, "begin", _begin)
    return engine


def _begin_nothing(connection: Any, _record: object) -> None:
    connection.isolation_level = None


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _explain_downgrades(runner: Any) -> None:
    """Let a downgrade that fails say how its revision is named as the lowest one."""
    downgrade = runner.command_executor.downgrade

    def explained(revision: str) -> Any:
        try:
            return downgrade(revision)
        except CommandError as error:
            # To pytest-alembic, what is not implemented is no failure.
            if isinstance(error.__cause__, NotImplementedError):
                raise error.__cause__ from None
            way = history.advice(history.DOWNGRADE, runner.current)
            raise CommandError(f"{error}. If it cannot be undone, {way}") from error

    runner.command_executor.downgrade = explained


def _config(pytestconfig: pytest.Config) -> Config:
    return Config(pytestconfig.rootpath / "alembic.ini")


def _upgrade(config: Config, connection: Any) -> None:
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "heads")
    finally:
        del config.attributes["connection"]
