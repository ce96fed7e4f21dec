"""Names: shown exactly as they were typed, never run, or refused in one line."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from cookiecutter_alembic.names import INSTALLED
from tests.conftest import (
    ANSWERS,
    TEMPLATE,
    Project,
    bake,
    bake_in_terminal,
    baked,
    commit,
    cruft,
    refused,
)

RUN = "touch executed"

# Names, each with the slug that is made of it.
ACCEPTED = {
    "": "service",
    "   ": "service",
    "!!!": "service",
    "🐘": "service",
    "👨‍👩‍👧 Familie": "familie",
    "My Service": "my_service",
    "  My Service. . ": "my_service",
    "2nd Service 2": "nd_service_2",
    "Ünïcode": "unicode",
    "Cafe\u0301": "cafe",
    "Größe & Co.": "grosse_co",
    "日本語": "ri_ben_yu",
    "خدمة الطلبات": "khdm_ltlbt",
    "x" * 300: "x" * 64,
    'O\'Reilly "& Söhne" `x` “y” «z»': "o_reilly_sohne_x_y_z",
    '"""': "service",
    "'''": "service",
    "back\\slash \\n \\": "back_slash_n",
    "100% %s %(here)s ${HOME}": "s_here_s_home",
    "a; b # c | d & e > f": "a_b_c_d_e_f",
    f"$({RUN}) `{RUN}`": "touch_executed_touch_executed",
    f"x'; {RUN}; '": "x_touch_executed",
    f'x"\nimport os; os.system("{RUN}") #'.replace("\n", " "): "x_import_os",
    "<b>[red]*bold*[/red]</b>": "b_red_bold_red_b",
    "]]] = { } }} %} #}": "service",
    "../x": "x",
    "/abs": "abs",
    "a/b": "a_b",
    "class": "class",
    "json": "json",
    "test": "test",
    "app": "app",
    "migrations": "migrations",
    "Alembic": "alembic_service",
    "SQLAlchemy": "sqlalchemy_service",
    "pytest.alembic": "pytest_alembic_service",
    "con": "con_service",
    "NUL": "nul_service",
    "LPT1": "lpt1_service",
}


each_name = pytest.mark.parametrize("name", ACCEPTED)
# A short run bakes those with the most signs that mean something to somebody.
SHORT = ("O'Reilly", "$(", "🐘")
each_baked_name = pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name.startswith(SHORT) else pytest.mark.full)
        for name in ACCEPTED
    ],
)


