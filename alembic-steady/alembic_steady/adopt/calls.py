"""Python, written: strings, dictionaries and calls."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

COLON = re.compile(r"(?<![:\w\\]):(?=\w)")


def text(sql: str) -> str:
    r"""Return some SQL as text() wants it, in which `:name` would be a parameter."""
    return repr(COLON.sub(r"\\:", sql))


def mapping(options: Mapping[str, str]) -> str:
    """Return a dictionary of texts of Python."""
    return "{" + ", ".join(f"{name!r}: {text}" for name, text in options.items()) + "}"


def listed(names: Iterable[str]) -> str:
    """Return some strings with commas between them."""
    return ", ".join(map(repr, names))


def call(name: str, arguments: Iterable[str], named: Mapping[str, str]) -> str:
    """Return a call, whose arguments are texts of Python."""
    told = [*arguments, *(f"{key}={value}" for key, value in named.items())]
    return f"{name}({', '.join(told)})"
