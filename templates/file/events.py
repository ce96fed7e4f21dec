def _prepare(connection: DBAPIConnection, _record: Any) -> None:
    # The sqlite3 module would begin transactions late, and savepoints would not nest.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
