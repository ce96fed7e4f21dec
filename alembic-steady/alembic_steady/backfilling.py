"""New values for many rows, a batch at a time.

One UPDATE of a large table locks its rows until its end, and loses all work if it fails. Here
each batch commits by itself. Which rows are left to do is said by the condition alone, so a
revision whose run has failed goes on where it was.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError
from sqlalchemy import Connection, Table, TextClause, text

from alembic_steady.operations import plain_preparer

SECONDS = 5
"""How long at least nothing is printed of how far it is."""
AFTER, UPTO = "steady_after_{}_", "steady_upto_{}_"
"""The names of parameters for the keys between which a batch is."""
NO_KEY = "backfill needs a primary key, which table {} does not have"


def backfill(
    table_name: str,
    values: Mapping[str, str],
    *,
    where: str,
    schema: str | None = None,
    batch: int = 1_000,
) -> None:
    """Set columns of all rows that meet a condition, in the order of the primary key.

    Arguments:
        table_name: the table.
        values: the expression in SQL for each column.
        where: the condition in SQL, which a row has to fail once it is done, such as
            "full_name IS NULL".
        schema: the schema of the table, if it is not the default one.
        batch: how many rows are changed and committed at once; on SQLite, on which a run is
            one transaction, all are.

    Raises:
        CommandError: the table has no primary key.
    """
    migration = op.get_context()
    preparer = plain_preparer(migration)
    place = preparer.format_table(Table(table_name, sa.MetaData(), schema=schema))
    sets = ", ".join(f"{preparer.quote(name)} = {it}" for name, it in values.items())
    update = f"UPDATE {place} SET {sets} WHERE ({where})"
    if migration.as_sql or migration.dialect.name == "sqlite":
        op.execute(_plain(update))
        return
    found = sa.inspect(op.get_bind()).get_pk_constraint(table_name, schema)
    if not found["constrained_columns"]:
        raise CommandError(NO_KEY.format(table_name))
    key = [preparer.quote(it) for it in found["constrained_columns"]]
    with migration.autocommit_block():
        _in_batches(op.get_bind(), place, update, where, key, batch)


def _in_batches(
    connection: Connection,
    place: str,
    update: str,
    where: str,
    key: Sequence[str],
    batch: int,
) -> None:
    columns = ", ".join(key)
    later = f"({columns}) > ({_parameters(AFTER, key)})"
    till = f"({columns}) <= ({_parameters(UPTO, key)})"
    order = f"ORDER BY {columns} LIMIT 1 OFFSET {batch - 1}"
    done, told = 0, time.monotonic()
    begin: dict[str, Any] = {}
    while True:
        after = f" AND {later}" if begin else ""
        rows = f"FROM {place} WHERE ({where}){after}"
        last = connection.execute(
            _plain(f"SELECT {columns} {rows} {order}", begin), begin
        ).one_or_none()
        end = {UPTO.format(number): it for number, it in enumerate(last or ())}
        upto = f" AND {till}" if end else ""
        bound = begin | end
        changed = connection.execute(_plain(f"{update}{after}{upto}", bound), bound)
        done += changed.rowcount
        if time.monotonic() - told > SECONDS:
            told = time.monotonic()
            # The line of the revision is open until its time is known.
            line = f"\n    {place}: {done:,} rows"
            print(line, end=" ", file=sys.stderr, flush=True)
        if last is None:
            return
        begin = {AFTER.format(number): it for number, it in enumerate(last)}


def _parameters(name: str, key: Sequence[str]) -> str:
    return ", ".join(f":{name.format(number)}" for number, _ in enumerate(key))


def _plain(sql: str, bound: Mapping[str, Any] | None = None) -> TextClause:
    """Return SQL in which only our own names of parameters are parameters."""
    escaped = sql.replace(":", r"\:")
    for name in bound or ():
        escaped = escaped.replace(rf"\:{name}", f":{name}")
    return text(escaped)
