"""Usage: make cluster, or python -m tools.cluster."""

import asyncio
import os
import signal
import sys
import termios
import tty
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import click

from hubbub.cli.top import screen
from tools.cluster.books import Books
from tools.cluster.living import Processes, living, processes
from tools.cluster.parts import Event, Parts
from tools.cluster.view import View, books_line, event_line

DRAW_EVERY: Final = 0.25
PRINT_EVERY: Final = 5.0
NAMES: Final = ("node1", "node2", "node3", "primary", "standby", "valkey", "flush", "freeze")
HEALED: Final = {"primary": "standby", "flush": None}
"""Which part is healed after one was killed, where it is another one, or none."""


@click.command()
@click.option("--plain", is_flag=True, help="Print lines, as where there is no terminal.")
@click.option("--seconds", type=click.FloatRange(5, 86_400), help="End after so long.")
@click.option(
    "--kill",
    "kills",
    type=click.Choice([*NAMES, "haproxy"]),
    multiple=True,
    help="Kill this, and heal it; several one after the other, within --seconds.",
)
@click.option("--rate", type=click.FloatRange(1, 500), default=20.0, show_default=True)
def cluster(plain: bool, seconds: float | None, kills: Sequence[str], rate: float) -> None:
    """Run PostgreSQL with a standby, Valkey, HAProxy and three nodes; bots talk, a key kills."""
    plain = plain or not (sys.stdin.isatty() and sys.stdout.isatty())
    with processes() as running:
        good = asyncio.run(Show(running, plain, rate).run(seconds, kills))
    sys.exit(0 if good else 1)


class Show:
    """One cluster, its bots, and whoever looks."""

    def __init__(self, running: Processes, plain: bool, rate: float) -> None:
        self._running = running
        self._plain = plain
        self._rate = rate
        self._asked = asyncio.Event()

    async def run(self, seconds: float | None, kills: Sequence[str]) -> bool:
        """Until it is asked to end, or so long; whether every promise was kept."""
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._asked.set)
        async with living(self._running, self._rate, self._hear) as (parts, looks, books):
            async with asyncio.TaskGroup() as group:
                plan = None
                if seconds or kills:
                    length = seconds or 15.0 * len(kills)
                    plan = group.create_task(self._plan(parts, length, kills))
                if self._plain:
                    await self._print(books)
                else:
                    view = View(parts, looks, books)
                    await self._draw(view, lambda key: group.create_task(parts.press(key)))
                if plan is not None:
                    plan.cancel()
            await parts.mend()
            return await books.close()

    def _hear(self, event: Event) -> None:
        if self._plain:
            click.echo(event_line(event))

    async def _plan(self, parts: Parts, seconds: float, kills: Sequence[str]) -> None:
        """Each is killed and, half-way to the next, healed."""
        step = seconds / (2 * len(kills) + 1)
        for name in kills:
            await asyncio.sleep(step)
            await parts.press(parts.named(name).key)
            await asyncio.sleep(step)
            healed = HEALED.get(name, name)
            if healed is not None:
                await parts.press(parts.named(healed).key)
        await asyncio.sleep(step)
        self._asked.set()

    async def _print(self, books: Books) -> None:
        click.echo(f"  {books.link}")
        while not self._asked.is_set():
            try:
                async with asyncio.timeout(PRINT_EVERY):
                    await self._asked.wait()
            except TimeoutError:
                click.echo(books_line(books))

    async def _draw(self, view: View, press: Callable[[str], object]) -> None:
        def typed() -> None:
            for key in os.read(sys.stdin.fileno(), 64).decode("utf-8", "ignore"):
                if key in "q\x03":
                    self._asked.set()
                else:
                    press(key)

        with screen() as draw, keys(typed):
            while not self._asked.is_set():
                draw(view.lines())
                await asyncio.sleep(DRAW_EVERY)


@contextmanager
def keys(typed: Callable[[], None]) -> Iterator[None]:
    """Call it for each key, as soon as it is pressed."""
    loop, number = asyncio.get_running_loop(), sys.stdin.fileno()
    before = termios.tcgetattr(number)
    tty.setcbreak(number)
    loop.add_reader(number, typed)
    try:
        yield
    finally:
        loop.remove_reader(number)
        termios.tcsetattr(number, termios.TCSADRAIN, before)


if __name__ == "__main__":
    cluster()
