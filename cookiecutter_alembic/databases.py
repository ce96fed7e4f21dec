"""All knowledge about databases; no other module distinguishes between them.

Cookiecutter's environment does not contain SQLAlchemy, so connection strings are parsed
here, by the same rules as in `sqlalchemy.make_url`; a test compares the two.
"""

from __future__ import annotations

import difflib
import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import zip_longest
from urllib.parse import parse_qsl, quote, unquote

from cookiecutter_alembic import spellings
from cookiecutter_alembic.spellings import InvalidUrl, Parameter


@dataclass(frozen=True)
class Server:
    """How to run a server in a container, with the variables that its image reads."""

    port: int
    image: str
    volume: str
    superuser: str
    superuser_password_variable: str
    user_variable: str
    password_variable: str
    database_variable: str
    health_check: str


@dataclass(frozen=True)
class Dialect:
    """A kind of database. One that is a file has no server.

    Kinds of the same family work alike.
    """

    name: str
    title: str
    family: str
    server: Server | None = None
    string: str = "sa.String"
    """A type for text that can have an index."""
    files: tuple[str, ...] = ()
    """Files that only some kinds of projects have."""
    development: tuple[str, ...] = ()
    """Packages that developers need, but not the project itself."""


@dataclass(frozen=True)
class Driver:
    """A driver, with the name that SQLAlchemy uses.

    For an asynchronous driver, `migrations` names the synchronous one for migrations.
    """

    name: str
    dialect: Dialect
    packages: tuple[str, ...] = ()
    migrations: str = ""
    parameters: frozenset[str] = frozenset()
    """The parameters allowed after the `?` of a URL."""
    numbers: tuple[str, ...] = ()
    """Parameters that the driver takes as numbers, but SQLAlchemy passes on as text."""
    renamed: dict[str, str] = field(default_factory=dict)
    """Parameters that have another name in the driver for migrations."""

    @property
    def is_async(self) -> bool:
        """Whether the application uses an asynchronous driver."""
        return bool(self.migrations)

    @property
    def is_libpq(self) -> bool:
        """Whether the driver passes its parameters to libpq."""
        return self.parameters >= LIBPQ_PARAMETERS

    @property
    def short_name(self) -> str:
        """The name without the dialect."""
        return self.name.rpartition("+")[2]


SQLITE = Dialect("sqlite", "SQLite", family="file")
POSTGRESQL = Dialect(
    "postgresql",
    "PostgreSQL",
    family="postgresql",
    server=Server(
        port=5432,
        image="postgres:18",
        volume="/var/lib/postgresql",
        superuser="postgres",
        superuser_password_variable="POSTGRES_PASSWORD",
        user_variable="POSTGRES_USER",
        password_variable="POSTGRES_PASSWORD",
        database_variable="POSTGRES_DB",
        # Over TCP, since during its setup the container only listens on its socket.
        health_check="pg_isready --host 127.0.0.1",
    ),
    files=("compose.yaml", ".squawk.toml"),
    development=("squawk-cli>=2.70",),
)


def _mysql(name: str, title: str, image: str, ping: str) -> Dialect:
    prefix = name.upper()
    return Dialect(
        name,
        title,
        family="mysql",
        string="sa.String(255)",
        files=("compose.yaml",),
        server=Server(
            port=3306,
            image=image,
            volume="/var/lib/mysql",
            superuser="root",
            superuser_password_variable=f"{prefix}_ROOT_PASSWORD",
            user_variable=f"{prefix}_USER",
            password_variable=f"{prefix}_PASSWORD",
            database_variable=f"{prefix}_DATABASE",
            health_check=f"{ping} ping --host 127.0.0.1",
        ),
    )


MYSQL = _mysql("mysql", "MySQL", "mysql:8.4", ping="mysqladmin")
MARIADB = _mysql("mariadb", "MariaDB", "mariadb:11.8", ping="mariadb-admin")

PSYCOPG = "psycopg[binary]>=3.3"
# MySQL 8 and newer encrypt passwords by default, for which PyMySQL needs an extra.
PYMYSQL = "pymysql[rsa]>=1.2"

