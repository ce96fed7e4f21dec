"""A password ends up in `.env` and nowhere else, and nothing that is printed shows it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from cookiecutter.replay import dump
from dotenv import dotenv_values
from filelock import FileLock

from cookiecutter_alembic import answers, dotenv
from tests.conftest import (
    CONNECTIONS,
    TEMPLATE,
    TOOLS,
    Project,
    bake,
    bake_in_terminal,
    baked,
    clean_environment,
    commit,
    left_clean,
    refused,
)
from tests.secret_search import Spy, places, shows
from tests.servers import PASSWORD, Postgres, Server
from tests.test_hook import NO_NETWORK, next_steps

CHARACTERS = "S3cr€t-p@ss:w/ord%41 \"x\" 'y' $HOME #"
DOWN = "127.0.0.1:9"


def new_secret() -> str:
    """Make a password that can be in no file by chance, full of what needs quotes."""
    return CHARACTERS + token_hex(8)


def new_control() -> str:
    """Make one without a part that is the same in every form: each has to be known."""
    return f"{CHARACTERS}{token_hex(3)}?>~{token_hex(3)}"


def lower(percent_encoded: str) -> str:
    """Write percent-encoded text with small hexadecimal digits."""
    return re.sub("%..", lambda pair: pair[0].lower(), percent_encoded)


ENCODINGS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "percent": lambda secret: quote(secret, safe=""),
    "percent_but_slashes": lambda secret: lower(quote(secret)),
    "percent_every_byte": lambda secret: "".join(f"%{b:02x}" for b in secret.encode()),
    # What stands before it shifts the bits in base64.
    "base64": lambda secret: b64encode(f"{secret} and more".encode()).decode(),
    "base64_after_1": lambda secret: b64encode(f":{secret}@".encode()).decode(),
    "base64_after_2": lambda secret: b64encode(f"u:{secret}@h".encode()).decode(),
    "base64_of_percent": lambda secret: b64encode(quote(secret).encode()).decode(),
}
ESCAPES: list[Callable[[str], str]] = [
    json.dumps,
    ascii,
    repr,
    dotenv.quote,
    answers.quoted,
    answers.compose,
    answers.mysql_quoted,
    lambda secret: quote(secret, safe="").replace("%", "%%"),
]


def git(folder: Path, *command: str, text: str = "") -> str:
    """Run a git command and return what it printed."""
    return subprocess.check_output(
        ["git", "-C", str(folder), *command], input=text, encoding="utf-8"
    ).strip()


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_search_finds_a_secret_in_each_place(tmp_path: Path, encoding: str) -> None:
    encode = ENCODINGS[encoding]
    project, home = tmp_path / "out" / "project", tmp_path / "home"
    git(tmp_path, "init", "--quiet", str(project))
    planted: dict[str, str] = {}
    for path in (
        project / "README.md",
        project / ".env.example",
        project / ".venv" / "lib" / "module.pyc",
        project / ".git" / "COMMIT_EDITMSG",
        home / ".cookiecutters" / "template" / "file",
        tmp_path / "tmp" / "hook.py",
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        secret = planted[str(path)] = new_control()
        path.write_text(f"before {encode(secret)} after")

    objects = []
    for kind in ("packed", "loose"):
        secret = new_control()
        text = f"before {encode(secret)} after" + 100 * " "
        name = git(project, "hash-object", "-w", "--stdin", text=text)
        planted[f"git:{name}"] = secret
        objects.append(Path(project, ".git", "objects", name[:2], name[2:]))
        if kind == "packed":
            git(project, "update-ref", "refs/tags/packed", name)
            git(project, "gc", "--quiet")
    assert [path.exists() for path in objects] == [False, True]

    for copy in ("cookiecutter", "_cookiecutter"):
        secret = new_control()
        context = {
            key: {"database_url": ""} for key in ("cookiecutter", "_cookiecutter")
        }
        context[copy] = {"database_url": encode(secret)}
        dump(home / ".cookiecutter_replay", copy, context)
        planted[str(home / ".cookiecutter_replay" / f"{copy}.json")] = secret

    found = {place: places(secret, tmp_path) for place, secret in planted.items()}
    assert found == {place: {place} for place in planted}


def test_the_search_finds_a_secret_in_names_and_links(tmp_path: Path) -> None:
    secret = new_control()
    (tmp_path / quote(secret, safe="")).mkdir()
    (tmp_path / "link").symlink_to(quote(secret, safe=""))
    (tmp_path / "other").write_text(new_control())
    expected = {tmp_path / quote(secret, safe=""), tmp_path / "link"}
    assert places(secret, tmp_path) == set(map(str, expected))


@pytest.mark.parametrize("escape", ESCAPES)
def test_the_search_knows_a_secret_with_quotes(escape: Callable[[str], str]) -> None:
    secret = new_control()
    assert shows(secret, f"before {escape(secret)} after")
    assert not shows(secret, escape(new_control()))


def test_the_search_knows_a_secret_that_is_cut_short() -> None:
    secret = new_secret()
    assert shows(secret, f"'...{secret[-16:]}'")


@pytest.mark.parametrize(
    ("code", "where"),
    [
        ("subprocess.run([*program, secret])", "arguments"),
        ("subprocess.run(program, env={'X': secret})", "X"),
        ("os.environ['X'] = secret; subprocess.run(program)", "X"),
        ("os.system(f'true \"{secret[-16:]}\"')", "arguments"),
        ("os.execv(sys.executable, [*program, secret])", "arguments"),
        pytest.param(
            "os.posix_spawn(sys.executable, [*program, secret], {})",
            "arguments",
            marks=pytest.mark.skipif(
                not hasattr(os, "posix_spawn"), reason="there is no posix_spawn"
            ),
        ),
    ],
)
def test_a_child_that_is_told_is_seen(tmp_path: Path, code: str, where: str) -> None:
    secret = new_secret()
    spy = Spy(tmp_path / "spy")
    before = (
        "import os, subprocess, sys; secret = sys.stdin.buffer.read().decode();"
        "program = [sys.executable, '-c', ''];"
    )
    subprocess.run(
        [sys.executable, "-c", before + code],
        env={**os.environ, **spy.variables},
        input=secret.encode(),
        check=True,
    )
    assert {name for _, name in spy.children_told(secret)} == {where}


MAKE = "os.close(os.open('.env', os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600));"


@pytest.mark.parametrize(
    ("code", "private"),
    [
        (MAKE, True),
        (MAKE + "open('.env', 'a').close(); open('.env').close()", True),
        ("", False),
        ("open('.env', 'x').close()", False),
        (MAKE + "os.chmod('.env', 0o600)", False),
        (MAKE + "os.fchmod(os.open('.env', os.O_RDONLY), 0o600)", False),
        (MAKE + "open('new', 'w').close(); os.rename('new', '.env')", False),
        ("os.close(os.open('.env', os.O_WRONLY | os.O_CREAT, 0o600))", False),
    ],
)
def test_a_file_that_was_not_private_at_once_is_seen(
    tmp_path: Path, code: str, private: bool
) -> None:
    spy = Spy(tmp_path / "spy")
    environment = {**os.environ, **spy.variables}
    command = [sys.executable, "-c", f"import os; {code}"]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True)
    assert is_private(tmp_path / ".env", spy) == private


def is_private(path: Path, spy: Spy) -> bool:
    """Return whether a `.env` is its owner's alone, and was so as soon as it existed."""
    return (
        path.is_file()
        and path.stat().st_mode & 0o777 == 0o600
        and spy.dotenv_was_private_at_once()
    )


