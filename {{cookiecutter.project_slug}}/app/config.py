"""Settings: from the environment first, from the repository's own .env second."""

import os
from pathlib import Path

from dotenv import dotenv_values
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

ROOT = Path(__file__).resolve().parent.parent
DIALECT = "{{ cookiecutter.__dialect }}"
DRIVER = "{{ cookiecutter.__driver }}"
{% if cookiecutter.__kind == "server" %}
# Hosting platforms hand out URLs that name no driver.
DRIVERLESS = {{ (cookiecutter.database_url | database).driverless | tojson }}
{% endif %}


class ConfigError(SystemExit):
    """A setting is missing or wrong. Uncaught, it ends the program with its message."""


def database_url() -> URL:
    """Return the URL of the application's database.

    Raises:
        ConfigError: DATABASE_URL is not set, or is no URL for this project.
    """
    url = read_url("DATABASE_URL")
    if url is None:
        raise ConfigError(
            "DATABASE_URL is not set: copy .env.example to .env and fill it in"
        )
    return url


def migration_url() -> URL:
    """Return the URL that migrations use: MIGRATION_DATABASE_URL where it is set.

    Raises:
        ConfigError: as for `database_url`.
    """
    return read_url("MIGRATION_DATABASE_URL") or database_url()


def read_url(variable: str) -> URL | None:
    """Return the URL that a variable holds, or None where it is unset or empty.

    Raises:
        ConfigError: it is no URL for this project.
    """
    dotenv = dotenv_values(ROOT / ".env", interpolate=False)
    text = (os.environ.get(variable) or dotenv.get(variable) or "").strip()
    if not text:
        return None
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ConfigError(f"{variable} is not a database URL") from None
{% if cookiecutter.__kind == "server" %}
    if url.drivername in DRIVERLESS:
        url = url.set(drivername=DRIVER)
{% endif %}
    if url.drivername != DRIVER:
        raise ConfigError(
            f"{variable} is for {url.drivername}, but this project runs on {DRIVER}"
        )
{% if cookiecutter.__kind == "server" %}
    if "@" in f"{url.host}{url.database}":
        raise ConfigError(f"{variable}: write an @ in the password as %40")
    if not url.database:
        raise ConfigError(f"{variable} names no database")
    return url
{% else %}
    if url.host or url.database in (None, "", ":memory:"):
        raise ConfigError(f"{variable} names no file; one is {DRIVER}:///name.db")
    return url.set(database=str(ROOT / url.database))
{% endif %}
