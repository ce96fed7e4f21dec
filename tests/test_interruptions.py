"""Interruptions: signals, a full disk, a folder that can't be written, one that exists.

None leaves a half-made project that the next run trips over: it is gone, or a run with
`--overwrite-if-exists` finishes it, which is also the command that the hook prints.
"""

from __future__ import annotations

import csv
import hashlib
import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from cookiecutter_alembic import library
from cookiecutter_alembic.databases import parse
from cookiecutter_alembic.dotenv import dotenv
from tests.conftest import (
    TOOLS,
    Project,
    bake,
    bake_command,
    baked,
    commit,
    require,
)
from tests.test_hook import commits, next_steps, only, type_in

if sys.platform == "win32":
    pytest.skip("Windows has no process groups to signal", allow_module_level=True)

SLUG = "orders"
URLS = {
    "sqlite": f"sqlite:///{SLUG}.db",
    "psycopg2": f"postgresql+psycopg2://u:pw@127.0.0.1:9/{SLUG}",
}
"""Connection strings by the names of `original`; no server answers on port 9."""

OVERWRITE = "--overwrite-if-exists"
SKIP = "--skip-if-file-exists"
FIRST_LINE = "Creating "
MESSAGE = "\nInterrupted. To finish the project, or to remove it:\n\n"
SECONDS_TO_END = 10
PIP_TAKES_LONGER = 5
MOMENTS = {
    signal.SIGINT: {"sqlite": 6, "psycopg2": 2},
    signal.SIGTERM: {"sqlite": 6, "psycopg2": 2},
    signal.SIGKILL: {"sqlite": 2, "psycopg2": 2},
}
"""How many are drawn for each kind of bake, an even number; with --soak twice as many."""
ADVISED = 7
"""How many are drawn of each signal after which the hook prints what to type."""

BEFORE = "before the hook"
AT_WORK = ("settings", "environment", "first revision", "database and git")
AFTER = "after the end"

Original = Callable[[str], Project]


def name(parameter: object) -> str | None:
    """Return how pytest is to call a signal; the rest it calls well itself."""
    return parameter.name if isinstance(parameter, signal.Signals) else None


def answers(kind: str) -> dict[str, str]:
    """Return the answers of a project, which is called the same in all tests here."""
    return {"project_slug": SLUG, "database_url": URLS[kind]}


@dataclass
class Spans:
    """The seconds that an undisturbed bake takes, no more than was ever seen."""

    before: float
    """Until the first line of the hook."""
    hook: float
    """From there to the end."""


@dataclass(frozen=True)
class Moment:
    """When to interrupt: a share of one of the spans."""

    is_early: bool
    share: float


