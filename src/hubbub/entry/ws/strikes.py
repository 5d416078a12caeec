"""Invalid frames of a connection: a few may be a client's mistake, many are not."""

from typing import Final

MAX_INVALID: Final = 20
"""Invalid frames in a minute; one more closes with 1008."""


class Strikes:
    """Counts one connection's."""

    __slots__ = ("_count", "_since")

    def __init__(self) -> None:
        self._count = 0
        self._since = 0.0

    def are_out(self, now: float) -> bool:
        """One more came, at `now` seconds: whether that is too many."""
        if now - self._since > 60:
            self._count, self._since = 0, now
        self._count += 1
        return self._count > MAX_INVALID
