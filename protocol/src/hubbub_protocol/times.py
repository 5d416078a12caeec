"""Times on the wire: RFC 3339, UTC, milliseconds, `Z`."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=64)
def _second(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")


@lru_cache(maxsize=1024)
def rfc3339(ms: int) -> str:
    """Unix milliseconds as text, for instance `2026-02-01T10:00:00.000Z`."""
    seconds, rest = divmod(ms, 1000)
    return f"{_second(seconds)}.{rest:03d}Z"


def unix_ms(value: str) -> int:
    """The reverse of `rfc3339`. Raises ValueError."""
    when = datetime.fromisoformat(value)
    if when.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone; end it with Z")
    return (when - _EPOCH) // timedelta(milliseconds=1)
