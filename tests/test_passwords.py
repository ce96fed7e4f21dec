"""A password comes through to the server, whatever its characters and how it is typed."""

from __future__ import annotations

import json
import re
import shutil
import stringprep
import subprocess
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

import pytest
import sqlalchemy as sa
from hypothesis import Phase, example, given, seed, settings
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir
from pymysql.converters import escape_string

from cookiecutter_alembic.databases import parse
from cookiecutter_alembic.dotenv import dotenv, quote
from tests import servers
from tests.conftest import BIN, CONNECTIONS, TEMPLATE, Project, baked, left_clean
from tests.test_dotenv import read_as_compose_does

set_hypothesis_home_dir(TEMPLATE / ".pytest_cache" / "hypothesis")

# Kinds of repository, each with the origin of its server.
ON_POSTGRES = [
    "psycopg2-system",
    "psycopg-wheel",
    "psycopg_async-system",
    pytest.param("asyncpg-wheel", marks=pytest.mark.full),
]
ON_MARIADB = [
    pytest.param("mariadb_pymysql", marks=pytest.mark.full),
    "mariadb_asyncmy",
]
EXAMPLES = 200
EXAMPLES_ON_MARIADB = 20
BAKES = {
    "psycopg2-system": 3,
    "psycopg-wheel": 3,
    "psycopg_async-system": 2,
    "asyncpg-wheel": 2,
}

# Drawn by a seed, and none kept from a run before: what fails here fails elsewhere.
REPEATABLE = settings(deadline=None, database=None, print_blob=True)

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
ACCENTED = st.characters(max_codepoint=0x24F, categories=["L"])
SHOWN = st.characters(categories=("L", "M", "N", "P", "S", "Zs"))
ANY = ASCII | ACCENTED | SHOWN


def tricky(
    characters: st.SearchStrategy[str], min_size: int = 1
) -> st.SearchStrategy[str]:
    """Draw passwords with pieces that are made something of somewhere."""
    pieces = characters | st.sampled_from(PIECES)
    return st.lists(pieces, min_size=min_size).map("".join)


