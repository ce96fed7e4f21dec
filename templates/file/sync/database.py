"""The database: the base class of all models, the engine and its sessions."""

from typing import Any

from sqlalchemy import URL, Connection, Engine, MetaData, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import DeclarativeBase, sessionmaker

from app.config import database_url


{% include "base.py" %}


def make_engine(url: URL) -> Engine:
    """Return an engine that enforces foreign keys and waits 5 seconds for a lock."""
    bounded = url.update_query_dict({"timeout": "5", **url.query})
    engine = create_engine(bounded, pool_pre_ping=True)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


{% include "file/events.py" %}


engine = make_engine(database_url())
SessionLocal = sessionmaker(bind=engine, autoflush=False)
