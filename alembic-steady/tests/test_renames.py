"""Renames: what is asked, what is refused, and what becomes of names and rows."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

import pytest
from harness import Project, Service, in_terminal

from tests.revisions import (
    AS_BUILT,
    CLEAN,
    DRIFT,
    NOTE,
    TABLES_AT_BASE,
    identifier,
    operations,
)
from tests.servers import Postgres

MODELS = '''\
"""Models of which each column is one case."""

import datetime
import enum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


class Mood(enum.Enum):
    """How somebody feels."""

    CALM = "calm"
    GLAD = "glad"


class Team(Base):
    __tablename__ = "team"

    id: Mapped[int] = mapped_column(sa.Integer, primary_key=True)


class User(Base):
    __tablename__ = "user"
    __table_args__ = (
        sa.CheckConstraint("length(checked) > 0", name="is_long"),
        sa.Index(None, "indexed", "plain"),
    )

    id: Mapped[int] = mapped_column(sa.Integer, primary_key=True)
    plain: Mapped[str] = mapped_column(sa.String(50), server_default="x")
    indexed: Mapped[str] = mapped_column(sa.String(50), index=True)
    only: Mapped[str] = mapped_column(sa.String(50), unique=True)
    checked: Mapped[str] = mapped_column(sa.String(50), comment="Not empty")
    team_id: Mapped[int] = mapped_column(sa.ForeignKey("team.id"))
    boss_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user.id"))
    mood: Mapped[Mood] = mapped_column(sa.Enum(Mood))
    flag: Mapped[bool] = mapped_column(sa.Boolean)
    amount: Mapped[int] = mapped_column(sa.Integer, server_default="1")
    state: Mapped[str] = mapped_column(sa.String(20), server_default="it's 100%")
    at: Mapped[datetime.datetime] = mapped_column(server_default=sa.func.now())
    much_longer_than_what_a_name_may_be_with_all_before_it: Mapped[int | None] = (
        mapped_column(sa.Integer, index=True)
    )
    twice: Mapped[int | None] = mapped_column(sa.Computed("amount * 2", persisted=True))


class Order(Base):
    __tablename__ = "order"

    id: Mapped[int] = mapped_column(sa.Integer, sa.Identity(), primary_key=True)
    user_id: Mapped[int] = mapped_column(
        sa.ForeignKey("user.id", ondelete="CASCADE"),
    )
'''
COLUMNS = 'plain, indexed, "only", checked, team_id, mood, flag'
ROWS = [
    "INSERT INTO team (id) VALUES (1)",
    f"INSERT INTO \"user\" ({COLUMNS}) VALUES ('a', 'b', 'c', 'd', 1, 'CALM', true)",
    f"INSERT INTO \"user\" ({COLUMNS}) VALUES ('e', 'f', 'g', 'h', 1, 'GLAD', false)",
    'UPDATE "user" SET boss_id = 1 WHERE id = 2',
    'INSERT INTO "order" (user_id) VALUES (2)',
]
ONE_MORE = (
    "INSERT INTO account (text, known, single, tested, squad_id, feeling, is_on)"
    " VALUES ('i', 'j', 'k', 'l', 1, 'CALM', true)"
)
# What is renamed, and how the models are changed to say so.
RENAMES = {
    "user.plain:text": {"    plain:": "    text:", '"plain"': '"text"'},
    "user.indexed:known": {"    indexed:": "    known:", '"indexed"': '"known"'},
    "user.only:single user.checked:tested": {
        "    only:": "    single:",
        "    checked:": "    tested:",
        "(checked": "(tested",
    },
    "user.team_id:squad_id user.boss_id:chief_id": {
        "    team_id:": "    squad_id:",
        "    boss_id:": "    chief_id:",
    },
    "user.id:key": {
        "    )\n\n    id: Mapped[int] = mapped_column(": (
            "    )\n\n    key: Mapped[int] = mapped_column("
        ),
        "user.id": "user.key",
    },
    "user.mood:feeling user.flag:is_on": {
        "    mood:": "    feeling:",
        "    flag:": "    is_on:",
    },
    "user.state:status user.at:made_at user.twice:double user.much_longer_than_what_a_name"
    "_may_be_with_all_before_it:very_much_longer_than_what_a_name_may_be_with_all_before": {
        "    state:": "    status:",
        "    at:": "    made_at:",
        "    twice:": "    double:",
        "much_longer_than_what_a_name_may_be_with_all_before_it:": (
            "very_much_longer_than_what_a_name_may_be_with_all_before:"
        ),
    },
    "user:account": {'"user"': '"account"', '"user.': '"account.'},
}


def begin(project: Project) -> None:
    """Let the only revision make the tables of the models above."""
    for revision in project.revisions():
        revision.unlink()
    (project.models).write_text(MODELS)
    project.revise("Begin")


def test_what_is_renamed_keeps_rows_and_gets_the_right_names(service: Service) -> None:
    project = service.project
    begin(project)
    service.create()
    project.run("alembic", "upgrade", "head")
    for statement in ROWS:
        service.execute(statement)
    before = {name: service.rows(name) for name in ("user", "order", "team")}
    for rename, replaced in RENAMES.items():
        project.change_models(replaced)
        options = [f"-xrename={each}" for each in rename.split()]
        assert "Warning" not in project.revise("Rename", *options)
        *_, revision = project.revisions()
        first = "op.alter_column" if "." in rename else "op.rename_table"
        for direction in ("upgrade", "downgrade"):
            assert first in operations(revision, direction)
        assert "drop_column" not in revision.read_text()
        assert "drop_table" not in revision.read_text()
    assert project.run("alembic", "check") == NOTE + CLEAN
    project.run("ruff", "check")
    project.run("ruff", "format", "--check", "migrations")
    project.run("alembic", "upgrade", "head")
    after = {name: service.rows(name) for name in ("account", "order", "team")}
    assert [*after.values()] == [*before.values()]
    assert project.compare_with_created() == []
    assert project.run(*DRIFT).endswith(AS_BUILT)
    project.run("alembic", "downgrade", identifier(project.revisions()[0]))
    assert before == {name: service.rows(name) for name in before}
    assert project.run(*DRIFT).endswith(AS_BUILT)
    project.run("alembic", "upgrade", "head")
    service.execute(ONE_MORE)
    assert [row[0] for row in service.rows("account")] == [1, 2, 3]
    project.run("alembic", "downgrade", "base")
    assert service.schema() == TABLES_AT_BASE


UP_AND_DOWN = """
from alembic import command
from alembic.config import Config

