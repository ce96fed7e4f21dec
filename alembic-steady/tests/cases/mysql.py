"""Cases of MySQL and MariaDB alone."""

from __future__ import annotations

from typing import Any

from cases import FORTH, Case, models, table

MYSQL: dict[str, Any] = {"families": ("mysql",)}

COLUMN = (
    "SELECT {} FROM information_schema.columns WHERE table_schema = database()"
    " AND table_name = '{}' AND column_name = 'n'"
)
INDEX = (
    "SELECT group_concat(coalesce(sub_part, collation) ORDER BY seq_in_index)"
    " FROM information_schema.statistics"
    " WHERE table_schema = database() AND index_name = '{}'"
)


def keyed(name: str, before: str, after: str, **more: Any) -> Case:
    """Return a case of a column that may refer to a table, and may have an index."""
    sources = [
        f"""\
sa.Table("{name}_parent", Base.metadata, sa.Column("id", sa.Integer, primary_key=True))
sa.Table(
    "{name}",
    Base.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("m", sa.Integer),
{column}
)
""".replace("PARENT", f'sa.ForeignKey("{name}_parent.id", name="{name}_fk")')
        for column in (before, after)
    ]
    rows = {f"{name}_parent": [{"id": 1}], name: [{"id": 1}]}
    return models(name, sources[0], sources[1], rows=rows, **MYSQL, **more)


PLAIN = '    sa.Column("n", sa.Integer),'
KEYS = [
    keyed("key_with_index", "", '    sa.Column("n", PARENT, index=True),'),
    keyed("key_alone", "", '    sa.Column("n", PARENT),'),
    keyed("key_on_column", PLAIN, '    sa.Column("n", sa.Integer, PARENT),'),
    keyed(
        "both_on_column", PLAIN, '    sa.Column("n", sa.Integer, PARENT, index=True),'
    ),
    keyed(
        "index_on_key",
        '    sa.Column("n", sa.Integer, PARENT),',
        '    sa.Column("n", sa.Integer, PARENT, index=True),',
    ),
    keyed(
        "key_on_index",
        '    sa.Column("n", sa.Integer, index=True),',
        '    sa.Column("n", sa.Integer, PARENT, index=True),',
    ),
    keyed(
        "unique_on_key",
        '    sa.Column("n", sa.Integer, PARENT),',
        '    sa.Column("n", sa.Integer, PARENT, unique=True),',
    ),
    keyed(
        "wider_index",
        '    sa.Column("n", sa.Integer, PARENT), sa.Index("wider_index_ix", "n"),',
        '    sa.Column("n", sa.Integer, PARENT), sa.Index("wider_index_ix", "n", "m"),',
    ),
    keyed(
        "unnamed_key_single",
        "",
        '    sa.Column("n", sa.ForeignKey("unnamed_key_single_parent.id")),',
    ),
    keyed(
        "unnamed_key_indexed",
        PLAIN,
        '    sa.Column("n", sa.ForeignKey("unnamed_key_indexed_parent.id"), index=True),',
    ),
    *(
        models(
            name,
            *(
                f"""\
sa.Table(
    "{name}",
    Base.metadata,
    sa.Column("id", {kind}, primary_key=True),
    sa.Column("m", sa.Integer),
)
sa.Table(
    "{name}_child",
    Base.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("n", {kind}, sa.ForeignKey("{name}.id"{argument}), {index}),
)
"""
                for kind in kinds
            ),
            rows={name: [{"id": 1}], f"{name}_child": [{"id": 1, "n": 1}]},
            **MYSQL,
        )
        for name, argument, index, kinds in (
            ("larger_key", "", "index=True", ("sa.Integer", "sa.BigInteger")),
            (
                "named_larger",
                ', name="named_larger_fk", ondelete="CASCADE"',
                "nullable=False",
                ("sa.Integer", "sa.BigInteger"),
            ),
            ("key_unsigned", "", "", ("sa.Integer", "mysql.INTEGER(unsigned=True)")),
        )
    ),
    models(
        "longer_text_key",
        *(
            f"""\
sa.Table("longer_text_key", Base.metadata, sa.Column("id", sa.String({length}), primary_key=True))
sa.Table(
    "longer_text_key_child",
    Base.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("n", sa.String({length}), sa.ForeignKey("longer_text_key.id")),
)
"""
            for length in (20, 30)
        ),
        rows={
            "longer_text_key": [{"id": "a"}],
            "longer_text_key_child": [{"id": 1, "n": "a"}],
        },
        **MYSQL,
    ),
    models(
        "key_of_itself",
        *(
            f"""\
sa.Table(
    "key_of_itself",
    Base.metadata,
    sa.Column("id", {kind}, primary_key=True),
    sa.Column("n", {kind}, sa.ForeignKey("key_of_itself.id")),
)
"""
            for kind in ("sa.Integer", "sa.BigInteger")
        ),
        rows={"key_of_itself": [{"id": 1, "n": 1}]},
        **MYSQL,
    ),
]

