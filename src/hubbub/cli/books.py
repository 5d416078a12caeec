"""Closing the books: all that is under way is answered, then the last comparison."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Final

import click

from hubbub.demo.audit import Audit
from hubbub.demo.life import Life, Pace
from hubbub_client import Api, Refused, Unreachable

TICK: Final = 0.1
SETTLE_SECONDS: Final = 60.0


async def close(life: Life, audit: Audit, api: Api) -> bool:
    """Nobody says anything more; whether every promise was kept. Raises Refused, Unreachable."""
    life.pace = Pace(0.0, typing=False)
    click.echo("\n  Nobody says anything more; waiting for the last answers …")
    settled = await until(lambda: life.waiting == 0)
    await stubborn(lambda: audit.check(api))
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


async def until(condition: Callable[[], bool]) -> bool:
    """Whether it came to be, within a generous time."""
    end = asyncio.get_running_loop().time() + SETTLE_SECONDS
    while not condition():
        if asyncio.get_running_loop().time() > end:
            return False
        await asyncio.sleep(TICK)
    return True


async def stubborn(work: Callable[[], Awaitable[None]]) -> None:
    """Again, until the server answers. Raises Refused, Unreachable after a generous time."""
    for attempt in itertools.count(1):
        try:
            return await work()
        except (Refused, Unreachable):
            if attempt * TICK > SETTLE_SECONDS:
                raise
            await asyncio.sleep(TICK)
    raise AssertionError("the loop returns or raises")
