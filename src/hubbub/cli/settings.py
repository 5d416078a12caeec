"""`hubbub config`."""

from pathlib import Path

import click

from hubbub.cli.common import CONFIG, load
from hubbub.config.example import explain


@click.command()
@CONFIG
def config(file: Path | None) -> None:
    """Print all settings, with their defaults and reasons, as a file to start from."""
    click.echo(explain(load(file)), nl=False)
