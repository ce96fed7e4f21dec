"""The search path: the schema in which tables are created, and the schemas it lacks."""

from __future__ import annotations

import re

from alembic.util import CommandError
from sqlalchemy import Connection, text

PATH = text("SELECT current_setting('search_path'), current_schema(), current_user")
EXISTS = text("SELECT count(*) FROM pg_namespace WHERE nspname = :name")
# Settings of a role in a database come before those of the database.
OF_DATABASE = text("""
    SELECT substr(setting, 13) FROM pg_db_role_setting, unnest(setconfig) AS setting
    WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = :name)
    AND setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = current_user))
    AND setting LIKE 'search_path=%' ORDER BY setrole DESC LIMIT 1
""")
SET = text("SELECT set_config('search_path', :path, false)")
NAMES = re.compile(r'"((?:[^"]|"")*)"|([^\s,]+)')
USER = "$user"
"""In a search path, the schema that has the name of the role, if there is one."""


def own(connection: Connection) -> list[str]:
    """Return the schemas that the search path names, or none if it is the default one."""
    path = str(connection.execute(PATH).one()[0])
    names = [name for name in _names(path) if name != USER]
    return [] if names == ["public"] else names


def of_database(connection: Connection, name: str) -> str | None:
    """Return the search path that is set for another database of the server, if any."""
    path = connection.scalar(OF_DATABASE, {"name": name})
    return None if path is None else str(path)


def give(connection: Connection, name: str, path: str) -> None:
    """Set the search path for a database of the server, as `of_database` has returned it."""
    quoted = connection.dialect.identifier_preparer.quote(name)
    connection.execute(SET, {"path": path})
    connection.exec_driver_sql(f"ALTER DATABASE {quoted} SET search_path FROM CURRENT")
    connection.exec_driver_sql("RESET search_path")


def missing(connection: Connection) -> list[str]:
    """Return the schemas that the search path names and that do not exist."""
    return [name for name in own(connection) if not _exists(connection, name)]


def current(connection: Connection) -> str | None:
    """Return the schema in which tables without a schema are created.

    None stands for `public` with no other one behind it, as by default, and for none at all.

    Without its first schema, the server would take the next one of the search path, so that
    the tables of another tenant would be changed in place of the first one's.

    Raises:
        CommandError: the first schema does not exist, or the role may not use it.
    """
    path, found, role = connection.execute(PATH).one()
    names = [name for name in _names(path) if name != USER or found == role]
    wanted = role if names[:1] == [USER] else next(iter(names), None)
    if wanted == found or (found is None and names == ["public"]):
        is_plain = found is None or names[-1:] == ["public"] == [found]
        return None if is_plain else str(found)
    place = f"schema {wanted}, the first of the search path,"
    if _exists(connection, wanted):
        raise CommandError(f"{place} may not be used by {role}")
    raise CommandError(f"{place} does not exist; create it with: steady create")


def _exists(connection: Connection, name: str | None) -> bool:
    return bool(connection.scalar(EXISTS, {"name": name}))


def _names(path: str) -> list[str]:
    """Return the names in a search path; PostgreSQL reads unquoted ones in lower case."""
    names = [
        quoted.replace('""', '"') or plain.lower()
        for quoted, plain in NAMES.findall(path)
    ]
    return [name for name in names if name and not name.startswith("pg_")]
