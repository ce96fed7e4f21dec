"""What the template knows about databases. Nothing else asks which one it is.

Cookiecutter's own environment has no SQLAlchemy, so connection strings are taken
apart here, by the same rules as `sqlalchemy.make_url`; a test compares the two.
"""

from __future__ import annotations

import difflib
import posixpath
import re
from dataclasses import dataclass
from urllib.parse import quote, unquote


@dataclass(frozen=True)
class Server:
    """How to run a server: in a container, by variables that its image reads."""

    port: int
    image: str
    volume: str
    user_variable: str
    password_variable: str
    database_variable: str
    superuser: str
    health_check: str


@dataclass(frozen=True)
class Dialect:
    """A kind of database. One that is a file has no server to run in a container."""

    name: str
    title: str
    server: Server | None = None


@dataclass(frozen=True)
class Driver:
    """A way to talk to a database, by the name that SQLAlchemy gives it."""

    name: str
    dialect: Dialect
    packages: tuple[str, ...] = ()
    is_async: bool = False


SQLITE = Dialect("sqlite", "SQLite")
POSTGRESQL = Dialect(
    "postgresql",
    "PostgreSQL",
    Server(
        port=5432,
        image="postgres:18",
        volume="/var/lib/postgresql",
        user_variable="POSTGRES_USER",
        password_variable="POSTGRES_PASSWORD",
        database_variable="POSTGRES_DB",
        superuser="postgres",
        # Over TCP: while it sets itself up, the container listens on its socket alone.
        health_check="pg_isready --host 127.0.0.1",
    ),
)

DRIVERS = (
    Driver("sqlite", SQLITE),
    Driver("postgresql+psycopg2", POSTGRESQL, ("psycopg2-binary>=2.9.11",)),
    Driver("postgresql+psycopg", POSTGRESQL, ("psycopg[binary]>=3.3",)),
)

# Schemes that name no driver, as hosting platforms hand them out.
ALIASES = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
}

# What every project installs, whatever its database.
REQUIREMENTS = ("alembic[tz]>=1.20.1", "python-dotenv>=1.2", "sqlalchemy>=2.1")

_BY_NAME = {driver.name: driver for driver in DRIVERS}

_URL = re.compile(
    r"""
    (?P<scheme> [^:/]* ) ://
    (?: (?P<username> [^:/]* ) (?: : (?P<password> [^@]* ) )? @ )?
    (?P<address>
        (?: \[ (?P<ipv6> [^/?]+ ) \] | (?P<host> [^/:?]+ ) )?
        (?: : (?P<port> [^/?]* ) )?
    )
    (?: / (?P<database> [^?]* ) )?
    (?: \? (?P<query> .* ) )?
    """,
    re.VERBOSE | re.DOTALL,
)


class InvalidUrl(ValueError):
    """A connection string that is refused. The message never shows a password."""


@dataclass(frozen=True)
class ConnectionString:
    """A connection string, accepted and taken apart."""

    driver: Driver
    username: str
    password: str | None
    host: str
    port: int | None
    database: str
    url: str
    """The whole of it without the password, its driver spelled out."""
    url_with_password: str
    """The same with the password, percent-encoded, for `.env` alone."""

    @property
    def dialect(self) -> Dialect:
        """The kind of database."""
        return self.driver.dialect

    @property
    def kind(self) -> str:
        """`server`, or `file` where no server has to run. Names a folder of templates."""
        return "server" if self.dialect.server else "file"

    @property
    def ignored(self) -> list[str]:
        """Patterns for `.gitignore`: the file inside the repository, if not a `*.db`."""
        path = posixpath.normpath(self.database)
        if path.startswith(("/", "../")) or path.endswith(".db"):
            return []
        return ["/" + re.sub(r"([\\*?\[\] ])", r"\\\1", path)]

    @property
    def requirements(self) -> list[str]:
        """What a project with this connection string installs."""
        return sorted([*REQUIREMENTS, *self.driver.packages])

    @property
    def driverless(self) -> list[str]:
        """The schemes without a driver that name this kind of database."""
        return [
            scheme
            for scheme, name in ALIASES.items()
            if _BY_NAME[name].dialect is self.dialect
        ]

    @property
    def place(self) -> str:
        """Where the database is, for people to read."""
        if self.kind == "file":
            return self.database
        return f"{self.database} at {self.address}"

    @property
    def address(self) -> str:
        """Where its server is, for people to read."""
        return f"{self.host or 'localhost'}:{self.port}"

    @property
    def is_local(self) -> bool:
        """Whether its server is on this machine, as far as the string tells."""
        return self.host in ("", "localhost", "127.0.0.1", "::1")

    @property
    def example_url(self) -> str:
        """The whole of it with the word `password` where a password goes."""
        return self.url.replace("@", ":password@", 1) if self.username else self.url


def parse(text: str) -> ConnectionString:
    """Take a connection string apart.

    Arguments:
        text: a SQLAlchemy URL, password included or not.

    Raises:
        InvalidUrl: it is malformed or names a database that is not supported.
    """
    text = text.strip()
    match = _URL.fullmatch(text)
    if match is None or not text.isprintable():
        raise InvalidUrl(
            "not a connection string; one looks like "
            "postgresql+psycopg://user:password@localhost/orders"
        )
    driver = _driver(match["scheme"])
    database = match["database"] or ""
    server = driver.dialect.server
    if server:
        _check_server(driver, match, database)
    else:
        _check_file(driver, match, database)
    password = None if match["password"] is None else unquote(match["password"])
    secret = "" if password is None else f":{quote(password, safe='')}"
    user = match["username"]
    at = "" if user is None else "@"
    address = text[match.start("address") :]
    return ConnectionString(
        driver=driver,
        username=unquote(user or ""),
        password=password,
        host=match["ipv6"] or match["host"] or "",
        port=int(match["port"] or server.port) if server else None,
        database=database,
        url=f"{driver.name}://{user or ''}{at}{address}",
        url_with_password=f"{driver.name}://{user or ''}{secret}{at}{address}",
    )


def _driver(scheme: str) -> Driver:
    name = ALIASES.get(scheme, scheme)
    if name in _BY_NAME:
        return _BY_NAME[name]
    known = [*_BY_NAME, *ALIASES]
    nearest = difflib.get_close_matches(scheme.lower(), known, n=1)
    hint = f"; did you mean {nearest[0]}?" if nearest else ""
    raise InvalidUrl(f'"{scheme}" is not supported, only {", ".join(_BY_NAME)}{hint}')


def _check_file(driver: Driver, match: re.Match[str], database: str) -> None:
    if match["address"] or match["username"] is not None:
        raise InvalidUrl(
            f"a file needs three slashes, {driver.name}:///name.db, "
            f"or four for an absolute path, {driver.name}:////srv/name.db"
        )
    if database in ("", ":memory:"):
        raise InvalidUrl(f"needs a file, such as {driver.name}:///name.db")


def _check_server(driver: Driver, match: re.Match[str], database: str) -> None:
    if "@" in match["address"] + database:
        raise InvalidUrl(
            'two "@" before the host; write the one in the password as %40'
        )
    port = match["port"]
    if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise InvalidUrl("the port is not a number between 1 and 65535")
    if "password" in (match["query"] or ""):
        raise InvalidUrl("write the password before the host, not after the ?")
    if not database:
        raise InvalidUrl(
            "names no database; write one at the end, "
            f"{driver.name}://user:password@localhost/orders"
        )
