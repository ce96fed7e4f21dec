"""What docs/migrations.md says of the comparison and the trial, in generated repositories."""

from __future__ import annotations

import re
from textwrap import dedent, indent

import pytest

from tests.conftest import TEMPLATE, Project, Service
from tests.revisions import CLEAN, NOTE, add_by_hand, operations

PAGE = (TEMPLATE / "docs" / "migrations.md").read_text()
VIEW = 'CREATE VIEW names AS SELECT name FROM "user"'
on_postgresql = pytest.mark.parametrize("service", ["psycopg-wheel"], indirect=True)


def blocks(language: str) -> list[str]:
    """Return the blocks that the page shows in a language."""
    found = re.findall(
        rf"^ *```{language}\n(.+?)^ *```", PAGE, re.DOTALL | re.MULTILINE
    )
    return [dedent(block) for block in found]


def block(language: str, words: str) -> str:
    """Return the block that has these words."""
    (found,) = [block for block in blocks(language) if words in block]
    return found


def item(*columns: str, arguments: str = "") -> str:
    """Return a model with an identifier and more columns."""
    lines = [
        '__tablename__ = "item"',
        "id: Mapped[int] = mapped_column(sa.Integer, primary_key=True)",
        *columns,
        f"__table_args__ = ({arguments})",
    ]
    return f"\n\nclass Item(Base):\n{indent(chr(10).join(lines), '    ')}\n"


def change(project: Project, before: str, after: str, by_hand: str = "pass") -> None:
    """Write a revision of the models before, one by hand, and change the models."""
    models = project.models.read_text()
    project.models.write_text(models + before)
    project.revise("Before")
    add_by_hand(project, by_hand)
    project.models.write_text(models + after)


def test_what_the_page_says_is_not_seen(service: Service) -> None:
    project = service.project
    first, second = "a = sa.Column(sa.Integer)", "b = sa.Column(sa.Integer)"
    constraint = 'sa.UniqueConstraint("a", comment="{}")'
    index = 'sa.Index("ix_item_b", "b"{})'
    options = {
        "sqlite": {},
        "postgresql": {
            "postgresql_with": {"fillfactor": 70},
            "prefixes": ["UNLOGGED"],
        },
        "mariadb": {"mysql_engine": "MyISAM", "mysql_charset": "latin1"},
    }[service.connection.dialect.name]
    listener = """
from sqlalchemy import DDL, event
event.listen(Item.__table__, "after_create", DDL("CREATE VIEW items AS SELECT id FROM item"))
"""
    change(
        project,
        item(first, second, arguments=f"{constraint.format(1)}, {index.format('')}"),
        item(
            second, first, arguments=f"{constraint.format(2)}, {index}, {options}"
        ).replace("{})", ")")
        + listener,
    )
    assert project.run("alembic", "check") == NOTE + CLEAN


@on_postgresql
def test_partitions_are_not_seen(service: Service) -> None:
    parted = item(arguments='{"postgresql_partition_by": "HASH (id)"}')
    change(service.project, item(), parted)
    assert service.project.run("alembic", "check") == NOTE + CLEAN


@pytest.mark.parametrize("service", ["sqlite"], indirect=True)
def test_options_of_tables_on_sqlite_are_seen(service: Service) -> None:
    for option in ("sqlite_strict", "sqlite_with_rowid"):
        text = item(arguments=f'{{"{option}": {option == "sqlite_strict"}}}')
        models = service.project.models.read_text()
        change(service.project, item(), text)
        assert "('differs', 'table item is " in service.project.run(
            "alembic", "check", code=255
        )
        service.project.revise("After")
        assert service.project.run("alembic", "check") == NOTE + CLEAN
        service.project.models.write_text(models)
        service.project.revise("Back", "-x", "allow-drop")


UNSEEN = """
    CREATE FUNCTION same() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER same BEFORE INSERT ON "user" FOR EACH ROW EXECUTE FUNCTION same();
    ALTER TABLE "user" ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON "user" USING (true);
    GRANT SELECT ON "user" TO PUBLIC;
    CREATE VIEW users AS SELECT id FROM "user";
    CREATE TABLE part (id int) PARTITION BY HASH (id);
    CREATE TABLE part_0 PARTITION OF part FOR VALUES WITH (MODULUS 1, REMAINDER 0)
"""


@on_postgresql
def test_what_belongs_to_no_model_is_left_alone(service: Service) -> None:
    project = service.project
    add_by_hand(project, f'op.execute("""{UNSEEN}""")')
    project.add_username()
    table = project.models.read_text()
    part = """\n\nclass Part(Base):
    __tablename__ = "part"
    id: Mapped[int | None]
    __mapper_args__ = {"primary_key": ["id"]}\n"""
    project.models.write_text(table + part)
    assert "ran up, down and up" in project.revise("Add username")
    upgrade = ["op.add_column", "op.create_index"]
    assert operations(project.revisions()[-1], "upgrade") == upgrade
    assert project.run("alembic", "check") == NOTE + CLEAN


