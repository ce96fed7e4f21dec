"""The tables in which tools for migrations note what they have done.

They are no part of a service's data, so they get no models, and the baseline does not make
them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

OWNERS = {
    "_prisma_migrations": "Prisma",
    "_sqlx_migrations": "sqlx",
    "_yoyo_log": "yoyo",
    "_yoyo_migration": "yoyo",
    "_yoyo_version": "yoyo",
    "__diesel_schema_migrations": "Diesel",
    "__drizzle_migrations": "Drizzle",
    "__efmigrationshistory": "Entity Framework",
    "aerich": "aerich",
    "ar_internal_metadata": "Rails",
    "databasechangelog": "Liquibase",
    "databasechangeloglock": "Liquibase",
    "django_migrations": "Django",
    "doctrine_migration_versions": "Doctrine",
    "flyway_schema_history": "Flyway",
    "goose_db_version": "goose",
    "knex_migrations": "Knex",
    "knex_migrations_lock": "Knex",
    "phinxlog": "Phinx",
    "schema_migrations": "Rails, or another tool that notes its migrations there",
    "sequelizemeta": "Sequelize",
    "yoyo_lock": "yoyo",
}
"""The tools, by their tables in lower case."""
WHY = "of {}; stop its migrations before the first revision of Alembic runs"


class History(NamedTuple):
    """A table of another tool for migrations.

    Attributes:
        schema: its schema, or None for the default one.
        table: its name.
        tool: the tool.
    """

    schema: str | None
    table: str
    tool: str

    @property
    def advice(self) -> str:
        """Whose it is and what to do, in the middle of a sentence."""
        return WHY.format(self.tool)


def histories(tables: Iterable[tuple[str | None, str]]) -> Iterator[History]:
    """Yield those of some tables in which other tools note what they have done.

    Arguments:
        tables: the schema, None for the default one, and the name of each table.
    """
    for schema, table in tables:
        if tool := OWNERS.get(table.lower()):
            yield History(schema, table, tool)