COLUMNS = [
    table(
        "text_without_length",
        "",
        'sa.Column("n", sa.String)',
        refused=["text_without_length", "length"],
        ways=(FORTH,),
        **MYSQL,
    ),
    table(
        "bytes_with_length",
        "",
        'sa.Column("n", sa.LargeBinary(200))',
        **MYSQL,
    ),
    table(
        "more_bytes",
        'sa.Column("n", sa.LargeBinary(200))',
        'sa.Column("n", sa.LargeBinary(70000))',
        rows=[{"id": 1, "n": "abc"}],
        kept=[{"id": 1, "n": b"abc"}],
        rows_back=[{"id": 1, "n": "abc"}],
        kept_back=[{"id": 1, "n": b"abc"}],
        answers={
            COLUMN.format("column_type", "more_bytes"): ("tinyblob", "mediumblob")
        },
        **MYSQL,
    ),
    table(
        "collation_changed",
        'sa.Column("n", sa.String(20))',
        'sa.Column("n", sa.String(20, collation="utf8mb4_bin"))',
        rows=[{"id": 1, "n": "abc"}],
        answers={
            COLUMN.format("collation_name = 'utf8mb4_bin'", "collation_changed"): (0, 1)
        },
        **MYSQL,
    ),
    table(
        "collation_of_table",
        'sa.Column("n", sa.String(20)), mysql_collate="utf8mb4_bin", mariadb_collate="utf8mb4_bin"',
        'sa.Column("n", sa.String(30)), mysql_collate="utf8mb4_bin", mariadb_collate="utf8mb4_bin"',
        rows=[{"id": 1, "n": "abc"}],
        answers={
            COLUMN.format("collation_name", "collation_of_table"): (
                "utf8mb4_bin",
                "utf8mb4_bin",
            )
        },
        **MYSQL,
    ),
    table(
        "charset_of_table",
        'sa.Column("n", sa.String(20))',
        """\
sa.Column("n", sa.String(20)),
sa.Column("m", sa.String(20, collation="latin1_bin")),
mysql_charset="latin1", mariadb_charset="latin1",
""",
        rows=[{"id": 1, "n": "abc"}],
        **MYSQL,
    ),
    table(
        "enum_value_renamed",
        'sa.Column("n", sa.Enum("one", "two"), server_default="one")',
        'sa.Column("n", sa.Enum("one", "ten"), server_default="one")',
        rows=[{"id": 1, "n": "one"}],
        says=["Warning: ", "enum_value_renamed.n"],
        **MYSQL,
    ),
    table(
        "enum_value_added",
        'sa.Column("n", sa.Enum("one", "two"), nullable=False, server_default="two")',
        'sa.Column("n", sa.Enum("one", "ten", "two"), nullable=False, server_default="two")',
        rows=[{"id": 1, "n": "two"}],
        **MYSQL,
    ),
    table(
        "set_of_values",
        'sa.Column("n", mysql.SET("a", "b"))',
        'sa.Column("n", mysql.SET("a", "b", "c"))',
        **MYSQL,
    ),
    table(
        "many_types",
        "",
        """\
sa.Column("a", mysql.TINYINT(1), server_default="1"),
sa.Column("b", mysql.DATETIME(fsp=6), server_default=sa.text("CURRENT_TIMESTAMP(6)")),
sa.Column(
    "c",
    mysql.TIMESTAMP,
    nullable=False,
    server_default=sa.text("CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP"),
),
sa.Column("d", mysql.BIGINT(unsigned=True)),
sa.Column("e", mysql.DECIMAL(8, 2, unsigned=True), server_default="1.5"),
sa.Column("f", mysql.LONGTEXT),
sa.Column("g", mysql.VARBINARY(16)),
sa.Column("h", mysql.YEAR),
sa.Column("i", mysql.DOUBLE(asdecimal=False)),
sa.Column("j", sa.Text(70000)),
sa.Column("k", mysql.BIT(5)),
sa.Column("l", sa.Float(53)),
sa.Column("m", sa.Uuid, index=True),
sa.Column("o", sa.Boolean, server_default=sa.true()),
sa.Column("p", sa.Boolean(create_constraint=True, name="many_types_flag")),
sa.Column("q", sa.Integer, server_default=sa.text("(1 + 2)")),
sa.Column("r", sa.JSON(none_as_null=True)),
sa.Column("s", sa.Text, server_default=sa.text("('x')")),
sa.Column("t", sa.Unicode(20), server_default=sa.text("(uuid())")),
sa.Column("u", sa.Date, server_default=sa.text("(curdate())")),
""",
        writes=["sa.JSON("],
        **MYSQL,
    ),
    table(
        "updated_by_server",
        'sa.Column("n", mysql.TIMESTAMP, server_default=sa.func.now(), nullable=False)',
        """\
sa.Column(
    "n",
    mysql.TIMESTAMP,
    server_default=sa.text("CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP"),
    nullable=False,
)
""",
        answers={
            COLUMN.format("extra <> ''", "updated_by_server"): (0, 1),
        },
        **MYSQL,
    ),
    table(
        "all_of_column",
        'sa.Column("n", sa.Integer, nullable=False, server_default="5", comment="old")',
        'sa.Column("n", sa.Integer, nullable=True, server_default="5", comment="new")',
        rows=[{"id": 1, "n": 5}],
        **MYSQL,
    ),
    table(
        "comment_of_table",
        'sa.Column("n", sa.Integer), comment="old"',
        'sa.Column("n", sa.Integer), comment="new"',
        **MYSQL,
    ),
    table(
        "bigger_counter",
        'sa.Column("id", sa.Integer, primary_key=True)',
        'sa.Column("id", sa.BigInteger, primary_key=True)',
        answers={
            COLUMN.replace("'n'", "'id'").format("extra", "bigger_counter"): (
                "auto_increment",
                "auto_increment",
            )
        },
        **MYSQL,
    ),
    *(
        table(
            f"computed_{name}",
            f'sa.Column("n", sa.Integer), sa.Column("m", sa.Integer{one})',
            f'sa.Column("n", sa.Integer), sa.Column("m", sa.Integer{two})',
            rows=[{"id": 1, "n": 5}],
            **MYSQL,
        )
        for name, one, two in (
            ("changed", ', sa.Computed("n + 1")', ', sa.Computed("n + 2")'),
            (
                "stored",
                ', sa.Computed("n + 1")',
                ', sa.Computed("n + 1", persisted=True)',
            ),
            ("removed", ', sa.Computed("n + 1", persisted=True)', ""),
        )
    ),
    table(
        "computed_column",
        'sa.Column("n", sa.Integer)',
        """\
sa.Column("n", sa.Integer),
sa.Column("m", sa.Integer, sa.Computed("n + 1", persisted=True), index=True),
sa.Column("o", sa.String(20), sa.Computed("concat('50% :x', n)".replace(":", "\\\\:"))),
""",
        rows=[{"id": 1, "n": 5}],
        kept=[{"id": 1, "n": 5, "m": 6}],
        rows_back=[{"id": 1, "n": 5}],
        **MYSQL,
    ),
    table(
        "computed_of_type",
        """\
sa.Column("n", sa.Integer),
sa.Column("m", sa.Integer, sa.Computed("n + 1", persisted=True)),
""",
        """\
sa.Column("n", sa.BigInteger),
sa.Column("m", sa.BigInteger, sa.Computed("n + 1", persisted=True)),
""",
        rows=[{"id": 1, "n": 5}],
        **MYSQL,
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
        **MYSQL,
    ),
]

