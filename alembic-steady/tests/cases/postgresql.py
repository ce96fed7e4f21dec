"""Cases of PostgreSQL alone."""

from __future__ import annotations

from typing import Any

from cases import FORTH, Case, models, table

PG: dict[str, Any] = {"families": ("postgresql",)}

TYPE = "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = '{}'::regclass AND attname = 'n'"
LABELS = "SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = '{}_kind'::regtype"
INDEX = "SELECT pg_get_indexdef('{}_ix'::regclass)"
CONSTRAINT = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = '{}'"


def retyped(
    name: str, before: str, after: str, values: tuple[object, object], **more: Any
) -> Case:
    """Return a case of a column whose type changes, with what becomes of a value."""
    one, two = values
    return table(
        name,
        f'sa.Column("n", {before})',
        f'sa.Column("n", {after})',
        rows=[{"id": 1, "n": one}],
        kept=[{"id": 1, "n": two}],
        **PG,
        **more,
    )


USING = [
    retyped("text_to_integer", "sa.String(20)", "sa.Integer", ("5", 5)),
    retyped(
        "default_to_integer",
        'sa.String(20), server_default="7"',
        'sa.Integer, server_default="8"',
        ("5", 5),
    ),
    retyped(
        "equal_default_cast",
        'sa.String(20), server_default="7", nullable=False',
        'sa.Integer, server_default="7", nullable=False',
        ("5", 5),
    ),
    retyped(
        "integer_to_boolean",
        'sa.Integer, server_default="1"',
        "sa.Boolean, server_default=sa.true()",
        (1, True),
    ),
    retyped(
        "text_to_enum",
        'sa.String(20), server_default="one"',
        'sa.Enum("one", "two", name="text_to_enum_kind"), server_default="one"',
        ("two", "two"),
    ),
    table(
        "text_to_json",
        "sa.Column('n', sa.Text, server_default='{}')",
        "sa.Column('n', postgresql.JSONB, server_default='{}')",
        rows=[{"id": 1, "n": '{"a": 1}'}],
        kept=[{"id": 1}],
        rows_back=[{"id": 1, "n": '{"a": 1}'}],
        kept_back=[{"id": 1, "n": '{"a": 1}'}],
        **PG,
    ),
    table(
        "json_to_binary",
        "sa.Column('n', sa.JSON)",
        "sa.Column('n', postgresql.JSONB)",
        rows=[{"id": 1, "n": '{"a": 1}'}],
        kept=[{"id": 1}],
        rows_back=[{"id": 1}],
        kept_back=[{"id": 1, "n": None}],
        answers={TYPE.format("json_to_binary"): ("json", "jsonb")},
        **PG,
    ),
    table(
        "text_to_uuid",
        'sa.Column("n", sa.String(36))',
        'sa.Column("n", sa.Uuid)',
        rows=[{"id": 1, "n": "6f1b1c5e-93a4-4a4e-9c39-7b6a4bd4ad1b"}],
        kept=[{"id": 1}],
        rows_back=[{"id": 1, "n": "6f1b1c5e-93a4-4a4e-9c39-7b6a4bd4ad1b"}],
        kept_back=[{"id": 1, "n": "6f1b1c5e-93a4-4a4e-9c39-7b6a4bd4ad1b"}],
        answers={TYPE.format("text_to_uuid"): ("character varying(36)", "uuid")},
        **PG,
    ),
    table(
        "zone_added",
        'sa.Column("n", sa.DateTime, server_default=sa.func.now(), index=True)',
        'sa.Column("n", sa.DateTime(timezone=True), server_default=sa.func.now(), index=True)',
        **PG,
    ),
    retyped(
        "indexed_text",
        "sa.String(20), index=True, unique=True",
        "sa.Integer, index=True, unique=True",
        ("5", 5),
    ),
    table(
        "checked_text",
        """\
sa.Column("n", sa.String(20)),
sa.CheckConstraint("n <> '7'", name="checked_text_check"),
""",
        """\
sa.Column("n", sa.Integer),
sa.CheckConstraint("n <> 7", name="checked_text_check"),
""",
        rows=[{"id": 1, "n": "5"}],
        kept=[{"id": 1, "n": 5}],
        **PG,
    ),
    table(
        "text_to_array",
        'sa.Column("n", sa.Text)',
        'sa.Column("n", sa.ARRAY(sa.Text))',
        rows=[{"id": 1, "n": "{a,b}"}],
        kept=[{"id": 1, "n": ["a", "b"]}],
        rows_back=[{"id": 1, "n": "{a,b}"}],
        kept_back=[{"id": 1, "n": "{a,b}"}],
        **PG,
    ),
    table(
        "array_of_default",
        "sa.Column('n', sa.ARRAY(sa.Integer), server_default='{}', nullable=False)",
        "sa.Column('n', sa.ARRAY(sa.BigInteger), server_default='{1}', nullable=False)",
        rows=[{"id": 1, "n": "{2}"}],
        kept=[{"id": 1, "n": [2]}],
        rows_back=[{"id": 1, "n": "{2}"}],
        kept_back=[{"id": 1, "n": [2]}],
        **PG,
    ),
    retyped(
        "view_on_text",
        "sa.String(20)",
        "sa.String(30)",
        ("5", "5"),
        between=["CREATE VIEW view_on_text_seen AS SELECT n FROM view_on_text"],
        refused=["view_on_text", "used by a view"],
        ways=(FORTH,),
    ),
    retyped(
        "rows_not_to_cast",
        "sa.String(20)",
        "sa.Integer",
        ("5", 5),
        between=["INSERT INTO rows_not_to_cast (id, n) VALUES (7, 'seven')"],
        refused=["rows_not_to_cast", "integer"],
        ways=(FORTH,),
    ),
]


