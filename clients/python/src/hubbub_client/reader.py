"""Where one log stands: order, duplicates and holes (spec section 5). Pure."""

from enum import Enum
from typing import Final, Generic, TypeVar

BUFFER: Final = 256

F = TypeVar("F")


class Verdict(Enum):
    """What to do with a frame."""

    APPLY = "apply"
    DROP = "drop"  # a duplicate
    WAIT = "wait"  # kept until the hole before it is read
    HOLE = "hole"  # kept too, and the caller is to read the hole


class LogReader(Generic[F]):
    """A log's positions, and its frames that wait while a hole before them is read.

    `place`: where reading goes on; everything changed up to it was seen, except messages that
    changed again later. `held`: everything sent up to it was seen. Both are equal in live; in
    a replay, which is folded and ordered by `rev`, `place` runs ahead: a message with a small
    `seq` may come late, so `held` (and with it `received`) follows when the replay is complete.
    """

    __slots__ = ("_bound", "_buffer", "held", "overflowed", "place", "repairing")

    def __init__(self, place: int, bound: int = BUFFER) -> None:
        self.place = place
        self.held = place
        self.repairing = False
        self.overflowed = False
        self._bound = bound
        self._buffer: list[F] = []

    def offer(self, first: int, last: int, frame: F, live: bool) -> Verdict:
        """Judge a frame that covers `first`..`last`. After APPLY the caller calls `advance`."""
        if self.repairing:
            self._keep(frame)
            return Verdict.WAIT
        if last <= self.place:
            return Verdict.DROP
        if not live or first <= self.place + 1:
            return Verdict.APPLY
        self.repairing = True
        self._keep(frame)
        return Verdict.HOLE

    def advance(self, last: int, complete: bool) -> None:
        """Everything up to `last` is applied; `complete`: no message up to it is still to come."""
        self.place = max(self.place, last)
        if complete:
            self.held = self.place

    def repaired(self) -> list[F]:
        """The log is read completely up to `place`. Gives back what waited, in order."""
        self.held = self.place
        self.repairing = False
        waiting, self._buffer = self._buffer, []
        return waiting

    def lost(self) -> None:
        """The connection is gone: the next one replays from `place`."""
        self.repairing = self.overflowed = False
        self._buffer.clear()

    def _keep(self, frame: F) -> None:
        if len(self._buffer) < self._bound:
            self._buffer.append(frame)
        else:
            self.overflowed = True  # dropped; the caller reads again after this repair
