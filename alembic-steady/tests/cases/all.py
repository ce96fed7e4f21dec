"""Cases of every family of databases."""

from __future__ import annotations

from harness import PERCENT

from cases import FORTH, Case, models, table

# Types of others

DECORATORS = {
    "of_string": """\
class OfString(sa.types.TypeDecorator):
    impl = sa.String
    cache_ok = True

    def __init__(self, currency, digits=9):
        super().__init__(digits)
        self.currency = currency
""",
    "of_json": """\
class OfJSON(sa.types.TypeDecorator):
    impl = sa.JSON
    cache_ok = True
""",
    "of_enum": """\
class OfEnumKind(enum.Enum):
    RED = "red"
    BLUE = "blue"


class OfEnum(sa.types.TypeDecorator):
    impl = sa.Enum
    cache_ok = True

    def __init__(self):
        super().__init__(OfEnumKind, name="of_enum_kind")
""",
    "of_family": """\
class OfFamily(sa.types.TypeDecorator):
    impl = sa.CHAR
    cache_ok = True

    def load_dialect_impl(self, dialect):
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.UUID())
        return dialect.type_descriptor(sa.CHAR(32))
""",
    "of_function": """\
class OfFunction(sa.types.TypeDecorator):
    impl = sa.Integer
    cache_ok = True

    def __init__(self, function=lambda value: value):
        super().__init__()
        self.function = function
""",
    "of_boolean": """\
class OfBoolean(sa.types.TypeDecorator):
    impl = sa.Boolean(create_constraint=True, name="of_boolean_flag")
    cache_ok = True
""",
}

USER_DEFINED = """\
class UserDefinedType(sa.types.UserDefinedType):
    cache_ok = True

    def get_col_spec(self, **kw):
        return "VARCHAR(12)"
"""

GUID_KEY = """\
class GuidKey(sa.types.TypeDecorator):
    impl = sa.CHAR
    cache_ok = True

    def load_dialect_impl(self, dialect):
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.UUID())
        return dialect.type_descriptor(sa.CHAR(32))


sa.Table("guid_key", Base.metadata, sa.Column("id", GuidKey, primary_key=True))
sa.Table(
    "guid_key_child",
    Base.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("parent_id", GuidKey, sa.ForeignKey("guid_key.id", name="guid_key_fk")),
)
"""

SQL_MODEL = """\
class SqlModelBase(sqlmodel.SQLModel, registry=registry(metadata=Base.metadata)):
    pass


class SqlModelHero(SqlModelBase, table=True):
    __tablename__ = "sqlmodel_hero"

    id: int | None = sqlmodel.Field(default=None, primary_key=True)
    name: str = sqlmodel.Field(index=True, max_length=50)
    {more}
"""

