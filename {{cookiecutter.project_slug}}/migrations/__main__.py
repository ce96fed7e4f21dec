"""What Alembic lacks: `python -m migrations create` makes the database."""

import argparse

from alembic.util import CommandError

from app.config import migration_url
from migrations import databases


def main() -> None:
    """Run one command; errors end in one line and exit code 1."""
    parser = argparse.ArgumentParser(prog="python -m migrations")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("create", help="make the database if it is not there")
    parser.parse_args()
    try:
        create()
    except CommandError as error:
        parser.exit(1, f"{error}\n")


def create() -> None:
    """Make the database that migrations use, and say which."""
    url = migration_url()
    outcome = "created" if databases.create(url) else "is there already"
    print(f"{databases.describe(url)}: {outcome}")


if __name__ == "__main__":
    main()
