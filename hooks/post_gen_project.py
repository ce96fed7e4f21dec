"""Runs the generator, which finishes the rendered project.

Cookiecutter renders this file with Jinja, and runs it in the new project with its own
Python.
"""

import sys
from pathlib import Path
from typing import Any

PROJECT: dict[str, Any] = {{cookiecutter | for_hook}}  # type: ignore # noqa: F821

if __name__ == "__main__":
    Path(__file__).unlink()  # Cookiecutter leaves the rendered hook behind.
    sys.path.insert(0, PROJECT["template"])

    from cookiecutter_alembic.finish import finish
    from cookiecutter_alembic.project import Project

    finish(Project(**PROJECT))
