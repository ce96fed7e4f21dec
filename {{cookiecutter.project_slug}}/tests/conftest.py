{% set is_async = cookiecutter.__style == "async" %}
{% if is_async %}
"""The engine and the sessions of the tests are made as the application's are."""

from collections.abc import Callable

import pytest
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from app.config import DRIVER, on_driver
from app.database import SessionLocal, make_engine

# A database of the tests' own, and sessions that leave no trace in it.
pytest_plugins = ["alembic_steady.fixtures"]


@pytest.fixture(scope="session")
def make_async_engine() -> Callable[[URL], AsyncEngine]:
    """Return what makes an engine for the tests' database, which migrations have built."""
    return lambda url: make_engine(on_driver(url, DRIVER))


@pytest.fixture(scope="session")
def async_session_factory() -> async_sessionmaker[AsyncSession]:
    """Return the application's factory of sessions."""
    return SessionLocal
{% else %}
"""The engine and the sessions of the tests are made as the application's are."""

from collections.abc import Callable

import pytest
from sqlalchemy import URL, Engine
from sqlalchemy.orm import Session, sessionmaker

from app import database

# A database of the tests' own, and sessions that leave no trace in it.
pytest_plugins = ["alembic_steady.fixtures"]


@pytest.fixture(scope="session")
def make_engine() -> Callable[[URL], Engine]:
    """Return what makes an engine for the tests' database, which migrations have built."""
    return database.make_engine


@pytest.fixture(scope="session")
def session_factory() -> sessionmaker[Session]:
    """Return the application's factory of sessions."""
    return database.SessionLocal
{% endif %}
