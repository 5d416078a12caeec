"""`hubbub demo --chaos`: kill the server again and again, and keep the books."""

import asyncio
import itertools
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Final

import click

from hubbub.demo.audit import Audit
from hubbub.demo.host import Host
from hubbub.demo.life import Life, Pace
from hubbub_client import Api, Refused, Unreachable

TICK: Final = 0.1
SETTLE_SECONDS: Final = 60.0
COLUMNS: Final = (
    ("kill", 6),
    ("served", 9),
    ("away", 9),
    ("acknowledged", 15),
    ("waiting", 10),
    ("lost", 7),
    ("doubled", 10),
    ("out of order", 15),
)


class Chaos:
    """SIGKILL every `every` seconds, `kills` times (None: until it is asked to end)."""

    def __init__(self, every: float, kills: int | None) -> None:
        self._every = every
        self._kills = kills

    async def run(
        self, host: Host, life: Life, audit: Audit, api: Api, asked: asyncio.Event
    ) -> bool:
        """Whether every promise was kept. Raises NotStarted."""
        books = _Books(life, audit)
        click.echo(click.style("".join(f"{name:>{width}}" for name, width in COLUMNS), dim=True))
        for kill in itertools.count(1):
            began = time.monotonic()
            while time.monotonic() - began < self._every and not asked.is_set():
                books.row(kill, time.monotonic() - began, None)
                await asyncio.sleep(TICK)
            if asked.is_set():
                break
            served, killed, before = time.monotonic() - began, time.monotonic(), audit.acknowledged
            await host.kill()
            await host.start()
            await _until(lambda before=before: audit.acknowledged > before)  # type: ignore[misc]
            away = time.monotonic() - killed
            await _stubborn(lambda: audit.check(api))
            books.row(kill, served, away, end="\n")
            if kill == self._kills:
                break
        return await self._close(life, audit, api)

    async def _close(self, life: Life, audit: Audit, api: Api) -> bool:
        """Nobody says anything more; all that is under way is answered; the last comparison."""
        life.pace = Pace(0.0, typing=False)
        click.echo("\n  Nobody says anything more; waiting for the last answers …")
        settled = await _until(lambda: life.waiting == 0)
        await _stubborn(lambda: audit.check(api))
        if settled:
            audit.settled()
        wrong = audit.lost + audit.doubled + audit.disordered
        verdict = (
            f"{audit.acknowledged:,} acknowledged: {audit.lost} lost, {audit.doubled} doubled, "
            f"{audit.disordered} out of order."
        )
        click.echo("  " + click.style(verdict, fg="red" if wrong else "green", bold=True))
        if not settled:
            click.echo(f"  {life.waiting} were not answered within {SETTLE_SECONDS:.0f} s.")
        return settled and not wrong


class _Books:
    """The table."""

    def __init__(self, life: Life, audit: Audit) -> None:
        self._life = life
        self._audit = audit

    def row(self, kill: int, served: float, away: float | None, end: str = "") -> None:
        """The figures of now; on a terminal the next row without `end` replaces it."""
        if not (end or sys.stdout.isatty()):
            return
        audit = self._audit
        cells = [
            f"{kill}",
            f"{served:.1f} s",
            "" if away is None else f"{away:.2f} s",
            f"{audit.acknowledged:,}",
            f"{self._life.waiting:,}",
        ]
        widths = [width for _, width in COLUMNS]
        text = "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=False))
        for count, width in zip(
            (audit.lost, audit.doubled, audit.disordered), widths[len(cells) :], strict=True
        ):
            text += click.style(f"{count:>{width}}", fg="red" if count else "green")
        click.echo(f"\r{text}\x1b[K{end}" if sys.stdout.isatty() else text + end, nl=False)


async def _until(condition: Callable[[], bool]) -> bool:
    """Whether it came to be, within a generous time."""
    end = time.monotonic() + SETTLE_SECONDS
    while not condition():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(TICK)
    return True


async def _stubborn(work: Callable[[], Awaitable[None]]) -> None:
    """Again, until the server answers."""
    for attempt in itertools.count(1):
        try:
            return await work()
        except (Refused, Unreachable):
            if attempt * TICK > SETTLE_SECONDS:
                raise
            await asyncio.sleep(TICK)
    raise AssertionError("the loop returns or raises")
