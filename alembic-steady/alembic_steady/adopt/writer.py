"""Writes the classes: each part as the database says it, in SQLAlchemy's words.

Most can be said in several ways, from the plain one to the very text of the database. A
part is written in the plain one first. Where the database then says that it is not the
same, `sharpen` lets it be written in the next.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate.api import AutogenContext
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData, Table
from sqlalchemy.dialects import mysql
from sqlalchemy.dialects.postgresql import DOMAIN

from alembic_steady import private
from alembic_steady.adapters.description import Description, Key, Part
from alembic_steady.adopt.names import Names

GENERIC, OWN, VERBATIM = range(3)
"""How a type is written: as one of all databases, of this one, or as the database's text."""
LEFT_OUT = 2
"""How an index or a check is written that SQLAlchemy can't create."""
GENERATED = frozenset(("autoincrement", "default", "identity", "sequence"))
"""Aspects of a column that SQLAlchemy adds to a key of one number by itself."""
COLON = re.compile(r"(?<![:\w\\]):(?=\w)")
ON_INDEX = re.compile(
    r"(?is)\s*CREATE\s+(UNIQUE\s+)?INDEX\s.*?\sON\s+(?:ONLY\s+)?.*?(?:USING\s+(\w+)\s*)?\("
)
ADAPTED = re.compile(r"(?:, )?_create_events=False")
"""What SQLAlchemy tells a type that it has made from another."""
REFERENCES = {
    "ondelete": re.compile(r"(?i)\bON\s+DELETE\s+(SET \w+|NO ACTION|\w+)(\s*\(.*?\))?"),
    "onupdate": re.compile(r"(?i)\bON\s+UPDATE\s+(SET \w+|NO ACTION|\w+)"),
    "match": re.compile(r"(?i)\bMATCH\s+(\w+)"),
    "initially": re.compile(r"(?i)\bINITIALLY\s+(\w+)"),
}
PREFIXES = {"sqlalchemy_module_prefix": "sa.", "user_module_prefix": None}
"""How Alembic writes types."""
DATABASE_TYPE = '''
class DatabaseType(sa.types.UserDefinedType[Any]):
    """A type that SQLAlchemy has no class for, in the words of the database."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_options: Any) -> str:
        """Return what stands behind the name of a column."""
        return self.name

'''