class Bake:
    """A bake in a process group of its own, as a shell starts one in a terminal."""

    def __init__(
        self,
        folder: Path,
        environment: dict[str, str],
        *options: str,
        kind: str = "sqlite",
        typed_in: str = "out",
    ) -> None:
        self.kind = kind
        self.out = folder / "out"
        self.project = Project(self.out / SLUG, environment)
        self.here = folder / typed_in
        self.temporary = folder / "tmp"
        # Killed before the hook begins, Cookiecutter leaves what it has rendered of it.
        shutil.rmtree(self.temporary, ignore_errors=True)
        for made in (self.out, self.temporary):
            made.mkdir(parents=True, exist_ok=True)
        # A shell sets the first, and the hook asks for it.
        self.environment = {
            **environment,
            "PWD": str(self.here),
            "TMPDIR": str(self.temporary),
        }
        self.started = time.monotonic()
        self._stdout = folder / "stdout.txt"
        self._stderr = folder / "stderr.txt"
        with open(self._stdout, "w") as stdout, open(self._stderr, "w") as stderr:
            self.process = subprocess.Popen(
                self.command(*options),
                cwd=self.here,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )

    def command(self, *options: str) -> list[str]:
        """Return the command that bakes the project."""
        return bake_command(self.out, *options, answers=answers(self.kind))

    @property
    def output(self) -> str:
        """What was printed so far."""
        return self._stdout.read_text()

    @property
    def errors(self) -> str:
        """What was printed so far on standard error."""
        return self._stderr.read_text()

    def wait_for(self, condition: Callable[[], object]) -> None:
        """Wait until something holds, or the bake ends without."""
        while not condition() and self.process.poll() is None:
            time.sleep(0.005)

    def wait_for_hook(self) -> None:
        """Wait until the hook has begun to work."""
        self.wait_for(lambda: FIRST_LINE in self.output)

    def wait_for_moment(self, moment: Moment, spans: Spans) -> None:
        """Wait until a moment that was drawn, or the end where that comes first."""
        start, span = self.started, spans.before
        if not moment.is_early:
            self.wait_for_hook()
            start, span = time.monotonic(), spans.hook
        self.wait_for(lambda: time.monotonic() >= start + moment.share * span)
        if not moment.is_early and self.process.returncode is not None:
            # The machine has less to do than before.
            spans.hook = min(span, time.monotonic() - start)

    def interrupt(self, number: signal.Signals) -> None:
        """Send a signal to all processes, as a terminal does, and see them end."""
        with suppress(ProcessLookupError):  # It ended before.
            os.killpg(self.process.pid, number)
        self.wait()

    def wait(self) -> None:
        """Wait for the command and for all that it has started."""
        self.process.wait()
        deadline = time.monotonic() + SECONDS_TO_END
        while left := running(self.process.pid):
            assert time.monotonic() < deadline, left
            time.sleep(0.01)

    def landing(self) -> str:
        """Tell from what was printed, and from what is there, how far it came."""
        output = self.output
        if FIRST_LINE not in output:
            return BEFORE
        if "Next:\n" in output:
            return AFTER
        if "\n  first revision   " in output:
            return "database and git"
        if "\n  environment      " in output:
            return "first revision"
        return "environment" if (self.project.path / ".venv").exists() else "settings"

    def check_end(self, number: signal.Signals) -> None:
        """See that what was interrupted ended well, and said how to go on."""
        if FIRST_LINE in self.output:
            assert not list(self.temporary.glob("tmp*.py"))
        if self.landing() not in AT_WORK:
            return
        assert self.process.returncode != 0
        assert "Traceback" not in self.output + self.errors
        if number != signal.SIGKILL:
            assert MESSAGE in self.output
            assert len(self.advice()) == 2

    def advice(self) -> list[str]:
        """Return the commands that the hook printed: one that finishes, one that removes."""
        _, _, lines = self.output.partition(MESSAGE)
        return [line.removeprefix("  ") for line in lines.splitlines()]

    def finish(self) -> str:
        """Run the same command again and return what it prints."""
        options = [OVERWRITE] if self.project.path.exists() else []
        return succeed(*self.command(*options), run=self)

    def remove(self) -> None:
        """Type the command that the hook printed to remove all, where the bake was typed."""
        _, removing = self.advice()
        succeed("bash", "-ec", removing, run=self)
        assert not list(self.out.iterdir())

    def take_advice(self) -> str:
        """Type the one to finish, or the same command again where none was printed."""
        if not self.advice():
            return self.finish()
        finishing, _ = self.advice()
        program, *arguments = shlex.split(finishing)
        assert program == "cookiecutter"
        assert arguments[:2] == ["--replay", OVERWRITE]
        return succeed(TOOLS / program, *arguments, run=self)


