"""The database's file: open it for migrations, make it, say where it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic.util import CommandError
from sqlalchemy import URL, Connection, create_engine
from sqlalchemy.exc import DBAPIError

MISSING = "; python -m migrations create makes it"


def describe(url: URL) -> str:
    """Say which database a URL names."""
    return f"{url.drivername} at {url.database or ':memory:'}"


@contextmanager
def connect(url: URL) -> Iterator[Connection]:
    """Open a connection.

    Raises:
        CommandError: there is none to be had; the message is one line and says why.
    """
    # Foreign keys stay off here: changing a table means to rebuild it.
    engine = create_engine(url)
    try:
        connection = engine.connect()
    except DBAPIError as error:
        hint = "" if Path(str(url.database)).exists() else MISSING
        raise CommandError(f"{describe(url)}: {error.orig}{hint}") from None
    with connection:
        yield connection


def is_temporary(url: URL) -> bool:
    """Return whether a database is gone once nobody uses it."""
    return url.database in (None, "", ":memory:")


def create(url: URL) -> bool:
    """Make the database and return True, or return False where it is there already.

    Raises:
        CommandError: the file or its folder can't be made.
    """
    file = Path(str(url.database))
    if file.is_file():
        return False
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(exist_ok=False)
    except OSError as error:
        raise CommandError(f"{describe(url)}: {error.strerror}") from None
    return True
