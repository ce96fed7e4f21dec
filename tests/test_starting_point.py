"""What the models start with: an example, none, or those of a database."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from click import ClickException
from cookiecutter.main import cookiecutter

from cookiecutter_alembic import adoption, beginning, server
from cookiecutter_alembic.answers import STARTING_POINTS
from cookiecutter_alembic.project import Project as Told
from tests.conftest import (
    ANSWERS,
    TEMPLATE,
    TOOLS,
    Project,
    baked,
)
from tests.revisions import operations
from tests.servers import Postgres
from tests.test_generated_files import RENDERED, check_text, files
from tests.test_hook import SECONDS, next_steps, type_in
from tests.test_tables import asked

MODELS = Path("app", "models.py")
BASELINE = "2026_11_26_1200-1f6c8a9b0c1d_baseline.py"

EXTENSIONS = json.loads((TEMPLATE / "cookiecutter.json").read_text())["_extensions"]

each_without_example = pytest.mark.parametrize("starting_point", ["empty", "existing"])


@each_without_example
@pytest.mark.parametrize("kind", ["sqlite", "psycopg2", "asyncpg", "mariadb_pymysql"])
def test_nothing_is_left_of_the_example(
    kind: str, starting_point: str, rendered: Callable[..., Path]
) -> None:
    project = rendered(**ANSWERS[kind], starting_point=starting_point)
    assert files(project) >= RENDERED
    for name in RENDERED:
        check_text(project / name)
        if name.endswith(".py"):
            assert "User" not in (project / name).read_text()
    python = [project / name for name in RENDERED if name.endswith(".py")]
    lengths = [len(path.read_text().splitlines()) for path in python]
    assert sum(lengths) <= 300
    ruff = [str(TOOLS / "ruff")]
    subprocess.run([*ruff, "check", "--quiet", project], check=True)
    subprocess.run([*ruff, "format", "--quiet", "--check", project], check=True)


@pytest.mark.parametrize("starting_point", STARTING_POINTS)
def test_the_readme_fits(starting_point: str, rendered: Callable[..., Path]) -> None:
    readme = (rendered(starting_point=starting_point) / "README.md").read_text()
    shown = {
        "example": "Add a column to `User`",
        "empty": "Add a first one",
        "existing": "as they were read from the database",
    }
    for other, text in shown.items():
        assert (text in readme) is (other == starting_point)
    assert ("alembic stamp head" in readme) is (starting_point == "existing")


@pytest.mark.parametrize("answer", ["foo", "", "Empty", "{{ 'empty' }}"])
def test_another_answer_is_refused(answer: str, rendered: Callable[..., Path]) -> None:
    told = "starting_point: write example, empty or existing instead of "
    with pytest.raises(ClickException) as refusal:
        rendered(starting_point=answer)
    assert str(refusal.value) == told + repr(answer)


@pytest.mark.full
@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
@pytest.mark.parametrize("answer", ["empty", "foo"])
def test_what_an_older_replay_file_lacks_is_asked_for(
    bench: Path, environment: dict[str, str], answer: str
) -> None:
    import pexpect

    old = {"project_name": "Old", "project_slug": "old", "__left_out": ""}
    old |= {"database_url": "sqlite:///old.db", "__kind": "file", "__style": "sync"}
    context = {**old, "__family": "file", "_extensions": EXTENSIONS}
    file = bench / "home" / ".cookiecutter_replay" / f"{TEMPLATE.name}.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"cookiecutter": context}))
    options = ["--accept-hooks", "no", "--replay", "--output-dir", str(bench)]
    terminal = pexpect.spawn(
        str(TOOLS / "cookiecutter"),
        [*options, str(TEMPLATE)],
        env={**environment, "TERM": "dumb"},
        encoding="utf-8",
    )
    terminal.expect_exact("Models to start with: example, empty or existing (example):")
    terminal.sendline(answer)
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert (terminal.exitstatus == 0) is (answer == "empty")
    assert (bench / "old").exists() is (answer == "empty")
    if answer != "empty":
        *_, line = str(terminal.before).splitlines()
        assert line.startswith("starting_point: write example, empty or existing")


def render_again(folder: Path, starting_point: str) -> None:
    """Render the template's files over those in a folder."""
    cookiecutter(
        str(TEMPLATE),
        no_input=True,
        extra_context={"starting_point": starting_point},
        output_dir=str(folder.parent),
        default_config=True,
        accept_hooks=False,
        overwrite_if_exists=True,
    )


