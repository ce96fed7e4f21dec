"""A scratch database: Alembic compares the models with what the revisions build.

A developer's own database may be behind, or hold tables that this project does not own.
So `alembic revision --autogenerate` and `alembic check` replay all revisions on an empty
database and compare with that; `alembic -x live …` compares with the real one.
"""

from typing import Any

from alembic import context
from alembic.operations import Operations
from sqlalchemy import create_engine

from app.config import DIALECT
{% if cookiecutter.__kind == "server" %}
from migrations import databases
{% endif %}


def is_wanted() -> bool:
    """Return whether this run of Alembic compares, and not with the real database."""
    if "live" in context.get_x_argument(as_dictionary=True):
        return False
    # Only `revision` and `check` bring an object to collect a new revision in.
    context.configure(dialect_name=DIALECT)
    revision = context.get_context().opts.get("revision_context")
    return revision is not None and revision.command_args["autogenerate"]


{% if cookiecutter.__kind == "server" %}
def compare(**options: Any) -> None:
    """Compare on a scratch database of the server, made and dropped here.

    Arguments:
        options: as for `alembic.context.configure`.

    Raises:
        ConfigError, CommandError: there is no server for it, in one line.
    """
    if not context.script.get_heads():
        _compare_with_nothing(**options)
        return
    with (
        databases.temporary("SHADOW_DATABASE_URL") as url,
        databases.connect(url) as connection,
    ):
        context.configure(connection=connection, **options)
        _replay()
        context.run_migrations()


def _compare_with_nothing(**options: Any) -> None:
    # The first revision needs no server: any empty database will do to look at, as long
    # as what is written speaks the project's dialect.
    context.configure(dialect_name=DIALECT, **options)
    with create_engine("sqlite://").connect() as connection:
        context.get_context().connection = connection
        context.run_migrations()
{% else %}
def compare(**options: Any) -> None:
    """Compare on a scratch database in memory.

    Arguments:
        options: as for `alembic.context.configure`.
    """
    with create_engine("sqlite://").connect() as connection:
        context.configure(connection=connection, **options)
        _replay()
        context.run_migrations()
{% endif %}


def _replay() -> None:
    migration = context.get_context()
    with migration.begin_transaction(), Operations.context(migration):
        for script in reversed(list(context.script.walk_revisions())):
            script.module.upgrade()
        migration.stamp(context.script, "heads")
