"""`hubbub admin identity`: which users identity providers mean."""

from pathlib import Path
from typing import Any, Final

import click

from hubbub.cli.common import CONFIG, fail, load
from hubbub.ports import Unavailable
from hubbub.wiring import admin as work

DATA: Final = click.option("--data", help="The server's folder.  [default: hubbub-data]")
SHOWN: Final = """By which identity providers a user signs in.

PROVIDER is the name in the settings ([oidc.PROVIDER]), SUBJECT what the provider knows somebody by
(sub), USER a user name or id. The server may be running.
"""


@click.group(help=SHOWN)
def identity() -> None:
    """Identities."""


@identity.command("list")
@click.argument("user")
@DATA
@CONFIG
def list_(user: str, file: Path | None, **given: Any) -> None:
    """The identities of a user: provider, and subject there."""
    try:
        found = work.list_identities(load(file, **given), user)
    except (Unavailable, OSError) as error:
        fail(str(error))
    for provider, subject in found:
        click.echo(f"{provider}  {subject}")
    if not found:
        click.echo("There are none; `hubbub admin identity link` gives one.", err=True)


@identity.command()
@click.argument("user")
@click.argument("provider")
@click.argument("subject")
@DATA
@CONFIG
def link(user: str, provider: str, subject: str, file: Path | None, **given: Any) -> None:
    """Let somebody sign in as a user who is there already."""
    try:
        linked = work.link_identity(load(file, **given), user, provider, subject)
    except (Unavailable, OSError) as error:
        fail(str(error))
    if not linked:
        fail("Another user has this identity. Unlink it first: what that user wrote stays theirs.")


@identity.command()
@click.argument("provider")
@click.argument("subject")
@DATA
@CONFIG
def unlink(provider: str, subject: str, file: Path | None, **given: Any) -> None:
    """Take an identity away, and end all sessions of its user.

    Their tokens are good until they end, 15 minutes at most unless set otherwise. The user stays.
    Who is known to the provider comes in again as somebody new, unless it is told not to let them.
    """
    try:
        name = work.unlink_identity(load(file, **given), provider, subject)
    except (Unavailable, OSError) as error:
        fail(str(error))
    if name is None:
        fail("Nobody has this identity; `hubbub admin identity list USER` shows a user's.")
    click.echo(f"{name} is signed out.")
