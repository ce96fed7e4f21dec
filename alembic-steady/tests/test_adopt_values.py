"""Values that are read through adopted models: they are there, and of the annotated types."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from harness import DRIVERS, IS_NEWEST, PlainProject, tell
from test_adopt import ADOPT, begin, family, refused

from tests import servers
from tests.revisions import CLEAN

# Each attribute of each row has to be of the type that its annotation tells.
READ = """
import json, models, sqlalchemy as sa, types, typing
from sqlalchemy.orm import Session, configure_mappers

configure_mappers()

def fits(value, hint):
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint is typing.Any:
        return True
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, it) for it in inner)
    if origin in (list, set):
        return isinstance(value, origin) and all(fits(it, *inner) for it in value)
    return isinstance(value, hint)

found = {{}}
with Session(sa.create_engine({url!r})) as session:
    for mapper in models.Base.registry.mappers:
        hints = typing.get_type_hints(mapper.class_)
        for row in session.scalars(sa.select(mapper.class_)):
            for key in mapper.columns.keys():
                value, (hint,) = getattr(row, key), typing.get_args(hints[key])
                assert fits(value, hint), (mapper.class_.__name__, key, hint, value)
                if value is not None:
                    found[key] = str(value) if not isinstance(value, set) else sorted(value)
print(json.dumps(found))
"""
VALUES: dict[str, dict[str, tuple[str, str | list[str] | None]]] = {
    "sqlite": {
        "plain INTEGER": ("5", "5"),
        "untyped": ("'x'", "x"),
        "flag BOOLEAN": ("1", "True"),
        "price DECIMAL(10,2)": ("1.5", "1.50"),
        "at DATETIME": ("'2026-01-02 03:04:05'", "2026-01-02 03:04:05"),
        "day DATE": ("'2026-01-02'", "2026-01-02"),
        "hour TIME": ("'03:04:05'", "03:04:05"),
        "real_ DOUBLE PRECISION": ("1.5", "1.5"),
        "raw BLOB": ("x'00ff'", r"b'\x00\xff'"),
        "name NVARCHAR(20)": ("'Ø'", "Ø"),
        "big UNSIGNED BIG INT": ("7", "7"),
        "doc JSON": ("'[1]'", "[1]"),
        "odd MONEY": ("'1.5 $'", "1.5 $"),
        "small TINYINT": ("3", "3"),
        "flag2 TINYINT(1)": ("1", "1"),
    },
    "postgresql": {
        "mood mood": ("'sad'", "sad"),
        "other stock.mood": ("'big'", "big"),
        "moods mood[]": ("'{sad,happy}'", "['sad', 'happy']"),
        "flag boolean": ("true", "True"),
        "b bit(3)": ("B'101'", "101"),
        "vb bit varying(5)": ("B'11'", "11"),
        "doc json": ("'[1]'", "[1]"),
        "docb jsonb": ("'{\"a\": 1}'", "{'a': 1}"),
        "price numeric(10,2)": ("1.5", "1.50"),
        "cash money": ("1.5", "$1.50"),
        "day date": ("'2026-01-02'", "2026-01-02"),
        "hour time": ("'03:04:05'", "03:04:05"),
        "hourz timetz": ("'03:04:05+02'", "03:04:05+02:00"),
        "at timestamp": ("'2026-01-02 03:04:05'", "2026-01-02 03:04:05"),
        "spent interval": ("'1 day 2:00'", "1 day, 2:00:00"),
        "u uuid": (
            "'7f2c0f0e-1f6c-4a9b-9d3e-1f6c2a9b7d3e'",
            "7f2c0f0e-1f6c-4a9b-9d3e-1f6c2a9b7d3e",
        ),
        "ip inet": ("'10.0.0.1'", "10.0.0.1"),
        "net cidr": ("'10.0.0.0/8'", "10.0.0.0/8"),
        "mac macaddr": ("'08:00:2b:01:02:03'", "08:00:2b:01:02:03"),
        "raw bytea": (r"'\x00ff'", r"b'\x00\xff'"),
        "numbers int[]": ("'{1,2}'", "[1, 2]"),
        "many even": ("4", "4"),
        "evens even[]": ("'{2,4}'", None),
        "span int4range": ("'[1,3)'", None),
        "spans datemultirange": ("'{[2026-01-01,2026-01-02)}'", None),
        "at_ point": ("'(1,2)'", "(1,2)"),
        "page xml": ("'<a/>'", "<a/>"),
        "words tsvector": ("'a b'", "'a' 'b'"),
        "pair pair": ("(1,'x')", None),
        'letter "char"': ("'a'", "a"),
        "fixed char(3)": ("'ab'", "ab "),
        "ref oid": ("1", "1"),
        "fast real": ("1.5", "1.5"),
        "name name": ("'x'", "x"),
    },
    "mysql": {
        "kind ENUM('a','it''s')": ("'a'", "a"),
        "extras SET('x','y','z')": ("'x,z'", ["x", "z"]),
        "flag BOOLEAN": ("TRUE", "1"),
        "b BIT(3)": ("b'101'", None),
        "doc JSON": ("'[1]'", "[1]"),
        "price DECIMAL(10,2)": ("1.5", "1.50"),
        "made YEAR": ("2001", "2001"),
        "day DATE": ("'2026-01-02'", "2026-01-02"),
        "hour TIME": ("'03:04:05'", "03:04:05"),
        "at DATETIME(3)": ("'2026-01-02 03:04:05.5'", "2026-01-02 03:04:05.500000"),
        "ts TIMESTAMP NULL": ("'2026-01-02 03:04:05'", "2026-01-02 03:04:05"),
        "big BIGINT UNSIGNED": ("18446744073709551615", "18446744073709551615"),
        "raw VARBINARY(9)": ("x'00ff'", r"b'\x00\xff'"),
        "fixed BINARY(3)": ("x'00ff'", r"b'\x00\xff\x00'"),
        "body LONGTEXT": ("'x'", "x"),
        "blob_ MEDIUMBLOB": ("x'01'", r"b'\x01'"),
        "d DOUBLE": ("1.5", "1.5"),
        "f FLOAT": ("1.5", "1.5"),
        "place POINT": ("ST_GeomFromText('POINT(1 2)')", None),
        "u UUID": (
            "'7f2c0f0e-1f6c-4a9b-9d3e-1f6c2a9b7d3e'",
            "7f2c0f0e-1f6c-4a9b-9d3e-1f6c2a9b7d3e",
        ),
        "ip INET6": ("'::1'", "::1"),
        "narrow CHAR(3) CHARACTER SET latin1": ("'ab'", "ab"),
    },
}
"""For each column a value, and how Python prints what is read, if that is the same everywhere."""
BEFORE: dict[str, list[str]] = {
    "sqlite": [],
    "postgresql": [
        "CREATE SCHEMA stock",
        "CREATE TYPE mood AS ENUM ('sad', 'happy')",
        "CREATE TYPE stock.mood AS ENUM ('big', 'small')",
        "CREATE DOMAIN even AS int CHECK (VALUE % 2 = 0)",
        "CREATE TYPE pair AS (a int, b text)",
    ],
    "mysql": [],
}
ODD: dict[str, list[str]] = {
    "sqlite": [
        "CREATE TABLE strict_ (id INTEGER PRIMARY KEY, a ANY, b INT NOT NULL, c REAL) STRICT",
        "INSERT INTO strict_ VALUES (1, 'x', 2, 1.5)",
        "CREATE TABLE bare (word TEXT PRIMARY KEY, n INT) WITHOUT ROWID",
        "INSERT INTO bare VALUES ('x', NULL)",
    ],
    "postgresql": [],
    "mysql": [],
}


@pytest.mark.full
def test_values_are_read_as_they_are_annotated(project: PlainProject) -> None:
    of = family(project)
    columns, values = VALUES[of], [value for value, _ in VALUES[of].values()]
    begin(
        project,
        [
            *BEFORE[of],
            f"CREATE TABLE thing (id INTEGER PRIMARY KEY, {', '.join(columns)})",
            f"INSERT INTO thing VALUES (1, {', '.join(values)})",
            "INSERT INTO thing (id) VALUES (2)",
            *ODD[of],
        ],
    )
    printed = project.run(*ADOPT)
    if IS_NEWEST:  # SQLAlchemy 2.0 does not read what STRICT and WITHOUT ROWID say.
        assert "Left out" not in printed and "Not in the" not in printed, printed
    url = sa.make_url(project.url).render_as_string(hide_password=False)
    told = project.run("python", "-c", READ.format(url=url))
    found = json.loads(told.splitlines()[-1])
    for column, (_, expected) in columns.items():
        assert expected in (None, found[column.split()[0]]), column


NAMES = (
    *("metadata", "registry", "class", "self", "Mapped", "sa", "1st", "ñ", "😀", "a b"),
    *("a-b", "a_b", 'q"q', "p%p", "co:lon", "  ", "Base", "__x", "_y", "int", "None"),
    *("datetime", "mapped_column", "it's", "c.d", "back\\slash", "models"),
)
"""Names of columns, and, where they differ in more than case, of tables."""


def test_any_name_is_an_identifier(file_project: PlainProject) -> None:
    columns = ", ".join('"{}" INTEGER'.format(it.replace('"', '""')) for it in NAMES)
    begin(
        file_project,
        [
            *('CREATE TABLE "{}" (id INTEGER PRIMARY KEY, {})'.format(
                it.replace('"', '""'), columns) for it in NAMES
            ),
            'CREATE TABLE to_dots (id INTEGER PRIMARY KEY, x INTEGER REFERENCES "c.d")',
        ],
    )  # fmt: skip
    printed = file_project.run(*ADOPT)
    (left,) = re.findall("^  foreign key (.*)$", printed, re.MULTILINE)
    assert left == 'to_dots.(x) references "c.d" (id)'
    file_project.run("alembic", "stamp", "head")
    assert CLEAN in file_project.run("alembic", "check")
    file_project.run(
        "python", "-W", "error", "-c", READ.format(url=str(file_project.url))
    )


def test_a_table_that_cannot_be_read_is_named(file_project: PlainProject) -> None:
    begin(
        file_project,
        [
            "CREATE TABLE nameless (a INT)",
            "CREATE TABLE odd (id INTEGER PRIMARY KEY, a INT REFERENCES nameless)",
        ],
    )
    assert "table odd can't be read: " in refused(file_project)
    tell(file_project, "", "include_name=lambda name, *_: name != 'odd'")
    file_project.run(*ADOPT)


@pytest.mark.full
def test_a_table_whose_names_are_misread_has_no_model(
    mariadb: servers.MariaDB, new_project: Callable[..., PlainProject]
) -> None:
    project = new_project(mariadb.url(DRIVERS["pymysql"], "shop"))
    begin(
        project,
        [
            "CREATE TABLE thing (id INT PRIMARY KEY, `it's` INT)",
            "CREATE TABLE ticked (`a``b` INT, thing INT REFERENCES thing (id))",
            "INSERT INTO thing VALUES (1, 2)",
        ],
    )
    printed = project.run(*ADOPT)
    assert "can't say it:\n\n  table ticked\n\nNext" in printed
    project.run("alembic", "stamp", "head")
    assert CLEAN in project.run("alembic", "check")
    url = sa.make_url(project.url).render_as_string(hide_password=False)
    assert '"it_s": "2"' in project.run("python", "-c", READ.format(url=url))
