"""Settings: from the environment alone."""

import os

from sqlalchemy import URL, make_url

DRIVER = os.environ["DRIVER"]


def database_url() -> URL:
    """Return the URL of the application's database, on the driver of this run."""
    if not os.environ.get("DATABASE_URL"):
        raise SystemExit("DATABASE_URL is not set")
    return make_url(os.environ["DATABASE_URL"]).set(drivername=DRIVER)


def migration_url() -> URL:
    """Return the URL that migrations use."""
    url = os.environ.get("MIGRATION_DATABASE_URL")
    return make_url(url).set(drivername=DRIVER) if url else database_url()
