"""Fixtures: a database of the tests' own, and a session that leaves no trace in it."""

from collections.abc import Iterator
from contextlib import contextmanager
{% if cookiecutter.__kind == "file" %}
from pathlib import Path
from tempfile import TemporaryDirectory
{% endif %}

import pytest
from alembic import command
from alembic.config import Config
{% if cookiecutter.__kind == "server" %}
from alembic.util import CommandError
from sqlalchemy import Engine
{% else %}
from sqlalchemy import URL, Engine
{% endif %}
from sqlalchemy.orm import Session

{% if cookiecutter.__kind == "server" %}
from app.config import ROOT, ConfigError
from app.database import SessionLocal, make_engine
from migrations import databases
{% else %}
from app.config import DRIVER, ROOT
from app.database import SessionLocal, make_engine
{% endif %}


@contextmanager
def empty_database() -> Iterator[Engine]:
    """Make an empty database for a while."""
{% if cookiecutter.__kind == "server" %}
    try:
        with databases.temporary("TEST_DATABASE_URL") as url:
            engine = make_engine(url)
            yield engine
            engine.dispose()
    except (CommandError, ConfigError) as error:
        pytest.exit(f"{error}; TEST_DATABASE_URL may name another server", 1)
{% else %}
    with TemporaryDirectory() as folder:
        engine = make_engine(URL.create(DRIVER, database=str(Path(folder, "test.db"))))
        yield engine
        engine.dispose()
{% endif %}


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """Return the engine of a database that the migrations have built."""
    with empty_database() as engine:
        config = Config(ROOT / "alembic.ini")
        config.attributes["connection"] = engine
        command.upgrade(config, "head")
        yield engine


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
    with empty_database() as engine:
        yield engine