PSYCOPG_NUMBERS = ("prepare_threshold",)
ASYNCPG_NUMBERS = (
    *("prepared_statement_cache_size", "statement_cache_size", "timeout"),
)
# Those of libpq 18.
LIBPQ_PARAMETERS = frozenset(
    (
        *("application_name", "channel_binding", "client_encoding", "connect_timeout"),
        *("dbname", "fallback_application_name", "gssdelegation", "gssencmode"),
        *("gsslib", "host", "hostaddr", "keepalives", "keepalives_count"),
        *("keepalives_idle", "keepalives_interval", "krbsrvname"),
        *("load_balance_hosts", "max_protocol_version", "min_protocol_version"),
        *("oauth_client_id", "oauth_client_secret", "oauth_issuer", "oauth_scope"),
        *("options", "passfile", "password", "port", "replication", "require_auth"),
        *("requirepeer", "requiressl", "scram_client_key", "scram_server_key"),
        *("service", "servicefile", "ssl_max_protocol_version"),
        *("ssl_min_protocol_version", "sslcert", "sslcertmode", "sslcompression"),
        *("sslcrl", "sslcrldir", "sslkey", "sslkeylogfile", "sslmode"),
        *("sslnegotiation", "sslpassword", "sslrootcert", "sslsni"),
        *("target_session_attrs", "tcp_user_timeout", "user"),
    )
)
PSYCOPG_PARAMETERS = LIBPQ_PARAMETERS | {*PSYCOPG_NUMBERS}
# The parameters of other drivers that can be written as text.
ASYNCPG_PARAMETERS = frozenset(
    (
        *("application_name", "channel_binding", "gsslib", "host", "krbsrvname"),
        *("options", "passfile", "port", "ssl", "ssl_max_protocol_version"),
        *("ssl_min_protocol_version", "sslcert", "sslcrl", "sslkey"),
        *("sslnegotiation", "sslpassword", "sslrootcert", "target_session_attrs"),
        *ASYNCPG_NUMBERS,
    )
)
ASYNCMY_PARAMETERS = frozenset(
    (
        *("charset", "client_flag", "connect_timeout", "init_command", "local_infile"),
        *("program_name", "read_default_file", "read_default_group", "read_timeout"),
        *("sql_mode", "ssl_ca", "ssl_capath", "ssl_cert", "ssl_cipher", "ssl_key"),
        *("ssl_mode", "unix_socket", "use_unicode"),
    )
)
PYMYSQL_PARAMETERS = ASYNCMY_PARAMETERS | {"bind_address", "collation", "write_timeout"}
SQLITE_PARAMETERS = frozenset(
    ("cached_statements", "check_same_thread", "detect_types", "timeout")
)


def _mysql_drivers(dialect: Dialect) -> tuple[Driver, Driver]:
    pymysql, asyncmy = f"{dialect.name}+pymysql", f"{dialect.name}+asyncmy"
    packages = ("asyncmy>=0.2.18", PYMYSQL)
    return (
        Driver(pymysql, dialect, (PYMYSQL,), parameters=PYMYSQL_PARAMETERS),
        Driver(asyncmy, dialect, packages, pymysql, ASYNCMY_PARAMETERS),
    )


DRIVERS = (
    Driver("sqlite", SQLITE, parameters=SQLITE_PARAMETERS),
    Driver(
        "sqlite+aiosqlite", SQLITE, ("aiosqlite>=0.22",), "sqlite", SQLITE_PARAMETERS
    ),
    Driver(
        "postgresql+psycopg2",
        POSTGRESQL,
        ("psycopg2-binary>=2.9.11",),
        parameters=LIBPQ_PARAMETERS,
    ),
    Driver(
        "postgresql+psycopg",
        POSTGRESQL,
        (PSYCOPG,),
        parameters=PSYCOPG_PARAMETERS,
        numbers=PSYCOPG_NUMBERS,
    ),
    Driver(
        "postgresql+psycopg_async",
        POSTGRESQL,
        (PSYCOPG,),
        "postgresql+psycopg",
        PSYCOPG_PARAMETERS,
        PSYCOPG_NUMBERS,
    ),
    Driver(
        "postgresql+asyncpg",
        POSTGRESQL,
        ("asyncpg>=0.31", PSYCOPG),
        "postgresql+psycopg",
        ASYNCPG_PARAMETERS,
        ASYNCPG_NUMBERS,
        renamed={"ssl": "sslmode", "timeout": "connect_timeout"},
    ),
    *_mysql_drivers(MYSQL),
    *_mysql_drivers(MARIADB),
)

