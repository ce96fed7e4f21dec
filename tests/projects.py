"""What a project and its database are to a test, however they were made."""

from __future__ import annotations

import hashlib
import subprocess
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from tests import servers


@dataclass
class AnyProject(ABC):
    """A folder with models and revisions, and the environment that commands run in."""

    path: Path
    environment: dict[str, str]
    string: str = "sa.String"
    """The type of the article's column; some databases want a length."""

    def run(
        self, *command: str | Path, code: int | None = 0, cwd: Path | None = None
    ) -> str:
        """Run a command and return all that it printed.

        Arguments:
            command: a program and its arguments.
            code: the exit code to insist on; None accepts any.
            cwd: where to run it, the project's root unless told.
        """
        ended, printed = self.start([*map(str, command)], cwd or self.path)
        assert code is None or ended == code, printed
        return printed

    @abstractmethod
    def start(self, command: list[str], cwd: Path) -> tuple[int, str]:
        """Run a command, and return its exit code and all that it printed."""

    def start_process(self, command: list[str], cwd: Path) -> tuple[int, str]:
        """Do the same in a process of its own."""
        done = subprocess.run(
            command,
            cwd=cwd,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        return done.returncode, done.stdout

    @property
    def models(self) -> Path:
        """The file of the models."""
        return self.path / "app" / "models.py"

    def add_to_models(self, text: str) -> None:
        """Write more at the end of the models."""
        with open(self.models, "a") as models:
            models.write(text)

    def add_username(self) -> None:
        """Change the model as the article does, with the line that it prints."""
        self.add_to_models(f"    username = sa.Column({self.string}, index=True)\n")

    def revisions(self) -> list[Path]:
        """Return the files of all revisions, oldest first."""
        found = self.path.glob("migrations/*versions*/*.py")
        return sorted(found, key=lambda path: path.stat().st_mtime_ns)

    def revise(self, message: str, *options: str, code: int = 0) -> str:
        """Let autogenerate write a revision and return what is printed.

        Arguments:
            message: what the revision is called.
            options: what stands before `revision`.
            code: the exit code to insist on.
        """
        command = ("revision", "--autogenerate", "-m", message)
        return self.run("alembic", *options, *command, code=code)


class AnyService(ABC):
    """A project's database.

    Attributes:
        server: what it is on, if it is no file.
        database: what it is called there.
    """

    server: servers.Server | None
    database: str

    @property
    @abstractmethod
    def file(self) -> Path:
        """The database, where it is a file."""

    @property
    def url(self) -> str:
        """The database's URL, for the tests' own SQLAlchemy."""
        if isinstance(self.server, servers.MariaDB):
            return self.server.url(database=self.database) + "?sql_mode=ANSI_QUOTES"
        if self.server:
            return self.server.url("postgresql+psycopg", self.database)
        return f"sqlite:///{self.file}"

    def create(self) -> None:
        """Make the database, where that takes a statement."""
        if self.server:
            self.server.create(self.database)

    def schema(self) -> dict[str, set[str]]:
        """Return the database's tables, each with the names of its columns."""
        return schema(self.url)

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        """Return all rows of a table, sorted."""
        engine = sa.create_engine(self.url)
        with engine.connect() as connection:
            found = connection.exec_driver_sql(f'SELECT * FROM "{table}"').all()
        engine.dispose()
        return sorted(map(tuple, found))

    def execute(self, statement: str) -> None:
        """Run a statement on the database."""
        engine = sa.create_engine(self.url)
        with engine.begin() as connection:
            connection.exec_driver_sql(statement)
        engine.dispose()

    def fingerprint(self) -> str:
        """Return a checksum of the database: its tables, their columns and their rows."""
        tables = sorted(
            (table, sorted(names)) for table, names in self.schema().items()
        )
        digest = hashlib.sha256(repr(tables).encode())
        for table, _columns in tables:
            digest.update(repr(sorted(map(repr, self.rows(table)))).encode())
        return digest.hexdigest()


def schema(url: str | sa.URL, name: str | None = None) -> dict[str, set[str]]:
    """Return a database's tables, each with the names of its columns.

    Arguments:
        url: the database.
        name: a schema in it, the default one unless told.
    """
    engine = sa.create_engine(url)
    inspector = sa.inspect(engine)
    tables = {
        table: {column["name"] for column in inspector.get_columns(table, name)}
        for table in inspector.get_table_names(name)
    }
    engine.dispose()
    return tables
