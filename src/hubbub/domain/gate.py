"""Keeps one sender's order when a send was refused for a while (G3).

After a retryable refusal, later sends of that connection to that chat are refused too, until
the refused one returns or five seconds pass. Earlier ones, which may still wait in the queue
when a later one finds it full, are not. `order` grows with every send (the drafts' ids do).
"""

from collections.abc import Hashable, Sequence
from typing import Final

HOLD_SECONDS: Final = 5.0
MOST: Final = 100
"""Chats that one connection may have closed; beyond, all its sends wait for the oldest."""

Names = Sequence[Hashable]
"""By what a send's chat is known: its id, its key, both. One that matches is enough."""


class SendGate:
    """One connection's closed chats. Times are seconds of any clock."""

    __slots__ = ("_closed",)

    def __init__(self) -> None:
        self._closed: dict[Hashable, tuple[int, bytes | None, float]] = {}

    def close(self, names: Names, client_id: bytes | None, order: int, now: float) -> None:
        """This send was refused: what follows it to the same chat must wait for it."""
        for name in names:
            held = self._closed.get(name)
            if order < held[0] if held is not None else len(self._closed) < MOST:
                self._closed[name] = (order, client_id, now + HOLD_SECONDS)

    def wait(self, names: Names, client_id: bytes | None, order: int, now: float) -> float:
        """0.0 if this send may pass (the gate then opens, if it was the one), else seconds."""
        return max([self._wait(name, client_id, order, now) for name in names], default=0.0)

    def _wait(self, name: Hashable, client_id: bytes | None, order: int, now: float) -> float:
        held = self._closed.get(name)
        if held is None or order < held[0]:
            return 0.0
        _, first, until = held
        if now >= until or (client_id is not None and client_id == first):
            del self._closed[name]
            return 0.0
        return until - now