def enumerated(name: str, before: str, after: str, *more: str, **others: Any) -> Case:
    """Return a case of an enum whose values change, with what else the table has."""
    columns = [
        "\n".join(
            [
                f'sa.Column("n", sa.Enum({values}, name="{name}_kind"), server_default="a"),',
                *more,
            ]
        )
        for values in (before, after)
    ]
    answers = {
        LABELS.format(name): (
            before.replace('"', "").replace(" ", ""),
            after.replace('"', "").replace(" ", ""),
        )
    }
    told = {"rows": [{"id": 1, "n": "a"}], "answers": answers, **PG, **others}
    return table(name, columns[0], columns[1], **told)


ENUMS = [
    enumerated("value_at_end", '"a", "b"', '"a", "b", "c"'),
    enumerated("value_in_middle", '"a", "b"', '"a", "c", "b"'),
    enumerated("value_at_start", '"a", "b"', '"c", "a", "b"'),
    enumerated(
        "values_in_places", '"a", "b", "c"', '"x", "a", "y", "z", "b", "c", "w"'
    ),
    enumerated("values_exchanged", '"a", "b", "c"', '"a", "c", "d"'),
    enumerated("values_in_order", '"a", "b", "c"', '"c", "b", "a"'),
    enumerated(
        "value_with_check",
        '"a", "b"',
        '"a", "c", "b"',
        'sa.CheckConstraint("n <> \'b\'", name="value_with_check_n"),',
    ),
    enumerated(
        "value_in_index",
        '"a", "b"',
        '"a", "c"',
        'sa.Index("value_in_index_ix", "id", postgresql_where=sa.text("n = \'a\'")),',
    ),
    enumerated(
        "value_in_computed",
        '"a", "b"',
        '"a", "c"',
        'sa.Column("m", sa.Boolean, sa.Computed("n = \'a\'")),',
    ),
    enumerated(
        "value_in_array",
        '"a", "b"',
        '"a", "c"',
        "sa.Column('m', sa.ARRAY(sa.Enum('x', 'y', name='value_in_array_more')),"
        " server_default='{x}'),",
    ),
    table(
        "enum_array",
        "sa.Column('n', sa.ARRAY(sa.Enum('a', 'b', name='enum_array_kind')),"
        " server_default='{a}')",
        "sa.Column('n', sa.ARRAY(sa.Enum('a', 'c', name='enum_array_kind')),"
        " server_default='{a}')",
        answers={LABELS.format("enum_array"): ("a,b", "a,c")},
        **PG,
    ),
    models(
        "enum_of_two",
        *(
            f"""\
enum_of_two_kind = sa.Enum({values}, name="enum_of_two_kind")
sa.Table(
    "enum_of_two_one",
    Base.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("n", enum_of_two_kind, server_default="a"),
)
sa.Table(
    "enum_of_two_more",
    Base.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("m", enum_of_two_kind, index=True),
    sa.Column("ms", sa.ARRAY(enum_of_two_kind)),
)
"""
            for values in ('"a", "b"', '"a", "c"')
        ),
        rows={
            "enum_of_two_one": [{"id": 1, "n": "a"}],
            "enum_of_two_more": [{"id": 1, "m": "a"}],
        },
        answers={LABELS.format("enum_of_two"): ("a,b", "a,c")},
        **PG,
    ),
    table(
        "enum_renamed",
        'sa.Column("n", sa.Enum("a", "b", name="enum_renamed_one"), server_default="a")',
        'sa.Column("n", sa.Enum("a", "b", name="enum_renamed_two"), server_default="a")',
        rows=[{"id": 1, "n": "b"}],
        answers={TYPE.format("enum_renamed"): ("enum_renamed_one", "enum_renamed_two")},
        **PG,
    ),
    table(
        "enum_to_text",
        'sa.Column("n", sa.Enum("a", "b", name="enum_to_text_kind"), server_default="a")',
        'sa.Column("n", sa.String(10), server_default="a")',
        rows=[{"id": 1, "n": "b"}],
        answers={
            "SELECT to_regtype('enum_to_text_kind') IS NOT NULL": (True, False),
        },
        **PG,
    ),
    table(
        "enum_default_gone",
        'sa.Column("n", sa.Enum("a", "b", name="enum_default_gone_kind"), server_default="b")',
        'sa.Column("n", sa.Enum("a", name="enum_default_gone_kind"), server_default="a")',
        rows=[{"id": 1, "n": "a"}],
        **PG,
    ),
    enumerated(
        "value_of_rows_gone",
        '"a", "b"',
        '"a", "c"',
        between=["INSERT INTO value_of_rows_gone (id, n) VALUES (7, 'b')"],
        refused=["value_of_rows_gone", "invalid input value"],
        ways=(FORTH,),
    ),
    table(
        "decorated_enum",
        'sa.Column("n", DecoratedEnum, server_default="ONE")',
        'sa.Column("n", DecoratedEnum, server_default="ONE")',
        helpers="""\
class DecoratedEnumKind(enum.Enum):
    ONE = 1
    TWO = 2


class DecoratedEnum(sa.types.TypeDecorator):
    impl = sa.Enum(DecoratedEnumKind, name="decorated_enum_kind")
    cache_ok = True
""",
        helpers_after="""\
class DecoratedEnumKind(enum.Enum):
    ONE = 1
    THREE = 3
    TWO = 2


class DecoratedEnum(sa.types.TypeDecorator):
    impl = sa.Enum(DecoratedEnumKind, name="decorated_enum_kind")
    cache_ok = True
""",
        rows=[{"id": 1, "n": "TWO"}],
        answers={LABELS.format("decorated_enum"): ("ONE,TWO", "ONE,THREE,TWO")},
        never=["DecoratedEnum"],
        **PG,
    ),
    models(
        "enum_in_schema",
        "",
        """\
sa.Table(
    "enum_in_schema",
    Base.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column(
        "n",
        sa.Enum("a", "b", name="enum_in_schema_kind", schema="enum_in_schema_own"),
        server_default="a",
    ),
    schema="enum_in_schema_own",
)
""",
        **PG,
    ),
]

