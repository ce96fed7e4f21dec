"""The statement that creates a table as it is described, which may be a mix of two."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy.dialects.sqlite import dialect

from alembic_steady.adapters.description import Description, Key, Part
from alembic_steady.adapters.sqlite.describe import (
    CONSTRAINTS,
    describe_table,
    enclosed,
    tokens,
    with_referred,
)

quote = dialect().identifier_preparer.quote


def statement(table: Key, description: Description) -> str:
    """Return the statement that creates a table as it is described.

    It is the stored one where that says the same. Otherwise parts of another description
    are to be kept: they have no place in it.

    Arguments:
        table: the key of the table.
        description: what the table has to be like.
    """
    sql = description[table].definition
    own = with_referred(
        {key: part for key, part in description.items() if key[:2] == table[:2]},
        description,
    )
    stored = with_referred(describe_table(table.table, sql), description)
    if all(
        key in own and key in stored and own[key].text == stored[key].text
        for key in {*own, *stored}
        if key.kind != "index"
    ):
        return sql
    found = tokens(sql)
    start = next(token for token in found if token.word == "(").start
    behind = sql[enclosed(found)[-1].end :].lstrip()
    # SQLAlchemy reads an expression up to the last parenthesis of its line.
    lines = ",\n\t".join(_definitions(own))
    return f"{sql[:start]}(\n\t{lines}\n{behind}"


def _definitions(parts: Description) -> Iterator[str]:
    """Yield how the columns and constraints of a table are written."""
    for key in parts:
        if key.kind != "column" or key.aspect:
            continue
        aspects = [
            parts.get(key._replace(aspect=aspect), Part("")).definition
            for aspect in ("type", "collation", "default", "nullable", "computed")
        ]
        words = ("", "COLLATE ", "DEFAULT ", "", "")
        told = [word + it for word, it in zip(words, aspects, strict=True) if it]
        yield " ".join([quote(key.name), *told])
    kinds = [kind for kind, _ in CONSTRAINTS.values()]
    for key, part in parts.items():
        if key.kind in kinds:
            is_counted = key.kind == "primary key" and _counts(parts)
            yield _counting(part.definition) if is_counted else part.definition


def _counts(parts: Description) -> bool:
    return any(key.aspect == "autoincrement" for key in parts)


def _counting(definition: str) -> str:
    """Return a primary key that never gives a number again."""
    end = next(token for token in tokens(definition) if token.word == ")").start
    return f"{definition[:end]} AUTOINCREMENT{definition[end:]}"
