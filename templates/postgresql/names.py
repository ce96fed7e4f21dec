def _steps(connection: Connection, table: Table, pairs: list[Any]) -> Iterator[Step]:
    prepare: Any = connection.dialect.identifier_preparer
    for old, new in pairs:
        names = map(prepare.format_constraint, (old, new))
        if isinstance(old, Index):
            yield _step(f"ALTER INDEX {_place(prepare, table)}", " RENAME TO ", *names)
        else:
            start = f"ALTER TABLE {prepare.format_table(table)} RENAME CONSTRAINT "
            yield _step(start, " TO ", *names)


def _sequences(connection: Connection, old: Any, new: Any) -> Iterator[Step]:
    # The server names a column's own sequence after the table and the column.
    prepare = connection.dialect.identifier_preparer
    columns = [(old, new)]
    if isinstance(old, Table):
        kept = sorted({*old.columns.keys()} & {*new.columns.keys()})
        columns = [(old.columns[name], new.columns[name]) for name in kept]
    for before, after in columns:
        was, now = (
            prepare.quote(f"{column.table.name}_{column.name}_seq")
            for column in (before, after)
        )
        table = prepare.format_table(after.table)
        own = connection.scalar(func.pg_get_serial_sequence(table, after.name))
        if own and own.endswith(f".{was}"):
            start = f"ALTER SEQUENCE {_place(prepare, after.table)}"
            yield _step(start, " RENAME TO ", was, now)


def _place(prepare: Any, table: Table) -> str:
    return f"{prepare.quote_schema(table.schema)}." if table.schema else ""


{% include "name_step.py" %}