def test_models_that_were_read_are_kept_if_it_is_generated_again(
    rendered: Callable[..., Path],
) -> None:
    folder = rendered(starting_point="existing")
    models = folder / MODELS
    bare = models.read_text()
    adopted = '"""{{ As read }} from ü"""\n\n\nclass Customer: ...\n\n'
    models.write_text(adopted)
    render_again(folder, "existing")
    assert models.read_text() == bare  # A run that was killed has to begin again.

    versions = folder / "migrations" / "versions"
    versions.mkdir()
    (versions / BASELINE).touch()
    models.write_text(adopted)
    render_again(folder, "existing")
    assert models.read_text() == adopted
    models.write_bytes(b"\xff")
    with pytest.raises(ClickException, match="models can't be read as UTF-8"):
        render_again(folder, "existing")
    # They may be in several modules instead; what is empty, the hook removes.
    models.unlink()
    render_again(folder, "existing")
    assert models.read_text() == "\n"
    assert str(MODELS) in asked("existing").unneeded


@pytest.mark.parametrize(
    ("answer", "line", "start"),
    [
        ("True", "", []),
        ("False", "orders.db does not exist yet", [server.CORRECT_URL]),
        ("pg at h does not answer: why", "pg at h does not answer", ["# start it"]),
        ("pg at h: no such role", "no such role", [server.CORRECT_URL]),
    ],
)
def test_a_database_that_is_adopted_is_not_created(
    capsys: pytest.CaptureFixture[str], answer: str, line: str, start: list[str]
) -> None:
    project = replace(asked("existing"), start_server="# start it")
    printed = f"Database: {answer}\n"
    assert server.look(project, printed, is_possible=True) == (start, [])
    assert capsys.readouterr().out == (f"  database         {line}\n" if line else "")
    assert server.look(project, "", is_possible=False) == ([], [])


def test_a_server_to_adopt_from_is_not_a_new_container(
    rendered: Callable[..., Path],
) -> None:
    url = "postgresql://me@localhost/orders"
    assert "docker" in asked("example", url).start_server
    there = "# start the server at localhost:5432, or name another one in .env"
    assert asked("existing", url).start_server == there


def test_models_wait_for_what_they_need(
    capsys: pytest.CaptureFixture[str], in_folder: Told
) -> None:
    later = ["uv run --with sqlacodegen steady adopt"]
    assert adoption.adopt("the database") == later
    assert capsys.readouterr().out == "  models           need the database first\n"
    versions = Path("migrations", "versions")
    versions.mkdir(parents=True)
    (versions / BASELINE).touch()
    assert adoption.adopt("the database") == []
    assert capsys.readouterr().out == "  models           already exist\n"


TABLES = 'Tables: ["sqlite at orders.db", "customer"]\nDatabase: True\n'


@pytest.mark.parametrize(
    ("starting_point", "revisions", "printed", "is_new", "last"),
    [
        ("example", 1, "", True, "alembic upgrade head"),
        ("empty", 0, "", True, "alembic upgrade head"),
        ("empty", 1, "", False, "alembic upgrade head"),
        ("existing", 0, "", True, "alembic check"),
        ("existing", 1, "", True, "alembic check"),
        ("existing", 1, TABLES, False, "alembic check"),
        ("existing", 1, "Database: True\n", False, "alembic upgrade head"),
        ("existing", 2, TABLES, False, "alembic upgrade head"),
    ],
)
def test_a_stamp_is_advised_where_it_skips_nothing(
    in_folder: Told,
    starting_point: str,
    revisions: int,
    printed: str,
    is_new: bool,
    last: str,
) -> None:
    versions = Path("migrations", "versions")
    versions.mkdir(parents=True)
    for number in range(revisions):
        (versions / f"{number}.py").touch()
    project = replace(in_folder, starting_point=starting_point)
    steps = beginning.first_steps(project, printed, is_new=is_new)
    assert steps[-1] == last
    assert steps[0].startswith("#") is (starting_point == "empty" and is_new)


@pytest.fixture
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    """Stand in an empty folder, as the hook does."""
    monkeypatch.chdir(tmp_path)
    return asked("existing")


