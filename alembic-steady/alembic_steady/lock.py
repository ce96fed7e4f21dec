"""Waiting for the lock that allows only one run at a time to migrate a database."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from alembic import context
from alembic.util import CommandError

from alembic_steady import x_arguments

SECONDS = 300
PAUSE = 0.2
LOST = "the connection for the migration lock failed: "
UNSEEN = "its session cannot be seen"


def version_table() -> str:
    """Return the full name of the version table, since each one has its own lock."""
    migration = context.get_context()
    schema = migration.version_table_schema
    return f"{schema}.{migration.version_table}" if schema else migration.version_table


def wait(take: Callable[[], str]) -> None:
    """Try to take the lock until that succeeds, and print once what holds it.

    Arguments:
        take: tries to take the lock, and returns what holds it, or "" on success.

    Raises:
        CommandError: the lock was not free within 300 seconds, or those of
            `-x lock-timeout=…`; or the user has pressed Ctrl-C.
    """
    told = x_arguments.value("lock-timeout") or str(SECONDS)
    if not told.isdecimal():
        raise CommandError(f"-x lock-timeout={told}: give whole seconds, such as 60")
    seconds = int(told)
    end = time.monotonic() + seconds
    is_said = False
    try:
        while holder := take():
            if time.monotonic() >= end:
                longer = x_arguments.command(f"lock-timeout={seconds + 300}")
                reason = (
                    f"gave up after {seconds} s: {holder}; to wait longer: {longer}"
                )
                raise CommandError(reason)
            if not is_said:
                line = f"Waiting up to {seconds} s: {holder}"
                print(line, file=sys.stderr, flush=True)
                is_said = True
            time.sleep(PAUSE)
    except KeyboardInterrupt:
        if not x_arguments.is_command_line():
            raise
        raise CommandError("interrupted while waiting; nothing was changed") from None
