"""TLS on MySQL and MariaDB: what a URL says has the effect that its name says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.util import CommandError
from harness import PlainProject

from alembic_steady.adapters import adapter_for
from alembic_steady.adapters.mysql.tls import settle
from tests import servers
from tests.authorities import write_authorities
from tests.conftest import require

CIPHER = sa.text("SHOW STATUS LIKE 'Ssl_cipher'")
CHAIN = {"ca": __file__, "check_hostname": False, "verify_mode": True}


@pytest.mark.parametrize(
    ("told", "settled"),
    [
        ({}, {}),
        ({"ssl_disabled": "false"}, {}),
        ({"ssl_disabled": "true"}, {"ssl_disabled": True}),
        ({"ssl": {"ca": __file__}}, {"ssl": {"ca": __file__}}),
        ({"ssl": {"ca": __file__}, "ssl_verify_cert": "true"}, {"ssl": CHAIN}),
        ({"ssl": {"ca": __file__}, "ssl_verify_identity": "no"}, {"ssl": CHAIN}),
        ({"ssl": {"ca": __file__}, "ssl-mode": "verify_ca"}, {"ssl": CHAIN}),
        (
            {"ssl": {"ca": __file__}, "ssl_verify_identity": "1"},
            {"ssl": {**CHAIN, "check_hostname": True}},
        ),
        (
            {"ssl_verify_cert": "false"},
            {"ssl": {"check_hostname": False, "verify_mode": False}},
        ),
        ({"ssl": {"ca": __file__}, "ssl_mode": "PREFERRED"}, {}),
        (
            {"ssl": {"cert": __file__}, "ssl_key_password": "x"},
            {"ssl": {"cert": __file__, "password": "x"}},
        ),
    ],
)
def test_what_a_url_says_about_tls_is_settled(
    told: dict[str, object], settled: dict[str, object]
) -> None:
    settle(told)
    assert told == settled


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("ssl_mode=VERIFY", "ssl_mode is none of DISABLED, PREFERRED, "),
        ("ssl_disabled=maybe", "ssl_disabled is neither true nor false"),
        ("ssl_verify_cert=true", "add ssl_ca, the file of the authority to verify"),
        ("ssl_ca=/none.pem", "ssl_ca=/none.pem: No such file or directory"),
        (f"ssl_ca={__file__}", "no certificate"),
    ],
)
def test_what_cannot_be_settled_is_named_in_one_line(query: str, reason: str) -> None:
    url = sa.make_url(f"mysql+pymysql://u:p@127.0.0.1:9/d?{query}")
    with (
        pytest.raises(CommandError) as refusal,
        adapter_for("mysql").connect(url),
    ):
        pass
    assert reason in str(refusal.value).lower() or reason in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.fixture(scope="module")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an authority, a certificate of it, and another authority."""
    folder = tmp_path_factory.mktemp("authorities")
    write_authorities(folder, "db.example.com")  # The tests' server is on 127.0.0.1.
    return folder


@pytest.fixture(scope="module")
def secured(authorities: Path) -> Iterator[servers.MariaDB]:
    """Return a server whose certificate names another host."""
    require(servers.mariadb_server(), "MariaDB")
    with servers.mariadb(authorities / "server") as server:
        server.create("orders")
        server.query(
            f"CREATE USER safe@'127.0.0.1' IDENTIFIED BY '{servers.PASSWORD}' REQUIRE SSL"
        )
        server.query("GRANT ALL ON *.* TO safe@'127.0.0.1'")
        yield server


@pytest.mark.full
@pytest.mark.parametrize(
    ("query", "outcome"),
    [
        ("", True),
        ("ssl_disabled=false", True),
        ("ssl_disabled=true", "Access denied"),
        ("ssl_mode=DISABLED", "Access denied"),
        ("ssl_mode=REQUIRED&ssl_ca={theirs}", True),
        ("ssl_verify_cert=true&ssl_ca={ours}", True),
        ("ssl_verify_cert=true&ssl_ca={theirs}", "CERTIFICATE_VERIFY_FAILED"),
        ("ssl_verify_cert=true&ssl_verify_identity=true&ssl_ca={ours}", "IP address"),
        ("ssl_ca={ours}", "IP address"),
        ("ssl_ca={ours}&ssl_check_hostname=false", True),
        ("ssl_mode=VERIFY_IDENTITY&ssl_ca={ours}", "IP address"),
    ],
)
def test_an_account_that_requires_tls(
    secured: servers.MariaDB, authorities: Path, query: str, outcome: bool | str
) -> None:
    places = {name: authorities / f"{name}.pem" for name in ("ours", "theirs")}
    base = secured.url("mysql+pymysql", "orders", "safe")
    url = sa.make_url(f"{base}?{query.format(**places)}")
    adapter = adapter_for("mysql")
    if outcome is True:
        with adapter.connect(url) as connection:
            assert connection.execute(CIPHER).one()[1]
        return
    with pytest.raises(CommandError) as refusal, adapter.connect(url):
        pass
    assert str(outcome) in str(refusal.value)


@pytest.mark.full
def test_a_run_on_an_account_that_requires_tls(
    secured: servers.MariaDB,
    authorities: Path,
    new_project: Callable[..., PlainProject],
) -> None:
    """With all that it connects to besides: the lock's connection and scratch databases."""
    url = secured.url("mysql+pymysql", "orders", "safe")
    project = new_project(f"{url}?ssl_verify_cert=true&ssl_ca={authorities}/ours.pem")
    assert "ran up, down and up" in project.revise("first")
    project.run("alembic", "upgrade", "head")
    assert "no drift" in project.run("steady", "drift")
