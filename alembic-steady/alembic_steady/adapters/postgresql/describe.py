"""What PostgreSQL itself says of the tables of a database.

A handful of queries reads the catalogue of the whole database. The server prints indexes,
constraints, expressions and types, so that what it understands as the same is the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Connection, text

from alembic_steady.adapters.description import Description, Key, Part

OWN_SEQUENCE = "its own sequence"
"""What the name of a serial column's sequence is replaced with in the column's default."""
KINDS = {
    "p": "primary key",
    "u": "unique constraint",
    "f": "foreign key",
    "c": "check",
    "x": "exclusion constraint",
}
SERIALS = {"smallint": "smallserial", "integer": "serial", "bigint": "bigserial"}
USUAL_OPTIONS = {
    *("START WITH 1", "INCREMENT BY 1", "NO MINVALUE", "NO MAXVALUE"),
    *("CACHE 1", "NO CYCLE"),
}

# Relations of users. A partition comes with its table, and what belongs to an extension
# with that. Names in the search path are printed without their schema.
RELATIONS = """
    SELECT c.oid, nullif(n.nspname, current_schema()) AS schema, c.relname AS name,
        c.oid::regclass::text AS place
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ({}) AND NOT c.relispartition
    AND n.nspname !~ '^(pg_|information_schema$)'
    AND c.oid NOT IN (
        SELECT objid FROM pg_depend WHERE classid = 'pg_class'::regclass AND deptype = 'e'
    )
"""
A_TABLE = RELATIONS.format("'r', 'p'")
TABLES = f"""
    SELECT t.*, o.description AS comment,
        ' PARTITION BY ' || pg_get_partkeydef(t.oid) AS partitions
    FROM ({A_TABLE}) AS t
    LEFT JOIN pg_description AS o ON o.objoid = t.oid AND o.objsubid = 0
        AND o.classoid = 'pg_class'::regclass
"""
COLUMNS = f"""
    SELECT t.oid, a.attnum AS number, a.attname AS name, quote_ident(a.attname) AS quoted,
        format_type(a.atttypid, a.atttypmod) || CASE
            WHEN a.attcollation NOT IN (0, y.typcollation)
            THEN ' COLLATE ' || a.attcollation::regcollation ELSE '' END AS type,
        a.attnotnull AS is_required, a.attidentity::text AS identity,
        a.attgenerated::text AS generated, uses.numbers AS used,
        pg_get_expr(d.adbin, d.adrelid, true) AS expression, o.description AS comment
    FROM ({A_TABLE}) AS t
    JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type AS y ON y.oid = a.atttypid
    LEFT JOIN pg_attrdef AS d ON d.adrelid = t.oid AND d.adnum = a.attnum
    LEFT JOIN (
        SELECT objid, array_agg(refobjsubid) AS numbers FROM pg_depend
        WHERE classid = 'pg_attrdef'::regclass AND refobjsubid > 0 GROUP BY objid
    ) AS uses ON uses.objid = d.oid
    LEFT JOIN pg_description AS o ON o.objoid = t.oid AND o.objsubid = a.attnum
        AND o.classoid = 'pg_class'::regclass
    ORDER BY t.oid, a.attnum
"""
CONSTRAINTS = f"""
    SELECT t.oid, k.contype::text AS kind, k.conname AS name, k.conkey AS numbers,
        pg_get_constraintdef(k.oid, true) AS definition,
        nullif(n.nspname, current_schema()) AS target_schema, f.relname AS target
    FROM ({A_TABLE}) AS t JOIN pg_constraint AS k ON k.conrelid = t.oid
    LEFT JOIN pg_class AS f ON f.oid = k.confrelid
    LEFT JOIN pg_namespace AS n ON n.oid = f.relnamespace
    WHERE k.contype IN ('p', 'u', 'f', 'c', 'x') AND k.conparentid = 0
"""
INDEXES = f"""
    SELECT t.oid, x.relname AS name, quote_ident(x.relname) AS quoted,
        pg_get_indexdef(x.oid, 0, true) AS definition, i.indisvalid AS is_valid,
        i.indkey::int2[] AS numbers, uses.numbers AS used
    FROM ({A_TABLE}) AS t JOIN pg_index AS i ON i.indrelid = t.oid
    JOIN pg_class AS x ON x.oid = i.indexrelid
    LEFT JOIN (
        SELECT objid, array_agg(refobjsubid) AS numbers FROM pg_depend
        WHERE classid = 'pg_class'::regclass AND refobjsubid > 0 GROUP BY objid
    ) AS uses ON uses.objid = x.oid
    WHERE x.oid NOT IN (SELECT conindid FROM pg_constraint WHERE contype IN ('p', 'u', 'x'))
