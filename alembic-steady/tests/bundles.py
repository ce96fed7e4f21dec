"""Projects in which many cases of autogenerate are tried at once, since each takes seconds.

A bundle's models are those of all its cases. Where a command fails, its cases are tried in
halves, down to each alone, so that the culprit is named.
"""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from cases import FORTH, Case, Rows
from harness import DRIVERS, PlainProject, plain_project

from tests import servers

REVISION = re.compile(r"""^revision[^=]* = ["'](\w+)["']""", re.MULTILINE)
SAMPLE = Path(__file__).resolve().parent / "sample"
HEADER = """\
import enum
import uuid

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
"""
BASE = """
class Base(DeclarativeBase):
    pass
"""
NAMED_BASE = """
class Base(DeclarativeBase):
    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
"""
BYSTANDER = """
sa.Table("bystander", Base.metadata, sa.Column("id", sa.Integer, primary_key=True))
"""
"""Models without tables are refused."""

HOOK = """\
[post_write_hooks]
hooks = imports, ruff
imports.type = module
imports.module = ruff
imports.cwd = %(here)s
imports.options = check --select I --fix --quiet REVISION_SCRIPT_FILENAME
ruff.type = module
ruff.module = ruff
ruff.cwd = %(here)s
ruff.options = format --quiet REVISION_SCRIPT_FILENAME
"""
BY_HAND = """\
from alembic import op

revision = {revision!r}
down_revision = {down!r}
branch_labels = None
depends_on = None


def upgrade() -> None:
{statements}


def downgrade() -> None:
{undo}
"""
TABLES_AT_BASE = {"alembic_version"}


class Failed(Exception):
    """A command has failed."""


