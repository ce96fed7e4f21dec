"""Connection strings as hosting platforms and other tools write them.

What certainly means the same as a URL of SQLAlchemy is translated into one. Anything else is
refused with what to write instead, so that nothing is accepted that has no effect.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote

UTF_8 = ("unicode", "utf-8", "utf8", "utf8mb3", "utf8mb4")
TRUTH = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}


class InvalidUrl(ValueError):
    """Raised if a connection string is refused. The message never contains a password."""


class Parameter(NamedTuple):
    """A parameter after the `?`."""

    name: str
    value: str
    text: str


def _parameter(name: str, value: str) -> Parameter:
    return Parameter(name, value, f"{name}={quote(value, safe='/:,')}")


# What is around a connection string

# A line of a .env file or of a shell, or of YAML.
_ASSIGNMENT = re.compile(
    r"""
    (?:(?:export|set|heroku\ config:set|fly(?:ctl)?\ secrets\ set)\s+|\$env:)?
    \w+\s*(?:=|:\s)\s*(?=["'`<“‘«„]*(?:jdbc:|[\w+.-]+://))
    """,
    re.VERBOSE,
)
_COMMAND = re.compile(r"(?:psql|pgcli|mysql|mariadb|mycli)\s+(?:-d\s*|--dbname[ =])?")
_QUOTES = ("''", '""', "``", "<>", "“”", "„“", "‘’", "«»")
_WITHOUT_HOST = re.compile(r"jdbc:(postgresql):/?([^/?][^?]*)(\?.*)?", re.DOTALL)
_PLACEHOLDER = re.compile(
    r"[\[{<](your[-_ ]?)?(db[-_ ]?)?password[\]}>]", re.IGNORECASE
)


def unwrapped(text: str) -> str:
    """Return a connection string without what tools and documents write around it.

    Raises:
        InvalidUrl: it is in a form that is no URL, or has no password yet.
    """
    before = None
    while before != text:
        before, text = text, text.strip().rstrip(";,")
        for pattern in (_ASSIGNMENT, _COMMAND):
            if match := pattern.match(text):
                text = text[match.end() :]
        if text[:1] + text[1:][-1:] in _QUOTES:
            text = text[1:-1]
    if placeholder := _PLACEHOLDER.search(text):
        raise InvalidUrl(f"write the password in place of {placeholder[0]}")
    text = _without_jdbc(text)
    _refuse_other_forms(text)
    return text


def _without_jdbc(text: str) -> str:
    if not text.startswith("jdbc:"):
        return text
    if text.startswith("jdbc:sqlite:") and "://" not in text:
        return f"sqlite:///{text.removeprefix('jdbc:sqlite:')}"
    if match := _WITHOUT_HOST.fullmatch(text):
        text = f"{match[1]}://localhost/{match[2]}{match[3] or ''}"
    # The user and the password are parameters, in which an @ is a character like any other.
    head, mark, query = text.removeprefix("jdbc:").partition("?")
    return head + mark + query.replace("@", "%40")


def _refuse_other_forms(text: str) -> None:
    url = "user:password@host:{}/database"
    if re.match(r"[A-Za-z][\w ]*=", text):
        raise InvalidUrl(
            "is a list of keywords and not a URL; write postgresql://"
            f"{url.format(5432)} or mysql://{url.format(3306)}"
        )
    if re.search(r"@(tcp|unix)\(", text):
        raise InvalidUrl(f"is not a URL; write mysql://{url.format(3306)}")
    if re.match(r"(sqlite3?|file):(?!//)", text):
        raise InvalidUrl(
            "is not a URL; write three slashes, sqlite:///name.db, "
            "or four for an absolute path, sqlite:////srv/name.db"
        )
    scheme, separator, _rest = text.partition(":")
    for pattern, reason in _ELSEWHERE.items():
        if separator and re.fullmatch(pattern, scheme, re.IGNORECASE):
            raise InvalidUrl(f'"{scheme}" is {reason}')
    if re.search(r"\.cockroachlabs\.cloud\b", text):
        raise InvalidUrl(f"the host runs {_COCKROACHDB}")


# Schemes

SCHEMES = {
    **dict.fromkeys(("pgsql", "postgis", "psql"), "postgresql"),
    **dict.fromkeys(("mysql2", "trilogy"), "mysql"),
    **dict.fromkeys(("sqlite3", "sqlite+pysqlite"), "sqlite"),
}
"""Schemes of other tools, such as Rails and Django, and what they mean."""

_HERE = "; this template is for SQLite, PostgreSQL, MySQL and MariaDB"
_PLAIN = (
    f"{_HERE}. Use plain Alembic: pip install alembic {{}}; alembic init migrations"
)
_COCKROACHDB = "CockroachDB" + _PLAIN.format(
    '"sqlalchemy<2.1" psycopg2-binary sqlalchemy-cockroachdb'
)
_ELSEWHERE = {
    r"mssql(\+\w+)?|sqlserver": "Microsoft SQL Server" + _PLAIN.format("pyodbc"),
    r"oracle(\+\w+)?": "Oracle" + _PLAIN.format("oracledb"),
    r"(cockroach|cockroachdb|crdb)(\+\w+)?": _COCKROACHDB,
    r"libsql|sqlite\+libsql": (
        "libSQL, a server for SQLite"
        + _PLAIN.format("sqlalchemy-libsql")
        + "; for a local file, write sqlite:///name.db"
    ),
    r"prisma(\+postgres)?": (
        "a protocol of Prisma's own; write the database's direct connection string, "
        "postgresql://…"
    ),
}


# Parameters

# Sizes and times of other tools' pools.
_OF_POOLS = {
    *("checkout_timeout", "connection_limit", "max_idle_connection_lifetime"),
    *("pool", "pool_size", "pool_timeout", "max_overflow"),
}
# What other tools need to know, or do here anyway: engines work behind PgBouncer, and connect
# again, and values are read as what they are.
_OF_OTHER_TOOLS = {
    # Prisma, Rails, Doctrine, node-postgres, Supabase
    *("pgbouncer", "reconnect", "serverVersion", "uselibpqcompat", "supa"),
    # JDBC
    *("allowPublicKeyRetrieval", "autoReconnect", "cachePrepStmts"),
    *("reWriteBatchedInserts", "rewriteBatchedStatements", "serverTimezone"),
    *("useUnicode", "zeroDateTimeBehavior"),
    # Go
    *("loc", "parseTime"),
}
_ENCODINGS = ("characterEncoding", "encoding")


def translated(family: str, driver: str, given: list[Parameter]) -> list[Parameter]:
    """Return parameters in the words of SQLAlchemy and its drivers.

    Arguments:
        family: the family of databases.
        driver: the driver's name without the dialect.
        given: the parameters as they were typed.

    Raises:
        InvalidUrl: a parameter has no certain meaning there, or no effect.
    """
    for part in given:
        if part.name in _OF_POOLS:
            raise InvalidUrl(
                f"leave out {part.name}, which is for a pool; the project's own is the "
                "engine in app/database.py"
            )
    kept = [part for part in given if not _is_of_another_tool(part)]
    if family == "postgresql":
        return _postgresql(driver, kept)
    return _mysql(kept) if family == "mysql" else given


def _is_of_another_tool(part: Parameter) -> bool:
    is_default = part.name in _ENCODINGS and part.value.lower() in UTF_8
    return part.name in _OF_OTHER_TOOLS or is_default


def _postgresql(driver: str, given: list[Parameter]) -> list[Parameter]:
    found: list[Parameter] = []
    path, mode = "", ""
    for part in given:
        if part.name in ("currentSchema", "schema", "search_path"):
            path = "" if part.value == "public" else part.value
        elif part.name == "ApplicationName":
            found.append(_parameter("application_name", part.value))
        elif part.name == "ssl" and part.value.lower() in (*TRUTH, "no-verify"):
            mode = mode or _sslmode(part.value.lower())
        elif part.name == "ssl" and driver != "asyncpg":
            found.append(_parameter("sslmode", part.value))
        elif part.name == "sslaccept":
            mode = _sslmode(part.value)
        elif part.name == "sslmode" and part.value == "no-verify":
            mode = "require"
        else:
            found.append(part)
    names = {part.name for part in found}
    if mode and not names & {"ssl", "sslmode"}:
        found.append(_parameter("sslmode", mode))
    if path:
        found = _with_search_path(found, path)
    if driver == "asyncpg":
        _check_asyncpg(found)
    return found


def _sslmode(value: str) -> str:
    """Return libpq's word for what JDBC, node-postgres or Prisma say about TLS."""
    if value == "strict":
        raise InvalidUrl(
            "write sslmode=verify-full and sslrootcert=…, the file of the authority, "
            "in place of sslaccept=strict"
        )
    return "require" if TRUTH.get(value, True) else "disable"


def _with_search_path(found: list[Parameter], path: str) -> list[Parameter]:
    before = [part.value for part in found if part.name == "options"]
    others = [part for part in found if part.name != "options"]
    escaped = re.sub(r"([\\ ])", r"\\\1", path)
    options = " ".join([*before, f"-csearch_path={escaped}"])
    return [*others, _parameter("options", options)]


def _check_asyncpg(found: list[Parameter]) -> None:
    for part in found:
        if part.name == "channel_binding" and part.value not in ("disable", "prefer"):
            raise InvalidUrl(
                "asyncpg has no channel binding; leave out channel_binding, or write "
                "postgresql+psycopg_async://, which has it"
            )
        if part.name == "sslrootcert" and part.value == "system":
            raise InvalidUrl(
                "asyncpg needs a file in place of sslrootcert=system, such as "
                "sslrootcert=/etc/ssl/certs/ca-certificates.crt"
            )


# MySQL's words for TLS, from the weakest to the strongest.
TLS_MODES = ("DISABLED", "PREFERRED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY")
_MODES = {
    **{mode: mode for mode in TLS_MODES},
    **dict.fromkeys(("DISABLE", "FALSE"), "DISABLED"),
    "PREFER": "PREFERRED",
    **dict.fromkeys(("ACCEPT_INVALID_CERTS", "REQUIRE", "SKIP_VERIFY"), "REQUIRED"),
    "TRUST": "REQUIRED",
    **dict.fromkeys(("STRICT", "VERIFY_FULL"), "VERIFY_IDENTITY"),
}
_FILES = {"ssl_ca": "ca", "ssl_capath": "capath"}
_RENAMED = {"sslca": "ssl_ca", "serversslcert": "ssl_ca"}
_WHAT_TO_WRITE = (
    "write ssl_mode=REQUIRED for TLS, or ssl_mode=VERIFY_IDENTITY&ssl_ca=…, the file of "
    "the authority, to check the server's certificate"
)


def _mysql(given: list[Parameter]) -> list[Parameter]:
    found: list[Parameter] = []
    modes: list[str] = []
    for part in given:
        plain = part.name.lower().replace("-", "_")
        if plain in _TLS:
            modes += _TLS[plain](part.value)
        elif plain in _RENAMED:
            found.append(_parameter(_RENAMED[plain], part.value))
        elif plain == "ssl_key_password":
            raise InvalidUrl(
                "use a key without a password: drivers have no use for one"
            )
        elif part.name == "socket" and part.value.startswith("/"):
            found.append(_parameter("unix_socket", part.value))
        elif plain.startswith("ssl_"):
            found.append(
                part._replace(name=plain, text=_parameter(plain, part.value).text)
            )
        else:
            found.append(part)
    has_authority = any(part.name in _FILES for part in found)
    if "VERIFY" in modes:  # The name of the host is not to be checked.
        modes = [mode for mode in modes if mode != "VERIFY"]
        modes.append("VERIFY_CA" if has_authority else "REQUIRED")
    mode = max(modes, key=TLS_MODES.index, default="")
    if "DISABLED" in modes and mode != "DISABLED":
        raise InvalidUrl(f"asks for TLS and against it; {_WHAT_TO_WRITE}")
    if mode.startswith("VERIFY") and not has_authority:
        raise InvalidUrl(
            "checks the server's certificate; add the file of its authority, such as "
            f"ssl_mode={mode}&ssl_ca=/etc/ssl/certs/ca-certificates.crt"
        )
    return [*found, *([_parameter("ssl_mode", mode)] if mode else [])]


def _by_name(value: str) -> list[str]:
    mode = value.upper().replace("-", "_")
    if mode not in _MODES:
        raise InvalidUrl(f"ssl_mode is one of {', '.join(TLS_MODES)}")
    return [_MODES[mode]]


def _if_true(*yes: str, no: tuple[str, ...] = ()) -> Callable[[str], list[str]]:
    def answer(value: str) -> list[str]:
        if value.lower() not in TRUTH:
            raise InvalidUrl(_WHAT_TO_WRITE)
        return [*(yes if TRUTH[value.lower()] else no)]

    return answer


def _options_of_node(value: str) -> list[str]:
    """Return what the `ssl` of JavaScript's mysql2 means, which is JSON."""
    if value.lower() in ("0", "false"):
        return ["DISABLED"]
    try:
        told = json.loads(value)
    except ValueError:
        told = None
    if not isinstance(told, dict) or told.keys() != {"rejectUnauthorized"}:
        raise InvalidUrl(f"ssl is not for MySQL here; {_WHAT_TO_WRITE}")
    return ["VERIFY_IDENTITY" if told["rejectUnauthorized"] else "REQUIRED"]


def _tls_of_go(value: str) -> list[str]:
    return ["VERIFY_IDENTITY"] if value.lower() == "true" else _by_name(value)


# What drivers and tools call it, and the modes that its value means.
_TLS: dict[str, Callable[[str], list[str]]] = {
    **dict.fromkeys(("ssl_mode", "sslmode", "sslaccept"), _by_name),
    "ssl": _options_of_node,
    "ssl_check_hostname": _if_true(no=("VERIFY",)),
    "ssl_disabled": _if_true("DISABLED"),
    "ssl_verify_cert": _if_true("VERIFY_CA", no=("REQUIRED",)),
    "ssl_verify_identity": _if_true("VERIFY_IDENTITY", no=("VERIFY",)),
    "tls": _tls_of_go,
    "requiressl": _if_true("REQUIRED"),
    "usessl": _if_true("REQUIRED", no=("DISABLED",)),
    "verifyservercertificate": _if_true("VERIFY_CA"),
}