class Writer:
    """Writes the models of a database.

    Attributes:
        imports: the lines that import what the models name.
        needs_type: whether `DatabaseType` is used.
    """

    def __init__(
        self,
        connection: Connection,
        metadata: MetaData,
        description: Description,
        base: str,
        convention: Mapping[str, Any],
    ) -> None:
        """Prepare to write models.

        Arguments:
            connection: the database.
            metadata: its tables, reflected.
            description: what the database says of them.
            base: the name of the base class.
            convention: the naming convention of the models.
        """
        self._names = Names(metadata, connection, base)
        self._base = base
        self._dialect = connection.dialect
        self._convention = convention
        self._tables = metadata.tables
        self._parts: dict[tuple[str | None, str], list[tuple[Key, Part]]]
        self._parts = defaultdict(list)
        for key, part in sorted(description.items(), key=str):
            self._parts[key[:2]].append((key, part))
        self._description = description
        self._rendering = AutogenContext(
            MigrationContext.configure(connection, opts=PREFIXES)
        )
        self._levels: dict[Key, int] = defaultdict(int)
        self._written: dict[tuple[str | None, str], str] = {}
        self._known: dict[Any, str | None] = {}
        self._copies: dict[Table, Table] = {}
        self._types = {
            column: (self._generic(column), column.type)
            for table in metadata.tables.values()
            for column in table.columns
        }
        self.imports: set[str] = set()
        self.needs_type = False

    @property
    def schemas(self) -> set[str | None]:
        """The schemas of the tables; None is the default one."""
        return {table.schema for table in self._tables.values()}

    # How exactly

    def sharpen(self, keys: Iterable[Key]) -> bool:
        """Write what differs in the next way, and return whether there is one for any."""
        sharpened = [self._sharpen(key) for key in keys]
        return any(sharpened)

    def leave_out(self, statement: str) -> bool:
        """Leave out what keeps a statement from being accepted, as far as that is known.

        Of an index that is the index; of a table, first its types are written verbatim, then
        its checks and defaults are left out, which may call functions or sequences.

        Returns:
            Whether there was something to change.
        """
        quoted = self._dialect.identifier_preparer.quote
        head = f"{statement.strip().split('(')[0].strip()} "
        if " INDEX " in head:
            name = head.partition(" INDEX ")[2].partition(" ON ")[0].strip()
            return self._raised(
                (key for key in self._description if key.kind == "index"
                 and quoted(key.name) == name), LEFT_OUT
            )  # fmt: skip
        own = [
            key
            for key in self._description
            if key.table
            and head.startswith("CREATE TABLE ")
            and head.endswith((f" {quoted(key.table)} ", f".{quoted(key.table)} "))
        ]
        return self._raised(
            (key for key in own if key.aspect == "type"), VERBATIM
        ) or self._raised(
            (key for key in own if key.kind == "check" or key.aspect == "default"),
            LEFT_OUT,
        )

    def _raised(self, keys: Iterable[Key], level: int) -> bool:
        low = [key for key in keys if self._levels[key] < level]
        for key in low:
            self._set_level(key, level)
        return bool(low)

    def _set_level(self, key: Key, level: int) -> None:
        self._levels[key] = level
        self._written.pop(key[:2], None)

    def _sharpen(self, key: Key) -> bool:
        is_there = key in self._description
        if key.aspect in GENERATED and not is_there:
            key = key._replace(aspect="autoincrement")
            most = 1
        elif key.kind == "table" and is_there:
            most = 1
        elif key.aspect == "type":
            most = VERBATIM
        elif key.kind == "index" and is_there:
            most = LEFT_OUT
        else:
            return False
        self._set_level(key, self._levels[key] + 1)
        return self._levels[key] <= most

    # Tables

    def tables(self, schema: Iterable[str | None]) -> Iterator[str]:
        """Yield the text of each class, or of each table without a key, of some schemas."""
        wanted = {*schema}
        for table, name in self._names.names.items():
            if table.schema in wanted:
                place = self._place(table)
                if place not in self._written:
                    is_class = table in self._names.classes
                    write = self._class if is_class else self._table
                    self._written[place] = write(table, name)
                yield self._written[place]

    def _class(self, table: Table, name: str) -> str:
        self.imports.add("from sqlalchemy.orm import Mapped, mapped_column")
        lines = [f"class {name}({self._base}):"]
        if table.comment:
            told = " ".join(table.comment.split()).replace("\\", r"\\")
            told = told.replace('"""', r"\"\"\"")
            lines += [f'    """{told}{" " * told.endswith(chr(34))}"""', ""]
        lines += [f"    __tablename__ = {table.name!r}"]
        items, options = self._items(table)
        if items:
            told = "".join(f"        {it},\n" for it in items)
            told += f"        {_dict(options)},\n" if options else ""
            lines.append(f"    __table_args__ = (\n{told}    )")
        elif options:
            lines.append(f"    __table_args__ = ({_dict(options)},)")
        lines.append("")
        for column in table.columns:
            attribute = self._names.attributes[table, column.name]
            first = [repr(column.name)] if attribute != column.name else []
            arguments = ", ".join([*first, *self._column(column)])
            kind = self._annotation(column)
            lines.append(
                f"    {attribute}: Mapped[{kind}] = mapped_column({arguments})"
            )
        return "\n".join(lines)

    def _table(self, table: Table, name: str) -> str:
        items, options = self._items(table)
        columns = [
            f"sa.Column({', '.join([repr(it.name), *self._column(it)])})"
            for it in table.columns
        ]
        told = [f"{key}={value}" for key, value in options.items()]
        inside = "".join(f"    {it},\n" for it in [*columns, *items, *told])
        start = f"{name} = sa.Table(\n    {table.name!r},\n    {self._base}.metadata,\n"
        return f"{start}{inside})"

    def _items(self, table: Table) -> tuple[list[str], dict[str, str]]:
        """Return the constraints and indexes that no column has, and the table's options."""
        writers = {
            "primary key": self._primary_key,
            "unique constraint": self._unique,
            "foreign key": self._foreign_key,
            "check": self._check,
            "index": self._index,
        }
        found = []
        self._taken: set[str] = set()
        for key, part in self._parts[self._place(table)]:
            if key.kind in writers and (text := writers[key.kind](table, key, part)):
                found.append(text)
        options = {"schema": repr(table.schema)} if table.schema else {}
        if table.comment:
            options["comment"] = repr(table.comment)
        place = self._place(table)
        if self._levels[Key(*place, "table")]:
            told: Mapping[str, Any] = table.dialect_kwargs
            options |= {
                name: repr(value) for name, value in told.items() if value is not None
            }
        counts = any(key.aspect == "autoincrement" for key, _ in self._parts[place])
        if counts and self._dialect.name == "sqlite":
            options["sqlite_autoincrement"] = "True"
        return found, options

    def _place(self, table: Table) -> tuple[str | None, str]:
        return table.schema, str(table.name)

    # Columns

    def _aspect(self, column: Any, aspect: str) -> Part | None:
        place = self._place(column.table)
        return self._description.get(Key(*place, "column", column.name, aspect))

    def _generic(self, column: Any) -> Any:
        """Return the type of SQLAlchemy's own that may be the same in this database."""
        part = self._aspect(column, "type")
        if part and "json_valid(" in part.text:  # how MariaDB says it
            return sa.JSON()
        if part and self._is_guessed(column.type, part.text):
            return sa.types.NULLTYPE
        if isinstance(column.type, sa.Float):
            column.type.asdecimal = (
                False  # as some of MySQL's are, which are no decimals
            )
        is_unsigned = getattr(column.type, "unsigned", False)
        if isinstance(column.type, sa.Integer) and not is_unsigned:
            return column.type.as_generic()
        return self._names.generic(column.type)

    def _is_guessed(self, kind: Any, words: str) -> bool:
        """Return whether SQLite has a type of any name, which may hold anything.

        Its columns are said to be NUMERIC, for lack of a better word.
        """
        name = words.partition("(")[0].strip().upper()
        known: Any = getattr(self._dialect, "ischema_names", {})
        is_numeric = isinstance(kind, sa.Numeric) and not isinstance(kind, sa.Float)
        return self._dialect.name == "sqlite" and is_numeric and name not in known

    def _column(self, column: Any) -> list[str]:
        place = self._place(column.table)
        told = [self._type(column), *self._inline_foreign_keys(column)]
        named: dict[str, str] = {}
        if column.primary_key:
            named["primary_key"] = "True"
        nullable = self._is_nullable(column)
        if nullable and column.primary_key or self._annotation(column) == "Any":
            named["nullable"] = str(nullable)
        elif not nullable and not column.primary_key and not self._is_class(column):
            named["nullable"] = "False"
        if self._must_not_count(column):
            named["autoincrement"] = "False"
        elif column.primary_key and self._counts(column) and _has_several(column):
            named["autoincrement"] = "True"
        if self._is_indexed(column):
            named["index"] = "True"
        if computed := self._aspect(column, "computed"):
            told.append(_computed(_said(computed)))
        elif column.identity is not None:
            told.append(self._identity(column.identity))
        elif default := self._aspect(column, "default"):
            is_told = not self._levels[Key(*place, "column", column.name, "default")]
            if self._aspect(column, "sequence") or not is_told:
                if not (column.primary_key and is_told):
                    named["server_default"] = "sa.FetchedValue()"
            else:
                said = re.sub(r"^DEFAULT\s+", "", _said(default))
                named["server_default"] = f"sa.text({_text(said)})"
        if column.comment:
            named["comment"] = repr(column.comment)
        return [*told, *(f"{name}={value}" for name, value in named.items())]

    def _is_class(self, column: Any) -> bool:
        return column.table in self._names.classes

    def _is_nullable(self, column: Any) -> bool:
        part = self._aspect(column, "nullable")
        return part is None or "not" not in part.text.lower()

    def _counts(self, column: Any) -> bool:
        return bool(
            self._aspect(column, "sequence") or self._aspect(column, "autoincrement")
        )

    def _must_not_count(self, column: Any) -> bool:
        """Return whether SQLAlchemy would number a key that the database does not number."""
        place = self._place(column.table)
        if self._levels[Key(*place, "column", column.name, "autoincrement")]:
            return True
        if self._dialect.name == "sqlite":  # It numbers each such key.
            return False
        return (
            column.primary_key
            and not _has_several(column)
            and isinstance(column.type, sa.Integer)
            and not column.foreign_keys
            and not any(self._aspect(column, aspect) for aspect in GENERATED)
        )

    def _identity(self, identity: Any) -> str:
        told = {
            name: getattr(identity, name)
            for name in (
                *("always", "start", "increment", "minvalue", "maxvalue"),
                *("cycle", "cache"),
            )
        }
        usual = {
            "always": False,
            "start": 1,
            "increment": 1,
            "cycle": False,
            "cache": 1,
        }
        usual |= {"minvalue": 1}
        kept = [
            f"{name}={value!r}"
            for name, value in told.items()
            if value is not None
            and usual.get(name) != value
            and not (name == "maxvalue" and value in (2**15 - 1, 2**31 - 1, 2**63 - 1))
        ]
        return f"sa.Identity({', '.join(kept)})"

    def _type(self, column: Any) -> str:
        place = self._place(column.table)
        level = self._levels[Key(*place, "column", column.name, "type")]
        kind = self._types[column][min(level, OWN)]
        if level >= VERBATIM or _is_unknown(kind):
            part = self._aspect(column, "type")
            self.needs_type = True
            self.imports.add("from typing import Any")
            return f"DatabaseType({_said(part)!r})"
        text = private.render_type(kind, self._rendering)
        text = ADAPTED.sub("", text)
        self.imports |= self._rendering.imports
        return re.sub(r"^(\w+\.\w+)\(\)$", r"\1", text)

    def _annotation(self, column: Any) -> str:
        kind = self._python_type(self._types[column][GENERIC])
        is_optional = self._is_nullable(column) and kind != "Any"
        return f"{kind} | None" if is_optional else kind

    def _python_type(self, kind: Any) -> str:
        # Drivers know arrays of no type but PostgreSQL's own.
        if isinstance(kind, sa.ARRAY) and not isinstance(kind.item_type, DOMAIN):
            depth = kind.dimensions or 1
            return "list[" * depth + self._python_type(kind.item_type) + "]" * depth
        if isinstance(kind, DOMAIN):
            return self._python_type(kind.data_type)
        if isinstance(kind, mysql.SET):
            return "set[str]"
        try:
            found = kind.python_type
        except NotImplementedError:
            found = object
        if found in (object, dict, list) or found.__module__ not in (
            *("builtins", "datetime", "decimal", "uuid"),
        ):
            self.imports.add("from typing import Any")
            return "Any"
        if found.__module__ == "builtins":
            return str(found.__name__)
        self.imports.add(f"import {found.__module__}")
        return f"{found.__module__}.{found.__name__}"

    # Constraints and indexes

    def _primary_key(self, table: Table, _key: Key, part: Part) -> str:
        columns = part.columns or tuple(it.name for it in table.primary_key.columns)
        in_order = columns == tuple(it.name for it in table.primary_key.columns)
        if not part.name or part.name == "PRIMARY":
            return "" if in_order else f"sa.PrimaryKeyConstraint({_listed(columns)})"
        plain = self._conventional(table, sa.PrimaryKeyConstraint, columns)
        if in_order and plain == part.name:
            return ""
        return f"sa.PrimaryKeyConstraint({_listed(columns)}, name={part.name!r})"

    def _unique(self, table: Table, key: Key, part: Part) -> str:
        found = next(
            (
                it
                for it in table.constraints
                if isinstance(it, sa.UniqueConstraint)
                and (it.name == part.name if part.name else True)
                and tuple(column.name for column in it.columns) == part.columns
            ),
            None,
        )
        named = self._name(table, sa.UniqueConstraint, part)
        options = dict(found.dialect_kwargs) if found is not None else {}
        if "NULLS NOT DISTINCT" in part.definition.upper():
            options[f"{self._dialect.name}_nulls_not_distinct"] = True
        named |= {name: repr(value) for name, value in options.items() if value}
        named |= _deferrable(part.definition)
        return _call("sa.UniqueConstraint", map(repr, part.columns), named)

    def _check(self, table: Table, key: Key, part: Part) -> str:
        if self._levels[key] >= LEFT_OUT:
            return ""
        behind = re.split(r"(?i)\bCHECK\b", part.definition, maxsplit=1)[-1].strip()
        expression, _rest = _enclosed(behind)
        is_made = "%(constraint_name)" in str(self._convention.get("ck", ""))
        if part.name:
            name = f"conv({part.name!r})" if is_made else repr(part.name)
        elif is_made:
            name = repr(self._free("_".join(part.columns) or "check"))
        else:
            name = ""
        if name.startswith("conv("):
            self.imports.add("from sqlalchemy.schema import conv")
        return _call(
            "sa.CheckConstraint", [_text(expression)], {"name": name} if name else {}
        )

    def _free(self, name: str) -> str:
        number, found = 1, name
        while found in self._taken:
            number += 1
            found = f"{name}_{number}"
        self._taken.add(found)
        return found

    def _foreign_key(self, table: Table, _key: Key, part: Part) -> str:
        targets = self._targets(table, part)
        if self._is_inline(table, part) or not targets:
            return ""
        named = self._name(table, sa.ForeignKeyConstraint, part, targets)
        named |= _actions(part.definition)
        columns = f"[{_listed(part.columns)}]"
        return _call(
            "sa.ForeignKeyConstraint", [columns, f"[{_listed(targets)}]"], named
        )

    def _is_inline(self, table: Table, part: Part) -> bool:
        """Return whether a foreign key is written with its only column."""
        others = [
            it
            for key, it in self._parts[self._place(table)]
            if key.kind == "foreign key" and it.columns == part.columns
        ]
        return len(part.columns) == 1 and len(others) == 1

    def _inline_foreign_keys(self, column: Any) -> Iterator[str]:
        for key, part in self._parts[self._place(column.table)]:
            is_own = key.kind == "foreign key" and part.columns == (column.name,)
            targets = self._targets(column.table, part) if is_own else []
            if targets and self._is_inline(column.table, part):
                kind = sa.ForeignKeyConstraint
                named = self._name(column.table, kind, part, targets)
                named |= _actions(part.definition)
                yield _call("sa.ForeignKey", map(repr, targets), named)

    def _targets(self, table: Table, part: Part) -> list[str]:
        """Return the columns that a foreign key refers to, or none if they have no model."""
        for constraint in table.foreign_key_constraints:
            columns = tuple(it.parent.name for it in constraint.elements)
            targets = [it.target_fullname for it in constraint.elements]
            schema, name = part.target
            start = f"{schema}.{name}." if schema else f"{name}."
            if columns == part.columns and all(it.startswith(start) for it in targets):
                return targets
        return []

    def _is_indexed(self, column: Any) -> bool:
        """Return whether a column has an index that is named as the convention says."""
        for key, part in self._parts[self._place(column.table)]:
            if key.kind == "index" and part.columns == (column.name,):
                index = self._reflected(column.table, part.name)
                if index is not None and self._is_plain(column.table, index, key):
                    return True
        return False

    def _is_plain(self, table: Table, index: Any, key: Key) -> bool:
        options = [value for value in dict(index.dialect_kwargs).values() if value]
        columns = [it for it in index.expressions if isinstance(it, sa.Column)]
        if self._levels[key] or index.unique or options or len(columns) != 1:
            return False
        if len([*index.expressions]) != 1:
            return False
        name = self._conventional(table, sa.Index, [columns[0].name])
        return bool(name == index.name)

    def _reflected(self, table: Table, name: str) -> Any:
        return next((it for it in table.indexes if it.name == name), None)

    def _index(self, table: Table, key: Key, part: Part) -> str:
        if self._levels[key] >= LEFT_OUT:
            return ""
        index = self._reflected(table, part.name)
        if index is not None and self._is_plain(table, index, key):
            return ""
        is_simple = index is not None and all(
            isinstance(it, sa.Column) for it in index.expressions
        )
        if self._levels[key] or not is_simple:
            return self._index_as_told(table, part)
        columns = [repr(it.name) for it in index.expressions]
        named = {"unique": "True"} if index.unique else {}
        for name, value in index.dialect_kwargs.items():
            if value:
                is_text = isinstance(value, sa.TextClause)
                named[name] = (
                    f"sa.text({_text(str(value))})" if is_text else repr(value)
                )
        return _call("sa.Index", [repr(part.name), *columns], named)

    def _index_as_told(self, table: Table, part: Part) -> str:
        """Write an index of which each element is the text of the database."""
        found = ON_INDEX.match(part.definition)
        if found is None:
            return ""
        elements, rest = _enclosed(part.definition[found.end() - 1 :])
        columns = {self._dialect.identifier_preparer.quote(it.name): it.name
                   for it in table.columns}  # fmt: skip
        told = [
            repr(columns[it]) if it in columns else f"sa.text({_text(it)})"
            for it in _elements(elements)
        ]
        named = {"unique": "True"} if found[1] else {}
        name = self._dialect.name
        if found[2] and found[2] != "btree":
            named[f"{name}_using"] = repr(found[2])
        if include := re.search(r"(?i)\bINCLUDE\s*\((.*?)\)", rest):
            names = [columns.get(it, it) for it in _elements(include[1])]
            named[f"{name}_include"] = repr(names)
        if re.search(r"(?i)\bNULLS NOT DISTINCT\b", rest):
            named[f"{name}_nulls_not_distinct"] = "True"
        if where := re.search(r"(?is)\bWHERE\b\s*(.*)", rest):
            named[f"{name}_where"] = f"sa.text({_text(where[1])})"
        return _call("sa.Index", [repr(part.name), *told], named)

    def _name(
        self, table: Table, kind: Any, part: Part, targets: Sequence[str] = ()
    ) -> dict[str, str]:
        """Return the name to write for a constraint, if the convention gives another."""
        name = self._conventional(table, kind, part.columns, targets)
        return {"name": repr(part.name)} if part.name and name != part.name else {}

    def _conventional(
        self,
        table: Table,
        kind: Any,
        columns: Sequence[str],
        targets: Sequence[str] = (),
    ) -> str | None:
        """Return the name that the models' convention gives to a constraint or index.

        Arguments:
            table: the table.
            kind: the class of what is named.
            columns: the names of its columns.
            targets: what a foreign key refers to.
        """
        told = table, kind, *columns, *targets
        if told not in self._known:
            copy = self._copy(table)
            item: Any
            if kind is sa.Index:
                item = sa.Index(None, *(copy.columns[it] for it in columns))
            else:
                item = kind([*columns], targets) if targets else kind(*columns)
                copy.append_constraint(item)
            self._known[told] = None if item.name is None else str(item.name)
        return self._known[told]

    def _copy(self, table: Table) -> Table:
        """Return a table of the same name and columns whose metadata has the convention."""
        if table not in self._copies:
            metadata = MetaData(naming_convention=dict(self._convention))
            columns = [sa.Column(it.name, sa.types.NULLTYPE) for it in table.columns]
            copy = Table(table.name, metadata, *columns, schema=table.schema)
            self._copies[table] = copy
        return self._copies[table]


