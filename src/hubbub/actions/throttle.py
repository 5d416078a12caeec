"""How often somebody may try to sign in or register."""

from hubbub.domain.limits import Buckets
from hubbub.ports import Clock
from hubbub_protocol.codes import Code, Refused


class Throttle:
    """Token buckets for attempts: `per_minute` of each key, with bursts. 0 lets everything pass."""

    def __init__(self, clock: Clock, per_minute: float, burst: float) -> None:
        self._clock = clock
        self._buckets = Buckets(per_minute / 60, max(burst, 1))

    def check(self, key: object) -> None:
        """Count an attempt. Raises Refused `rate_limited`."""
        wait = self._buckets.take(key, self._clock.monotonic())
        if wait:
            raise Refused(
                Code.RATE_LIMITED, f"Too many attempts; try again in {wait:.0f} s.", round(wait, 1)
            )
