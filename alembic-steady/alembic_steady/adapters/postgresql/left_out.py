"""What a dump of PostgreSQL has to leave out: what a role may not read, and what needs that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, text

from alembic_steady.adapters.dump import IsWanted, LeftOut

NO_RIGHT = "the role may not read it"
# pg_dump locks tables, for which it needs the right to read them.
TABLES = text("""
    SELECT c.oid, nullif(n.nspname, current_schema()) AS schema, c.relname AS name,
        has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
            AS is_readable
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^(pg_|information_schema$)'
    AND NOT EXISTS (
        SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid
        AND deptype = 'e')
    ORDER BY 2, 3
""")
# Partitions, sequences of columns and views, with all that need these in turn.
NEEDS = text("""
    WITH RECURSIVE needed AS (
        SELECT classid, objid, refclassid, refobjid FROM pg_depend
        WHERE refclassid = 'pg_class'::regclass AND deptype IN ('n', 'a')
    ), direct (oid, needs) AS (
        SELECT inhrelid, inhparent FROM pg_inherits
        JOIN pg_class ON pg_class.oid = inhrelid WHERE relispartition
        UNION SELECT objid, refobjid FROM needed JOIN pg_class ON pg_class.oid = objid
        WHERE classid = 'pg_class'::regclass AND relkind = 'S'
        UNION SELECT ev_class, refobjid FROM needed
        JOIN pg_rewrite ON pg_rewrite.oid = objid
        WHERE classid = 'pg_rewrite'::regclass AND ev_class <> refobjid
    ), found (oid, needs) AS (
        SELECT oid, needs FROM direct WHERE needs = ANY(:oids)
        UNION SELECT direct.oid, direct.needs FROM direct JOIN found ON found.oid = direct.needs
    )
    SELECT DISTINCT ON (found.oid) found.oid, n.nspname AS place, c.relname AS name,
        nullif(n.nspname, current_schema()) AS schema, c.relkind::text AS kind,
        needs::regclass::text AS needs
    FROM found JOIN pg_class AS c ON c.oid = found.oid
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.oid <> ALL(:oids) AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    ORDER BY found.oid
""")
KINDS = {"S": "sequence", "v": "view", "m": "materialized view", "f": "foreign table"}
PLACES = text("""
    SELECT n.nspname, c.relname FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = ANY(:oids)
""")
KEYS = text("""
    SELECT n.nspname AS schema, c.relname || ' ' || conname AS name,
        confrelid::regclass::text AS needs
    FROM pg_constraint JOIN pg_class AS c ON c.oid = conrelid
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE contype = 'f' AND confrelid = ANY(:oids) AND conrelid <> ALL(:oids)
""")
# What pg_dump is told to leave out, or does not read without being asked for it.
BESIDE = text("""
    SELECT 'ALTER DATABASE … SET ' || split_part(setting, '=', 1) AS what,
        'it belongs to the database and not to what is in it; on another one, run:'
        || ' ALTER DATABASE … SET ' || split_part(setting, '=', 1) || ' = …' AS why
    FROM pg_db_role_setting, unnest(setconfig) AS setting
    WHERE setrole = 0
    AND setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
    UNION ALL
    SELECT 'role ' || rolname, 'policies name it; create it on each server before'
    FROM pg_roles WHERE oid IN (SELECT unnest(polroles) FROM pg_policy) AND oid <> 0
    UNION ALL
    SELECT 'subscription ' || subname, 'it belongs to this server, and has a password'
    FROM pg_subscription
    WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
    UNION ALL
    SELECT 'grants', 'they depend on the roles of each server' WHERE EXISTS (
        SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace,
        aclexplode(relacl) WHERE grantee <> relowner
        AND nspname !~ '^(pg_|information_schema$)' AND c.oid NOT IN (
            SELECT objid FROM pg_depend WHERE deptype = 'e'))
    UNION ALL
    SELECT 'owners', 'who runs the revision owns all of it' WHERE 1 < (
        SELECT count(DISTINCT relowner) FROM pg_class
        JOIN pg_namespace AS n ON n.oid = relnamespace
        WHERE nspname !~ '^(pg_|information_schema$)')
    UNION ALL
    SELECT 'tablespace ' || spcname, 'it belongs to this server' FROM pg_tablespace
    WHERE oid IN (SELECT reltablespace FROM pg_class WHERE relkind IN ('r', 'i', 'm', 'p'))
    AND spcname !~ '^pg_'
