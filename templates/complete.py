    upgrade, downgrade = script.upgrade_ops, script.downgrade_ops
    # A foreign key of a cycle has to wait until both tables are there.
    for table in [op for op in upgrade.ops if isinstance(op, ops.CreateTableOp)]:
        parts: list[Any] = [*table.columns]
        table.columns = [it for it in parts if not getattr(it, "use_alter", False)]
        late = [it for it in parts if getattr(it, "use_alter", False)]
        upgrade.ops.extend(map(ops.CreateForeignKeyOp.from_constraint, late))
    upgrade.reverse_into(downgrade)
