"""The modules that finish a project, called as functions."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cookiecutter_alembic import (
    children,
    environment,
    files,
    library,
    repository,
    settings,
)
from cookiecutter_alembic.answers import for_hook
from cookiecutter_alembic.dotenv import HANDOVER_VARIABLE
from cookiecutter_alembic.project import VERSIONS, Project
from tests.conftest import CONNECTIONS, TEMPLATE

PYTHON = Path(sys.executable)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """Return what a hook is told of a project on SQLite, and stand in its folder."""
    folder = tmp_path / "orders"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PWD", str(tmp_path))
    monkeypatch.delenv(HANDOVER_VARIABLE, raising=False)
    answers = {
        "project_slug": "orders",
        "database_url": "sqlite:///orders.db",
        "starting_point": "example",
        "__left_out": "",
        "_template": "gh:org/cookiecutter-alembic",
    }
    yield Project(**eval(for_hook(answers)))


def test_the_hook_fits_on_a_screen() -> None:
    hook = (TEMPLATE / "hooks" / "post_gen_project.py").read_text()
    assert len(hook.splitlines()) <= 40


def test_the_hook_is_told_where_the_template_lies(project: Project) -> None:
    assert Path(project.template) == TEMPLATE


def test_commands_are_printed_for_where_they_are_typed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = "cookiecutter --replay --overwrite-if-exists gh:org/cookiecutter-alembic"
    assert project.folder == "orders"
    assert project.command_to_finish == command
    monkeypatch.setenv("PWD", "/")
    assert project.folder == str(Path.cwd())
    assert project.command_to_finish == f"{command} --output-dir {Path.cwd().parent}"


@pytest.mark.parametrize(
    ("printed", "reason"),
    [
        ("warning: x\nerror: no such thing\nmore", "no such thing"),
        ("FAILED: Can't locate revision", "Can't locate revision"),
        ("one\ntwo", "two"),
        ("\x1b[1m\x1b[31merror\x1b[39m\x1b[0m: no such thing\nmore", "no such thing"),
        ("", "exit code 3"),
    ],
)
def test_a_command_that_fails_says_why_in_one_line(printed: str, reason: str) -> None:
    code = f"import sys; sys.stderr.write({printed!r}); sys.exit(3)"
    with pytest.raises(children.StepFailed) as failure:
        children.run(PYTHON, "-c", code)
    assert str(failure.value) == reason


def test_what_went_well_before_is_no_reason() -> None:
    code = "print('Reading a database', flush=True); raise ValueError('no such type')"
    with pytest.raises(children.StepFailed, match="^ValueError: no such type$"):
        children.run(PYTHON, "-c", code)
    code = (
        "import sys; print('warning: x', file=sys.stderr); print('error: y'); exit(1)"
    )
    with pytest.raises(children.StepFailed, match="^y$"):
        children.run(PYTHON, "-c", code)
    with pytest.raises(children.StepFailed, match="^z$"):
        children.run(PYTHON, "-c", "print('z'); exit(1)")


def test_a_command_that_is_not_there_is_named() -> None:
    with pytest.raises(children.StepFailed, match="no-such: No such file"):
        children.run("no-such")


# What is set for another project, or for one command, by the names of the programs.
FOR_OTHER_PROJECTS = """
    DATABASE_URL MIGRATION_DATABASE_URL SHADOW_DATABASE_URL TEST_DATABASE_URL
    ALEMBIC_CONFIG CONDA_PREFIX HATCH_BUILD_LOCATION RUFF_OUTPUT_FILE VIRTUAL_ENV
    GIT_AUTHOR_DATE GIT_CONFIG GIT_CONFIG_PARAMETERS GIT_DIR GIT_INDEX_FILE
    GIT_OBJECT_DIRECTORY GIT_PREFIX GIT_TEMPLATE_DIR GIT_WORK_TREE
    PIP_CONFIG_SETTINGS PIP_CONSTRAINT PIP_DRY_RUN PIP_NO_BINARY PIP_NO_DEPS PIP_PREFIX
    PIP_PYTHON PIP_REQUIREMENT PIP_REQUIRE_HASHES PIP_ROOT PIP_TARGET PIP_USER
    PYTHONDONTWRITEBYTECODE PYTHONHOME PYTHONINSPECT PYTHONOPTIMIZE PYTHONPATH
    PYTHONSAFEPATH PYTHONWARNINGS
    UV_ACTIVE UV_BUILD_CONSTRAINT UV_CONSTRAINT UV_DEV UV_EXCLUDE UV_FROZEN UV_ISOLATED
    UV_LOCKED UV_MANAGED_PYTHON UV_NO_BINARY UV_NO_BUILD_ISOLATION UV_NO_DEFAULT_GROUPS
    UV_NO_DEV UV_NO_EDITABLE UV_NO_GROUP UV_NO_INSTALL_PROJECT UV_NO_SOURCES UV_NO_SYNC
    UV_OVERRIDE UV_PRERELEASE UV_PROJECT UV_PROJECT_ENVIRONMENT UV_PYTHON UV_RESOLUTION
    UV_SYSTEM_PYTHON UV_VENV_CLEAR UV_WORKING_DIR
