"""Alembic runs this file for each command that needs a database or the models."""

import logging
import sys
from logging.config import fileConfig
from typing import Any

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection, Engine

import app.models  # noqa: F401  every model has to be imported to be seen
from app.config import DIALECT, migration_url
from app.database import Base
from migrations import databases, scratch

config = context.config
target_metadata = Base.metadata

# An application that calls Alembic from Python sets up logging of its own.
if config.cmd_opts and config.config_file_name:
    fileConfig(config.config_file_name, disable_existing_loggers=False)
    # Of what Alembic says about its own workings, only the steps that it runs.
    logging.getLogger("alembic.runtime.migration").addFilter(
        lambda record: record.msg.startswith("Running")
    )


def skip_empty_revision(migration: Any, _revision: object, directives: Any) -> None:
    """Write no file where autogenerate finds no change in the models."""

    # An empty list of directives would do for `revision`, but `check` fails on it.
    def write_nothing(*_args: object, **_options: object) -> None:
        config.print_stdout("No changes in the models, no new revision.")

    is_autogenerate = migration.opts["revision_context"].command_args["autogenerate"]
    if is_autogenerate and directives[0].upgrade_ops.is_empty():
        context.script.generate_revision = write_nothing  # type: ignore[method-assign]


options: dict[str, Any] = {
    "target_metadata": target_metadata,
    "compare_server_default": True,
{% if cookiecutter.__kind == "file" %}
    "render_as_batch": True,
{% endif %}
    "process_revision_directives": skip_empty_revision,
}


def print_sql() -> None:
    """Print the SQL that would be run, for `--sql`."""
    context.configure(
        dialect_name=DIALECT,
        literal_binds=True,
        dialect_opts={"paramstyle": "named"},
        **options,
    )
    with context.begin_transaction():
        context.run_migrations()


def run(connection: Connection) -> None:
    """Run the command on a database."""
    context.configure(connection=connection, **options)
    with context.begin_transaction():
        context.run_migrations()


def run_on_own_database() -> None:
    """Run the command on the database that the settings name, and say which it is."""
    url = migration_url()
    print(f"Database: {databases.describe(url)}", file=sys.stderr)
    with databases.connect(url) as connection:
        run(connection)


given = config.attributes.get("connection")
if context.is_offline_mode():
    print_sql()
elif isinstance(given, Connection):
    run(given)
elif isinstance(given, Engine):
    with given.connect() as connection:
        run(connection)
elif given is not None:
    raise CommandError(f"given: {type(given).__name__}, not a Connection or Engine")
elif scratch.is_wanted():
    scratch.compare(**options)
else:
    run_on_own_database()
