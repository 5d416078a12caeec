"""Keeps one sender's order when sends were refused for a while (G3).

After a retryable refusal, later sends of that connection to that chat are refused too, until
the refused one returns or five seconds pass. Those are waited for in turn as well: what was
refused comes back in the order in which it was sent first. Earlier sends, which may still be in
the queue when a later one finds it full, pass. `order` grows with every send (drafts' ids do).
"""

from bisect import insort
from collections.abc import Hashable, Sequence
from typing import Final

HOLD_SECONDS: Final = 5.0
MOST: Final = 100
"""Chats that one connection may have closed, and refused sends that one chat waits for. What is
refused beyond that is not waited for."""

Names = Sequence[Hashable]
"""By what a send's chat is known: its id, its key, both. One that matches is enough."""
Refusal = tuple[int, bytes | None, float]
"""The order of a refused send, its client_id, and until when it is waited for."""


class SendGate:
    """One connection's refused sends, by chat. Times are seconds of any clock."""

    __slots__ = ("_returned", "refused")

    def __init__(self) -> None:
        self.refused: dict[Hashable, list[Refusal]] = {}
        """What is waited for, by chat; while it is empty `wait` says 0.0."""
        self._returned: dict[bytes, int] = {}

    def close(self, names: Names, client_id: bytes | None, order: int, now: float) -> None:
        """This send was refused: what follows it to the same chat must wait for it."""
        if client_id is not None:  # one that had returned keeps its turn
            order = self._returned.pop(client_id, order)
        for name in names:
            refused = self.refused.get(name)
            if refused is None:
                if len(self.refused) >= MOST:
                    continue
                refused = self.refused[name] = []
            for index, (first_order, other, _) in enumerate(refused):
                if other is not None and other == client_id:
                    refused[index] = (first_order, other, now + HOLD_SECONDS)
                    break
            else:
                if len(refused) < MOST:
                    entry = (order, client_id, now + HOLD_SECONDS)
                    insort(refused, entry, key=lambda refusal: refusal[0])

    def wait(self, names: Names, client_id: bytes | None, order: int, now: float) -> float:
        """0.0 if this send may pass, else seconds. One that passes is waited for no more."""
        if not self.refused:
            return 0.0
        for name in names:
            self._expire(name, now)
        if client_id is not None:
            order = self._returned.get(client_id, order)
        seconds = max([self._wait(name, client_id, order, now) for name in names], default=0.0)
        if not seconds and client_id is not None:
            self._pass(names, client_id)
        return seconds

    def _wait(self, name: Hashable, client_id: bytes | None, order: int, now: float) -> float:
        refused = self.refused.get(name)
        if refused is None:
            return 0.0
        first_order, first, until = refused[0]
        if order < first_order or (client_id is not None and client_id == first):
            return 0.0
        return until - now

    def _expire(self, name: Hashable, now: float) -> None:
        """Wait no longer; one that comes late still goes before what was sent after it."""
        refused = self.refused.get(name)
        if refused is None:
            return
        while refused and refused[0][2] <= now:
            self._remember(refused.pop(0))
        if not refused:
            del self.refused[name]

    def _pass(self, names: Names, client_id: bytes) -> None:
        for name in names:
            refused = self.refused.get(name, [])
            if refused and refused[0][1] == client_id:
                self._remember(refused.pop(0))
                if not refused:
                    del self.refused[name]

    def _remember(self, refusal: Refusal) -> None:
        order, client_id, _ = refusal
        if client_id is not None:
            self._returned[client_id] = order
            if len(self._returned) > MOST:
                del self._returned[next(iter(self._returned))]
