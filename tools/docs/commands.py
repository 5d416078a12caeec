"""The command line: what each command says of itself."""

from collections.abc import Iterator
from pathlib import Path

import click

from hubbub.cli import main


def helps(_: Path) -> str:
    """A section for each command."""
    return "\n".join(
        f"## {' '.join(names)}\n\n```text\n{text}\n```\n" for names, text in told(main, ("hubbub",))
    )


def told(command: click.Command, names: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """The help of a command and of all below it, each with its names."""
    context = click.Context(
        command, info_name=" ".join(names), terminal_width=88, help_option_names=["-h", "--help"]
    )
    yield names, command.get_help(context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from told(below, (*names, name))