config = Config("alembic.ini")
command.check(config)
for _ in range(2):
    command.upgrade(config, "head")
    command.downgrade(config, "base")
command.upgrade(config, "head")
"""


def see_up_and_down(project: Project) -> None:
    """Run all revisions forth and back, and see that they end where the models are."""
    project.run("steady", "create")
    project.run("python", "-c", UP_AND_DOWN)
    assert project.compare_with_created() == []


def refusal(project: Project, *options: str) -> str:
    """Return why there is no revision, where nobody can be asked."""
    count = len(project.revisions())
    command = ("alembic", *options, "revision", "--autogenerate", "-m", "Two words")
    output = project.run(*command, code=255)
    assert len(project.revisions()) == count
    assert "Warning" not in output
    return output.partition("FAILED: ")[2]


@pytest.mark.full
def test_without_a_terminal_the_commands_to_type_are_named(
    copied: Callable[[str], Project],
) -> None:
    project = copied("sqlite")
    begin(project)
    project.change_models(RENAMES["user.plain:text"])
    rest = "revision --autogenerate -m 'Two words'"
    yes = f"alembic -x rename=user.plain:text {rest}"
    no = f"alembic -x allow-drop {rest}"
    question = "Was user.plain renamed to user.text? If so:"
    assert refusal(project) == f"{question}\n  {yes}\nIf not:\n  {no}\n"
    # Nothing is asked by what writes nothing.
    assert "New upgrade operations detected" in project.run(
        "alembic", "check", code=255
    )
    for command, operation in ((yes, "op.alter_column"), (no, "op.drop_column")):
        project.run(*shlex.split(command))
        *_, revision = project.revisions()
        assert operation in revision.read_text()
        revision.unlink()
    # What was typed before stays in the command.
    project.change_models({"    only:": "    single:"})
    assert "-x rename=user.only:single -x rename=user.plain:text revision" in refusal(
        project, "-x", "rename=user.plain:text"
    )


def test_what_can_not_be_done_in_one_revision_is_refused(
    copied: Callable[[str], Project],
) -> None:
    project = copied("sqlite")
    begin(project)
    for option in ("rename=user.plain:txt", "rename"):
        missing = refusal(project, "-x", option)
        assert missing.startswith(
            f"-x {option} matches no table or column that this revision drops and adds"
        )
    project.change_models(
        {
            "    plain: Mapped[str] = mapped_column(sa.String(50)": (
                "    text: Mapped[str] = mapped_column(sa.String(70)"
            ),
            '"plain"': '"text"',
        },
    )
    # It looks like a rename all the same.
    assert "-x rename=user.plain:text" in refusal(project)
    assert refusal(project, "-x", "rename=user.plain:text") == (
        "user.text has a new name and a new type, which takes two revisions: restore the old"
        " type in the model and rename the column, then change its type\n"
    )
    project.change_models({"sa.String(70)": "sa.String(50)"})
    live = ("-x", "live", "-x", "rename=user.plain:text")
    project.run("alembic", "upgrade", "head")
    assert refusal(project, *live) == (
        "a rename has to be tried out on a scratch database first: leave out -x live"
        " (or your own connection), or write the revision by hand: alembic revision -m …\n"
    )


def test_columns_of_another_type_and_other_tables_are_no_renames(
    copied: Callable[[str], Project],
) -> None:
    project = copied("sqlite")
    begin(project)
    project.change_models(
        {
            "    plain: Mapped[str] = mapped_column(sa.String(50)": (
                "    number: Mapped[int] = mapped_column(sa.Integer"
            ),
            '"plain"': '"number"',
        },
    )
    assert "Warning: drops column user.plain" in project.revise("Another column")


@pytest.mark.full
def test_a_table_and_its_column_are_renamed_in_two_revisions(service: Service) -> None:
    project = service.project
    begin(project)
    project.change_models(RENAMES["user:account"] | RENAMES["user.indexed:known"])
    assert "rename=user:account" in refusal(project)
    output = project.revise("Table", "-x", "rename=user:account")
    assert "Renames user to account\n" in output
    assert "This revision only renames the table." in output
    _, first = project.revisions()
    assert "known" not in first.read_text()
    # The next one knows the table by its new name.
    assert "rename=account.indexed:known" in refusal(project)
    project.revise("Column", "-x", "rename=account.indexed:known")
    see_up_and_down(project)


@pytest.fixture
def asked(
    copied: Callable[[str], Project],
) -> Callable[[list[tuple[str, str]]], tuple[str, str]]:
    """Return what answers questions on a terminal, and returns output and revision."""
    import pexpect

    project = copied("sqlite")
    begin(project)

    def answer(dialog: list[tuple[str, str]]) -> tuple[str, str]:
        command = ("alembic", "revision", "--autogenerate", "-m", "Asked")
        terminal = in_terminal(project, *command)
        for question, reply in dialog:
            terminal.expect_exact(f"{question} [y/N] ")
            terminal.send(reply)
        terminal.expect(pexpect.EOF)
        terminal.close()
        text = ""
        if terminal.exitstatus == 0:
            _, revision = project.revisions()
            text = revision.read_text()
            revision.unlink()
        return str(terminal.before), text

    answer.project = project  # type: ignore[attr-defined]
    return answer


def test_on_a_terminal_the_question_is_djangos(asked: Any) -> None:
    asked.project.change_models(RENAMES["user.plain:text"])
    question = "Was user.plain renamed to user.text?"
    for reply in ("y\r", "Yes\r"):
        _, revision = asked([(question, reply)])
        assert 'op.alter_column("user", "plain", new_column_name="text")' in revision
    for reply in ("n\r", "\r", "what\r"):
        output, revision = asked([(question, reply)])
        assert "Warning: drops column user.plain" in output
        assert "drop_column" in revision
    for reply in ("\x03", "\x04"):
        output, _ = asked([(question, reply)])
        assert output.strip().endswith("FAILED: no answer, so no revision was written")


def test_two_candidates_are_asked_about_one_after_the_other(asked: Any) -> None:
    asked.project.change_models(RENAMES["user.plain:text"])
    new = "    nick: Mapped[str | None] = mapped_column(sa.String(50))\n    checked:"
    asked.project.change_models({"    checked:": new})
    first, second = (
        f"Was user.plain renamed to user.{name}?" for name in ("nick", "text")
    )
    _, revision = asked([(first, "y\r")])
    assert 'new_column_name="nick"' in revision
    assert 'sa.Column("text"' in revision
    _, revision = asked([(first, "n\r"), (second, "y\r")])
    assert 'new_column_name="text"' in revision
    assert 'sa.Column("nick"' in revision
    asked.project.change_models(RENAMES["user:account"])
    output, revision = asked([("Was table user renamed to account?", "y\r")])
    assert "This revision only renames the table." in output
    assert 'op.rename_table("user", "account")' in revision


SQUAD = """

