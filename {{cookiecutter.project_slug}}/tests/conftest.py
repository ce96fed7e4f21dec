{% set is_async = cookiecutter.__style == "async" %}
{% if is_async %}
"""The tests create their engine and sessions in the same way as the application."""

from collections.abc import Callable

import pytest
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from app.config import DRIVER, on_driver
from app.database import SessionLocal, make_engine

# A database for the tests, and sessions that are rolled back after each test.
pytest_plugins = ["alembic_steady.fixtures"]


@pytest.fixture(scope="session")
def make_async_engine() -> Callable[[URL], AsyncEngine]:
    """Return a function that creates the engine of the test database."""
    return lambda url: make_engine(on_driver(url, DRIVER))


@pytest.fixture(scope="session")
def async_session_factory() -> async_sessionmaker[AsyncSession]:
    """Return the application's session factory."""
    return SessionLocal
{% else %}
"""The tests create their engine and sessions in the same way as the application."""

from collections.abc import Callable

import pytest
from sqlalchemy import URL, Engine
from sqlalchemy.orm import Session, sessionmaker

from app import database

# A database for the tests, and sessions that are rolled back after each test.
pytest_plugins = ["alembic_steady.fixtures"]


@pytest.fixture(scope="session")
def make_engine() -> Callable[[URL], Engine]:
    """Return a function that creates the engine of the test database."""
    return database.make_engine


@pytest.fixture(scope="session")
def session_factory() -> sessionmaker[Session]:
    """Return the application's session factory."""
    return database.SessionLocal
{% endif %}
