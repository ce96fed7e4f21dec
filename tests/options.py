"""How much is run: in short, with `--full`, or with `--soak`."""

from __future__ import annotations

import re

import pytest

SECOND_DRIVERS = {
    "aiosqlite": "sqlite",
    "mariadb_asyncmy": "mariadb_pymysql",
    "mysql_asyncmy": "mariadb_pymysql",
    "mysql_pymysql": "mariadb_pymysql",
    "psycopg": "psycopg2",
    "psycopg_async": "psycopg2",
    "python": "line",
}
"""What a short run leaves out of a test, where that is tried with the other, too."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer to run more than who tries the project has the time for."""
    parser.addoption("--full", action="store_true", help="run every pair and driver")
    parser.addoption("--soak", action="store_true", help="the same, and repeat more")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the mark of tests that a short run does without."""
    config.addinivalue_line("markers", "full: is run with --full and --soak alone")
    config.addinivalue_line("markers", "soak: is run with --soak alone")


@pytest.fixture(scope="session")
def is_short(pytestconfig: pytest.Config) -> bool:
    """Return whether this is the short run, which repeats less."""
    return not (pytestconfig.getoption("--full") or pytestconfig.getoption("--soak"))


@pytest.fixture(scope="session")
def soak(pytestconfig: pytest.Config) -> bool:
    """Return whether what is random is to be repeated more often."""
    return bool(pytestconfig.getoption("--soak"))


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Leave out what is for `--full`, and begin with the longest tests.

    So no worker is left alone with one of those at the end.
    """
    is_soak = bool(config.getoption("--soak"))
    is_full = is_soak or bool(config.getoption("--full"))
    variants: dict[str, set[str]] = {}
    for item in items:
        function = item.nodeid.partition("[")[0]
        variants.setdefault(function, set()).update(words(item))
    left_out = {
        item
        for item in items
        if (item.get_closest_marker("soak") and not is_soak)
        or (item.get_closest_marker("full") and not is_full)
        or (is_second(item, variants) and not is_full)
    }
    config.hook.pytest_deselected(items=[*left_out])
    items[:] = [item for item in items if item not in left_out]
    items.sort(key=lambda item: item.path.name != "test_interruptions.py")


def words(item: pytest.Item) -> set[str]:
    """Return the words in the parameters of a test."""
    return {*re.split(r"[-\[\]]", item.nodeid.partition("[")[2])}


def is_second(item: pytest.Item, variants: dict[str, set[str]]) -> bool:
    """Return whether the same test is tried with the first driver for a database, too.

    Arguments:
        item: the test.
        variants: the words in the parameters of each test function.
    """
    others = variants[item.nodeid.partition("[")[0]]
    return any(SECOND_DRIVERS.get(word) in others for word in words(item))