# Schemes without a driver, as hosting platforms provide them.
ALIASES = {
    "sqlite": "sqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}

# The packages that every project needs, whatever its database.
REQUIREMENTS = ("alembic[tz]>=1.20.1", "python-dotenv>=1.2")

_BY_NAME = {driver.name: driver for driver in DRIVERS}

_URL = re.compile(
    r"""
    (?P<scheme> [\w+.-]+ ) ://
    (?: (?P<login> [^:/]* ) (?: : (?P<password> [^@]* ) )? @ )?
    (?P<location>
        (?: \[ (?P<ipv6> [^/?]+ ) \] | (?P<host> [^/:?]+ ) )?
        (?: : (?P<port> [^/?]* ) )?
    )
    (?: / (?P<path> [^?]* ) )?
    (?: \? (?P<query> .* ) )?
    """,
    re.VERBOSE | re.DOTALL,
)

# Parameters that override what stands before the `?`.
USER, PASSWORD, DATABASE = {"user"}, {"password", "passwd"}, {"dbname"}
OVERRIDES = USER | PASSWORD | DATABASE
SOCKET = "a local socket"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")

# Other parameters that are secrets. A path such as `passfile` is not one.
_SECRET = re.compile("pass(?!file)|secret|scram_.*_key", re.IGNORECASE)


@dataclass(frozen=True)
class ConnectionString:
    """A connection string that was accepted, in its parts."""

    driver: Driver
    login: str | None
    """The user's name as written in the URL, percent-encoded."""
    password: str | None
    location: str
    """The host and port as written in the URL."""
    host: str
    port: int | None
    path: str
    """The database as written in the URL, percent-encoded."""
    parameters: tuple[Parameter, ...]

    @property
    def dialect(self) -> Dialect:
        """The kind of database."""
        return self.driver.dialect

    @property
    def database(self) -> str:
        """The name of the database, or the path of its file."""
        return unquote(self.path)

    @property
    def username(self) -> str:
        """The user's name."""
        return unquote(self.login or "")

    @property
    def url(self) -> str:
        """The URL with its driver, without secrets."""
        return self._written(None, lambda secret: None)

    @property
    def url_with_password(self) -> str:
        """The URL with its secrets, the password percent-encoded, only for `.env`."""
        return self._written(self.password, lambda secret: secret.text)

    @property
    def example_url(self) -> str:
        """The URL with the word `password` in place of each secret."""
        password = None if self.password is None and not self.login else "password"
        return self._written(password, lambda secret: f"{secret.name}=password")

    @property
    def secrets(self) -> list[str]:
        """The names of the secrets, which are only stored in `.env`."""
        password = [] if self.password is None else ["password"]
        return password + [part.name for part in self.parameters if _is_secret(part)]

    @property
    def kind(self) -> str:
        """`server`, or `file` if no server is needed."""
        return "server" if self.dialect.server else "file"

    @property
    def style(self) -> str:
        """`sync`, or `async` for an asynchronous driver."""
        return "async" if self.driver.is_async else "sync"

    @property
    def folder(self) -> str:
        """The folder of a file, or "" if it is in the repository's root."""
        return posixpath.dirname(self.database) if self.kind == "file" else ""

    @property
    def ignored(self) -> list[str]:
        """Patterns for `.gitignore`: a database file in the repository that is no `*.db`."""
        path = posixpath.normpath(self.database)
        if path.startswith(("/", "../")) or path.endswith(".db"):
            return []
        return ["/" + re.sub(r"([\\*?\[\] ])", r"\\\1", path)]

    @property
    def requirements(self) -> list[str]:
        """The packages that a project needs, except those for the library."""
        extra = "[asyncio]" if self.driver.is_async else ""
        own = [f"sqlalchemy{extra}>=2.1", *self.driver.packages]
        return sorted([*REQUIREMENTS, *own])

    @property
    def unneeded_files(self) -> list[str]:
        """Rendered files that are only for other kinds of databases."""
        known = {name for driver in DRIVERS for name in driver.dialect.files}
        return sorted(known - {*self.dialect.files})

    @property
    def driverless(self) -> list[str]:
        """The schemes without a driver for this kind of database."""
        return [
            scheme
            for scheme, name in ALIASES.items()
            if _BY_NAME[name].dialect is self.dialect and scheme != self.driver.name
        ]

    @property
    def place(self) -> str:
        """Where the database is, for people to read."""
        if self.kind == "file":
            return self.database
        return f"{self.database} at {self.address}"

    @property
    def hosts(self) -> list[tuple[str, str]]:
        """The hosts, or folders of sockets ("" for the default), each with its port.

        The driver tries them in this order. Parameters override what is before the `?`.
        """
        default = "" if self.dialect.family == "postgresql" else "localhost"
        named = (self._values(name) for name in ("unix_socket", "hostaddr", "host"))
        hosts = next(filter(None, named), (self.host or default).split(","))
        ports = self._values("port") or [str(self.port)]
        pairs = zip_longest(hosts, ports[: len(hosts)], fillvalue=ports[-1])
        return [_host_and_port(host, port) for host, port in pairs]

    @property
    def address(self) -> str:
        """Where the server is, for people to read."""
        return ", ".join(
            host if host.startswith("/") else f"{host}:{port}" if host else SOCKET
            for host, port in self.hosts
        )

    @property
    def container_port(self) -> str:
        """The port under which the URL looks for the first of its servers."""
        return self.hosts[0][1]

    @property
    def suits_container(self) -> bool:
        """Whether the URL would reach a container that publishes its port on this machine."""
        return self.hosts[0][0] in _LOOPBACK and not self._values("service")

    def _values(self, name: str) -> list[str]:
        """Return the values of a parameter, which may be there repeatedly or be a list."""
        parts = (part.value for part in self.parameters if part.name == name)
        return [value for part in parts for value in part.split(",")]

    def _written(
        self, password: str | None, secret: Callable[[Parameter], str | None]
    ) -> str:
        """Return the URL, with the given password and replacements of other secrets."""
        login = self.login or ""
        if password is not None:
            login += f":{quote(password, safe='')}"
        at = "" if password is None and self.login is None else "@"
        texts = [
            secret(part) if _is_secret(part) else part.text for part in self.parameters
        ]
        query = "&".join(filter(None, texts))
        return (
            f"{self.driver.name}://{login}{at}{self.location}/{self.path}"
            f"{'?' if query else ''}{query}"
        )


def parse(text: str) -> ConnectionString:
    """Parse a connection string.

    Arguments:
        text: a SQLAlchemy URL, with or without its password.

    Raises:
        InvalidUrl: it is malformed, or the database is not supported.
    """
    text = spellings.unwrapped(text.strip())
    if not text.isprintable():
        raise InvalidUrl("contains a character that does not print; percent-encode it")
    match = _URL.fullmatch(text)
    if match is None:
        raise InvalidUrl(
            f"not a connection string; write one such as {_example('postgresql+psycopg')}"
        )
    driver = _driver(match["scheme"])
    server = driver.dialect.server
    parameters = [
        Parameter(name, value, part)
        for part in (match["query"] or "").split("&")
        for name, value in parse_qsl(part)
    ]
    parameters = spellings.translated(
        driver.dialect.family, driver.short_name, parameters
    )
    login = _overridden(match["login"], USER, parameters)
    password = _overridden(match["password"], PASSWORD, parameters)
    path = _overridden(match["path"], DATABASE, parameters)
    if not unquote(path or "").isprintable():
        raise InvalidUrl("the database has a character that does not print")
    if server:
        _check_server(driver, server, match, path)
    else:
        _check_file(driver, match)
    _check_parameters(driver, parameters)
    connection = ConnectionString(
        driver=driver,
        login=login,
        password=None if password is None else unquote(password),
        location=match["location"],
        host=match["ipv6"] or match["host"] or "",
        port=int(match["port"] or server.port) if server else None,
        path=path or "",
        parameters=tuple(part for part in parameters if part.name not in OVERRIDES),
    )
    if server:
        for _host, port in connection.hosts:
            _check_port(driver, server, port)
    return connection


def _overridden(
    before: str | None, names: set[str], parameters: list[Parameter]
) -> str | None:
    given = [quote(part.value, safe="") for part in parameters if part.name in names]
    return given[-1] if given else before


def _host_and_port(host: str, port: str) -> tuple[str, str]:
    match = re.fullmatch(r"([^:/]*):([^:/]*)", host)
    return (match[1], match[2] or port) if match else (host, port)


def _is_secret(parameter: Parameter) -> bool:
    return bool(_SECRET.search(parameter.name))


def _example(driver: str, host: str = "localhost") -> str:
    return f"{driver}://user:password@{host}/orders"


def _driver(scheme: str) -> Driver:
    meant = spellings.SCHEMES.get(scheme, scheme)
    name = ALIASES.get(meant, meant)
    if name in _BY_NAME:
        return _BY_NAME[name]
    known = [*_BY_NAME, *ALIASES]
    nearest = difflib.get_close_matches(scheme.lower(), known, n=1)
    hint = f"; did you mean {nearest[0]}://?" if nearest else ""
    raise InvalidUrl(f'"{scheme}" is not supported, only {", ".join(_BY_NAME)}{hint}')


def _check_file(driver: Driver, match: re.Match[str]) -> None:
    if match["location"] or match["login"] is not None:
        raise InvalidUrl(
            f"a file needs three slashes, {driver.name}:///name.db, "
            f"or four for an absolute path, {driver.name}:////srv/name.db"
        )
    path = unquote(match["path"] or "")
    if path in ("", ":memory:"):
        raise InvalidUrl(f"needs a file, such as {driver.name}:///name.db")
    if path.startswith(("~", "$")):  # A shell's; SQLite makes a folder of that name.
        raise InvalidUrl(
            f"{path.split('/')[0]} is not expanded; write the folder in full, "
            f"as in {driver.name}:////srv/name.db"
        )


def _check_server(
    driver: Driver, server: Server, match: re.Match[str], path: str | None
) -> None:
    if match["login"] is not None and "@" in match.string[match.start("location") :]:
        raise InvalidUrl(
            'two "@" before the host; write the one in the password as %40'
        )
    host, port = match["host"] or "", match["port"] or ""
    # libpq accepts a list of hosts, but SQLAlchemy does not parse a port for each.
    if "," in port or ("," in host and not driver.is_libpq):
        raise InvalidUrl(_right_form_for_hosts(driver))
    _check_port(driver, server, port or str(server.port))
    if not path:
        raise InvalidUrl(
            f"names no database; add one at the end, as in {_example(driver.name)}"
        )


def _check_port(driver: Driver, server: Server, port: str) -> None:
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise InvalidUrl(
            "the port is not a number between 1 and 65535, as in "
            + _example(driver.name, f"localhost:{server.port}")
        )


def _right_form_for_hosts(driver: Driver) -> str:
    if driver.dialect is not POSTGRESQL:
        example = _example(driver.name)
        return f"names several hosts; {driver.dialect.title} takes one, as in {example}"
    form = f"{_example(driver.name, '')}?host=h1:5432&host=h2:5432"
    return f"write several hosts at the end, each with its port: {form}"


def _check_parameters(driver: Driver, parameters: list[Parameter]) -> None:
    for name, value, _text in parameters:
        if name in driver.numbers and not re.fullmatch("[0-9]{1,9}", value):
            raise InvalidUrl(f"{name} is not a whole number, as in {name}=100")
        if name == "host" and "," in value and ":" in value:
            raise InvalidUrl(_right_form_for_hosts(driver))
    synonyms = {*driver.renamed.values()}
    if driver.dialect.server:
        synonyms |= USER | PASSWORD
    for name, _value, _text in parameters:
        if name not in driver.parameters | synonyms:
            shown = f'"{name}"' if re.fullmatch(r"[\w-]+", name) else "this parameter"
            known = f"only {', '.join(sorted(driver.parameters))}"
            raise InvalidUrl(
                f"{driver.name} does not accept {shown} after the ?, "
                + ("which libpq does not know" if driver.is_libpq else known)
            )
