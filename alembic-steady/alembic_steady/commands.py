"""The additional commands, as functions that take a `Config` like Alembic's own."""

from __future__ import annotations

import sys

from alembic.config import Config
from sqlalchemy import URL

from alembic_steady import drift as drift_of
from alembic_steady import errors, settings
from alembic_steady.settings import Settings


def create(config: Config) -> None:
    """Create the database, and let the application's role read and write in it."""
    project = settings.load(config)
    url = project.url()
    with errors.in_one_line(project.adapter.describe(url), config):
        _create(config, project, url)


def _create(config: Config, project: Settings, url: URL) -> None:
    outcome = "created" if project.adapter.create(url) else "already exists"
    place = project.adapter.describe(url)
    config.print_stdout("%s: %s", place, outcome)
    for schema in project.adapter.create_schemas(url):
        config.print_stdout("%s, schema %s: created", place, schema)
    application = project.application_url()
    if application and (role := project.adapter.admit(url, application)):
        config.print_stdout(
            "%s may read and write all tables that migrations create", role
        )


def drift(config: Config) -> None:
    """List how the database differs from what its revisions build; exit with 1 if it does."""
    project = settings.load(config)
    url = project.url()
    config.print_stdout("%s:", project.adapter.describe(url))
    with (
        errors.in_one_line(project.adapter.describe(url), config),
        project.adapter.connect(url) as real,
        project.scratch_connection() as empty,
    ):
        differences = drift_of.find(project, config, real, empty)
    for line in differences or ["no drift"]:
        config.print_stdout("%s", line)
    if any(not line.endswith(drift_of.NOT_OWNED) for line in differences):
        sys.exit(1)


def squawk(config: Config) -> None:
    """Lint the SQL of the revisions for what blocks or breaks a service (PostgreSQL)."""
    with errors.in_one_line("steady squawk", config):
        sys.exit(settings.load(config).adapter.squawk(config))


def adopt(config: Config) -> None:
    """Write models and a first revision from the database, which is only read."""
    from alembic_steady.adopt.command import adopt as run

    run(config)


def squash(config: Config, revision: str) -> None:
    """Put one revision, which builds the same, in place of all up to it."""
    from alembic_steady.squash import squash as run

    run(config, revision)


def rebase(config: Config) -> None:
    """Put my revisions behind those of another branch, and let the database follow."""
    from alembic_steady.branches.rebase import rebase as run

    run(config)


def sync(config: Config) -> None:
    """Undo in the local database what this branch does not have, and upgrade it."""
    from alembic_steady.branches.sync import sync as run

    run(config)


def staged(config: Config) -> None:
    """Check that the revisions of the next commit cover its models, and have one head."""
    from alembic_steady.branches.staged import staged as run

    run(config)


def undo(config: Config) -> None:
    """Take back the last revision: in the database, its file and the models."""
    from alembic_steady.branches.undo import undo as run

    run(config)


def plan(config: Config) -> None:
    """Show what `upgrade head` would do to the database, without doing it."""
    from alembic_steady.plan import plan as run

    run(config)