SCHEMAS = [
    models(
        "default_schema_told",
        *(
            f"""\
sa.Table(
    "default_schema_told",
    Base.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("n", sa.Integer, sa.ForeignKey("{prefix}default_schema_told.id")),
    sa.Index("default_schema_told_ix", "n"),
    sa.Column("kind", sa.Enum("a", "b", name="default_schema_told_kind"{argument})),
{table_argument})
"""
            for prefix, argument, table_argument in (
                ("", "", ""),
                ("public.", ', schema="public"', '    schema="public",\n'),
            )
        ),
        rows={"default_schema_told": [{"id": 1, "n": 1}]},
        is_silent=True,
        **PG,
    ),
    models(
        "told_schema_changed",
        *(
            f"""\
sa.Table(
    "told_schema_changed",
    Base.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("n", {kind}, sa.ForeignKey("public.told_schema_changed.id")),
    {more}
    schema="public",
)
"""
            for kind, more in (
                ("sa.Integer", ""),
                ("sa.BigInteger", 'sa.Column("m", sa.Integer, index=True),'),
            )
        ),
        rows={"told_schema_changed": [{"id": 1, "n": 1}]},
        **PG,
    ),
    models(
        "other_schema",
        *(
            f"""\
sa.Table(
    "other_schema",
    Base.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("n", sa.ForeignKey("other_schema_own.other_schema_there.id")),
)
sa.Table(
    "other_schema_there",
    Base.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("n", {kind}, server_default="5"),
    sa.CheckConstraint("n > 0"),
    schema="other_schema_own",
)
"""
            for kind in ("sa.Integer", "sa.BigInteger")
        ),
        rows={"other_schema": [{"id": 1}]},
        **PG,
    ),
]


