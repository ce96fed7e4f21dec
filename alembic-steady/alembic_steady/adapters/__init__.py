"""One adapter for each family of databases. Here one is chosen, and nowhere else."""

from __future__ import annotations

from alembic.util import CommandError

from alembic_steady.adapters.abstract import Adapter

__all__ = ["Adapter", "adapter_for"]

FAMILIES = ("sqlite", "postgresql", "mysql", "mariadb")


def adapter_for(dialect_name: str) -> Adapter:
    """Return the adapter for a dialect of SQLAlchemy.

    Each family is imported when it is needed: some register themselves with Alembic.

    Raises:
        CommandError: the dialect is of none of these families.
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
