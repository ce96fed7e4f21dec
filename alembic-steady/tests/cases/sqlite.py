"""Cases of SQLite alone: most of its changes build a table again."""

from __future__ import annotations

from typing import Any

from cases import Case, models, table

SQLITE: dict[str, Any] = {"families": ("sqlite",)}

STORED = "SELECT count(*) FROM sqlite_master WHERE name = '{}' AND sql GLOB '{}'"

INDEXES = [
    table(
        f"{name}_index",
        f'sa.Column("n", sa.Integer), sa.Column("m", sa.Text), sa.Index("{name}_index_ix", {one})',
        f'sa.Column("n", sa.Integer), sa.Column("m", sa.Text), sa.Index("{name}_index_ix", {two})',
        rows=[{"id": 1, "n": 5, "m": "abc"}],
        answers={
            f"SELECT sql GLOB '{pattern}' FROM sqlite_master WHERE name = '{name}_index_ix'": (
                0,
                1,
            )
        },
        **SQLITE,
    )
    for name, one, two, pattern in (
        (
            "partial",
            '"n", sqlite_where=sa.text("n > 0")',
            '"n", sqlite_where=sa.text("n > 1")',
            "*WHERE n > 1",
        ),
        (
            "unique_where",
            '"n", unique=True',
            '"n", unique=True, sqlite_where=sa.text("n > 1")',
            "*WHERE n > 1",
        ),
        ("descending", '"n"', 'sa.text("n DESC")', "*(n DESC)"),
        ("expression", 'sa.text("lower(m)")', 'sa.text("upper(m)")', "*(upper(m))"),
        ("collated", '"m"', 'sa.text("m COLLATE NOCASE")', "*NOCASE)"),
    )
]

REST = """\
sa.Column("p", sa.Integer, sa.CheckConstraint("p > 0"), unique=True),
sa.Column("q", sa.ForeignKey("{name}.id", ondelete="CASCADE")),
sa.Column("r", sa.Integer, sa.Computed("p + 1"), index=True),
sa.Column("s", sa.String(20, collation="NOCASE"), server_default=sa.text("(1 + 2)")),
sa.CheckConstraint("p < 100"),
sa.UniqueConstraint("p", "q"),
sa.Index("{name}_ix", "p", sqlite_where=sa.text("p > 1")),
sa.Index("{name}_ix_lower", sa.text("lower(s)")),
"""

REBUILDS = [
    table(
        f"rebuilt_{name}",
        one + REST.format(name=f"rebuilt_{name}"),
        two + REST.format(name=f"rebuilt_{name}"),
        rows=[{"id": 1, "p": 5, "q": 1}],
        kept=[{"id": 1, "p": 5, "q": 1, "r": 6, "s": "3"}],
        rows_back=[{"id": 1, "p": 5, "q": 1}],
        kept_back=[{"id": 1, "p": 5, "q": 1, "r": 6, "s": "3"}],
        **SQLITE,
    )
    for name, one, two in (
        ("for_type", 'sa.Column("n", sa.Integer),', 'sa.Column("n", sa.Text),'),
        (
            "for_null",
            'sa.Column("n", sa.Integer, server_default="1"),',
            'sa.Column("n", sa.Integer, server_default="1", nullable=False),',
        ),
        (
            "for_check",
            'sa.Column("n", sa.Integer),',
            'sa.Column("n", sa.Integer), sa.CheckConstraint("n > 0", name="rebuilt_for_check_n"),',
        ),
        (
            "for_column",
            "",
            'sa.Column("n", sa.Integer, sa.ForeignKey("bystander.id"), unique=True),',
        ),
    )
]