def stranger(folder: Path) -> tuple[dict[str, str], Spy]:
    """Return an environment with a home, a temporary folder and a spy of its own."""
    (folder / "tmp").mkdir(parents=True)
    spy = Spy(folder / "spy")
    temporary = str(folder / "tmp")
    environment = clean_environment(folder / "home", TMPDIR=temporary, **spy.variables)
    return environment, spy


def around(folder: Path) -> list[Path]:
    """Return what to search: projects, the stranger's home and temporary folder."""
    return [folder / name for name in ("out", "home", "tmp")]


@dataclass(frozen=True)
class Bake:
    """A project that was baked with a secret, and what was around it."""

    folder: Path
    secret: str
    printed: str
    """What was printed once the answers were given."""

    @property
    def project(self) -> Path:
        """The project's folder."""
        return self.folder / "out" / "my_service"

    @property
    def spy(self) -> Spy:
        """What has watched."""
        return Spy(self.folder / "spy")

    def places(self) -> set[str]:
        """Return where the secret is, in the project, at home and in the temporary folder."""
        return places(self.secret, *around(self.folder))


def type_in_terminal(url: str, folder: Path, environment: dict[str, str]) -> str:
    """Bake with a connection string typed at the prompt, which the terminal echoes."""
    import pexpect

    terminal = bake_in_terminal(folder, environment)
    for prompt in ("(My Service): ", "(my_service): "):
        terminal.expect_exact(prompt)
        terminal.sendline("")
    terminal.expect_exact("(sqlite:///my_service.db): ")
    terminal.sendline(url)
    terminal.expect_exact("(1): ")
    terminal.sendline("")
    terminal.expect_exact("Creating my_service")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0, terminal.before
    return str(terminal.before)


