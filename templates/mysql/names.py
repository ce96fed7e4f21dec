def _steps(connection: Connection, table: Table, pairs: list[Any]) -> Iterator[Step]:
    prepare: Any = connection.dialect.identifier_preparer
    for old, new in pairs:
        if isinstance(old, Index):  # Unique constraints are indexes here.
            start = f"ALTER TABLE {prepare.format_table(table)} RENAME INDEX "
            yield _step(start, " TO ", *map(prepare.format_constraint, (old, new)))
        else:
            drop = ops.DropConstraintOp.from_constraint(old)
            add = ops.AddConstraintOp.from_constraint(new)
            yield from ((drop, drop.reverse()), (add, add.reverse()))


def of_computed(old: Column[Any], new: Column[Any]) -> Step:
    """Rename a column that Alembic can't describe again, as its statement needs."""
    prepare: Any = mysql.dialect().identifier_preparer
    start = f"ALTER TABLE {prepare.format_table(old.table)} RENAME COLUMN "
    return _step(start, " TO ", prepare.quote(old.name), prepare.quote(new.name))


{% include "name_step.py" %}
