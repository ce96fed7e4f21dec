"""What `env.py` has told: models, URLs and the options of `context.configure`."""

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

from alembic_steady.adapters import Adapter, adapter_for

UrlSource = str | URL | Callable[[], str | URL | None] | None
"""A URL, or what returns one when it is needed; None where there is none."""

COLLECTOR = "alembic_steady.settings"
"""The key in `Config.attributes` of what asks env.py for its settings."""

NO_URL = "no database URL: set sqlalchemy.url in the ini file, or pass url=… to run_migrations()"


@dataclass(frozen=True)
class Settings:
    """What `run_migrations` was called with.

    Attributes:
        metadata: that of the models.
        options: as for `context.configure`, without what the library adds.
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
        """What knows the family of databases that the project uses."""
        return adapter_for(self.dialect_name)

    @cached_property
    def dialect_name(self) -> str:
        """The name of SQLAlchemy's dialect, without a question for the URL if given."""
        return self.given_dialect_name or self._original_url().get_backend_name()

    @property
    def tables(self) -> dict[str, Table]:
        """All tables of the models, by their full names."""
        several = self.metadata
        all_of_them = [several] if isinstance(several, MetaData) else several
        return {
            name: table for part in all_of_them for name, table in part.tables.items()
        }

    def url(self) -> URL:
        """Return the URL of the database that migrations use, on a synchronous driver.

        Raises:
            CommandError: there is none, or no synchronous driver for it is installed.
        """
        return self.adapter.synchronous(self._original_url())

    def application_url(self) -> URL | None:
        """Return the URL of the application's database, if it was told."""
        return self._optional(self.application_url_source, "application_url")

    def shadow_url(self) -> URL | None:
        """Return the URL of the server for scratch databases, if one is named."""
        return self._optional(self.shadow_url_source, "SHADOW_DATABASE_URL")

    def test_url(self) -> URL | None:
        """Return the URL of the server for test databases, if one is named."""
        return self._optional(self.test_url_source, "TEST_DATABASE_URL")

    def scratch_connection(self) -> AbstractContextManager[Connection]:
        """Open an empty database that is made for this and dropped afterwards.

        Raises:
            CommandError: there is no server for it.
        """
        return self.adapter.scratch_connection(self.shadow_url, self._urls_in_use)

    def test_database(self) -> AbstractContextManager[URL]:
        """Make an empty database for tests, for a while.

        Raises:
            CommandError: there is no server for it.
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
    """Return what a project's `env.py` hands to `run_migrations`.

    Arguments:
        config: that of the project, as for Alembic's commands.

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
        reason = f"{type(error).__name__}: {error}"
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
