"""Details that Alembic logs, and warnings that are no longer true, in a comparison."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

LOGGER = "alembic.runtime"
SOLVED = (
    "Skipped unsupported reflection of expression-based index",
    "autogenerate skipping metadata-specified expression-based index",
    "Cannot correctly sort tables",
    "Unnamed CHECK constraint",
    "Autogenerate rendered a drop_constraint",
    "autoincrement and existing_autoincrement only make sense for MySQL",
    "Computed column",
)
"""How warnings begin of what the comparison of descriptions sees and solves."""


@contextmanager
def without_details() -> Iterator[None]:
    """Log no details about the many contexts, but still what autogenerate finds."""
    logger = logging.getLogger(LOGGER)
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            for start in SOLVED:
                warnings.filterwarnings("ignore", start)
            yield
    finally:
        logger.setLevel(before)
