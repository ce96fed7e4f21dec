"""Why there is no connection to MySQL or MariaDB."""

from __future__ import annotations

import re

UNKNOWN_DATABASE = 1049


def cause(error: BaseException) -> tuple[bool, str]:
    """Return whether a server answered, and why there is no connection."""
    reason = getattr(error, "orig", error)
    code, message = reason.args if len(reason.args) == 2 else (0, str(reason))
    if not 2000 <= code < 3000:  # the range of client errors
        return True, message
    system = re.search(r"\[Errno -?\d+\] (.+?)\)", message)
    return False, system[1] if system else message


def says_missing(error: BaseException) -> bool:
    """Return whether the error says that there is no such database."""
    reason = getattr(error, "orig", error)
    return reason.args[:1] == (UNKNOWN_DATABASE,)