INDEXES = [
    table(
        f"{name}_index",
        'sa.Column("n", sa.String(50)), sa.Column("m", sa.Text)'
        + (f', sa.Index("{name}_index_ix", {before})' if before else ""),
        'sa.Column("n", sa.String(50)), sa.Column("m", sa.Text),'
        f' sa.Index("{name}_index_ix", {after})',
        rows=[{"id": 1, "n": "abc", "m": "def"}],
        answers={INDEX.format(f"{name}_index_ix"): answers} if answers else {},
        **MYSQL,
    )
    for name, before, after, answers in (
        ("descending", "", 'sa.desc("n")', (None, "D")),
        ("ordered", 'sa.text("n ASC")', 'sa.text("n DESC"), "id"', ("A", "D,A")),
        ("prefix", "", '"m", mysql_length=10, mariadb_length=10', (None, "10")),
        (
            "prefixes",
            "",
            '"m", "n", mysql_length={"m": 10, "n": 5}, mariadb_length={"m": 10, "n": 5}',
            (None, "10,5"),
        ),
        (
            "prefix_changed",
            '"m", mysql_length=10, mariadb_length=10',
            '"m", mysql_length=20, mariadb_length=20',
            ("10", "20"),
        ),
        (
            "full_text",
            "",
            '"m", mysql_prefix="FULLTEXT", mariadb_prefix="FULLTEXT"',
            (),
        ),
        (
            "full_text_later",
            '"n"',
            '"n", mysql_prefix="FULLTEXT", mariadb_prefix="FULLTEXT"',
            (),
        ),
        (
            "prefix_unique",
            '"m", mysql_length=10, mariadb_length=10',
            '"m", mysql_length=10, mariadb_length=10, unique=True',
            (),
        ),
    )
]

