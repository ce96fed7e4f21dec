"""The `cookiecutter` command as people type it, and the answers that it takes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click import ClickException
from pytest_cookies.plugin import Cookies

from tests.conftest import Project, bake, bake_in_terminal, refused
from tests.servers import PASSWORD, Postgres


def test_from_a_git_url(
    repository: Path, bench: Path, environment: dict[str, str]
) -> None:
    url = f"file://{repository}"
    done = bake(bench / "out", environment, template=url, answers={})
    assert "Ready in" in done.stdout, done.stderr
    assert (bench / "out" / "my_service" / "uv.lock").exists()


def test_from_a_zip_file(
    checkout: Path, bench: Path, environment: dict[str, str]
) -> None:
    archive = shutil.make_archive(
        str(bench / "template"), "zip", checkout.parent, checkout.name
    )
    done = bake(bench / "out", environment, template=archive, answers={})
    assert "Ready in" in done.stdout, done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_with_answers_typed_at_the_prompt(
    any_postgres: Postgres, bench: Path, environment: dict[str, str]
) -> None:
    import pexpect

    terminal = bake_in_terminal(bench, environment)
    terminal.expect_exact("[1/4] Name of the service (My Service): ")
    terminal.sendline("Ørders & Co. “1”")
    terminal.expect_exact("[2/4] Directory and distribution name (orders_co_1): ")
    terminal.sendline("")
    terminal.expect_exact("[3/4] Connection string of its database ")
    terminal.expect_exact("(sqlite:///orders_co_1.db): ")
    terminal.sendline(any_postgres.url("postgres", "orders"))
    terminal.expect_exact("[4/4] Models to start with")
    terminal.expect_exact("1 - example: a first model, and its revision")
    terminal.expect_exact("2 - empty: no model")
    terminal.expect_exact("3 - existing: models of the tables that the database has")
    terminal.expect_exact("[1/2/3] (1): ")
    terminal.sendline("")
    terminal.expect_exact("Creating orders_co_1 for PostgreSQL")
    terminal.expect_exact("Ready in")
    assert PASSWORD not in str(terminal.before)
    terminal.expect(pexpect.EOF)
    assert PASSWORD not in str(terminal.before)
    terminal.close()
    assert terminal.exitstatus == 0
    project = Project(bench / "orders_co_1", environment)
    assert (project.path / "README.md").read_text().startswith("# Ørders & Co. “1”\n")
    project.run("steady", "create")
    project.run("alembic", "upgrade", "head")
    replays = (bench / "home" / ".cookiecutter_replay").glob("*.json")
    assert PASSWORD not in "".join(path.read_text() for path in replays)


@pytest.mark.parametrize(
    ("key", "answer", "message"),
    [
        ("database_url", "mongodb://h/d", '"mongodb" is not supported'),
        ("database_url", "sqlite://", "needs a file"),
        (
            "database_url",
            f"postgresql+psycopg2://u:{PASSWORD}@{PASSWORD}@h/d",
            'two "@" before the host; write the one in the password as %40',
        ),
        ("project_slug", "../x", "has to start with a letter"),
    ],
)
def test_a_bad_answer_is_refused_in_one_line(
    bench: Path, environment: dict[str, str], key: str, answer: str, message: str
) -> None:
    line = refused(bench / "out", environment, **{key: answer})
    assert line.startswith(f"{key}: ") and message in line
    assert PASSWORD not in line
    assert not (bench / "x").exists()


def test_a_bad_answer_is_refused_under_pytest_cookies(cookies: Cookies) -> None:
    result = cookies.bake(extra_context={"database_url": "mongodb://h/d"})
    assert result.exit_code == -1
    assert isinstance(result.exception, ClickException)
    assert str(result.exception).startswith("database_url: ")


def test_a_good_answer_under_pytest_cookies(cookies: Cookies) -> None:
    result = cookies.bake(extra_context={"project_slug": "orders"})
    assert result.exception is None
    assert result.exit_code == 0
    assert len(list(result.project_path.glob("migrations/versions/*.py"))) == 1


@pytest.mark.full
def test_one_process_may_bake_many_projects(cookies: Cookies) -> None:
    """And the password of one does not reach the next."""
    url = "postgresql+psycopg2://u{}@127.0.0.1:9/d"
    first = cookies.bake(extra_context={"database_url": url.format(":" + PASSWORD)})
    second = cookies.bake(extra_context={"database_url": url.format("")})
    assert PASSWORD in (first.project_path / ".env").read_text()
    assert PASSWORD not in (second.project_path / ".env").read_text()


@pytest.mark.parametrize(
    ("path", "ignored"),
    [
        ("my.db", True),
        ("data/base.db", True),
        ("store", True),
        ("./data/My [*] store.sqlite3", True),
        ("../outside", False),
        ("/srv/outside", False),
    ],
)
def test_git_ignores_the_database(
    bench: Path, rendered: Callable[..., Path], path: str, ignored: bool
) -> None:
    project = rendered(database_url=f"sqlite:///{path}")
    assert "outside" not in (project / ".gitignore").read_text()
    if ignored:
        subprocess.run(["git", "init", "--quiet", project], check=True)
        for name in (path, f"{path}-wal"):
            file = project / name
            file.parent.mkdir(exist_ok=True)
            file.touch()
            listed = ["git", "-C", str(project), "check-ignore", "--quiet", str(file)]
            assert subprocess.run(listed).returncode == 0


def test_old_versions_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from cookiecutter_alembic import answers

    typed = {"project_slug": "x", "database_url": "sqlite:///x.db"}
    with monkeypatch.context() as patch:
        patch.setattr(answers, "OLDEST_PYTHON", (99, 0))
        with pytest.raises(answers.Refusal, match="Cookiecutter runs on Python 3"):
            answers.check_answers(typed)
    with monkeypatch.context() as patch:
        patch.setattr(answers, "OLDEST_COOKIECUTTER", (99, 0))
        with pytest.raises(answers.Refusal, match="this is Cookiecutter 2"):
            answers.check_answers(typed)
