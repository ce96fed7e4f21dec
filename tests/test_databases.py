"""Connection strings: what is accepted, what it comes to, and what is refused."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from cookiecutter_alembic.databases import DRIVERS, parse
from cookiecutter_alembic.spellings import InvalidUrl

ACCEPTED = [
    "sqlite:///orders.db",
    "sqlite:////srv/a@b@c.db",
    "sqlite:///file with space.db",
    "sqlite:///data/orders.sqlite3?timeout=30",
    "sqlite+aiosqlite:////srv/orders.db",
    "postgresql+psycopg2://postgres:mysecretpassword@localhost:5432/postgres",
    "postgresql+psycopg2://u:p%40ss@[::1]:5433/db?sslmode=require",
    "postgresql+psycopg2://u@/db?host=/var/run/postgresql",
    "postgresql+psycopg2:///db",
    "postgresql+psycopg2://:p@h/db",
    "postgresql+psycopg://u:@h/db",
    "postgresql+psycopg://u:p:/?#[]!$&'()*+,;= ~^ü@db.example.com/db",
    "postgresql+psycopg://us%3Aer:p%25%2F@h/db?application_name=a%20b&sslmode=require",
    "postgresql+psycopg://u:p@/db?host=h1:5432&host=h2:5432",
    "postgresql+psycopg2://u:p@h1,h2/db",
    "postgresql+psycopg_async://u:p@h/db?application_name=x",
    "postgresql+asyncpg://u:p@h/db?ssl=require",
    "postgresql+asyncpg://u:p@h/db?sslmode=require&target_session_attrs=primary",
    "postgresql+asyncpg://u:p@/db?host=h1:5432&host=h2:5432",
    "postgresql+psycopg2://u:p@h/db?sslpassword=x&sslmode=require",
    "mysql+pymysql://u:p@h:3307/db?charset=utf8mb4&ssl_ca=%2Fca.pem",
    "postgresql+asyncpg://u:p@h/db?statement_cache_size=0&timeout=9",
    "postgresql+psycopg://u:p@h/db?prepare_threshold=5",
    "postgresql+psycopg://u:p@h/a%20b%25",
    "sqlite:///a%20b.db",
    "mysql+asyncmy://u:p@/db?unix_socket=/run/mysqld/mysqld.sock",
    "mariadb+pymysql://root@h/db",
    "mariadb+pymysql://root@h/db?ssl_mode=DISABLED",
    "mariadb+asyncmy://u:@h/db",
]


@pytest.mark.parametrize("url", ACCEPTED)
def test_a_url_means_what_sqlalchemy_takes_it_for(url: str) -> None:
    ours, theirs = parse(url), sa.make_url(url)
    assert ours.driver.name == theirs.drivername
    assert ours.username == (theirs.username or "")
    assert ours.password == theirs.password
    assert ours.host == (theirs.host or "")
    assert ours.database == theirs.database
    server = ours.dialect.server
    assert ours.port == (theirs.port or (server.port if server else None))
    # What is written out for .env is the same URL, password and all.
    assert sa.make_url(ours.url_with_password) == theirs
    if theirs.password:
        public = theirs.difference_update_query(["sslpassword"])
        assert sa.make_url(ours.url) == public._replace(password=None)


@pytest.mark.parametrize(
    ("scheme", "driver", "package"),
    [
        ("postgres", "postgresql+psycopg", "psycopg[binary]>=3.3"),
        ("postgresql", "postgresql+psycopg", "psycopg[binary]>=3.3"),
        ("mysql", "mysql+pymysql", "pymysql[rsa]>=1.2"),
        ("mariadb", "mariadb+pymysql", "pymysql[rsa]>=1.2"),
    ],
)
def test_a_scheme_without_driver_is_spelled_out(
    scheme: str, driver: str, package: str
) -> None:
    accepted = parse(f"{scheme}://u:p@h/db")
    assert accepted.url == f"{driver}://u@h/db"
    assert accepted.url_with_password == f"{driver}://u:p@h/db"
    assert package in accepted.requirements


@pytest.mark.parametrize(
    ("url", "password", "public", "example"),
    [
        (
            "postgresql+psycopg2://u@h/db?password=a+b%25&sslmode=require",
            "a b%",
            "postgresql+psycopg2://u@h/db?sslmode=require",
            "postgresql+psycopg2://u:password@h/db?sslmode=require",
        ),
        (
            "postgresql+psycopg2://u:not-this@h/db?password=this",
            "this",
            "postgresql+psycopg2://u@h/db",
            "postgresql+psycopg2://u:password@h/db",
        ),
        (
            "postgresql+psycopg2:///db?password=x",
            "x",
            "postgresql+psycopg2:///db",
            "postgresql+psycopg2://:password@/db",
        ),
        (
            "postgresql+psycopg://h/db?user=a%40b&password=x",
            "x",
            "postgresql+psycopg://a%40b@h/db",
            "postgresql+psycopg://a%40b:password@h/db",
        ),
        (
            "postgresql+asyncpg://not:this@h/db?user=u&password=x&ssl=require",
            "x",
            "postgresql+asyncpg://u@h/db?ssl=require",
            "postgresql+asyncpg://u:password@h/db?ssl=require",
        ),
        (
            "postgresql+psycopg2://u:p@h/not-this?dbname=a%3Fb+c",
            "p",
            "postgresql+psycopg2://u@h/a%3Fb%20c",
            "postgresql+psycopg2://u:password@h/a%3Fb%20c",
        ),
        (
            "postgresql+psycopg://u:p@h/db?sslkey=k&sslpassword=x",
            "p",
            "postgresql+psycopg://u@h/db?sslkey=k",
            "postgresql+psycopg://u:password@h/db?sslkey=k&sslpassword=password",
        ),
        (
            "mysql+pymysql://u@h/db?passwd=x",
            "x",
            "mysql+pymysql://u@h/db",
            "mysql+pymysql://u:password@h/db",
        ),
        (
            "postgresql+psycopg://u@h/db?passfile=/home/u/.pgpass",
            None,
            "postgresql+psycopg://u@h/db?passfile=/home/u/.pgpass",
            "postgresql+psycopg://u:password@h/db?passfile=/home/u/.pgpass",
        ),
    ],
)
def test_a_password_after_the_question_mark_is_a_secret(
    url: str, password: str | None, public: str, example: str
) -> None:
    """Written out, it says the same to the driver as what was typed."""
    accepted = parse(url)
    assert (accepted.password, accepted.url) == (password, public)
    assert accepted.example_url == example
    typed, written = sa.make_url(url), sa.make_url(accepted.url_with_password)
    if typed.get_dialect().name == "postgresql":
        dialect = typed.get_dialect()()
        assert dialect.create_connect_args(typed) == dialect.create_connect_args(
            written
        )


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("sqlite:///my file.db", "my file.db"),
        ("postgresql:///db", "db at a local socket"),
        ("mysql:///db", "db at localhost:3306"),
        ("postgresql://[::1]:5433/db", "db at ::1:5433"),
        ("postgresql://u@/db?host=/run/postgresql", "db at /run/postgresql"),
        ("postgresql://u@/db?host=h1:5433&host=h2", "db at h1:5433, h2:5432"),
        ("mysql://u@/db?unix_socket=/run/mysql.sock", "db at /run/mysql.sock"),
        ("mariadb://u@h/db", "db at h:3306"),
        ("postgresql://u@h1,h2/db", "db at h1:5432, h2:5432"),
        ("postgresql://u@/db?host=h1,h2&port=5433,5434", "db at h1:5433, h2:5434"),
        ("postgresql://u@h/db?hostaddr=10.0.0.7", "db at 10.0.0.7:5432"),
        ("postgresql://u@h/a%20b", "a b at h:5432"),
    ],
)
def test_a_place_is_described(url: str, place: str) -> None:
    assert parse(url).place == place


@pytest.mark.parametrize(
    ("url", "suits", "port"),
    [
        ("postgresql://u@localhost/db", True, 5432),
        ("postgresql://u@[::1]:5433/db", True, 5433),
        ("mysql:///db", True, 3306),
        ("postgresql:///db", False, 5432),
        ("postgresql://u@localhost/db?host=h", False, 5432),
        ("mysql://u@localhost/db?unix_socket=/run/mysql.sock", False, 3306),
        ("postgresql://u@db.example.com:6432/db", False, 6432),
        ("postgresql://u@/db?host=localhost:5433&host=localhost:5434", True, 5433),
        ("postgresql+asyncpg://u@/db?host=h1:5433&host=h2:5434", False, 5433),
        ("postgresql://u@/db?host=localhost&port=5433", True, 5433),
        ("postgresql://u@/db?host=/run/postgresql&port=5433", False, 5433),
        ("postgresql://u@h/db?hostaddr=127.0.0.1", True, 5432),
        ("postgresql://u@localhost/db?service=s", False, 5432),
    ],
)
def test_a_container_stands_in_where_it_would_be_found(
    url: str, suits: bool, port: int
) -> None:
    accepted = parse(url)
    assert (accepted.suits_container, accepted.container_port) == (suits, str(port))


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: driver.name)
def test_sqlalchemy_knows_each_driver(driver: object) -> None:
    name = getattr(driver, "name", "")
    dialect = sa.make_url(f"{name}://").get_dialect()
    assert dialect.is_async is getattr(driver, "is_async", None)
    assert name.partition("+")[0] == dialect.name


REFUSED = {
    "": "write one such as postgresql+psycopg://user:password@localhost/orders",
    "orders.db": "not a connection string",
    "://": "not a connection string",
    "foo://": '"foo" is not supported, only sqlite, sqlite+aiosqlite, postgresql+',
    "mongodb://h/d": '"mongodb" is not supported',
    "POSTGRESQL://h/d": "did you mean postgresql://?",
    "postgresql+nope://h/d": "did you mean postgresql",
    "mysql+mysqldb://h/d": "did you mean mysql+pymysql://?",
    "sqlite://": "needs a file, such as sqlite:///name.db",
    "sqlite:///:memory:": "needs a file, such as sqlite:///name.db",
    "sqlite:///~/name.db": "~ is not expanded; write the folder in full",
    "sqlite+aiosqlite:///$HOME/name.db": "$HOME is not expanded; write the folder in",
    "sqlite+aiosqlite://": "needs a file, such as sqlite+aiosqlite:///name.db",
    "sqlite://orders.db": "three slashes, sqlite:///name.db",
    "sqlite:///a.db?mode=ro": 'does not accept "mode" after the ?, only cached_statements',
    "sqlite:///file:a.db?uri=true": 'does not accept "uri" after the ?',
    "postgresql+psycopg2://u:secret@ss@h/db": "write the one in the password as %40",
    "postgresql+psycopg2://u:secret@s/s@h/db": "write the one in the password as %40",
    "postgresql+psycopg2://u:p@secret?a=b@h/db": "write the one in the password as %40",
    "postgresql+psycopg2://u:secret@h:port/db": "as in postgresql+psycopg2://user:pass",
    "postgresql+psycopg2://u:secret@h:99999/db": "not a number between 1 and 65535",
    "mysql://u:secret@h:port/db": "mysql+pymysql://user:password@localhost:3306/orders",
    "postgresql+psycopg2://u:secret@h/d\nb": "a character that does not print",
    "postgresql+psycopg2://u:secret@h": "postgresql+psycopg2://user:password@localhost/",
    "postgresql+psycopg2://u:secret@h/": "names no database",
    "mariadb://u:secret@h": "mariadb+pymysql://user:password@localhost/orders",
    "postgresql+psycopg://u:secret@h1:5432,h2:5432/db": (
        "postgresql+psycopg://user:password@/orders?host=h1:5432&host=h2:5432"
    ),
    "postgresql+asyncpg://u:secret@h1,h2/db": "write several hosts at the end",
    "mysql://u:secret@h1,h2/db": "MySQL takes one",
    "postgresql+asyncpg://u:secret@h/db?server_settings=x": "only application_name, channel_binding, gsslib",
    "postgresql+asyncpg://u:secret@h/db?channel_binding=x": "asyncpg has no channel binding",
    "postgresql+asyncpg://u:secret@h/db?statement_cache_size=off": (
        "statement_cache_size is not a whole number"
    ),
    "postgresql+psycopg://u:secret@h/db?prepare_threshold=None": (
        "prepare_threshold is not a whole number"
    ),
    "postgresql+psycopg://u:secret@/db?host=h1:5432,h2:5432": "?host=h1:5432&host=h2",
    "postgresql+psycopg://u:secret@/db?host=h1&port=x": "not a number between 1 and",
    "postgresql+psycopg://u:secret@/db?host=h1:99999": "not a number between 1 and",
    "postgresql+psycopg://u:secret@h?dbname=a%0Ab": "database has a character that does not",
    "sqlite:///a.db?user=u": 'does not accept "user"',
    "mysql+asyncmy://u:secret@h/db?write_timeout=1": 'does not accept "write_timeout"',
}


@pytest.mark.parametrize("url", REFUSED)
def test_a_refusal_is_one_line_without_the_password(url: str) -> None:
    with pytest.raises(InvalidUrl) as refusal:
        parse(url)
    message = str(refusal.value)
    assert REFUSED[url] in message
    assert "\n" not in message
    assert "secret" not in message
