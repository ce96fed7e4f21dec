"""Connection strings: what is accepted, what it comes to, and what is refused."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from cookiecutter_alembic.databases import DRIVERS, InvalidUrl, parse

ACCEPTED = [
    "sqlite:///orders.db",
    "sqlite:////srv/a@b@c.db",
    "sqlite:///file with space.db",
    "sqlite:///data/orders.sqlite3?mode=ro",
    "postgresql+psycopg2://postgres:mysecretpassword@localhost:5432/postgres",
    "postgresql+psycopg2://u:p%40ss@[::1]:5433/db?sslmode=require",
    "postgresql+psycopg2://u@/db?host=/var/run/postgresql",
    "postgresql+psycopg2:///db",
    "postgresql+psycopg2://:p@h/db",
    "postgresql+psycopg://u:@h/db",
    "postgresql+psycopg://u:p:/?#[]!$&'()*+,;= ~^ü@db.example.com/db",
    "postgresql+psycopg://us%3Aer:p%25%2F@h/db?application_name=a%20b&sslmode=require",
    "postgresql+psycopg://u:p@/db?host=h1:5432&host=h2:5432",
]


@pytest.mark.parametrize("url", ACCEPTED)
def test_a_url_means_what_sqlalchemy_takes_it_for(url: str) -> None:
    ours, theirs = parse(url), sa.make_url(url)
    assert ours.driver.name == theirs.drivername
    assert ours.username == (theirs.username or "")
    assert ours.password == theirs.password
    assert ours.host == (theirs.host or "")
    assert ours.database == theirs.database
    assert ours.port == (theirs.port or (ours.dialect.server and 5432))
    # What is written out for .env is the same URL, password and all.
    assert sa.make_url(ours.url_with_password) == theirs
    if theirs.password:
        assert sa.make_url(ours.url) == theirs._replace(password=None)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_a_scheme_without_driver_is_spelled_out(scheme: str) -> None:
    accepted = parse(f"{scheme}://u:p@h/db")
    assert accepted.url == "postgresql+psycopg://u@h/db"
    assert accepted.url_with_password == "postgresql+psycopg://u:p@h/db"
    assert "psycopg[binary]>=3.3" in accepted.requirements


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: driver.name)
def test_sqlalchemy_knows_each_driver(driver: object) -> None:
    name = getattr(driver, "name", "")
    dialect = sa.make_url(f"{name}://").get_dialect()
    assert dialect.is_async is getattr(driver, "is_async", None)
    assert name.partition("+")[0] == dialect.name


REFUSED = {
    "": "not a connection string",
    "orders.db": "not a connection string",
    "://": "is not supported",
    "foo://": '"foo" is not supported',
    "mongodb://h/d": '"mongodb" is not supported',
    "POSTGRESQL://h/d": "did you mean postgresql?",
    "postgresql+nope://h/d": "did you mean postgresql",
    "sqlite://": "needs a file",
    "sqlite:///:memory:": "needs a file",
    "sqlite://orders.db": "three slashes",
    "postgresql+psycopg2://u:secret@ss@h/db": "write the one in the password as %40",
    "postgresql+psycopg2://u:secret@s/s@h/db": "write the one in the password as %40",
    "postgresql+psycopg2://u:secret@h:port/db": "the port is not a number",
    "postgresql+psycopg2://u:secret@h:99999/db": "the port is not a number",
    "postgresql+psycopg2://u:secret@h:/d\nb": "not a connection string",
    "postgresql+psycopg2://u@h/db?password=secret": "before the host",
    "postgresql+psycopg2://u@h/db?sslpassword=secret": "before the host",
    "postgresql+psycopg2://u:secret@h": "names no database",
    "postgresql+psycopg2://u:secret@h/": "names no database",
}


@pytest.mark.parametrize("url", REFUSED)
def test_a_refusal_is_one_line_without_the_password(url: str) -> None:
    with pytest.raises(InvalidUrl) as refusal:
        parse(url)
    message = str(refusal.value)
    assert REFUSED[url] in message
    assert "\n" not in message
    assert "secret" not in message
