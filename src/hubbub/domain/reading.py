"""How a log is read: who may see what, and how a replay is folded and bounded (spec section 5)."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from hubbub.domain.chat import Chat, Head, Interval, Member
from hubbub.domain.message import Row
from hubbub.domain.receipt import Cursor

PAGE: Final = 200
"""Most messages or events a page."""
COUNTED: Final = 1_000
"""Most unread mentions of a chat and replies to a message that are counted."""


class ReplayBounds(Struct, frozen=True, array_like=True):
    """What is pushed of a replay: events younger than `age_ms`, the newest per chat, per resume."""

    age_ms: int = 24 * 3600 * 1000
    per_chat: int = 1000
    per_resume: int = 20_000


class Log(Struct, frozen=True, array_like=True):
    """One chat's log after a place: folded rows in order of `rev`, complete up to `position`.

    `gap` = (from, to), inclusive: older positions that are not in `rows`. `members`: who is in
    the chat now, for messages to name their recipients; empty above NAMED, or without rows.
    `since`: where the reader's present stay begins; 0 where nobody reads it.
    """

    chat_id: int
    rows: list[Row]
    position: int
    gap: tuple[int, int] | None = None
    has_more: bool = False
    members: tuple[int, ...] = ()
    since: int = 0


class Seat(Struct, frozen=True):
    """A present member's place in a chat, and the positions that he may see, oldest first.

    `silent`: he is not told what others have read. `hidden`: how many of his unread messages he has
    hidden from himself.
    """

    chat: Chat
    head: Head
    member: Member
    openings: list[Interval]
    silent: bool
    hidden: int

    @property
    def own(self) -> Cursor:
        """How far he is himself."""
        return Cursor(self.member.delivered, self.member.read)

    def same_log(self, other: "Seat") -> bool:
        """Whether what he sees of it is the same, wherever each was read."""
        return self.head == other.head and self.openings == other.openings


def visible(row: Row, intervals: Sequence[Interval]) -> bool:
    """G6: the event's own position and the message it concerns lie in stays of the reader."""
    return sees(row.seq, row.rev, intervals)


def sees(seq: int, rev: int, intervals: Sequence[Interval]) -> bool:
    """The same, of a message that was sent at `seq` and changed last at `rev`."""
    return is_open(seq, intervals) and (rev == seq or is_open(rev, intervals))


def is_open(position: int, intervals: Sequence[Interval]) -> bool:
    """Whether one of the intervals, which are in order, holds the position."""
    index = bisect_right(intervals, position, key=_since) if len(intervals) > 1 else len(intervals)
    return index > 0 and intervals[index - 1].holds(position)


def openings(chat: Chat, stays: Sequence[Interval], hidden: Sequence[int] = ()) -> list[Interval]:
    """The positions that a reader with these stays may see; none once he has left.

    `hidden`: where the messages lie that he has hidden from himself, in order. Such a message is
    not seen whatever becomes of it, since a position belongs to one message.
    """
    if not stays or stays[-1].left is not None:
        return []
    seen = [Interval(1)] if chat.history == "all" else list(stays)
    return [part for stay in seen for part in _around(stay, hidden)] if hidden else seen


def _around(stay: Interval, hidden: Sequence[int]) -> list[Interval]:
    """The parts of a stay between what is hidden; the first begins with the stay, be it empty."""
    parts: list[Interval] = []
    start, end = stay.since, stay.left
    last = len(hidden) if end is None else bisect_left(hidden, end)
    for position in hidden[bisect_left(hidden, start) : last]:
        if start < position or position == stay.since:
            parts.append(Interval(start, position))
        start = position + 1
    if end is None or start < end:
        parts.append(Interval(start, end))
    return parts


def _since(interval: Interval) -> int:
    return interval.since


def bound(
    chat_id: int, rows: Sequence[Row], place: int, head: int, oldest_ms: int, most: int
) -> Log:
    """A replay's part of one chat: of `rows` (ascending rev) the newest `most` that are young.

    Whatever is cut off is named by the gap, from the reader's place up to the first row kept.
    """
    start = max(0, len(rows) - most)
    while start < len(rows) and (rows[start].changed_at or rows[start].at) < oldest_ms:
        start += 1
    kept = list(rows[start:])
    gap = None
    if start:
        gap = (place + 1, kept[0].rev - 1 if kept else head)
    return Log(chat_id, kept, head, gap)
