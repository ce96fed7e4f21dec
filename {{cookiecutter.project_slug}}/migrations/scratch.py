{% set postgresql = (cookiecutter.database_url | database).dialect.family == "postgresql" %}
"""A scratch database: Alembic compares the models with what the revisions build.

A developer's own database may be behind, or hold tables that this project does not own.
So `alembic revision --autogenerate` and `alembic check` replay all revisions on an empty
database and compare with that; `alembic -x live …` compares with the real one.
"""

import sys
from collections.abc import Iterator
{% if cookiecutter.__kind == "server" %}
from contextlib import ExitStack, contextmanager
{% else %}
from contextlib import contextmanager
{% endif %}
from typing import Any

from alembic import command, context, op
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
{% if cookiecutter.__kind == "server" %}
from alembic.util import CommandError
{% endif %}
{% if postgresql %}
from sqlalchemy import Connection, create_engine, event
{% else %}
from sqlalchemy import Connection, create_engine
{% endif %}

from app.config import DIALECT
{% if cookiecutter.__kind == "server" %}
from migrations import arguments, databases
{% else %}
from migrations import arguments, databases, mend  # noqa: F401  revisions need mend
{% endif %}

NOTE = """\
Compared the models with the revisions, not with the database. About that, ask
alembic current --check-heads and python -m migrations drift."""
{% if cookiecutter.__kind == "server" %}
WAYS_OUT = (
    "; set SHADOW_DATABASE_URL to a server where databases may be made,"
    " or compare with the database itself: alembic -x live …"
)
{% endif %}


def is_scratch() -> bool:
    """Return whether the revision that asks runs on a database that is dropped again.

    What it makes outside of its database, such as a role, would stay.
    """
    bind = op.get_bind()
    return bind is not None and databases.is_temporary(bind.engine.url)


def is_check() -> bool:
    """Return whether this is `alembic check`, which writes nothing."""
    function, *_ = getattr(context.config.cmd_opts, "cmd", [None])
    return function is command.check


def is_wanted() -> bool:
    """Return whether this run of Alembic compares, and not with the real database."""
    if arguments.value("live") is not None:
        return False
    # Only `revision` and `check` bring an object to collect a new revision in.
    context.configure(dialect_name=DIALECT)
    revision = context.get_context().opts.get("revision_context")
    return revision is not None and revision.command_args["autogenerate"]


def compare(**options: Any) -> None:
    """Compare on a scratch database.

    Arguments:
        options: as for `alembic.context.configure`.

    Raises:
        CommandError: there is no server for it; the message is one line and says so.
    """
{% if cookiecutter.__kind == "server" %}
    if not context.script.get_heads():
        _compare_with_nothing(**options)
        return
{% endif %}
    with database() as connection:
        context.configure(connection=connection, **options)
        migration = context.get_context()
        build(migration, context.script, "heads")
        migration.stamp(context.script, "heads")
        context.run_migrations()
    if is_check():
        print(NOTE, file=sys.stderr)


@contextmanager
def database() -> Iterator[Connection]:
{% if cookiecutter.__kind == "server" %}
    """Open an empty database that is made and dropped here.

    Raises:
        CommandError: there is no server for it; the message is one line and says so.
    """
    with ExitStack() as stack:
        try:
            url = stack.enter_context(databases.temporary("SHADOW_DATABASE_URL"))
            connection = stack.enter_context(databases.connect(url))
        except CommandError as error:
            raise CommandError(f"{error}{WAYS_OUT}") from None
        yield connection
{% else %}
    """Open an empty database in memory."""
    with create_engine("sqlite://").connect() as connection:
        yield connection
{% endif %}


def build(
    migration: MigrationContext, scripts: ScriptDirectory, heads: str | tuple[str, ...]
) -> None:
    """Run all revisions up to some heads on an empty database, each as it is run alone.

    Raises:
        CommandError: there is no such revision.
    """
    with Operations.context(migration):
        for script in reversed(list(scripts.walk_revisions("base", heads))):  # type: ignore[arg-type]
{% if cookiecutter.__kind == "server" %}
            with migration.begin_transaction(_per_migration=True):
{% else %}
            with migration.begin_transaction():
{% endif %}
                script.module.upgrade()
{% if cookiecutter.__kind == "server" %}


def _compare_with_nothing(**options: Any) -> None:
    # The first revision needs no server: any empty database will do to look at, as long
    # as what is written speaks the project's dialect.
    context.configure(dialect_name=DIALECT, **options)
    migration = context.get_context()
    engine = create_engine("sqlite://")
{% if postgresql %}
    # What PostgreSQL would be asked about enums, it does not understand: it finds nothing.
    nothing = ("SELECT 0 WHERE 0", ())
    event.listen(engine, "before_cursor_execute", lambda *_: nothing, retval=True)
    migration.dialect.default_schema_name = "public"
{% endif %}
    with engine.connect() as connection:
        migration.connection = connection
        context.run_migrations()
{% endif %}
