"""Details that Alembic logs, and warnings that are no longer true, in a comparison."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

LOGGED = {"alembic.runtime": logging.WARNING, "alembic.ddl": logging.ERROR}
"""What the loggers have to say at least, which else tell of each context and expression."""
COMPARING = [
    logging.getLogger(f"alembic.autogenerate.compare.{what}")
    for what in ("types", "constraints")
]
LOGGED_OF_SOLVED = ("Couldn't determine database type", "Cannot compare index")
SOLVED = (
    "Skipped unsupported reflection of expression-based index",
    "autogenerate skipping metadata-specified expression-based index",
    "Cannot correctly sort tables",
    "Unnamed CHECK constraint",
    "Autogenerate rendered a drop_constraint",
    "autoincrement and existing_autoincrement only make sense for MySQL",
    "Computed column",
    "Did not recognize type",
    "Can't validate argument",
    "Expression #",
)
"""How warnings begin of what the comparison of descriptions sees and solves."""


@contextmanager
def without_details() -> Iterator[None]:
    """Log no details about the many contexts, but still what autogenerate finds."""
    loggers = {logging.getLogger(name): level for name, level in LOGGED.items()}
    before = {logger: logger.level for logger in loggers}
    for logger, level in loggers.items():
        logger.setLevel(level)
    for logger in COMPARING:
        logger.addFilter(_is_told)
    try:
        with warnings.catch_warnings():
            for start in SOLVED:
                warnings.filterwarnings("ignore", start)
            yield
    finally:
        for logger in COMPARING:
            logger.removeFilter(_is_told)
        for logger, level in before.items():
            logger.setLevel(level)


def _is_told(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(LOGGED_OF_SOLVED)