CHANGES = [
    table(
        "collation_changed",
        'sa.Column("n", sa.String(20))',
        'sa.Column("n", sa.String(20, collation="NOCASE"))',
        rows=[{"id": 1, "n": "abc"}],
        answers={STORED.format("collation_changed", "*NOCASE*"): (0, 1)},
        **SQLITE,
    ),
    table(
        "autoincrement_added",
        'sa.Column("n", sa.Integer)',
        'sa.Column("n", sa.Integer), sqlite_autoincrement=True',
        rows=[{"id": 1, "n": 5}],
        answers={STORED.format("autoincrement_added", "*AUTOINCREMENT*"): (0, 1)},
        **SQLITE,
    ),
    table(
        "autoincrement_kept",
        'sa.Column("n", sa.Integer), sqlite_autoincrement=True',
        'sa.Column("n", sa.Text), sqlite_autoincrement=True',
        rows=[{"id": 7, "n": 5}],
        kept=[{"id": 7, "n": "5"}],
        answers={
            STORED.format("autoincrement_kept", "*AUTOINCREMENT*"): (1, 1),
            "SELECT seq FROM sqlite_sequence WHERE name = 'autoincrement_kept'": (7, 7),
        },
        **SQLITE,
    ),
    table(
        "computed_changed",
        'sa.Column("n", sa.Integer), sa.Column("m", sa.Integer, sa.Computed("n + 1"))',
        'sa.Column("n", sa.Integer), sa.Column("m", sa.Integer, sa.Computed("n + 2"))',
        rows=[{"id": 1, "n": 5}],
        kept=[{"id": 1, "n": 5, "m": 7}],
        rows_back=[{"id": 1, "n": 5}],
        kept_back=[{"id": 1, "n": 5, "m": 6}],
        **SQLITE,
    ),
    table(
        "computed_stored",
        'sa.Column("n", sa.Integer), sa.Column("m", sa.Integer, sa.Computed("n + 1"))',
        """\
sa.Column("n", sa.Integer),
sa.Column("m", sa.Integer, sa.Computed("n + 1", persisted=True)),
""",
        rows=[{"id": 1, "n": 5}],
        kept=[{"id": 1, "n": 5, "m": 6}],
        rows_back=[{"id": 1, "n": 5}],
        kept_back=[{"id": 1, "n": 5, "m": 6}],
        **SQLITE,
    ),
    table(
        "computed_column",
        'sa.Column("n", sa.Integer)',
        """\
sa.Column("n", sa.Integer),
sa.Column("m", sa.Integer, sa.Computed("n + 1")),
sa.Column("o", sa.Integer, sa.Computed("n + 2", persisted=True), index=True),
""",
        rows=[{"id": 1, "n": 5}],
        kept=[{"id": 1, "n": 5, "m": 6, "o": 7}],
        rows_back=[{"id": 1, "n": 5}],
        **SQLITE,
    ),
    table(
        "computed_removed",
        'sa.Column("n", sa.Integer), sa.Column("m", sa.Integer, sa.Computed("n + 1"))',
        'sa.Column("n", sa.Integer), sa.Column("m", sa.Integer)',
        rows=[{"id": 1, "n": 5}],
        kept=[{"id": 1, "n": 5}],
        rows_back=[{"id": 1, "n": 5}],
        kept_back=[{"id": 1, "n": 5, "m": 6}],
        **SQLITE,
    ),
    table(
        "composite_key",
        """\
sa.Column("id", sa.Integer, primary_key=True),
sa.Column("n", sa.Integer, nullable=False),
""",
        """\
sa.Column("id", sa.Integer, primary_key=True),
sa.Column("n", sa.Integer, primary_key=True),
""",
        rows=[{"id": 1, "n": 1}],
        may_be_refused=True,
        **SQLITE,
    ),
    table(
        "without_rowid",
        'sa.Column("n", sa.Integer)',
        'sa.Column("n", sa.BigInteger), sqlite_with_rowid=False',
        rows=[{"id": 1, "n": 5}],
        answers={STORED.format("without_rowid", "*WITHOUT ROWID*"): (0, 1)},
        **SQLITE,
    ),
    table(
        "strict_table",
        'sa.Column("n", sa.Integer), sqlite_strict=True',
        'sa.Column("n", sa.Text), sqlite_strict=True',
        rows=[{"id": 1, "n": 5}],
        kept=[{"id": 1, "n": "5"}],
        rows_back=[{"id": 1, "n": "5"}],
        kept_back=[{"id": 1, "n": 5}],
        answers={STORED.format("strict_table", "*STRICT*"): (1, 1)},
        **SQLITE,
    ),
    table(
        "conflict_ignored",
        'sa.Column("n", sa.Integer), sa.UniqueConstraint("n", name="conflict_ignored_n")',
        """\
sa.Column("n", sa.Integer),
sa.UniqueConstraint("n", name="conflict_ignored_n", sqlite_on_conflict="IGNORE"),
""",
        rows=[{"id": 1, "n": 5}],
        answers={STORED.format("conflict_ignored", "*IGNORE*"): (0, 1)},
        **SQLITE,
    ),
    table(
        "default_expression",
        'sa.Column("n", sa.Text, server_default=sa.text("(date(\'now\'))"))',
        'sa.Column("n", sa.Text, server_default=sa.text("(datetime(\'now\'))"))',
        rows=[{"id": 1, "n": "abc"}],
        **SQLITE,
    ),
    models(
        "children_of_rebuilt",
        *(
            f"""\
sa.Table(
    "children_of_rebuilt",
    Base.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("n", {kind}),
)
sa.Table(
    "children_of_rebuilt_child",
    Base.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("n", sa.ForeignKey("children_of_rebuilt.id", ondelete="CASCADE")),
)
"""
            for kind in ("sa.Integer", "sa.BigInteger")
        ),
        rows={
            "children_of_rebuilt": [{"id": 1, "n": 5}],
            "children_of_rebuilt_child": [{"id": 1, "n": 1}],
        },
        **SQLITE,
    ),
    table(
        "seen_and_watched",
        'sa.Column("n", sa.String(20))',
        'sa.Column("n", sa.Text, nullable=False, server_default="x")',
        between=[
            "CREATE VIEW seen_and_watched_view AS SELECT n FROM seen_and_watched",
            """\
CREATE TRIGGER seen_and_watched_trigger AFTER INSERT ON seen_and_watched
BEGIN
    UPDATE seen_and_watched SET n = new.n || '!' WHERE id = new.id AND n = 'watched';
END""",
        ],
        undo=["DROP VIEW seen_and_watched_view"],
        rows=[{"id": 1, "n": "abc"}, {"id": 2, "n": "watched"}],
        kept=[{"id": 1, "n": "abc"}, {"id": 2, "n": "watched!"}],
        rows_back=[{"id": 1, "n": "abc"}, {"id": 2, "n": "watched"}],
        kept_back=[{"id": 1, "n": "abc"}, {"id": 2, "n": "watched!"}],
        answers={
            "SELECT count(*) FROM seen_and_watched_view": (2, 2),
            "SELECT count(*) FROM sqlite_master WHERE name = 'seen_and_watched_trigger'": (
                1,
                1,
            ),
        },
        **SQLITE,
    ),
]

CASES: list[Case] = [*INDEXES, *REBUILDS, *CHANGES]
