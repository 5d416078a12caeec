"""Messages that one connection says to have read, each looked up: one after the other.

So however many come at once, they are one of the tasks that all connections share.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from hubbub.domain.account import Principal
from hubbub.entry.ws.parts import SessionParts
from hubbub_protocol.codes import Code, Refused

MOST: Final = 1_000


class Reads:
    """One connection's. `refuse`: of a message that there is not."""

    __slots__ = ("_ids", "_parts", "_refuse")

    def __init__(self, parts: SessionParts, refuse: Callable[[Refused], None]) -> None:
        self._parts = parts
        self._refuse = refuse
        self._ids: deque[str] = deque()

    def add(self, principal: Principal, message_id: str) -> None:
        """One more, in its turn. Raises Refused `overloaded`."""
        ids = self._ids
        ids.append(message_id)
        if len(ids) > MOST or (len(ids) == 1 and not self._parts.spawn(self._work(principal))):
            ids.pop()
            raise Refused(Code.OVERLOADED, "Too much at once; try again a little later.", 1.0)

    def end(self) -> None:
        """The connection is closed: those that wait are forgotten."""
        self._ids.clear()

    async def _work(self, principal: Principal) -> None:
        try:
            while self._ids:
                await self._one(principal, self._ids[0])
                if self._ids:
                    self._ids.popleft()
        finally:
            self._ids.clear()

    async def _one(self, principal: Principal, message_id: str) -> None:
        try:
            await self._parts.read_message(principal, message_id)
        except Refused as refusal:
            self._refuse(refusal)
