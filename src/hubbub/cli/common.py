"""What several commands share: the settings, how a link looks, how to end with a sentence."""

import os
import sys
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from hubbub.config import BadConfig, Config, reading

USAGE: Final = 2
"""click's own exit code for what was typed wrongly."""

CONFIG: Final = click.option(
    "--config",
    "file",
    type=click.Path(path_type=Path),
    envvar="HUBBUB_CONFIG",
    help="A TOML file with settings; `hubbub config` prints one to start from.",
)


def load(file: Path | None, **server: Any) -> Config:
    """The settings, with what was typed for the section `server`; ends where they are wrong."""
    typed = {name: value for name, value in server.items() if value is not None}
    try:
        return reading.load(file, os.environ, {"server": typed})
    except BadConfig as error:
        fail(str(error), USAGE)


def link(address: str) -> str:
    """An address, as one that can be opened."""
    return click.style(address, fg="cyan", underline=True)


def fail(sentence: str, code: int = 1) -> NoReturn:
    """End with a sentence that says what to do."""
    click.echo(f"hubbub: {sentence}", err=True)
    sys.exit(code)
