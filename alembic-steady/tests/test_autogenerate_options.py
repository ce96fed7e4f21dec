"""What the owner of a project tells Alembic holds in autogenerate, its trial and drift."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from harness import USERNAME, migrate, tell
from harness import PlainProject as Project

from tests import servers
from tests.revisions import CLEAN, NOTE

RAN = re.compile(r"^\s*ran up, down and up in \d+\.\d\d s$", re.MULTILINE)
HIDE = """\
def is_wanted(thing, name, kind, reflected, other):
    return not str(name).startswith("hidden")
"""
HIDE_NAME = """\
def is_wanted(name, kind, parents):
    return not str(name).startswith("hidden")
"""
HIDDEN = """\
    hidden: Mapped[str | None] = mapped_column(sa.String(50))
    seen: Mapped[str | None] = mapped_column(sa.String(50))

    __table_args__ = (sa.Index("hidden_ix", "id"), sa.Index("seen_ix", "seen"))


class Hidden(Base):
    __tablename__ = "hidden_table"

    id: Mapped[int] = mapped_column(primary_key=True)
"""


def execute(project: Project, *statements: str) -> None:
    """Run statements on the project's database."""
    engine = sa.create_engine(project.url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def assert_clean(project: Project) -> None:
    """See that nothing is left to write, and that the database is as built."""
    assert project.run("alembic", "check") == NOTE + CLEAN
    assert project.run("steady", "drift").endswith(":\nno drift\n")


def revise_by_hand(project: Project, *statements: str, name: str = "by hand") -> None:
    """Write a revision that runs statements."""
    known = project.revisions()
    project.run("alembic", "revision", "-m", name)
    (written,) = {*project.revisions()} - {*known}
    lines = "".join(f"    op.execute({statement!r})\n" for statement in statements)
    written.write_text(written.read_text().replace("    pass\n", lines, 1))


def the_only_line(output: str) -> str:
    """Return the last line of an output, which is the only one that tells of a failure."""
    lines = output.splitlines()
    assert "Traceback" not in output
    assert [line for line in lines if "FAILED: " in line] == lines[-1:], output
    return lines[-1]


def test_a_revision_says_that_it_has_run(project: Project) -> None:
    assert RAN.search(project.revise("first"))
    migrate(project)
    project.add_to_models(USERNAME)
    assert RAN.search(project.revise("second"))
    assert len(project.revisions()) == 2


def test_what_include_object_leaves_out_is_nowhere_compared(project: Project) -> None:
    tell(project, HIDE, "include_object=is_wanted")
    revise_by_hand(project, "CREATE TABLE hidden_history (id INTEGER)")
    project.revise("first")
    project.add_to_models(HIDDEN)
    assert RAN.search(project.revise("second"))
    *_, first, second = project.revisions()
    assert "hidden" not in first.read_text() + second.read_text()
    migrate(project)
    assert project.tables() == {"alembic_version", "user", "hidden_history"}
    assert_clean(project)
    execute(
        project,
        "ALTER TABLE hidden_history ADD extra INTEGER",
        "CREATE TABLE hidden_by_others (id INTEGER)",
    )
    assert_clean(project)


def test_what_include_name_leaves_out_is_not_dropped(project: Project) -> None:
    tell(project, HIDE_NAME, "include_name=is_wanted")
    revise_by_hand(project, "CREATE TABLE hidden_history (id INTEGER)")
    assert RAN.search(project.revise("first"))
    *_, revision = project.revisions()
    assert "hidden" not in revision.read_text()
    migrate(project)
    assert_clean(project)
    execute(project, "ALTER TABLE hidden_history ADD extra INTEGER")
    assert_clean(project)


def test_a_version_table_in_a_schema_of_its_own(
    any_postgres: servers.Postgres, new_project: Callable[..., Project]
) -> None:
    project = new_project(any_postgres.url("postgresql+psycopg", "orders"))
    project.configure(version_table="v", version_table_schema="meta")
    for name in ("first", "second"):
        assert RAN.search(project.revise(name))
        project.run("steady", "create")
        any_postgres.query("CREATE SCHEMA IF NOT EXISTS meta", "orders")
        migrate(project)
        assert_clean(project)
        *_, revision = project.revisions()
        assert not re.search(r"\bv\b|meta", revision.read_text())
        project.add_to_models(USERNAME if name == "first" else "")


CONVENTION = """\
class Base(DeclarativeBase):
    metadata = sa.MetaData(
        naming_convention={
            "ix": "i_%(table_name)s_%(column_0_name)s",
            "uq": "u_%(table_name)s_%(column_0_name)s",
            "ck": "c_%(table_name)s_%(constraint_name)s",
            "fk": "f_%(table_name)s_%(column_0_name)s",
            "pk": "p_%(table_name)s",
        }
    )
"""
CONSTRAINED = """\
    a: Mapped[int | None] = mapped_column(sa.ForeignKey("user.id"), index=True)
    b: Mapped[int | None] = mapped_column(unique=True)
    c: Mapped[int | None] = mapped_column()

    __table_args__ = (sa.CheckConstraint("c > 0", name="positive"),)
"""


def test_an_own_naming_convention_holds(project: Project) -> None:
    plain = "class Base(DeclarativeBase):\n    pass\n"
    project.change_models({plain: CONVENTION})
    project.revise("first")
    migrate(project)
    assert_clean(project)
    project.add_to_models(CONSTRAINED)
    project.revise("second")
    project.run("alembic", "upgrade", "head")
    assert_clean(project)
    engine = sa.create_engine(project.url, poolclass=sa.NullPool)
    inspector = sa.inspect(engine)
    found = {
        part["name"]
        for get in (
            inspector.get_indexes,
            inspector.get_unique_constraints,
            inspector.get_check_constraints,
            inspector.get_foreign_keys,
        )
        for part in get("user")
    }
    engine.dispose()
    assert found == {"i_user_a", "u_user_b", "f_user_a", "c_user_positive"}
    project.run("alembic", "downgrade", "base")
    assert project.tables() == {"alembic_version"}


def test_a_revision_of_the_history_that_fails_is_one_line(project: Project) -> None:
    project.revise("first")
    migrate(project)
    revise_by_hand(project, "SELECT nonsense FROM nowhere", name="wrong")
    *_, wrong = project.revisions()
    identifier = wrong.stem.partition("_")[0]
    project.run("alembic", "stamp", "head")
    project.add_to_models(USERNAME)
    revise = ("alembic", "revision", "--autogenerate", "-m", "second")
    for command in (("alembic", "check"), revise, ("steady", "drift")):
        line = the_only_line(project.run(*command, code=255))
        assert identifier in line
        assert "nowhere" in line
    assert len(project.revisions()) == 2


def test_identifiers_branches_and_dependencies_are_as_told(
    file_project: Project,
) -> None:
    project = file_project
    revise = ("alembic", "revision", "--autogenerate")
    project.run(*revise, "-m", "first", "--rev-id", "aaa1")
    project.run("alembic", "revision", "-m", "by hand", "--rev-id", "bbb1")
    project.add_to_models(USERNAME)
    output = project.run(
        *(*revise, "-m", "more", "--rev-id", "ccc1", "--head", "aaa1"),
        *("--splice", "--branch-label", "other"),
    )
    assert RAN.search(output)
    project.add_to_models("    nickname: Mapped[str | None] = mapped_column(sa.Text)\n")
    output = project.run(
        *(*revise, "-m", "last", "--rev-id", "ddd1", "--head", "other@head"),
        *("--depends-on", "bbb1"),
    )
    assert RAN.search(output)
    texts = {file.stem[:4]: file.read_text() for file in project.revisions()}
    assert re.search("^down_revision.* = 'aaa1'$", texts["ccc1"], re.MULTILINE)
    assert re.search(r"^branch_labels.* = \('other',\)$", texts["ccc1"], re.MULTILINE)
    assert re.search("^down_revision.* = 'ccc1'$", texts["ddd1"], re.MULTILINE)
    assert re.search("^depends_on.* = 'bbb1'$", texts["ddd1"], re.MULTILINE)
    migrate(project)
    assert_clean(project)
    assert project.columns("user") == {"id", "username", "nickname"}


SPLIT = """\
from alembic.operations import ops
from alembic.util import rev_id


def split(migration, revision, directives):
    (script,) = directives
    if len(script.upgrade_ops.ops) < 2:
        return
    forth, back = script.upgrade_ops.ops, script.downgrade_ops.ops
    more = ops.MigrationScript(
        rev_id(),
        ops.UpgradeOps(forth[1:]),
        ops.DowngradeOps(back[:-1]),
        message="more",
        head=script.rev_id,
    )
    script.upgrade_ops.ops, script.downgrade_ops.ops = forth[:1], back[-1:]
    directives.append(more)
"""
SECOND_TABLE = """\


class Order(Base):
    __tablename__ = "order"

    id: Mapped[int] = mapped_column(primary_key=True)
"""


def test_an_own_hook_splits_a_revision_into_two_files(project: Project) -> None:
    tell(project, SPLIT, "process_revision_directives=split")
    project.add_to_models(SECOND_TABLE)
    output = project.revise("both")
    assert RAN.search(output)
    revisions = project.revisions()
    assert len(revisions) == 2
    assert [it.read_text().count("op.create_table(") for it in revisions] == [1, 1]
    migrate(project)
    assert_clean(project)
    project.run("alembic", "downgrade", "-1")
    assert len(project.tables()) == 2
    project.run("alembic", "downgrade", "base")
    assert project.tables() == {"alembic_version"}


def test_an_own_hook_may_refuse_to_write(file_project: Project) -> None:
    nothing = "def nothing(migration, revision, directives):\n    directives.clear()\n"
    tell(file_project, nothing, "process_revision_directives=nothing")
    file_project.revise("first")
    assert not file_project.revisions()


NEEDED = "    needed: Mapped[int] = mapped_column()\n"


@pytest.fixture(params=["sqlite", "psycopg"])
def failing_project(
    request: pytest.FixtureRequest, new_project: Callable[..., Project], tmp_path: Path
) -> Project:
    """Return a project whose models need what its rows do not have."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'app.db'}"
    else:
        server: servers.Postgres = request.getfixturevalue("any_postgres")
        url = server.url("postgresql+psycopg", "orders")
    project = new_project(url)
    project.revise("first")
    revise_by_hand(project, 'INSERT INTO "user" (id) VALUES (1)')
    project.add_to_models(NEEDED)
    return project


def test_a_revision_that_fails_is_not_written_unless_wanted(
    failing_project: Project,
) -> None:
    project = failing_project
    known = project.revisions()
    line = the_only_line(project.revise("second", code=255))
    assert "needed" in line
    assert "alembic -x untried revision --autogenerate" in line
    assert project.revisions() == known
    project.revise("second", "-x", "untried")
    (written,) = {*project.revisions()} - {*known}
    head, *_ = written.read_text().splitlines()
    assert head.startswith("#") and "needed" in head


def test_a_downgrade_that_is_not_implemented_is_no_failure(project: Project) -> None:
    mako = project.path / "migrations" / "script.py.mako"
    text = mako.read_text()
    downgrade = '${downgrades if downgrades else "pass"}'
    assert downgrade in text
    mako.write_text(text.replace(downgrade, "raise NotImplementedError"))
    project.revise("first")
    migrate(project)
    project.add_to_models(USERNAME)
    output = project.revise("second")
    assert re.search(r"^\s*ran up in \d+\.\d\d s$", output, re.MULTILINE)
    project.run("alembic", "upgrade", "head")
    assert_clean(project)


HOOK = """\
from pathlib import Path

from alembic.script import write_hooks


@write_hooks.register("owners")
def change(path, options):
    file = Path(path)
    file.write_text(file.read_text().replace({old!r}, {new!r}))
"""
HOOKS = "[post_write_hooks]\nhooks = owners\nowners.type = owners\n"


def add_hook(project: Project, old: str, new: str) -> None:
    """Let a hook of the owner replace text in each file that is written."""
    ini = project.path / "alembic.ini"
    ini.write_text(ini.read_text().replace("[post_write_hooks]\n", HOOKS, 1))
    env = project.path / "migrations" / "env.py"
    env.write_text(HOOK.format(old=old, new=new) + env.read_text())


def test_an_own_write_hook_may_change_the_file(file_project: Project) -> None:
    add_hook(file_project, "def upgrade", "# Ours\ndef upgrade")
    assert RAN.search(file_project.revise("first"))
    (revision,) = file_project.revisions()
    assert "# Ours\n" in revision.read_text()
    migrate(file_project)
    assert_clean(file_project)


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("create_table('user'", "create_table('users'", "user"),
        ("sa.Integer()", "sa.Missing()", "Missing"),
        ("def upgrade", "def upgrade(", "syntax"),
        ("drop_table('user')", "execute('SELECT 1')", "user"),
    ],
    ids=["table", "name", "syntax", "downgrade"],
)
def test_what_an_own_write_hook_breaks_is_not_left(
    file_project: Project, old: str, new: str, word: str
) -> None:
    add_hook(file_project, old, new)
    line = the_only_line(file_project.revise("first", code=255))
    assert word in line
    assert not file_project.revisions()


def test_a_first_revision_without_a_server_says_that_it_has_not_run(
    new_project: Callable[..., Project],
) -> None:
    project = new_project("postgresql+psycopg://u:p@192.0.2.1/orders?connect_timeout=1")
    project.revise("first")
    (revision,) = project.revisions()
    head, *_ = revision.read_text().splitlines()
    assert head.lower().startswith("# not run yet")


def test_nothing_is_tried_on_the_real_database(project: Project) -> None:
    project.revise("first")
    migrate(project)
    project.add_to_models(USERNAME)
    output = project.revise("second", "-x", "live")
    assert "ran up" not in output
    assert project.columns("user") == {"id"}
    project.run("alembic", "upgrade", "head")
    assert_clean(project)


SPELLED = """\
    a: Mapped[bool] = mapped_column(server_default=sa.text("false"))
    b: Mapped[str] = mapped_column(sa.String(9), server_default=sa.text("'x'"))
    c: Mapped[int] = mapped_column(server_default=sa.text("'5'"))
    d: Mapped[str] = mapped_column(sa.DateTime, server_default=sa.func.now())

    __table_args__ = (sa.CheckConstraint("c>0 and  NOT (c = 7)", name="user_c"),)
"""


def test_what_databases_print_alike_is_not_detected(project: Project) -> None:
    ini = project.path / "alembic.ini"
    quiet = "[logger_alembic]\nlevel = WARNING"
    assert quiet in ini.read_text()
    ini.write_text(ini.read_text().replace(quiet, quiet.replace("WARNING", "INFO")))
    project.add_to_models(SPELLED)
    assert "Detected added table" in project.revise("first")
    output = project.revise("second")
    assert "No changes in the models" in output
    # It is no change that a key has a sequence.
    assert not re.search("Detected (?!sequence named)", output)
    assert len(project.revisions()) == 1


DRIFTED = {
    "sqlite": ("DROP INDEX seen_ix", "CREATE INDEX seen_ix ON seen (n) WHERE n > 1"),
    "postgresql": (
        "DROP INDEX seen_ix",
        "CREATE INDEX seen_ix ON seen (n) WHERE n > 1",
        "ALTER TABLE seen DROP CONSTRAINT seen_n",
        "ALTER TABLE seen ADD CONSTRAINT seen_n CHECK (n > 1)",
    ),
    "mariadb": (
        "ALTER TABLE seen DROP CONSTRAINT seen_n",
        "ALTER TABLE seen ADD CONSTRAINT seen_n CHECK (n > 1)",
        "ALTER TABLE seen DROP INDEX seen_ix, ADD INDEX seen_ix (n DESC)",
    ),
}


def test_drift_sees_what_the_descriptions_say(project: Project) -> None:
    project.add_to_models("""\


class Seen(Base):
    __tablename__ = "seen"

    id: Mapped[int] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column()

    __table_args__ = (
        sa.CheckConstraint("n > 0", name="seen_n"),
        sa.Index(
            "seen_ix", "n", postgresql_where=sa.text("n > 0"), sqlite_where=sa.text("n > 0")
        ),
    )
""")
    project.revise("first")
    migrate(project)
    assert_clean(project)
    family = sa.make_url(project.url).get_backend_name()
    execute(project, *DRIFTED[family])
    lines = project.run("steady", "drift", code=1).splitlines()[1:]
    expected = 1 if family == "sqlite" else 2
    assert len(lines) == expected and all(" seen.seen_" in line for line in lines)