def succeed(*command: str | Path, run: Bake) -> str:
    """Run a command where a bake was typed, and insist that it ends well."""
    done = subprocess.run(
        command,
        cwd=run.here,
        env=run.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def running(group: int) -> list[str]:
    """Return what runs in a process group.

    Where init is slow to reap orphans, they are still listed, but do nothing any more.
    """
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return []
    listed = subprocess.check_output(
        ["ps", "-A", "-o", "pgid=,stat=,args="], text=True
    ).splitlines()
    rows = [line.split(maxsplit=2) for line in listed]
    return [
        command
        for number, state, command in rows
        if number == str(group) and not state.startswith("Z")
    ]


def torn_packages(project: Project) -> list[str]:
    """Return the packages of which a file is missing or cut short.

    Installers don't look: they take for installed what has a folder of metadata.
    """
    (packages,) = project.path.glob(".venv/lib/*/site-packages")
    return [
        information.name
        for information in packages.glob("*.dist-info")
        if not is_whole(information / "RECORD")
    ]


def is_whole(record: Path) -> bool:
    """Return whether all is there that the record of an installed package lists."""
    packages = str(record.parent.parent)
    try:
        with open(record, encoding="utf-8", newline="") as rows:
            for name, _, size in csv.reader(rows):
                found = os.stat(os.path.join(packages, name)).st_size
                if size and found != int(size):
                    return False
            return True
    except FileNotFoundError:
        return False


def tracked(project: Project) -> set[str]:
    """Return the files in git, without revisions, whose names differ."""
    names = project.run("git", "ls-files").splitlines()
    # uv makes it, pip does not.
    return {*names, "uv.lock"} - {
        f"migrations/versions/{path.name}" for path in project.revisions()
    }


def check(project: Project, like: Project, kind: str = "sqlite") -> None:
    """See that a project is as whole as one whose bake nobody disturbed."""
    settings = project.path / ".env"
    assert settings.read_text() == dotenv(parse(URLS[kind]))
    assert settings.stat().st_mode & 0o777 == 0o600
    assert len(project.revisions()) == 1
    assert commits(project) == ["Initial commit"]
    assert project.run("git", "status", "--short") == ""
    assert tracked(project) == tracked(like)
    assert not list((project.path / ".git").rglob("*.lock"))
    assert torn_packages(project) == []
    assert (project.path / ".venv" / "bin" / "activate").exists()
    project.run("ruff", "format", "--check", ".")


UPGRADE_AND_CHECK = """
from alembic import command
from alembic.config import Config

config = Config("alembic.ini")
command.upgrade(config, "head")
command.check(config)
"""


def check_at_work(project: Project) -> None:
    """See that the revision of a project on SQLite makes its tables."""
    project.run("python", "-c", UPGRADE_AND_CHECK)


def measure(run: Bake) -> Spans:
    """Return how long a bake takes that nobody disturbs."""
    run.wait_for_hook()
    begun = time.monotonic()
    run.wait()
    ended = time.monotonic()
    assert run.process.returncode == 0, run.output + run.errors
    return Spans(begun - run.started, ended - begun)


@pytest.fixture(scope="session")
def known_spans() -> dict[str, Spans]:
    """Return how long bakes take, by their kind, as far as that is known."""
    return {}


@pytest.fixture
def find_spans(
    known_spans: dict[str, Spans], bench: Path, environment: dict[str, str]
) -> Callable[[str], Spans]:
    """Return how long a bake takes, once Python has compiled all that it uses."""

    def find(kind: str) -> Spans:
        if kind not in known_spans:
            for _ in ("compiles", "is measured"):
                known_spans[kind] = measure(Bake(bench, environment, kind=kind))
                shutil.rmtree(bench / "out")
        return known_spans[kind]

    return find


def _slices(is_early: bool, count: int, chance: random.Random) -> Iterator[Moment]:
    """Draw one moment from each of some equal slices of a span."""
    for number in range(count):
        yield Moment(is_early, (number + chance.random()) / count)


class Landings:
    """The record of where interruptions landed, which pytest shows on failure."""

    def __init__(self, seed: str, number: signal.Signals, spans: Spans) -> None:
        self.seed = seed
        self.number = number
        self.spans = spans
        self.places: list[str] = []

    def draw(self, count: int) -> list[Moment]:
        """Draw random moments, one in five before the hook."""
        chance = random.Random(self.seed)
        early = count // 5
        moments = [
            *_slices(True, early, chance),
            *_slices(False, count - early, chance),
        ]
        chance.shuffle(moments)
        return moments

    def interrupt(self, run: Bake, moment: Moment) -> None:
        """Interrupt a bake, see that it ends well, and note where that landed."""
        run.wait_for_moment(moment, self.spans)
        run.interrupt(self.number)
        span = "before" if moment.is_early else "hook"
        place = run.landing()
        self.places.append(place)
        print(f"{self.seed} {len(self.places)}: {moment.share:.3f} of {span}: {place}")
        run.check_end(self.number)

    def check(self) -> None:
        """See that at least half landed while the hook worked."""
        counts = Counter(self.places)
        print(f"{self.seed}: {dict(counts)}")
        assert 2 * sum(counts[place] for place in AT_WORK) >= len(self.places)


@pytest.mark.full
@pytest.mark.parametrize(
    ("number", "kind"),
    [(number, kind) for number, kinds in MOMENTS.items() for kind in kinds],
    ids=name,
)
def test_signals_at_random_moments(
    number: signal.Signals,
    kind: str,
    bench: Path,
    environment: dict[str, str],
    original: Original,
    find_spans: Callable[[str], Spans],
    soak: bool,
) -> None:
    """Each second one interrupts the run that would finish what the first has left."""
    landings = Landings(f"{number.name} {kind}", number, find_spans(kind))
    moments = iter(landings.draw(MOMENTS[number][kind] * (2 if soak else 1)))
    for index, pair in enumerate(zip(moments, moments, strict=True)):
        shutil.rmtree(bench / "out", ignore_errors=True)
        for moment in pair:
            options = [OVERWRITE] if (bench / "out" / SLUG).exists() else []
            typed_in = "out" if index % 2 else "."
            run = Bake(bench, environment, *options, kind=kind, typed_in=typed_in)
            landings.interrupt(run, moment)
        assert ("Ready in" if kind == "sqlite" else "does not answer") in run.finish()
        check(run.project, original(kind), kind)
        if kind == "sqlite" and index % 2 == 0:
            check_at_work(run.project)
    landings.check()


@pytest.mark.full
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=name)
def test_the_printed_commands_at_random_moments(
    number: signal.Signals,
    bench: Path,
    environment: dict[str, str],
    original: Original,
    find_spans: Callable[[str], Spans],
    soak: bool,
) -> None:
    landings = Landings(f"{number.name} advice", number, find_spans("sqlite"))
    for index, moment in enumerate(landings.draw(ADVISED * (2 if soak else 1))):
        shutil.rmtree(bench / "out", ignore_errors=True)
        typed_in = "." if index % 4 < 2 else "out"
        run = Bake(bench, environment, typed_in=typed_in)
        landings.interrupt(run, moment)
        if index % 3 == 0 and run.advice():
            run.remove()
            continue
        assert "Ready in" in run.take_advice()
        check(run.project, original("sqlite"))
    landings.check()


