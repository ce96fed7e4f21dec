"""The trial: a new revision file is run on the scratch database, up, down and up again.

It is the last of the hooks that Alembic calls with each file that it has written. Only a
file that has run stays.
"""

from __future__ import annotations

import ast
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from alembic import context
from alembic.operations import Operations
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from alembic_steady import errors, hooks, private, x_arguments
from alembic_steady.adapters.description import Description, Key
from alembic_steady.autogenerate.details import without_details
from alembic_steady.autogenerate.ruler import Ruler, difference

LENGTH = 100
"""The number of characters shown of an operation."""
FAILED = "{where} failed on a scratch database: {why}"
UNWANTED = "{function}() does not lead to {what}: {difference}"
REFUSED = "{}; {}. To write it nevertheless, and edit it: {}"
UNPROVEN = "{}: {}. Nothing has changed; to do it nevertheless: {}"
ALL_REMOVED = "the files of all revisions of this run were removed"
NOT_WORKING = "Does not work yet: {}"
NOT_RUN = "Not run yet: {}"


class TrialError(Exception):
    """A revision that does not work; the message says where and why."""


@dataclass
class Trial:
    """What a trial needs to know.

    Attributes:
        options: the options of `context.configure`.
        connection: the scratch database, with what the revisions build.
        close: drops it.
        ruler: what the revisions and the models build.
        unresolved: what the revision leaves to be changed by hand.
        number: how many files are written in this run.
    """

    options: dict[str, Any]
    connection: Connection
    close: Callable[[], None]
    ruler: Ruler
    unresolved: set[Key]
    number: int
    scripts: ScriptDirectory = field(default_factory=lambda: context.script)
    config: Any = field(default_factory=lambda: context.config)
    _files: list[Path] = field(default_factory=list)
    _is_quiet: bool = False

    def arrange(self) -> None:
        """Let Alembic call this trial with each file, and be silent until it has run."""
        self._is_quiet = self.scripts.messaging_opts["quiet"]
        self.scripts.messaging_opts = {"quiet": True}
        self.scripts.hooks = [self._guarded(hook) for hook in self.scripts.hooks]
        hooks.append(self.scripts, self._try)

    def _guarded(self, hook: Any) -> Any:
        """Let no file stay if one of the project's own hooks fails, since it has not run."""

        def call(file: Path) -> None:
            try:
                private.run_hook(hook, file)
            except OSError as error:
                self.abandon(file)
                name = hook["_hook_name"]
                raise CommandError(
                    f"the post write hook {name} failed: {error}"
                ) from None
            except BaseException:
                self.abandon(file)
                raise

        return hooks.hook(hook["_hook_name"], call)

    def _try(self, file: Path) -> None:
        self._files.append(file)
        is_last = len(self._files) == self.number
        try:
            with self._running() as migration:
                told = self._outcome(migration, file, is_last=is_last)
            if is_last:
                self.close()
        except BaseException:
            self.abandon(file)
            raise
        if not self._is_quiet:
            print(f"Generating {file} ...  done\n{told}")

    def prove(self, file: Path) -> str:
        """Run a file that is there already, and return what is said about it.

        Raises:
            CommandError: it does not work, and is not wanted all the same.
        """
        self._files.append(file)
        try:
            with self._running() as migration:
                is_last = len(self._files) == self.number
                return self._run(migration, file, is_last=is_last)
        except TrialError as error:
            if not x_arguments.is_told(self.config, "untried"):
                way = x_arguments.again("untried")
                raise CommandError(UNPROVEN.format(file.name, error, way)) from None
            return f"does not work yet: {error}"

    def abandon(self, file: Path) -> None:
        """Remove a file and those before it, and drop the scratch database."""
        for written in {*self._files, file}:
            written.unlink(missing_ok=True)
        self.close()

    def _outcome(self, migration: Any, file: Path, *, is_last: bool) -> str:
        """Run a file, and return what is said about it.

        Raises:
            CommandError: it does not work, and is not wanted all the same.
        """
        try:
            return f"  {self._run(migration, file, is_last=is_last)}"
        except TrialError as error:
            if x_arguments.value("untried") is None:
                is_only = len(self._files) == 1
                way = x_arguments.command("untried", "revision", "--autogenerate")
                files = "no file was written" if is_only else ALL_REMOVED
                raise CommandError(REFUSED.format(error, files, way)) from None
            note(file, NOT_WORKING.format(error))
            return f"Warning: {error}"

    def _run(self, migration: Any, file: Path, *, is_last: bool) -> str:
        module = _load(file)
        upgrade = _function(module, "upgrade")
        before = self._now()
        start = time.monotonic()
        self._step(migration, file, upgrade)
        if is_last:
            self._compare("upgrade", "what the models build", self.ruler.models)
        way = "up, down and up"
        try:
            self._step(migration, file, _function(module, "downgrade"))
        except NotImplementedError:
            way = "up"
        else:
            self._compare("downgrade", "where the upgrade began", before)
            self._step(migration, file, upgrade)
        return f"ran {way} in {time.monotonic() - start:.2f} s"

    def _step(self, migration: Any, file: Path, step: Callable[[], None]) -> None:
        self.connection.rollback()  # Reading may have begun a transaction.
        try:
            with Operations.context(migration):
                private.run_revision(migration, step)
        except NotImplementedError:
            self.connection.rollback()
            if step.__name__ == "downgrade":
                raise
            raise TrialError(f"{step.__name__}() is not implemented") from None
        except Exception as error:
            reason = errors.reason(error)
            where = _operation(error, file) or f"{step.__name__}()"
            raise TrialError(FAILED.format(where=where, why=reason)) from error

    def _now(self) -> Description:
        return self.ruler.describe(self.connection)

    def _compare(self, function: str, what: str, target: Description) -> None:
        now = self._now()
        is_named = function == "downgrade"
        for key in self.ruler.between(now, target, is_named=is_named):
            if key not in self.unresolved:
                told = difference(key, now, target)
                raise TrialError(
                    UNWANTED.format(function=function, what=what, difference=told)
                )

    @contextmanager
    def _running(self) -> Iterator[Any]:
        """Let the environment and the dialect be as when a revision runs."""
        dialect: Any = self.connection.dialect
        once = dialect.identifier_preparer
        dialect.identifier_preparer = dialect.preparer(dialect)
        self.connection.rollback()
        try:
            with (
                without_details(),
                EnvironmentContext(self.config, self.scripts) as environment,
            ):
                environment.configure(connection=self.connection, **self.options)
                yield environment.get_context()
        finally:
            dialect.identifier_preparer = once


