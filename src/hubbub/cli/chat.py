"""`hubbub chat`: the client in a terminal."""

import importlib
from pathlib import Path

import click

from hubbub.cli.common import CONFIG, fail, load
from hubbub.cli.http import address


@click.command()
@click.argument("link", required=False)
@click.option("--url", help="Where the server is.  [default: the last one, or as for `serve`]")
@click.option("--user", "username", default="", help="Which of the accounts used here.")
@click.option(
    "--token",
    envvar="HUBBUB_TOKEN",
    default="",
    help="An access token to come in with, as of `hubbub token`.",
)
@click.option(
    "--state",
    type=click.Path(path_type=Path),
    help="A folder for what is kept here.  [default: ~/.local/state/hubbub-chat]",
)
@CONFIG
def chat(
    link: str | None,
    url: str | None,
    username: str,
    token: str,
    state: Path | None,
    file: Path | None,
) -> None:
    """Chat in the terminal. LINK: one that signs you in, or leads into a group."""
    try:
        # Late, and by name: no other command needs what it is built on, nor has to have it.
        terminal = importlib.import_module("hubbub_terminal")
    except ModuleNotFoundError as missing:
        fail(
            f"{missing.name} is not installed. Please type: make chat, where Hubbub was built, "
            "or else: pip install 'hubbub[chat]'"
        )
    places = terminal.Places(state or terminal.default_folder())
    where = link or url or places.last_url or address(None, load(file))
    try:
        start = terminal.Start(terminal.parse(where), username, token)
    except ValueError as error:
        fail(str(error))
    terminal.ChatApp(start, places).run()
