{% set postgresql = (cookiecutter.database_url | database).dialect.family == "postgresql" %}
"""Alembic runs this file for each command that needs a database or the models."""

import sys
from logging.config import fileConfig
from typing import Any

from alembic import context
from alembic.util import CommandError
{% if postgresql %}
from alembic_postgresql_enum import Config, set_configuration
{% endif %}
from sqlalchemy import Connection, Engine

import app.models  # noqa: F401  every model has to be imported to be seen
from app.config import DIALECT, migration_url
from app.database import Base
{% if cookiecutter.__kind == "server" %}
from migrations import databases, defaults, guard, lock, mend, renames, scratch, steps
{% else %}
from migrations import databases, defaults, guard, lock, renames, scratch, steps
{% endif %}

config = context.config
target_metadata = Base.metadata
{% if postgresql %}
# Autogenerate looks after enums, too; mypy knows no operations of other packages.
set_configuration(Config(add_type_ignore=True))
{% endif %}

# An application that calls Alembic from Python sets up logging of its own.
if hasattr(config.cmd_opts, "cmd") and config.config_file_name:
    fileConfig(config.config_file_name, disable_existing_loggers=False)


def review(migration: Any, _revision: object, directives: Any) -> None:
    """Look at what autogenerate found, and write no file where that is nothing."""

    # An empty list of directives would do for `revision`, but `check` fails on it.
    def write_nothing(*_args: object, **_options: object) -> None:
        config.print_stdout("No changes in the models, no new revision.")

    if not migration.opts["revision_context"].command_args["autogenerate"]:
        return
{% if cookiecutter.__kind == "server" %}
    mend.complete(migration, directives[0])
{% endif %}
    if not scratch.is_check():
        renames.settle(migration, directives[0])
    remarks = guard.review(directives[0].upgrade_ops, target_metadata)
    migration.opts["template_args"]["remarks"] = remarks
{% if cookiecutter.__kind == "server" %}
    # A revision is no driver, which would want each % of an expression twice.
    migration.dialect.identifier_preparer._double_percents = False
{% endif %}
    if directives[0].upgrade_ops.is_empty():
        context.script.generate_revision = write_nothing  # type: ignore[method-assign]


def is_compared(item: Any, _name: Any, kind: str, *_others: object) -> bool:
    """Leave out views that models are mapped to, and checks that come with a type."""
    if kind == "check_constraint":
        return not item._type_bound
    return not (kind == "table" and item.is_view)


{% if postgresql %}
def is_own_schema(name: Any, kind: str, _parents: object) -> bool:
    """Look only into schemas of the models: a real database may have others."""
    own = {None, *(table.schema for table in target_metadata.tables.values())}
    return kind != "schema" or name in own


{% endif %}
options: dict[str, Any] = {
    "target_metadata": target_metadata,
    "compare_server_default": True,
    "autogenerate_plugins": [
        "alembic.autogenerate.*",
        "alembic.ext.checkconstraint_byname",
        defaults.__name__,
    ],
{% if postgresql %}
    "include_schemas": True,
{% endif %}
    "include_object": is_compared,
{% if cookiecutter.__kind == "file" %}
    "render_as_batch": True,
{% endif %}
{% if cookiecutter.__kind == "file" %}
    "transactional_ddl": True,
{% else %}
    "transaction_per_migration": True,
{% endif %}
    "process_revision_directives": review,
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
    """Run the command on a database, alone where it writes there, and say which it is."""
    print(f"Database: {databases.describe(connection.engine.url)}", file=sys.stderr)
{% if postgresql %}
    context.configure(connection=connection, include_name=is_own_schema, **options)
{% else %}
    context.configure(connection=connection, **options)
{% endif %}
    if "destination_rev" in context.get_context().opts:
        with lock.held(connection) as check:
            steps.run(connection, check)
    else:
        with context.begin_transaction():
            context.run_migrations()


def run_on_own_database() -> None:
    """Run the command on the database that the settings name."""
    with databases.connect(migration_url()) as connection:
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
