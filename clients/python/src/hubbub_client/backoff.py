"""When to try again: exponential backoff with full jitter."""

from random import Random
from typing import Final

BASE: Final = 0.5  # seconds
CAP: Final = 30.0


class Backoff:
    """Delays drawn evenly from 0 to min(cap, base * 2^n), n counting the failures in a row.

    Even draws spread a crowd best that lost its server at one moment.
    """

    __slots__ = ("_base", "_cap", "_random", "failures")

    def __init__(self, random: Random, base: float = BASE, cap: float = CAP) -> None:
        self._random = random
        self._base = base
        self._cap = cap
        self.failures = 0

    def delay(self, at_least: float | None = None) -> float:
        """Seconds until the next try; counts a failure.

        `at_least`: the other side's `retry_after`, to which the jitter is then added.
        """
        # The exponent is bounded, since 2.0**1100 overflows after a week offline.
        ceiling = min(self._cap, self._base * 2.0 ** min(self.failures, 32))
        self.failures += 1
        if at_least is None:
            return self._random.uniform(0, ceiling)
        return at_least + self._random.uniform(0, min(ceiling, max(at_least, self._base)))

    def reset(self) -> None:
        """It worked: begin from `base` next time."""
        self.failures = 0
