"""Limits that the edge enforces (spec section 7), and the token bucket behind the rates."""

import re
from typing import Final

from msgspec import Struct

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class MessageLimits(Struct, frozen=True):
    """Bounds of one message and of one sender. 0 switches a limit off."""

    content_bytes: int = 16 * 1024
    media: int = 10
    recipients: int = 256
    group_members: int = 100_000
    messages_per_second: float = 30
    message_burst: int = 60


def client_uuid(value: str) -> bytes | None:
    """The 16 bytes of a UUID in its 36-character form, else None."""
    if len(value) == 36 and _UUID.fullmatch(value):
        return bytes.fromhex(value.replace("-", ""))
    return None


class Bucket:
    """A token bucket: `rate` a second, up to `burst` at once. Times are seconds of any clock."""

    __slots__ = ("_tokens", "_when")

    def __init__(self, burst: float, now: float) -> None:
        self._tokens = burst
        self._when = now

    def take(self, now: float, rate: float, burst: float) -> float:
        """Take one token: 0.0 if there was one, else the seconds until there will be."""
        self._tokens = min(burst, self._tokens + (now - self._when) * rate)
        self._when = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / rate


class Buckets:
    """One bucket a key, at most `most` of them: the one refilled longest goes first."""

    def __init__(self, rate: float, burst: float, most: int = 100_000) -> None:
        self._rate, self._burst, self._most = rate, burst, most
        self._buckets: dict[object, Bucket] = {}

    def take(self, key: object, now: float) -> float:
        """0.0 if `key` may go on, else the seconds to wait. A rate of 0 never refuses."""
        if not self._rate:
            return 0.0
        bucket = self._buckets.pop(key, None) or Bucket(self._burst, now)
        self._buckets[key] = bucket  # most recently used last
        if len(self._buckets) > self._most:
            del self._buckets[next(iter(self._buckets))]
        return bucket.take(now, self._rate, self._burst)
