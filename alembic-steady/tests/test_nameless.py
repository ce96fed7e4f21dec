"""Constraints without a name, as most databases made by hand have them on SQLite.

A naming convention gives them one in the models, and SQLAlchemy has no way to say that they
have none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.config import Config
from harness import PlainProject
from sqlalchemy.sql.elements import conv

from alembic_steady.configure import configure_options
from alembic_steady.scope import Scope
from alembic_steady.settings import Settings
from tests.revisions import CLEAN, NOTE

CONVENTION = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
BY_HAND = (
    "CREATE TABLE parent (id INTEGER PRIMARY KEY, code TEXT UNIQUE)",
    "CREATE TABLE child (a INT NOT NULL, b INT NOT NULL REFERENCES parent"
    " ON DELETE CASCADE, c TEXT CHECK (c <> ''), d BOOLEAN CHECK (d IN (0, 1)),"
    " CHECK (a > b), PRIMARY KEY (a, b), UNIQUE (c, a))",
    "INSERT INTO parent VALUES (1, 'x'), (2, 'y')",
    "INSERT INTO child VALUES (5, 1, 'c', 1), (6, 2, 'd', NULL)",
)


def models(convention: dict[str, str] | None = None, **changed: Any) -> sa.MetaData:
    """Return models of the tables, parts of which may be changed."""
    metadata = sa.MetaData(naming_convention=convention)
    sa.Table(
        "parent",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("code", sa.Text, unique=True),
    )
    sa.Table(
        "child",
        metadata,
        sa.Column("a", sa.INT, primary_key=True),
        sa.Column("b", sa.INT, primary_key=True),
        sa.Column("c", sa.Text),
        sa.Column("d", sa.Boolean(create_constraint=True, name="bool")),
        changed.get(
            "key", sa.ForeignKeyConstraint(["b"], ["parent"], ondelete="CASCADE")
        )
        if False
        else sa.ForeignKeyConstraint(["b"], ["parent.id"], ondelete="CASCADE"),
        changed.get("check", sa.CheckConstraint("a > b", name="more")),
        sa.CheckConstraint("c <> ''", name="filled"),
        changed.get("unique", sa.UniqueConstraint("c", "a")),
    )
    return metadata
