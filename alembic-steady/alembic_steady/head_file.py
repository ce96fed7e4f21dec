"""The file that names the head, so that two branches with a new revision conflict in git.

A project has it where it wants that: it is kept if it is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from alembic.script import ScriptDirectory
from alembic.util import CommandError

from alembic_steady import hooks
from alembic_steady.git import repository, revisions

NAME = "head.txt"
BASE = "base"
SEVERAL = (
    "there are {} heads: {}. To put yours behind the others: steady rebase; to join them by"
    " a revision: alembic merge -m '…' {}"
)


def file(scripts: ScriptDirectory) -> Path:
    """Return the file, which stands next to env.py."""
    return Path(scripts.dir, NAME)


def lines(scripts: ScriptDirectory) -> str:
    """Return what the file has to say: each head with its name, or that there is none."""
    return _lines({it: scripts.get_revision(it).doc for it in scripts.get_heads()})


def _lines(heads: dict[str, str]) -> str:
    return "".join(f"{it} {heads[it]}\n" for it in sorted(heads)) or f"{BASE}\n"


def names(text: str) -> set[str]:
    """Return the heads that the file's text names."""
    return {line.split()[0] for line in text.splitlines() if line.strip()} - {BASE}


def write(scripts: ScriptDirectory) -> Path | None:
    """Write the file if it is there and says something else; return it then.

    Arguments:
        scripts: the revisions, as they are now.
    """
    target, text = file(scripts), lines(scripts)
    if not target.is_file() or target.read_text("utf-8") == text:
        return None
    target.write_text(text, "utf-8", newline="\n")
    return target


def keep(scripts: ScriptDirectory) -> None:
    """Let Alembic keep the file with each revision that it writes."""
    if file(scripts).is_file():
        hooks.append(scripts, lambda written: _add(scripts, written))


def _add(scripts: ScriptDirectory, written: Path) -> None:
    """Write the heads as they are with a file that Alembic has not loaded yet."""
    new = revisions.source(written.read_text("utf-8"))
    left = {*scripts.get_heads()}.difference(new.before)
    heads = {it: scripts.get_revision(it).doc for it in left}
    heads[new.revision] = new.message
    file(scripts).write_text(_lines(heads), "utf-8", newline="\n")


def refuse_several(scripts: ScriptDirectory) -> None:
    """Refuse to go on from more than one head.

    Raises:
        CommandError: there are several; the message says who made them, and both ways out.
    """
    heads = scripts.get_heads()
    if len(heads) > 1:
        raise CommandError(several(scripts, heads))


def several(scripts: ScriptDirectory, heads: Sequence[str]) -> str:
    """Say which heads there are, who made them and when, and both ways to one.

    Arguments:
        scripts: the revisions.
        heads: their heads.
    """
    here = repository.find(Path(scripts.dir))
    told = [revisions.told(here, scripts.get_revision(it)) for it in heads]
    return SEVERAL.format(len(heads), ", ".join(told), " ".join(heads))
