"""Each driver of the table, in a generated repository, on a real database."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conftest import ANSWERS, CONNECTIONS, Project, Service
from tests.servers import PASSWORD, MariaDB

each_driver = pytest.mark.parametrize("service", ANSWERS, indirect=True)

SYNC_SESSION = """
from app.database import SessionLocal, engine
from app.models import User

with SessionLocal() as session:
    session.add(User(id=7))
    session.commit()
with SessionLocal.begin() as session:
    assert session.get(User, 7)
    session.add(User(id=8))
engine.dispose()
"""
ASYNC_SESSION = """
import asyncio

from app.database import SessionLocal, engine
from app.models import User

async def main() -> None:
    async with SessionLocal() as session:
        user = User(id=7)
        session.add(user)
        await session.commit()
        assert user.id == 7
    async with SessionLocal.begin() as session:
        assert await session.get(User, 7)
        session.add(User(id=8))
    await engine.dispose()

asyncio.run(main())
"""


def use_session(service: Service) -> None:
    """Write and read rows through the session that the application has."""
    is_async = service.connection.driver.is_async
    service.project.run("python", "-c", ASYNC_SESSION if is_async else SYNC_SESSION)


@each_driver
def test_the_session_reads_and_writes(service: Service) -> None:
    project = service.project
    project.run("steady", "create")
    project.run("alembic", "upgrade", "head")
    use_session(service)
    assert service.rows("user") == [(7,), (8,)]


URLS = """
from app.config import database_url, migration_url
for url in (database_url(), migration_url()):
    print(url.render_as_string(hide_password=False))
