"""The application behind a pooler in transaction mode, and on several hosts."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from socket import socket

import pytest

from tests.conftest import BIN, Project, Service
from tests.servers import PASSWORD, Postgres
from tests.test_drivers import ASYNC_SESSION, use_session

PROCESSES = 2
"""Each gives its statements the same names, if it gives them any."""
SYNC_SESSIONS = """
import sys
from concurrent.futures import ThreadPoolExecutor

from app.database import SessionLocal, engine
from app.models import User
from sqlalchemy import select, text

ADD = text("SELECT CAST(:number AS integer) + 1")
alone = engine.execution_options(isolation_level="AUTOCOMMIT")

def use(number: int) -> None:
    with SessionLocal.begin() as session:
        session.add(User(id=number))
    with SessionLocal() as session:
        query = select(User.id).where(User.id == number)
        assert session.scalars(query).all() == [number]
        assert session.scalar(ADD, {"number": number}) == number + 1
    with alone.connect() as connection:
        assert connection.scalar(ADD, {"number": number}) == number + 1

first, count = map(int, sys.argv[1:])
with ThreadPoolExecutor(10) as at_once:
    list(at_once.map(use, range(first, first + count)))
"""
ASYNC_SESSIONS = """
import asyncio
import sys

from app.database import SessionLocal, engine
from app.models import User
from sqlalchemy import select, text

ADD = text("SELECT CAST(:number AS integer) + 1")
alone = engine.execution_options(isolation_level="AUTOCOMMIT")

async def use(number: int, gate: asyncio.Semaphore) -> None:
    async with gate:
        async with SessionLocal.begin() as session:
            session.add(User(id=number))
        async with SessionLocal() as session:
            query = select(User.id).where(User.id == number)
            assert (await session.scalars(query)).all() == [number]
            assert await session.scalar(ADD, {"number": number}) == number + 1
        async with alone.connect() as connection:
            assert await connection.scalar(ADD, {"number": number}) == number + 1

async def main() -> None:
    first, count = map(int, sys.argv[1:])
    gate = asyncio.Semaphore(10)
    await asyncio.gather(*(use(number, gate) for number in range(first, first + count)))
    await engine.dispose()

asyncio.run(main())
"""

each_driver = pytest.mark.parametrize(
    "service",
    ["psycopg2", "psycopg", "psycopg_async", "asyncpg"],
    indirect=True,
)
on_asyncpg = pytest.mark.parametrize("service", ["asyncpg"], indirect=True)


def use_sessions(service: Service, count: int) -> list[str]:
    """Use sessions in several processes, ten at a time in each, and return the errors."""
    code = ASYNC_SESSIONS if service.connection.driver.is_async else SYNC_SESSIONS
    python = service.project.path / ".venv" / BIN / "python"
    processes = [
        subprocess.Popen(
            [python, "-c", code, str(number * count), str(count)],
            cwd=service.project.path,
            env=service.project.environment,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        for number in range(PROCESSES)
    ]
    errors = [process.communicate()[1] for process in processes]
    return [error.strip().rpartition("\n")[2] for error in errors if error]


@pytest.mark.full
@each_driver
def test_sessions_share_the_connections_of_a_pooler(
    service: Service, pooler: Postgres, soak: bool
) -> None:
    project = service.project
    service.create()
    url = pooler.url(service.connection.driver.name, "orders")
    project.environment["DATABASE_URL"] = url
    project.run("alembic", "upgrade", "head")
    count = 500 if soak else 50
    assert use_sessions(service, count) == []
    assert service.rows("user") == [(number,) for number in range(PROCESSES * count)]


PREPARED = """
import asyncio
import sys

from app.config import database_url
from app.database import make_engine
from sqlalchemy import text

COUNT = text("SELECT count(*) > 0 FROM pg_prepared_statements WHERE name <> ''")

async def is_prepared(query: str) -> bool:
    engine = make_engine(database_url().update_query_string(query))
    async with engine.connect() as connection:
        for _ in range(8):
            await connection.scalar(text("SELECT 1"))
        found = await connection.scalar(COUNT)
    await engine.dispose()
    return found

async def main() -> None:
    print([await is_prepared(query) for query in sys.argv[1:]])

