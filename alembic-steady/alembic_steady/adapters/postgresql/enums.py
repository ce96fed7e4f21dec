"""Enums of PostgreSQL, which alembic-postgresql-enum compares."""

from __future__ import annotations

from functools import cache

from alembic.runtime.plugins import Plugin
from alembic.util import CommandError, DispatchPriority

from alembic_steady import private

PLUGIN = "alembic_steady.postgresql_enums"
MISSING = (
    "autogenerate on PostgreSQL needs alembic-postgresql-enum:"
    ' pip install "alembic-postgresql-enum>=1.11"'
)


@cache
def register() -> None:
    """Make autogenerate compare enums, but only for PostgreSQL.

    Raises:
        CommandError: the package is not installed.
    """
    try:
        from alembic_postgresql_enum import Config, set_configuration
        from alembic_postgresql_enum.compare_dispatch import compare_enums
    except ImportError:
        raise CommandError(MISSING) from None
    # mypy does not know operations that other packages add.
    set_configuration(Config(add_type_ignore=True))
    private.unregister_comparator(compare_enums)
    Plugin(PLUGIN).add_autogenerate_comparator(
        compare_enums, "schema", qualifier="postgresql", priority=DispatchPriority.LAST
    )
