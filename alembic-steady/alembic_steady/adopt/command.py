"""`steady adopt`: the command as a whole, from the database to the files."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from alembic_steady import drift, errors, head_file, settings, x_arguments
from alembic_steady.adapters.description import Description
from alembic_steady.adapters.dump import Dump, DumpUnavailable
from alembic_steady.adopt import base, baseline, others, progress
from alembic_steady.adopt.files import all_or_none, replace, tell, tell_written
from alembic_steady.configure import configure_options, current_heads
from alembic_steady.scope import Scope
from alembic_steady.settings import Settings

if TYPE_CHECKING:
    from alembic_steady.adopt.models import Models

INSTALL = (
    "steady adopt needs sqlacodegen: run it as `uv run --with sqlacodegen --with ruff"
    " steady adopt`, or install sqlacodegen until it is done"
)
HAS_REVISIONS = (
    "there are revisions already ({}); adopt begins a history: remove them if the database"
    " does not have what they build"
)
HAS_MODELS = (
    "the models have tables already ({}); adopt writes them: remove these first"
)
HAS_HISTORY = (
    "the database has a history of Alembic, and is at {}: bring its revisions instead"
    " (see docs/existing-database.md); to begin another beside it, pass version_table=… to"
    " run_migrations() in env.py"
)
NOT_THERE = "{}: there is no such database"
NO_TABLES = "{} has no tables; for an empty database, write models and then a revision"
NOT_THE_SAME = "differs when it is built anew: {}"
NOT_VERIFIED = "not verified: {}"
BY_MODELS = "built from the models, since {}"
NOT_DUMPED = "{}: not in the baseline"
NOT_BUILT = "the baseline has to be {}; that fails: {}"
IMPORT = "# import {} in env.py, then:"
NEXT = ["alembic stamp head", "alembic check"]


@dataclass
class Adopted:
    """What was read, and what is to be written.

    Attributes:
        dump: the statements of the baseline; None if it is built from the models.
        models: the models.
        counts: how many of each kind there are, such as `{"table": 12}`.
        remarks: what is left out, is not verified or differs, a line each.
    """

    dump: Dump | None
    models: Models
    counts: dict[str, int]
    remarks: list[str] = field(default_factory=list)


def adopt(config: Config) -> None:
    """Write models and a first revision from the database, which is only read.

    Arguments:
        config: Alembic's configuration of the project.

    Raises:
        CommandError: that is not possible; the message is one line, and no file has changed.
    """
    project = settings.load(config)
    scripts = ScriptDirectory.from_config(config)
    _refuse(project, scripts)
    target = base.find(project, next(x_arguments.told(config, "models"), None))
    url = project.url()
    place = project.adapter.describe(url)
    # Connecting would make the file, for one.
    if not project.adapter.exists(url):
        raise CommandError(NOT_THERE.format(place))
    config.print_stdout("Reading %s", place)
    # It takes a second, in which the database has other work.
    Thread(target=_models).start()
    with errors.in_one_line(place, config), _without_collection():
        with project.adapter.connect(url) as real, project.adapter.snapshot(real):
            adopted = _read(project, target, real)
        config.print_stdout("  %s", _counted(adopted.counts))
        files = _write(config, adopted)
    steps = NEXT if target.is_imported else [IMPORT.format(target.module), *NEXT]
    _tell(config, files, adopted, steps)


def _models() -> Any:
    """Import what writes the models, with sqlacodegen."""
    return import_module("alembic_steady.adopt.models")


@contextmanager
def _without_collection() -> Iterator[None]:
    """Keep Python from looking for garbage, of which there is little.

    With a thousand tables it would go through all of their columns again and again, which
    takes a sixth of the time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()


def _refuse(project: Settings, scripts: ScriptDirectory) -> None:
    if find_spec("sqlacodegen") is None:
        raise CommandError(INSTALL)
    if heads := scripts.get_heads():
        raise CommandError(HAS_REVISIONS.format(_several(heads)))
    if tables := sorted(project.tables):
        raise CommandError(HAS_MODELS.format(_several(tables)))


def _several(names: Iterable[str]) -> str:
    told = [*names]
    return ", ".join([*told[:3], *(["…"] if len(told) > 3 else [])])


