"""Why there is no connection to PostgreSQL."""

from __future__ import annotations

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