""")

# All that no model builds. What belongs to an extension or to another object comes with that;
# 16384 is the first that is not PostgreSQL's own (FirstNormalObjectId in its access/transam.h).
CATALOGUES = {
    "pg_class": "relkind IN ('v', 'm', 'f', 'S')",
    "pg_trigger": "NOT tgisinternal",
    "pg_rewrite": "rulename <> '_RETURN'",
    **dict.fromkeys(
        (
            *("pg_proc", "pg_policy", "pg_extension", "pg_event_trigger"),
            *("pg_statistic_ext", "pg_operator", "pg_opclass", "pg_cast"),
            *("pg_collation", "pg_conversion", "pg_ts_config", "pg_ts_dict"),
            *("pg_foreign_server", "pg_publication"),
        ),
        "true",
    ),
}
"""The catalogues of that, and which of their rows."""
FOUND = " UNION ALL ".join(
    f"SELECT '{name}'::regclass AS classid, oid FROM {name} WHERE {condition}"
    for name, condition in CATALOGUES.items()
)
NOT_OF_MODELS = text(f"""
    SELECT DISTINCT told.type, told.identity
    FROM ({FOUND}) AS found, pg_identify_object(classid, oid, 0) AS told
    WHERE oid >= 16384 AND NOT EXISTS (
        SELECT FROM pg_depend WHERE pg_depend.classid = found.classid AND objid = oid
        AND (deptype IN ('e', 'i') OR deptype = 'a' AND told.type = 'sequence'))
    ORDER BY 1, 2
""")


class Excluded(NamedTuple):
    """What is left out, in the words of pg_dump and for people.

    Attributes:
        patterns: the tables, views and sequences, for `--exclude-table`.
        keys: the foreign keys that refer to them, as the schema and name of a header.
        left_out: what to say of them.
    """

    patterns: list[str]
    keys: set[tuple[str, str]]
    left_out: list[LeftOut]


def excluded(connection: Connection, is_wanted: IsWanted) -> Excluded:
    """Return what is not wanted or may not be read, and what needs that.

    Arguments:
        connection: the database, which is only read.
        is_wanted: tells which tables to dump. Who gives it knows what it leaves out, so that
            nothing is said of that.
    """
    left_out = []
    oids = []
    for row in connection.execute(TABLES):
        is_asked_for = is_wanted(row.schema, row.name)
        if is_asked_for and not row.is_readable:
            left_out.append(LeftOut(f"table {full(row.schema, row.name)}", NO_RIGHT))
        if not (is_asked_for and row.is_readable):
            oids.append(row.oid)
    if not oids:
        return Excluded([], set(), [])
    for row in connection.execute(NEEDS, {"oids": oids}).all():
        oids.append(row.oid)
        what = f"{KINDS.get(row.kind, 'table')} {full(row.schema, row.name)}"
        if row.kind != "S":
            left_out.append(LeftOut(what, f"it needs {row.needs}, which is left out"))
    places = connection.execute(PLACES, {"oids": oids}).all()
    keys = connection.execute(KEYS, {"oids": oids}).all()
    for row in keys:
        what = f"foreign key {row.name.replace(' ', '.', 1)}"
        left_out.append(LeftOut(what, f"it needs {row.needs}, which is left out"))
    patterns = [".".join(map(quoted, place)) for place in places]
    return Excluded(patterns, {(row.schema, flat(row.name)) for row in keys}, left_out)


def beside(connection: Connection) -> Iterator[LeftOut]:
    """Yield what is beside the objects of a database, such as grants, which is not dumped."""
    for what, why in connection.execute(BESIDE):
        yield LeftOut(what, why)


def full(schema: str | None, name: str) -> str:
    """Return a name with its schema, for people to read."""
    return f"{schema}.{name}" if schema else name


def flat(name: str) -> str:
    """Return a name as a header has it, which is one line."""
    return name.replace("\n", " ").replace("\r", " ")


def quoted(name: str) -> str:
    """Return a name as a pattern that nothing else matches."""
    return '"' + name.replace('"', '""') + '"'


def not_of_models(connection: Connection) -> Iterator[str]:
    """Yield the names of all that is in a database and that no model builds.

    Arguments:
        connection: the database, which is only read.
    """
    for kind, name in connection.execute(NOT_OF_MODELS):
        yield f"{kind} {name}"
