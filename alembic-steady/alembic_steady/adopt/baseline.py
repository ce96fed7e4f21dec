"""The baseline: the first revision, which builds what was there when it was adopted."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError, rev_id

from alembic_steady import history, sql_file
from alembic_steady.adapters.dump import Dump
from alembic_steady.adopt.files import Undo, replace

MESSAGE = "baseline"
IMPORTS = "from pathlib import Path\n\nfrom alembic_steady import execute_file"
UNUSED = ("import sqlalchemy as sa\n", "from alembic import op\n")
UPGRADE = 'execute_file(Path(__file__).with_suffix(".sql"))'
DOWNGRADE = 'raise NotImplementedError("the history begins with what was there")'
HEAD = """\
-- What was in the database when this history began, as the database says it.
-- {name} runs it: each statement stands behind a line of its own.
"""
LEFT_OUT = "--\n-- Left out:\n"


def write(
    scripts: ScriptDirectory,
    dumped: Dump,
    left_out: Sequence[str],
    message: str = MESSAGE,
    head: str = HEAD,
    revision_id: str | None = None,
) -> list[Path]:
    """Write the revision and, beside it, the statements, and return the two files.

    Arguments:
        scripts: the project's revisions.
        dumped: the statements.
        left_out: what they do not build, a line each.
        message: what the revision is called.
        head: what stands at the head of the statements, in which `{name}` is the revision.
        revision_id: its id; a new one by default.

    Raises:
        CommandError: a hook that the project runs on new revisions has failed. Then there is
            neither file.
    """
    before = _files(scripts)
    quiet, scripts.messaging_opts = scripts.messaging_opts, {"quiet": True}
    written: list[Path] = []
    try:
        with redirect_stdout(StringIO()):  # Alembic tells of each hook.
            script: Any = scripts.generate_revision(
                revision_id or rev_id(),
                message,
                head="base",
                imports=IMPORTS,
                upgrades=UPGRADE,
                downgrades=DOWNGRADE,
            )
        revision = Path(script.path)
        _without_unused(revision)
        statements = revision.with_suffix(".sql")
        written = [revision, statements]
        told = head.format(name=revision.name) + _comment(left_out)
        text = sql_file.render(told, dumped.statements())
        statements.write_text(text, "utf-8", newline="\n")
    except BaseException:
        for file in {*written, *(_files(scripts) - before)}:
            file.unlink(missing_ok=True)
        raise
    finally:
        scripts.messaging_opts = quiet
    return written


def _without_unused(revision: Path) -> None:
    """Remove what the project's template imports for operations, of which there are none."""
    text = revision.read_text("utf-8")
    for line in UNUSED:
        text = text.replace(line, "", 1)
    revision.write_text(text, "utf-8", newline="\n")


def _files(scripts: ScriptDirectory) -> set[Path]:
    return {*Path(scripts.versions).glob("*.py")}


def note(revision: Path, left_out: Sequence[str]) -> None:
    """Write at the head of a revision that autogenerate has written what it leaves out.

    Arguments:
        revision: the file.
        left_out: what it does not build, a line each.
    """
    lines = "".join(f"#   {' '.join(line.split())}\n" for line in left_out)
    text = revision.read_text("utf-8")
    revision.write_text(f"# Left out:\n{lines}{text}", "utf-8", newline="\n")


def _comment(left_out: Sequence[str]) -> str:
    lines = [" ".join(line.split()) for line in left_out]
    return LEFT_OUT + "".join(f"--   {line}\n" for line in lines) if lines else ""


def limit_downgrades(
    config: Config, revision: str, undo: Undo, gone: Iterable[str] = ()
) -> Path | None:
    """Name the baseline in `pyproject.toml`, next to the ini file, as the lowest revision.

    So tests that go up and down end there.

    Arguments:
        config: Alembic's configuration.
        revision: the baseline.
        undo: gets the steps that undo this.
        gone: the revisions in place of which it is, which the file may name.

    Returns:
        The file, or None if there is none.

    Raises:
        CommandError: the file can't be changed.
    """
    if config.config_file_name is None:
        return None
    file = Path(config.config_file_name).resolve().with_name("pyproject.toml")
    if not file.is_file():
        return None
    text = file.read_text("utf-8")
    for name in (history.DOWNGRADE, history.SQL):
        for old in gone:
            text = text.replace(f'{name} = "{old}"', f'{name} = "{revision}"')
    line = f'{history.DOWNGRADE} = "{revision}"\n'
    header = re.search(rf"^\[tool\.{history.TABLE}\][ \t]*\n", text, re.MULTILINE)
    if line in text:
        changed = text
    elif header:
        end = header.end()
        changed = text[:end] + line + text[end:]
    else:
        changed = f"{text.rstrip()}\n\n[tool.{history.TABLE}]\n{line}"
    try:
        told = tomllib.loads(changed)["tool"][history.TABLE][history.DOWNGRADE]
    except (ValueError, LookupError, TypeError):
        told = None
    if told != revision:
        advice = history.advice(history.DOWNGRADE, revision)
        raise CommandError(f"{file} can't be changed: {advice}")
    replace(file, changed, undo)
    return file
