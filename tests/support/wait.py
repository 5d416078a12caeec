"""Waiting for a condition: what tests do instead of sleeping."""

import asyncio
import time
from collections.abc import Awaitable, Callable


async def eventually(condition: Callable[[], bool], what: str, seconds: float = 10.0) -> None:
    """Return once `condition()` holds; fail with `what` when it does not within `seconds`.

    Looks again whenever the loop has gone round, at most every millisecond. Safe to cancel.
    """
    deadline = time.monotonic() + seconds
    pause = 0.001
    while not condition():
        assert time.monotonic() < deadline, f"after {seconds} s still not so: {what}"
        await asyncio.sleep(pause)


async def lasting(seconds: float) -> None:
    """Return so much later: how long a fault lasts is the one thing that nothing else tells."""
    end = time.monotonic() + seconds
    await eventually(lambda: time.monotonic() >= end, "time passes", seconds + 10)


async def until(so: Callable[[], Awaitable[bool]], what: str, seconds: float = 10.0) -> None:
    """As `eventually`, for what has to be asked: ten times a second."""
    deadline = time.monotonic() + seconds
    pause = 0.1
    while not await so():
        assert time.monotonic() < deadline, f"after {seconds} s still not so: {what}"
        await asyncio.sleep(pause)
