"""The database: the base class of all models, the engine and its sessions."""

from sqlalchemy import URL, MetaData
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from app.config import database_url


{% include "base.py" %}


def make_engine(url: URL) -> AsyncEngine:
    """Return an engine that gives up after 5 seconds where no server answers."""
{% if (cookiecutter.database_url | database).driver.short_name == "asyncpg" %}
    return create_async_engine(url, pool_pre_ping=True, connect_args={"timeout": 5})
{% else %}
    bounded = url.update_query_dict({"connect_timeout": "5", **url.query})
    return create_async_engine(bounded, pool_pre_ping=True)
{% endif %}


engine = make_engine(database_url())
# Objects stay readable after a commit: nothing can be loaded without an await.
SessionLocal = async_sessionmaker(bind=engine, autoflush=False, expire_on_commit=False)
