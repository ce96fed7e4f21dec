"""What models can't say, named in their metadata: it stays, and only drift looks at it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.util import CommandError
from harness import PlainProject

from alembic_steady.adapters.description import Description, Key
from alembic_steady.adapters.sqlite.adapter import SQLiteAdapter
from alembic_steady.autogenerate.unmodelled import Unmodelled
from alembic_steady.settings import Settings
from tests import servers
from tests.revisions import CLEAN, NOTE, write_history

HEAD = """\
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Thing(Base):
    __tablename__ = "thing"

    id: Mapped[int] = mapped_column(sa.Integer, primary_key=True)
    a: Mapped[int | None] = mapped_column(sa.Integer)
    b: Mapped[str | None] = mapped_column(sa.{string})
    gone: Mapped[str | None] = mapped_column(sa.{string})


Base.metadata.info["unmodelled"] = [
    "table that names nothing",
    {entries}
]
"""
SQLITE = (
    (
        "CREATE TABLE thing (id INTEGER PRIMARY KEY, a INTEGER UNIQUE CONSTRAINT few"
        " CHECK (a < 100), b TEXT COLLATE NOCASE DEFAULT ('x' || 'y'), gone TEXT,"
        " c INT AS (a * 2), CHECK (a > 0), CHECK (gone <> b))"
    ),
    "CREATE INDEX lower_b ON thing (lower(b))",
    "CREATE INDEX of_gone ON thing (a) WHERE gone > ''",
    "CREATE TRIGGER kept AFTER DELETE ON thing BEGIN SELECT 1; END",
    "CREATE TABLE other (x INT REFERENCES thing)",
    "CREATE VIRTUAL TABLE docs USING fts5(text)",
)
OF_SQLITE = (
    "unique constraint thing.(a)",
    "check thing.few",
    "check thing.a > 0",
    "check thing.gone <> b",
    "collation of column thing.b",
    "default of column thing.b",
    "column thing.c",
    "index thing.lower_b",
    "index thing.of_gone",
    "table other",
    "table docs",
)
POSTGRESQL = (
    (
        "CREATE TABLE thing (id SERIAL PRIMARY KEY, a INTEGER CONSTRAINT few CHECK"
        " (a < 100), b TEXT DEFAULT 'x' || 'y', gone TEXT, c INT"
        " GENERATED ALWAYS AS (a * 2) STORED,"
        " CONSTRAINT alone EXCLUDE USING hash (b WITH =))"
    ),
    "CREATE INDEX lower_b ON thing (lower(b))",
    "CREATE INDEX of_gone ON thing (a) WHERE gone > ''",
    "CREATE TYPE mood AS ENUM ('sad', 'ok')",
    "CREATE TABLE other (x INT REFERENCES thing, m mood)",
    "CREATE TABLE kid () INHERITS (thing)",
    "CREATE TABLE part (id INT, a INT) PARTITION BY LIST (a)",
    "CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1)",
)
OF_POSTGRESQL = (
    "check thing.few",
    "default of column thing.b",
    "column thing.c",
    "exclusion constraint thing.alone",
    "index thing.lower_b",
    "index thing.of_gone",
    "enum mood",
    "table other",
    "table kid",
    "table part",
    "table part_1",
)
MARIADB = (
    (
        "CREATE TABLE thing (id INT AUTO_INCREMENT PRIMARY KEY, a INT, b VARCHAR(20)"
        " DEFAULT (concat('x', 'y')), gone VARCHAR(20), c INT AS (a * 2),"
        " CONSTRAINT few CHECK (a < 100), INDEX lower_b (b(5)),"
        " INDEX of_gone (gone(3)))"
    ),
    "CREATE TABLE other (x INT, FOREIGN KEY (x) REFERENCES thing (id))",
)
OF_MARIADB = (
    "check thing.few",
    "default of column thing.b",
    "column thing.c",
    "index thing.lower_b",
    "index thing.of_gone",
    "table other",
)
KNOWN = {
    "sqlite": (SQLITE, OF_SQLITE, "Text"),
    "postgresql": (POSTGRESQL, OF_POSTGRESQL, "Text"),
    "mariadb": (MARIADB, OF_MARIADB, "String(20)"),
}
WITH_GONE = ("gone", "of_gone")


def execute(project: PlainProject, *statements: str) -> None:
    """Run statements on the project's database."""
    engine = sa.create_engine(project.url)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def by_hand(project: PlainProject, statements: Sequence[str]) -> None:
    """Build something in a revision, and run it."""
    project.run("alembic", "revision", "-m", "by hand")
    (written,) = project.revisions()
    lines = "".join(f"    op.execute({statement!r})\n" for statement in statements)
    written.write_text(written.read_text().replace("    pass\n", lines, 1))
    project.run("steady", "create")
    project.run("alembic", "upgrade", "head")