def give(url: str, folder: Path, environment: dict[str, str]) -> str:
    """Bake with a connection string among the arguments, as `key=value`."""
    done = bake(folder, environment, answers={"database_url": url})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


WAYS = {
    "typed": (type_in_terminal, f"postgresql://me:{{}}@{DOWN}/orders"),
    "given": (give, f"postgresql+psycopg2://me:{{}}@{DOWN}/orders"),
    "password": (give, f"postgresql://me@{DOWN}/orders?password={{}}"),
    "sslpassword": (give, f"postgresql://me@{DOWN}/orders?sslpassword={{}}"),
}
NO_TERMINAL = pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal")
MARKS = {
    "typed": NO_TERMINAL,
    "password": pytest.mark.full,
    "sslpassword": pytest.mark.full,
}
each_way = pytest.mark.parametrize(
    "way", [pytest.param(way, marks=MARKS.get(way, ())) for way in WAYS]
)


@pytest.fixture(scope="session")
def baked_with_secret(shared_folder: Path) -> Callable[[str], Bake]:
    """Bake in each way once for all workers."""

    def find(way: str) -> Bake:
        folder = shared_folder / "secrets" / way
        record = shared_folder / f"secret-{way}.json"
        with FileLock(shared_folder / f"secret-{way}.lock"):
            if not record.exists():
                secret = new_secret()
                environment, _spy = stranger(folder)
                answer, url = WAYS[way]
                url = url.format(quote(secret, safe=""))
                (folder / "out").mkdir()
                printed = answer(url, folder / "out", environment)
                record.write_text(json.dumps([secret, printed]))
        return Bake(folder, *json.loads(record.read_text()))

    return find


@each_way
def test_a_password_is_in_dotenv_alone(
    baked_with_secret: Callable[[str], Bake], way: str
) -> None:
    done = baked_with_secret(way)
    path = done.project / ".env"
    assert done.places() == {str(path)}
    url = sa.make_url(dotenv_values(path, interpolate=False)["DATABASE_URL"] or "")
    assert done.secret in (url.password, url.query.get("sslpassword"))
    # There is all that it could be in.
    assert list((done.project / "migrations" / "versions").glob("*.py"))
    assert git(done.project, "log", "--format=%s") == "Initial commit"
    (replay,) = (done.folder / "home" / ".cookiecutter_replay").iterdir()
    assert {"cookiecutter", "_cookiecutter"} <= set(json.loads(replay.read_text()))


@each_way
def test_dotenv_is_private_from_the_moment_it_exists(
    baked_with_secret: Callable[[str], Bake], way: str
) -> None:
    done = baked_with_secret(way)
    assert is_private(done.project / ".env", done.spy)