"""
ENUMS = """
    SELECT nullif(n.nspname, current_schema()) AS schema, e.typname AS name,
        format_type(e.oid, NULL) AS place,
        coalesce(string_agg(quote_literal(l.enumlabel), ', ' ORDER BY l.enumsortorder), '')
            AS labels
    FROM pg_type AS e JOIN pg_namespace AS n ON n.oid = e.typnamespace
    LEFT JOIN pg_enum AS l ON l.enumtypid = e.oid
    WHERE e.typtype = 'e' AND n.nspname !~ '^(pg_|information_schema$)'
    AND e.oid NOT IN (
        SELECT objid FROM pg_depend WHERE classid = 'pg_type'::regclass AND deptype = 'e'
    )
    GROUP BY n.nspname, e.typname, e.oid
"""
# The type's own limits are not told, since they follow when it changes.
SEQUENCES = f"""
    SELECT t.schema, t.name, t.place, quote_literal(t.place) || '::regclass' AS literal,
        d.refobjid AS owner, d.refobjsubid AS number, format_type(s.seqtypid, NULL) AS type,
        concat_ws(', ', 'START WITH ' || s.seqstart, 'INCREMENT BY ' || s.seqincrement,
            CASE WHEN s.seqmin = CASE WHEN s.seqincrement > 0 THEN 1 ELSE -m.most - 1 END
            THEN 'NO MINVALUE' ELSE 'MINVALUE ' || s.seqmin END,
            CASE WHEN s.seqmax = CASE WHEN s.seqincrement > 0 THEN m.most ELSE -1 END
            THEN 'NO MAXVALUE' ELSE 'MAXVALUE ' || s.seqmax END, 'CACHE ' || s.seqcache,
            CASE WHEN s.seqcycle THEN 'CYCLE' ELSE 'NO CYCLE' END) AS options
    FROM ({RELATIONS.format("'S'")}) AS t JOIN pg_sequence AS s ON s.seqrelid = t.oid
    JOIN (VALUES (21, 32767), (23, 2147483647), (20, 9223372036854775807))
        AS m (type, most) ON m.type = s.seqtypid
    LEFT JOIN pg_depend AS d ON d.objid = t.oid AND d.classid = 'pg_class'::regclass
        AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
    ORDER BY t.name
"""
SHARED = """
    SELECT 'schema' AS kind, nspname AS name, quote_ident(nspname) AS quoted
    FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema$)'
    AND nspname IS DISTINCT FROM current_schema() AND oid NOT IN (
        SELECT objid FROM pg_depend
        WHERE classid = 'pg_namespace'::regclass AND deptype = 'e'
    )
    UNION ALL SELECT 'extension', extname, quote_ident(extname)
    FROM pg_extension WHERE extname <> 'plpgsql'
"""
VIEWS = f"""
    SELECT t.schema, t.name, CASE c.relkind WHEN 'v' THEN 'CREATE VIEW '
        ELSE 'CREATE MATERIALIZED VIEW ' END || t.place || ' AS'
        || rtrim(pg_get_viewdef(t.oid, true), ';') AS definition
    FROM ({RELATIONS.format("'v', 'm'")}) AS t JOIN pg_class AS c ON c.oid = t.oid
