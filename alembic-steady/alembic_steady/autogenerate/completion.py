"""The completion of a revision: what Alembic proposes is tried, and what is missing added.

Each operation is run on the scratch database. One that fails is left out. What still
differs afterwards is changed in the words of the database itself.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from itertools import accumulate, chain
from typing import Any

from alembic.operations import ops
from alembic.util import CommandError
from sqlalchemy import Connection, MetaData, Table
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from alembic_steady import errors
from alembic_steady.adapters import Adapter
from alembic_steady.adapters.description import HIDDEN, Description, Key
from alembic_steady.autogenerate import concurrent_indexes
from alembic_steady.autogenerate.comment import Comment
from alembic_steady.autogenerate.ruler import Ruler, described, difference
from alembic_steady.autogenerate.runner import Runner

Steps = list[ops.MigrateOperation]

ATTEMPTS = 3
"""How often a part is changed, since changing another one may undo it."""
FIRST = ("schema", "extension", "sequence", "enum")
"""What tables need before they are created."""
IN_SQL = "In SQL, for what Alembic's own operations leave undone:"
RENAME_FAILS = "the scratch database refused the rename: {}"
BY_HAND = "change this by hand: "
LOSES = "changes or drops {}, which can't stay as it is"
REMOVED = (
    "foreign key",
    "check",
    "exclusion constraint",
    "unique constraint",
    "index",
    "primary key",
    "column",
    "table",
)
"""The order in which kinds of parts are dropped; they are added in the reverse one."""


class Completion:
    """Makes the operations of a revision lead to what the models build, and back.

    Attributes:
        unresolved: what differs and has to be changed by hand.
    """

    def __init__(
        self,
        adapter: Adapter,
        ruler: Ruler,
        runner: Runner,
        connection: Connection,
        renames: Steps,
    ) -> None:
        """Prepare to complete a revision.

        Arguments:
            adapter: the adapter of the database.
            ruler: what the revisions and the models build.
            runner: runs operations on the scratch database.
            connection: the connection to it.
            renames: the operations that rename, which have to work as they are.
        """
        self._renames = renames
        self._adapter = adapter
        self._ruler = ruler
        self._runner = runner
        self._connection = connection
        self._error: Exception | None = None
        self._target: Description = {}
        self._refused: dict[Key, Steps] = {}
        self._built: dict[tuple[str | None, str], Table] = {}
        self._reworded: set[str] = set()
        self._has_failed = False
        self.unresolved: set[Key] = set()

    def complete(self, up: Any, down: Any) -> bool:
        """Replace the operations of both directions by those that work.

        Returns:
            Whether the scratch database is as before.
        """
        self._reflect_built()
        for changes in (up, down):
            concurrent_indexes.mark(changes.ops, self._wants_concurrently)
        with self._adapter.undone(self._connection):
            up.ops = self._reach(up.ops, self._ruler.models)
            if not self._has_failed:  # Otherwise there is nothing to go back from.
                down.ops = self._reach(down.ops, self._ruler.revisions)
        return not self._between(self.now(), self._ruler.revisions)

    def now(self) -> Description:
        """Describe the scratch database as it is now."""
        return self._ruler.describe(self._connection)

    def _between(self, before: Description, after: Description) -> list[Key]:
        # What the revisions have named has to get its name back.
        is_named = after is self._ruler.revisions
        return self._ruler.between(before, after, is_named=is_named)

    def _reach(self, proposed: Sequence[Any], target: Description) -> Steps:
        """Return the operations that lead to a description, and run them."""
        if not self._runner.is_batch:
            return self._try_all(proposed, target)
        before = set(self.unresolved)
        with self._connection.begin_nested() as savepoint:
            done = self._try_all(proposed, target)
            twice = {_table(step) for step in done if self._is_rebuild(step)}
            if not twice & self._reworded:
                return done
            savepoint.rollback()
        # Its own statements rebuild the table at once.
        self.unresolved = before
        reworded = self._reworded
        once = [
            step
            for step in proposed
            if not (self._is_rebuild(step) and _table(step) in reworded)
        ]
        return self._try_all(once, target)

    def _is_rebuild(self, step: Any) -> bool:
        return isinstance(step, ops.ModifyTableOps) and step not in self._renames

    def _try_all(self, proposed: Sequence[Any], target: Description) -> Steps:
        self._target, self._refused, self._reworded = target, {}, set()
        done = self._in_words(target, only=FIRST)
        failed: list[tuple[int, Any]] = []
        for step in self._units(proposed):
            tried, left = self._tried(step)
            if left and self._moves_rows(step):
                # Other ways would drop what is renamed, with its rows.
                raise CommandError(RENAME_FAILS.format(errors.plain(self._error)))
            done += tried
            failed += [(len(done), it) for it in left]
        done += self._in_words(target)
        now = self.now()
        remaining = self._without_unmodelled(self._between(now, target), now)
        for position, step in reversed(failed):
            # Nothing else has done its work, so the trial has to say why it fails.
            of_table = [key for key in remaining if key.table == _table(step)]
            if of_table and not any(key in self._refused for key in of_table):
                done.insert(position, step)
                self._has_failed = True
                remaining = [key for key in remaining if key not in of_table]
        for key in [key for key in remaining if key in self._refused]:
            done += self._refused[key]
            self._has_failed = True
            remaining = [it for it in remaining if it.table != key.table]
        self.unresolved.update(remaining)
        for key in remaining:
            remark = BY_HAND + difference(key, now, target)
            print(f"Warning: {remark}", file=sys.stderr)
            done.append(Comment([remark]))
        return _merged(done)

    def _without_unmodelled(self, remaining: list[Key], now: Description) -> list[Key]:
        """Accept that what models can't say goes with what they change; a downgrade brings it back."""
        if self._target is not self._ruler.models:
            return remaining
        lost = [key for key in remaining if self._ruler.unmodelled.has(key)]
        for key in lost:
            print(f"Warning: {LOSES.format(key.words)}", file=sys.stderr)
        self._ruler.give_up(lost, now)
        return [key for key in remaining if key not in lost]

    # What Alembic proposes

    def _loses(self, step: Any) -> bool:
        """Return whether a step drops a table or column that has to be there afterwards.

        It is the reverse of one that was left out, since something else has done its work.
        """
        match step:
            case ops.ModifyTableOps(ops=[part]):
                return self._loses(part)
            case ops.DropTableOp(table_name=name):
                key = Key(self._schema(step), name, "table")
            case ops.DropColumnOp(table_name=table, column_name=name):
                key = Key(self._schema(step), table, "column", name)
            case _:
                return False
        return key in self._target and step not in self._renames

    def _moves_rows(self, step: Any) -> bool:
        is_of_constraints = isinstance(step, ops.ModifyTableOps)
        return step in self._renames and not is_of_constraints

    def _schema(self, step: Any) -> str | None:
        return self._ruler.scope.schema(getattr(step, "schema", None))

    def _units(self, proposed: Iterable[Any]) -> Iterator[Any]:
        """Yield operations to try, each alone if none can be undone in part."""
        for step in proposed:
            is_apart = not self._adapter.has_savepoints
            if isinstance(step, ops.ModifyTableOps):
                is_apart = is_apart or any(map(self._loses, step.ops))
            if isinstance(step, ops.ModifyTableOps) and is_apart:
                yield from _parts(step)
            else:
                yield step

    def _tried(self, step: Any) -> tuple[Steps, Steps]:
        """Try a proposed operation, and return what works of it, and what does not."""
        if self._loses(step):
            return [], []
        if self._runner.is_batch and _has_unnamed_constraint(step):
            return [], [step]  # A rebuild by Alembic needs names.
        done = self._attempt([step], is_rebuild=self._rebuilds(step))
        if self._error is None:
            return done, []
        if isinstance(step, ops.ModifyTableOps) and len(step.ops) > 1:
            return self._tried_by_parts(step)
        for drops in self._obstacles(step):
            done += self._attempt([*drops, step])
            if self._error is None:
                return done, []
        if isinstance(step, ops.CreateTableOp):
            # Its foreign keys come back as what still differs.
            done += self._attempt([_without_foreign_keys(step)])
        return (done, []) if self._error is None else (done, [step])

    def _tried_by_parts(self, step: ops.ModifyTableOps) -> tuple[Steps, Steps]:
        done: Steps = []
        failed: Steps = []
        for single in _parts(step):
            tried, left = self._tried(single)
            done += tried
            failed += left
        return done, failed

    def _obstacles(self, step: Any) -> Iterator[Steps]:
        """Yield operations that drop what may be in the way of one that has failed."""
        if not isinstance(self._error, DBAPIError):
            return
        before = self.now()
        table = Key(self._schema(step), _table(step), "table")
        ways = []
        for key in self._adapter.obstacles(self._error, table, before):
            after = {it: part for it, part in before.items() if it != key}
            ways += [next(self._adapter.words(key, before, after), [])]
        yield from ways
        if self._adapter.has_savepoints:  # Otherwise each is gone already.
            yield from [*accumulate(ways)][1:]

    # What still differs

    def _in_words(self, target: Description, only: Iterable[str] = ()) -> Steps:
        """Change what still differs, in rounds, since one change may need another."""
        done: Steps = []
        attempts: Counter[Key] = Counter()
        useless: set[Key] = set()
        before = self.now()
        while True:
            keys = [
                key
                for key in self._between(before, target)
                if attempts[key] < ATTEMPTS
                and key not in useless
                and (not only or (key.kind in only and key in target))
            ]
            found = self._round(keys, before, target)
            if not found:
                break
            now = self.now()
            effective = _effective(found, before, now)
            # What has no effect is not worth writing, nor doing again at once.
            useless = set() if effective else {*useless, *found}
            for key in effective:
                attempts[key] += 1
                done += found[key]
                if key.kind != "index":
                    self._reworded.add(key.table)
            before = now
        for position, step in enumerate(done):
            if isinstance(step, ops.ExecuteSQLOp):
                done.insert(position, Comment([IN_SQL]))
                break
        return done

    def _round(
        self, keys: Sequence[Key], before: Description, target: Description
    ) -> dict[Key, Steps]:
        """Change one part of each table, and return the operations that have done it.

        A change may take other parts of its table along, so these have to wait.
        """
        after = target | self._left_out(before, target)
        found: dict[Key, Steps] = {}
        changed: set[tuple[str | None, str]] = set()
        for key in sorted(keys, key=lambda key: _rank(key, target)):
            if key.table and key[:2] in changed:
                continue
            ways = chain(
                self._concurrently(key, before) if key.kind == "index" else (),
                self._adapter.words(key, before, after),
            )
            if steps := self._first_that_works(key, ways):
                found[key] = steps
                changed.add(key[:2])
        return found

    def _wants_concurrently(self, step: Any) -> bool:
        model = self._ruler.scope.models.get((self._schema(step), step.table_name))
        name = str(step.index_name)
        return model is not None and concurrent_indexes.is_wanted(model, name)

    def _concurrently(self, key: Key, before: Description) -> Iterator[Steps]:
        """Yield the way to change an index that the models want to be concurrent."""
        model = self._ruler.scope.models.get((key.schema, key.table))
        if model is None or not concurrent_indexes.is_wanted(model, key.name):
            return
        is_up = self._target is self._ruler.models
        table = model if is_up else self._built[key.schema, key.table]
        new = concurrent_indexes.find(table, key.name)
        steps: Steps = []
        if key in before:
            index: Any = concurrent_indexes.find(model, key.name)
            steps.append(concurrent_indexes.created(index).reverse())
        if key in self._target and new is not None:
            steps.append(concurrent_indexes.created(new))
        yield steps

    def _reflect_built(self) -> None:
        """Keep how the revisions have built tables of which an index is concurrent."""
        for (schema, name), model in self._ruler.scope.models.items():
            has_any = any(
                concurrent_indexes.is_wanted(model, str(it.name))
                for it in model.indexes
            )
            if has_any and Key(schema, name, "table") in self._ruler.revisions:
                self._built[schema, name] = Table(
                    name,
                    MetaData(),
                    schema=schema,
                    autoload_with=self._connection,
                    resolve_fks=False,
                )

    def _left_out(self, before: Description, target: Description) -> Description:
        """Return what is not compared, and has to stay where a table is rebuilt."""
        return {
            key: part
            for key, part in before.items()
            if key not in target and not self._ruler.scope.is_part_compared(key, part)
        }

    def _first_that_works(self, key: Key, ways: Iterable[Steps]) -> Steps:
        for way in ways:
            done = self._attempt(way)
            if self._error is None or done:
                return done
            if isinstance(self._error, DataError | IntegrityError):
                # It is right but for the rows that a revision has inserted.
                self._refused.setdefault(key, way)
        return []

    # Running

    def _attempt(self, steps: Steps, *, is_rebuild: bool = False) -> Steps:
        """Run operations; return those that are done, which are all or none if possible.

        Arguments:
            steps: the operations.
            is_rebuild: whether they fail, too, if they lose a part of a table.
        """
        done: Steps = []
        self._error = None
        has_savepoints = self._adapter.has_savepoints
        nested = self._connection.begin_nested if has_savepoints else nullcontext
        before = {*self._between(self.now(), self._target)} if is_rebuild else None
        try:
            with nested():
                for step in steps:
                    self._runner.run([step])
                    done.append(step)
                if before is not None:
                    self._refuse_loss(before)
        except Exception as error:  # noqa: BLE001  Alembic raises errors of many kinds.
            self._error = error
            return [] if has_savepoints else done
        return done

    def _rebuilds(self, step: Any) -> bool:
        return self._runner.is_batch and isinstance(step, ops.ModifyTableOps)

    def _refuse_loss(self, before: set[Key]) -> None:
        lost = {*self._between(self.now(), self._target)} - before
        if lost:
            raise CommandError(f"a rebuilt table loses {described(min(lost, key=str))}")


