{% set is_server = cookiecutter.__kind == "server" %}
{% set is_empty = cookiecutter.starting_point == "empty" %}
"""Tests of the revisions: they have one head, run up and down, and match the models."""

from collections.abc import Callable

from alembic import command
from alembic.config import Config
{% if is_empty %}
from alembic.script import ScriptDirectory
from pytest_alembic.tests import (
    test_model_definitions_match_ddl,
    test_up_down_consistency,
    test_upgrade,
)
{% else %}
from pytest_alembic.tests import (
    test_model_definitions_match_ddl,
    test_single_head_revision,
    test_up_down_consistency,
    test_upgrade,
)
{% endif %}
from sqlalchemy import Engine

from app.config import ROOT

__all__ = [
    "test_model_definitions_match_ddl",
{% if not is_empty %}
    "test_single_head_revision",
{% endif %}
    "test_up_down_consistency",
    "test_upgrade",
]

{% if is_empty %}

def test_there_is_one_head_at_most() -> None:
    scripts = ScriptDirectory.from_config(Config(ROOT / "alembic.ini"))
    assert len(scripts.get_heads()) <= 1

{% endif %}

def test_an_upgrade_leaves_no_drift(
    alembic_engine: Engine, find_drift: Callable[[Engine], list[str]]
) -> None:
    config = Config(ROOT / "alembic.ini")
    config.attributes["connection"] = alembic_engine
    command.upgrade(config, "heads")
    assert find_drift(alembic_engine) == []
{% if is_server %}


def test_the_history_can_be_printed_as_sql(print_history: Callable[[], str]) -> None:
    print_history()
{% endif %}
