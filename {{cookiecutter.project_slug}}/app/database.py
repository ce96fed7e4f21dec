{% set is_file = cookiecutter.__kind == "file" %}
{% set is_async = cookiecutter.__style == "async" %}
{% set driver = (cookiecutter.database_url | database).driver %}
{% set is_asyncpg = driver.short_name == "asyncpg" %}
{% set engine_class = "AsyncEngine" if is_async else "Engine" %}
{% set create_engine = "create_async_engine" if is_async else "create_engine" %}
{% set sync_engine = "engine.sync_engine" if is_async else "engine" %}
"""The database: the base class of all models, the engine and its sessions."""

{% if is_file or is_asyncpg %}
from typing import Any

{% endif %}
{% if is_file and is_async %}
from sqlalchemy import URL, Connection, Constraint, MetaData, Table, event
{% elif is_file %}
from sqlalchemy import (
    URL,
    Connection,
    Constraint,
    Engine,
    MetaData,
    Table,
    create_engine,
    event,
)
{% elif is_asyncpg %}
from sqlalchemy import URL, Constraint, Dialect, MetaData, Table, event
{% elif is_async %}
from sqlalchemy import URL, Constraint, MetaData, Table
{% else %}
from sqlalchemy import URL, Constraint, Engine, MetaData, Table, create_engine
{% endif %}
{% if is_file %}
from sqlalchemy.engine.interfaces import DBAPIConnection
{% endif %}
from sqlalchemy.exc import InvalidRequestError
{% if is_async %}
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase
{% else %}
from sqlalchemy.orm import DeclarativeBase, sessionmaker
{% endif %}

{% if driver.numbers %}
from app.config import NUMBERS, database_url
{% else %}
from app.config import database_url
{% endif %}


def _name_of_check(check: Constraint, table: Table) -> str:
    """Return the name that a check was given; it has no columns to be named after."""
    if isinstance(check.name, str):
        return check.name
    raise InvalidRequestError(
        f"table {table.name}: a check has no name;"
        ' add name="…" to its CheckConstraint or to its type'
    )


class Base(DeclarativeBase):
    """The base class of all models."""

    # Without a name, a constraint could not be dropped or changed by a later migration.
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
            "constraint_name": _name_of_check,
        }
    )


def make_engine(url: URL) -> {{ engine_class }}:
{% if is_file %}
    """Return an engine that enforces foreign keys and waits 5 seconds for a lock."""
    bounded = url.update_query_dict({"timeout": "5", **url.query})
    engine = {{ create_engine }}(bounded, pool_pre_ping=True)
    event.listen({{ sync_engine }}, "connect", _prepare)
    event.listen({{ sync_engine }}, "begin", _begin)
    return engine


def _prepare(connection: DBAPIConnection, _record: Any) -> None:
    # By default, sqlite3 begins transactions too late for savepoints to work.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
{% elif is_asyncpg %}
    """Return an engine that gives up after 5 seconds if no server answers.

    Unless the URL has a prepared_statement_cache_size, statements have no name: behind a
    pooler, the server may not know the name, or know another statement by it.
    """
    numbers = {name: int(str(url.query[name])) for name in NUMBERS if name in url.query}
    told: dict[str, Any] = {"timeout": 5, **numbers}
    if not told.get("prepared_statement_cache_size"):
        told = {"statement_cache_size": 0, "prepared_statement_cache_size": 0, **told}
        told["prepared_statement_name_func"] = str  # str() is no name
    engine = create_async_engine(url, pool_pre_ping=True, connect_args=told)
    event.listen(engine.sync_engine, "do_connect", _connect)
    return engine


def _connect(dialect: Dialect, _record: Any, _args: Any, told: Any) -> Any:
    """Divide the time among several hosts; asyncpg may spend it all on the first."""
    if not isinstance(told.get("host"), list):
        return None
    share = told["timeout"] / len(told["host"])
    wanted = told.get("target_session_attrs")
    for attrs in ("standby", "any") if wanted == "prefer-standby" else (wanted,):
        for host, port in zip(told["host"], told["port"], strict=True):
            this = {"host": host, "port": port, "target_session_attrs": attrs}
            try:
                return dialect.connect(**{**told, **this, "timeout": share})
            except (OSError, dialect.loaded_dbapi.Error) as error:
                failure = error
    raise failure
{% elif driver.numbers %}
    """Return an engine that gives up after 5 seconds if no server answers.

    Unless the URL has a prepare_threshold, no statement is prepared: behind a pooler, the
    server may not know it.
    """
    bounded = url.update_query_dict({"connect_timeout": "5", **url.query})
    numbers = {name: int(str(url.query[name])) for name in NUMBERS if name in url.query}
    told = {"prepare_threshold": None, **numbers}
    return {{ create_engine }}(bounded, pool_pre_ping=True, connect_args=told)
{% else %}
    """Return an engine that gives up after 5 seconds if no server answers."""
    bounded = url.update_query_dict({"connect_timeout": "5", **url.query})
    return {{ create_engine }}(bounded, pool_pre_ping=True)
{% endif %}


engine = make_engine(database_url())
{% if is_async %}
# Keep objects readable after a commit: they cannot be reloaded without an await.
SessionLocal = async_sessionmaker(bind=engine, autoflush=False, expire_on_commit=False)
{% else %}
SessionLocal = sessionmaker(bind=engine, autoflush=False)
{% endif %}