IDENTITIES = [
    table(
        "identity_added",
        'sa.Column("n", sa.Integer, nullable=False, server_default="5")',
        'sa.Column("n", sa.Integer, sa.Identity(), nullable=False)',
        rows=[{"id": 1, "n": 5}],
        **PG,
    ),
    table(
        "identity_for_key",
        'sa.Column("id", sa.Integer, primary_key=True)',
        'sa.Column("id", sa.Integer, sa.Identity(), primary_key=True)',
        **PG,
    ),
    table(
        "identity_changed",
        'sa.Column("id", sa.Integer, sa.Identity(start=1, increment=1), primary_key=True)',
        'sa.Column("id", sa.Integer, sa.Identity(start=100, increment=10, cycle=True),'
        " primary_key=True)",
        answers={
            "SELECT increment_by FROM pg_sequences"
            " WHERE sequencename = 'identity_changed_id_seq'": (1, 10),
        },
        **PG,
    ),
    table(
        "identity_always",
        'sa.Column("n", sa.Integer, sa.Identity(always=False))',
        'sa.Column("n", sa.Integer, sa.Identity(always=True))',
        answers={
            "SELECT attidentity::text FROM pg_attribute"
            " WHERE attrelid = 'identity_always'::regclass AND attname = 'n'": (
                "d",
                "a",
            ),
        },
        **PG,
    ),
    table(
        "identity_new",
        "",
        'sa.Column("n", sa.BigInteger, sa.Identity(always=True, start=5, increment=5))',
        kept=[{"id": 1, "n": 5}],
        rows_back=[{"id": 1}],
        kept_back=[{"id": 1}],
        **PG,
    ),
    table(
        "identity_bigger",
        'sa.Column("id", sa.Integer, sa.Identity(), primary_key=True)',
        'sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True)',
        answers={
            "SELECT data_type::text FROM pg_sequences"
            " WHERE sequencename = 'identity_bigger_id_seq'": ("integer", "bigint"),
        },
        **PG,
    ),
    table(
        "bigger_serial",
        'sa.Column("id", sa.Integer, primary_key=True)',
        'sa.Column("id", sa.BigInteger, primary_key=True)',
        answers={
            "SELECT data_type::text FROM pg_sequences"
            " WHERE sequencename = 'bigger_serial_id_seq'": ("integer", "bigint"),
        },
        **PG,
    ),
    models(
        "referred_key_bigger",
        *(
            f"""\
sa.Table(
    "referred_key_bigger", Base.metadata, sa.Column("id", {kind}, primary_key=True)
)
sa.Table(
    "referred_key_bigger_child",
    Base.metadata,
    sa.Column("id", {kind}, primary_key=True),
    sa.Column("n", {kind}, sa.ForeignKey("referred_key_bigger.id"), index=True),
)
"""
            for kind in ("sa.Integer", "sa.BigInteger")
        ),
        rows={
            "referred_key_bigger": [{"id": 1}],
            "referred_key_bigger_child": [{"id": 1, "n": 1}],
        },
        **PG,
    ),
    models(
        "referred_key_to_text",
        *(
            f"""\
sa.Table(
    "referred_key_to_text", Base.metadata, sa.Column("id", {kind}, primary_key=True)
)
sa.Table(
    "referred_key_to_text_child",
    Base.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("n", {kind}, sa.ForeignKey("referred_key_to_text.id")),
)
"""
            for kind in ("sa.BigInteger", "sa.Uuid")
        ),
        # There is no cast but that of text.
        may_be_refused=True,
        **PG,
    ),
    models(
        "sequence_of_model",
        "",
        """\
sa.Table(
    "sequence_of_model",
    Base.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column(
        "n", sa.Integer, server_default=sa.text("nextval('sequence_of_model_seq'::regclass)")
    ),
)
""",
        history=["CREATE SEQUENCE sequence_of_model_seq"],
        **PG,
    ),
]

INDEXES = [
    table(
        f"{name}_index",
        'sa.Column("n", sa.Text), sa.Column("m", sa.Integer)'
        + (f', sa.Index("{name}_index_ix", {before})' if before else ""),
        'sa.Column("n", sa.Text), sa.Column("m", sa.Integer),'
        f' sa.Index("{name}_index_ix", {after})',
        rows=[{"id": 1, "n": "abc", "m": 2}],
        **PG,
    )
    for name, before, after in (
        (
            "full_text",
            "",
            'sa.text("to_tsvector(\'english\', n)"), postgresql_using="gin"',
        ),
        (
            "full_text_changed",
            'sa.text("to_tsvector(\'english\', n)"), postgresql_using="gin"',
            'sa.text("to_tsvector(\'simple\', n)"), postgresql_using="gin"',
        ),
        (
            "function",
            (
                'sa.func.to_tsvector(sa.literal_column("\'english\'"), sa.column("n")),'
                ' postgresql_using="gin"'
            ),
            'sa.func.lower(sa.column("n")), "m"',
        ),
        ("class_told", "", 'sa.text("n varchar_pattern_ops")'),
        (
            "changed_class_as_text",
            'sa.text("n varchar_pattern_ops")',
            'sa.text("n text_pattern_ops")',
        ),
        ("order_as_text", "", 'sa.text("m DESC NULLS LAST")'),
        (
            "changed_order",
            'sa.text("m DESC NULLS LAST"), sa.text("n ASC")',
            'sa.text("m DESC NULLS FIRST"), sa.text("n DESC")',
        ),
        (
            "order_of_column",
            'sa.column("m").desc()',
            'sa.column("m").desc().nulls_last()',
        ),
        (
            "changed_where",
            '"n", postgresql_where=sa.text("m > 0")',
            '"n", postgresql_where=sa.text("m > 1")',
        ),
        (
            "new_where",
            '"n", unique=True',
            '"n", unique=True, postgresql_where=sa.text("m > 0")',
        ),
        (
            "changed_include",
            '"n", postgresql_include=["m"]',
            '"n", postgresql_include=["id"]',
        ),
        ("changed_using", '"m"', '"m", postgresql_using="hash"'),
        (
            "changed_class",
            '"n", postgresql_ops={"n": "text_pattern_ops"}',
            '"n", postgresql_ops={"n": "varchar_pattern_ops"}',
        ),
        ("new_class", '"n"', '"n", postgresql_ops={"n": "text_pattern_ops"}'),
        (
            "changed_with",
            '"n", postgresql_with={"fillfactor": 50}',
            '"n", postgresql_with={"fillfactor": 60}',
        ),
        (
            "distinct_nulls",
            '"m", unique=True',
            '"m", unique=True, postgresql_nulls_not_distinct=True',
        ),
        ("collated", '"n"', 'sa.text("n COLLATE \\"C\\"")'),
    )
] + [
    table(
        "concurrent_index",
        'sa.Column("n", sa.Integer)',
        """\
sa.Column("n", sa.Integer),
sa.Index("concurrent_index_ix", "n", postgresql_concurrently=True),
""",
        writes=["    create_index("],
        group="concurrently",
        **PG,
    ),
    table(
        "concurrent_changed",
        """\
sa.Column("n", sa.Integer),
sa.Index(
    "concurrent_changed_ix",
    "n",
    postgresql_where=sa.text("n > 0"),
    postgresql_concurrently=True,
),
""",
        """\
sa.Column("n", sa.Integer),
sa.Index(
    "concurrent_changed_ix",
    "n",
    postgresql_where=sa.text("n > 1"),
    postgresql_concurrently=True,
),
""",
        writes=["    create_index("],
        group="concurrently",
        **PG,
    ),
]

