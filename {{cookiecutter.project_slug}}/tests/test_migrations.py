{% set is_server = cookiecutter.__kind == "server" %}
"""Tests of the revisions: they have one head, run up and down, and match the models."""

from collections.abc import Callable

from alembic import command
from alembic.config import Config
from pytest_alembic.tests import (
    test_model_definitions_match_ddl,
    test_single_head_revision,
    test_up_down_consistency,
    test_upgrade,
)
from sqlalchemy import Engine

from app.config import ROOT

__all__ = [
    "test_model_definitions_match_ddl",
    "test_single_head_revision",
    "test_up_down_consistency",
    "test_upgrade",
]


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
