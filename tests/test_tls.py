"""TLS: what a URL says about it has the same effect for the application and migrations."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import servers
from tests.authorities import write_authorities
from tests.conftest import Project, require

LOOK = """
import asyncio
import json
import os
import sys

from sqlalchemy import create_engine

from app.config import ConfigError, database_url, migration_url
from app.database import make_engine

QUERY = sys.argv[1]


async def application():
    engine = make_engine(database_url())
    try:
        async with engine.connect() as connection:
            return [*(await connection.exec_driver_sql(QUERY)).one()][-1]
    finally:
        await engine.dispose()


def migrations():
    engine = create_engine(migration_url())
    with engine.connect() as connection:
        return [*connection.exec_driver_sql(QUERY).one()][-1]


def outcome(look):
    try:
        return bool(look())
    except ConfigError as error:
        return str(error)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


found = []
for url in sys.argv[2:]:
    os.environ["DATABASE_URL"] = url
    found.append([outcome(lambda: asyncio.run(application())), outcome(migrations)])
print(json.dumps(found))
"""
VERIFIED = "certificate verify failed"


def check(
    project: Project, query: str, base: str, expected: dict[str, bool | str]
) -> None:
    """Check whether connections of the application and of migrations are encrypted.

    Arguments:
        project: an asynchronous project.
        query: asks the server for it.
        base: the URL without parameters.
        expected: for each query of the URL, whether they are; or what both say that fail.
    """
    urls = [f"{base}?{parameters}" for parameters in expected]
    project.environment["DATABASE_URL"] = base
    printed = project.run("python", "-c", LOOK, query, *urls)
    found = json.loads(printed.splitlines()[-1])
    for (parameters, wanted), outcomes in zip(expected.items(), found, strict=True):
        for outcome in outcomes:
            if isinstance(wanted, bool):
                assert outcome is wanted, parameters
            else:
                assert wanted in str(outcome).lower(), parameters


CIPHER = "SHOW STATUS LIKE 'Ssl_cipher'"


@pytest.mark.full
@pytest.mark.parametrize("host", ["127.0.0.1", "db.example.com", ""])
def test_both_drivers_of_mariadb(
    copied: Callable[[str], Project], tmp_path: Path, host: str
) -> None:
    """With a certificate for this host, for another one, and without TLS."""
    require(servers.mariadb_server(), "MariaDB")
    write_authorities(tmp_path, host or "localhost")
    ours, theirs = f"ssl_ca={tmp_path}/ours.pem", f"ssl_ca={tmp_path}/theirs.pem"
    has_tls = bool(host)
    strict: bool | str = host == "127.0.0.1" or VERIFIED
    with servers.mariadb(tmp_path / "server" if has_tls else None) as server:
        check(
            copied("mariadb_asyncmy"),
            CIPHER,
            server.url("mariadb+asyncmy", "mysql"),
            {
                "": has_tls,
                "ssl_mode=DISABLED": False,
                f"ssl_mode=PREFERRED&{theirs}": has_tls,
                "ssl-mode=required": has_tls or "ssl",
                f"ssl_mode=REQUIRED&{theirs}": has_tls or "ssl",
                f"ssl_mode=VERIFY_CA&{ours}": has_tls or "ssl",
                f"ssl_mode=VERIFY_CA&{theirs}": VERIFIED if has_tls else "ssl",
                f"ssl_mode=VERIFY_IDENTITY&{ours}": strict if has_tls else "ssl",
                f"{ours}": strict if has_tls else "ssl",
                "ssl_mode=VERIFY_CA": "add ssl_ca, the file of the authority",
                "ssl_mode=ON": "write ssl_mode=disabled, preferred, ",
                "ssl_disabled=false": "instead of ssl_disabled",
                "sslaccept=strict": "instead of sslaccept",
            },
        )


@pytest.mark.full
def test_an_account_of_mariadb_that_requires_tls(
    copied: Callable[[str], Project], tmp_path: Path
) -> None:
    require(servers.mariadb_server(), "MariaDB")
    write_authorities(tmp_path, "127.0.0.1")
    with servers.mariadb(tmp_path / "server") as server:
        server.query(
            f"CREATE USER safe@'127.0.0.1' IDENTIFIED BY '{servers.PASSWORD}' REQUIRE SSL"
        )
        server.query("GRANT ALL ON *.* TO safe@'127.0.0.1'")
        project = copied("mariadb_asyncmy")
        base = server.url("mariadb+asyncmy", "orders", "safe")
        url = f"{base}?ssl_mode=VERIFY_IDENTITY&ssl_ca={tmp_path}/ours.pem"
        project.environment["DATABASE_URL"] = url
        project.run("steady", "create")
        project.run("alembic", "upgrade", "head")
        project.run_tests()
        check(project, CIPHER, base, {"": True, "ssl_mode=DISABLED": "access denied"})


SSL = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"


@pytest.mark.full
@pytest.mark.parametrize("host", ["127.0.0.1", "db.example.com"])
def test_both_drivers_of_postgresql(
    copied: Callable[[str], Project], tmp_path: Path, host: str
) -> None:
    """With a certificate for this host, and for another one."""
    binaries = servers.system_postgres()
    require(binaries, "PostgreSQL")
    assert binaries
    write_authorities(tmp_path, host)
    ours, theirs = (f"sslrootcert={tmp_path}/{name}.pem" for name in ("ours", "theirs"))
    with servers.postgres(binaries, tmp_path / "server") as server:
        project = copied("asyncpg")
        check(
            project,
            SSL,
            server.url("postgresql+asyncpg"),
            {
                "": True,
                "sslmode=disable": False,
                "ssl=disable": False,
                "sslmode=require": True,
                f"sslmode=require&{theirs}": VERIFIED,
                f"sslmode=verify-ca&{ours}": True,
                f"sslmode=verify-ca&{theirs}": VERIFIED,
                f"sslmode=verify-full&{ours}&channel_binding=prefer": (
                    host == "127.0.0.1" or "127.0.0.1"
                ),
            },
        )
        base = server.url("postgresql+asyncpg")
        query = f"sslmode=verify-ca&{ours}&application_name=orders"
        check(project, "SHOW application_name", base, {query: True})
        query = "options=-csearch_path%3Dapp"
        check(
            project,
            "SELECT current_setting('search_path') = 'app'",
            base,
            {query: True},
        )
