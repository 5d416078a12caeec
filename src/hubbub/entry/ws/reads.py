"""Messages that one connection says to have read, each looked up: one after the other.

So however many come at once, they are one of the tasks that all connections share.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

MOST: Final = 1_000


class Reads:
    """One connection's. `spawn` runs beside, False: too much does; `read` looks one up."""

    __slots__ = ("_ids", "_read", "_spawn")

    def __init__(
        self,
        spawn: Callable[[Coroutine[Any, Any, object]], bool],
        read: Callable[[str], Awaitable[None]],
    ) -> None:
        self._spawn = spawn
        self._read = read
        self._ids: deque[str] = deque()

    def add(self, message_id: str) -> bool:
        """One more, in its turn. False: too many wait."""
        if len(self._ids) >= MOST:
            return False
        self._ids.append(message_id)
        if len(self._ids) > 1 or self._spawn(self._work()):
            return True
        self._ids.clear()
        return False

    async def _work(self) -> None:
        try:
            while self._ids:
                await self._read(self._ids[0])
                self._ids.popleft()
        finally:
            self._ids.clear()