asyncio.run(main())
"""
SYNC_PREPARED = (
    PREPARED.replace("asyncio.run(main())", "main()")
    .replace("async ", "")
    .replace("await ", "")
)


@pytest.mark.full
@pytest.mark.parametrize(
    ("service", "queries"),
    [
        (
            "psycopg",
            {
                "": False,
                "prepare_threshold=0": True,
                "prepare_threshold=5": True,
                "prepare_threshold=100": False,
            },
        ),
        ("psycopg_async", {"": False, "prepare_threshold=5": True}),
        (
            "asyncpg",
            {
                "": False,
                "statement_cache_size=0": False,
                "prepared_statement_cache_size=0": False,
                "prepared_statement_cache_size=100": True,
            },
        ),
    ],
    indirect=["service"],
)
def test_statements_are_prepared_if_the_url_says_so(
    service: Service, queries: dict[str, bool]
) -> None:
    service.create()
    code = PREPARED if service.connection.driver.is_async else SYNC_PREPARED
    printed = service.project.run("python", "-c", code, *queries)
    assert printed == f"{[*queries.values()]}\n"


@pytest.mark.full
@pytest.mark.parametrize("service", ["psycopg", "asyncpg"], indirect=True)
def test_every_number_in_a_url_reaches_the_driver(service: Service) -> None:
    """And neither migrations nor the tests are told what theirs does not know."""
    project = service.project
    numbers = service.connection.driver.numbers
    query = "&".join(f"{name}=30" for name in numbers)
    project.environment["DATABASE_URL"] += f"?{query}"
    project.run("steady", "create")
    project.run("alembic", "upgrade", "head")
    use_session(service)
    project.run_tests()


@contextmanager
def silent_host() -> Iterator[str]:
    """Listen on a port, and never answer."""
    with socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"127.0.0.1:{listener.getsockname()[1]}"


NOBODY = "127.0.0.1:9"
SECONDS = 6
CONNECT = """
import asyncio
import time

from app.database import engine

async def main() -> None:
    start = time.monotonic()
    async with engine.connect():
        print(time.monotonic() - start)
    await engine.dispose()

asyncio.run(main())
"""


@pytest.mark.full
@on_asyncpg
@pytest.mark.parametrize(
    ("hosts", "attributes"),
    [
        (["silent", "good"], ""),
        (["silent", "nobody", "good"], "&target_session_attrs=primary"),
        (["good", "silent"], "&target_session_attrs=prefer-standby"),
    ],
)
def test_asyncpg_reaches_another_host_within_its_time(
    service: Service, hosts: list[str], attributes: str
) -> None:
    assert service.server
    project = service.project
    service.create()
    with ExitStack() as stack:
        places = {
            "silent": stack.enter_context(silent_host()),
            "good": f"127.0.0.1:{service.server.port}",
            "nobody": NOBODY,
        }
        query = "&".join(f"host={places[host]}" for host in hosts) + attributes
        url = f"postgresql+asyncpg://postgres:{PASSWORD}@/orders?{query}&timeout={SECONDS}"
        project.environment["DATABASE_URL"] = url
        seconds = float(project.run("python", "-c", CONNECT))
    assert seconds < SECONDS


@pytest.mark.full
@pytest.mark.parametrize("service", ["psycopg2", "asyncpg"], indirect=True)
def test_its_tests_pass_on_the_host_that_answers(service: Service) -> None:
    assert service.server
    driver, port = service.connection.driver.name, service.server.port
    service.project.environment["DATABASE_URL"] = (
        f"{driver}://postgres:{PASSWORD}@/orders?host={NOBODY}&host=127.0.0.1:{port}"
    )
    service.project.run_tests()


@pytest.mark.full
@on_asyncpg
def test_asyncpg_reports_the_last_of_several_hosts(service: Service) -> None:
    with silent_host() as silent:
        service.project.environment["DATABASE_URL"] = (
            f"postgresql+asyncpg://u:p@/d?host={silent}&host={NOBODY}&timeout=2"
        )
        output = service.project.run("python", "-c", ASYNC_SESSION, code=1)
    assert "ConnectionRefusedError" in output.splitlines()[-1]


@pytest.mark.parametrize(
    ("kind", "query"),
    [
        pytest.param("psycopg", "prepare_threshold=None", marks=pytest.mark.full),
        ("asyncpg", "statement_cache_size=off"),
    ],
)
def test_what_is_no_number_is_named_in_one_line(
    copied: Callable[[str], Project], kind: str, query: str
) -> None:
    project = copied(kind)
    project.environment["DATABASE_URL"] = f"postgresql://u:p@127.0.0.1:9/d?{query}"
    name = query.partition("=")[0]
    for command in (("alembic", "current"), ("python", "-c", "import app.database")):
        output = project.run(*command, code=1)
        assert output == f"DATABASE_URL: {name} is not a whole number\n"
