"""Fixtures: a database of the tests' own, and a session that leaves no trace in it."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import URL, Engine, create_engine
from sqlalchemy.orm import Session

from app.config import ROOT, ConfigError
from app.database import SessionLocal, make_engine
from migrations import databases


{% include "server/empty_database.py" %}


{% include "sync/session.py" %}


{% include "alembic_fixtures.py" %}
