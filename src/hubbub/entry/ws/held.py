"""Sends that wait because an earlier one names users that have to be looked up."""

from collections.abc import Awaitable, Callable
from typing import Final

from hubbub_protocol.codes import Refused
from hubbub_protocol.frames import Send

MOST: Final = 1_000


class Held:
    """One connection's sends in their order (G3), the one with the names first."""

    __slots__ = ("_sends",)

    def __init__(self, first: Send) -> None:
        self._sends = [first]

    def add(self, send: Send) -> bool:
        """One more waits. False: too many do."""
        self._sends.append(send)
        return len(self._sends) <= MOST

    async def until(
        self, learnt: Awaitable[object], refuse: Callable[[str, Refused], None]
    ) -> list[Send]:
        """Wait for the names; the sends that go on. Without them the first is refused."""
        try:
            await learnt
        except Refused as refusal:
            refuse(self._sends.pop(0).client_id, refusal)
        return self._sends