class Squad(Base):
    __tablename__ = "squad"

    id: Mapped[int] = mapped_column(sa.Integer, primary_key=True)
"""


def test_two_tables_are_asked_about_one_after_the_other(asked: Any) -> None:
    asked.project.change_models({'"team"': '"crew"', '"team.id"': '"crew.id"'})
    with open(asked.project.models, "a") as models:
        models.write(SQUAD)
    first, second = (f"Was table team renamed to {name}?" for name in ("crew", "squad"))
    _, revision = asked([(first, "y\r")])
    assert 'op.rename_table("team", "crew")' in revision
    assert 'op.create_table(\n        "squad",' in revision
    output, _ = asked([(first, "n\r"), (second, "n\r")])
    assert "Warning: drops table team" in output


@pytest.mark.full
def test_a_table_in_a_schema_and_its_sequence_are_renamed(
    any_postgres: Postgres, copied: Callable[[str], Project]
) -> None:
    project = copied("psycopg2")
    project.environment["DATABASE_URL"] = any_postgres.url(database="schemas")
    begin(project)
    project.change_models(
        {
            '        sa.Index(None, "indexed", "plain"),\n': (
                '        sa.Index(None, "indexed", "plain"),\n        {"schema": "audit"},\n'
            ),
            '"user.id"': '"audit.user.id"',
        },
    )
    *_, revision = project.revisions()
    revision.unlink()
    project.revise("Begin")
    project.change_models({'"user"': '"account"', '"audit.user.': '"audit.account.'})
    project.revise("Table", "-x", "rename=audit.user:account")
    project.change_models(RENAMES["user.indexed:known"])
    project.revise("Column", "-x", "rename=audit.account.indexed:known")
    see_up_and_down(project)
    names = "SELECT relname FROM pg_class WHERE relkind = 'S' ORDER BY 1"
    found = [name for (name,) in any_postgres.query(names, "schemas")]
    assert found == ["account_id_seq", "order_id_seq", "team_id_seq"]
    any_postgres.drop("schemas")
