"""Limits that the edge enforces (spec section 7), and the token bucket behind the rates."""

from msgspec import Struct


class MessageLimits(Struct, frozen=True):
    """Bounds of one message and of one sender. 0 switches a limit off."""

    content_bytes: int = 16 * 1024
    media: int = 10
    recipients: int = 256
    mentions: int = 50
    group_members: int = 100_000
    messages_per_second: float = 30
    message_burst: int = 60
    edit_hours: float = 48


class IngestLimits(Struct, frozen=True):
    """Bounds: what waits, and what one commit takes."""

    queue: int = 10_000
    batch: int = 1_000


def client_uuid(value: str) -> bytes | None:
    """The 16 bytes of a UUID in its 36-character form, else None."""
    if len(value) != 36 or not value[8] == value[13] == value[18] == value[23] == "-":
        return None
    try:
        number = bytes.fromhex(value.replace("-", ""))
    except ValueError:
        return None
    return number if len(number) == 16 else None  # it passes over spaces


class Buckets:
    """Token buckets, one a key: `rate` tokens a second, up to `burst` at once.

    At most `most` of them: the one refilled longest goes first. Times are seconds of any clock.
    """

    def __init__(self, rate: float, burst: float, most: int = 100_000) -> None:
        self._rate, self._burst, self._most = rate, burst, most
        self._buckets: dict[object, tuple[float, float]] = {}  # tokens, and when they were counted

    def take(self, key: object, now: float) -> float:
        """0.0 if `key` may go on, else the seconds to wait. A rate of 0 never refuses."""
        if not self._rate:
            return 0.0
        tokens = self._counted(key, now)
        wait = 0.0 if tokens >= 1 else (1 - tokens) / self._rate
        self._keep(key, tokens if wait else tokens - 1, now)
        return wait

    def owe(self, key: object, count: int, now: float) -> float:
        """Take so many, there or not; how many are left then, below 0 where they are owed."""
        tokens = self._counted(key, now) - count
        self._keep(key, tokens, now)
        return tokens

    def lower(self, key: object, most: float, now: float) -> None:
        """There are no more than so many."""
        self._keep(key, min(self._counted(key, now), most), now)

    def _counted(self, key: object, now: float) -> float:
        tokens, when = self._buckets.pop(key, (self._burst, now))
        return min(self._burst, tokens + (now - when) * self._rate)

    def _keep(self, key: object, tokens: float, now: float) -> None:
        self._buckets[key] = (tokens, now)  # most recently used last
        if len(self._buckets) > self._most:
            del self._buckets[next(iter(self._buckets))]
