"""The guard: what is refused, and what is said before a revision is written."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from harness import Project, Service

from tests.revisions import CLEAN, NOTE, operations

BEFORE = """\
    nickname = sa.Column(sa.String(200))
    size = sa.Column(sa.BigInteger)
    count = sa.Column(sa.Integer)
    price = sa.Column(sa.Numeric(8, 2))
    age = sa.Column(sa.Interval)
    filled = sa.Column(sa.Integer)


class Order(Base):
    __tablename__ = "order"

    id: Mapped[int] = mapped_column(sa.Integer, primary_key=True)
"""
AFTER = """\
    nickname = sa.Column(sa.String(20))
    size = sa.Column(sa.Integer)
    count = sa.Column(sa.BigInteger)
    price = sa.Column(sa.Numeric(9, 2))
    needed = sa.Column(sa.Integer, nullable=False)
    given = sa.Column(sa.Integer, nullable=False, server_default="0")
    filled = sa.Column(sa.Integer, nullable=False)
"""
REMARKS = [
    "drops table order and all its rows",
    "drops column user.age and all its data",
    "changes user.nickname from VARCHAR(",
    "changes user.size from BIGINT(",
    "user.filled becomes NOT NULL, which fails if a row has no value for it",
    "user.needed is NOT NULL and has no server default, so existing rows have no",
]


def test_what_loses_data_or_fails_on_it_is_said(service: Service) -> None:
    project = service.project
    models = project.models
    original = models.read_text()
    models.write_text(original + BEFORE)
    assert "Warning" not in project.revise("Before")
    models.write_text(original + AFTER)
    output = project.revise("After")
    warnings, _, _ = output.partition("Generating")
    *_, revision = project.revisions()
    _, _, upgrade = revision.read_text().partition("def upgrade() -> None:\n")
    comment, _, _ = upgrade.partition("    op.")
    for remark in REMARKS:
        assert f"Warning: {remark}" in warnings
        assert f"    # {remark}" in comment
    assert warnings.count("Warning: ") == len(REMARKS)
    project.run("ruff", "check")
    project.run("ruff", "format", "--check")
    # Data is not in danger from a revision that is written by hand.
    project.run("alembic", "revision", "-m", "By hand")
    *_, revision = project.revisions()
    assert "#" not in revision.read_text()


# A column's type before and after, by its name.
NARROWED = {
    "string_length": ("sa.String(20)", "sa.String(19)"),
    "text_to_string": ("sa.Text", "sa.String(200)"),
    "big_to_integer": ("sa.BigInteger", "sa.Integer"),
    "integer_to_small": ("sa.Integer", "sa.SmallInteger"),
    "precision": ("sa.Numeric(8, 2)", "sa.Numeric(7, 2)"),
    "scale": ("sa.Numeric(8, 2)", "sa.Numeric(9, 1)"),
    "digits_before_the_point": ("sa.Numeric(8, 2)", "sa.Numeric(8, 4)"),
    "string_to_integer": ("sa.String(20)", "sa.Integer"),
    "time_to_date": ("sa.DateTime", "sa.Date"),
}
NOT_NARROWED = {
    "longer": ("sa.String(19)", "sa.String(20)"),
    "string_to_text": ("sa.String(20)", "sa.Text"),
    "small_to_big": ("sa.SmallInteger", "sa.BigInteger"),
    "more_digits": ("sa.Numeric(8, 2)", "sa.Numeric(10, 4)"),
    "integer_to_string": ("sa.Integer", "sa.String(20)"),
}
OF_FAMILIES: dict[str, tuple[dict[str, tuple[str, str]], ...]] = {
    "sqlite": ({}, {}),
    "postgresql": (
        {
            "no_zone": ("sa.DateTime(timezone=True)", "sa.DateTime"),
            "double_to_real": ("sa.Double", "sa.REAL"),
        },
        {
            "with_zone": ("sa.DateTime", "sa.DateTime(timezone=True)"),
            "real_to_double": ("sa.REAL", "sa.Double"),
        },
    ),
    "mysql": (
        {"value_lost": ('sa.Enum("one", "two")', 'sa.Enum("one", "ten")')},
        {"value_added": ('sa.Enum("one")', 'sa.Enum("one", "two")')},
    ),
}


def test_each_type_that_takes_less_is_named(service: Service) -> None:
    """Autogenerate sees every change, and the guard names those that may lose data."""
    project = service.project
    models = project.models
    original = models.read_text()
    less, more = OF_FAMILIES[service.family]
    narrowed, others = NARROWED | less, NOT_NARROWED | more
    for point in (0, 1):
        columns = [
            f"    {name}: Mapped[str] = mapped_column({kinds[point]}, nullable=True)\n"
            for name, kinds in (narrowed | others).items()
        ]
        models.write_text(original + "".join(columns))
        output = project.revise(f"At point {point}")
    assert set(re.findall(r"changes user\.(\w+) from", output)) == set(narrowed)
    *_, revision = project.revisions()
    _, _, upgrade = revision.read_text().partition("def upgrade")
    upgrade, _, _ = upgrade.partition("def downgrade")
    # PostgreSQL casts text to a number only if told.
    changed = upgrade.count("alter_column(") + upgrade.count(" USING ")
    assert changed == len(narrowed | others)


NOTHING = "from app.database import Base\n"
NO_MODELS = (
    "FAILED: there are revisions, but the metadata has no tables: import the models in"
    " env.py, or, to drop all tables, run: alembic -x allow-drop revision --autogenerate …\n"
)


@pytest.mark.parametrize("option", [(), ("-x", "live")], ids=["scratch", "live"])
def test_revisions_without_models_are_refused(
    copied: Callable[[str], Project], option: tuple[str, ...]
) -> None:
    project = copied("sqlite")
    project.run("alembic", "upgrade", "head")
    (project.models).write_text(NOTHING)
    for command in (("check",), ("revision", "--autogenerate", "-m", "Lost")):
        output = project.run("alembic", *option, *command, code=255)
        assert output.endswith(NO_MODELS)
    assert len(project.revisions()) == 1
    project.revise("Drop all", *option, "-x", "allow-drop")
    _, last = project.revisions()
    assert operations(last, "upgrade") == ["op.drop_table"]
    assert "    # drops table user and all its rows\n" in last.read_text()


@pytest.mark.parametrize("kind", ["sqlite", "psycopg2"])
def test_no_models_and_no_revisions_are_a_beginning(
    copied: Callable[[str], Project], kind: str
) -> None:
    project = copied(kind)
    (first,) = project.revisions()
    first.unlink()
    models = project.models
    text = models.read_text()
    models.write_text(NOTHING)
    assert project.run("alembic", "check") in (CLEAN, NOTE + CLEAN)
    models.write_text(text)
    project.revise("First")
    (first,) = project.revisions()
    assert operations(first, "upgrade") == ["op.create_table"]