TYPES = [
    table(
        "of_string",
        "",
        'sa.Column("n", OfString("EUR"))',
        helpers=DECORATORS["of_string"],
        # The revision still runs when the application's class has gone.
        helpers_after=DECORATORS["of_string"],
        never=["OfString"],
    ),
    table(
        "longer_decorated",
        'sa.Column("n", LongerDecorated("EUR", 9), server_default="x")',
        'sa.Column("n", LongerDecorated("USD", digits=12), server_default="x")',
        helpers=DECORATORS["of_string"].replace("OfString", "LongerDecorated"),
        rows=[{"id": 1, "n": "abc"}],
        never=["LongerDecorated"],
    ),
    table(
        "arguments_changed",
        'sa.Column("n", ArgumentsChanged("EUR"))',
        'sa.Column("n", ArgumentsChanged("USD"))',
        helpers=DECORATORS["of_string"].replace("OfString", "ArgumentsChanged"),
        rows=[{"id": 1, "n": "abc"}],
        is_silent=True,
    ),
    table(
        "gone_class",
        'sa.Column("n", GoneClass("EUR"))',
        'sa.Column("n", sa.String(9))',
        helpers=DECORATORS["of_string"].replace("OfString", "GoneClass"),
        helpers_after="",
        rows=[{"id": 1, "n": "abc"}],
        never=["GoneClass"],
        is_silent=True,
    ),
    table(
        "of_json",
        "",
        'sa.Column("n", OfJSON)',
        helpers=DECORATORS["of_json"],
        never=["OfJSON"],
    ),
    table(
        "of_enum",
        "",
        'sa.Column("n", OfEnum)',
        helpers=DECORATORS["of_enum"],
        never=["OfEnum"],
    ),
    table(
        "of_family",
        "",
        'sa.Column("n", OfFamily)',
        helpers=DECORATORS["of_family"],
        never=["OfFamily"],
    ),
    table(
        "of_function",
        "",
        'sa.Column("n", OfFunction(lambda value: value + 1), server_default="1")',
        helpers=DECORATORS["of_function"],
        kept=[{"id": 1, "n": 1}],
        rows_back=[{"id": 1, "n": 5}],
        kept_back=[{"id": 1}],
        never=["OfFunction"],
    ),
    table(
        "of_boolean",
        "",
        'sa.Column("n", OfBoolean)',
        helpers=DECORATORS["of_boolean"],
        never=["OfBoolean"],
    ),
    models(
        "guid_key",
        "",
        GUID_KEY,
        never=["GuidKey"],
    ),
    table(
        "user_defined",
        "",
        'sa.Column("n", UserDefinedType())',
        helpers=USER_DEFINED,
    ),
    table("pickled", "", 'sa.Column("n", sa.PickleType)'),
    table("interval_of_time", "", 'sa.Column("n", sa.Interval)'),
    table(
        "mutable_dict",
        "",
        'sa.Column("n", MutableDict.as_mutable(sa.JSON()))',
        imports="from sqlalchemy.ext.mutable import MutableDict",
        writes=["sa.JSON("],
    ),
    table(
        "json_of_all",
        "",
        'sa.Column("n", sa.JSON, nullable=False, server_default="{}")',
        rows_back=[{"id": 1, "n": "[1]"}],
        kept_back=[{"id": 1}],
        writes=["sa.JSON("],
    ),
    table(
        "variant_for_json",
        "",
        'sa.Column("n", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"))',
    ),
    table(
        "variant_changed",
        'sa.Column("n", sa.String(10).with_variant(sa.Text(), "postgresql"))',
        'sa.Column("n", sa.String(20).with_variant(sa.String(30), "postgresql"))',
        rows=[{"id": 1, "n": "abc"}],
    ),
    table(
        "auto_string",
        "",
        'sa.Column("n", sqlmodel.AutoString(30))',
        imports="import sqlmodel",
    ),
    models(
        "sqlmodel_hero",
        SQL_MODEL.format(more=""),
        SQL_MODEL.format(
            more="secret: str = sqlmodel.Field(default='', max_length=9,"
            " sa_column_kwargs={'server_default': 'x'})"
        ),
        imports="import sqlmodel\nfrom sqlalchemy.orm import registry",
        rows={"sqlmodel_hero": [{"id": 1, "name": "Ann"}]},
    ),
    *(
        table(
            name,
            "",
            f'sa.Column("n", sqlalchemy_utils.{kind})',
            imports="import sqlalchemy_utils",
        )
        for name, kind in {
            "utils_email": "EmailType(100)",
            "utils_uuid_text": "UUIDType(binary=False)",
            "utils_uuid_bytes": "UUIDType()",
            "utils_choice": 'ChoiceType([("a", "One"), ("b", "Two")])',
            "utils_url": "URLType",
            "utils_json": "JSONType",
            "utils_ip_address": "IPAddressType",
            "utils_list": "ScalarListType(int)",
            "utils_timezone": 'TimezoneType(backend="zoneinfo")',
        }.items()
    ),
]

# Names that the database cuts or makes

LONG = "quite_long_name_of_a_table_with_many_words_in_it"