def _computed(said: str) -> str:
    """Return what computes a column, by the words with which it is created."""
    expression, kept = _enclosed(said[said.index("(") :])
    kept = kept.strip().upper()
    persisted = {"STORED": True, "PERSISTENT": True, "VIRTUAL": False}.get(kept)
    more = "" if persisted is None else f", persisted={persisted}"
    return f"sa.Computed({_text(expression)}{more})"


def _said(part: Part | None) -> str:
    return (part.definition or part.text) if part else ""


def _is_unknown(kind: Any) -> bool:
    inner = getattr(kind, "item_type", None)
    if inner is not None and _is_unknown(inner):
        return True
    return isinstance(kind, (sa.types.NullType, DOMAIN))


def _has_several(column: Any) -> bool:
    return len(column.table.primary_key.columns) > 1


def _text(sql: str) -> str:
    r"""Return some SQL as text() wants it, in which `:name` would be a parameter."""
    return repr(COLON.sub(r"\\:", sql))


def _dict(options: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{name!r}: {text}" for name, text in options.items()) + "}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))


def _call(name: str, arguments: Iterable[str], named: Mapping[str, str]) -> str:
    told = [*arguments, *(f"{key}={value}" for key, value in named.items())]
    return f"{name}({', '.join(told)})"


def _actions(definition: str) -> dict[str, str]:
    """Return the options of a foreign key, by the words with which it is created."""
    behind = re.split(r"(?i)\bREFERENCES\b", definition, maxsplit=1)[-1]
    found = {}
    for name, pattern in REFERENCES.items():
        if match := pattern.search(behind):
            value = " ".join(filter(None, match.groups()))
            if value.upper() not in ("NO ACTION", "SIMPLE"):
                found[name] = repr(value)
    return found | _deferrable(behind)


def _deferrable(definition: str) -> dict[str, str]:
    told = definition.upper()
    if "DEFERRABLE" not in told or "NOT DEFERRABLE" in told:
        return {}
    initially = {"initially": "'DEFERRED'"} if "INITIALLY DEFERRED" in told else {}
    return {"deferrable": "True"} | initially


def _enclosed(text: str) -> tuple[str, str]:
    """Return what stands in the parentheses that a text begins with, and what follows."""
    for end in _ends(text):
        return text[1:end], text[end + 1 :]
    return text, ""


def _ends(text: str) -> Iterator[int]:
    """Yield the places at which the first parenthesis is closed; strings do not count."""
    depth, quote = 0, ""
    for place, sign in enumerate(text):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"`":
            quote = sign
        elif sign in "()":
            depth += 1 if sign == "(" else -1
            if not depth:
                yield place


def _elements(text: str) -> list[str]:
    """Cut a text at the commas outside of parentheses and strings."""
    found, depth, quote = [""], 0, ""
    for sign in text:
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"`":
            quote = sign
        elif sign in "()":
            depth += 1 if sign == "(" else -1
        elif sign == "," and not depth:
            found.append("")
            continue
        found[-1] += sign
    return [it.strip() for it in found]
