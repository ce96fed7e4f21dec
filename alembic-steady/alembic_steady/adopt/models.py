"""Models: written from a database, and proved by what they build there."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from keyword import iskeyword
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from alembic.util import CommandError
from sqlalchemy import Connection, ForeignKeyConstraint, MetaData
from sqlalchemy.exc import DBAPIError, InvalidRequestError, SQLAlchemyError

from alembic_steady import errors
from alembic_steady.adapters.description import Description, Key
from alembic_steady.adopt.base import Target
from alembic_steady.adopt.source import place_of
from alembic_steady.adopt.writer import DATABASE_TYPE, Writer
from alembic_steady.autogenerate.unmodelled import OPTIONS
from alembic_steady.scope import Scope
from alembic_steady.settings import Settings

TITLE = "The models, as they were found in the database."
UNMODELLED = "What SQLAlchemy has no words for is in the revisions alone:"
LIST = """

# What models can't say. It is in the revisions; `alembic check` leaves it alone.
{base}.metadata.info["unmodelled"] = [
{lines}]
"""
LARGE = 50
"""The number of tables from which on each of several schemas has a module of its own."""
TRIES = 8
NOT_READ = (
    "table {} can't be read: {}; change it, or leave it out: include_name=… in env.py"
)
ADDED = "the base class adds columns that the database does not have ({}): use one without columns"
NOT_BUILT = "the models can't be built: {}"


@dataclass(frozen=True)
class Models:
    """Models that have been written.

    Attributes:
        files: the text of each file, or None of one that has to go.
        unmodelled: what they can't say, in the words of `alembic check`.
    """

    files: dict[Path, str | None]
    unmodelled: list[str]


class Proof(NamedTuple):
    """What models are tried with.

    Attributes:
        options: the options of `context.configure`.
        empty: makes an empty scratch database.
        replay: builds in it what the database has.
    """

    options: Mapping[str, Any]
    empty: Callable[[], AbstractContextManager[Connection]]
    replay: Callable[[Connection], None]


def write_models(
    connection: Connection,
    settings: Settings,
    description: Description,
    target: Target,
    proof: Proof | None = None,
) -> Models:
    """Write models for all tables of a database.

    Arguments:
        connection: the database. It is as before afterwards.
        settings: the settings of the project.
        description: what the database says of the tables.
        target: where they are written.
        proof: what the models are tried with, if the database is a scratch database.

    Raises:
        CommandError: the models can't be built.
    """
    convention: Any = settings.several_metadata[0].naming_convention
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Types and indexes that can't be reflected.
        metadata = _reflected(connection, description)
        writer = Writer(connection, metadata, description, target.base, convention)
        missing = _without_model(description, metadata)
        if proof:
            missing += _proved(connection, settings, description, target, writer, proof)
    words = (_words(key, metadata) for key in sorted(missing, key=str))
    unmodelled = [*dict.fromkeys(words)]
    default = str(connection.dialect.default_schema_name)
    is_large = len(metadata.tables) >= LARGE and len(writer.schemas) > 1
    if is_large and not target.is_own:
        files = _package(target, writer, unmodelled, default)
    else:
        files = {target.file: _module(target, writer, unmodelled)}
    return Models(
        {file: text and _formatted(text, file) for file, text in files.items()},
        unmodelled,
    )


def _reflected(connection: Connection, description: Description) -> MetaData:
    """Reflect the tables that have columns; virtual tables have none.

    Raises:
        CommandError: SQLAlchemy can't read a table; the message names it.
    """
    metadata = MetaData()
    columns = {key[:2] for key in description if key.kind == "column"}
    try:
        for schema in sorted({schema for schema, _ in columns}, key=str):
            _reflect(connection, metadata, schema, columns)
    except SQLAlchemyError:
        # It does not say which one it is.
        for place in sorted(columns, key=str):
            try:
                _reflect(connection, MetaData(), place[0], {place})
            except SQLAlchemyError as error:
                name = ".".join(filter(None, place))
                told = NOT_READ.format(name, errors.plain(error).rstrip("."))
                raise CommandError(told) from error
        raise
    for table in [*metadata.tables.values()]:
        # SQLAlchemy may misread a name, such as one with a backtick on MySQL.
        known = (Key(*place_of(table), "column", it.name) for it in table.columns)
        if not all(key in description for key in known):
            metadata.remove(table)
    for table in metadata.tables.values():
        for key in [*table.foreign_key_constraints]:
            if not _is_to(key, metadata):
                table.constraints.remove(key)
                for element in key.elements:
                    element.parent.foreign_keys.discard(element)
                    table.foreign_keys.discard(element)
    return metadata


def _is_to(key: ForeignKeyConstraint, metadata: MetaData) -> bool:
    """Return whether a foreign key refers to a table that has a model.

    It may be into another database, or to a table that is left out, or that can't be named
    since there is a dot in its name or in that of a column.
    """
    try:
        place = key.elements[0].target_fullname.rpartition(".")[0]
    except InvalidRequestError:  # SQLAlchemy 2.1 says so.
        return False
    return place in metadata.tables and "." not in metadata.tables[place].name


def _reflect(
    connection: Connection,
    metadata: MetaData,
    schema: str | None,
    places: Container[tuple[str | None, str]],
) -> None:
    # A list of names would leave out those that another schema has, too.
    metadata.reflect(
        connection,
        schema=schema,
        only=lambda name, _metadata: (schema, name) in places,
        resolve_fks=False,
    )


def _words(key: Key, metadata: MetaData) -> str:
    """Return what the list says of a part, or of a table that has a model or has none."""
    modelled = {*map(place_of, metadata.tables.values())}
    is_modelled = key.kind == "table" and key[:2] in modelled
    return OPTIONS.format(key.words) if is_modelled else key.words


def _without_model(description: Description, metadata: MetaData) -> list[Key]:
    modelled = {*map(place_of, metadata.tables.values())}
    return [
        key for key in description if key.kind == "table" and key[:2] not in modelled
    ]


def _proved(
    connection: Connection,
    settings: Settings,
    description: Description,
    target: Target,
    writer: Writer,
    proof: Proof,
) -> list[Key]:
    """Write more exactly what the database says is not the same, and return what remains."""
    for _ in range(TRIES):
        with _executed(target, _module(target, writer, [])) as metadata:
            _refuse_added(metadata, writer)
            own = replace(settings, metadata=metadata)
            scope = Scope(own, proof.options, connection)
            several = own.several_metadata
            connection.rollback()
            with settings.adapter.model_database(
                connection, several, proof.empty, proof.replay
            ) as other:
                try:
                    settings.adapter.build(other, several)
                except DBAPIError as error:
                    if error.statement and writer.leave_out(error.statement):
                        continue
                    raise CommandError(NOT_BUILT.format(errors.plain(error))) from None
                except SQLAlchemyError as error:
                    raise CommandError(NOT_BUILT.format(errors.plain(error))) from None
                found = scope.describe(other)
            there = {key for key in description if key.kind == "table"}
            differences = [
                key
                for key in scope.differences(description, found)
                if key.kind != "view"
                and not (key.kind == "table" and key not in found and key in there)
            ]
        if not writer.sharpen(differences):
            return differences
    return differences


def _refuse_added(built: MetaData, writer: Writer) -> None:
    """Refuse columns that no table has, but that the base class gives to each."""
    added = {
        column.name
        for table in built.tables.values()
        for column in table.columns
        if not writer.has(table.fullname, column.name)
    }
    if added:
        raise CommandError(ADDED.format(", ".join(sorted(added))))


@contextmanager
def _executed(target: Target, text: str) -> Iterator[MetaData]:
    """Execute the text of models, and yield their metadata, as if they were imported.

    The project's own metadata is as before afterwards.

    Raises:
        CommandError: it can't be executed; that is a fault of this package.
    """
    base: Any = getattr(sys.modules[target.base_module], target.base)
    before = sys.modules.get(target.module)
    module: Any = ModuleType(target.module)
    module.__file__ = str(target.file)
    sys.modules[target.module] = module
    try:
        exec(compile(text, str(target.file), "exec"), module.__dict__)  # noqa: S102
        base = getattr(module, target.base)
        yield base.metadata
    except SQLAlchemyError as error:
        raise CommandError(NOT_BUILT.format(errors.plain(error))) from error
    finally:
        base.metadata.clear()
        base.registry.dispose()
        if before is None:
            del sys.modules[target.module]
        else:
            sys.modules[target.module] = before


def _module(target: Target, writer: Writer, unmodelled: list[str]) -> str:
    """Return the text of the module."""
    schemas = writer.schemas
    classes = [*writer.tables(schemas)]
    imports = {"import sqlalchemy as sa", *writer.imports}
    own = DATABASE_TYPE if writer.needs_type else ""
    if target.is_own and target.file.exists():
        start = _with_imports(target.file.read_text("utf-8"), imports)
    else:
        imports.add(f"from {target.base_module} import {target.base}")
        start = f'"""{_docstring(unmodelled)}"""\n\n' + "\n".join(sorted(imports))
    text = "\n\n\n".join(
        [start.rstrip() + ("\n\n" + own.rstrip() if own else ""), *classes]
    )
    if unmodelled:
        lines = "".join(f"    {line!r},\n" for line in unmodelled)
        text += LIST.format(base=target.base, lines=lines)
    return text.rstrip() + "\n"


def _package(
    target: Target, writer: Writer, unmodelled: list[str], default: str
) -> dict[Path, str | None]:
    """Return the files of a package with a module for each schema.

    Arguments:
        target: where the models belong.
        writer: writes them.
        unmodelled: what they can't say.
        default: the name of the default schema.
    """
    folder = target.file.with_suffix("")
    base = f"from {target.base_module} import {target.base}"
    modules: dict[str, str] = {}
    for schema in sorted(writer.schemas, key=str):
        name = re.sub(r"\W", "_", schema or default)
        name = f"{name}_" if name in modules or iskeyword(name) else name
        modules[name] = "\n\n\n".join(writer.tables([schema]))
    imports = {"import sqlalchemy as sa", base, *writer.imports}
    files: dict[Path, str | None] = {target.file: None}
    if writer.needs_type:
        imports.add("from .database_type import DatabaseType")
        head = "from typing import Any\n\nimport sqlalchemy as sa\n"
        title = '"""What stands for the types that SQLAlchemy has no class for."""\n\n'
        files[folder / "database_type.py"] = f"{title}{head}\n{DATABASE_TYPE}"
    for name, text in modules.items():
        head = "\n".join(sorted(imports))
        title = f'"""The models of the schema {name}."""\n\n'
        files[folder / f"{name}.py"] = f"{title}{head}\n\n\n{text}\n"
    names = sorted(modules)
    start = f'"""{_docstring(unmodelled)}"""\n\n'
    start += f"from {target.module} import {', '.join(names)}\n"
    start += f"{base}\n" if unmodelled else ""
    text = f"{start}\n__all__ = {names}\n"
    if unmodelled:
        lines = "".join(f"    {line!r},\n" for line in unmodelled)
        text += LIST.format(base=target.base, lines=lines)
    files[folder / "__init__.py"] = text
    return files


def _docstring(unmodelled: Iterable[str]) -> str:
    lines = [line.replace("\\", r"\\").replace('"""', r"\"\"\"") for line in unmodelled]
    if not lines:
        return TITLE
    return f"{TITLE}\n\n{UNMODELLED}\n\n" + "".join(f"- {line}\n" for line in lines)


def _with_imports(text: str, imports: Iterable[str]) -> str:
    """Return the text of a module with more imports behind its own."""
    found = [
        node
        for node in ast.parse(text).body
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    lines = text.splitlines()
    end = found[-1].end_lineno or 0 if found else 0
    new = [line for line in sorted(imports) if line not in lines]
    return "\n".join([*lines[:end], *new, *lines[end:]])


def _formatted(text: str, file: Path) -> str:
    """Return the text as ruff formats it, where ruff is installed."""
    if find_spec("ruff") is None:
        return text
    for options in (
        ["check", "--select", "I,F401", "--fix", "--exit-zero", "--quiet"],
        ["format", "--quiet"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *options, "--stdin-filename", file, "-"],
            check=False,
            input=text,
            capture_output=True,
            encoding="utf-8",
        )
        if done.returncode == 0 and done.stdout:
            text = done.stdout
    return text
