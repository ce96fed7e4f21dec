"""The database: the base class of all models, the engine and its sessions."""

from typing import Any

from sqlalchemy import URL, Connection, MetaData, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from app.config import database_url


{% include "base.py" %}


def make_engine(url: URL) -> AsyncEngine:
    """Return an engine that enforces foreign keys and waits 5 seconds for a lock."""
    bounded = url.update_query_dict({"timeout": "5", **url.query})
    engine = create_async_engine(bounded, pool_pre_ping=True)
    event.listen(engine.sync_engine, "connect", _prepare)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


{% include "file/events.py" %}


engine = make_engine(database_url())
# Objects stay readable after a commit: nothing can be loaded without an await.
SessionLocal = async_sessionmaker(bind=engine, autoflush=False, expire_on_commit=False)