EXCLUSION = """\
sa.Column("n", postgresql.INT4RANGE),
sa.Column("m", postgresql.INT4RANGE),
postgresql.ExcludeConstraint({}),
"""
KEY = 'sa.ForeignKey("{0}.id", name="{0}_fk"{1})'

CONSTRAINTS = [
    table(
        "exclusion_added",
        'sa.Column("n", postgresql.INT4RANGE), sa.Column("m", postgresql.INT4RANGE)',
        EXCLUSION.format('("n", "&&"), name="exclusion_added_n"'),
        **PG,
    ),
    table(
        "exclusion_changed",
        EXCLUSION.format('("n", "&&"), name="exclusion_changed_n"'),
        EXCLUSION.format(
            '("n", "&&"), ("m", "="), where=sa.text("id > 5"), name="exclusion_changed_n"'
        ),
        answers={
            CONSTRAINT.format("exclusion_changed_n"): (
                "EXCLUDE USING gist (n WITH &&)",
                "EXCLUDE USING gist (n WITH &&, m WITH =) WHERE ((id > 5))",
            )
        },
        **PG,
    ),
    table(
        "exclusion_unnamed",
        EXCLUSION.format('("n", "&&")'),
        EXCLUSION.format('("m", "&&")'),
        **PG,
    ),
    table(
        "key_deferred",
        'sa.Column("n", sa.Integer, ' + KEY.format("key_deferred", "") + ")",
        'sa.Column("n", sa.Integer, '
        + KEY.format("key_deferred", ', deferrable=True, initially="DEFERRED"')
        + ")",
        rows=[{"id": 1, "n": 1}],
        **PG,
    ),
    table(
        "unique_with_more",
        'sa.Column("n", sa.Integer), sa.UniqueConstraint("n", name="unique_with_more_n")',
        """\
sa.Column("n", sa.Integer),
sa.UniqueConstraint("n", name="unique_with_more_n", deferrable=True, initially="DEFERRED"),
""",
        **PG,
    ),
    table(
        "unique_of_nulls",
        'sa.Column("n", sa.Integer), sa.UniqueConstraint("n", name="unique_of_nulls_n")',
        """\
sa.Column("n", sa.Integer),
sa.UniqueConstraint("n", name="unique_of_nulls_n", postgresql_nulls_not_distinct=True),
""",
        **PG,
    ),
    table(
        "check_not_inherited",
        "",
        'sa.CheckConstraint("id > 0", name="check_not_inherited_id")',
        **PG,
    ),
    table(
        "composite_key",
        """\
sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
sa.Column("n", sa.Integer, nullable=False),
""",
        """\
sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
sa.Column("n", sa.Integer, primary_key=True),
""",
        rows=[{"id": 1, "n": 1}],
        may_be_refused=True,
        **PG,
    ),
    models(
        "named_cycle",
        "",
        """\
sa.Table(
    "named_cycle_one",
    Base.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column(
        "two_id", sa.ForeignKey("named_cycle_two.id", name="named_cycle_fk", use_alter=True)
    ),
)
sa.Table(
    "named_cycle_two",
    Base.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("one_id", sa.ForeignKey("named_cycle_one.id")),
)
""",
        **PG,
    ),
    models(
        "cycle_of_three",
        "",
        "".join(
            f"""\
sa.Table(
    "cycle_of_three_{one}",
    Base.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("n", sa.ForeignKey("cycle_of_three_{two}.id"), index=True),
)
"""
            for one, two in (("a", "b"), ("b", "c"), ("c", "a"))
        ),
        **PG,
    ),
    models(
        "cycle_closed",
        *(
            f"""\
sa.Table(
    "cycle_closed_one",
    Base.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    {column}
)
sa.Table(
    "cycle_closed_two",
    Base.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("one_id", sa.ForeignKey("cycle_closed_one.id")),
)
"""
            for column in (
                "",
                'sa.Column("two_id", sa.ForeignKey("cycle_closed_two.id")),',
            )
        ),
        rows={"cycle_closed_one": [{"id": 1}], "cycle_closed_two": [{"id": 1}]},
        **PG,
    ),
]

