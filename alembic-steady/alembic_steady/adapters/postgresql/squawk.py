"""Lints the SQL of revisions with squawk for what would block or break a service."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
from collections import defaultdict
from collections.abc import Container
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from alembic_steady import history

COMMENT = re.compile("# *squawk-ignore(.*)")
FINDING = re.compile(r"(?m)^(.+?:\d+):\d+: \w+: ([\w-]+)")
"""A file and a line, and a rule."""
HELPERS = {
    "adding-foreign-key-constraint": "add_foreign_key",
    "disallowed-unique-constraint": "add_unique",
    "adding-not-nullable-field": "set_not_null",
    "require-concurrent-index-creation": "create_index",
    "require-concurrent-index-deletion": "drop_index",
    "constraint-missing-not-valid": "add_check",
}
"""What does the same without a finding, for each rule; the last is the most general one."""
USE = " Use alembic_steady.{}."
HINT = """
To accept a finding, add a comment to its revision that says why it does no harm:
# squawk-ignore <rule>: <reason>"""


def program() -> str | None:
    """Return squawk, which is installed where alembic is, or None."""
    return shutil.which("squawk", path=sysconfig.get_path("scripts"))


def check(config: Config, only: Container[str] | None = None) -> int:
    """Print what squawk finds in the SQL of each revision, and return its exit code.

    Arguments:
        config: Alembic's configuration; squawk reads `.squawk.toml` next to its ini file.
        only: the revisions to lint; all by default.

    Raises:
        CommandError: squawk is not installed, or a finding is accepted without a reason.
    """
    found = program()
    if found is None:
        raise CommandError(
            "squawk is not installed: run uv sync or pip install squawk-cli"
        )
    rules = Path(str(config.config_file_name)).resolve().parent / ".squawk.toml"
    arguments = ["--config", str(rules)] if rules.exists() else []
    # squawk expands the pattern; all names of a long history may not fit a command line.
    arguments += ["--no-error-on-unmatched-pattern", "*.sql"]
    with TemporaryDirectory() as folder:
        _write_sql(config, Path(folder), only)
        lint = partial(subprocess.run, cwd=folder, check=False, encoding="utf-8")
        done = lint([found, "--reporter", "gcc", *arguments], capture_output=True)
        if sys.stdout.isatty():  # It shows each statement there.
            lint([found, *arguments])
    sys.stderr.write(done.stderr)
    _tell(done.stdout, is_shown=sys.stdout.isatty())
    if done.returncode:
        print(HINT)
    return done.returncode


def _tell(found: str, *, is_shown: bool) -> None:
    """Print findings with the helper that does the same without them, if there is one.

    Arguments:
        found: the findings, a line each, as compilers write them.
        is_shown: whether they stand there already.
    """
    rules: dict[str, set[str]] = defaultdict(set)
    for place, rule in FINDING.findall(found):
        rules[place].add(rule)
    for line in found.splitlines():
        match, use = FINDING.match(line), ""
        if match and match[2] in HELPERS:
            # A unique constraint is not NOT VALID either, but has a rule of its own.
            best = next(it for it in HELPERS if it in rules[match[1]])
            use = USE.format(HELPERS[best])
        if not is_shown:
            print(f"{line}{use}")
        elif match and use:
            print(f"{match[1]}: {match[2]}:{use}")


def _write_sql(config: Config, folder: Path, only: Container[str] | None) -> None:
    """Write the SQL of each revision to a file of the same name."""
    scripts = ScriptDirectory.from_config(config)
    for revision, sql in history.by_revision(config).items():
        if only is not None and revision not in only:
            continue
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