"""


@pytest.mark.parametrize(
    ("kind", "url", "application", "migrations"),
    [
        (
            "asyncpg",
            "postgres://u:p@h/d?sslmode=require",
            "postgresql+asyncpg://u:p@h/d?ssl=require",
            "postgresql+psycopg://u:p@h/d?sslmode=require",
        ),
        (
            "asyncpg",
            "postgresql+asyncpg://u:p@h/d?ssl=verify-full&target_session_attrs=any",
            "postgresql+asyncpg://u:p@h/d?ssl=verify-full&target_session_attrs=any",
            "postgresql+psycopg://u:p@h/d?sslmode=verify-full&target_session_attrs=any",
        ),
        (
            "asyncpg",
            "postgresql+asyncpg://u:p@/d?host=h1%3A5432&host=h2%3A5432",
            "postgresql+asyncpg://u:p@/d?host=h1%3A5432&host=h2%3A5432",
            "postgresql+psycopg://u:p@/d?host=h1%3A5432&host=h2%3A5432",
        ),
        (
            "asyncpg",
            "postgres://u:p@h/d?connect_timeout=9&statement_cache_size=0",
            "postgresql+asyncpg://u:p@h/d?statement_cache_size=0&timeout=9",
            "postgresql+psycopg://u:p@h/d?connect_timeout=9",
        ),
        pytest.param(
            "asyncpg",
            "postgres://u:p@h/d?sslmode=verify-ca&sslrootcert=ca&channel_binding=prefer",
            "postgresql+asyncpg://u:p@h/d?dsn=postgresql%3A%2F%2F%3Fsslrootcert%3Dca"
            "&ssl=verify-ca",
            "postgresql+psycopg://u:p@h/d?channel_binding=prefer&sslmode=verify-ca"
            "&sslrootcert=ca",
            marks=pytest.mark.full,
        ),
        pytest.param(
            "psycopg_async",
            "postgresql://u:p@h/d?sslmode=require",
            "postgresql+psycopg_async://u:p@h/d?sslmode=require",
            "postgresql+psycopg://u:p@h/d?sslmode=require",
            marks=pytest.mark.full,
        ),
        pytest.param(
            "mariadb_asyncmy",
            "mariadb://u:p@h/d?ssl_ca=ca.pem",
            "mariadb+asyncmy://u:p@h/d?ssl_ca=ca.pem",
            "mariadb+pymysql://u:p@h/d?ssl_ca=ca.pem",
            marks=pytest.mark.full,
        ),
        pytest.param(
            "mysql_pymysql",
            "mysql://u:p@h/d",
            "mysql+pymysql://u:p@h/d",
            "mysql+pymysql://u:p@h/d",
            marks=pytest.mark.full,
        ),
        pytest.param(
            "aiosqlite",
            "sqlite:////srv/a.db",
            "sqlite+aiosqlite:////srv/a.db",
            "sqlite:////srv/a.db",
            marks=pytest.mark.full,
        ),
    ],
)
def test_migrations_take_the_same_url_on_a_synchronous_driver(
    copied: Callable[[str], Project],
    kind: str,
    url: str,
    application: str,
    migrations: str,
) -> None:
    project = copied(kind)
    project.environment["DATABASE_URL"] = url
    assert project.run("python", "-c", URLS).split() == [application, migrations]


@pytest.mark.parametrize(
    ("kind", "url", "message"),
    [
        ("asyncpg", "postgresql+psycopg://u:p@h/d", "runs on postgresql+asyncpg"),
        ("asyncpg", "sqlite:///a.db", "is for sqlite"),
        pytest.param(
            "psycopg_async",
            "postgresql+psycopg2://u:p@h/d",
            "is for postgresql+psycopg2",
            marks=pytest.mark.full,
        ),
        ("mariadb_pymysql", "mysql+pymysql://u:p@h/d", "runs on mariadb+pymysql"),
        pytest.param(
            "mysql_asyncmy",
            "mysql+pymysql://u:p@h/d",
            "runs on mysql+asyncmy",
            marks=pytest.mark.full,
        ),
        ("aiosqlite", "sqlite+aiosqlite://", "write sqlite+aiosqlite:///name.db"),
    ],
)
def test_a_url_of_another_driver_is_refused_in_one_line(
    copied: Callable[[str], Project], kind: str, url: str, message: str
) -> None:
    project = copied(kind)
    project.environment["DATABASE_URL"] = url
    output = project.run("alembic", "current", code=1)
    assert message in output and output.count("\n") == 1


@pytest.mark.full
def test_channel_binding_that_asyncpg_lacks_is_refused_in_one_line(
    copied: Callable[[str], Project],
) -> None:
    project = copied("asyncpg")
    url = f"postgres://u:{PASSWORD}@h/d?channel_binding=require"
    project.environment["DATABASE_URL"] = url
    output = project.run("python", "-c", "import app.database", code=1)
    assert output == (
        "postgresql+asyncpg has no channel binding; remove channel_binding\n"
    )


@pytest.mark.full
@pytest.mark.parametrize("service", ["asyncpg"], indirect=True)
@pytest.mark.parametrize("query", ["ssl=prefer", "sslmode=prefer"])
def test_asyncpg_and_psycopg_both_follow_what_is_said_about_ssl(
    service: Service, query: str
) -> None:
    project = service.project
    project.environment["DATABASE_URL"] += f"?{query}"
    project.run("steady", "create")
    project.run("alembic", "upgrade", "head")
    project.run("python", "-c", ASYNC_SESSION)
    project.run_tests()
    # Neither drops it in silence: this server has no encryption to offer.
    url = project.environment["DATABASE_URL"].replace("prefer", "require")
    project.environment["DATABASE_URL"] = url
    assert "does not support SSL" in project.run("alembic", "current", code=255)
    assert "SSL" in project.run("python", "-c", ASYNC_SESSION, code=1)


@pytest.mark.full
@pytest.mark.parametrize("service", ["asyncpg"], indirect=True)
def test_migrations_are_not_told_what_asyncpg_alone_understands(
    service: Service,
) -> None:
    assert service.server
    project = service.project
    project.environment["DATABASE_URL"] += "?prepared_statement_cache_size=0"
    project.run("steady", "create")
    project.run("alembic", "upgrade", "head")
    code = "from app.config import database_url; print(database_url().query)"
    assert "prepared_statement_cache_size" in project.run("python", "-c", code)
    for driver in ("postgresql+psycopg", "postgresql+asyncpg", "postgres"):
        url = service.server.url(driver, "orders")
        project.environment["MIGRATION_DATABASE_URL"] = url
        project.run("steady", "create")
        project.run("alembic", "upgrade", "head")
    project.run("python", "-c", ASYNC_SESSION)
    project.run_tests()


GIVEN_ASYNC_ENGINE = """
from alembic import command
from alembic.config import Config
from app.database import engine