COMPUTED = 'sa.Column("n", sa.Integer), sa.Column("m", sa.Integer{})'

COMPUTATIONS = [
    table(
        "computed_changed",
        COMPUTED.format(', sa.Computed("n + 1")'),
        COMPUTED.format(', sa.Computed("n + 2")'),
        rows=[{"id": 1, "n": 5}],
        kept=[{"id": 1, "n": 5, "m": 7}],
        rows_back=[{"id": 1, "n": 5}],
        kept_back=[{"id": 1, "n": 5, "m": 6}],
        **PG,
    ),
    table(
        "computed_removed",
        COMPUTED.format(', sa.Computed("n + 1")'),
        COMPUTED.format(""),
        rows=[{"id": 1, "n": 5}],
        kept=[{"id": 1, "n": 5, "m": 6}],
        rows_back=[{"id": 1, "n": 5, "m": 6}],
        kept_back=[{"id": 1, "n": 5, "m": 6}],
        **PG,
    ),
    table(
        "computed_column",
        'sa.Column("n", sa.Integer)',
        COMPUTED.format(', sa.Computed("n + 1")')
        + ', sa.Index("computed_column_ix", "m")',
        rows=[{"id": 1, "n": 5}],
        kept=[{"id": 1, "n": 5, "m": 6}],
        rows_back=[{"id": 1, "n": 5}],
        **PG,
    ),
    table(
        "computed_of_type",
        """\
sa.Column("n", sa.Integer),
sa.Column("m", sa.Integer, sa.Computed("n + 1")),
sa.CheckConstraint("m > 0", name="computed_of_type_m"),
sa.Index("computed_of_type_ix", "m"),
""",
        """\
sa.Column("n", sa.BigInteger),
sa.Column("m", sa.BigInteger, sa.Computed("n + 1")),
sa.CheckConstraint("m > 0", name="computed_of_type_m"),
sa.Index("computed_of_type_ix", "m"),
""",
        rows=[{"id": 1, "n": 5}],
        **PG,
    ),
    table(
        "computed_text",
        'sa.Column("n", sa.Text)',
        """\
sa.Column("n", sa.Text),
sa.Column(
    "m", postgresql.TSVECTOR, sa.Computed("to_tsvector('english', n)", persisted=True)
),
sa.Index("computed_text_ix", "m", postgresql_using="gin"),
""",
        rows=[{"id": 1, "n": "abc"}],
        **PG,
    ),
]

HISTORY = [
    table(
        "function_of_history",
        'sa.Column("n", sa.Integer)',
        """\
sa.Column("n", sa.Integer, server_default=sa.text("function_of_history_next()")),
sa.CheckConstraint("function_of_history_next() > 0", name="function_of_history_check"),
sa.Index("function_of_history_ix", sa.text("(function_of_history_next() + n)")),
""",
        history=[
            (
                "CREATE FUNCTION function_of_history_next() RETURNS integer"
                " LANGUAGE sql IMMUTABLE AS 'SELECT 7'"
            )
        ],
        rows=[{"id": 1, "n": 5}],
        **PG,
    ),
    table(
        "new_default_of_history",
        "",
        """\
sa.Column(
    "n", sa.Integer, server_default=sa.text("new_default_of_history_next()"), nullable=False
),
""",
        history=[
            (
                "CREATE FUNCTION new_default_of_history_next() RETURNS integer"
                " LANGUAGE sql IMMUTABLE AS 'SELECT 7'"
            )
        ],
        kept=[{"id": 1, "n": 7}],
        rows_back=[{"id": 1}],
        kept_back=[{"id": 1}],
        **PG,
    ),
    table(
        "domain_of_history",
        "",
        'sa.Column("n", postgresql.DOMAIN("domain_of_history_number", sa.Integer,'
        " create_type=False))",
        history=["CREATE DOMAIN domain_of_history_number AS integer CHECK (value > 0)"],
        **PG,
    ),
    models(
        "beside_the_models",
        *(
            f"""\
sa.Table(
    "beside_the_models",
    Base.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("n", sa.Integer),
    {more}
)
"""
            for more in ("", 'sa.Column("m", sa.Integer),')
        ),
        between=[
            (
                "CREATE FUNCTION beside_the_models_function() RETURNS trigger LANGUAGE plpgsql"
                " AS 'BEGIN RETURN new; END'"
            ),
            (
                "CREATE TRIGGER beside_the_models_trigger BEFORE INSERT ON beside_the_models"
                " FOR EACH ROW EXECUTE FUNCTION beside_the_models_function()"
            ),
            "CREATE POLICY beside_the_models_policy ON beside_the_models USING (true)",
            "GRANT SELECT ON beside_the_models TO PUBLIC",
            "CREATE VIEW beside_the_models_view AS SELECT n FROM beside_the_models",
        ],
        rows={"beside_the_models": [{"id": 1, "n": 1}]},
        answers={
            "SELECT count(*) FROM pg_trigger WHERE tgname = 'beside_the_models_trigger'": (
                1,
                1,
            ),
            "SELECT count(*) FROM pg_policy WHERE polname = 'beside_the_models_policy'": (
                1,
                1,
            ),
        },
        undo=["DROP VIEW beside_the_models_view"],
        **PG,
    ),
    models(
        "partitioned",
        *(
            f"""\
sa.Table(
    "partitioned",
    Base.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("n", sa.Integer{more}),
    postgresql_partition_by="RANGE (id)",
)
"""
            for more in ("", ", index=True")
        ),
        between=[
            "CREATE TABLE partitioned_low PARTITION OF partitioned FOR VALUES FROM (0) TO (9)",
            "CREATE INDEX partitioned_low_ix ON partitioned_low (n)",
        ],
        rows={"partitioned": [{"id": 1, "n": 1}]},
        **PG,
    ),
    models(
        "exotic_of_history",
        "",
        "",
        between=[
            "CREATE TYPE exotic_of_history_kind AS ENUM ('a', 'b')",
            """\
CREATE TABLE exotic_of_history (
    id bigint GENERATED ALWAYS AS IDENTITY (START 5) PRIMARY KEY,
    n exotic_of_history_kind DEFAULT 'a' NOT NULL,
    m int4range,
    o text COLLATE "C",
    p integer GENERATED ALWAYS AS (length(o)) STORED,
    q timestamptz[] DEFAULT '{}',
    EXCLUDE USING gist (m WITH &&) WHERE (n = 'a'),
    CHECK (o LIKE '50%' AND o <> ':x'),
    UNIQUE NULLS NOT DISTINCT (o) DEFERRABLE
)""",
            (
                "CREATE INDEX exotic_of_history_ix ON exotic_of_history"
                " (lower(o) text_pattern_ops DESC) INCLUDE (m) WHERE n = 'a'"
            ),
            "COMMENT ON TABLE exotic_of_history IS 'it''s 50% :x'",
        ],
        writes=["drop_table"],
        ways=(FORTH,),
        **PG,
    ),
]

