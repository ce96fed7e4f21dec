"""What Alembic lacks: `python -m migrations create` and `python -m migrations drift`."""

import argparse

from alembic.util import CommandError

from app.config import migration_url
from migrations import databases, drift


def main() -> None:
    """Run one command; errors end in one line and exit code 1."""
    parser = argparse.ArgumentParser(prog="python -m migrations")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("create", help="make the database if it is not there")
    commands.add_parser("drift", help="compare the database with what revisions build")
    run = {"create": create, "drift": show_drift}[parser.parse_args().command]
    try:
        code = run()
    except CommandError as error:
        parser.exit(1, f"{error}\n")
    parser.exit(code)


def create() -> int:
    """Make the database that migrations use, say which, and return exit code 0."""
    url = migration_url()
    outcome = "created" if databases.create(url) else "is there already"
    print(f"{databases.describe(url)}: {outcome}")
    return 0


def show_drift() -> int:
    """Print how that database differs, and return 1 if what revisions build does."""
    print(f"{databases.describe(migration_url())}:", flush=True)
    differences = drift.find()
    print("\n".join(differences) or "as the revisions build it")
    return int(any(not line.endswith(drift.NOT_OWNED) for line in differences))


if __name__ == "__main__":
    main()
