"""`hubbub token`."""

from pathlib import Path
from typing import Any

import click

from hubbub.cli.common import CONFIG, fail, load
from hubbub.ports import Unavailable
from hubbub.wiring.admin import make_token

DAY = 24 * 60


@click.command()
@click.option("--user", "name", required=True, help="User name, user_…, ext:… or a sub.")
@click.option(
    "--minutes",
    type=click.FloatRange(0, DAY, min_open=True),
    help="How long it is good.  [default: as auth.access_token_minutes says]",
)
@click.option("--data", help="The server's folder.  [default: hubbub-data]")
@CONFIG
def token(name: str, minutes: float | None, file: Path | None, **given: Any) -> None:
    """Print an access token of a user, to try things out with.

    Whoever has it is that user until it ends.
    """
    config = load(file, **given)
    try:
        made = make_token(config, name, minutes or config.auth.access_token_minutes)
    except (Unavailable, OSError) as error:
        fail(str(error))
    if made is None:
        fail(f"There is no user {name!r} on this server.")
    click.echo(made)