BESIDE = [
    table(
        "beside_the_models",
        'sa.Column("n", sa.Integer)',
        'sa.Column("n", sa.BigInteger)',
        between=[
            "CREATE VIEW beside_the_models_view AS SELECT n FROM beside_the_models",
            (
                "CREATE TRIGGER beside_the_models_trigger BEFORE INSERT ON beside_the_models"
                " FOR EACH ROW SET new.n = new.n + 1"
            ),
        ],
        undo=["DROP VIEW beside_the_models_view"],
        rows=[{"id": 1, "n": 5}],
        kept=[{"id": 1, "n": 6}],
        rows_back=[{"id": 1, "n": 5}],
        kept_back=[{"id": 1, "n": 6}],
        answers={"SELECT count(*) FROM beside_the_models_view": (1, 1)},
        **MYSQL,
    ),
    models(
        "exotic_of_history",
        "",
        "",
        between=[
            """\
CREATE TABLE exotic_of_history (
    id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    n ENUM('a', 'it''s :x 50%') COLLATE latin1_bin DEFAULT 'a' NOT NULL COMMENT 'its :x',
    o VARCHAR(50) DEFAULT (concat('a', 'b')),
    p INT GENERATED ALWAYS AS (length(o)) STORED,
    q TIMESTAMP(3) DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
    KEY exotic_of_history_ix (o(10) DESC, n),
    FULLTEXT KEY exotic_of_history_text (o),
    CHECK (o LIKE '50%' AND o <> ':x')
) COMMENT 'it''s 50% :x' CHARSET latin1""",
        ],
        writes=["drop_table"],
        ways=(FORTH,),
        **MYSQL,
    ),
]

CASES: list[Case] = [*KEYS, *COLUMNS, *INDEXES, *BESIDE]