def _read(project: Settings, target: base.Target, real: Connection) -> Adopted:
    """Read a database, build it anew on a scratch database, and make models from that."""
    options = configure_options(project)
    if heads := current_heads(project, real):
        raise CommandError(HAS_HISTORY.format(_several(heads)))
    scope = Scope(project, options, real)
    found = scope.describe(real)
    tables = {key[:2] for key in found if key.kind == "table"}
    histories = {it[:2]: it for it in others.histories(tables)}
    if not tables - {*histories}:
        raise CommandError(NO_TABLES.format(project.adapter.describe(project.url())))
    found = {key: part for key, part in found.items() if key[:2] not in histories}
    remarks = [
        f"table {_full(*place)}: {history.advice}"
        for place, history in histories.items()
    ]

    def is_wanted(schema: str | None, table: str) -> bool:
        return scope.is_wanted(schema, table) and (schema, table) not in histories

    with ExitStack() as stack:
        dump = scratch = None
        try:
            with progress.bar("reading"):
                dump = project.adapter.dump(real, is_wanted)
        except DumpUnavailable as error:
            remarks = [
                BY_MODELS.format(error),
                *remarks,
                *map(NOT_DUMPED.format, project.adapter.not_of_models(real)),
            ]
        try:
            scratch = stack.enter_context(project.scratch_connection())
        except CommandError as error:
            remarks.append(NOT_VERIFIED.format(error))
        source, proof = real, None
        if dump and scratch:
            source = scratch
            found, differences = _built_anew(project, options, scratch, dump, found)
            remarks += differences
            replay = partial(_restore, project, dump.without_tables())
            proof = _models().Proof(options, project.scratch_connection, replay)
        if dump:
            remarks += map(str, dump.left_out)
        with progress.bar("models"):
            written = _models().write_models(source, project, found, target, proof)
    return Adopted(dump, written, _counts(found, dump), remarks)


def _built_anew(
    project: Settings,
    options: dict[str, Any],
    scratch: Connection,
    dump: Dump,
    found: Description,
) -> tuple[Description, list[str]]:
    """Restore a dump, and return what that has built and how it differs from the database."""
    with progress.bar("trying") as show:
        dump.left_out += project.adapter.restore(scratch, dump, show)
    scope = Scope(project, options, scratch)
    built = scope.describe(scratch)
    lines = drift.compare(scope, built, found)
    return built, [NOT_THE_SAME.format(line) for line in lines]


def _restore(project: Settings, dump: Dump, connection: Connection) -> None:
    project.adapter.restore(connection, dump)


def _full(schema: str | None, name: str) -> str:
    return f"{schema}.{name}" if schema else name


def _counts(found: Description, dump: Dump | None) -> dict[str, int]:
    kinds = [entry.kind for entry in dump.entries] if dump else []
    kinds = kinds or [key.kind for key in found if not key.aspect]
    shown = ("table", "view", "materialized view", "function", "procedure", "trigger")
    return {kind: kinds.count(kind) for kind in shown if kind in kinds}


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(
        f"{number:,} {kind}{'s' * (number > 1)}" for kind, number in counts.items()
    )


def _write(config: Config, adopted: Adopted) -> list[Path]:
    """Write all files, or none."""
    with all_or_none() as undo:
        for file, text in adopted.models.files.items():
            replace(file, text, undo)
        for file in _write_revision(config, adopted):
            undo.append(file.unlink)
        scripts = ScriptDirectory.from_config(config)
        (head,) = scripts.get_revisions("heads")
        limited = baseline.limit_downgrades(config, head.revision, undo)
    revision = Path(head.path)
    files = [*adopted.models.files, revision, revision.with_suffix(".sql"), limited]
    files.append(head_file.write(scripts))
    return [file for file in files if file and file.exists()]


def _write_revision(config: Config, adopted: Adopted) -> list[Path]:
    scripts = ScriptDirectory.from_config(config)
    if adopted.dump:
        return baseline.write(scripts, adopted.dump, adopted.remarks)
    # What env.py imports has been written a moment ago.
    written = {str(file) for file in adopted.models.files}
    for name, module in [*sys.modules.items()]:
        if getattr(module, "__file__", None) in written:
            del sys.modules[name]
    try:
        script: Any = command.revision(config, baseline.MESSAGE, autogenerate=True)
    except CommandError as error:
        raise CommandError(NOT_BUILT.format(adopted.remarks[0], error)) from error
    baseline.note(Path(script.path), adopted.remarks)
    return [Path(script.path)]


def _tell(
    config: Config, files: list[Path], adopted: Adopted, steps: list[str]
) -> None:
    tell_written(config, files)
    tell(config, "Left out or to be looked at:", adopted.remarks)
    tell(config, "Not in the models, which can't say it:", adopted.models.unmodelled)
    tell(config, "Next:", steps)
