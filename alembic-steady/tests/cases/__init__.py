"""What autogenerate has to get right: models before and after, as data.

All that a case makes in the database is called as the case itself, with or without more
letters after an underscore: its tables, indexes, constraints, enums and functions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import indent
from typing import Any

Rows = Mapping[str, Sequence[Mapping[str, Any]]]
"""Rows of tables, by name, each with the values of some columns; each table has an `id`."""

FORTH, BACK = "forth", "back"
"""From the models before to those after, and from those after to those before."""


@dataclass(frozen=True)
class Case:
    """One change of the models.

    Attributes:
        name: a name that no name of another case begins with.
        models: the source of the models before, and that of the models after; `Base`,
            `sa` and the dialects are there.
        imports: the lines that import what else the models need.
        is_named: whether `Base` has the naming convention of a generated repository.
        history: statements that a revision runs before there are any models.
        between: statements that a revision runs between the models before and after.
        undo: the statements of its downgrade.
        rows: what is in the tables before the revision, and what has to be in them after
            it; the other way round if the models change back.
        rows_back: the same for the models after and before, where it differs.
        answers: for a query, the value in a database of the models before, and after.
        writes: what stands in the part of the new revision that is about the case.
        never: what stands in no revision in the part that is about the case.
        is_silent: whether the new revision must not mention the case.
        says: words in one line of what is printed when the new revision is written.
        refused: words in the one line that says why the revision isn't written; None if
            it has to be written.
        may_be_refused: whether that line is as good as a revision.
        group: the cases with which alone it shares a project, where it can't do with all.
        ways: the ways in which the models change.
        families: the families of databases that it is for.
        origin: the PostgreSQL that it needs: the `system`'s, or that of the `wheel`.
    """

    name: str
    models: tuple[str, str]
    imports: str = ""
    is_named: bool = False
    history: Sequence[str] = ()
    between: Sequence[str] = ()
    undo: Sequence[str] = ()
    rows: tuple[Rows, Rows] = field(default=({}, {}))
    rows_back: tuple[Rows, Rows] | None = None
    answers: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    writes: Sequence[str] = ()
    never: Sequence[str] = ()
    is_silent: bool = False
    says: Sequence[str] = ()
    refused: Sequence[str] | None = None
    may_be_refused: bool = False
    group: str = ""
    ways: Sequence[str] = (FORTH, BACK)
    families: Sequence[str] = ("sqlite", "postgresql", "mysql")
    origin: str = ""

    def rows_on(self, way: str) -> tuple[Rows, Rows]:
        """Return the rows to insert before the change, and those to find after it."""
        if way == FORTH:
            return self.rows
        before, after = self.rows
        return self.rows_back or (after, before)


def table(
    name: str,
    before: str,
    after: str,
    *,
    helpers: str = "",
    helpers_after: str | None = None,
    rows: Sequence[Mapping[str, Any]] = ({"id": 1},),
    kept: Sequence[Mapping[str, Any]] | None = None,
    rows_back: Sequence[Mapping[str, Any]] | None = None,
    kept_back: Sequence[Mapping[str, Any]] | None = None,
    **more: Any,
) -> Case:
    """Return a case of one table, which has a key `id` and what changes.

    Arguments:
        name: the name of the case and of the table.
        before: the arguments of `sa.Table` after the key, in the models before.
        after: the same in the models after.
        helpers: what the models before define besides, such as types.
        helpers_after: the same for the models after, unless it is the same.
        rows: the rows of the table before.
        kept: what has to be found afterwards, unless it is the same.
        rows_back: the rows of the table of the models after, unless they are `kept`.
        kept_back: what has to be found when these become the models before, unless that
            is `rows`.
        more: further arguments of `Case`.
    """
    kept = rows if kept is None else kept
    back = (
        {name: kept if rows_back is None else rows_back},
        {name: rows if kept_back is None else kept_back},
    )
    definitions = helpers, helpers if helpers_after is None else helpers_after
    models = [
        f"{defined}\n\n{_table(name, arguments)}"
        for defined, arguments in zip(definitions, (before, after), strict=True)
    ]
    told = {name: rows}, {name: kept}
    return Case(name, (models[0], models[1]), rows=told, rows_back=back, **more)


def models(
    name: str,
    before: str,
    after: str,
    *,
    rows: Rows | None = None,
    kept: Rows | None = None,
    **more: Any,
) -> Case:
    """Return a case of any models.

    Arguments:
        name: the name of the case.
        before: the source of the models before.
        after: the source of the models after.
        rows: the rows of the tables before.
        kept: what has to be found afterwards, unless it is the same.
        more: further arguments of `Case`.
    """
    rows = rows or {}
    return Case(
        name, (before, after), rows=(rows, rows if kept is None else kept), **more
    )


def _table(name: str, arguments: str) -> str:
    arguments = arguments.strip().rstrip(",")
    parts = [
        f'"{name}"',
        "Base.metadata",
        *(
            []
            if 'sa.Column("id"' in arguments
            else ['sa.Column("id", sa.Integer, primary_key=True)']
        ),
        *([arguments] if arguments else []),
    ]
    return (
        "sa.Table(\n" + "".join(indent(f"{part},\n", "    ") for part in parts) + ")\n"
    )
