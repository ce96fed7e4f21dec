{% set database = cookiecutter.database_url | database %}
{% set driver = database.driver %}
"""Settings: environment variables take precedence over the repository's .env."""

import os
from pathlib import Path
{% if database.dialect.family == "mysql" and driver.is_async %}
from ssl import SSLError
{% endif %}
{% if database.dialect.family == "mysql" %}
from typing import Any
{% endif %}

from dotenv import dotenv_values
{% if database.dialect.family == "mysql" %}
from sqlalchemy import URL, Dialect, Engine, event, make_url
{% else %}
from sqlalchemy import URL, make_url
{% endif %}
{% if database.dialect.family == "mysql" and driver.is_async %}
from sqlalchemy.engine.interfaces import DBAPIConnection
{% endif %}
from sqlalchemy.exc import ArgumentError

ROOT = Path(__file__).resolve().parent.parent
DIALECT = "{{ database.dialect.name }}"
DRIVER = "{{ driver.name }}"
{% if driver.is_async %}
MIGRATION_DRIVER = "{{ driver.migrations }}"
{% endif %}
{% if driver.numbers %}
# Parameters of a URL that the driver takes as numbers.
NUMBERS = {{ driver.numbers | list | tojson }}
{% endif %}
{% if driver.renamed %}
# What psycopg, on which migrations run, calls otherwise; other numbers it does not know.
RENAMED = {{ driver.renamed | tojson }}
# The beginnings of what asyncpg only understands in a URL of its own.
IN_DSN = ("application_name", "options", "ssl_", "sslc", "sslk", "ssln", "sslp", "sslr")
{% endif %}
{% if database.driverless %}
{% if database.kind == "server" %}
# Hosting platforms hand out URLs that name no driver.
{% endif %}
DRIVERLESS = {{ database.driverless | tojson }}
{% endif %}
{% if database.dialect.family == "mysql" %}
TLS = ("ssl_mode", "ssl_ca", "ssl_capath", "ssl_cert", "ssl_key", "ssl_cipher")
TLS_MODES = ("DISABLED", "PREFERRED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY")
{% endif %}


class ConfigError(SystemExit):
    """A setting is missing or wrong. Uncaught, it ends the program with its message."""


def database_url() -> URL:
    """Return the URL of the application's database.

    Raises:
        ConfigError: DATABASE_URL is not set, or is not a URL for this project.
    """
{% if driver.is_async %}
    return _given(read_url("DATABASE_URL", DRIVER))
{% else %}
    return _given(read_url("DATABASE_URL"))
{% endif %}


def migration_url() -> URL:
    """Return the URL for migrations: MIGRATION_DATABASE_URL, or else DATABASE_URL.

    Raises:
        ConfigError: as for `database_url`.
    """
    return read_url("MIGRATION_DATABASE_URL") or _given(read_url("DATABASE_URL"))


def _given(url: URL | None) -> URL:
    if url is None:
        raise ConfigError(
            "DATABASE_URL is not set: copy .env.example to .env and fill it in"
        )
    return url