config = Config("alembic.ini")
config.attributes["connection"] = engine
command.upgrade(config, "head")
"""


def test_an_engine_that_migrations_cannot_run_on_is_not_passed_over(
    copied: Callable[[str], Project],
) -> None:
    project = copied("aiosqlite")
    output = project.run("python", "-c", GIVEN_ASYNC_ENGINE, code=1)
    assert (
        "has to be a Connection or an Engine of SQLAlchemy, not AsyncEngine" in output
    )
    assert not (project.path / "my_service.db").exists()


@pytest.mark.parametrize("kind", ["mariadb_pymysql", "mysql_asyncmy"])
def test_what_pymysql_does_not_understand_is_named_in_one_line(
    copied: Callable[[str], Project], kind: str
) -> None:
    project = copied(kind)
    driver = CONNECTIONS[kind].driver
    url = f"{driver.name}://u:{PASSWORD}@127.0.0.1:9/d?reconnect=true"
    project.environment["DATABASE_URL"] = url
    *_, output = project.run("alembic", "current", code=255).splitlines()
    assert "reconnect" in output and PASSWORD not in output


@pytest.mark.full
@pytest.mark.parametrize(
    "service",
    ["psycopg2", "psycopg_async", "asyncpg", "mariadb_pymysql", "mariadb_asyncmy"],
    indirect=True,
)
def test_a_socket(service: Service) -> None:
    assert service.server
    server, project = service.server, service.project
    socket, query = server.folder, f"host={server.folder}&port={server.port}"
    if isinstance(server, MariaDB):
        socket = server.folder / "socket"
        query = f"unix_socket={socket}"
    login = f"{server.superuser}:{PASSWORD}"
    url = f"{service.connection.driver.name}://{login}@/orders?{query}"
    project.environment["DATABASE_URL"] = url
    output = project.run("steady", "create")
    assert output == f"{service.migrations} at {socket}, database orders: created\n"
    project.run("alembic", "upgrade", "head")
    # A socket is on this machine, so the tests make their database there unasked.
    project.run_tests()


@pytest.mark.parametrize("service", ["psycopg2", "asyncpg"], indirect=True)
def test_the_first_of_several_hosts_that_answers(service: Service) -> None:
    assert service.server
    project = service.project
    port = service.server.port
    project.environment["DATABASE_URL"] = (
        f"{service.connection.driver.name}://postgres:{PASSWORD}@/orders"
        f"?host=127.0.0.1:9&host=127.0.0.1:{port}"
    )
    output = project.run("steady", "create")
    assert f"at 127.0.0.1:9, 127.0.0.1:{port}, database orders: created" in output
    project.run("alembic", "upgrade", "head")
    use_session(service)


@pytest.mark.parametrize("service", ["mariadb_pymysql", "mysql_pymysql"], indirect=True)
def test_a_new_database_takes_every_character(service: Service) -> None:
    """Although the server's own default is an old character set."""
    assert service.server
    service.project.run("steady", "create")
    query = "SELECT default_character_set_name FROM information_schema.schemata"
    found = service.server.query(f"{query} WHERE schema_name = 'orders'")
    assert found == [("utf8mb4",)]


@pytest.mark.parametrize("service", ["mariadb_pymysql"], indirect=True)
def test_mariadb_says_what_it_refuses(service: Service) -> None:
    assert service.server
    project, server = service.project, service.server
    url = server.url(database="orders", password="not-this-one")
    project.environment["DATABASE_URL"] = url
    *_, error = project.run("alembic", "upgrade", "head", code=255).splitlines()
    assert "Access denied for user" in error
    assert "not-this-one" not in error
    server.query("CREATE OR REPLACE USER modest@'127.0.0.1' IDENTIFIED BY 'modest'")
    url = server.url(database="orders", user="modest", password="modest")
    project.environment["DATABASE_URL"] = url
    output = project.run("steady", "create", code=255)
    assert "Access denied for user 'modest'" in output
    assert output.count("\n") == 1
    server.query("DROP USER modest@'127.0.0.1'")


@pytest.mark.parametrize(
    "service", ["mariadb_pymysql", "mariadb_asyncmy"], indirect=True
)
@pytest.mark.full
def test_mariadb_takes_a_password_beyond_ascii(service: Service) -> None:
    """From the application, from migrations and from the tests."""
    assert service.server
    project, server = service.project, service.server
    password = "é€日🐘"
    server.query(f"GRANT ALL ON *.* TO any@'127.0.0.1' IDENTIFIED BY '{password}'")
    project.environment["DATABASE_URL"] = server.url(
        service.connection.driver.name, "orders", "any", password
    )
    project.run("steady", "create")
    project.run("alembic", "upgrade", "head")
    use_session(service)
    project.run_tests()
    server.query("DROP USER any@'127.0.0.1'")
