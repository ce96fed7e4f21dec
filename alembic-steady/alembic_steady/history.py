"""The history as a whole: printed as SQL, and how far back it can be printed and undone."""

from __future__ import annotations

import copy
import re
import tomllib
from io import StringIO
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError

STEP = re.compile("^-- Running upgrade .*-> (.+)$", re.MULTILINE)
"""What Alembic prints before the SQL of each revision."""
TABLE = "alembic-steady"
DOWNGRADE = "minimum_downgrade_revision"
SQL = "minimum_sql_revision"
ADVICE = 'write {} = "{}" under [tool.{}] in pyproject.toml'
OFFLINE = (
    "if the revision queries the database, do so under `if not context.is_offline_mode():`,"
    " with context from alembic"
)


def by_revision(config: Config, start: str | None = None) -> dict[str, str]:
    """Return the SQL of each revision; see `as_sql`."""
    _, *parts = STEP.split(as_sql(config, start))
    return dict(zip(parts[::2], parts[1::2], strict=True))


def as_sql(config: Config, start: str | None = None) -> str:
    """Return the SQL of the revisions, as `alembic upgrade base:heads --sql` prints it.

    It begins after the revision that `minimum_sql_revision` names.

    Arguments:
        config: Alembic's configuration of the project.
        start: the revision to begin after where no other is named.

    Raises:
        CommandError: a revision cannot be printed; the message names it.
    """
    printed = StringIO()
    to_buffer = copy.copy(config)
    to_buffer.output_buffer = printed
    start = limit(config, SQL) or start or "base"
    try:
        command.upgrade(to_buffer, f"{start}:heads", sql=True)
    except Exception as error:
        *_, revision = [None, *STEP.findall(printed.getvalue())]
        reason = f"could not print the SQL of {revision or 'the revisions'}"
        cause = " ".join(f"{type(error).__name__}: {error}".split())
        told = f"{reason}: {cause}; {OFFLINE}"
        if revision is not None:
            told += f", or {advice(SQL, revision)}"
        raise CommandError(told) from error
    return printed.getvalue()


def limit(config: Config, name: str) -> str | None:
    """Return the revision that `pyproject.toml`, next to the ini file, names as a limit."""
    ini = config.config_file_name
    file = Path(str(ini)).resolve().with_name("pyproject.toml")
    if ini is None or not file.is_file():
        return None
    tools = tomllib.loads(file.read_text("utf-8")).get("tool", {})
    revision = tools.get(TABLE, {}).get(name)
    return None if revision is None else str(revision)


def advice(name: str, revision: str) -> str:
    """Say how a revision is named as a limit, below which there is nothing to test."""
    return ADVICE.format(name, revision, TABLE)