@each_way
def test_the_hook_alone_is_told_and_not_by_its_arguments(
    baked_with_secret: Callable[[str], Bake], way: str
) -> None:
    done = baked_with_secret(way)
    assert_hook_alone_is_told(done.spy, done.secret, done.folder / "tmp")


def assert_hook_alone_is_told(spy: Spy, secret: str, temporary: Path) -> None:
    """Check what children of Cookiecutter were told, and those of the hook.

    A connection string given as `key=value` is among Cookiecutter's own arguments, of
    course; there the user has put it.
    """
    ((line, name),) = spy.children_told(secret)
    assert name == dotenv.HANDOVER_VARIABLE
    assert re.fullmatch(rf"\S+ {re.escape(str(temporary))}/tmp\w+\.py", line)
    assert line in spy.watched().splitlines()


@each_way
def test_the_hook_prints_no_password(
    baked_with_secret: Callable[[str], Bake], way: str
) -> None:
    done = baked_with_secret(way)
    assert f"{DOWN} does not answer" in done.printed
    assert not shows(done.secret, done.printed)


@pytest.mark.full
def test_cruft_keeps_no_password(repository: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cruft"
    environment, spy = stranger(folder)
    (folder / "out").mkdir()
    secret = new_secret()
    url = f"postgresql://me:{quote(secret, safe='')}@{DOWN}/orders?sslpassword="
    context = json.dumps({"database_url": url + quote(secret, safe="")})

    def run(*command: str | Path, cwd: Path = folder / "out") -> str:
        return subprocess.check_output(
            command, cwd=cwd, env=environment, stderr=subprocess.STDOUT, text=True
        )

    template = f"file://{repository}"
    create = (TOOLS / "cruft", "create", "--no-input", "--extra-context", context)
    done = Bake(folder, secret, run(*create, template))
    run("git", "add", ".cruft.json", cwd=done.project)
    run("git", "commit", "--message", "Follow the template", cwd=done.project)
    path = done.project / ".env"
    assert "password and sslpassword" in git(done.project, "show", "HEAD:.cruft.json")
    assert done.places() == {str(path)}
    assert is_private(path, spy)

    readme = repository / "{{cookiecutter.project_slug}}" / "README.md"
    readme.write_text(readme.read_text() + "\nMore.\n")
    commit(repository, environment, "Another template")
    updated = run(TOOLS / "cruft", "update", "--skip-apply-ask", cwd=done.project)
    assert "More." in git(done.project, "diff", "HEAD")
    assert done.places() == {str(path)}
    assert is_private(path, spy)
    assert_hook_alone_is_told(spy, secret, folder / "tmp")
    assert "does not answer" in done.printed
    assert not shows(secret, done.printed + updated)


def test_a_clone_of_the_template_holds_no_answer(
    repository: Path, tmp_path: Path
) -> None:
    # Cookiecutter wants to see in an address that it is git's.
    template = repository.rename(tmp_path / "template.git")
    folder = tmp_path / "bake"
    environment, _spy = stranger(folder)
    environment |= NO_NETWORK | no_cache(folder)
    secret = new_secret()
    url = f"postgresql://me:{quote(secret, safe='')}@{DOWN}/orders"
    given = {"database_url": url}
    where = f"file://{template}"
    output = bake(folder / "out", environment, template=where, answers=given).stdout
    assert (folder / "home" / ".cookiecutters" / "template" / ".git").is_dir()
    done = Bake(folder, secret, output)
    assert done.places() == {str(done.project / ".env")}


def no_cache(folder: Path) -> dict[str, str]:
    """Return variables with which uv ends at once: nothing is at hand, and no network."""
    return {"UV_CACHE_DIR": str(folder / "cache"), "UV_OFFLINE": "1"}


@dataclass(frozen=True)
class Role:
    """A user of a PostgreSQL server, with a secret for its password."""

    server: Postgres
    secret: str
    name: str = "keeper"

    def url(self, password: str | None = None) -> str:
        """Return the URL of its database, with its own password unless told."""
        secret = password or self.secret
        return self.server.url("postgresql+psycopg2", "orders", self.name, secret)


@pytest.fixture
def role(start_postgres: Callable[[str], Postgres]) -> Iterator[Role]:
    """Make a user who may make databases."""
    server = start_postgres("system")
    role = Role(server, new_secret())
    literal = role.secret.replace("'", "''")
    server.query(f"CREATE ROLE {role.name} LOGIN CREATEDB PASSWORD '{literal}'")
    with left_clean(server):
        yield role
    server.query(f"DROP ROLE {role.name}")


def replay(folder: Path, environment: dict[str, str], *options: str) -> Project:
    """Bake once more with the answers that Cookiecutter has kept."""
    output = subprocess.check_output(
        [TOOLS / "cookiecutter", "--replay", *options, "-o", folder / "out", TEMPLATE],
        env=environment,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return Project(folder / "out" / "my_service", environment, output=output)


@pytest.mark.full
def test_a_replay_lacks_the_password_and_goes_on_once_it_is_there(
    role: Role, tmp_path: Path
) -> None:
    environment, _spy = stranger(tmp_path)
    first = baked(tmp_path / "out", environment, database_url=role.url())
    shutil.rmtree(first.path)
    project = replay(tmp_path, environment)
    dotenv = project.path / ".env"
    address = f"{role.name}@127.0.0.1:{role.server.port}"
    url = f"postgresql+psycopg2://{address}/orders"
    assert dotenv_values(dotenv) == {"DATABASE_URL": url}
    assert dotenv.stat().st_mode & 0o777 == 0o600
    lacks = (
        "  settings         .env lacks the password; stored answers hold no secrets\n"
    )
    assert lacks in project.output
    assert "Ready" not in project.output
    todo = "# add the password to .env, as in .env.example"
    assert next_steps(project)[1] == todo
    assert places(role.secret, *around(tmp_path)) == set()

    example = (project.path / ".env.example").read_text()
    secret = quote(role.secret, safe="")
    dotenv.write_text(example.replace(":password@", f":{secret}@"))
    project.run("steady", "create")
    project.run("alembic", "upgrade", "head")
    assert role.server.query('SELECT * FROM "user"', "orders") == []
    assert_own_commands_are_silent(project, role.secret)

    before = dotenv.read_bytes()
    again = replay(tmp_path, environment, "--overwrite-if-exists")
    assert dotenv.read_bytes() == before
    assert ".env already exists and was kept\n" in again.output
    assert "lacks" not in again.output and todo not in again.output


def assert_own_commands_are_silent(project: Project, secret: str) -> None:
    """Run what developers run, and check what it prints and what its children are told."""
    spy = Spy(project.path.parent / "spy_on_commands")
    project.environment |= spy.variables
    project.add_username()
    revise = ("alembic", "revision", "--autogenerate", "-m", "Add username")
    outputs = [
        project.run(*command)
        for command in (revise, ("alembic", "upgrade", "head"), ("pytest",))
    ]
    assert "8 passed" in outputs[-1]
    assert not shows(secret, "".join(outputs))
    watched = spy.watched()
    for command in ("revision --autogenerate", "upgrade head", "pytest"):
        assert command in watched
    assert not shows(secret, watched)
    assert spy.children_told(secret) == []


@pytest.mark.full
@pytest.mark.parametrize(
    ("url", "left_out"),
    [
        ("sqlite:///my_service.db", ""),
        ("postgresql:///orders", ""),
        (f"postgresql://me:{{}}@{DOWN}/orders", "password"),
        (f"postgresql://me@{DOWN}/orders?sslpassword={{}}", "sslpassword"),
        (f"postgresql://me@{DOWN}/orders?scram_client_key={{}}", "scram_client_key"),
        (
            f"postgresql://me:{{}}@{DOWN}/orders?sslpassword={{}}",
            "password and sslpassword",
        ),
    ],
)
def test_a_replay_names_what_it_lacks(tmp_path: Path, url: str, left_out: str) -> None:
    environment, _spy = stranger(tmp_path)
    environment |= NO_NETWORK | no_cache(tmp_path)
    secret = new_secret()
    encoded = quote(secret, safe="")
    first = baked(
        tmp_path / "out", environment, database_url=url.format(encoded, encoded)
    )
    assert "settings" not in first.output
    assert shows(secret, (first.path / ".env").read_bytes()) == bool(left_out)
    shutil.rmtree(first.path)
    project = replay(tmp_path, environment)
    said = re.findall(r"  settings +\.env lacks the (.*); stored", project.output)
    assert said == [left_out] * bool(left_out)
    assert ("settings" in project.output) == bool(left_out)
    todo = f"# add the {left_out} to .env, as in .env.example"
    assert (todo in next_steps(project)) == bool(left_out)
    assert (
        places(secret, *(tmp_path / name for name in ("out", "home", "tmp"))) == set()
    )


def test_the_hook_shows_no_wrong_password(role: Role, tmp_path: Path) -> None:
    wrong = new_secret()
    environment, _spy = stranger(tmp_path)
    url = role.url(wrong)
    project = baked(tmp_path / "out", environment, database_url=url)
    assert "password authentication failed" in project.output
    assert not shows(wrong, project.output)
    assert places(wrong, *around(tmp_path)) == {str(project.path / ".env")}


@pytest.mark.parametrize(
    "url",
    [
        "{}",
        "me:{}@127.0.0.1/orders",
        "postgres//me:{}@127.0.0.1/orders",
        "mongodb://me:{}@127.0.0.1/orders",
        "postgresql://me:{}@127.0.0.1",
        "postgresql://me:{}@127.0.0.1:port/orders",
        "postgresql://me:{}@h1,h2:1,2/orders",
        "postgresql://me:{}@at@127.0.0.1/orders",
        "postgresql://me:at@{}@127.0.0.1/orders",
        "postgresql://me:\t{}@127.0.0.1/orders",
        "postgresql+asyncpg://me:{}@127.0.0.1/orders?sslmode=on&oauth_client_secret={}",
        "mysql://me:{}@127.0.0.1/orders?unknown={}",
        "sqlite://me:{}@127.0.0.1/orders",
        "PGPASSWORD={} psql postgresql://127.0.0.1/orders",
    ],
)
def test_a_malformed_answer_is_refused_and_not_shown(tmp_path: Path, url: str) -> None:
    environment, _spy = stranger(tmp_path)
    secret = new_secret()
    encoded = quote(secret, safe="")
    typed = url.format(encoded, encoded)
    line = refused(tmp_path / "out", environment, database_url=typed)
    assert line.startswith("database_url: ")
    assert not shows(secret, line)
    assert places(secret, *around(tmp_path)) == set()


@pytest.mark.parametrize("braces", ["{{ x }}", "{{ 1 }}", "{% x", "{# x #}", "{{"])
@pytest.mark.parametrize(
    "where", ["//me:{}@127.0.0.1/d", "//me@127.0.0.1/d?password={}"]
)
def test_braces_stand_for_themselves(tmp_path: Path, where: str, braces: str) -> None:
    """Cookiecutter renders what is given as `key=value`, and prints what it cannot."""
    environment, _spy = stranger(tmp_path)
    environment |= NO_NETWORK | no_cache(tmp_path)
    secret = token_hex(8)
    url = f"postgresql:{where.format(braces + secret)}"
    done = bake(tmp_path / "out", environment, answers={"database_url": url})
    assert not shows(secret, done.stdout + done.stderr)
    dotenv = tmp_path / "out" / "my_service" / ".env"
    kept = dotenv_values(dotenv, interpolate=False)["DATABASE_URL"] or ""
    assert sa.make_url(kept).password == braces + secret
    assert places(secret, *around(tmp_path)) == {str(dotenv)}


# What a developer's own tests may run into, on a server or without one.
FAILING_TESTS = {
    "sync": """
from sqlalchemy import text

from app.config import database_url
from app.database import engine, make_engine


def test_a_wrong_password() -> None:
    with engine.connect():
        pass


def test_no_server() -> None:
    with make_engine(database_url().set(port=9)).connect():
        pass


def test_a_server_that_goes_away(session) -> None:
    session.execute(text("END_CONNECTION"))
""",
    "async": """
from sqlalchemy import text

from app.config import database_url
from app.database import engine, make_engine


async def test_a_wrong_password() -> None:
    async with engine.connect():
        pass


async def test_no_server() -> None:
    async with make_engine(database_url().set(port=9)).connect():
        pass


async def test_a_server_that_goes_away(session) -> None:
    await session.execute(text("END_CONNECTION"))
""",
}
CONNECT = {
    "sync": "from app.database import engine; engine.connect()",
    "async": (
        "import asyncio; from app.database import engine;"
        "asyncio.run(engine.connect().__aenter__())"
    ),
}
REFUSED = {
    "postgresql": "password authentication failed",
    "mysql": "Access denied",
}
END_CONNECTION = {
    "postgresql": "SELECT pg_terminate_backend(pg_backend_pid())",
    "mysql": "KILL CONNECTION_ID()",
}
each_driver = pytest.mark.parametrize(
    "kind",
    [
        "psycopg2",
        "psycopg",
        "psycopg_async",
        pytest.param("asyncpg", marks=pytest.mark.full),
        "mariadb_pymysql",
    ],
)


@pytest.fixture
def server(
    kind: str,
    start_postgres: Callable[[str], Postgres],
    start_mariadb: Callable[[], Server],
) -> Iterator[Server]:
    """Return a server for a kind of project."""
    is_mysql = CONNECTIONS[kind].dialect.family == "mysql"
    with left_clean(
        start_mariadb() if is_mysql else start_postgres("system")
    ) as server:
        yield server


def wrong_password(family: str) -> str:
    """Make a password that a driver sends to the server, which then refuses it."""
    # PyMySQL encodes a password in Latin-1.
    return new_secret().replace("€", "£") if family == "mysql" else new_secret()


@each_driver
def test_failing_tests_print_no_password(
    server: Server, copied: Callable[[str], Project], kind: str
) -> None:
    """Tracebacks of pytest show arguments of functions, unless it is told otherwise."""
    connection = CONNECTIONS[kind]
    family = connection.dialect.family
    project = copied(kind)
    tests = FAILING_TESTS[connection.style]
    tests = tests.replace("END_CONNECTION", END_CONNECTION[family])
    (project.path / "tests" / "test_failures.py").write_text(tests)
    wrong = wrong_password(family)
    name = connection.driver.name
    project.environment |= {
        "DATABASE_URL": server.url(name, "orders", password=wrong),
        "TEST_DATABASE_URL": server.url(name, "orders"),
    }
    output = project.run("pytest", code=1)
    assert "8 passed" in output and "3 failed" in output
    assert REFUSED[family] in output
    assert not shows(wrong, output)
    assert not shows(PASSWORD, output)


@pytest.mark.full
@each_driver
def test_without_a_connection_nothing_prints_the_password(
    server: Server, copied: Callable[[str], Project], kind: str
) -> None:
    connection = CONNECTIONS[kind]
    project = copied(kind)
    wrong = wrong_password(connection.dialect.family)
    url = server.url(connection.driver.name, "orders", password=wrong)
    refused = REFUSED[connection.dialect.family]
    for database_url, reason in (
        (url, refused),
        (url.replace(f":{server.port}/", ":9/"), "does not answer"),
    ):
        project.environment["DATABASE_URL"] = database_url
        for command, code in (
            (("alembic", "upgrade", "head"), 255),
            (("steady", "create"), 255),
            (("pytest",), 4),
        ):
            output = project.run(*command, code=code)
            assert reason in output
            assert not shows(wrong, output)
        traceback = project.run("python", "-c", CONNECT[connection.style], code=1)
        assert "Traceback (most recent call last)" in traceback
        assert not shows(wrong, traceback)
