"""Lints the SQL of revisions with squawk for what would block or break a service."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from alembic_steady import history

COMMENT = re.compile("# *squawk-ignore(.*)")
HINT = """
To accept a finding, add a comment to its revision that says why it does no harm:
# squawk-ignore <rule>: <reason>"""


def check(config: Config) -> int:
    """Print what squawk finds in the SQL of each revision, and return its exit code.

    Arguments:
        config: Alembic's configuration; squawk reads `.squawk.toml` next to its ini file.

    Raises:
        CommandError: squawk is not installed, or a finding is accepted without a reason.
    """
    program = shutil.which("squawk", path=sysconfig.get_path("scripts"))
    if program is None:
        raise CommandError(
            "squawk is not installed: run uv sync or pip install squawk-cli"
        )
    rules = Path(str(config.config_file_name)).resolve().parent / ".squawk.toml"
    arguments = ["--config", str(rules)] if rules.exists() else []
    if not sys.stdout.isatty():
        arguments += ["--reporter", "gcc"]
    # squawk expands the pattern; all names of a long history may not fit a command line.
    arguments += ["--no-error-on-unmatched-pattern", "*.sql"]
    with TemporaryDirectory() as folder:
        _write_sql(config, Path(folder))
        code = subprocess.run([program, *arguments], cwd=folder, check=False).returncode
    if code:
        print(HINT)
    return code


def _write_sql(config: Config, folder: Path) -> None:
    """Write the SQL of each revision to a file of the same name."""
    scripts = ScriptDirectory.from_config(config)
    _, *parts = history.STEP.split(history.as_sql(config))
    for revision, sql in zip(parts[::2], parts[1::2], strict=True):
        file = Path(scripts.get_revision(revision).path)
        lines = [f"-- squawk-ignore-file {rules}\n" for rules in _accepted(file)]
        target = folder / file.with_suffix(".sql").name
        target.write_text("".join([*lines, sql]), encoding="utf-8")


def _accepted(file: Path) -> list[str]:
    """Return the rules that comments in a revision accept."""
    accepted = []
    for text in COMMENT.findall(file.read_text(encoding="utf-8")):
        rules, _, reason = text.partition(":")
        if not rules.strip() or not reason.strip():
            raise CommandError(
                f"{file.name}: write # squawk-ignore <rule>: <reason>,"
                f" not # squawk-ignore{text}"
            )
        accepted.append(rules.strip())
    return accepted
