"""Frames that wait because an earlier one names users that have to be looked up."""

from collections.abc import Awaitable, Callable
from typing import Final

from hubbub_protocol.codes import Refused
from hubbub_protocol.frames import ChangeFrame, Send

MOST: Final = 1_000


class Held:
    """One connection's sends and changes in their order (G3), the one with the names first."""

    __slots__ = ("_frames",)

    def __init__(self, first: Send | ChangeFrame) -> None:
        self._frames = [first]

    def add(self, frame: Send | ChangeFrame) -> bool:
        """One more waits. False: too many do."""
        self._frames.append(frame)
        return len(self._frames) <= MOST

    async def until(
        self, learnt: Awaitable[object], refuse: Callable[[str | None, Refused], None]
    ) -> list[Send | ChangeFrame]:
        """Wait for the names; the frames that go on. Without them the first is refused."""
        try:
            await learnt
        except Refused as refusal:
            refuse(ref_of(self._frames.pop(0)), refusal)
        return self._frames


def ref_of(frame: Send | ChangeFrame) -> str | None:
    """By what its answer names it."""
    return frame.client_id if isinstance(frame, Send) else frame.ref