@dataclass
class Bundle:
    """A project with some cases, whose models change in one way."""

    project: PlainProject
    cases: Sequence[Case]
    way: str
    problems: dict[str, list[str]] = field(default_factory=dict)
    """What is wrong with each case, by its name."""

    def run(self) -> None:
        """Write a revision for the change, and run it up, down and up again."""
        self.begin()
        self.command("the first upgrade", "upgrade", "head")
        self.look("the first revision")
        if self.write_between():
            self.command("the upgrade by hand", "upgrade", "head")
        self.insert()
        ended, printed = self.write_change(self.cases)
        if ended and all(case.may_be_refused for case in self.cases):
            self.note(self.cases[0], one_line(printed, ""))
            return
        if ended:
            raise Failed(told("writing the revision", printed))
        if not self.written and not all(map(is_same, self.cases)):
            raise Failed(told("writing no revision", printed))
        self.judge_revision(printed)
        self.command("the upgrade", "upgrade", "head")
        self.look("the upgrade")
        self.judge_database(after=True)
        if self.written:
            self.go_back()
        self.command("the downgrade to base", "downgrade", "base")
        if left := self.project.tables() - TABLES_AT_BASE - self.by_hand_tables():
            raise Failed(f"the downgrade to base leaves {left}")

    def go_back(self) -> None:
        """Run the revision down and up again."""
        self.command("the downgrade", "downgrade", f"-{len(self.written)}")
        self.drift("the downgrade")
        self.judge_database(after=False)
        self.command("the second upgrade", "upgrade", "head")
        self.drift("the second upgrade")

    def refuse(self) -> None:
        """See that no revision is written for each change, and that one line says why."""
        self.begin()
        self.write_between()
        files = self.project.revisions()
        for case in self.cases:
            ended, printed = self.write_change([case])
            if not ended:
                self.note(case, [f"it is not refused: {printed}"])
            if self.project.revisions() != files:
                raise Failed(told(f"{case.name} has left a revision", printed))
            for word in case.refused or ():
                self.note(case, one_line(printed, word))

    # Steps

    def begin(self) -> None:
        """Write what there is before the change."""
        if statements := [line for case in self.cases for line in case.history]:
            self.write_by_hand("history", statements)
        self.write_models([])
        self.texts = [self.revise("Before")]

    def write_between(self) -> bool:
        """Write the revision by hand that stands before the change, if there is one."""
        statements = [line for case in self.cases for line in case.between]
        if statements:
            undo = [line for case in self.cases for line in case.undo]
            self.write_by_hand("between", statements, undo)
        return bool(statements)

    def write_change(self, changed: Sequence[Case]) -> tuple[int, str]:
        """Let autogenerate write the revision, and return its code and what is printed."""
        self.write_models(changed)
        known = self.project.revisions()
        # What has gone and what is new is no rename: each belongs to another case.
        command = ["alembic", "-x", "allow-drop", "revision", "--autogenerate"]
        ended, printed = self.project.start(
            [*command, "-m", "After"], self.project.path
        )
        self.written = [file for file in self.project.revisions() if file not in known]
        self.texts.append("\n".join(file.read_text() for file in self.written))
        return ended, printed

    def write_models(self, changed: Sequence[Case]) -> None:
        """Write the models after the change of these cases, and before that of others."""
        imports = {line for case in self.cases for line in case.imports.splitlines()}
        parts = [
            HEADER,
            *(f"{line}\n" for line in sorted(imports)),
            NAMED_BASE if self.cases[0].is_named else BASE,
            BYSTANDER,
            *(
                case.models[(case in changed) == (self.way == FORTH)]
                for case in self.cases
            ),
        ]
        self.project.models.write_text("\n".join(parts))

    def revise(self, message: str) -> str:
        """Let autogenerate write a revision, if there is anything to write, and return it."""
        known = self.project.revisions()
        self.command(
            f"writing revision {message}", "revision", "--autogenerate", "-m", message
        )
        written = [file for file in self.project.revisions() if file not in known]
        return "\n".join(file.read_text() for file in written)

    def write_by_hand(
        self, name: str, statements: Sequence[str], undo: Sequence[str] = ()
    ) -> None:
        """Write a revision that runs statements, and others on the way down."""
        files = self.project.revisions()
        down = re.search(REVISION, files[-1].read_text()) if files else None
        text = BY_HAND.format(
            revision=f"{name}_1",
            down=down and down[1],
            statements="\n".join(
                f"    op.execute({escaped(it)!r})" for it in statements
            ),
            undo="\n".join(f"    op.execute({escaped(it)!r})" for it in undo)
            or "    pass",
        )
        folder = self.project.path / "migrations" / "versions"
        (folder / f"{name}_by_hand.py").write_text(text)

    def command(self, step: str, *command: str) -> str:
        """Run a command of Alembic, and return what it prints."""
        ended, printed = self.project.start(["alembic", *command], self.project.path)
        if ended or "Traceback" in printed:
            raise Failed(told(step, printed))
        return printed

    def look(self, step: str) -> None:
        """See that there is nothing left to write, and that the database is as built."""
        self.command(f"check after {step}", "check")
        self.drift(step)

    def drift(self, step: str) -> None:
        """See that the database is what its revisions build."""
        ended, printed = self.project.start(["steady", "drift"], self.project.path)
        if ended or "no drift" not in printed:
            raise Failed(told(f"drift after {step}", printed))

    # Rows

    def insert(self) -> None:
        """Insert the rows of all cases."""
        with self.connect() as connection:
            for case in self.cases:
                for table, rows in case.rows_on(self.way)[0].items():
                    for row in rows:
                        connection.exec_driver_sql(insertion(connection, table, row))

    def find(
        self, connection: sa.Connection, rows: Rows, *, may_be_more: bool
    ) -> Iterator[str]:
        """Yield what differs from rows that there have to be."""
        quote = connection.dialect.identifier_preparer.quote
        for table, expected in rows.items():
            if not expected:
                continue
            names = [*expected[0]]
            columns = ", ".join(map(quote, names))
            query = f"SELECT {columns} FROM {quote(table)}"
            found = [tuple(row) for row in connection.exec_driver_sql(query)]
            wanted = [tuple(row[name] for name in names) for row in expected]
            if may_be_more:
                found = [row for row in found if row in wanted]
            if sorted(found, key=repr) != sorted(wanted, key=repr):
                yield f"rows of {table}: {found}, not {wanted}"

    @contextmanager
    def connect(self) -> Iterator[sa.Connection]:
        """Open a transaction on the project's database."""
        engine = sa.create_engine(self.project.url, poolclass=sa.NullPool)
        with engine.begin() as connection:
            yield connection

    def by_hand_tables(self) -> set[str]:
        """Return the tables that revisions by hand have made, which they do not drop."""
        made = r"CREATE (?:TABLE|VIEW) \W?(\w+)"
        lines = [it for case in self.cases for it in (*case.history, *case.between)]
        return {name for line in lines for name in re.findall(made, line)}

    # Judgements

    def note(self, case: Case, problems: Sequence[str]) -> None:
        """Keep what is wrong with a case."""
        self.problems.setdefault(case.name, []).extend(problems)

    def judge_revision(self, printed: str) -> None:
        """See what has been written and printed about each case."""
        for case in self.cases:
            first, second = (mentions(text, case.name) for text in self.texts)
            if case.is_silent and second:
                self.note(case, [f"it is mentioned:\n{second}"])
            if not is_same(case) and not second:
                self.note(case, ["the revision does not mention it"])
            if self.way == FORTH:
                lacks = [it for it in case.writes if it.lower() not in second.lower()]
                self.note(case, [f"no {it} in:\n{second}" for it in lacks])
                self.note(case, unsaid(case.says, printed))
            for words in case.never:
                if words in first + second:
                    self.note(case, [f"{words} in:\n{first}{second}"])

    def judge_database(self, *, after: bool) -> None:
        """See what is in the database: after the change, or after its undoing."""
        for case in self.cases:
            given, expected = case.rows_on(self.way)
            # What a column or a table has held is gone for good, other rows are not.
            kept = {name: given[name] for name in given if name in expected}
            rows = expected if after else identifiers(kept)
            with self.connect() as connection:
                lost = self.find(connection, rows, may_be_more=not after)
                self.note(case, [*lost])
                for query, answers in case.answers.items():
                    found = connection.exec_driver_sql(query).scalar()
                    answer = answers[after == (self.way == FORTH)]
                    if found != answer:
                        self.note(case, [f"{query}: {found!r}, not {answer!r}"])


