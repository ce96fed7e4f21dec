"""The database: the base class of all models, the engine and its sessions."""

from sqlalchemy import URL, Engine, MetaData, create_engine
from sqlalchemy.orm import DeclarativeBase, sessionmaker

from app.config import database_url


{% include "base.py" %}


def make_engine(url: URL) -> Engine:
    """Return an engine that gives up after 5 seconds where no server answers."""
    bounded = url.update_query_dict({"connect_timeout": "5", **url.query})
    return create_engine(bounded, pool_pre_ping=True)


engine = make_engine(database_url())
SessionLocal = sessionmaker(bind=engine, autoflush=False)
