"""What the words say with which a database defines a part of a table."""

from __future__ import annotations

import re
from collections.abc import Iterator

from alembic_steady.adopt.calls import text

REFERENCES = {
    "ondelete": re.compile(r"(?i)\bON\s+DELETE\s+(SET \w+|NO ACTION|\w+)(\s*\(.*?\))?"),
    "onupdate": re.compile(r"(?i)\bON\s+UPDATE\s+(SET \w+|NO ACTION|\w+)"),
    "match": re.compile(r"(?i)\bMATCH\s+(\w+)"),
    "initially": re.compile(r"(?i)\bINITIALLY\s+(\w+)"),
}


def computed(said: str) -> str:
    """Return what computes a column, by the words with which it is created."""
    expression, kept = enclosed(said[said.index("(") :])
    kept = kept.strip().upper()
    persisted = {"STORED": True, "PERSISTENT": True, "VIRTUAL": False}.get(kept)
    more = "" if persisted is None else f", persisted={persisted}"
    return f"sa.Computed({text(expression)}{more})"


def actions(definition: str) -> dict[str, str]:
    """Return the options of a foreign key, by the words with which it is created."""
    behind = re.split(r"(?i)\bREFERENCES\b", definition, maxsplit=1)[-1]
    found = {}
    for name, pattern in REFERENCES.items():
        if match := pattern.search(behind):
            value = " ".join(filter(None, match.groups()))
            if value.upper() not in ("NO ACTION", "SIMPLE"):
                found[name] = repr(value)
    return found | deferrable(behind)


def deferrable(definition: str) -> dict[str, str]:
    """Return whether and how a constraint is checked at the end of a transaction."""
    told = definition.upper()
    if "DEFERRABLE" not in told or "NOT DEFERRABLE" in told:
        return {}
    initially = {"initially": "'DEFERRED'"} if "INITIALLY DEFERRED" in told else {}
    return {"deferrable": "True"} | initially


def enclosed(text: str) -> tuple[str, str]:
    """Return what stands in the parentheses that a text begins with, and what follows."""
    for place, sign, depth in _outside_strings(text):
        if sign in "()" and not depth:
            return text[1:place], text[place + 1 :]
    return text, ""


def elements(text: str) -> list[str]:
    """Cut a text at the commas outside of parentheses and strings."""
    found, start = [], 0
    for place, sign, depth in _outside_strings(text):
        if sign == "," and not depth:
            found.append(text[start:place].strip())
            start = place + 1
    return [*found, text[start:].strip()]


def _outside_strings(text: str) -> Iterator[tuple[int, str, int]]:
    """Yield the place of each sign, the sign, and how many parentheses are open after it."""
    depth, quote = 0, ""
    for place, sign in enumerate(text):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"`":
            quote = sign
        else:
            depth += (sign == "(") - (sign == ")")
            yield place, sign, depth