def is_same(case: Case) -> bool:
    """Return whether there is nothing to write because of the models of a case."""
    return case.is_silent or case.models[0] == case.models[1]


def identifiers(rows: Rows) -> Rows:
    """Return the identifiers of rows alone."""
    return {
        table: [{"id": row["id"]} for row in there]
        for table, there in rows.items()
        if all("id" in row for row in there)
    }


def told(step: str, printed: str) -> str:
    """Return what has failed, with the end of what was printed."""
    lines = printed.splitlines()[-25:]
    return "\n".join([f"{step}:", *lines])


def one_line(printed: str, word: str) -> list[str]:
    """Return what is wrong with a failure that has to be one line, the last, with a word."""
    lines = [line for line in printed.splitlines() if line.strip()]
    ours = [line for line in lines if "FAILED: " in line]
    problems = []
    if "Traceback" in printed or len(ours) != 1 or lines[-1:] != ours:
        problems.append(f"not one line at the end: {printed}")
    elif word.lower() not in lines[-1].lower():
        problems.append(f"no {word} in {lines[-1]}")
    return problems


def unsaid(words: Sequence[str], printed: str) -> list[str]:
    """Return that no line has all the words, if that is so."""
    for line in printed.splitlines():
        if all(word.lower() in line.lower() for word in words):
            return []
    return [f"no line with {words} in: {printed}"]


