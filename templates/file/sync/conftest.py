"""Fixtures: a database of the tests' own, and a session that leaves no trace in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import URL, Engine, create_engine
from sqlalchemy.orm import Session

from app.config import DRIVER, ROOT
from app.database import SessionLocal, make_engine
from migrations import databases


@contextmanager
def empty_database() -> Iterator[URL]:
    """Make an empty database for a while."""
    with TemporaryDirectory() as folder:
        yield URL.create(DRIVER, database=str(Path(folder, "test.db")))


{% include "sync/session.py" %}


{% include "alembic_fixtures.py" %}
