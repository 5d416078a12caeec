"""Keeps one sender's order when a send was refused for a while (G3).

After a retryable refusal, later sends of that connection to that chat are refused too, until
the refused one returns or five seconds pass.
"""

from collections.abc import Hashable
from typing import Final

HOLD_SECONDS: Final = 5.0
MOST: Final = 100
"""Chats that one connection may have closed; beyond, all its sends wait for the oldest."""


class SendGate:
    """One connection's closed chats. Times are seconds of any clock."""

    __slots__ = ("_closed",)

    def __init__(self) -> None:
        self._closed: dict[Hashable, tuple[bytes | None, float]] = {}

    def close(self, target: Hashable, client_id: bytes | None, now: float) -> None:
        """This send was refused: what follows it to the same target must wait for it."""
        if target not in self._closed and len(self._closed) < MOST:
            self._closed[target] = (client_id, now + HOLD_SECONDS)

    def wait(self, target: Hashable, client_id: bytes | None, now: float) -> float:
        """0.0 if this send may pass (the gate then opens, if it was the one), else seconds."""
        held = self._closed.get(target)
        if held is None:
            return 0.0
        first, until = held
        if now >= until or (client_id is not None and client_id == first):
            del self._closed[target]
            return 0.0
        return until - now
