"""Why there is no connection to MySQL or MariaDB."""

from __future__ import annotations

import re
import ssl

SILENT = (2002, 2003, 2005)  # no socket, no connection, no such host
LOST = 2013
UNKNOWN_DATABASE = 1049


def cause(error: BaseException) -> tuple[bool, str]:
    """Return whether a server may have answered, and why there is no connection."""
    reason = getattr(error, "orig", error)
    if isinstance(error, (TypeError, ValueError, AttributeError, OSError)):
        return True, f"the driver refuses the URL ({type(error).__name__}: {error})"
    code, message = reason.args if len(reason.args) == 2 else (0, str(reason))
    # PyMySQL takes a certificate that it does not trust for a lack of connection.
    original = getattr(reason, "original_exception", None)
    if isinstance(original, ssl.SSLError):
        return True, str(original)
    is_silent = code in SILENT or (code == LOST and "timed out" in message)
    system = re.search(r"\[Errno -?\d+\] (.+?)\)", message)
    return not is_silent, system[1] if system else message


def says_missing(error: BaseException) -> bool:
    """Return whether the error says that there is no such database."""
    reason = getattr(error, "orig", error)
    return reason.args[:1] == (UNKNOWN_DATABASE,)