def _rank(key: Key, target: Description) -> tuple[bool, int, str]:
    is_removed = key not in target
    position = REMOVED.index(key.kind) if key.kind in REMOVED else len(REMOVED)
    if key.kind == HIDDEN:
        position = -1  # Its foreign key goes, and comes, before it.
    return not is_removed, position if is_removed else -position, str(key)


def _effective(
    found: Iterable[Key], before: Description, now: Description
) -> list[Key]:
    """Return the keys whose way has changed something, which may be another part."""
    changed = {key for key in {*before, *now} if before.get(key) != now.get(key)}
    tables = {key[:2] for key in changed if key.table}
    effective = [key for key in found if key in changed or key[:2] in tables]
    elsewhere = tables - {key[:2] for key in effective}
    return [*found] if elsewhere else effective


def _table(step: Any) -> str:
    return str(getattr(step, "table_name", ""))


def _has_unnamed_constraint(step: Any) -> bool:
    return isinstance(step, ops.ModifyTableOps) and any(
        isinstance(part, ops.AddConstraintOp | ops.DropConstraintOp)
        and getattr(part, "constraint_name", None) is None
        for part in step.ops
    )


def _parts(step: ops.ModifyTableOps) -> Steps:
    return [
        ops.ModifyTableOps(step.table_name, [part], schema=step.schema)
        for part in step.ops
    ]


def _without_foreign_keys(step: ops.CreateTableOp) -> ops.CreateTableOp:
    table = step.to_table()
    for constraint in [*table.foreign_key_constraints]:
        table.constraints.discard(constraint)
    return ops.CreateTableOp.from_table(table)


def _merged(steps: Steps) -> Steps:
    """Join changes of the same table that follow each other, which may share a rebuild."""
    merged: Steps = []
    for step in steps:
        last = merged[-1] if merged else None
        if (
            isinstance(step, ops.ModifyTableOps)
            and isinstance(last, ops.ModifyTableOps)
            and (last.table_name, last.schema) == (step.table_name, step.schema)
        ):
            # A new one, since the proposed one may be tried again.
            parts = [*last.ops, *step.ops]
            merged[-1] = ops.ModifyTableOps(step.table_name, parts, schema=step.schema)
        else:
            merged.append(step)
    return merged