def mentions(revision: str, name: str) -> str:
    """Return the statements of a revision that mention a case, with their comments."""
    found = []
    for function in ast.parse(revision).body:
        if not isinstance(function, ast.FunctionDef):
            continue
        start = function.lineno
        for statement in function.body:
            lines = revision.splitlines()[start : statement.end_lineno]
            start = statement.end_lineno or start
            text = "\n".join(lines) + "\n"
            if re.search(rf"(?<![a-z0-9]){name}(?![a-z0-9])", text, re.IGNORECASE):
                found.append(text)
    return "".join(found)


def insertion(connection: sa.Connection, table: str, row: Mapping[str, Any]) -> str:
    """Return the statement that inserts a row, for the driver."""
    quote = connection.dialect.identifier_preparer.quote
    columns = ", ".join(map(quote, row))
    values = ", ".join(map(literal, row.values()))
    return f"INSERT INTO {quote(table)} ({columns}) VALUES ({values})"


def literal(value: Any) -> str:
    """Return a value as SQL."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        return str(value)
    text = str(value).replace("'", "''").replace("%", "%%")
    return f"'{text}'"


def escaped(statement: str) -> str:
    """Return a statement as `op.execute` takes it: it reads `:x` as a parameter."""
    return re.sub(r"(?<!:):(?=\w)", r"\\:", statement)


@dataclass
class Bundles:
    """Where cases are tried.

    Attributes:
        folder: an empty folder, in which those projects stay that came out right.
        start: starts, or returns, the server; None where databases are files.
    """

    folder: Path
    start: Callable[[], servers.Server | None]
    numbers: Iterator[int] = field(default_factory=count)

    def examine(
        self, family: str, cases: Sequence[Case], way: str
    ) -> dict[str, list[str]]:
        """Return what is wrong with each case, by its name.

        Arguments:
            family: the family of databases to try them on.
            cases: those of one bundle.
            way: in which way the models change.
        """
        try:
            return self.run(family, cases, way)
        except Failed as error:
            if len(cases) == 1:
                return {cases[0].name: [str(error)]}
            reason = f"fails beside the others: {error}"
        half = len(cases) // 2
        found = {
            **self.examine(family, cases[:half], way),
            **self.examine(family, cases[half:], way),
        }
        if not any(found.values()):
            found = {case.name: [reason] for case in cases}
        return found

    def run(self, family: str, cases: Sequence[Case], way: str) -> dict[str, list[str]]:
        """Try cases in one project, and return what is wrong with each.

        Raises:
            Failed: a command has failed, because of any of them.
        """
        with self.new_project(family) as project:
            bundle = Bundle(project, cases, way)
            if cases[0].refused is not None:
                bundle.refuse()
            else:
                bundle.run()
        return {case.name: bundle.problems.get(case.name, []) for case in cases}

    @contextmanager
    def new_project(self, family: str) -> Iterator[PlainProject]:
        """Make a project with an empty database, and remove it if anything fails."""
        number = next(self.numbers)
        folder = self.folder / str(number)
        folder.mkdir(parents=True)
        server = self.start()
        driver = {"postgresql": "psycopg", "mysql": "pymysql"}.get(family, family)
        try:
            if server is None:
                (folder / "app.db").touch()
                yield as_generated(folder, f"sqlite:///{folder / 'app.db'}")
            else:
                server.create(f"bundle_{number}")
                url = server.url(DRIVERS[driver], f"bundle_{number}")
                yield as_generated(folder, url)
                assert not [it for it in server.databases() if it.startswith("shadow_")]
        except BaseException:
            shutil.rmtree(folder)
            raise
        finally:
            if server is not None:
                server.drop(f"bundle_{number}")


def as_generated(folder: Path, url: str) -> PlainProject:
    """Make a project whose revisions are formatted as those of a generated repository."""
    project = plain_project(folder, url)
    shutil.copy(SAMPLE / "migrations" / "script.py.mako", folder / "migrations")
    shutil.copy(SAMPLE / "pyproject.toml", folder)
    ini = folder / "alembic.ini"
    ini.write_text(ini.read_text().replace("[post_write_hooks]\n", HOOK, 1))
    return project
