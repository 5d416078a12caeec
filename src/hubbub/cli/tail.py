"""`hubbub tail`: what a user is pushed, live, as whoever looks after the server sees it."""

import sys
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import click
import msgspec

from hubbub.cli.common import CONFIG, fail, load
from hubbub.cli.http import URL, address, ask, reason
from hubbub.cli.screen import pad
from hubbub.wiring import operator_token
from hubbub_protocol import rest
from hubbub_protocol.admin import Tail

WAIT: Final = 4
"""Seconds of one question, less than its answer may take."""
AGAIN: Final = 1.0
COLORS: Final = {"message": "green", "read_receipt": "cyan", "delivery_receipt": "cyan"}


@click.command()
@click.option("--user", "name", required=True, help="User name.")
@URL
@click.option("--data", help="The server's folder: who may read its key may look.")
@click.option("--count", type=click.IntRange(1), help="End after so many frames.")
@CONFIG
def tail(
    name: str, url: str | None, data: str | None, count: int | None, file: Path | None
) -> None:
    """Show what a user is pushed, live, with cursors and connections; never what is said."""
    config = load(file, data=data)
    where = f"{address(url, config)}/api/v1/admin/tail"
    folder, cursor, shown, lost = Path(config.server.data), "", 0, False
    try:
        while count is None or shown < count:
            query: dict[str, str | int] = {"user": name}
            query |= {"cursor": cursor, "wait": WAIT} if cursor else {}
            page = _page(f"{where}?{urlencode(query)}", folder, going_on=bool(cursor))
            if page is None:
                if not lost:
                    click.echo(click.style(" Network error; retrying", fg="red"))
                cursor, lost = "", True
                time.sleep(AGAIN)
                continue
            click.echo("".join(f"{text}\n" for text in lines(page, first=not cursor)), nl=False)
            cursor, lost, shown = page.cursor, False, shown + len(page.frames)
    except KeyboardInterrupt:
        sys.exit(0)


def _page(where: str, folder: Path, *, going_on: bool) -> Tail | None:
    """An answer; None where the server went away meanwhile, or has forgotten us."""
    try:
        status, body = ask(where, operator_token(folder))
    except OSError as error:
        if going_on:
            return None
        fail(f"{reason(error)} Check --url and --data, and that the server runs.")
    try:
        if status == 200:
            return msgspec.json.decode(body, type=Tail)
        if going_on:
            return None
        fail(msgspec.json.decode(body, type=rest.Problem).detail)
    except msgspec.DecodeError:
        fail(f"It is no Hubbub that answers there: status {status}.")


def lines(page: Tail, *, first: bool) -> list[str]:
    """An answer as lines: at first where the user is, then a line a frame."""
    found = [_frame(frame) for frame in page.frames]
    if page.dropped:
        found.insert(0, click.style(f" {page.dropped} frames were dropped", fg="red"))
    if not first:
        return found
    head = ["", f" {click.style(page.user_id, bold=True)}  {len(page.connections)} connections"]
    for one in page.connections:
        how = "takes nothing" if one.blocked else "catching up" if one.catching_up else "live"
        head.append(
            f"   {one.session_id}  {how}, {one.unread_bytes:,} bytes not taken, "
            f"{one.behind} logs behind"
        )
    head += ["", click.style(f"   {'chat':22}{'end':>9}{'delivered':>11}{'read':>9}", dim=True)]
    head += [
        f"   {chat.chat_id:22}{chat.seq:>9,}{chat.delivered:>11,}{chat.read:>9,}"
        + (f"  {chat.unread:,} unread" if chat.unread else "")
        for chat in page.chats
    ]
    return [*head, "", *found]


def _frame(frame: dict[str, Any]) -> str:
    kind = str(frame.pop("type", "?"))
    at = time.strftime("%H:%M:%S")
    rest_ = "  ".join(f"{key} {_value(value)}" for key, value in frame.items())
    return f" {at}  {click.style(pad(kind, 17), fg=COLORS.get(kind))}{rest_}"


def _value(value: object) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return "".join(letter if letter.isprintable() else " " for letter in text)
