"""Why there is no connection to PostgreSQL."""

from __future__ import annotations


def cause(error: BaseException) -> tuple[bool, str]:
    """Say why there is no connection, and first whether anything answered at all."""
    # There is a line for each address that a host has; where a server speaks, it counts.
    message = str(getattr(error, "orig", error))
    lines = [line.rpartition("failed: ")[2] for line in message.splitlines()]
    for line in lines:
        if "FATAL" in line or "password" in line or line.startswith("invalid"):
            return True, line.removeprefix("FATAL:").strip()
    return False, lines[0]
