"""The command line. Each command is a module of its own, loaded when it is called."""

import importlib
from typing import Final

import click

COMMANDS: Final = {
    "admin": "hubbub.cli.admin",
    "chat": "hubbub.cli.chat",
    "config": "hubbub.cli.settings",
    "demo": "hubbub.cli.demo",
    "doctor": "hubbub.cli.doctor",
    "serve": "hubbub.cli.serve",
    "tail": "hubbub.cli.tail",
    "token": "hubbub.cli.token",
    "top": "hubbub.cli.top",
    "trace": "hubbub.cli.trace",
}
"""Where each command lives, under its own name. Nobody waits for what the others import."""


class Commands(click.Group):
    """A group that loads a command when it is asked for."""

    def list_commands(self, context: click.Context) -> list[str]:
        """All names."""
        return sorted(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The command of this name, if there is one."""
        if name not in COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(COMMANDS[name]), name)
        return command


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="hubbub", prog_name="hubbub")
def main() -> None:
    """A real-time chat server."""
