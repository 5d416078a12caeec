"""How fast users may send."""

import asyncio
from typing import Final

from hubbub.domain.limits import Buckets
from hubbub.ports import Clock, Unavailable
from hubbub.ports.buckets import SharedBuckets

EVERY: Final = 0.25
"""Seconds between two reports to the other nodes."""


class Pace:
    """A token bucket for each user, which decides at once.

    Where nodes share buckets, `run` reports what was taken here, and learns what was taken on all.
    Until then a user has a bucket on each node: on n nodes up to n bursts at once. What was too
    much is owed, and waited for on each of them: over time it is `rate` on all together.
    """

    def __init__(
        self, clock: Clock, rate: float, burst: float, shared: SharedBuckets | None = None
    ) -> None:
        self._clock = clock
        self._rate, self._burst = rate, burst
        self._buckets = Buckets(rate, burst)
        self._shared = shared if rate else None
        self._taken: dict[int, int] = {}

    def take(self, user_id: int) -> float:
        """0.0 if the user may go on, else the seconds to wait."""
        wait = self._buckets.take(user_id, self._clock.monotonic())
        if not wait and self._shared is not None:
            self._taken[user_id] = self._taken.get(user_id, 0) + 1
        return wait

    async def run(self) -> None:
        """Keep step with the other nodes, until cancelled."""
        while self._shared is not None:
            await asyncio.sleep(EVERY)
            if self._taken:
                await self._report(self._shared)

    async def _report(self, shared: SharedBuckets) -> None:
        taken, self._taken = self._taken, {}
        reported = {f"send:{user_id}": count for user_id, count in taken.items()}
        try:
            left = await shared.owe(reported, self._rate, self._burst)
        except Unavailable:
            return  # it stays between the user and this node
        now = self._clock.monotonic()
        for user_id, tokens in zip(taken, left, strict=True):
            self._buckets.lower(user_id, tokens - self._taken.get(user_id, 0), now)
