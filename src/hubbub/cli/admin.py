"""`hubbub admin`: what an operator does on a server's data, while it runs or not."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from hubbub.cli.common import CONFIG, USAGE, fail, load
from hubbub.cli.identity import identity
from hubbub.ports import Unavailable
from hubbub.wiring import admin as work
from hubbub.wiring.admin import SCOPES, Scope

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
DATA: Final = click.option("--data", help="The server's folder.  [default: hubbub-data]")

SCOPES_SHOWN: Final = """Server keys, by which a host application's backend calls the API.

\b
users:write     make and rename the application's users
chats:write     make groups, change them and their members, as any user
messages:write  send and change messages, as any user

Send one as Authorization: Bearer; for the latter two the header Hubbub-User names the user.
"""
"""`\\b` keeps click from joining the lines below it."""


@click.group()
def admin() -> None:
    """Look after a server: its keys, its backups, who signs in with identity providers."""


admin.add_command(identity)


@admin.command()
@click.argument("folder", type=click.Path(path_type=Path))
@DATA
@CONFIG
def backup(folder: Path, file: Path | None, **given: Any) -> None:
    """Copy everything to FOLDER, which is made, while the server runs.

    The copy is checked. It is a data folder: `hubbub serve --data FOLDER` serves it.
    """
    try:
        found = work.back_up(load(file, **given), folder.absolute())
    except (Unavailable, OSError) as error:
        fail(str(error))
    click.echo(f"{folder}: {found.messages:,} messages, sound")


@admin.group(help=SCOPES_SHOWN)
def key() -> None:
    """Server keys."""


@key.command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    required=True,
    help="What it is for; may be given again.",
)
@DATA
@CONFIG
def create(name: str, scopes: tuple[Scope, ...], file: Path | None, **given: Any) -> None:
    """Make a key and print it, this once: only its hash is kept."""
    if not NAME.fullmatch(name):
        fail("A key's name is 1 to 64 of letters, digits, '.', '_' and '-'.", USAGE)
    try:
        secret = work.create_key(load(file, **given), name, tuple(dict.fromkeys(scopes)))
    except (Unavailable, OSError) as error:
        fail(str(error))
    if secret is None:
        fail(f"There is a key {name!r} already. Revoke it first, or choose another name.")
    click.echo(secret)
    click.echo("Keep it where secrets are kept: it is not shown again.", err=True)


@key.command("list")
@DATA
@CONFIG
def list_(file: Path | None, **given: Any) -> None:
    """All keys: name, how it begins, since when, and what it is for."""
    try:
        keys = work.list_keys(load(file, **given))
    except (Unavailable, OSError) as error:
        fail(str(error))
    width = max((len(each.name) for each in keys), default=0)
    for each in keys:
        since = datetime.fromtimestamp(each.created_at / 1000, UTC).strftime("%Y-%m-%d")
        click.echo(f"{each.name:{width}}  {each.hint}…  {since}  {' '.join(each.scopes)}")
    if not keys:
        click.echo("There are none; `hubbub admin key create` makes one.", err=True)


@key.command()
@click.argument("name")
@DATA
@CONFIG
def revoke(name: str, file: Path | None, **given: Any) -> None:
    """End a key: the next call with it is refused."""
    try:
        found = work.revoke_key(load(file, **given), name)
    except (Unavailable, OSError) as error:
        fail(str(error))
    if not found:
        fail(f"There is no key {name!r}; `hubbub admin key list` shows all.")
