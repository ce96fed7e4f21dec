"""Fixtures: a database of the tests' own, and a session that leaves no trace in it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import URL, Engine, create_engine
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.config import DRIVER, MIGRATION_DRIVER, ROOT, on_driver
from app.database import SessionLocal, make_engine
from migrations import databases


@contextmanager
def empty_database() -> Iterator[URL]:
    """Make an empty database for a while."""
    with TemporaryDirectory() as folder:
        yield URL.create(MIGRATION_DRIVER, database=str(Path(folder, "test.db")))


{% include "async/session.py" %}


{% include "alembic_fixtures.py" %}
