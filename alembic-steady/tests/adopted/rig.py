"""Databases loaded from SQL, and compared object by object and row by row."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import subprocess
from collections import Counter

import sqlalchemy as sa

from tests import servers

LISTED = {
    "VIEW": "SELECT table_name FROM information_schema.views WHERE table_schema = database()",
    "TABLE": "SELECT table_name FROM information_schema.tables"
    " WHERE table_schema = database() AND table_type LIKE '%%TABLE'",
    "TRIGGER": "SELECT trigger_name FROM information_schema.triggers"
    " WHERE trigger_schema = database()",
    "FUNCTION": "SELECT routine_name FROM information_schema.routines"
    " WHERE routine_schema = database() AND routine_type = 'FUNCTION'",
    "PROCEDURE": "SELECT routine_name FROM information_schema.routines"
    " WHERE routine_schema = database() AND routine_type = 'PROCEDURE'",
}
SHOWN = {"TABLE": 1, "VIEW": 1, "TRIGGER": 2, "FUNCTION": 2, "PROCEDURE": 2}
"""In which column `SHOW CREATE` has the statement."""


def _run(program: str, url: sa.URL, *options: str, text: str = "") -> str:
    """Run a client of a server, which takes the password from its environment."""
    told = {**os.environ, "PGPASSWORD": servers.PASSWORD, "MYSQL_PWD": servers.PASSWORD}
    where = ["-h", "127.0.0.1", "-U", "postgres", "-p", str(url.port)]
    if program == "mariadb":
        where = ["-h", "127.0.0.1", "-u", "root", "-P", str(url.port)]
    done = subprocess.run(
        [program, *where, *options, str(url.database)],
        input=text,
        text=True,
        capture_output=True,
        env=told,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def load(url: sa.URL, text: str) -> None:
    """Run SQL in a database that exists, with the client of its kind."""
    name = url.get_backend_name()
    if name == "sqlite":
        connection = sqlite3.connect(str(url.database))
        connection.executescript(text)
        connection.close()
    elif name == "postgresql":
        _run("psql", url, "-qX", "-v", "ON_ERROR_STOP=1", "-d", text=text)
    else:
        _run("mariadb", url, "--default-character-set=utf8mb4", text=text)


def pg_dump(url: sa.URL) -> str:
    """Return what `pg_dump` says of a schema."""
    return _run("pg_dump", url, "--schema-only", "-T", "*.alembic_version", "-d")


def catalogue(url: sa.URL) -> Counter[str]:
    """Return a statement for each object of a database, but Alembic's own table."""
    name = url.get_backend_name()
    if name == "postgresql":
        return _statements(pg_dump(url))
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        if name == "sqlite":
            found = connection.exec_driver_sql(
                "SELECT type || ' ' || name || ': ' || coalesce(sql, '') FROM"
                " sqlite_master WHERE tbl_name != 'alembic_version'"
            )
            result = Counter(found.scalars().all())
        else:
            result = Counter(_shown(connection))
    engine.dispose()
    return result


def _statements(dump: str) -> Counter[str]:
    """Split a dump where pg_dump heads an object; `\\restrict` has a key of its own."""
    lines = [
        line
        for line in dump.splitlines()
        if not line.startswith(("\\restrict", "\\unrestrict"))
    ]
    parts = "\n".join(lines).split("\n--\n-- Name: ")
    return Counter(part.strip() for part in parts)


def _shown(connection: sa.Connection) -> list[str]:
    quote = connection.dialect.identifier_preparer.quote_identifier
    shown = []
    for kind, listed in LISTED.items():
        for name in connection.exec_driver_sql(listed).scalars().all():
            if name != "alembic_version":
                show = f"SHOW CREATE {kind} {quote(name)}".replace("%", "%%")
                row = connection.exec_driver_sql(show).one()
                shown.append(_without_counter(str(row[SHOWN[kind]])))
    return shown


def _without_counter(statement: str) -> str:
    """Leave out where a table counts on: that is of its rows."""
    words = statement.split(" ")
    return " ".join(it for it in words if not it.startswith("AUTO_INCREMENT="))


def checksums(url: sa.URL) -> dict[str, tuple[int, str]]:
    """Return how many rows each table has, and a checksum of all of them."""
    engine = sa.create_engine(url)
    inspector = sa.inspect(engine)
    system = {"information_schema", "mysql", "performance_schema", "sys"}
    schemas: list[str | None] = [None]
    if url.get_backend_name() == "postgresql":
        schemas = [it for it in inspector.get_schema_names() if it not in system]
    quote = engine.dialect.identifier_preparer.quote_identifier
    sums = {}
    with engine.connect() as connection:
        for schema in schemas:
            for table in inspector.get_table_names(schema):
                if table == "alembic_version":
                    continue
                named = ".".join(quote(it) for it in (schema, table) if it)
                select = sa.text(f"SELECT * FROM {named}".replace(":", r"\:"))
                rows = sorted(repr(tuple(it)) for it in connection.execute(select))
                total = hashlib.sha256("\n".join(rows).encode()).hexdigest()
                sums[named] = len(rows), total
    engine.dispose()
    return sums
