"""Migrations with Alembic that are safe to write and safe to deploy.

`env.py` calls `run_migrations`; the other functions are for revisions.
"""

from alembic_steady.environment import run_migrations
from alembic_steady.operations import create_index, drop_index
from alembic_steady.scratch import is_scratch

__all__ = ["create_index", "drop_index", "is_scratch", "run_migrations"]
