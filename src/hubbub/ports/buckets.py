"""Token buckets that several nodes share."""

from collections.abc import Mapping
from typing import Protocol


class SharedBuckets(Protocol):
    """As `domain.limits.Buckets`, of all nodes together: `rate` tokens a second, up to `burst`.

    They may be forgotten at any time, and are full then. All raise Unavailable, within a second;
    cancelling is safe: it may have been taken.
    """

    async def take(self, key: str, rate: float, burst: float) -> float:
        """Take a token: 0.0. Where there is none, the seconds to wait."""
        ...

    async def owe(self, taken: Mapping[str, int], rate: float, burst: float) -> list[float]:
        """Take what was given out already, there or not; how many are left of each, or owed."""
        ...
