"""The statements in a script of pg_dump, each with what the comment before it says of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

# What may contain a semicolon, or what looks like a comment or a command.
TOKEN = re.compile(
    r"""(?isx)
    (?P<comment> --[^\n]* )
    | (?P<block> /\* )
    | (?<![\w$]) e'(?:[^'\\]|''|\\.)*'
    | '[^']*'
    | "[^"]*"
    | (?<![\w$]) (?P<dollar> \$(?:[^\W\d]\w*)?\$ ) .*? (?P=dollar)
    | (?P<atomic> \bBEGIN\s+ATOMIC\b )
    | (?P<word> \b(?:CASE|END)\b )
    | (?P<sign> [();] )
    """
)
BLOCK = re.compile(r"/\*|\*/")
HEADER = re.compile(
    r"-- Name: (?P<name>.*); Type: (?P<kind>[^;]*); Schema: (?P<schema>.*); Owner:"
)
# A command of psql ends with its line.
COMMAND = re.compile(r"\s*\\[^\n]*")


class Header(NamedTuple):
    """What pg_dump says of the statements behind it, in names without their quotes.

    Attributes:
        kind: what they make, in capitals, such as "TABLE" or "FK CONSTRAINT".
        schema: the schema, or "-" for what is in none.
        name: the name; of a part of a table that of the table, a space, and its own.
    """

    kind: str
    schema: str
    name: str


NOTHING = Header("", "-", "")


def split(script: str) -> Iterator[tuple[Header, str]]:
    """Yield the statements of a script, without semicolons, each with the header before it.

    Comments between statements are left out, and psql's own commands.

    Arguments:
        script: what pg_dump has written, in which no string has an escape unless it says so.
    """
    header = NOTHING
    start = at = depth = atomic = 0
    is_begun = False
    while found := TOKEN.search(script, at):
        if not is_begun and (command := COMMAND.match(script, start)):
            start = at = command.end()
            continue
        # Comments come before a statement, or belong to it.
        is_comment = found["comment"] is not None or bool(found["block"])
        is_begun = is_begun or bool(script[start : found.start()].strip())
        at = _behind_block(script, found.end()) if found["block"] else found.end()
        if is_comment and not is_begun:
            header = _header(found[0]) or header
            start = at
        elif found["sign"] == ";" and not depth and not atomic:
            if is_begun:
                yield header, script[start : found.start()].strip()
            start, is_begun = at, False
        elif not is_comment:
            is_begun = True
            depth += {"(": 1, ")": -1}.get(found["sign"] or "", 0)
            atomic += _change(found["atomic"], found["word"], is_inside=atomic > 0)


def _header(comment: str) -> Header | None:
    found = HEADER.match(comment)
    return found and Header(found["kind"], found["schema"], found["name"])


def _change(atomic: str | None, word: str | None, *, is_inside: bool) -> int:
    """Return by how much a word changes the depth in the body of a function."""
    if atomic:
        return 1
    if not word or not is_inside:
        return 0
    return 1 if word.upper() == "CASE" else -1


def _behind_block(script: str, at: int) -> int:
    """Return where a comment ends, in which others may stand."""
    depth = 1
    while depth and (found := BLOCK.search(script, at)):
        depth += 1 if found[0] == "/*" else -1
        at = found.end()
    return at