NAMES = [
    table(
        f"cut_{LONG}",
        'sa.Column("n", sa.Integer)',
        """\
sa.Column("n", sa.Integer),
sa.CheckConstraint("n > 0", name="the_number_of_whatever_has_to_be_positive"),
sa.UniqueConstraint("n"),
""",
        rows=[{"id": 1, "n": 5}],
        is_named=True,
    ),
    table(
        f"changed_{LONG}",
        """\
sa.Column("n", sa.Integer),
sa.CheckConstraint("n > 0", name="the_number_of_whatever_has_to_be_positive"),
""",
        """\
sa.Column("n", sa.Integer),
sa.CheckConstraint("n > 1", name="the_number_of_whatever_has_to_be_positive"),
""",
        rows=[{"id": 1, "n": 5}],
        is_named=True,
    ),
    table(
        f"kind_{LONG}",
        "",
        """\
sa.Column(
    "n",
    sa.Enum(
        "one",
        "two",
        name="the_kind_of_whatever_has_to_be_known",
        native_enum=False,
        create_constraint=True,
    ),
)
""",
        is_named=True,
    ),
    table(
        f"kinds_{LONG}",
        *(
            f"""\
sa.Column(
    "n",
    sa.Enum(
        "one",
        "two"{more},
        name="the_kind_of_whatever_has_to_be_known",
        native_enum=False,
        create_constraint=True,
        length=9,
    ),
)
"""
            for more in ("", ', "three"')
        ),
        rows=[{"id": 1, "n": "two"}],
        is_named=True,
    ),
    table(
        f"flag_{LONG}",
        "",
        'sa.Column("n", sa.Boolean(create_constraint=True, name="is_it_so_or_not_as_far_as'
        '_anybody_knows"))',
        is_named=True,
    ),
    models(
        "key_to_a_long_name",
        """\
sa.Table("key_to_a_long_name_of_a_table_that_has_many", Base.metadata, sa.Column("id", sa.Integer, primary_key=True))
""",
        """\
sa.Table(
    "key_to_a_long_name_of_a_table_that_has_many",
    Base.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column(
        "the_row_that_this_one_follows", sa.ForeignKey("key_to_a_long_name_of_a_table_that_has_many.id"), index=True
    ),
)
""",
        is_named=True,
    ),
    table(
        "unnamed_check_added",
        'sa.Column("n", sa.Integer)',
        'sa.Column("n", sa.Integer), sa.CheckConstraint("n > 0")',
        rows=[{"id": 1, "n": 5}],
    ),
    table(
        "unnamed_check_changed",
        'sa.Column("n", sa.Integer), sa.CheckConstraint("n > 0")',
        'sa.Column("n", sa.Integer), sa.CheckConstraint("n > 1")',
        rows=[{"id": 1, "n": 5}],
    ),
    table(
        "unnamed_check_of_two",
        """\
sa.Column("n", sa.Integer),
sa.CheckConstraint("n > 0"),
sa.CheckConstraint("n < 100"),
sa.CheckConstraint("n <> 7", name="unnamed_check_of_two_named"),
""",
        """\
sa.Column("n", sa.Integer),
sa.CheckConstraint("n < 100"),
sa.CheckConstraint("n <> 8", name="unnamed_check_of_two_named"),
""",
        rows=[{"id": 1, "n": 5}],
    ),
    table(
        "unnamed_check_on_column",
        'sa.Column("n", sa.Integer)',
        'sa.Column("n", sa.Integer, sa.CheckConstraint("n > 0"))',
        rows=[{"id": 1, "n": 5}],
    ),
    table(
        "unnamed_pair",
        'sa.Column("n", sa.Integer), sa.Column("m", sa.Integer)',
        'sa.Column("n", sa.Integer), sa.Column("m", sa.Integer), sa.UniqueConstraint("n", "m")',
        rows=[{"id": 1, "n": 5, "m": 6}],
    ),
    table(
        "unnamed_unique_of_column",
        'sa.Column("n", sa.Integer)',
        'sa.Column("n", sa.Integer, unique=True)',
        rows=[{"id": 1, "n": 5}],
    ),
    table(
        "unnamed_unique_changed",
        """\
sa.Column("n", sa.Integer), sa.Column("m", sa.Integer), sa.UniqueConstraint("n", "m")
""",
        """\
sa.Column("n", sa.Integer), sa.Column("m", sa.Integer), sa.UniqueConstraint("m")
""",
        rows=[{"id": 1, "n": 5, "m": 6}],
    ),
    *(
        table(
            f"unnamed_key{suffix}",
            'sa.Column("n", sa.Integer)',
            f'sa.Column("n", sa.Integer, sa.ForeignKey("unnamed_key{suffix}.id"{argument}))',
            rows=[{"id": 1, "n": 1}],
        )
        for suffix, argument in {
            "_plain": "",
            "_later": ", use_alter=True",
            "_cascade": ', ondelete="CASCADE"',
        }.items()
    ),
    table(
        "unnamed_rule",
        'sa.Column("n", sa.ForeignKey("unnamed_rule.id"))',
        'sa.Column("n", sa.ForeignKey("unnamed_rule.id", ondelete="CASCADE"))',
        rows=[{"id": 1, "n": 1}],
    ),
    models(
        "unnamed_cycle",
        "",
        """\
sa.Table(
    "unnamed_cycle_one",
    Base.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("two_id", sa.ForeignKey("unnamed_cycle_two.id", use_alter=True)),
)
sa.Table(
    "unnamed_cycle_two",
    Base.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("one_id", sa.ForeignKey("unnamed_cycle_one.id")),
)
""",
    ),
    *(
        table(
            f"too_long_{kind}",
            'sa.Column("n", sa.Integer)',
            f'sa.Column("n", sa.Integer), {text}',
            refused=[f"too_long_{kind}"],
            ways=(FORTH,),
            families=families,
        )
        for kind, text, families in (
            (
                "index",
                f'sa.Index("too_long_index_{LONG}_{LONG}", "n")',
                ("postgresql", "mysql"),
            ),
            (
                "check",
                f'sa.CheckConstraint("n > 0", name="too_long_check_{LONG}_{LONG}")',
                ("postgresql",),
            ),
        )
    ),
]

