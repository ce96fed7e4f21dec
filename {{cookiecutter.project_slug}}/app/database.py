"""The database: the base class of all models, the engine and its sessions."""

{% if cookiecutter.__kind == "server" %}
from sqlalchemy import URL, Engine, MetaData, create_engine
from sqlalchemy.orm import DeclarativeBase, sessionmaker
{% else %}
from typing import Any

from sqlalchemy import URL, Connection, Engine, MetaData, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import DeclarativeBase, sessionmaker
{% endif %}

from app.config import database_url


class Base(DeclarativeBase):
    """The base class of all models."""

    # Without a name of its own, no later migration could drop or change a constraint.
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


{% if cookiecutter.__kind == "server" %}
def make_engine(url: URL) -> Engine:
    """Return an engine that gives up after 5 seconds where no server answers."""
    bounded = url.update_query_dict({"connect_timeout": "5", **url.query})
    return create_engine(bounded, pool_pre_ping=True)
{% else %}
def make_engine(url: URL) -> Engine:
    """Return an engine that enforces foreign keys and waits 5 seconds for a lock."""
    engine = create_engine(url, pool_pre_ping=True, connect_args={"timeout": 5})
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: DBAPIConnection, _record: Any) -> None:
    # The sqlite3 module would begin transactions late, and savepoints would not nest.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
{% endif %}


engine = make_engine(database_url())
SessionLocal = sessionmaker(bind=engine, autoflush=False)
