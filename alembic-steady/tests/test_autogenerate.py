"""What autogenerate writes for the models of `cases`, on each family of databases."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations
from pathlib import Path

import cases.all
import cases.mysql
import cases.postgresql
import cases.sqlite
import pytest
from bundles import Bundles
from cases import BACK, Case
from filelock import FileLock

from tests import servers
from tests.conftest import TOOLS

CASES = [
    *cases.all.CASES,
    *cases.sqlite.CASES,
    *cases.postgresql.CASES,
    *cases.mysql.CASES,
]
FAMILIES = ("sqlite", "postgresql", "mysql")
AT_ONCE = 25
"""The number of cases in a bundle: to look at all tables after each step takes time, too."""
Tried = tuple[str, Case, str]
"""A family of databases, a case, and the way in which its models change."""
TRIED: list[Tried] = [
    (family, case, way)
    for family in FAMILIES
    for case in CASES
    if family in case.families
    for way in case.ways
]


def is_first(tried: Tried) -> bool:
    """Return whether a case is tried in a short run: on one family, and forth."""
    family, case, way = tried
    number = CASES.index(case) % len(case.families)
    return way != BACK and family == sorted(case.families)[number]


def bundled(*, is_single: bool, is_short: bool) -> dict[str, list[Tried]]:
    """Return the bundles in which cases are tried, by name.

    Arguments:
        is_single: whether each case is tried alone.
        is_short: whether cases are tried on one family alone.
    """
    kinds: dict[str, list[Tried]] = {}
    for tried in TRIED:
        if is_short and not is_first(tried):
            continue
        family, case, way = tried
        base = "named" if case.is_named else "plain"
        outcome = "-refused" if case.refused is not None else ""
        shared = case.group or f"{base}{outcome}"
        is_alone = is_single or case.may_be_refused
        kind = f"{family}-{origin_for(case)}-{case.name if is_alone else shared}-{way}"
        kinds.setdefault(kind, []).append(tried)
    return {
        f"{kind}-{number}": [*members]
        for kind, all_of_kind in kinds.items()
        for number, members in enumerate(batched(all_of_kind, AT_ONCE))
    }


def batched(members: list[Tried], size: int) -> Iterator[list[Tried]]:
    """Yield parts of a list that are about of the same size, and no larger than one."""
    parts = -(-len(members) // size)
    for part in range(parts):
        yield members[part::parts]


def origin_for(case: Case) -> str:
    """Return which PostgreSQL a case is tried on."""
    return case.origin or ("system" if servers.system_postgres() else "wheel")


@dataclass
class Results:
    """What came of all bundles, each of which is tried by one worker alone."""

    folder: Path
    start: Callable[[str, str], servers.Server | None]
    bundles: dict[str, list[Tried]]

    @cached_property
    def bundle_of(self) -> dict[tuple[str, str, str], str]:
        """The bundle that each case is in."""
        return {
            (family, case.name, way): bundle
            for bundle, members in self.bundles.items()
            for family, case, way in members
        }

    def of(self, family: str, case: Case, way: str) -> list[str]:
        """Return what is wrong with a case."""
        bundle = self.bundle_of[family, case.name, way]
        result = self.folder / f"{bundle}.json"
        with FileLock(self.folder / f"{bundle}.lock"):
            if not result.exists():
                result.write_text(json.dumps(self.examine(bundle)))
            found: dict[str, list[str]] = json.loads(result.read_text())
            return found[case.name]

    def examine(self, bundle: str) -> dict[str, list[str]]:
        """Try all cases of a bundle."""
        members = self.bundles[bundle]
        family, case, way = members[0]
        tried = Bundles(
            self.folder / bundle, lambda: self.start(family, origin_for(case))
        )
        return tried.examine(family, [case for _, case, _ in members], way)


@pytest.fixture(scope="session")
def results(
    shared_folder: Path,
    soak: bool,
    is_short: bool,
    start_postgres: Callable[[str], servers.Postgres],
    start_mariadb: Callable[[], servers.MariaDB],
) -> Results:
    """Return what came of the cases, which are tried when they are asked for."""

    def start(family: str, origin: str) -> servers.Server | None:
        if family == "sqlite":
            return None
        if family == "mysql":
            return start_mariadb()
        return start_postgres(origin)

    folder = shared_folder / "autogenerate"
    folder.mkdir(exist_ok=True)
    return Results(folder, start, bundled(is_single=soak, is_short=is_short))


@pytest.mark.parametrize(
    ("family", "case", "way"),
    [
        pytest.param(
            *it,
            id=f"{it[0]}-{it[1].name}-{it[2]}",
            marks=() if is_first(it) else pytest.mark.full,
        )
        for it in TRIED
    ],
)
def test_a_change_comes_out_right(
    results: Results, family: str, case: Case, way: str
) -> None:
    problems = results.of(family, case, way)
    assert not problems, "\n".join(problems)


def test_ruff_finds_nothing_in_the_revisions(results: Results, is_short: bool) -> None:
    for tried in TRIED:
        if is_first(tried) or not is_short:
            results.of(*tried)
    hand = ("--exclude", "*_by_hand.py", "--no-cache")
    for command in (("check", *hand), ("format", "--check", *hand)):
        found = [*results.folder.glob("*/*/migrations/versions")]
        assert found
        done = subprocess.run(
            [TOOLS / "ruff", *command, *found],
            check=False,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("family", FAMILIES)
def test_no_name_of_a_case_is_a_part_of_another(family: str) -> None:
    names = [f"_{case.name}_" for case in CASES if family in case.families]
    assert not [(one, two) for one, two in permutations(names, 2) if one in two]