def note(file: Path, remark: str) -> None:
    """Write a remark as a comment at the head of a revision."""
    lines = "".join(f"# {line}\n" for line in remark.splitlines())
    file.write_text(lines + file.read_text("utf-8"), "utf-8")


def _load(file: Path) -> Any:
    module = ModuleType(f"trial_{file.stem}")
    module.__file__ = str(file)
    try:
        # Without a cache, which would outlive a file that does not stay.
        exec(compile(file.read_bytes(), file, "exec"), module.__dict__)  # noqa: S102
    except Exception as error:  # noqa: BLE001  It may be anything.
        raise TrialError(f"{file.name} cannot be read: {errors.named(error)}") from None
    return module


def _function(module: Any, name: str) -> Callable[[], None]:
    """Return a function of a revision; one that is not there is not implemented."""

    def missing() -> None:
        raise NotImplementedError

    missing.__name__ = name
    found: Callable[[], None] = getattr(module, name, missing)
    return found


def _operation(error: BaseException, file: Path) -> str:
    """Return the operation of a revision in which an error was raised, or ""."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == str(file)
    ]
    if not lines:
        return ""
    statements = [
        node
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Expr | ast.With)
        and node.lineno <= (lines[-1] or 0) <= (node.end_lineno or 0)
    ]
    node: Any = statements[-1] if statements else None
    call = node.items[0].context_expr if isinstance(node, ast.With) else node
    text = ast.unparse(call) if call else ""
    return text if len(text) <= LENGTH else f"{text[:LENGTH]}…"
