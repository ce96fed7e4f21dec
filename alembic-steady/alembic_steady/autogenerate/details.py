"""Details that Alembic logs for each of the many contexts that a comparison needs."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

LOGGER = "alembic.runtime"


@contextmanager
def without_details() -> Iterator[None]:
    """Log no details about contexts and plugins, but still what autogenerate finds."""
    logger = logging.getLogger(LOGGER)
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)