@pytest.fixture(scope="session")
def renamed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for a project that is baked with one name over the other."""
    return tmp_path_factory.mktemp("renamed")


@each_baked_name
def test_a_name_is_shown_as_it_was_typed(
    renamed: Path, environment: dict[str, str], name: str
) -> None:
    answers = {"project_name": name, "project_slug": "orders"}
    done = bake(renamed, environment, "--overwrite-if-exists", answers=answers)
    assert "Ready in" in done.stdout, done.stdout + done.stderr
    project = Project(renamed / "orders", environment)
    shown = name if name.strip() else "orders"
    readme = (project.path / "README.md").read_text(encoding="utf-8")
    assert readme.startswith(f"# {shown}\n")
    pyproject = tomllib.loads((project.path / "pyproject.toml").read_text("utf-8"))
    assert pyproject["project"]["description"] == shown
    changed = project.run("git", "diff", "--name-only").split()
    assert set(changed) <= {"README.md", "pyproject.toml"}
    for folder in (project.path, renamed, TEMPLATE, Path.cwd()):
        assert not (folder / "executed").exists()


@each_name
def test_a_slug_comes_from_the_name(rendered: Callable[..., Path], name: str) -> None:
    project = rendered(project_name=name)
    assert project.name.startswith(ACCEPTED[name])
    assert re.fullmatch(r"[a-z][a-z0-9_]{0,63}", project.name)
    pyproject = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))
    assert pyproject["project"]["name"] == project.name


@pytest.mark.full
@pytest.mark.parametrize(
    "project_slug", ["json", "test", "app", "migrations", "class", "Orders-2"]
)
def test_a_project_works_whatever_it_is_called(
    bench: Path, environment: dict[str, str], project_slug: str
) -> None:
    project = baked(bench / "out", environment, project_slug=project_slug)
    project.run_tests()
    project.run("alembic", "upgrade", "head")


ONE_LINE = (
    "project_name: has to be one line of text, without tabs and control characters"
)
BAD_SLUGS = ["/abs", "a/b", "a\\b", "", ".", "name.", "name ", "name\n", "-rf", "日本"]
JINJA = "must not contain {{, which begins a Jinja template tag"


@pytest.mark.parametrize(
    ("key", "answer", "message"),
    [
        ("project_name", "two\nlines", ONE_LINE),
        ("project_name", "a\ttab", ONE_LINE),
        ("project_name", "a\x1b[31mcolour", ONE_LINE),
        ("project_name", "a\u2028line", ONE_LINE),
        ("project_name", "a\udcffbyte", ONE_LINE),
        # What Cookiecutter makes of these is what somebody may type at the prompt.
        ("project_name", "{{ '{{' }} 1+1 }}", f"project_name: {JINJA}"),
        ("project_name", "{{ '{%' }} if", JINJA.replace("{{", "{%")),
        ("project_name", "{{ '{#' }} x", JINJA.replace("{{", "{#")),
        ("database_url", "sqlite:///{{ '{{' }}x.db", f"database_url: {JINJA}"),
        ("project_slug", "../x", "project_slug: has to start with a letter"),
        *(
            pytest.param(
                "project_slug",
                slug,
                "has to start with a letter",
                marks=pytest.mark.full,
            )
            for slug in BAD_SLUGS
        ),
        ("project_slug", "x" * 65, "have at most 64 characters"),
        ("project_slug", "alembic", "such as alembic_service"),
        ("project_slug", "Python_Dotenv", "such as Python_Dotenv_service"),
        ("project_slug", "nul", "such as nul_service"),
        ("project_slug", "Com1", "such as Com1_service"),
    ],
)
def test_a_bad_name_is_refused_in_one_line(
    bench: Path, environment: dict[str, str], key: str, answer: str, message: str
) -> None:
    assert message in refused(bench / "out", environment, **{key: answer})
    assert {path.name for path in bench.iterdir()} == {"out", "home"}


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("{{ 1+1 }}", f"project_name: {JINJA}"),
        (
            "{{ cycler.__init__.__globals__.os.system('touch executed') }}",
            f"project_name: {JINJA}",
        ),
        ("[red]Ø[/red] $HOME \\n %}", ""),
    ],
)
def test_what_is_typed_at_the_prompt_is_text(
    bench: Path, environment: dict[str, str], name: str, message: str
) -> None:
    import pexpect

    terminal = bake_in_terminal(bench, environment)
    terminal.expect_exact("(My Service): ")
    terminal.sendline(name)
    terminal.expect_exact("Directory and distribution name ")
    terminal.sendline("")
    terminal.expect_exact("Connection string of its database ")
    terminal.sendline("")
    terminal.expect_exact("(1): ")
    terminal.sendline("")
    terminal.expect(pexpect.EOF)
    printed = str(terminal.before)
    terminal.close()
    assert not list(bench.rglob("executed"))
    if message:
        assert terminal.exitstatus != 0
        assert printed.splitlines()[-1] == message
        assert [path.name for path in bench.iterdir()] == ["home"]
    else:
        assert terminal.exitstatus == 0
        (readme,) = bench.glob("*/README.md")
        assert readme.read_text(encoding="utf-8").startswith(f"# {name}\n")


@pytest.mark.full
def test_names_stay_text_when_the_template_is_updated(
    repository: Path, bench: Path, environment: dict[str, str]
) -> None:
    name = f"""'"{{ }} %}} $({RUN}) \\ 🐘"""
    context = json.dumps({"project_name": name, "project_slug": "orders"})
    url = f"file://{repository}"
    cruft(
        *("create", "--no-input", "--extra-context", context, url),
        cwd=bench,
        environment=environment,
    )
    project = Project(bench / "orders", environment)
    commit(project.path, environment, "Follow the template")
    ini = repository / "{{cookiecutter.project_slug}}" / "alembic.ini"
    ini.write_text(ini.read_text() + "\n# new\n")
    commit(repository, environment, "Another template")
    cruft("update", "--skip-apply-ask", cwd=project.path, environment=environment)
    assert (project.path / "alembic.ini").read_text().endswith("\n# new\n")
    assert (project.path / "README.md").read_text("utf-8").startswith(f"# {name}\n")
    assert not list(bench.rglob("executed"))


@pytest.mark.full
@pytest.mark.parametrize("kind", ANSWERS)
def test_no_project_can_be_called_like_what_it_installs(
    kind: str, original: Callable[[str], Project]
) -> None:
    project = original(kind).path
    locked = tomllib.loads((project / "uv.lock").read_text())["package"]
    names = {package["name"] for package in locked} - {project.name.replace("_", "-")}
    assert names <= set(INSTALLED.split())
    assert names >= {"alembic", "mako"}