def begin(project: PlainProject, table: str = "") -> None:
    """Build what models can't say in a revision, or that of one table alone."""
    family = sa.make_url(project.url).get_backend_name()
    statements, entries, string = KNOWN[family]
    told = "\n    ".join(f'"{it}",' for it in entries)
    project.models.write_text(HEAD.format(entries=told, string=string))
    by_hand(project, [it for it in statements if _is_of(it, table)])
    execute(project, "INSERT INTO thing (a, b, gone) VALUES (1, 'b', 'g')")


def _is_of(statement: str, table: str) -> bool:
    is_table = statement.startswith(("CREATE TABLE", "CREATE VIRTUAL"))
    return not is_table or f"TABLE {table}" in statement


def assert_clean(project: PlainProject) -> None:
    """See that nothing differs, wherever one looks."""
    assert project.run("alembic", "check") == NOTE + CLEAN
    assert CLEAN in project.run("alembic", "-x", "live", "check")
    assert project.run("steady", "drift").endswith(":\nno drift\n")


def described(*statements: str) -> Description:
    """Return the description of a database that statements build."""
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
        found = SQLiteAdapter().describe_tables(connection)
    engine.dispose()
    return found


def unmodelled(*entries: str) -> Unmodelled:
    """Return the list of two metadata, one of which has none."""
    one, other = sa.MetaData(info={"unmodelled": [*entries]}), sa.MetaData()
    return Unmodelled(Settings([one, other], Config()), "main")


def texts(description: Description) -> dict[str, str]:
    """Return what is compared, by its words."""
    return {key.words: part.text for key, part in description.items()}


BUILT = (
    "CREATE TABLE thing (id INTEGER PRIMARY KEY, a INTEGER, b TEXT, gone TEXT)",
    "CREATE INDEX other_way ON thing (a)",
)


def test_what_is_in_the_list_is_as_the_revisions_build_it() -> None:
    revisions = described(*SQLITE[:3])
    found = unmodelled(*OF_SQLITE, "index thing.other_way").added(
        described(*BUILT), revisions
    )
    assert texts(found) == texts(revisions)


def test_what_needs_a_column_goes_with_it() -> None:
    built = described(BUILT[0].replace(", gone TEXT", ""))
    found = unmodelled(*OF_SQLITE).added(built, described(*SQLITE[:3]))
    names = {key.words for key in found}
    assert "check thing.few" in names and "column thing.c" in names
    assert not {"check thing.gone <> b", "index thing.of_gone"} & names
    # So it does with the table.
    assert unmodelled(*OF_SQLITE).added({}, described(*SQLITE[:3])) == {}


@pytest.mark.parametrize("entry", ["table thing", "column thing.c"])
def test_an_entry_stands_for_all_of_its_parts(entry: str) -> None:
    found = unmodelled(entry)
    assert found.has(Key(None, "thing", "column", "c", "type"))
    assert found.has(Key(None, "thing", "check", "few")) == entry.startswith("table")
    assert not found.has(Key(None, "things", "column", "c"))
    assert not found.has(Key("thing", "", "schema"))


def test_it_is_known_by_other_words_after_a_rename() -> None:
    before = described(*SQLITE[:3])
    built = described(BUILT[0].replace("thing", "item").replace("b TEXT", "code TEXT"))
    after = described(
        *SQLITE[:3],
        "ALTER TABLE thing RENAME TO item",
        "ALTER TABLE item RENAME COLUMN b TO code",
    )
    found = unmodelled(*OF_SQLITE, "check item.few")
    told = found.follow(before, after, built, {"item": "thing"})
    assert {key.words for key in told} == {
        "unique constraint item.(a)",
        "check item.a > 0",
        "check item.gone <> code",
        "collation of column item.code",
        "default of column item.code",
        "column item.c",
        "index item.lower_b",
        "index item.of_gone",
    }
    assert all(map(found.has, told))


@pytest.mark.parametrize("told", ["table thing", [1]])
def test_a_list_of_something_else_is_refused(told: object) -> None:
    settings = Settings(sa.MetaData(info={"unmodelled": told}), Config())
    with pytest.raises(CommandError, match="a list of strings"):
        Unmodelled(settings, None)


