"""A password comes through to the server, whatever its characters and how it is typed."""

from __future__ import annotations

import json
import re
import stringprep
import subprocess
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest
import sqlalchemy as sa
from hypothesis import Phase, example, given, seed, settings
from hypothesis import strategies as st
from pymysql.converters import escape_string

from cookiecutter_alembic.databases import parse
from cookiecutter_alembic.dotenv import dotenv
from tests import servers
from tests.conftest import BIN, CONNECTIONS, Project, baked, left_clean

# Kinds of repository, each with the origin of its server.
ON_POSTGRES = [
    "psycopg2-system",
    "psycopg-wheel",
    "psycopg_async-system",
    "asyncpg-wheel",
]
ON_MARIADB = ["mariadb_pymysql", "mariadb_asyncmy"]
EXAMPLES = 200
EXAMPLES_ON_MARIADB = 50
BAKES = dict(zip(ON_POSTGRES, (3, 3, 2, 2), strict=True))

# What .env files, URLs, Alembic's ini file, SQL, shells and Jinja make something of.
PIECES = [
    *("%41", "%4", "%%", "%(here)s", "%zz", "${HOME}", "$HOME", "$$", "$", "`id`"),
    *("'", '"', "\\", "\\\\", "\\'", '\\"', "\\n", "#", " #", " ", "=", "export "),
    *("@", ":", "/", "?", "&", "+", "[::1]", "://", "{{", "}}", "{%", "{#"),
]
NOTABLE = [
    "".join(map(chr, range(32, 127))),
    "x" * 200,
    "' OR ''='",
    'say "hi"',
    "${HOME} $HOME $$",
    "%41%(here)s%",
    "p@ss:w/o?r&d=#[]",
    " leading and trailing ",
    "two\\\\backslashes",
    "\\'and a quote\\\\'",
    "at the end\\",
    "at the end\\\\",
    "{{ 1 }}{% raw %}{# #",
]
NOTABLE_BEYOND_ASCII = [
    "pässwörd",
    "日本語",
    "🐘" * 200,
    "e\u0301 is é",
    "ﬁ ① ª are others to SASLprep",
    "no-break\u00a0space",
    "שלום",
    "שלום in two directions",
]
ASCII = st.characters(min_codepoint=32, max_codepoint=126)
ACCENTED = st.characters(max_codepoint=0x24F, categories=("L",))
SHOWN = st.characters(categories=("L", "M", "N", "P", "S", "Zs"))


