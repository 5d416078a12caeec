"""How often somebody may try to sign in or register."""

from hubbub.domain.limits import Buckets
from hubbub.ports import Clock, Unavailable
from hubbub.ports.buckets import SharedBuckets
from hubbub_protocol.codes import Code, Refused


class Throttle:
    """Token buckets for attempts: `per_minute` of each key, with bursts. 0 lets everything pass.

    Where nodes share buckets, an attempt needs a token of both: this node's own go on alone while
    the others cannot be asked, and keep from asking whoever tries too often. `name` is that of the
    buckets, on all nodes.
    """

    def __init__(
        self,
        name: str,
        clock: Clock,
        per_minute: float,
        burst: float,
        shared: SharedBuckets | None = None,
    ) -> None:
        self._name = name
        self._clock = clock
        self._rate, self._burst = per_minute / 60, max(burst, 1)
        self._buckets = Buckets(self._rate, self._burst)
        self._shared = shared

    async def check(self, key: str) -> None:
        """Count an attempt. Raises Refused `rate_limited`."""
        wait = self._buckets.take(key, self._clock.monotonic())
        if not wait and self._shared is not None and self._rate:
            wait = await self._ask(self._shared, key)
        if wait:
            raise Refused(
                Code.RATE_LIMITED, f"Too many attempts; try again in {wait:.0f} s.", round(wait, 1)
            )

    async def _ask(self, shared: SharedBuckets, key: str) -> float:
        try:
            wait = await shared.take(f"{self._name}:{key}", self._rate, self._burst)
        except Unavailable:
            return 0.0
        if wait:
            self._buckets.lower(key, 1 - wait * self._rate, self._clock.monotonic())
        return wait
