"""What SQLAlchemy and Alembic get wrong about computed columns."""

import re
from typing import Any

from alembic.ddl.sqlite import SQLiteImpl
from sqlalchemy import Table, event, text


class ComputedImpl(SQLiteImpl):
    """Alembic's way with the database, which takes this place by being defined."""

    __dialect__ = "sqlite"

    def prep_table_for_batch(self, batch_impl: Any, table: Table) -> None:
        """Leave computed columns out of the rows that go into a rebuilt table."""
        for column in table.columns:
            if column.computed is not None:
                batch_impl.column_transfers[column.name].pop("expr", None)


@event.listens_for(Table, "column_reflect")
def _read_computed(inspector: Any, table: Table, column: Any) -> None:
    # SQLAlchemy finds no expression after a type with a comma, such as NUMERIC(12, 4).
    if column.get("computed", {}).get("sqltext") == "":
        query = text("SELECT sql FROM sqlite_master WHERE name = :name")
        sql = inspector.bind.scalar(query, {"name": table.name})
        found = re.search(rf"{re.escape(column['name'])}\W.* AS \((.*)\)", sql)
        column["computed"]["sqltext"] = found[1] if found else ""
