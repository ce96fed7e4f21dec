"""Which revisions are mine and which are theirs, where two branches have added some."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError

from alembic_steady import x_arguments
from alembic_steady.git import revisions
from alembic_steady.git.repository import Repository

TRUNKS = ("origin/HEAD", "origin/main", "origin/master", "main", "master")
"""The branches that others start from, in the order in which they are looked for."""
REPLAYS = ("rebase-merge", "rebase-apply", "CHERRY_PICK_HEAD", "REVERT_HEAD")
"""What git keeps while it puts commits behind HEAD, so that HEAD is theirs."""
UNCLEAR = (
    "it is not clear which of these is yours: {}. Name the one that stays:"
    " steady -x onto={} rebase"
)
NO_HEAD = "-x onto={}: that is none of the heads, which are {}"


@dataclass(frozen=True)
class Sides:
    """The two histories that meet.

    Attributes:
        theirs: the head that stays.
        mine: the revisions that go behind it, oldest first.
    """

    theirs: str
    mine: list[Script]


def tell_apart(config: Config, scripts: ScriptDirectory, here: Repository) -> Sides:
    """Return which revisions go behind which.

    In a merge, mine are those of the branch that is checked out, unless that is the one
    from which others start; in a rebase, those that are put behind it; otherwise those that
    are not committed, or that the branch from which others start does not have.

    Raises:
        CommandError: that is not clear; the message says how to tell.
    """
    heads = scripts.get_heads()
    onto = next(x_arguments.told(config, "onto"), None)
    if onto is not None:
        chosen = [it for it in heads if onto and it.startswith(onto)]
        if len(chosen) != 1:
            raise CommandError(NO_HEAD.format(onto, ", ".join(heads)))
        return _sides(scripts, chosen[0], [it for it in heads if it not in chosen])
    for place in _places(here):
        known = revisions.ids(here, scripts, place)
        theirs = [it for it in heads if it in known]
        if len(theirs) == 1 and len(heads) == 2:
            return _sides(scripts, theirs[0], [it for it in heads if it not in known])
    told = ", ".join(revisions.told(here, scripts.get_revision(it)) for it in heads)
    raise CommandError(UNCLEAR.format(told, heads[0]))


def _places(here: Repository) -> Iterator[str]:
    """Yield commits that may have their revisions and not mine, the likeliest first."""
    trunks = [it for it in TRUNKS if here.commit(it)]
    if any(_is_there(here, name) for name in REPLAYS):
        yield "HEAD"
    elif here.commit("MERGE_HEAD"):
        names = here.lines("rev-parse", "--abbrev-ref", *trunks)
        is_trunk = here.branch() in {it.removeprefix("origin/") for it in names[:1]}
        yield "HEAD" if is_trunk else "MERGE_HEAD"
    else:
        yield "HEAD"  # Mine may not be committed.
        yield from trunks


def _is_there(here: Repository, name: str) -> bool:
    return (here.folder / here.line("rev-parse", "--git-path", name)).exists()


def _sides(scripts: ScriptDirectory, theirs: str, mine: list[str]) -> Sides:
    known = {it.revision for it in scripts.iterate_revisions(theirs, "base")}
    found: list[Script] = []
    for head in mine:
        found += [
            it
            for it in scripts.iterate_revisions(head, "base")
            if it.revision not in known and it not in found
        ]
    return Sides(theirs, found[::-1])