def add_first_model(project: Project) -> None:
    """Add the model that the README shows."""
    readme = (project.path / "README.md").read_text()
    (block,) = re.findall(r"```python\n(.+?)```", readme, re.DOTALL)
    project.add_to_models(f"\n{block}")


def test_a_project_without_models(bench: Path, environment: dict[str, str]) -> None:
    """From nothing to the first model, with what its hook and its README say."""
    project = baked(bench / "out", environment, starting_point="empty")
    assert re.fullmatch(
        rf"""Creating my_service for SQLite \(my_service\.db\)

  environment      .+ {SECONDS}
  git              first commit [0-9a-f]+

Ready in {SECONDS}\. Next:

  cd my_service
  source \.venv/bin/activate
  # write a model in app/models.py, as README.md shows, then:
  alembic revision --autogenerate -m "Initial revision"
  alembic upgrade head
""",
        project.output,
    )
    assert project.revisions() == []
    assert "= 6 passed in " in project.run("pytest")
    add_first_model(project)
    type_in(project, *next_steps(project))
    (revision,) = project.revisions()
    assert operations(revision, "upgrade") == ["op.create_table"]
    with closing(sqlite3.connect(project.path / "my_service.db")) as connection:
        assert connection.execute('SELECT * FROM "user"').fetchall() == []


@pytest.mark.full
@pytest.mark.parametrize("driver", ["psycopg2", "asyncpg"])
def test_a_project_without_models_on_a_server(
    any_postgres: Postgres, bench: Path, environment: dict[str, str], driver: str
) -> None:
    url = any_postgres.url(f"postgresql+{driver}", "orders")
    answers = {"database_url": url, "starting_point": "empty"}
    project = baked(bench / "out", environment, **answers)
    # All that is printed can be typed before there is a model.
    type_in(project, *next_steps(project))
    for command in (("mypy",), ("alembic", "check"), ("steady", "squawk")):
        project.run(*command)
    assert "= 7 passed in " in project.run("pytest")
    add_first_model(project)
    type_in(project, *next_steps(project))
    assert any_postgres.query('SELECT * FROM "user"', "orders") == []
    assert "= 7 passed in " in project.run("pytest")
    for check in (("ruff", "check"), ("ruff", "format", "--check"), ("mypy",)):
        project.run(*check)
    any_postgres.drop("orders")


@pytest.mark.full
def test_its_tests_notice_a_first_model_without_a_revision(
    bench: Path, environment: dict[str, str]
) -> None:
    project = baked(bench / "out", environment, starting_point="empty")
    add_first_model(project)
    output = project.run("pytest", code=1)
    assert "FAILED tests/test_models.py::test_each_table_of_the_models" in output


def check_failure(project: Project, *lines: str) -> None:
    """See that a project is there whose models could not be read, and the way is told."""
    for line in lines:
        assert f"\n  {line}\n" in project.output
    assert "\n  git              needs the models first; nothing" in project.output
    assert project.revisions() == []
    assert next_steps(project)[-4:] == [
        "uv run --with sqlacodegen steady adopt",
        'git init && git add --all && git commit -m "Initial commit"',
        "alembic stamp head",
        "alembic check",
    ]


NEED = "models           need the database first"


@pytest.mark.full
def test_there_is_nothing_to_adopt(
    any_postgres: Postgres, bench: Path, environment: dict[str, str]
) -> None:
    """The project is kept, and nothing is created in its place."""
    port = any_postgres.port

    def bake(name: str, url: str) -> Project:
        answers = {"database_url": url, "starting_point": "existing"}
        return baked(bench / name, environment, **answers)

    missing = bake("missing", any_postgres.url("postgres", "no_such"))
    line = f"database         no_such at 127.0.0.1:{port} does not exist yet"
    check_failure(missing, line, NEED)
    wrong = bake("wrong", any_postgres.url(password="not-this-one"))
    check_failure(wrong, NEED)
    assert "password authentication failed" in wrong.output
    down = bake("down", "postgresql://me@localhost:9/orders")
    line = "database         postgresql+psycopg at localhost:9 does not answer"
    check_failure(down, line, NEED)
    file = bake("file", "sqlite:///no_such.db")
    check_failure(file, "database         no_such.db does not exist yet", NEED)
    for project in (missing, wrong, file):
        assert next_steps(project)[1] == "# correct DATABASE_URL in .env"
    assert not (file.path / "no_such.db").exists()
    assert ("no_such",) not in any_postgres.query("SELECT datname FROM pg_database")