"""
FOR_ALL_PROJECTS = """
    ALL_PROXY AWS_PROFILE GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL GIT_CONFIG_COUNT
    GIT_CONFIG_GLOBAL GIT_CONFIG_KEY_0 GIT_CONFIG_VALUE_0 GIT_EXEC_PATH GIT_SSH_COMMAND
    GIT_SSL_CAINFO HTTPS_PROXY
    PIP_CLIENT_CERT PIP_DEFAULT_TIMEOUT PIP_EXTRA_INDEX_URL PIP_FIND_LINKS PIP_INDEX_URL
    PIP_NO_CACHE_DIR PIP_NO_INDEX PIP_ONLY_BINARY PIP_PROXY PIP_RETRIES PIP_TRUSTED_HOST
    PIP_USE_FEATURE PYTHON_KEYRING_BACKEND SSH_AUTH_SOCK
    UV_CONCURRENT_DOWNLOADS UV_DEFAULT_INDEX UV_EXCLUDE_NEWER UV_FIND_LINKS
    UV_HTTP_TIMEOUT UV_INDEX UV_INDEX_CORP_PASSWORD UV_INDEX_STRATEGY UV_INDEX_URL
    UV_INSECURE_HOST UV_KEYRING_PROVIDER UV_LINK_MODE UV_NATIVE_TLS UV_NO_BUILD
    UV_NO_CACHE UV_NO_CONFIG UV_OFFLINE UV_PYTHON_INSTALL_MIRROR UV_SYSTEM_CERTS
"""
PATHS_FOR_ALL_PROJECTS = """
    PIP_CACHE_DIR PIP_CERT PIP_CONFIG_FILE PYTHONPYCACHEPREFIX REQUESTS_CA_BUNDLE
    SSL_CERT_DIR SSL_CERT_FILE UV_CACHE_DIR UV_CONFIG_FILE
