"""Fixtures: a database of the tests' own, and a session that leaves no trace in it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import URL, Engine, create_engine
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.config import DRIVER, ROOT, ConfigError, on_driver
from app.database import SessionLocal, make_engine
from migrations import databases


{% include "server/empty_database.py" %}


{% include "async/session.py" %}


{% include "alembic_fixtures.py" %}
