"""One adapter for each family of databases; only this module chooses between them."""

from __future__ import annotations

from alembic.util import CommandError

from alembic_steady.adapters.abstract import Adapter

__all__ = ["Adapter", "adapter_for"]

FAMILIES = ("sqlite", "postgresql", "mysql", "mariadb")


def adapter_for(dialect_name: str) -> Adapter:
    """Return the adapter for a dialect of SQLAlchemy.

    Families are only imported when needed, since some register themselves with Alembic.

    Raises:
        CommandError: the dialect is not supported.
    """
    if dialect_name == "sqlite":
        from alembic_steady.adapters.sqlite.adapter import SQLiteAdapter

        return SQLiteAdapter()
    if dialect_name == "postgresql":
        from alembic_steady.adapters.postgresql.adapter import PostgreSQLAdapter

        return PostgreSQLAdapter()
    if dialect_name in ("mysql", "mariadb"):
        from alembic_steady.adapters.mysql.adapter import MySQLAdapter

        return MySQLAdapter()
    known = ", ".join(FAMILIES)
    raise CommandError(f"alembic-steady does not support {dialect_name}, only {known}")
