"""Files of SQL beside a revision: what is written is read again, however it came here."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from harness import PlainProject

from alembic_steady import sql_file

STATEMENTS = {
    "plain": ["CREATE TABLE a (i INT)", "CREATE TABLE b (i INT)"],
    "semicolons": ["CREATE TRIGGER t BEGIN\n  SELECT 1;\n  SELECT ';';\nEND"],
    "comment at the end": ["SELECT 1 -- one", "SELECT 2 -- two;\n-- three"],
    "comment at the beginning": ["-- of a body\nSELECT 1", "/* */ SELECT 2"],
    "separators": ["SELECT '\n-- ;;\n'", "SELECT '\n-- ;;;\n-- ;;;;\r\n'"],
    "carriage returns": ["CREATE FUNCTION f AS '\r\nBEGIN\r\n\rEND'", "SELECT 1"],
    "empty lines": ["SELECT\n\n\n1"],
    "none": [],
}


@pytest.mark.parametrize("name", STATEMENTS)
@pytest.mark.parametrize("head", ["", "-- Of a database;\n-- ;; not alone\n"])
def test_what_is_written_is_read(tmp_path: Path, name: str, head: str) -> None:
    file = tmp_path / "a.sql"
    text = sql_file.render(head, STATEMENTS[name])
    file.write_text(text, "utf-8", newline="\n")
    assert sql_file.read(file) == STATEMENTS[name]


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_file_that_was_converted_as_a_whole_is_read(
    tmp_path: Path, name: str
) -> None:
    """As git does on Windows, and an editor that begins a file with its byte order."""
    file = tmp_path / "a.sql"
    text = sql_file.render("-- ü\n", STATEMENTS[name]).replace("\r\n", "\n")
    file.write_bytes(("\ufeff" + text.replace("\n", "\r\n")).encode())
    told = [it.replace("\r\n", "\n") for it in STATEMENTS[name]]
    assert sql_file.read(file) == told


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        ("", []),
        ("\ufeff\r\n", []),
        ("-- nothing\n-- more", []),
        ("-- ;;\n-- ;;\n-- nothing\n-- ;;\nSELECT 1;\n", ["SELECT 1"]),
        ("SELECT 1;", ["SELECT 1"]),
        ("-- one\nSELECT 1", ["-- one\nSELECT 1"]),
        ("-- head\n-- ;;\nSELECT 1\n;\n", ["SELECT 1"]),
        ("-- ;; \nSELECT 1", ["-- ;; \nSELECT 1"]),
    ],
)
def test_files_that_a_person_has_written(
    tmp_path: Path, text: str, statements: list[str]
) -> None:
    file = tmp_path / "a.sql"
    file.write_text(text, "utf-8", newline="")
    assert sql_file.read(file) == statements


def test_a_semicolon_is_in_no_comment() -> None:
    assert sql_file.ended("SELECT 1") == "SELECT 1;"
    assert sql_file.ended("SELECT 1 -- one") == "SELECT 1 -- one\n;"
    assert sql_file.ended("-- one\nSELECT 1") == "-- one\nSELECT 1;"


SHOP = [
    "CREATE TABLE a (i INT, c TEXT DEFAULT '%s :x {};') -- one",
    (
        "CREATE TRIGGER t AFTER INSERT ON a BEGIN\n  -- two;\n"
        "  UPDATE a SET i = 1;\n  DELETE FROM a WHERE c = ';'; END"
    ),
    "CREATE VIEW v AS SELECT i FROM a -- three",
]
REVISION = """\
from pathlib import Path

from alembic_steady import execute_file

revision = "{name}"
down_revision = None


def upgrade() -> None:
    execute_file(Path(__file__).with_suffix(".sql"))
"""


def test_statements_run_and_are_printed_as_they_are(
    file_project: PlainProject,
) -> None:
    """What `--sql` prints builds the same when SQLite's own splitting reads it."""
    versions = file_project.path / "migrations" / "versions"
    versions.joinpath("one.py").write_text(REVISION.format(name="one"))
    text = sql_file.render("", SHOP)
    versions.joinpath("one.sql").write_text(text)
    file_project.run("alembic", "upgrade", "head")
    printed = file_project.run("alembic", "upgrade", "head", "--sql")
    with sqlite3.connect(":memory:") as other:
        other.executescript(printed)
        query = "SELECT name, sql FROM sqlite_master WHERE name <> 'alembic_version'"
        built = other.execute(query).fetchall()
    with sqlite3.connect(str(file_project.url.database)) as real:  # type: ignore[union-attr]
        assert real.execute(query).fetchall() == built
    assert [sql for _, sql in built if sql in SHOP] == [
        # SQLite itself leaves out what stands behind a table.
        *SHOP[1:]
    ]


def test_a_file_that_is_not_there_is_named(file_project: PlainProject) -> None:
    versions = file_project.path / "migrations" / "versions"
    versions.joinpath("one.py").write_text(REVISION.format(name="one"))
    printed = file_project.run("alembic", "upgrade", "head", code=255)
    *_, line = printed.splitlines()
    assert "one.sql" in line and "No such file" in line
