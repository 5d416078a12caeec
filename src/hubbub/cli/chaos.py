"""`hubbub demo --chaos`: kill the server again and again, and keep the books."""

import asyncio
import itertools
import sys
import time
from typing import Final

import click

from hubbub.cli.books import TICK, close, stubborn, until
from hubbub.demo.audit import Audit
from hubbub.demo.host import Host
from hubbub.demo.life import Life
from hubbub_client import Api

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
            await until(lambda before=before: audit.acknowledged > before)  # type: ignore[misc]
            away = time.monotonic() - killed
            await stubborn(lambda: audit.check(api))
            books.row(kill, served, away, end="\n")
            if kill == self._kills:
                break
        return await close(life, audit, api)


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
