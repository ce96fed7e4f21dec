"""Migrations with Alembic that are safe to write and safe to deploy.

`env.py` calls `run_migrations`; the other functions are for revisions.
"""

from alembic_steady.backfilling import backfill
from alembic_steady.constraints import (
    add_check,
    add_foreign_key,
    add_unique,
    set_not_null,
)
from alembic_steady.environment import run_migrations
from alembic_steady.operations import create_index, drop_index
from alembic_steady.scratch import is_scratch
from alembic_steady.sql_file import execute_file

__all__ = [
    "add_check",
    "add_foreign_key",
    "add_unique",
    "backfill",
    "create_index",
    "drop_index",
    "execute_file",
    "is_scratch",
    "run_migrations",
    "set_not_null",
]
