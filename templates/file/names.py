def _steps(_connection: Connection, table: Table, pairs: list[Any]) -> Iterator[Step]:
    changes = ops.ModifyTableOps(table.name, [])
    for old, new in pairs:
        if isinstance(old, Index):
            changes.ops.append(ops.DropIndexOp.from_index(old))
            changes.ops.append(ops.CreateIndexOp.from_index(new))
        else:
            changes.ops.append(ops.DropConstraintOp.from_constraint(old))
            changes.ops.append(ops.AddConstraintOp.from_constraint(new))
    if pairs:
        yield changes, changes.reverse()
