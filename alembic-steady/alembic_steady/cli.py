"""The command line: Alembic's own, with more commands."""

from __future__ import annotations

from argparse import Namespace

from alembic.config import CommandLine, Config
from alembic.util import CommandError, err

from alembic_steady import commands, errors


class SteadyCommandLine(CommandLine):
    """A command line on which each command ends in one line if a file can't be read."""

    def run_cmd(self, config: Config, options: Namespace) -> None:
        """Run a command; those that need no database do not run `env.py`."""
        try:
            with errors.in_one_line(f"steady {options.cmd[0].__name__}", config):
                super().run_cmd(config, options)
        except CommandError as error:
            err(str(error))


def main() -> None:
    """Run `steady`, which has all commands of Alembic and those of this library."""
    command_line().main()


def command_line() -> CommandLine:
    """Return Alembic's command line with the commands of this library."""
    line = SteadyCommandLine(prog="steady")
    for command in (
        *(commands.adopt, commands.create, commands.drift),
        *(
            commands.plan,
            commands.rebase,
            commands.squash,
            commands.squawk,
            commands.staged,
        ),
        *(commands.sync, commands.undo),
    ):
        line.register_command(command)
    return line


if __name__ == "__main__":
    main()
