"""`hubbub demo`: a server with fifty bots who live in it; and one that is killed all the time."""

import asyncio
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click

from hubbub.cli.chaos import Chaos
from hubbub.cli.common import fail, link
from hubbub.cli.screen import bar
from hubbub.config import Config
from hubbub.demo.audit import Audit
from hubbub.demo.host import Host, NotStarted, free_port
from hubbub.demo.life import Life, Pace, Visit
from hubbub.demo.settle import Occupied, residents, sessions, settle
from hubbub.demo.town import VISITOR, Town, town
from hubbub.ports import Unavailable
from hubbub.wiring import hash_password, open_store
from hubbub_client import Refused, Unreachable

SETTINGS: Final = {"HUBBUB_AUTH_ACCESS_TOKEN_MINUTES": "1440", "HUBBUB_LOG_LEVEL": "warning"}
CHAOS_RATE: Final = 40.0
DEMO_RATE: Final = 2.0
TICK: Final = 0.25


@click.command()
@click.option("--data", help="A new folder to keep, or one of an earlier demo.  [default: none]")
@click.option("--port", type=int, default=0, help="Which port.  [default: any free one]")
@click.option(
    "--messages",
    type=click.IntRange(100, 5_000_000),
    default=100_000,
    show_default=True,
    help="How much was said before you came.",
)
@click.option(
    "--rate",
    type=click.FloatRange(0.1, 200),
    help="Messages a second of all bots together.  [default: 2; with --chaos 40]",
)
@click.option("--chaos", is_flag=True, help="Kill the server again and again, and keep the books.")
@click.option(
    "--every",
    type=click.FloatRange(0.5, 3600),
    default=5.0,
    show_default=True,
    help="Seconds between two kills.",
)
@click.option("--kills", type=click.IntRange(1), help="End after so many.  [default: Ctrl-C]")
def demo(
    data: str | None,
    port: int,
    messages: int,
    rate: float | None,
    chaos: bool,
    every: float,
    kills: int | None,
) -> None:
    """Start a server in which 50 bots chat, and print a link that signs you in."""
    plan = Chaos(every, kills) if chaos else None
    pace = Pace(rate or (CHAOS_RATE if chaos else DEMO_RATE), typing=not chaos)
    folder = Path(data) if data else Path(tempfile.mkdtemp(prefix="hubbub-demo-"))
    try:
        show = Demo(folder, Host(folder, port or free_port(), SETTINGS), pace, plan)
        code = asyncio.run(show.run(messages))
    except Occupied:
        fail(f"{folder} belongs to a real server. Choose a new folder for --data.")
    except (NotStarted, Unavailable, Refused, Unreachable, OSError) as error:
        fail(str(error))
    finally:
        if not data:
            shutil.rmtree(folder, ignore_errors=True)
    sys.exit(code)


class Demo:
    """One evening in the town."""

    def __init__(self, folder: Path, host: Host, pace: Pace, chaos: Chaos | None) -> None:
        self._folder = folder
        self._host = host
        self._pace = pace
        self._chaos = chaos
        self._town = town()
        self._asked = asyncio.Event()

    async def run(self, messages: int) -> int:
        """Until a signal, or what `--kills` says; the exit code.

        Raises Occupied, NotStarted, Unavailable, Refused, Unreachable, OSError.
        """
        self._hear_signals()
        password = secrets.token_urlsafe(9)
        tokens, known = await self._move_in(messages, password)
        if self._asked.is_set():
            return 0
        try:
            await self._host.start()
            visit = await Visit.begin(self._host.url, self._town, tokens.pop("auditor"))
            try:
                return await self._evening(visit, tokens, None if known else password)
            finally:
                await visit.end()
        finally:
            await self._host.stop()

    def _hear_signals(self) -> None:
        """The first asks to end in order, the second ends it."""
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None

        def receive() -> None:
            if self._asked.is_set():
                task.cancel()
            self._asked.set()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, receive)

    async def _move_in(self, messages: int, password: str) -> tuple[dict[str, str], bool]:
        """Sessions of all, and whether they lived there already."""
        now, began = int(time.time() * 1000), time.monotonic()
        async with open_store(self._folder) as store:
            hash_ = await hash_password(Config(), password)
            progress = _progress(messages)
            known = await settle(store, self._town, messages, now, hash_, progress)
            users = await residents(store, self._town)
            tokens = await sessions(store, users, now, "hubbub demo")
            auditor = await sessions(store, {VISITOR: users[VISITOR]}, now + 1, "hubbub demo")
        if not known:
            _line(f"  {messages:,} messages in {time.monotonic() - began:.1f} s", end="\n")
        return {**tokens, "auditor": auditor[VISITOR]}, known

    async def _evening(self, visit: Visit, tokens: dict[str, str], password: str | None) -> int:
        audit = Audit(visit.heads)
        life = Life(self._town, visit.chat_ids, visit.user_id, self._pace, audit)
        await life.settle_in([self._host.url], tokens)
        click.echo(_welcome(self._host.port, tokens[VISITOR], password, self._town, self._folder))
        async with asyncio.TaskGroup() as group:
            living = group.create_task(life.run())
            if self._chaos is None:
                await self._watch(life, audit)
                good = True
            else:
                good = await self._chaos.run(self._host, life, audit, visit.api, self._asked)
            living.cancel()
        return 0 if good else 1

    async def _watch(self, life: Life, audit: Audit) -> None:
        while not self._asked.is_set():
            _line(f"  {audit.acknowledged:,} messages since; {life.pace.per_second:g} a second")
            await asyncio.sleep(TICK)
        _line("  Good night.", end="\n")


def _progress(most: int) -> Callable[[int], None]:
    return lambda stored: _line(f"  Moving in  {bar(stored, most)} messages")


def _line(text: str, end: str = "") -> None:
    """A line that the next one replaces; where there is no terminal, only whole ones."""
    if sys.stdout.isatty():
        click.echo(f"\r{text}\x1b[K{end}", nl=False)
    elif end:
        click.echo(text)


def _welcome(port: int, token: str, password: str | None, place: Town, folder: Path) -> str:
    address = f"http://localhost:{port}"
    lines = [
        "",
        f"  {click.style('Hubbub', bold=True)}  {len(place.bots)} bots, {len(place.chats)} chats, "
        f"and you are {place.people[VISITOR].name}:",
        "",
        f"    {link(f'{address}/#signin={token}')}",
        "",
        "  The link signs you in once. " + ("" if password else "Sign in again as before."),
    ]
    if password:
        lines[-1] += f"After that: user name {VISITOR}, password {password}"
    lines += [
        f"  Figures  hubbub top --url {address}",
        f"  Data     {folder}",
        "  Stop     Ctrl-C",
        "",
    ]
    return "\n".join(lines)
