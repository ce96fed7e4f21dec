"""The library in a generated repository: vendored, and from a package index."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from cookiecutter_alembic import library
from tests.conftest import (
    TEMPLATE,
    TOOLS,
    Project,
    bake,
    baked,
    left_clean,
)
from tests.servers import Postgres
from tests.test_hook import NO_NETWORK

PAGE = TEMPLATE / "docs" / "library.md"
PACKAGE = "vendor/alembic-steady/alembic_steady"


def blocks() -> tuple[str, str]:
    """Return what the page shows of pyproject.toml before and after the move."""
    before, after = re.findall(r"```toml\n(.+?)```", PAGE.read_text(), re.DOTALL)
    return before, after


def clone(project: Project, folder: Path) -> Project:
    """Clone a project's repository, as another developer would."""
    source = ["git", "clone", "--quiet", str(project.path), str(folder)]
    subprocess.run(source, env=project.environment, check=True)
    shutil.copy(folder / ".env.example", folder / ".env")
    return Project(folder, project.environment)


def try_all(project: Project, *, has_server: bool = False) -> None:
    """Run the commands that a developer types, with what they install."""
    for command in (
        ("ruff", "check", "."),
        ("ruff", "format", "--check", "."),
        ("mypy",),
        ("mypy", "."),
        ("steady", "--help"),
    ):
        project.run(*command)
    project.run("steady", "create")
    project.run("alembic", "upgrade", "head")
    project.run("steady", "drift")
    project.run("alembic", "check")
    assert f"= {8 if has_server else 7} passed in " in project.run("pytest", ".")
    project.run("pytest", "--quiet", cwd=project.path / "tests")
    # Wherever Python is started, and whatever lies there.
    code = "import alembic_steady, app; print(alembic_steady.__file__)"
    project.run("python", "-c", code, cwd=project.path / "tests")


@pytest.fixture(scope="session")
def index(shared_folder: Path) -> Path:
    """Build the library, and return a folder that stands in for a package index."""
    folder = shared_folder / "index"
    with FileLock(shared_folder / "index.lock"):
        if not any(folder.glob("*.whl")):
            build = ("build", "--quiet", "--out-dir", str(folder), str(library.SOURCE))
            subprocess.run([TOOLS / "uv", *build], check=True)
    return folder


@pytest.mark.full
def test_a_clone_needs_no_network_and_no_new_lock(
    bench: Path, environment: dict[str, str]
) -> None:
    original = baked(bench / "out", environment)
    environment = {**environment, **NO_NETWORK, "UV_OFFLINE": "1"}
    project = clone(Project(original.path, environment), bench / "clone")
    project.run("uv", "sync", "--frozen")
    project.run("uv", "lock", "--check")
    assert project.run("git", "status", "--short") == ""
    try_all(project)


@pytest.mark.full
def test_a_layer_of_an_image_needs_two_files(
    bench: Path, environment: dict[str, str]
) -> None:
    original = baked(bench / "out", environment)
    layer = bench / "layer"
    layer.mkdir()
    for name in ("pyproject.toml", "uv.lock"):
        shutil.copy(original.path / name, layer)
    project = Project(layer, environment)
    project.run("uv", "sync", "--frozen", "--no-install-project", "--no-dev")
    # Then the rest, not editable: what is installed has the library in it.
    subprocess.run(
        [
            "git",
            "-C",
            original.path,
            "checkout-index",
            "--all",
            "--force",
            f"--prefix={layer}/",
        ],
        check=True,
    )
    project.run("uv", "sync", "--frozen", "--no-editable", "--no-dev")
    environment["DATABASE_URL"] = "sqlite:///layer.db"
    code = "import alembic_steady; print(alembic_steady.__file__)"
    assert "site-packages" in project.run("python", "-c", code, cwd=bench)
    project.run("alembic", "upgrade", "head")
    project.run("steady", "drift")


@pytest.mark.full
def test_pip_installs_the_library_along(
    bench: Path, environment: dict[str, str]
) -> None:
    original = baked(bench / "out", environment)
    project = clone(original, bench / "clone")
    project.run("python3", "-m", "venv", ".venv")
    project.run("python", "-m", "pip", "install", "--quiet", "pip>=25.1")
    install = ("install", "--quiet", "--editable", ".", "--group", "dev")
    project.run("python", "-m", "pip", *install)
    try_all(project)


@pytest.mark.parametrize(
    "where", ["global", pytest.param("parent", marks=pytest.mark.full)]
)
def test_a_project_is_whole_where_files_of_its_names_are_ignored(
    bench: Path, environment: dict[str, str], where: str
) -> None:
    out = bench / "out"
    out.mkdir()
    if where == "global":
        ignore = Path(environment["HOME"], ".gitignore")
        with open(Path(environment["HOME"], ".gitconfig"), "a") as config:
            config.write(f"[core]\nexcludesFile = {ignore}\n")
    else:
        subprocess.run(["git", "init", "--quiet", out], check=True)
        ignore = out / ".gitignore"
    ignore.write_text("vendor/\n.env*\n*.lock\nmigrations/\n")
    project = baked_in(out, environment)
    if where == "parent":
        project.run("git", "add", ".")
    listed = project.run("git", "ls-files").splitlines()
    (revision,) = project.revisions()
    assert {
        ".env.example",
        f"migrations/versions/{revision.name}",
        f"{PACKAGE}/adapters/__init__.py",
        "uv.lock",
    } <= set(listed)
    project.run("uv", "build", "--quiet", "--wheel", "--out-dir", str(bench / "dist"))
    (wheel,) = (bench / "dist").glob("*.whl")
    contents = project.run("python", "-m", "zipfile", "--list", wheel)
    assert "alembic_steady/adapters/postgresql/adapter.py" in contents
    assert "app/config.py" in contents
    assert "vendor/" not in contents


