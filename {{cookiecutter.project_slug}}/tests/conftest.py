"""Fixtures: a database of the tests' own, and a session that leaves no trace in it."""

from collections.abc import Iterator
{% if cookiecutter.__kind == "file" %}
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
{% else %}
from contextlib import AbstractContextManager
{% endif %}

import pytest
from alembic import command
from alembic.config import Config
{% if cookiecutter.__kind == "server" %}
from alembic.util import CommandError
{% endif %}
from sqlalchemy import URL, Engine, create_engine
from sqlalchemy.orm import Session

{% if cookiecutter.__kind == "server" %}
from app.config import ROOT, ConfigError
{% else %}
from app.config import DRIVER, ROOT
{% endif %}
from app.database import SessionLocal, make_engine
from migrations import databases

{% if cookiecutter.__kind == "server" %}

def pytest_sessionstart(session: pytest.Session) -> None:
    """End with one line, before any worker of xdist starts, where there is no server."""
    if hasattr(session.config, "workerinput"):
        return
    try:
        with empty_database():
            pass
    except CommandError as error:
        message = f"{error}; TEST_DATABASE_URL may name another server"
        raise pytest.UsageError(message) from None
    except ConfigError as error:
        raise pytest.UsageError(str(error)) from None


def empty_database() -> AbstractContextManager[URL]:
    """Make an empty database for a while."""
    return databases.temporary("TEST_DATABASE_URL")
{% else %}

@contextmanager
def empty_database() -> Iterator[URL]:
    """Make an empty database for a while."""
    with TemporaryDirectory() as folder:
        yield URL.create(DRIVER, database=str(Path(folder, "test.db")))
{% endif %}


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """Return the engine of a database that the migrations have built."""
    with empty_database() as url:
        config = Config(ROOT / "alembic.ini")
        with databases.connect(url) as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        engine = make_engine(url)
        yield engine
        engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """Return a session whose commits are undone after the test."""
    with engine.connect() as connection:
        transaction = connection.begin()
        with SessionLocal(
            bind=connection, join_transaction_mode="create_savepoint"
        ) as session:
            yield session
        transaction.rollback()


@pytest.fixture
def alembic_config() -> dict[str, str]:
    """Tell pytest-alembic where the migrations are."""
    return {"file": str(ROOT / "alembic.ini")}


@pytest.fixture
def alembic_engine() -> Iterator[Engine]:
    """Give each of pytest-alembic's tests an empty database."""
    with empty_database() as url:
        engine = create_engine(url)
        yield engine
        engine.dispose()
