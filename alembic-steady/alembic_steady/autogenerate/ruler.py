"""The ruler: what the revisions build and what the models build, each as the database says.

R is a database that the revisions have built, and M one that the models have built. What
both describe alike is the same, however it is spelt in the models.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from alembic.util import CommandError
from sqlalchemy import Connection, inspect
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.types import TypeEngine

from alembic_steady import errors
from alembic_steady.adapters.description import Description, Key, Part
from alembic_steady.autogenerate.unmodelled import Unmodelled
from alembic_steady.scope import Scope
from alembic_steady.settings import Settings

OTHER_DATABASE = (
    "table {} is in another database, since it has a schema, and one is compared: leave"
    " it out with include_object"
)
MODELS_FAIL = "the models cannot be built: {}"


@dataclass
class Ruler:
    """The two descriptions that a comparison is about.

    Attributes:
        scope: what is compared.
        revisions: what the revisions build.
        models: what the models build, with what they can't say as the revisions build it.
        types: the types that the database has given to columns of the models, by schema,
            table and column; only those of tables that differ.
        unmodelled: what the models can't say.
        built: what the models build by themselves.
        ignored: the parts that a function of the project says are alike.
    """

    scope: Scope
    revisions: Description
    models: Description
    types: dict[tuple[str | None, str, str], TypeEngine[Any]]
    unmodelled: Unmodelled
    built: Description
    ignored: set[Key] = field(default_factory=set)
    _compared: Description | None = None
    _changed: set[Key] = field(default_factory=set)

    def take(self, revisions: Description) -> None:
        """Compare with what other revisions build, or a database itself."""
        self.revisions = revisions
        self.models = self.unmodelled.added(self.built, revisions)

    def give_up(self, keys: Iterable[Key], now: Description) -> None:
        """Expect what the models can't say to be as it is now, since it can't be kept."""
        for key in keys:
            self.models.pop(key, None)
            if key in now:
                self.models[key] = now[key]
        self._compared = None

    def differences(self) -> list[Key]:
        """Return what differs between what the revisions and the models build."""
        return self.between(self.revisions, self.models)

    def between(
        self, before: Description, after: Description, *, is_named: bool = False
    ) -> list[Key]:
        """Return what differs between any two descriptions; see `Scope.differences`."""
        found = self.scope.differences(before, after, is_named=is_named)
        return [key for key in found if key not in self.ignored]

    def describe(self, connection: Connection) -> Description:
        """Describe what is compared of a database."""
        return {
            key: part
            for key, part in self.scope.describe(connection).items()
            if key.kind != "view"
        }

    def is_alike(self, key: Key) -> bool:
        """Return whether both describe a part alike, or neither has it."""
        if self._compared is not self.revisions:
            self._compared, self._changed = self.revisions, {*self.differences()}
        return key in self.ignored or key not in self._changed


def measure(
    settings: Settings,
    scope: Scope,
    connection: Connection,
    empty: Callable[[], AbstractContextManager[Connection]],
    replay: Callable[[Connection], None],
) -> Ruler:
    """Describe what the revisions have built, and what the models build.

    Arguments:
        settings: the settings of the project.
        scope: what is compared.
        connection: a scratch database on which the revisions have been run. It is as before
            afterwards.
        empty: creates another scratch database.
        replay: runs the revisions on a scratch database.

    Raises:
        CommandError: the models cannot be built, or not in one database; the message says
            which table and why.
    """
    adapter = settings.adapter
    _refuse_other_databases(settings, scope)
    revisions = _without_views(scope.describe(connection))
    several = settings.several_metadata
    with adapter.model_database(connection, several, empty, replay) as other:
        try:
            with warnings.catch_warnings():
                # Whoever runs the revision gets them.
                warnings.simplefilter("ignore")
                adapter.build(other, several)
        except SQLAlchemyError as error:
            raise CommandError(MODELS_FAIL.format(errors.plain(error))) from None
        built = _without_views(scope.describe(other))
        unmodelled = Unmodelled(settings, connection.dialect.default_schema_name)
        ruler = Ruler(scope, revisions, built, {}, unmodelled, built)
        ruler.take(revisions)
        tables = {(key.schema, key.table) for key in ruler.differences() if key.table}
        ruler.types = _types(settings, other, tables & {*scope.models})
    return ruler


def _refuse_other_databases(settings: Settings, scope: Scope) -> None:
    for schema, name in scope.models:
        is_elsewhere = schema is not None and not settings.adapter.has_schemas
        if is_elsewhere and scope.is_wanted(schema, name):
            raise CommandError(OTHER_DATABASE.format(f"{schema}.{name}"))


def difference(key: Key, now: Description, target: Description) -> str:
    """Say what a part is, and what it has to be."""
    old, new = (_definition(key, it.get(key)) for it in (now, target))
    return f"{described(key)} is {old}, and has to be {new}"


def _definition(key: Key, part: Part | None) -> str:
    if part is None:
        return "missing"
    told = "" if key.kind == "table" else part.definition or part.text
    return " ".join(told.split()) or "there"


def described(key: Key) -> str:
    """Return the words for a part, such as "type of column user.name"."""
    return key.words


def _without_views(description: Description) -> Description:
    return {key: part for key, part in description.items() if key.kind != "view"}


def _types(
    settings: Settings, connection: Connection, tables: set[tuple[str | None, str]]
) -> dict[tuple[str | None, str, str], TypeEngine[Any]]:
    found = {}
    for schema in {schema for schema, _ in tables}:
        names = [table for place, table in tables if place == schema]
        columns = inspect(connection).get_multi_columns(schema, filter_names=names)
        for (_, table), described in columns.items():
            for column in described:
                found[schema, table, column["name"]] = column["type"]
    return found