TYPES = [
    table(
        "decorated_array",
        "",
        "sa.Column('n', DecoratedArray, server_default='{}')",
        helpers="""\
class DecoratedArray(sa.types.TypeDecorator):
    impl = postgresql.ARRAY(sa.Integer)
    cache_ok = True
""",
        never=["DecoratedArray"],
        **PG,
    ),
    table(
        "decorated_in_array",
        "",
        "sa.Column('n', sa.ARRAY(DecoratedInArray(9)))",
        helpers="""\
class DecoratedInArray(sa.types.TypeDecorator):
    impl = sa.String
    cache_ok = True
""",
        never=["DecoratedInArray"],
        **PG,
    ),
    table(
        "decorated_json_binary",
        "sa.Column('n', DecoratedJsonBinary(dict), server_default='{}')",
        "sa.Column('n', DecoratedJsonBinary(list), server_default='[]')",
        helpers="""\
class DecoratedJsonBinary(sa.types.TypeDecorator):
    impl = postgresql.JSONB
    cache_ok = True

    def __init__(self, kind):
        super().__init__()
        self.kind = kind
""",
        never=["DecoratedJsonBinary"],
        **PG,
    ),
    table(
        "mutable_binary",
        "",
        "sa.Column('n', MutableDict.as_mutable(postgresql.JSONB()), server_default='{}')",
        imports="from sqlalchemy.ext.mutable import MutableDict, MutableList",
        **PG,
    ),
    table(
        "mutable_list",
        "",
        "sa.Column('n', MutableList.as_mutable(postgresql.ARRAY(sa.Text)))",
        imports="from sqlalchemy.ext.mutable import MutableDict, MutableList",
        **PG,
    ),
    table(
        "many_types",
        "",
        """\
sa.Column("a", postgresql.INET),
sa.Column("b", postgresql.CIDR),
sa.Column("c", postgresql.INTERVAL(fields="DAY TO SECOND", precision=3)),
sa.Column("d", postgresql.BIT(5)),
sa.Column("e", postgresql.TSTZRANGE),
sa.Column("f", postgresql.MONEY),
sa.Column("g", postgresql.ARRAY(sa.Text, dimensions=2)),
sa.Column("h", postgresql.TIMESTAMP(timezone=True, precision=3)),
sa.Column("i", sa.Numeric),
sa.Column("j", postgresql.DOUBLE_PRECISION),
sa.Column("k", postgresql.TIME(timezone=True)),
sa.Column("l", sa.CHAR(3)),
sa.Column("m", sa.Text(collation="C")),
sa.Column("o", postgresql.MACADDR),
sa.Column("p", postgresql.BYTEA),
sa.Column("q", postgresql.INT4MULTIRANGE),
sa.Column("r", postgresql.REGCLASS),
sa.Column("s", postgresql.JSONB(none_as_null=True), server_default=sa.text("'{}'::jsonb")),
sa.Column("t", sa.ARRAY(sa.Text), server_default=sa.text("'{}'::text[]")),
sa.Column("u", sa.ARRAY(sa.Text), server_default=sa.text("ARRAY[]::text[]")),
sa.Column("v", sa.Uuid, server_default=sa.text("gen_random_uuid()")),
sa.Column("w", sa.Interval, server_default="1 day"),
sa.Column("x", sa.DateTime, server_default=sa.text("(now() AT TIME ZONE 'utc')")),
sa.Column("y", sa.Integer, server_default=sa.text("(1 + 2) * 3")),
""",
        **PG,
    ),
    table(
        "collation_changed",
        'sa.Column("n", sa.Text, index=True)',
        'sa.Column("n", sa.Text(collation="C"), index=True)',
        rows=[{"id": 1, "n": "abc"}],
        **PG,
    ),
    table(
        "comments_changed",
        'sa.Column("n", sa.Integer), sa.Index("comments_changed_ix", "n")',
        """\
sa.Column("n", sa.Integer, comment="new"),
sa.Index("comments_changed_ix", "n"),
comment="new",
""",
        **PG,
    ),
    *(
        table(
            f"utils_pg_{name}",
            "",
            f'sa.Column("n", sqlalchemy_utils.{kind})',
            imports="import sqlalchemy_utils",
            **PG,
        )
        for name, kind in {
            "tsvector": 'TSVectorType("id", regconfig="simple")',
            "uuid": "UUIDType(native=True)",
        }.items()
    ),
]