{% if driver.is_async %}
def read_url(variable: str, driver: str = MIGRATION_DRIVER) -> URL | None:
    """Return the URL that a variable holds, or None if it is unset or empty.

    Arguments:
        variable: the name of the variable.
        driver: the driver to return the URL for, by default that of migrations.

    Raises:
        ConfigError: it is not a URL for this project, or .env can't be read.
    """
{% else %}
def read_url(variable: str) -> URL | None:
    """Return the URL that a variable holds, or None if it is unset or empty.

    Raises:
        ConfigError: it is not a URL for this project.
    """
{% endif %}
    try:
        dotenv = dotenv_values(ROOT / ".env", interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f".env can't be read as UTF-8 text: {error}") from None
    text = (os.environ.get(variable) or dotenv.get(variable) or "").strip()
    if not text:
        return None
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ConfigError(f"{variable} is not a valid SQLAlchemy URL") from None
{% if database.driverless %}
    if url.drivername in DRIVERLESS:
        url = url.set(drivername=DRIVER)
{% endif %}
{% if driver.is_async %}
    if url.drivername not in (DRIVER, driver):
{% else %}
    if url.drivername != DRIVER:
{% endif %}
        raise ConfigError(
            f"{variable} is for {url.drivername}, but this project runs on {DRIVER}"
        )
{% if database.dialect.family == "mysql" %}
    # MySQL's own programs, and some hosting platforms, write ssl-mode.
    query = {name.replace("-", "_"): value for name, value in url.query.items()}
    mode = str(query.get("ssl_mode", "")).upper()
    foreign = {name for name in query if "ssl" in name.lower()}.difference(TLS)
    if foreign or mode not in ("", *TLS_MODES):
        wrong = ", ".join(sorted(foreign)) or f"ssl_mode={mode}"
        known = f"{', '.join(TLS_MODES[:-1])} or {TLS_MODES[-1]}"
        raise ConfigError(f"{variable}: write ssl_mode={known} instead of {wrong}")
    if mode.startswith("VERIFY") and not {"ssl_ca", "ssl_capath"} & query.keys():
        raise ConfigError(f"{variable}: add ssl_ca, the file of the authority")
    url = url.set(query=query)
{% endif %}
{% if driver.numbers %}
    for name in NUMBERS:
        if not str(url.query.get(name, 0)).isdecimal():
            raise ConfigError(f"{variable}: {name} is not a whole number")
{% endif %}
{% if database.kind == "server" %}
    if "@" in f"{url.host}{url.database}":
        raise ConfigError(f"{variable}: write an @ in the password as %40")
    if not url.database:
        raise ConfigError(f"{variable} names no database; add one at the end")
{% else %}
    if url.host or url.database in (None, "", ":memory:"):
        raise ConfigError(f"{variable} names no file; write {DRIVER}:///name.db")
    url = url.set(database=str(ROOT / url.database))
{% endif %}
{% if driver.is_async %}
    return on_driver(url, driver)


def on_driver(url: URL, driver: str) -> URL:
    """Return the URL for another driver: the application's, or that of migrations."""
{% if driver.renamed %}
    names = RENAMED if driver != DRIVER else {new: old for old, new in RENAMED.items()}
    query = {names.get(name, name): value for name, value in url.query.items()}
    if driver != DRIVER:
        return url.set(drivername=driver, query=query).difference_update_query(NUMBERS)
    if query.pop("channel_binding", "") == "require":
        raise ConfigError(f"{DRIVER} has no channel binding; remove channel_binding")
    if told := {name: query.pop(name) for name in [*query] if name.startswith(IN_DSN)}:
        query["dsn"] = URL.create("postgresql", query=told).render_as_string()
    return url.set(drivername=driver, query=query)
{% else %}
    return url.set(drivername=driver)
{% endif %}
{% else %}
    return url
{% endif %}
{% if database.dialect.family == "mysql" %}


@event.listens_for(Engine, "do_connect")
def _connect(
    dialect: Dialect, _record: object, _given: object, told: dict[str, Any]
) -> {{ "DBAPIConnection | None" if driver.is_async else "None" }}:
    if dialect.name != DIALECT:
        return{{ " None" if driver.is_async }}
    # The drivers would send it in Latin-1, and the server expects UTF-8.
    if isinstance(told.get("password"), str):
        told["password"] = told["password"].encode()
    mode = told.pop("ssl_mode", "").upper()
    if mode in ("DISABLED", "PREFERRED"):
        told.pop("ssl", None)
    elif mode:
        checks = {"check_hostname": mode == "VERIFY_IDENTITY"}
        checks["verify_mode"] = mode.startswith("VERIFY")
        told["ssl"] = told.get("ssl", {}) | checks
    if mode == "DISABLED" and dialect.driver == "pymysql":
        told["ssl_disabled"] = True
{% if driver.is_async %}
    is_open = not {"ssl", "unix_socket"} & told.keys()  # A socket is on this machine.
    if dialect.driver == "asyncmy" and mode != "DISABLED" and is_open:
        try:  # Only pymysql encrypts by itself if the server can.
            return dialect.connect(**told, ssl={"check_hostname": False})
        except dialect.loaded_dbapi.OperationalError as error:
            # A server without TLS either answers in plain text or hangs up.
            if not isinstance(error.__cause__, (ConnectionError, SSLError)):
                raise
    return None
{% endif %}
{% endif %}
