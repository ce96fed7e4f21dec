{% set is_server = cookiecutter.__kind == "server" %}
{% set postgresql = cookiecutter.__family == "postgresql" %}
"""What Alembic lacks, by `python -m migrations` and one of the commands in here."""

import argparse
import sys

from alembic.util import CommandError

from app.config import migration_url
from migrations import databases, drift{{ ", roles" if is_server }}, scratch{{ ", squawk" if postgresql }}


def main() -> None:
    """Run one command; errors end in one line and exit code 1."""
{% if postgresql %}
    commands = {"create": create, "drift": show_drift, "squawk": squawk.check}
    explanation = "make the database, compare it with the revisions, or check their SQL"
{% else %}
    commands = {"create": create, "drift": show_drift}
    explanation = "make the database, or compare it with the revisions"
{% endif %}
    parser = argparse.ArgumentParser(prog="python -m migrations")
    parser.add_argument("command", choices=commands, help=explanation)
    try:
        sys.exit(commands[parser.parse_args().command]())
    except CommandError as error:
        sys.exit(str(error))


def create() -> int:
{% if is_server %}
    """Make the database that migrations use, let the application in, and return 0."""
{% else %}
    """Make the database that migrations use, say which, and return exit code 0."""
{% endif %}
    url = migration_url()
    outcome = "created" if databases.create(url) else "is there already"
{% if is_server %}
    print(f"{databases.describe(url)}: {outcome}", flush=True)
    if role := roles.admit(url):
        print(f"{role} may read and write what migrations make")
{% else %}
    print(f"{databases.describe(url)}: {outcome}")
{% endif %}
    return 0


def show_drift() -> int:
    """Print how that database differs, and return 1 if what revisions build does."""
    url = migration_url()
    print(f"{databases.describe(url)}:", flush=True)
    with databases.connect(url) as real, scratch.database() as empty:
        differences = drift.find(real, empty)
    print("\n".join(differences) or "as the revisions build it")
    return int(any(not line.endswith(drift.NOT_OWNED) for line in differences))


if __name__ == "__main__":
    main()