"""
PRINT_MARKED = (
    "import json, os;"
    "print(json.dumps({k: v for k, v in os.environ.items() if 'caller' in v}))"
)


def test_a_command_gets_the_settings_for_all_projects_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in (FOR_OTHER_PROJECTS + FOR_ALL_PROJECTS).split():
        monkeypatch.setenv(name, "caller")
    printed = json.loads(children.run(PYTHON, "-c", PRINT_MARKED))
    assert sorted(printed) == sorted(FOR_ALL_PROJECTS.split())


def test_a_relative_path_is_taken_from_where_the_command_was_typed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PWD", str(tmp_path))
    names = PATHS_FOR_ALL_PROJECTS.split()
    for name in names:
        monkeypatch.setenv(name, "caller")
    printed = json.loads(children.run(PYTHON, "-c", PRINT_MARKED))
    assert printed == dict.fromkeys(names, str(tmp_path / "caller"))
    monkeypatch.setenv("UV_CACHE_DIR", "/caller")
    printed = json.loads(children.run(PYTHON, "-c", PRINT_MARKED))
    assert printed["UV_CACHE_DIR"] == "/caller"


def test_what_a_command_prints_is_read_in_any_locale(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    assert children.run(PYTHON, "-c", "print('ü')") == "ü\n"


def test_nothing_else_starts_a_program() -> None:
    importing = {
        path.name
        for path in (TEMPLATE / "cookiecutter_alembic").glob("*.py")
        if re.search(r"^(import|from) subprocess", path.read_text(), re.MULTILINE)
    }
    assert importing == {"children.py"}


def test_files_of_other_kinds_are_dropped_where_they_are_empty(
    project: Project,
) -> None:
    Path("compose.yaml").write_text("\n")
    Path(".squawk.toml").write_text("# mine\n")
    Path("app").mkdir()
    Path("app", "__init__.py").touch()
    files.complete(project)
    assert not Path("compose.yaml").exists()
    assert Path(".squawk.toml").read_text() == "# mine\n"
    assert Path("app", "__init__.py").exists()


def test_the_library_is_copied_without_what_tools_make(project: Project) -> None:
    stale = Path("vendor", "alembic-steady", "alembic_steady", "gone.py")
    stale.parent.mkdir(parents=True)
    stale.touch()
    files.complete(project)
    copied = {
        path.relative_to(library.VENDORED): path.read_bytes()
        for path in library.VENDORED.rglob("*")
        if path.is_file()
    }
    listed = subprocess.check_output(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=library.SOURCE,
        text=True,
    )
    kept = {Path(name) for name in listed.split("\0") if name}
    left_out = {path for path in kept if path.parts[0] == "tests"}
    left_out |= {Path("CHANGELOG.md")}
    assert copied == {
        path: (library.SOURCE / path).read_bytes()
        for path in kept - left_out
        if (library.SOURCE / path).exists()
    }
    mode = (library.VENDORED / "pyproject.toml").stat().st_mode
    assert not mode & (stat.S_IXUSR | stat.S_IWOTH)


def test_a_project_may_depend_on_the_library_instead(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "FORM", "index")
    Path(".gitattributes").write_text(library.ATTRIBUTES)
    files.complete(project)
    assert [*Path().iterdir()] == []
    Path(".gitattributes").write_text("*.sql text\n")
    files.complete(project)
    assert Path(".gitattributes").read_text() == "*.sql text\n"


def test_what_a_project_depends_on_for_the_library(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kinds = ("sqlite", "psycopg", "mariadb_pymysql")
    vendored = [library.requirements(CONNECTIONS[kind]) for kind in kinds]
    assert vendored == [[], [], []]
    monkeypatch.setattr(library, "FORM", "index")
    indexed = [library.requirements(CONNECTIONS[kind]) for kind in kinds]
    assert {text.partition(">=")[0] for (text,) in indexed} == {"alembic-steady"}


def test_torn_files_are_removed(project: Project) -> None:
    for name in (".env", "uv.lock", ".tmpAb12Cd", str(environment.PYTHON)):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    VERSIONS.mkdir(parents=True)
    (VERSIONS / "2026_initial.py").touch()
    files.remove_torn()
    assert [path for path in Path().rglob("*") if path.is_file()] == []
    assert not environment.FOLDER.exists()


def test_the_environment_of_a_project_without_revisions_is_kept(
    project: Project,
) -> None:
    environment.PYTHON.parent.mkdir(parents=True)
    environment.PYTHON.touch()
    subprocess.run(["git", "init", "--quiet"], check=True)
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.invalid")
    message = ("commit", "--quiet", "--allow-empty", "--message", "x")
    subprocess.run(["git", *identity, *message], check=True)
    files.remove_torn()
    assert environment.PYTHON.exists()


def test_whole_files_are_kept(project: Project) -> None:
    VERSIONS.mkdir(parents=True)
    whole = [Path(".env"), Path("uv.lock"), environment.PYTHON, VERSIONS / "2026_x.py"]
    for path in whole:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("whole")
    files.remove_torn()
    assert all(path.read_text() == "whole" for path in whole)


def test_an_env_of_another_bake_is_not_for_this_project(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HANDOVER_VARIABLE, '["sqlite:///other.db", "OTHER=1\\n"]')
    assert settings.write(project) == []
    assert Path(".env").read_text() == project.dotenv
    assert Path(".env").stat().st_mode & 0o777 == 0o600
    Path(".env").unlink()
    lacking = replace(project, left_out="password")
    (left,) = settings.write(lacking)
    assert left == "# add the password to .env, as in .env.example"


MEMBER = '[project]\nname = "orders"\nversion = "1"\nrequires-python = ">=3.11"\n'
WORKSPACE = "[tool.uv.workspace]\nmembers = [{}]\n"
FAILING_UV = "#!/bin/sh\necho 'uv: command not found' >&2\nexit 127\n"
OLD_UV = '#!/bin/sh\ntest "$*" = --version && echo uv 0.7.0\n'


@pytest.mark.parametrize(
    ("above", "later"),
    [
        (WORKSPACE.format('"orders"'), environment.IN_WORKSPACE),
        (WORKSPACE.format('"packages/*"'), ["uv sync"]),
        ("[tool.uv]\npackage = false\n", ["uv sync"]),
        ("tool = 1\n", ["uv sync"]),
        ("this is not TOML", ["uv sync"]),
    ],
    ids=["member", "beside", "no workspace", "no uv", "broken"],
)
def test_a_workspace_around_counts_if_the_project_is_a_part_of_it(
    project: Project, tmp_path: Path, above: str, later: list[str]
) -> None:
    Path("pyproject.toml").write_text(MEMBER)
    (tmp_path / "pyproject.toml").write_text(above)
    assert environment.choose().later == later


@pytest.mark.skipif(sys.platform == "win32", reason="shell scripts")
@pytest.mark.parametrize(
    ("uv", "later"),
    [(FAILING_UV, environment.WITHOUT_UV), (OLD_UV, environment.IN_WORKSPACE)],
    ids=["failing", "old"],
)
def test_a_uv_counts_for_what_it_can_do(
    project: Project,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    uv: str,
    later: list[str],
) -> None:
    """A version manager has a program of this name even where it has no uv to run."""
    (tmp_path / "pyproject.toml").write_text(WORKSPACE.format('"orders"'))
    (tmp_path / "uv").write_text(uv)
    (tmp_path / "uv").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert environment.choose().later == later


@pytest.fixture
def gitconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the owner's file of settings for git, which holds a name."""
    config = tmp_path / "gitconfig"
    config.write_text("[user]\nname = Owner\nemail = owner@example.invalid\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    return config


@pytest.mark.parametrize(
    "setting",
    ["[core]\nexcludesFile = {}/info/exclude\n", "[init]\ntemplateDir = {}\n"],
    ids=["global", "template"],
)
def test_the_first_commit_has_what_is_ignored_elsewhere(
    project: Project, gitconfig: Path, tmp_path: Path, setting: str
) -> None:
    (tmp_path / "info").mkdir()
    (tmp_path / "info" / "exclude").write_text("*.ini\n.env*\n")
    with open(gitconfig, "a") as config:
        config.write(setting.format(tmp_path))
    Path(".gitignore").write_text(".env\n")
    for name in (".env", ".env.example", "alembic.ini"):
        Path(name).touch()
    assert repository.commit(project, lacking="") == []
    committed = children.run("git", "ls-files").split()
    assert committed == [".env.example", ".gitignore", "alembic.ini"]


@pytest.mark.parametrize("ignored", ["*", "orders", "other"])
def test_a_repository_around_counts_unless_it_ignores_the_project(
    project: Project, gitconfig: Path, tmp_path: Path, ignored: str
) -> None:
    """Repositories of people's own settings ignore all but a few files of their homes."""
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    (tmp_path / ".gitignore").write_text(f"{ignored}\n")
    Path("README.md").touch()
    later = repository.commit(project, lacking="")
    is_its_own = ignored != "other"
    assert Path(".git").exists() == is_its_own
    assert bool(later) != is_its_own


def test_an_empty_folder_of_that_name_is_no_repository(
    project: Project, gitconfig: Path, tmp_path: Path
) -> None:
    (tmp_path / ".git").mkdir()
    Path("README.md").touch()
    assert repository.commit(project, lacking="") == []


WORKING = """
import time
from cookiecutter_alembic.console import report, working
with working("first revision"):
    time.sleep(1.5)
report("first revision", "done")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_a_terminal_shows_that_a_step_works_and_for_how_long() -> None:
    import pexpect

    terminal = pexpect.spawn(
        sys.executable,
        ["-c", WORKING],
        cwd=str(TEMPLATE),
        env={**os.environ, "TERM": "xterm"},
        encoding="utf-8",
        timeout=30,
        dimensions=(24, 80),
    )
    for seconds in ("0 s", "1 s"):
        terminal.expect(rf"[-\\|/] first revision   {seconds}")
    terminal.expect_exact("\x1b[2K")  # what was shown is cleared
    terminal.expect_exact("\x1b[?25h")  # and the cursor is there again
    terminal.expect_exact("  first revision   done\r\n")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0


def test_without_a_terminal_nothing_shows_that_a_step_works() -> None:
    printed = subprocess.check_output(
        [sys.executable, "-c", WORKING.replace("1.5", "0.1")], cwd=TEMPLATE, text=True
    )
    assert printed == "  first revision   done\n"
