"""`hubbub trace`: what became of a message, and why somebody does not have it."""

from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode

import click
import msgspec

from hubbub.cli.common import CONFIG, fail, load
from hubbub.cli.http import URL, address, ask, reason
from hubbub.cli.screen import pad
from hubbub.wiring import operator_token
from hubbub_protocol import rest
from hubbub_protocol.admin import Fate, Trace, TraceRecipient

PAGE: Final = 200
NAME: Final = 28
TIME: Final = 29
"""Columns of a time, and a space."""
MARKS: Final[dict[Fate, tuple[str, str]]] = {
    "read": ("✓✓", "cyan"),
    "delivered": ("✓✓", "green"),
    "in_history": ("✓ ", "green"),
    "sent": ("→ ", "yellow"),
    "behind": ("… ", "yellow"),
    "blocked": ("! ", "red"),
    "offline": ("○ ", "yellow"),
    "left": ("– ", "bright_black"),
    "not_member": ("– ", "bright_black"),
}


@click.command()
@click.argument("message_id")
@URL
@click.option("--data", help="The server's folder: who may read its key may ask.")
@click.option("--token", envvar="HUBBUB_TOKEN", help="An admin's access token, instead of --data.")
@click.option("--user", help="Only this user name.")
@click.option("--json", "as_json", is_flag=True, help="For machines: a JSON object a page.")
@CONFIG
def trace(
    message_id: str,
    url: str | None,
    data: str | None,
    token: str | None,
    user: str | None,
    as_json: bool,
    file: Path | None,
) -> None:
    """Say what became of MESSAGE_ID: accepted, delivered, read, and why not."""
    config = load(file, data=data)
    where = f"{address(url, config)}/api/v1/admin/trace/{quote(message_id, safe='')}"
    cursor, first = "", True
    while cursor or first:
        query = urlencode({"limit": PAGE} | ({"cursor": cursor} if cursor else {}))
        page = _page(f"{where}?{query}", token or _own_token(Path(config.server.data)))
        if as_json:
            click.echo(msgspec.json.encode(page))
        else:
            lines = head(page) if first else []
            shown = [r for r in page.recipients if user in (None, r.username)]
            click.echo("\n".join([*lines, *(line(page, r) for r in shown)]))
        cursor, first = page.cursor or "", False


def _own_token(data: Path) -> str:
    try:
        return operator_token(data)
    except OSError as error:
        fail(f"{error.strerror or error} Or give an admin's --token.")


def _page(where: str, token: str) -> Trace:
    try:
        status, body = ask(where, token)
    except OSError as error:
        fail(f"The server does not answer ({reason(error)}). Check --url, and that it runs.")
    try:
        if status == 200:
            return msgspec.json.decode(body, type=Trace)
        fail(msgspec.json.decode(body, type=rest.Problem).detail)
    except msgspec.DecodeError:
        fail(f"It is no Hubbub that answers there: status {status}.")


def head(page: Trace) -> list[str]:
    """The message itself: where it is, never what it says."""
    sender = page.sender_id or "the server"
    return [
        "",
        f" {click.style(page.message_id, bold=True)}  {page.message_type}, from {sender}",
        f" Accepted  {_time(page.accepted_at)} by node {page.node}, once it was stored",
        f" Stored    position {page.seq:,} of {page.head:,} in {page.chat_id}",
        "",
        click.style(f"    {'':{NAME}}{'delivered':{TIME}}{'read':{TIME}}connections", dim=True),
    ]


def line(page: Trace, recipient: TraceRecipient) -> str:
    """A recipient: the times, and the sentence that says why."""
    mark, color = MARKS[recipient.fate]
    name = pad(f"{recipient.display_name} @{recipient.username}", NAME - 1)
    times = f"{_time(recipient.delivered_at):{TIME}}{_time(recipient.read_at):{TIME}}"
    why = "".join(letter if letter.isprintable() else " " for letter in recipient.why)
    return (
        f" {click.style(mark, fg=color)} {name} {times}{recipient.connections}\n"
        f"      {click.style(why, fg=color)}"
    )


def _time(text: str | None) -> str:
    return "–" if text is None else text.replace("T", " ").replace("Z", " UTC")
