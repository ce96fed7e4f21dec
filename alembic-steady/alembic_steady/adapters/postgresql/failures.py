"""Why there is no connection to PostgreSQL."""

from __future__ import annotations

import re

# In English, of the server and of PgBouncer; the driver does not tell the error's code.
MISSING = re.compile('database ".*" does not exist|no such database')
ANSWERS = ("invalid", "session is", "server is")
"""How lines begin that report an answer, such as that of a standby: session is read-only."""


def cause(error: BaseException) -> tuple[bool, str]:
    """Return whether a server answered, and why there is no connection."""
    # There is a line for each address of the host; prefer the one of a server that answered.
    message = str(getattr(error, "orig", error))
    lines = [line.rpartition("failed: ")[2] for line in message.splitlines()]
    for line in lines:
        if "FATAL" in line or "password" in line or line.startswith(ANSWERS):
            return True, line.removeprefix("FATAL:").strip()
    return False, lines[0]


def says_missing(error: BaseException) -> bool:
    """Return whether the error says that there is no such database."""
    return bool(MISSING.search(cause(error)[1]))