def passwords(characters: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Draw short passwords and those of 200 characters."""
    short = st.lists(characters | st.sampled_from(PIECES), min_size=1).map("".join)
    return short | st.text(characters, min_size=200, max_size=200)


ASCII_PASSWORDS = passwords(ASCII)
ALL_PASSWORDS = ASCII_PASSWORDS | passwords(ASCII | ACCENTED | SHOWN)


class Typed(NamedTuple):
    """A password, and how it is typed in a URL."""

    password: str
    text: str


def type_password(password: str, raw: list[bool], never: str = "@") -> Typed:
    """Write a password for a URL.

    Arguments:
        password: what is to be written.
        raw: for each character, whether it stays as it is. One that does not print, or
            that would be read as something else, is percent-encoded all the same.
        never: characters that never stay as they are.
    """
    text = ""
    for character, is_raw in reversed(list(zip(password, raw, strict=True))):
        is_misread = character == "%" and re.match("[0-9A-Fa-f]{2}", text)
        is_refused = character in never or not character.isprintable()
        if not is_raw or is_misread or is_refused:
            character = "".join(f"%{byte:02X}" for byte in character.encode())
        text = character + text
    return Typed(password, text)


@st.composite
def typed(
    draw: st.DrawFn, passwords: st.SearchStrategy[str], never: str = "@"
) -> Typed:
    """Draw a password and which of its characters are typed raw."""
    password = draw(passwords)
    size = len(password)
    raw = st.lists(st.booleans(), min_size=size, max_size=size)
    return type_password(password, draw(raw), never)


def is_prepared(password: str) -> bool:
    """Return whether RFC 4013 allows a password once its spaces are mapped."""
    if any(stringprep.in_table_a1(c) or stringprep.in_table_c8(c) for c in password):
        return False
    if not any(map(stringprep.in_table_d1, password)):
        return True
    ends = password[0], password[-1]
    has_both_directions = any(map(stringprep.in_table_d2, password))
    return all(map(stringprep.in_table_d1, ends)) and not has_both_directions


def is_same_to_asyncpg(password: str) -> bool:
    """Return whether asyncpg prepares a password as PostgreSQL does.

    Both take the NFKC form of a password that RFC 4013 allows, and any other as it is.
    PostgreSQL asks before it normalizes, asyncpg asks of what comes out. So asyncpg is
    refused with `🄀`, which is newer than that RFC's Unicode but turns into `0.`, and
    with a few passwords that are written from right to left.
    """
    mapped = "".join(
        " " if stringprep.in_table_c12(character) else character
        for character in password
        if not stringprep.in_table_b1(character)
    )
    normal = unicodedata.normalize("NFKC", mapped)
    return normal == password or is_prepared(mapped) == is_prepared(normal)


class User(NamedTuple):
    """What a user is called by a server, and the SQL that makes, alters and drops it."""

    name: str
    make: str
    alter: str
    drop: str


POSTGRES_USER = User(
    "tester",
    "CREATE ROLE tester LOGIN CREATEDB",
    "ALTER ROLE tester PASSWORD '{}'",
    "DROP ROLE tester",
)
MARIADB_USER = User(
    "tester@127.0.0.1",
    "GRANT ALL ON orders.* TO tester@'127.0.0.1' IDENTIFIED BY ''",
    "ALTER USER tester@'127.0.0.1' IDENTIFIED BY '{}'",
    "DROP USER tester@'127.0.0.1'",
)


@dataclass
class Account:
    """A kind of repository, and a user of its server whose password changes."""

    kind: str
    server: servers.Server

    @property
    def is_mariadb(self) -> bool:
        """Whether the server is MariaDB."""
        return isinstance(self.server, servers.MariaDB)

    @property
    def user(self) -> User:
        """The server's user."""
        return MARIADB_USER if self.is_mariadb else POSTGRES_USER

    @property
    def passwords(self) -> st.SearchStrategy[str]:
        """Passwords with which the server and the driver know what to do."""
        if self.is_mariadb:
            return ASCII_PASSWORDS
        if self.kind == "asyncpg":
            return ALL_PASSWORDS.filter(is_same_to_asyncpg)
        return ALL_PASSWORDS

    @property
    def notable(self) -> list[str]:
        """Such passwords that have made trouble somewhere."""
        # PostgreSQL has no empty password, and PyMySQL none beyond Latin-1.
        return NOTABLE + ([""] if self.is_mariadb else NOTABLE_BEYOND_ASCII)

    def url(self, text: str) -> str:
        """Return a URL with a password as it is typed."""
        driver = CONNECTIONS[self.kind].driver.name
        return f"{driver}://tester:{text}@127.0.0.1:{self.server.port}/orders"

    def let_in(self, password: str) -> None:
        """Make this the user's password."""
        literal = (
            escape_string(password) if self.is_mariadb else password.replace("'", "''")
        )
        self.server.query(self.user.alter.format(literal))


@pytest.fixture
def account(
    request: pytest.FixtureRequest,
    start_postgres: Callable[[str], servers.Postgres],
    start_mariadb: Callable[[], servers.MariaDB],
) -> Iterator[Account]:
    """Make a user for a while, and a server if need be."""
    kind, _, origin = request.param.partition("-")
    running: servers.Server = start_postgres(origin) if origin else start_mariadb()
    account = Account(kind, running)
    running.query(account.user.make)
    with left_clean(running):
        yield account
    running.query(account.user.drop)


# Runs on a project's own Python, in its folder. It reads a line of JSON for each password
# and answers with what the project makes of it; starting anew would take a second.
WORKER = r"""
import asyncio, contextlib, io, json, os, sys, traceback
from pathlib import Path

# Alembic goes on printing to the standard output that it finds at import.
answers, sys.stdout = sys.stdout, io.StringIO()

import alembic.config
import sqlalchemy as sa
from app.config import database_url
from app.database import make_engine

WHO = sa.text("SELECT current_user")


def password():
    return database_url().password


def user():
    engine = make_engine(database_url())
    return who(engine) if isinstance(engine, sa.Engine) else asyncio.run(await_who(engine))


def who(engine):
    with contextlib.closing(engine.connect()) as connection:
        found = connection.scalar(WHO)
    engine.dispose()
    return found


async def await_who(engine):
    async with engine.connect() as connection:
        found = await connection.scalar(WHO)
    await engine.dispose()
    return found


def current():
    sys.stdout.seek(0)
    sys.stdout.truncate()
    with contextlib.redirect_stderr(sys.stdout):
        try:
            alembic.config.main(["current"])
        except SystemExit:
            traceback.print_exc()
    return sys.stdout.getvalue()


def outcome(attempt):
    try:
        return attempt()
    except (Exception, SystemExit):
        return traceback.format_exc()


for line in sys.stdin:
    dotenv, variable = json.loads(line)
    Path(".env").write_text(dotenv, encoding="utf-8", newline="\n")
    os.environ.pop("DATABASE_URL")
    os.environ.update({"DATABASE_URL": variable} if variable else {})
    found = [outcome(attempt) for attempt in (password, user, current)]
    os.environ.setdefault("DATABASE_URL", "")
    print(json.dumps(found), file=answers, flush=True)
"""


class Found(NamedTuple):
    """What a project makes of a URL; in the place of each, the error where one is."""

    password: str | None
    user: str
    current: str
    """What `alembic current` prints."""


@dataclass
class Worker:
    """A process that tries one URL after the other in a project."""

    process: subprocess.Popen[str]

    def find(self, dotenv: str, variable: str = "") -> Found:
        """Try what stands in `.env` or, where it is given, in the variable."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps([dotenv, variable]) + "\n")
        self.process.stdin.flush()
        return Found(*json.loads(self.process.stdout.readline()))


@contextmanager
def working(project: Project) -> Iterator[Worker]:
    """Run a worker, which ends when nothing more is asked."""
    with subprocess.Popen(
        [project.path / ".venv" / BIN / "python", "-c", WORKER],
        cwd=project.path,
        env=project.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="ascii",
    ) as process:
        yield Worker(process)


def assert_refused(account: Account, worker: Worker) -> None:
    """The server asks for the password: it lets nobody in with another."""
    found = worker.find(dotenv(parse(account.url("another"))))
    assert found.password == "another"
    for error in (found.user, found.current):
        assert re.search("password authentication failed|Access denied", error)


def assert_in(account: Account, worker: Worker, typed: Typed) -> None:
    """The server lets the project in, by its `.env` and by the variable."""
    url = account.url(typed.text)
    assert sa.make_url(url).password == typed.password
    account.let_in(typed.password)
    overruled = dotenv(parse(account.url("overruled")))
    for given in ((dotenv(parse(url)),), (overruled, url)):
        found = worker.find(*given)
        assert found.password == typed.password
        assert found.user == account.user.name
        assert "(head)" in found.current


@pytest.mark.parametrize("account", ON_POSTGRES + ON_MARIADB, indirect=True)
def test_any_password(account: Account, copied: Callable[[str], Project]) -> None:
    project = copied(account.kind)
    account.let_in("first")
    project.environment["DATABASE_URL"] = account.url("first")
    project.run("python", "-m", "migrations", "create")
    project.run("alembic", "upgrade", "head")
    with working(project) as worker:

        @seed(account.kind)
        @settings(
            max_examples=EXAMPLES_ON_MARIADB if account.is_mariadb else EXAMPLES,
            deadline=None,
            database=None,
            print_blob=True,
        )
        @given(typed(account.passwords))
        def try_one(typed: Typed) -> None:
            assert_in(account, worker, typed)

        for password in account.notable:
            for is_raw in (True, False):
                typed_so = type_password(password, [is_raw] * len(password))
                try_one = example(typed_so)(try_one)
        assert_refused(account, worker)
        try_one()
        empty = worker.find(dotenv(parse(account.url(""))))
        assert empty.password == ""