def passwords(characters: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Draw passwords, some of them as long as 200 characters."""
    short = st.text(characters, min_size=1)
    return short | tricky(characters) | st.text(characters, min_size=200, max_size=200)


PASSWORDS = passwords(ASCII) | passwords(ANY)


class Typed(NamedTuple):
    """A password, and how it is typed in a URL."""

    password: str
    text: str


def type_password(password: str, raw: list[bool], never: str = "@") -> Typed:
    """Write a password for a URL.

    Arguments:
        password: what is to be written.
        raw: for each character, and then again for the following, whether it stays as it
            is. One that does not print, or that would be read as something else, is
            percent-encoded all the same.
        never: characters that never stay as they are.
    """
    text = ""
    for character, is_raw in reversed(list(zip(password, cycle(raw), strict=False))):
        is_misread = character == "%" and re.match("[0-9A-Fa-f]{2}", text)
        is_refused = character in never or not character.isprintable()
        if not is_raw or is_misread or is_refused:
            character = "".join(f"%{byte:02X}" for byte in character.encode())
        text = character + text
    return Typed(password, text)


def typed(
    passwords: st.SearchStrategy[str], never: str = "@"
) -> st.SearchStrategy[Typed]:
    """Draw a password and which of its characters are typed raw."""
    # One number, as Hypothesis would vary a list of booleans more than the password.
    bits = st.integers(0, 0xFFFF)
    raw = bits.map(lambda number: [digit == "0" for digit in f"{number:016b}"])
    return st.builds(type_password, passwords, raw, st.just(never))


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
        """Passwords that the driver sends as the server has them."""
        if self.kind == "asyncpg":
            return PASSWORDS.filter(is_same_to_asyncpg)
        return PASSWORDS

    @property
    def notable(self) -> list[str]:
        """Those among them that make trouble where something is not quoted."""
        # PostgreSQL has no empty password.
        return [*NOTABLE, ""] if self.is_mariadb else NOTABLE

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


# Runs on a project's own Python, in its folder, and does for each line of JSON what takes
# a second where it is started anew.
WORKER = r"""
import asyncio, contextlib, io, json, os, sys, traceback
from pathlib import Path

# Alembic goes on printing to the standard output that it finds at import.
answers, sys.stdout = sys.stdout, io.StringIO()

import sqlalchemy as sa
from alembic.config import CommandLine
from app.config import database_url
from app.database import make_engine

WHO = sa.text("SELECT current_user")
ALEMBIC = CommandLine()


def password():
    return database_url().password


def user():
    engine = make_engine(database_url())
    return who(engine) if isinstance(engine, sa.Engine) else asyncio.run(await_who(engine))


def who(engine):
    with engine.connect() as connection:
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
            ALEMBIC.main(["current"])
        except (Exception, SystemExit):
            traceback.print_exc()
    return sys.stdout.getvalue()


def outcome(attempt):
    try:
        return attempt()
    except (Exception, SystemExit):
        return traceback.format_exc()


for line in sys.stdin:
    dotenv, variable, attempts = json.loads(line)
    Path(".env").write_text(dotenv, encoding="utf-8", newline="\n")
    os.environ.pop("DATABASE_URL", None)
    if variable is not None:
        os.environ["DATABASE_URL"] = variable
    found = [outcome(globals()[attempt]) for attempt in attempts]
    print(json.dumps(found), file=answers, flush=True)
"""


@dataclass
class Worker:
    """A process that tries one password after the other in a project."""

    process: subprocess.Popen[str]

    def find(self, dotenv: str, variable: str | None, *attempts: str) -> list[str]:
        """Return what attempts come to, each the error if it is one.

        Arguments:
            dotenv: the text of `.env`.
            variable: DATABASE_URL in the environment, None where it is unset.
            attempts: `password`, as the project reads it; `user`, as the server calls
                whoever connects with the application's engine; `current`, all that
                `alembic current` prints.
        """
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps([dotenv, variable, attempts]) + "\n")
        self.process.stdin.flush()
        found: list[str] = json.loads(self.process.stdout.readline())
        return found


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


def check_password(account: Account, worker: Worker, typed: Typed) -> None:
    """See that a password comes through by `.env`, by the variable and to Alembic."""
    url = account.url(typed.text)
    assert sa.make_url(url).password == typed.password
    account.let_in(typed.password)
    expected = [typed.password, account.user.name]
    *found, current = worker.find(
        dotenv(parse(url)), None, "password", "user", "current"
    )
    assert found == expected
    assert "(head)" in current
    # The template percent-encodes what it writes; whoever edits the file need not.
    by_hand = url.replace("\\", "\\\\").replace("'", "\\'")
    found = worker.find(f"DATABASE_URL='{by_hand}'\n", None, "password")
    assert found == [typed.password]
    overruled = dotenv(parse(account.url("overruled")))
    assert worker.find(overruled, url, "password", "user") == expected
    # Of what the template writes for Compose, the container's server is made.
    assert read_as_compose_does(quote(typed.password)) == typed.password


def check_others(account: Account, worker: Worker) -> None:
    """See that the server asks for a password, and that an empty one is read as such."""
    account.let_in("this")
    another = dotenv(parse(account.url("another")))
    for error in worker.find(another, None, "user", "current"):
        assert re.search("password authentication failed|Access denied", error)
    empty = account.url("")
    assert worker.find(dotenv(parse(empty)), None, "password") == [""]
    assert worker.find(another, empty, "password") == [""]


def check_drawn(
    account: Account, max_examples: int, check: Callable[[Typed], None]
) -> None:
    """Try the notable passwords, as raw as can be, and others that are drawn."""

    @seed(account.kind)
    @settings(REPEATABLE, max_examples=max_examples)
    @given(typed(account.passwords))
    def try_one(typed: Typed) -> None:
        check(typed)

    for password in account.notable:
        try_one = example(type_password(password, [True]))(try_one)
    try_one()


@pytest.mark.parametrize("account", [*ON_POSTGRES, *ON_MARIADB], indirect=True)
def test_any_password_comes_through(
    account: Account, copied: Callable[[str], Project], is_short: bool
) -> None:
    project = copied(account.kind)
    account.let_in("first")
    project.environment["DATABASE_URL"] = account.url("first")
    project.run("steady", "create")
    project.run("alembic", "upgrade", "head")
    with working(project) as worker:
        check_others(account, worker)
        check_drawn(
            account,
            EXAMPLES_ON_MARIADB if account.is_mariadb or is_short else EXAMPLES,
            partial(check_password, account, worker),
        )
    # The command itself, which takes half a second, for a few of them.
    for password in account.notable[::7]:
        account.let_in(password)
        typed = type_password(password, [True])
        project.environment["DATABASE_URL"] = account.url(typed.text)
        assert "(head)" in project.run("alembic", "current")


def check_bake(
    account: Account, folder: Path, environment: dict[str, str], typed: Typed
) -> None:
    """See that a project is baked, and that its database is made and migrated."""
    if "orders" in account.server.databases():
        account.server.drop("orders")
    account.let_in(typed.password)
    shutil.rmtree(folder, ignore_errors=True)
    project = baked(folder, environment, database_url=account.url(typed.text))
    assert "does not exist yet" in project.output
    assert "Ready in" in project.output
    project.run("steady", "create")
    project.run("alembic", "upgrade", "head")


@pytest.mark.full
@pytest.mark.parametrize(
    ("account", "bakes"), list(BAKES.items()), indirect=["account"]
)
def test_a_project_is_baked_with_any_password(
    account: Account, bakes: int, bench: Path, environment: dict[str, str]
) -> None:
    # Long ones, as they are few. Each takes seconds, so that a failing one is printed as
    # it was drawn. Cookiecutter takes what is given as key=value for a Jinja template.
    passwords = tricky(ANY, min_size=40).filter(lambda text: not text.isalnum())

    @seed(account.kind)
    @settings(REPEATABLE, max_examples=bakes, phases=[Phase.generate])
    @given(typed(passwords, never="@{"))
    def bake_one(typed: Typed) -> None:
        check_bake(account, bench / "out", environment, typed)

    bake_one()