def baked_in(folder: Path, environment: dict[str, str]) -> Project:
    """Bake into a folder that holds other things."""
    done = bake(folder, environment, answers={})
    assert done.returncode == 0, done.stderr
    return Project(folder / "my_service", environment, output=done.stdout)


@pytest.mark.full
def test_without_hooks_the_readme_says_how_to_fetch_the_library(
    bench: Path, environment: dict[str, str], repository: Path
) -> None:
    out = bench / "out"
    done = bake(out, environment, "--accept-hooks", "no", answers={})
    assert done.returncode == 0, done.stderr
    project = Project(out / "my_service", environment)
    assert not (project.path / "vendor").exists()
    readme = (project.path / "README.md").read_text()
    after_cloning = readme.partition("## After cloning")[2]
    install, fetch, *_ = re.findall(r"```console\n(.+?)```", after_cloning, re.DOTALL)[
        ::2
    ]
    fetch = fetch.replace(
        "https://github.com/org/cookiecutter-alembic", f"file://{repository}"
    )
    for commands in (fetch, install):
        subprocess.run(
            ["bash", "-ec", commands], cwd=project.path, env=environment, check=True
        )
    project.revise("Initial revision")
    try_all(project)


@pytest.fixture
def indexed(
    checkout: Path, index: Path, environment: dict[str, str]
) -> Iterator[tuple[Path, dict[str, str]]]:
    """Return the template with the other form, and an environment with the index."""
    module = checkout / "cookiecutter_alembic" / "library.py"
    text = module.read_text()
    changed = text.replace('] = "vendored"\n', '] = "index"\n')
    assert changed != text
    module.write_text(changed)
    yield checkout, {**environment, "UV_FIND_LINKS": str(index)}


@pytest.mark.full
def test_a_project_from_an_index(
    indexed: tuple[Path, dict[str, str]], bench: Path
) -> None:
    template, environment = indexed
    done = bake(bench / "out", environment, template=template, answers={})
    assert "Ready in" in done.stdout, done.stdout + done.stderr
    project = Project(bench / "out" / "my_service", environment)
    assert not (project.path / "vendor").exists()
    assert not (project.path / ".gitattributes").exists()
    for path in (".gitignore", "README.md", "pyproject.toml"):
        assert "vendor" not in (project.path / path).read_text()
    project.run("uv", "lock", "--check")
    try_all(project)
    code = "import alembic_steady; print(alembic_steady.__file__)"
    assert "site-packages" in project.run("python", "-c", code)
    project = clone(project, bench / "clone")
    project.run("uv", "sync", "--frozen")
    try_all(project)


@pytest.mark.full
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_move_to_an_index_that_the_page_shows(
    kind: str,
    index: Path,
    bench: Path,
    environment: dict[str, str],
    start_postgres: Callable[[str], Postgres],
) -> None:
    before, after = blocks()
    assert after.splitlines()[0].strip() in library_requirement()
    if kind == "sqlite":
        move(baked(bench / "out", environment), index, before, after)
        return
    with left_clean(start_postgres("wheel")) as server:
        url = server.url("postgresql+psycopg", "orders")
        project = baked(bench / "out", environment, database_url=url)
        project.environment["DATABASE_URL"] = url
        move(project, index, before, after)


def move(project: Project, index: Path, before: str, after: str) -> None:
    """Do what the page says, and try all of it."""
    pyproject = project.path / "pyproject.toml"
    text = pyproject.read_text()
    assert text.count(before) == 1
    pyproject.write_text(text.replace(before, after))
    commands = PAGE.read_text().partition("```console\n")[2].partition("```")[0]
    project.environment["UV_FIND_LINKS"] = str(index)
    subprocess.run(
        ["bash", "-ec", commands],
        cwd=project.path,
        env=project.environment,
        check=True,
    )
    try_all(project, has_server=(project.path / "compose.yaml").exists())


def library_requirement() -> str:
    """Return the dependency that the other form has."""
    version = re.search(
        r'^version = "(.+)"$',
        (library.SOURCE / "pyproject.toml").read_text(),
        re.MULTILINE,
    )
    assert version
    return f'"alembic-steady>={version[1]}",'


@pytest.mark.full
def test_the_page_shows_the_block_of_a_generated_project(
    original: Callable[[str], Project],
) -> None:
    before, _ = blocks()
    for kind in ("psycopg", "sqlite"):
        assert before in (original(kind).path / "pyproject.toml").read_text()


def test_no_package_of_that_name_is_asked_for(
    original: Callable[[str], Project],
) -> None:
    for kind in ("sqlite", "psycopg"):
        for name in ("pyproject.toml", "uv.lock"):
            text = (original(kind).path / name).read_text()
            assert not re.search(r'"alembic-steady\b(?!/)', text)