# Changes of every kind

MANY = """\
sa.Column("a", sa.String(20), nullable=False, server_default=""),
sa.Column("b", sa.Numeric(8, 2), server_default="1.50"),
sa.Column("c", sa.Float, server_default="1"),
sa.Column("d", sa.Boolean, server_default=sa.text("false"), nullable=False),
sa.Column("e", sa.Date, server_default="2020-01-01"),
sa.Column("f", sa.Time),
sa.Column("g", sa.DateTime(timezone=True)),
sa.Column("h", sa.LargeBinary),
sa.Column("i", sa.Text),
sa.Column("j", sa.Uuid),
sa.Column("k", sa.Enum("one", "two", name="nothing_changed_kind"), server_default="one"),
sa.Column("l", sa.SmallInteger, server_default=sa.text("-1")),
sa.Column("m", sa.Double),
sa.Column("n", sa.Unicode(30), index=True),
sa.UniqueConstraint("a", "b"),
"""

CHANGES = [
    table("column_added", "", 'sa.Column("n", sa.Integer)'),
    table(
        "column_filled",
        "",
        'sa.Column("n", sa.Integer, nullable=False, server_default="7")',
        kept=[{"id": 1, "n": 7}],
        rows_back=[{"id": 1}],
    ),
    table(
        "type_longer",
        'sa.Column("n", sa.String(10), nullable=False, server_default="x", comment="c")',
        'sa.Column("n", sa.String(20), nullable=False, server_default="x", comment="c")',
        rows=[{"id": 1, "n": "abc"}],
    ),
    table(
        "type_bigger",
        'sa.Column("n", sa.Integer, server_default="5")',
        'sa.Column("n", sa.BigInteger, server_default="5")',
        rows=[{"id": 1, "n": 5}],
    ),
    table(
        "number_wider",
        'sa.Column("n", sa.Numeric(6, 2))',
        'sa.Column("n", sa.Numeric(8, 3))',
        rows=[{"id": 1, "n": 1.5}],
    ),
    table(
        "null_forbidden",
        'sa.Column("n", sa.String(20), server_default="x")',
        'sa.Column("n", sa.String(20), server_default="x", nullable=False)',
        rows=[{"id": 1, "n": "abc"}],
    ),
    table(
        "default_set",
        'sa.Column("n", sa.Integer)',
        'sa.Column("n", sa.Integer, server_default="5")',
        rows=[{"id": 1, "n": 1}],
    ),
    table(
        "default_changed",
        'sa.Column("n", sa.String(20), nullable=False, server_default="one")',
        'sa.Column("n", sa.String(20), nullable=False, server_default="two")',
        rows=[{"id": 1, "n": "abc"}],
    ),
    table(
        "default_time",
        'sa.Column("n", sa.DateTime, server_default=sa.func.now())',
        'sa.Column("n", sa.DateTime, server_default=sa.text("CURRENT_TIMESTAMP"))',
        # PostgreSQL tells these apart.
        families=("sqlite", "mysql"),
        is_silent=True,
    ),
    table(
        "default_of_flag",
        'sa.Column("n", sa.Boolean, server_default=sa.false(), nullable=False)',
        'sa.Column("n", sa.Boolean, server_default=sa.true(), nullable=False)',
        rows=[{"id": 1, "n": True}],
    ),
    table(
        "default_of_python",
        'sa.Column("n", sa.Integer)',
        'sa.Column("n", sa.Integer, default=5, onupdate=6)',
        is_silent=True,
    ),
    table(
        "unique_added",
        'sa.Column("n", sa.Integer)',
        'sa.Column("n", sa.Integer), sa.UniqueConstraint("n", name="unique_added_n")',
        rows=[{"id": 1, "n": 1}],
    ),
    table(
        "unique_or_index",
        'sa.Column("n", sa.Integer, index=True)',
        'sa.Column("n", sa.Integer, index=True, unique=True)',
        rows=[{"id": 1, "n": 1}],
    ),
    table(
        "index_columns",
        """\
sa.Column("n", sa.Integer),
sa.Column("m", sa.Integer),
sa.Index("index_columns_ix", "n", "m"),
""",
        """\
sa.Column("n", sa.Integer),
sa.Column("m", sa.Integer),
sa.Index("index_columns_ix", "m", "n"),
""",
        rows=[{"id": 1, "n": 1, "m": 2}],
    ),
    table(
        "check_named",
        'sa.Column("n", sa.Integer), sa.CheckConstraint("n > 0", name="check_named_n")',
        'sa.Column("n", sa.Integer), sa.CheckConstraint("n > 1", name="check_named_n")',
        rows=[{"id": 1, "n": 5}],
    ),
    table(
        "check_on_new_column",
        "",
        """\
sa.Column("n", sa.Integer, server_default="5"),
sa.CheckConstraint("n > 0", name="check_on_new_column_n"),
sa.Index("check_on_new_column_ix", "n"),
""",
    ),
    table(
        "key_rule",
        'sa.Column("n", sa.ForeignKey("key_rule.id", name="key_rule_fk"))',
        'sa.Column("n", sa.ForeignKey("key_rule.id", name="key_rule_fk", ondelete="SET NULL"))',
        rows=[{"id": 1, "n": 1}],
    ),
    models(
        "key_target",
        *(
            f"""\
sa.Table("key_target_one", Base.metadata, sa.Column("id", sa.Integer, primary_key=True))
sa.Table("key_target_two", Base.metadata, sa.Column("id", sa.Integer, primary_key=True))
sa.Table(
    "key_target",
    Base.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("n", sa.ForeignKey("key_target_{target}.id", name="key_target_fk")),
)
"""
            for target in ("one", "two")
        ),
        rows={
            "key_target_one": [{"id": 1}],
            "key_target_two": [{"id": 1}],
            "key_target": [{"id": 1, "n": 1}],
        },
    ),
    table(
        "nothing_changed",
        MANY,
        MANY,
        is_silent=True,
        ways=(FORTH,),
    ),
    table(
        "spelt_otherwise",
        """\
sa.Column("a", sa.String(20), nullable=False, server_default="x"),
sa.Column("b", sa.Boolean, server_default=sa.false(), nullable=False),
sa.Column("c", sa.Integer),
sa.Column("d", sa.Integer, unique=True),
sa.CheckConstraint("c > 0 AND c < 9"),
""",
        """\
sa.Column("a", sa.VARCHAR(20), nullable=False, server_default=sa.text("'x'")),
sa.Column("b", sa.Boolean, server_default=sa.false(), nullable=False),
sa.Column("c", sa.Integer, default=5),
sa.Column("d", sa.Integer),
sa.CheckConstraint("c > 0  AND c < 9"),
sa.UniqueConstraint("d"),
""",
        is_silent=True,
    ),
    models(
        "whole_table",
        "",
        """\
sa.Table(
    "whole_table_parent",
    Base.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("other", sa.Integer, primary_key=True),
)
sa.Table(
    "whole_table",
    Base.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("n", sa.Integer, comment="What it is"),
    sa.Column("other", sa.Integer, unique=True),
    sa.ForeignKeyConstraint(["n", "other"], ["whole_table_parent.id", "whole_table_parent.other"]),
    sa.CheckConstraint("n > 0", name="whole_table_check"),
    sa.Index("whole_table_ix", "n", "other"),
    comment="All there is",
)
""",
    ),
    models(
        "table_of_history",
        "",
        "",
        between=[
            """\
CREATE TABLE table_of_history (
    id INTEGER PRIMARY KEY,
    code VARCHAR(20) DEFAULT 'x' NOT NULL CHECK (code <> ''),
    n NUMERIC(8, 2) UNIQUE
)""",
            "CREATE UNIQUE INDEX table_of_history_ix ON table_of_history (n, code)",
        ],
        rows={"table_of_history": [{"id": 1, "code": "a"}]},
        kept={},
        ways=(FORTH,),
        writes=["drop_table"],
    ),
    table(
        "rows_of_history",
        'sa.Column("n", sa.String(20))',
        'sa.Column("n", sa.String(30)), sa.Column("m", sa.Integer, nullable=False,'
        ' server_default="1")',
        between=["INSERT INTO rows_of_history (id, n) VALUES (7, 'of history')"],
        rows=[{"id": 1, "n": "abc"}],
        kept=[{"id": 1, "n": "abc"}, {"id": 7, "n": "of history"}],
        rows_back=[{"id": 1, "n": "abc"}],
        kept_back=[{"id": 1, "n": "abc"}, {"id": 7, "n": "of history"}],
    ),
    table(
        "rows_without_value",
        "",
        'sa.Column("needed", sa.Integer, nullable=False)',
        between=["INSERT INTO rows_without_value (id) VALUES (7)"],
        refused=["rows_without_value", "needed"],
        ways=(FORTH,),
        # MySQL and MariaDB give them a 0.
        families=("sqlite", "postgresql"),
    ),
    models(
        "names_in_quotes",
        *(
            f"""\
sa.Table(
    "Names_in_quotes Order",
    Base.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("From", sa.String({length}), server_default="x", comment="c"),
    sa.Column("select", sa.Integer, index=True),
    sa.Column("a b", sa.Integer),
    sa.Column("n", sa.Integer),
    sa.CheckConstraint('{check}', name="names_in_quotes Check"),
    sa.UniqueConstraint("a b", "From", name="names_in_quotes Unique"),
    sa.ForeignKeyConstraint(["select"], ["Names_in_quotes Order.id"], name="names_in_quotes FK"),
)
"""
            for length, check in ((10, "n > 0"), (20, "n > 1"))
        ),
    ),
]

