"""Shared token buckets, of nodes in one process."""

from collections.abc import Mapping

from hubbub.domain.limits import Buckets
from hubbub.ports import Clock


class MemoryBuckets:
    """`SharedBuckets`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kinds: dict[tuple[float, float], Buckets] = {}

    def _of(self, rate: float, burst: float) -> Buckets:
        return self._kinds.setdefault((rate, burst), Buckets(rate, burst))

    async def take(self, key: str, rate: float, burst: float) -> float:
        """See SharedBuckets."""
        return self._of(rate, burst).take(key, self._clock.monotonic())

    async def owe(self, taken: Mapping[str, int], rate: float, burst: float) -> list[float]:
        """See SharedBuckets."""
        buckets, now = self._of(rate, burst), self._clock.monotonic()
        return [buckets.owe(key, count, now) for key, count in taken.items()]
