"""What `env.py` passes to the library: models, URLs, and options of Alembic."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, Connection, MetaData, Table, make_url
from sqlalchemy.exc import ArgumentError

from alembic_steady import errors, x_arguments
from alembic_steady.adapters import Adapter, adapter_for

UrlSource = str | URL | Callable[[], str | URL | None] | None
"""A URL, a function that returns one when it is needed, or None if there is none."""

COLLECTOR = "alembic_steady.settings"
"""The key in `Config.attributes` of the function that receives the settings of env.py."""

NO_URL = "no database URL: set sqlalchemy.url in the ini file, or pass url=… to run_migrations()"

NO_WORDS = (
    'metadata.info["unmodelled"] has to be a list of strings, such as "table old"'
)


@dataclass(frozen=True)
class Settings:
    """The arguments of `run_migrations`.

    Attributes:
        metadata: the metadata of the models.
        options: the project's options for `context.configure`.
    """

    metadata: MetaData | Sequence[MetaData]
    config: Config
    url_source: UrlSource = None
    application_url_source: UrlSource = None
    shadow_url_source: UrlSource = None
    test_url_source: UrlSource = None
    given_dialect_name: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def adapter(self) -> Adapter:
        """The adapter for the project's family of databases."""
        return adapter_for(self.dialect_name)

    @cached_property
    def dialect_name(self) -> str:
        """The name of SQLAlchemy's dialect; the URL is only read if none was given."""
        return self.given_dialect_name or self._original_url().get_backend_name()

    @property
    def tables(self) -> dict[str, Table]:
        """All tables of the models, by their full names."""
        return {
            name: table
            for metadata in self.several_metadata
            for name, table in metadata.tables.items()
        }

    @property
    def several_metadata(self) -> Sequence[MetaData]:
        """The metadata of the models, as a sequence."""
        given = self.metadata
        return [given] if isinstance(given, MetaData) else given

    @property
    def unmodelled(self) -> set[str]:
        """The words for what the models can't say, as any of their metadata has them.

        Raises:
            CommandError: it is no list of words.
        """
        found: set[str] = set()
        for metadata in self.several_metadata:
            told = metadata.info.get("unmodelled", [])
            if isinstance(told, str) or not all(isinstance(it, str) for it in told):
                raise CommandError(NO_WORDS)
            found.update(told)
        return found

    def url(self) -> URL:
        """Return the URL of the database that migrations use, with a synchronous driver.

        Raises:
            CommandError: there is none, or no synchronous driver for it is installed.
        """
        return self.adapter.synchronous(self._original_url())

    def application_url(self) -> URL | None:
        """Return the URL with the application's role, if one was given."""
        return self._optional(self.application_url_source, "application_url")

    def shadow_url(self) -> URL | None:
        """Return the URL of the server for scratch databases, if one is set."""
        return self._optional(self.shadow_url_source, "SHADOW_DATABASE_URL")

    def test_url(self) -> URL | None:
        """Return the URL of the server for test databases, if one is set."""
        return self._optional(self.test_url_source, "TEST_DATABASE_URL")

    def told_urls(self, name: str) -> Iterator[URL]:
        """Yield the URL of each `-x name=URL`, with a synchronous driver.

        Raises:
            CommandError: one is no URL, or no synchronous driver for it is installed.
        """
        for value in x_arguments.told(self.config, name):
            yield self.adapter.synchronous(_parsed(value, name))

    def scratch_connection(self) -> AbstractContextManager[Connection]:
        """Create a scratch database, connect to it, and drop it afterwards.

        Raises:
            CommandError: there is no server on which one may be created.
        """
        return self.adapter.scratch_connection(self.shadow_url, self._urls_in_use)

    def test_database(self) -> AbstractContextManager[URL]:
        """Create an empty test database, and drop it afterwards.

        Raises:
            CommandError: there is no server on which one may be created.
        """
        return self.adapter.test_database(self.test_url, self._urls_in_use)

    def _urls_in_use(self) -> Iterator[URL]:
        yield self.url()
        if application := self.application_url():
            yield application

    def _original_url(self) -> URL:
        url = _called(self.url_source) or self.config.get_main_option("sqlalchemy.url")
        if not url:
            raise CommandError(NO_URL)
        return _parsed(url, "the database URL")

    def _optional(self, source: UrlSource, name: str) -> URL | None:
        url = _called(source)
        if source is None and name.isupper():
            url = os.environ.get(name)
        return self.adapter.synchronous(_parsed(url, name)) if url else None


def load(config: Config) -> Settings:
    """Return what a project's `env.py` passes to `run_migrations`.

    Arguments:
        config: Alembic's configuration of the project.

    Raises:
        CommandError: `env.py` fails, or does not call `run_migrations`.
    """
    found: list[Settings] = []
    scripts = ScriptDirectory.from_config(config)
    config.attributes[COLLECTOR] = found.append
    try:
        with EnvironmentContext(config, scripts):
            scripts.run_env()
    except CommandError:
        raise
    except Exception as error:
        reason = errors.named(error)
        raise CommandError(
            f"{scripts.env_py_location} failed: {reason};"
            " for the traceback, run: alembic current"
        ) from error
    finally:
        del config.attributes[COLLECTOR]
    if not found:
        raise CommandError(f"{scripts.env_py_location} did not call run_migrations()")
    return found[0]


def _called(source: UrlSource) -> str | URL | None:
    return source() if callable(source) else source


def _parsed(url: str | URL, name: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        raise CommandError(f"{name} is not a valid SQLAlchemy URL") from None