TRAPS = "50% of \\'it\\' is :x, ::y and \"z\" %s " + PERCENT + " {b}"

SIGNS = [
    table(
        "signs_in_check",
        'sa.Column("n", sa.String(50))',
        """\
sa.Column("n", sa.String(50)),
sa.CheckConstraint(
    r"n NOT LIKE '50%' AND n <> '\\:x' AND n <> '\\:\\:y' AND n <> 'it''s'"
    r" AND n <> 'a:b' AND n <> '%s' AND n <> '%(a)s'",
    name="signs_in_check_n",
),
""".replace("%(a)s", PERCENT),
        rows=[{"id": 1, "n": "abc"}],
    ),
    table(
        "signs_in_changed_check",
        """\
sa.Column("n", sa.String(50)),
sa.CheckConstraint(r"n NOT LIKE '50%' AND n <> '\\:x'", name="signs_in_changed_check_n"),
""",
        """\
sa.Column("n", sa.String(50)),
sa.CheckConstraint(r"n NOT LIKE '60%' AND n <> '\\:y'", name="signs_in_changed_check_n"),
""",
        rows=[{"id": 1, "n": "abc"}],
    ),
    table(
        "signs_in_unnamed_check",
        """\
sa.Column("n", sa.String(50)),
sa.CheckConstraint(r"n NOT LIKE '50%' AND n <> '\\:x'"),
""",
        """\
sa.Column("n", sa.String(50)),
sa.CheckConstraint(r"n NOT LIKE '60%' AND n <> '\\:y'"),
""",
        rows=[{"id": 1, "n": "abc"}],
    ),
    table(
        "signs_in_default",
        'sa.Column("n", sa.String(90))',
        f"sa.Column(\"n\", sa.String(90), server_default='{TRAPS}')",
        rows=[{"id": 1, "n": "abc"}],
    ),
    table(
        "signs_in_changed_default",
        f"sa.Column(\"n\", sa.String(90), server_default='{TRAPS} 1')",
        f"sa.Column(\"n\", sa.String(90), server_default='{TRAPS} 2')",
        rows=[{"id": 1, "n": "abc"}],
    ),
    table(
        "signs_in_new_default",
        "",
        f"sa.Column(\"n\", sa.String(90), server_default='{TRAPS}', nullable=False)",
        kept=[{"id": 1, "n": TRAPS.replace("\\", "")}],
        rows_back=[{"id": 1}],
        kept_back=[{"id": 1}],
    ),
    table(
        "signs_in_text_default",
        "",
        """\
sa.Column("n", sa.String(90), server_default=sa.text(r"'100% \\:x it''s'"), nullable=False)
""",
        kept=[{"id": 1, "n": "100% :x it's"}],
        rows_back=[{"id": 1}],
    ),
    table(
        "signs_in_comment",
        'sa.Column("n", sa.Integer)',
        f"sa.Column(\"n\", sa.Integer, comment='{TRAPS}'), comment='{TRAPS}'",
        families=("postgresql", "mysql"),
    ),
    table(
        "signs_in_changed_comment",
        f"sa.Column(\"n\", sa.Integer, comment='{TRAPS} 1'), comment='{TRAPS} 1'",
        f"sa.Column(\"n\", sa.Integer, comment='{TRAPS} 2'), comment='{TRAPS} 2'",
        families=("postgresql", "mysql"),
    ),
    table(
        "signs_in_enum",
        "",
        """\
sa.Column("n", sa.Enum("50%", "it's", 'so "x"', ":x", "a:b", name="signs_in_enum_kind"))
""",
    ),
]

FAILURES = [
    models(
        "index_twice",
        "",
        """\
sa.Table(
    "index_twice",
    Base.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("n", sa.Integer, index=True),
    sa.Index("ix_index_twice_n", "n"),
)
""",
        refused=["ix_index_twice_n"],
        ways=(FORTH,),
    ),
]

CASES: list[Case] = [*TYPES, *NAMES, *CHANGES, *SIGNS, *FAILURES]