@pytest.mark.full
def test_it_stays_and_only_drift_looks_at_it(project: PlainProject) -> None:
    begin(project)
    assert_clean(project)
    told = project.run("alembic", "revision", "--autogenerate", "-m", "nothing")
    assert "no revision was written" in told

    # What is changed beside it leaves it alone.
    project.change_models({"b: Mapped[str | None]": "b: Mapped[str]"})
    told = project.run("alembic", "revision", "--autogenerate", "-m", "changed")
    assert "ran up, down and up" in told
    for way in ("upgrade head", "downgrade -1", "upgrade head"):
        assert "Warning" not in project.run("alembic", *way.split())
        told = project.run("steady", "drift")
        assert told.endswith(":\nno drift\n") and "Warning" not in told
    assert_clean(project)

    # What needs a column goes with it, and comes back.
    text = project.models.read_text()
    (line,) = [line for line in text.splitlines() if line.startswith("    gone: ")]
    project.change_models({f"{line}\n": ""})
    told = project.run("alembic", "revision", "--autogenerate", "-m", "gone")
    assert "ran up, down and up" in told
    assert "drops index thing.of_gone" in told
    for way in ("upgrade head", "downgrade -1", "upgrade head"):
        assert "Warning" not in project.run("alembic", *way.split())
        told = project.run("steady", "drift")
        assert told.endswith(":\nno drift\n") and "Warning" not in told
    assert_clean(project)

    is_mariadb = "mariadb" in str(project.url)
    execute(project, "DROP INDEX lower_b" + (" ON thing" if is_mariadb else ""))
    lines = project.run("steady", "drift", code=1).splitlines()
    assert lines[1:] == ["- index thing.lower_b"]
    assert CLEAN in project.run("alembic", "-x", "live", "check")


@pytest.mark.full
def test_it_stays_through_renames(project: PlainProject) -> None:
    """The list may have the old words or the new ones."""
    begin(project)
    project.change_models(
        {
            '__tablename__ = "thing"': '__tablename__ = "item"',
            "check thing.few": "check item.few",
        }
    )
    told = revise_with(project, "thing:item")
    assert 'has to name it now: "index item.lower_b"' in told
    assert '"check item.few"' not in told
    text = project.models.read_text()
    project.models.write_text(text.replace(" thing.", " item."))
    assert project.run("alembic", "check") == NOTE + CLEAN
    project.change_models({"    b: Mapped": "    code: Mapped"})
    told = revise_with(project, "item.b:code")
    if "mariadb" not in str(project.url):  # SQLAlchemy does not see it there.
        assert 'has to name it now: "default of column item.code"' in told
    for way in ("downgrade -2", "upgrade head"):
        project.run("alembic", *way.split())
        assert project.run("steady", "drift").endswith(":\nno drift\n")


def revise_with(project: PlainProject, rename: str) -> str:
    """Write a revision that renames, and run it."""
    command = ["-x", f"rename={rename}", "revision", "--autogenerate", "-m", "rename"]
    told = project.run("alembic", *command)
    assert "ran up, down and up" in told
    assert "op.drop" not in project.revisions()[-1].read_text()
    project.run("alembic", "upgrade", "head")
    assert project.run("steady", "drift").endswith(":\nno drift\n")
    return told


PARTED = """\
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    pass


class Part(Base):
    __tablename__ = "part"
    __table_args__ = {"postgresql_partition_by": "LIST (a)"}

    id = sa.Column(sa.Integer, primary_key=True, autoincrement=False)
    a = sa.Column(sa.Integer, primary_key=True, autoincrement=False)
    b = sa.Column(sa.Integer)
"""
PARTS = (
    (
        "CREATE TABLE part (id INT, a INT, b INT, CONSTRAINT part_pkey"
        " PRIMARY KEY (id, a)) PARTITION BY LIST (a)"
    ),
    "CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1)",
    "CREATE INDEX by_b ON part_1 (b)",
    (
        "CREATE TABLE part_2 PARTITION OF part (CONSTRAINT few CHECK (id < 9))"
        " FOR VALUES IN (2)"
    ),
)