"""


def describe(connection: Connection) -> Description:
    """Return what the database says of its tables, and of what they use.

    Arguments:
        connection: the database, which is only read. Its current schema is the default one.
    """

    def rows(query: str) -> list[Any]:
        return [*connection.execute(text(query))]

    found: Description = {}
    tables = {row.oid: row for row in rows(TABLES)}
    keys = {oid: Key(row.schema, row.name, "table") for oid, row in tables.items()}
    columns = rows(COLUMNS)
    names = {(row.oid, row.number): row.name for row in columns}
    sequences = rows(SEQUENCES)
    own = {(row.owner, row.number): row for row in sequences if row.owner}
    lines: dict[int, list[str]] = {oid: [] for oid in tables}
    for row in columns:
        key = keys[row.oid]._replace(kind="column", name=row.name)
        aspects = dict(_aspects(row, own.get((row.oid, row.number)), names))
        line = _column(row.quoted, aspects)
        lines[row.oid].append(line)
        found[key] = Part("", line, row.name)
        found.update({key._replace(aspect=it): aspects[it] for it in aspects})
    for oid, row in tables.items():
        columns_text = ", ".join(lines[oid])
        line = f"CREATE TABLE {row.place} ({columns_text}){row.partitions or ''}"
        found[keys[oid]] = Part("", line, row.name)
        if row.comment:
            found[keys[oid]._replace(kind="comment")] = Part(row.comment, row.comment)
    found.update(_constraints(rows(CONSTRAINTS), keys, names))
    found.update(_indexes(rows(INDEXES), keys, names))
    found.update(_others(rows(ENUMS), sequences, rows(VIEWS)))
    for row in rows(SHARED):
        found[Key(None, "", row.kind, row.name)] = Part("", row.quoted, row.name)
    return found


def _aspects(
    row: Any, sequence: Any, names: dict[tuple[int, int], str]
) -> Iterator[tuple[str, Part]]:
    """Yield what is described of a column, each with its name."""
    yield "type", Part(row.type, row.type)
    nullable = "NOT NULL" if row.is_required else "NULL"
    yield "nullable", Part(nullable, nullable)
    if row.generated:
        storage = "STORED" if row.generated == "s" else "VIRTUAL"
        said = f"({row.expression}) {storage}"
        used = tuple(it for it in _names(row.oid, row.used, names) if it != row.name)
        yield "computed", Part(said, f"GENERATED ALWAYS AS {said}", columns=used)
    elif row.expression:
        said = row.expression
        if sequence:  # whatever it is called
            said = said.replace(sequence.literal, OWN_SEQUENCE)
        yield "default", Part(said, row.expression)
    if row.identity:
        made = f"GENERATED {'ALWAYS' if row.identity == 'a' else 'BY DEFAULT'}"
        unusual = " ".join(_unusual(sequence.options))
        options = f" ({unusual})" if unusual else ""
        said = f"{made}, {sequence.options}"
        yield "identity", Part(said, f"{made} AS IDENTITY{options}", sequence.name)
    elif sequence:
        yield "sequence", _sequence(sequence)
    if row.comment:
        yield "comment", Part(row.comment, row.comment)


def _column(quoted: str, aspects: dict[str, Part]) -> str:
    """Return how a column is written in a statement that creates it."""
    kind = aspects["type"].definition
    serial = SERIALS.get(kind)
    is_serial = (
        "default" in aspects
        and "sequence" in aspects
        and aspects["default"].text == f"nextval({OWN_SEQUENCE})"
        and aspects["sequence"].text.startswith(f"AS {kind}, ")
        and not _unusual(aspects["sequence"].text.partition(", ")[2])
    )
    words = [quoted, serial if is_serial and serial else kind]
    for aspect in ("computed", "identity", "default"):
        if aspect in aspects and not is_serial:
            default = "DEFAULT " if aspect == "default" else ""
            words.append(default + aspects[aspect].definition)
    if aspects["nullable"].text == "NOT NULL":
        words.append("NOT NULL")
    return " ".join(words)


def _sequence(row: Any) -> Part:
    options = " ".join(_unusual(row.options))
    line = f"CREATE SEQUENCE {row.place} AS {row.type} {options}".rstrip()
    return Part(f"AS {row.type}, {row.options}", line, row.name)


def _unusual(options: str) -> list[str]:
    return [it for it in options.split(", ") if it not in USUAL_OPTIONS]


def _constraints(
    rows: Iterable[Any], keys: dict[int, Key], names: dict[tuple[int, int], str]
) -> Iterator[tuple[Key, Part]]:
    for row in rows:
        yield (
            keys[row.oid]._replace(kind=KINDS[row.kind], name=row.name),
            Part(
                row.definition,
                row.definition,
                row.name,
                _names(row.oid, row.numbers, names),
                (row.target_schema, row.target or ""),
            ),
        )


def _indexes(
    rows: Iterable[Any], keys: dict[int, Key], names: dict[tuple[int, int], str]
) -> Iterator[tuple[Key, Part]]:
    for row in rows:
        start, _, rest = row.definition.partition(f" INDEX {row.quoted} ON ")
        # So it is printed of a table with partitions, which would be left without it.
        rest = rest.removeprefix("ONLY ")
        line = f"{start} INDEX {row.quoted} ON {rest}"
        said = f"{start} INDEX ON {rest}{'' if row.is_valid else ' (INVALID)'}"
        # Those in expressions and conditions come last.
        used = _names(row.oid, [*row.numbers, *sorted(row.used or [])], names)
        key = keys[row.oid]._replace(kind="index", name=row.name)
        yield key, Part(said, line, row.name, used)


def _names(
    oid: int, numbers: list[int] | None, names: dict[tuple[int, int], str]
) -> tuple[str, ...]:
    """Return the names of columns, each once; an expression has the number 0."""
    return tuple(
        dict.fromkeys(names[oid, it] for it in numbers or [] if (oid, it) in names)
    )


def _others(
    enums: Iterable[Any], sequences: Iterable[Any], views: Iterable[Any]
) -> Iterator[tuple[Key, Part]]:
    """Yield what is not a part of a table."""
    for row in enums:
        line = f"CREATE TYPE {row.place} AS ENUM ({row.labels})"
        yield Key(row.schema, "", "enum", row.name), Part(row.labels, line, row.name)
    for row in sequences:
        if row.owner is None:
            yield Key(row.schema, "", "sequence", row.name), _sequence(row)
    for row in views:
        said = row.definition
        yield Key(row.schema, row.name, "view"), Part(said, said, row.name)