@pytest.mark.parametrize("service", ["psycopg"], indirect=True)
def test_what_others_may_use_is_kept(service: Service) -> None:
    uses = item(
        "name = sa.Column(postgresql.CITEXT)",
        "number = sa.Column(sa.Integer, sa.Sequence('numbers'))",
        arguments='{"schema": "other"}',
    )
    line = "\n\nfrom sqlalchemy.dialects import postgresql\n"
    change(service.project, f"{line}{uses}", "")
    service.project.revise("After")
    *_, revision = service.project.revisions()
    upgrade, _, _ = revision.read_text().partition("def downgrade()")
    assert upgrade.count("op.") == 1 and 'op.drop_table("item"' in upgrade


@on_postgresql
def test_models_that_cannot_be_built_are_one_line(service: Service) -> None:
    project = service.project
    project.add_to_models(
        "    name = sa.Column(sa.String, index=True)\n"
        '    __table_args__ = (sa.Index("ix_user_name", "name"),)\n'
    )
    for command in (("check",), ("revision", "--autogenerate", "-m", "Name")):
        told = project.run("alembic", *command, code=255)
        assert told == block("text", "cannot be built")


@on_postgresql
def test_a_revision_that_fails_is_not_left_unless_it_is_wanted(
    service: Service,
) -> None:
    project = service.project
    project.add_to_models("    name = sa.Column(sa.Text)\n")
    project.revise("Add name")
    add_by_hand(project, f"op.execute('{VIEW}')")
    project.models.write_text(
        project.models.read_text().replace("sa.Text", "sa.String(20)")
    )
    before = project.revisions()
    *_, told = project.revise("Name", code=255).splitlines()
    parts = block("text", "no file was written").strip().split("…")
    pattern = ".+".join(re.escape(part.removeprefix(")")) for part in parts)
    assert re.fullmatch(pattern, told)
    assert project.revisions() == before
    assert re.search(
        r"^Warning: op\.alter_column",
        project.revise("Name", "-x", "untried"),
        re.MULTILINE,
    )
    *_, added = project.revisions()
    assert added not in before
    reason = told.removeprefix("FAILED: ").partition("; no file was written")[0]
    assert added.read_text().startswith(f"# Does not work yet: {reason}\n")


@on_postgresql
@pytest.mark.parametrize("more", ["", "    note = sa.Column(sa.Text)\n"])
def test_what_is_to_be_changed_by_hand_is_a_comment(
    service: Service, more: str
) -> None:
    project = service.project
    own = "autoincrement=True, primary_key=True"
    before = item("kind = sa.Column(sa.Integer{})").replace("primary_key=True", own)
    after = before.format(", primary_key=True") + more
    # It needs the primary key to know that there is one kind for each.
    view = "CREATE VIEW kinds AS SELECT kind FROM item GROUP BY id"
    change(project, before.format(", nullable=False"), after, f'op.execute("{view}")')
    output = project.revise("After")
    assert "ran up, down and up" in output
    *_, revision = project.revisions()
    shown = block("python", "change this by hand")
    assert indent(shown, "    ") in revision.read_text()
    told = " ".join(re.sub("^# ", "", shown, flags=re.MULTILINE).split())
    assert f"Warning: {told}\n" in output
    differs = told.removeprefix("change this by hand: ")
    assert f"('differs', '{differs}')" in project.run("alembic", "check", code=255)
    changed = "ALTER TABLE item DROP CONSTRAINT pk_item, ADD CONSTRAINT pk_item"
    sql = f"DROP VIEW kinds; {changed} PRIMARY KEY (id, kind)"
    add_by_hand(project, f'op.execute("{sql}")')
    assert project.run("alembic", "check") == NOTE + CLEAN


def test_own_hooks_run_first(service: Service) -> None:
    project = service.project
    hook = project.path / "spoil.py"
    hook.write_text(
        "import sys; open(sys.argv[1], 'a').write('raise ValueError(1)\\n')"
    )
    ini = project.path / "alembic.ini"
    ini.write_text(
        ini.read_text().replace(
            "hooks = imports, ruff\n",
            "hooks = imports, ruff, spoil\nspoil.type = exec\nspoil.executable = python\n"
            "spoil.cwd = %(here)s\nspoil.options = spoil.py REVISION_SCRIPT_FILENAME\n",
        )
    )
    project.add_username()
    before = project.revisions()
    *_, told = project.revise("Add username", code=255).splitlines()
    assert "cannot be read: ValueError: 1; no file was written" in told
    assert project.revisions() == before


def test_a_downgrade_may_be_left_out(service: Service) -> None:
    project = service.project
    template = project.path / "migrations" / "script.py.mako"
    text = template.read_text()
    old = '    ${downgrades if downgrades else "pass"}\n'
    assert old in text
    template.write_text(text.replace(old, "    raise NotImplementedError\n"))
    project.add_username()
    assert re.search(r"^  ran up in \d", project.revise("Add username"), re.MULTILINE)
    shown = (
        r"^Generating .+_more\.py \.\.\.  done\n  ran up, down and up in \d\.\d\d s$"
    )
    template.write_text(text)
    project.add_to_models("    more = sa.Column(sa.Integer)\n")
    assert re.search(shown, project.revise("More"), re.MULTILINE)
    assert "ran up" not in project.run("alembic", "revision", "-m", "By hand")