EXTENSIONS = [
    table(
        "case_insensitive",
        'sa.Column("n", sa.Text, unique=True)',
        'sa.Column("n", postgresql.CITEXT, unique=True)',
        rows=[{"id": 1, "n": "Abc"}],
        writes=["citext"],
        answers={TYPE.format("case_insensitive"): ("text", "citext")},
        origin="system",
        **PG,
    ),
    table(
        "store_of_pairs",
        "",
        "sa.Column('n', postgresql.HSTORE, server_default='')",
        writes=["hstore"],
        origin="system",
        **PG,
    ),
    table(
        "label_tree",
        "",
        """\
sa.Column("n", sqlalchemy_utils.LtreeType),
sa.Index("label_tree_ix", "n", postgresql_using="gist"),
""",
        imports="import sqlalchemy_utils",
        writes=["ltree"],
        origin="system",
        **PG,
    ),
    table(
        "extension_of_history",
        "",
        """\
sa.Column("n", postgresql.CITEXT),
sa.Column("m", sa.Text),
sa.Index(
    "extension_of_history_ix",
    "m",
    postgresql_using="gin",
    postgresql_ops={"m": "gin_trgm_ops"},
),
""",
        history=["CREATE EXTENSION citext", "CREATE EXTENSION pg_trgm"],
        origin="system",
        group="extensions",
        **PG,
    ),
    table(
        "extension_of_no_type",
        'sa.Column("m", sa.Text)',
        """\
sa.Column("m", sa.Text),
sa.Index(
    "extension_of_no_type_ix",
    "m",
    postgresql_using="gin",
    postgresql_ops={"m": "gin_trgm_ops"},
),
""",
        refused=["extension_of_no_type_ix", "gin_trgm_ops"],
        ways=(FORTH,),
        origin="system",
        **PG,
    ),
    table(
        "extension_not_there",
        "",
        'sa.Column("n", ExtensionNotThereType)',
        helpers="""\
class ExtensionNotThereType(sa.types.UserDefinedType):
    cache_ok = True

    def get_col_spec(self, **kw):
        return "extension_not_there_geometry(9)"
""",
        refused=["extension_not_there_geometry"],
        ways=(FORTH,),
        **PG,
    ),
    table(
        "vectors",
        "",
        """\
sa.Column("n", Vector(3)),
sa.Index(
    "vectors_ix",
    "n",
    postgresql_using="hnsw",
    postgresql_with={"m": 16, "ef_construction": 64},
    postgresql_ops={"n": "vector_l2_ops"},
),
""",
        imports="from pgvector.sqlalchemy import Vector",
        writes=["vector"],
        rows_back=[{"id": 1, "n": "[1,2,3]"}],
        kept_back=[{"id": 1}],
        origin="wheel",
        **PG,
    ),
    table(
        "vector_width",
        'sa.Column("n", Vector(3))',
        'sa.Column("n", Vector(4))',
        imports="from pgvector.sqlalchemy import Vector",
        answers={TYPE.format("vector_width"): ("vector(3)", "vector(4)")},
        origin="wheel",
        **PG,
    ),
]

FAILURES = [
    table(
        "json_without_class",
        'sa.Column("n", sa.JSON)',
        """\
sa.Column("n", sa.JSON),
sa.Index("json_without_class_ix", "n", postgresql_using="gin"),
""",
        refused=["json_without_class_ix", "no default operator class"],
        ways=(FORTH,),
        **PG,
    ),
]

CASES = [
    *USING,
    *ENUMS,
    *SCHEMAS,
    *IDENTITIES,
    *INDEXES,
    *CONSTRAINTS,
    *COMPUTATIONS,
    *HISTORY,
    *TYPES,
    *EXTENSIONS,
    *FAILURES,
]
