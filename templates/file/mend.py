"""What Alembic loses of a table that it rebuilds, and SQLAlchemy of a computed column."""

import re
from typing import Any

from alembic.ddl.sqlite import SQLiteImpl
from sqlalchemy import Connection, Table, event, text

BESIDE = "SELECT name, sql FROM sqlite_master WHERE type <> 'table' AND tbl_name = ?"


class RebuildingImpl(SQLiteImpl):
    """Alembic's way with the database, which takes this place by being defined."""

    __dialect__ = "sqlite"
    connection: Connection

    def prep_table_for_batch(self, batch_impl: Any, table: Table) -> None:
        """Remember what goes with the old table, before the new one is made."""
        for column in table.columns:
            if column.computed is not None:
                # It is computed again, and takes no value.
                batch_impl.column_transfers.get(column.name, {}).pop("expr", None)
        gone = {index.name for index in table.indexes} - {*batch_impl.indexes}
        if any(name != column.name for name, column in batch_impl.columns.items()):
            gone |= {*batch_impl.indexes}  # Alembic makes them, with the new name.
        else:
            batch_impl.indexes.clear()
        rows = self.connection.exec_driver_sql(BESIDE, (table.name,)).all()
        self.beside = [sql for name, sql in rows if sql and name not in gone]

    def rename_table(
        self, old_table_name: str, new_table_name: Any, schema: Any = None
    ) -> None:
        """Rename a table. One that is rebuilt gets its indexes and triggers back."""
        if not old_table_name.startswith("_alembic_tmp_"):
            super().rename_table(old_table_name, new_table_name, schema)
            return
        # Views and other triggers name a table that is not there at this moment.
        self._exec("PRAGMA legacy_alter_table = ON")
        try:
            super().rename_table(old_table_name, new_table_name, schema)
        finally:
            self._exec("PRAGMA legacy_alter_table = OFF")
        for statement in self.beside:
            self.connection.exec_driver_sql(statement)


@event.listens_for(Table, "column_reflect")
def _read_computed(inspector: Any, table: Table, column: Any) -> None:
    # SQLAlchemy finds no expression after a type with a comma, such as NUMERIC(12, 4).
    if column.get("computed", {}).get("sqltext") == "":
        query = text("SELECT sql FROM sqlite_master WHERE name = :name")
        sql = inspector.bind.scalar(query, {"name": table.name})
        found = re.search(rf"{re.escape(column['name'])}\W.* AS \((.*)\)", sql)
        column["computed"]["sqltext"] = found[1] if found else ""
