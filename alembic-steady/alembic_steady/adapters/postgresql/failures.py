"""Why there is no connection to PostgreSQL."""

from __future__ import annotations

import re

# In English, of the server and of PgBouncer; the driver does not tell the error's code.
MISSING = re.compile('database ".*" does not exist|no such database')
# What libpq says if nothing has answered; everything else comes from a server, or from libpq
# itself after one has answered or before any was asked.
SILENT = re.compile(
    r"Is the server running|Connection refused|timeout expired"
    r"|could not translate host name|\[Errno -?\d+\]"
)
HEADING = "All failures were:"  # psycopg's, before a list of all addresses
STATEMENT_MODE = "transaction blocks not allowed in statement pooling mode"
OTHER_MODE = (
    "; set pool_mode = transaction, or connect to the server without the pooler"
)


def cause(error: BaseException) -> tuple[bool, str]:
    """Return whether a server may have answered, and why there is no connection."""
    # There is a line for each address of the host, which may be continued; prefer the one of
    # a server that answered.
    message = str(getattr(error, "orig", error)).strip()
    lines = [it for it in re.split(r"\n(?!\t)", message) if not it.endswith(HEADING)]
    told = [line for line in lines if not SILENT.search(line)]
    line = [*told, *lines][0].rpartition("failed: ")[2].partition("\n")[0]
    line = line.removeprefix("connection is bad: ").removeprefix("FATAL:").strip()
    return bool(told), line + (OTHER_MODE if line == STATEMENT_MODE else "")


def says_missing(error: BaseException) -> bool:
    """Return whether the error says that there is no such database."""
    return bool(MISSING.search(cause(error)[1]))
