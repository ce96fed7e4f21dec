"""Files of SQL beside a revision: statements with a line between them that a person can see.

A statement may contain semicolons, as functions do. So statements are separated by a line of
their own, which is a comment to all databases and their shells.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from alembic import op

from alembic_steady.adapters import adapter_for

SEPARATOR = re.compile(r"^-- ;;+(?=\r?$)", re.MULTILINE)
COMMENTS = re.compile(r"(?:\s|--[^\n]*(?:\n|\Z))*")


def execute_file(path: Path | str) -> None:
    """Run the statements of a file, each as it is written, without parameters.

    A line that consists of `-- ;;` stands before each statement.

    Arguments:
        path: the file, such as `Path(__file__).with_suffix(".sql")`.

    Raises:
        OSError: the file cannot be read.
        sqlalchemy.exc.DBAPIError: the database refuses a statement.
    """
    migration = op.get_context()
    statements = read(Path(path))
    adapter = adapter_for(migration.dialect.name)
    if migration.as_sql:
        for statement in statements:
            migration.impl.static_output(f"{adapter.printed(ended(statement))}\n")
        return
    adapter.execute_all(migration, statements)


def parse(text: str) -> list[str]:
    """Return the statements of a file, without the comments and blanks before the first.

    Arguments:
        text: the content. The first line that consists of `-- ;;`, with as many further
            semicolons as the file needs, is the separator.
    """
    found = SEPARATOR.search(text)
    if found is None:
        parts = [text]
    else:
        # Written with line feeds. If they are none any more, all the text was converted.
        if text[found.end() :].startswith("\r"):
            text = text.replace("\r\n", "\n")
        parts = re.split(rf"^{re.escape(found[0])}$", text, flags=re.MULTILINE)[1:]
    return [
        part.strip().removesuffix(";").rstrip()
        for part in parts
        if not COMMENTS.fullmatch(part)
    ]


def ended(statement: str) -> str:
    """Return a statement with a semicolon, which is not in a comment at its end."""
    last = statement.rpartition("\n")[2]
    return f"{statement}\n;" if "--" in last or "#" in last else f"{statement};"


def render(head: str, statements: Iterable[str]) -> str:
    """Return the content of a file.

    Arguments:
        head: what stands before the first statement, in lines that begin with `--`.
        statements: the statements, each without a semicolon at its end.
    """
    told = [*statements]
    separator = "-- ;;"
    while any(
        re.search(rf"^{separator}\r?$", statement, re.MULTILINE) for statement in told
    ):
        separator += ";"
    return head + "".join(f"\n{separator}\n{ended(statement)}\n" for statement in told)


def read(path: Path) -> list[str]:
    """Return the statements of a file; see `parse`."""
    # A carriage return in the body of a function belongs to it.
    with path.open(encoding="utf-8-sig", newline="") as file:
        return parse(file.read())