@pytest.mark.full
def test_a_signal_while_pip_installs(
    bench: Path,
    environment: dict[str, str],
    original: Original,
    find_spans: Callable[[str], Spans],
) -> None:
    usual = find_spans("sqlite")
    spans = replace(usual, hook=usual.hook * PIP_TAKES_LONGER)
    without_uv = {**environment, "PATH": only(bench / "bin", "git")}
    landings = Landings("SIGINT pip", signal.SIGINT, spans)
    for index, moment in enumerate(landings.draw(2)):
        shutil.rmtree(bench / "out", ignore_errors=True)
        run = Bake(bench, without_uv)
        landings.interrupt(run, moment)
        if index:  # Somebody who lost patience with pip finishes with uv.
            run.environment["PATH"] = environment["PATH"]
        assert "Ready in" in run.finish()
        check(run.project, original("sqlite"))
        check_at_work(run.project)
    landings.check()


# The first sign of a step; when it is there, the rest of the step is still to come.
SEAMS = {
    "packages": ".venv/lib/*/site-packages/*.dist-info",
    "revision": "migrations/versions/*.py",
    "repository": ".git",
}


@pytest.mark.parametrize(
    ("number", "seam"),
    [
        pytest.param(signal.SIGINT, "packages", marks=pytest.mark.full),
        pytest.param(signal.SIGKILL, "packages", marks=pytest.mark.full),
        pytest.param(signal.SIGINT, "revision", marks=pytest.mark.full),
        (signal.SIGKILL, "revision"),
        pytest.param(signal.SIGKILL, "repository", marks=pytest.mark.full),
    ],
    ids=name,
)
def test_a_signal_where_a_step_is_half_done(
    number: signal.Signals,
    seam: str,
    bench: Path,
    environment: dict[str, str],
    original: Original,
) -> None:
    run = Bake(bench, environment)
    run.wait_for(lambda: any(run.project.path.glob(SEAMS[seam])))
    run.interrupt(number)
    print(f"{number.name} at {seam}: {run.landing()}")
    run.check_end(number)
    assert "Ready in" in run.finish()
    check(run.project, original("sqlite"))
    check_at_work(run.project)


