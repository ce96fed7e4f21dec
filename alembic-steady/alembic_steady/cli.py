"""The command line: Alembic's own, with more commands."""

from __future__ import annotations

from alembic.config import CommandLine

from alembic_steady import commands


def main() -> None:
    """Run `steady`, which has all commands of Alembic and those of this library."""
    command_line().main()


def command_line() -> CommandLine:
    """Return Alembic's command line with the commands of this library."""
    line = CommandLine(prog="steady")
    for command in (commands.adopt, commands.create, commands.drift, commands.squawk):
        line.register_command(command)
    return line


if __name__ == "__main__":
    main()