@pytest.mark.full
def test_partitions_of_a_model_are_left_alone(
    new_project: Callable[[str], PlainProject], any_postgres: servers.Postgres
) -> None:
    project = new_project(any_postgres.url("postgresql+psycopg", "orders"))
    project.models.write_text(PARTED)
    by_hand(project, PARTS)
    assert_clean(project)
    project.change_models({"b = sa.Column(sa.Integer)": "b = sa.Column(sa.BigInteger)"})
    assert "part_" not in project.run("alembic", "check", code=255)
    live = ["-x", "live", "revision", "--autogenerate", "-m"]
    project.run("alembic", *live, "live")
    written = project.revisions()[-1]
    assert "part_" not in written.read_text()
    written.unlink()
    project.run("alembic", "revision", "--autogenerate", "-m", "wider")
    assert "part_" not in project.revisions()[-1].read_text()
    for way in ("upgrade head", "downgrade -1", "upgrade head"):
        project.run("alembic", *way.split())
        assert project.run("steady", "drift").endswith(":\nno drift\n")


@pytest.mark.full
def test_alembic_compares_nothing_of_it_by_its_own_rules(project: PlainProject) -> None:
    """Without a scratch server."""
    if "sqlite" in str(project.url):
        pytest.skip("its scratch databases need no server")
    begin(project)
    url = sa.make_url(project.url).set(port=1).render_as_string(hide_password=False)
    nowhere = {"SHADOW_DATABASE_URL": url, "TEST_DATABASE_URL": url}
    project.environment.update(nowhere)
    told = project.run("alembic", "-x", "live", "check", code=None)
    assert "Alembic's own rules compare here" in told
    for words in ("other", "kid", "part", "lower_b", "of_gone", "'c'", "few"):
        assert words not in told.partition("New upgrade operations")[2]


OTHER = """

class Other(Base):
    __tablename__ = "more"

    id: Mapped[int] = mapped_column(sa.Integer, primary_key=True)
"""


@pytest.mark.full
def test_it_comes_back_with_its_table(project: PlainProject) -> None:
    begin(project, "thing")
    text = project.models.read_text()
    start, end = text.index("class Thing"), text.index("Base.metadata.info")
    project.models.write_text(text[:start] + OTHER.strip() + "\n\n\n" + text[end:])
    options = ["-x", "allow-drop", "revision", "--autogenerate", "-m", "dropped"]
    assert "ran up, down and up" in project.run("alembic", *options)
    for way in ("upgrade head", "downgrade -1", "upgrade head", "downgrade -1"):
        project.run("alembic", *way.split())
        assert project.run("steady", "drift").endswith(":\nno drift\n")
    if "sqlite" in str(project.url):
        execute(project, "DROP TRIGGER kept")


@pytest.mark.full
def test_it_stays_through_a_change_of_type(project: PlainProject) -> None:
    """PostgreSQL writes expressions of another type in other words."""
    begin(project, "thing")
    text = project.models.read_text()
    for old, new in (
        ("    b: Mapped[str | None] = mapped_column(sa.Text)", "sa.String(50)"),
        ("    b: Mapped[str | None] = mapped_column(sa.String(20))", "sa.String(50)"),
    ):
        text = text.replace(old, f"    b: Mapped[str | None] = mapped_column({new})")
    project.models.write_text(text)
    told = project.run("alembic", "revision", "--autogenerate", "-m", "type")
    assert "ran up, down and up" in told
    assert "can't stay" not in told
    for way in ("upgrade head", "downgrade -1", "upgrade head"):
        project.run("alembic", *way.split())
        assert project.run("steady", "drift").endswith(":\nno drift\n")
    assert project.run("alembic", "check") == NOTE + CLEAN


OPTIONS = """\
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Word(Base):
    __tablename__ = "word"

    word: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    n: Mapped[int | None] = mapped_column(sa.Integer, index=True)


Base.metadata.info["unmodelled"] = ["options of table word"]
"""
WORD = "CREATE TABLE word (word TEXT NOT NULL PRIMARY KEY, n INTEGER) STRICT, WITHOUT ROWID"


def test_how_a_table_is_may_be_unmodelled_but_not_its_parts(
    file_project: PlainProject,
) -> None:
    file_project.models.write_text(OPTIONS)
    index = 'op.create_index("ix_word_n", "word", ["n"])'
    write_history(file_project, f"op.execute({WORD!r})\n{index}")
    assert file_project.run("alembic", "check") == NOTE + CLEAN
    file_project.models.write_text(OPTIONS.replace(", index=True", ""))
    printed = file_project.run("alembic", "check", code=255)
    assert "ix_word_n" in printed and "table word" not in printed