@pytest.mark.full
def test_killed_while_git_holds_its_locks(
    bench: Path, environment: dict[str, str], original: Original
) -> None:
    hook = bench / "hooks" / "reference-transaction"
    hook.parent.mkdir()
    kill = '[ "$1" = prepared ] && grep -q " refs/heads/" && kill -KILL 0\n'
    hook.write_text(f"#!/bin/sh\n{kill}exit 0\n")
    hook.chmod(0o755)
    git_config = Path(environment["HOME"], ".gitconfig")
    identity = git_config.read_text()
    git_config.write_text(f"{identity}[core]\nhooksPath = {hook.parent}\n")
    run = Bake(bench, environment)
    run.wait()
    assert run.process.returncode == -signal.SIGKILL
    assert list((run.project.path / ".git").rglob("*.lock"))
    git_config.write_text(identity)
    assert "Ready in" in run.finish()
    check(run.project, original("sqlite"))


@pytest.mark.full
def test_what_tools_leave_when_they_are_killed(
    bench: Path, environment: dict[str, str], original: Original
) -> None:
    rendering = Bake(bench, environment, "--accept-hooks", "no")
    rendering.wait()
    root = rendering.project.path
    for name, text in {
        ".env": "",
        "uv.lock": "",
        ".tmpAb12Cd": "version = 1\n",  # uv writes its lock under such a name
        ".venv/bin/python": "",
        "migrations/versions/2026_01_01_0000-0123456789ab_initial_revision.py": "",
        ".git/HEAD": "ref: refs/heads/main\n",
        ".git/index.lock": "",
        ".git/refs/heads/main.lock": "",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    assert "Ready in" in rendering.finish()
    check(rendering.project, original("sqlite"))
    check_at_work(rendering.project)


def as_root(*command: str | Path) -> bool:
    """Run a command as root, where that needs no password, and tell if it succeeded."""
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if sys.platform != "linux" or not shutil.which((*prefix, *command)[0]):
        return False
    done = subprocess.run([*prefix, *command], capture_output=True)
    return done.returncode == 0


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[None]:
    """Mount a file system of so many bytes."""
    folder.mkdir()
    options = f"size={size},mode=0777"
    is_mounted = as_root("mount", "-t", "tmpfs", "-o", options, "tmpfs", folder)
    require(is_mounted, "mount, with the right to use it,")
    try:
        yield
    finally:
        assert as_root("umount", folder)


def grow(disk: Path) -> None:
    """Make room on a small disk."""
    assert as_root("mount", "-o", "remount,size=400m", disk)


PAGE = os.sysconf("SC_PAGE_SIZE")


def rendered_size(rendered: Callable[..., Path]) -> int:
    """Return the bytes that the template's files take up where a page is the least."""
    files = [
        path for path in rendered(**answers("sqlite")).rglob("*") if path.is_file()
    ]
    return sum(-(-path.stat().st_size // PAGE) * PAGE for path in files)


LIBRARY = sum(-(-path.stat().st_size // PAGE) * PAGE for path in library.files())

# The room that is left after the template's files, and what then fails first.
ROOM = {
    "rendering": -2 * PAGE,
    "library": 2 * PAGE,
    "settings": LIBRARY,
    "environment": LIBRARY + 2 * PAGE,
    "lock": LIBRARY + 20 * PAGE,
    "packages": LIBRARY + (30 << 20),
}
FULL = "No space left on device"


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(step, marks=() if step == "lock" else pytest.mark.full)
        for step in ROOM
    ],
)
def test_a_disk_that_is_almost_full(
    step: str,
    bench: Path,
    environment: dict[str, str],
    rendered: Callable[..., Path],
    original: Original,
) -> None:
    disk = bench / "disk"
    with small_disk(disk, rendered_size(rendered) + ROOM[step]):
        done = bake(disk, environment, answers=answers("sqlite"))
        if step == "rendering":
            assert done.returncode == 1
            assert FULL in done.stderr
        else:
            is_early = step in ("library", "settings")
            check_full(done, step if is_early else "environment")
            assert (disk / SLUG / ".env").exists() == (step != "settings")
        grow(disk)
        done = bake(disk, environment, OVERWRITE, answers=answers("sqlite"))
        assert done.returncode == 0
        assert "Ready in" in done.stdout
        project = Project(disk / SLUG, environment)
        check(project, original("sqlite"))
        check_at_work(project)


def check_full(done: subprocess.CompletedProcess[str], step: str) -> None:
    """See that the hook named what failed for lack of room, and the other steps too."""
    assert done.returncode == 0
    assert "Traceback" not in done.stdout + done.stderr
    assert "Ready" not in done.stdout
    failed = re.search(r"^  (\w+) +.*", done.stdout, re.MULTILINE)
    assert failed and failed[1] == step, done.stdout
    assert re.search(f"{FULL}|Failed to install", failed[0])


@pytest.mark.full
@pytest.mark.parametrize("way", [OVERWRITE, "printed"])
def test_a_disk_of_two_megabytes(
    way: str, bench: Path, environment: dict[str, str], original: Original
) -> None:
    disk = bench / "disk"
    with small_disk(disk, 2 << 20):
        done = bake(disk, environment, answers=answers("sqlite"))
        check_full(done, "environment")
        grow(disk)
        project = Project(disk / SLUG, environment, output=done.stdout)
        if way == "printed":
            type_in(project, *next_steps(project))
        else:
            done = bake(disk, environment, OVERWRITE, answers=answers("sqlite"))
            assert "Ready in" in done.stdout
        check(project, original("sqlite"))
        check_at_work(project)


@contextmanager
def unwritable(folder: Path) -> Iterator[None]:
    """Make a folder one in which nothing can be made or deleted, not even by root."""
    require(as_root("chattr", "+i", folder), "chattr, with the right to use it,")
    try:
        yield
    finally:
        assert as_root("chattr", "-i", folder)


def test_a_folder_that_cannot_be_written(
    bench: Path, environment: dict[str, str], original: Original
) -> None:
    out = bench / "out"
    out.mkdir()
    with unwritable(out):
        done = bake(out, environment, answers=answers("sqlite"))
        assert done.returncode != 0
        assert FIRST_LINE not in done.stdout
        assert not list(out.iterdir())
    project = baked(out, environment, **answers("sqlite"))
    check(project, original("sqlite"))


def test_a_project_that_cannot_be_written(
    bench: Path, environment: dict[str, str], original: Original
) -> None:
    out = bench / "out"
    bake(out, environment, "--accept-hooks", "no", answers=answers("sqlite"))
    with unwritable(out / SLUG):
        before = fingerprint(out)
        done = bake(out, environment, OVERWRITE, answers=answers("sqlite"))
        assert done.returncode == 0
        assert "Traceback" not in done.stdout + done.stderr
        assert "Ready" not in done.stdout
        assert "Operation not permitted" in done.stdout
        assert fingerprint(out) == before
    done = bake(out, environment, OVERWRITE, answers=answers("sqlite"))
    assert "Ready in" in done.stdout
    check(Project(out / SLUG, environment), original("sqlite"))


def fingerprint(*paths: Path) -> dict[str, tuple[int, str]]:
    """Return the mode and content of files, and of all that is in folders."""
    files = [
        file
        for path in paths
        for file in (path.rglob("*") if path.is_dir() else [path])
        if file.is_file() and not file.is_symlink()
    ]
    return {
        str(file): (file.stat().st_mode, hashlib.sha256(file.read_bytes()).hexdigest())
        for file in files
    }


@pytest.mark.parametrize(
    "options",
    [[], pytest.param([SKIP], marks=pytest.mark.full)],
    ids=["no option", "skip"],
)
def test_over_what_exists_without_being_told(
    options: list[str], bench: Path, environment: dict[str, str]
) -> None:
    out = bench / "out"
    project = baked(out, environment, **answers("sqlite"))
    (project.path / "app" / "models.py").write_text("# mine\n")
    (project.path / "tests" / "__init__.py").unlink()
    before = fingerprint(out)
    done = bake(out, environment, *options, answers=answers("sqlite"))
    assert done.returncode == 1
    assert done.stdout == f'Error: "{project.path}" directory already exists\n'
    assert done.stderr == ""
    assert fingerprint(out) == before


def test_over_a_folder_of_other_files(bench: Path, environment: dict[str, str]) -> None:
    project = Project(bench / "out" / SLUG, environment)
    project.path.mkdir(parents=True)
    notes, readme = project.path / "notes.txt", project.path / "README.md"
    notes.write_text("Think of this.\n")
    readme.write_text("My own.\n")
    before = fingerprint(notes, readme)
    done = bake(project.path.parent, environment, answers=answers("sqlite"))
    assert done.returncode == 1
    assert done.stdout == f'Error: "{project.path}" directory already exists\n'
    assert fingerprint(project.path) == before
    done = bake(
        project.path.parent, environment, OVERWRITE, SKIP, answers=answers("sqlite")
    )
    assert "Ready in" in done.stdout
    assert fingerprint(notes, readme) == before
    assert {"notes.txt", "README.md"} < tracked(project)
    assert commits(project) == ["Initial commit"]
    check_at_work(project)


def later_project(out: Path, environment: dict[str, str]) -> Project:
    """Bake a project and go on with it: another setting, column, revision and commit."""
    project = baked(out, environment, **answers("sqlite"))
    settings = project.path / ".env"
    settings.write_text(f"{settings.read_text()}# mine\nOTHER='x y'\n")
    project.add_username()
    project.run("alembic", "revision", "--autogenerate", "-m", "Add username")
    project.run("alembic", "upgrade", "head")
    commit(project.path, environment, "Add username")
    assert len(project.revisions()) == 2
    return project


def kept(project: Project) -> object:
    """Return what no later bake may change."""
    root = project.path
    return (
        fingerprint(root / ".env", root / f"{SLUG}.db", root / "migrations/versions"),
        project.run("git", "log", "--format=%H %s"),
        project.run("git", "symbolic-ref", "HEAD"),
        project.run("git", "fsck"),
    )


@pytest.mark.full
@pytest.mark.parametrize("options", [[OVERWRITE], [OVERWRITE, SKIP]], ids=["f", "f s"])
def test_again_over_a_project_with_a_later_revision(
    options: list[str], bench: Path, environment: dict[str, str]
) -> None:
    project = later_project(bench / "out", environment)
    before = kept(project)
    done = bake(bench / "out", environment, *options, answers=answers("sqlite"))
    assert done.returncode == 0
    assert "Ready in" in done.stdout
    assert kept(project) == before
    # Without the second option Cookiecutter writes its own files anew, no others.
    changed = [] if SKIP in options else [" M app/models.py"]
    assert project.run("git", "status", "--short").splitlines() == changed
    project.run("git", "checkout", "--quiet", "app/models.py")
    check_at_work(project)


@pytest.mark.full
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=name)
def test_interrupted_over_a_project_with_a_later_revision(
    number: signal.Signals, bench: Path, environment: dict[str, str]
) -> None:
    project = later_project(bench / "out", environment)
    before = kept(project)
    spans = measure(Bake(bench, environment, OVERWRITE))
    landings = Landings(f"{number.name} again", number, spans)
    for moment in landings.draw(4):
        run = Bake(bench, environment, OVERWRITE)
        landings.interrupt(run, moment)
        assert kept(project) == before
    assert "Ready in" in run.finish()
    assert kept(project) == before
    assert torn_packages(project) == []
    project.run("git", "checkout", "--quiet", ".")
    assert project.run("git", "status", "--short") == ""
    check_at_work(project)
    landings.check()
