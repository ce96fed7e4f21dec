"""Alembic runs this file for each command that needs a database or the models."""

from logging.config import fileConfig

from alembic import context
from alembic_steady import run_migrations

import app.models  # noqa: F401
from app.config import DRIVER, database_url, migration_url
from app.database import Base

config = context.config
target_metadata = Base.metadata

if hasattr(config.cmd_opts, "cmd") and config.config_file_name:
    fileConfig(config.config_file_name, disable_existing_loggers=False)

is_file = DRIVER.startswith("sqlite")
run_migrations(
    target_metadata,
    dialect_name=DRIVER.partition("+")[0],
    url=migration_url,
    application_url=None if is_file else database_url,
)
