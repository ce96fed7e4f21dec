"""Alembic runs this file for each command that needs a database or the models."""

{% if cookiecutter.__kind == "server" %}
from functools import partial
{% endif %}
from logging.config import fileConfig

from alembic import context
from alembic.util import CommandError
from alembic_steady import run_migrations
from sqlalchemy.exc import SQLAlchemyError

{% if cookiecutter.__kind == "server" %}
from app.config import DIALECT, migration_url, read_url
{% else %}
from app.config import DIALECT, migration_url
{% endif %}
from app.database import Base

try:
    import app.models  # noqa: F401  Alembic only sees models that are imported
except (SQLAlchemyError, SyntaxError) as error:
    raise CommandError(f"the models cannot be imported: {error}") from error

config = context.config
target_metadata = Base.metadata

# An application that calls Alembic from Python sets up its own logging.
if hasattr(config.cmd_opts, "cmd") and config.config_file_name:
    fileConfig(config.config_file_name, disable_existing_loggers=False)

{% if cookiecutter.__kind == "server" %}
run_migrations(
    target_metadata,
    dialect_name=DIALECT,
    url=migration_url,
    application_url=partial(read_url, "DATABASE_URL"),
    shadow_url=partial(read_url, "SHADOW_DATABASE_URL"),
    test_url=partial(read_url, "TEST_DATABASE_URL"),
)
{% else %}
run_migrations(target_metadata, dialect_name=DIALECT, url=migration_url)
{% endif %}
