"""The end of a chat's log, and who is in the chat: enough to show it to each member.

As the store had it at one position, and kept in step by what is told of the chat afterwards. What
cannot be followed is said, so that it is forgotten and asked for again: that is always right.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from hubbub.domain.account import User
from hubbub.domain.amend import moved
from hubbub.domain.chat import Chat, Head, Interval, Member
from hubbub.domain.events import ReceiptEvent
from hubbub.domain.extra import mentions, unpack
from hubbub.domain.message import Row
from hubbub.domain.own import MyChat
from hubbub.domain.reading import COUNTED, Seat, openings, visible
from hubbub.domain.receipt import Cursor
from hubbub.domain.view import ChatView, History, MemberList, MemberView, Replies

TAIL: Final = 64
"""Newest messages of a chat: a page of history, and some."""
MOST_EARLY: Final = 16
"""Positions that came before the one that is next; more than a bus reorders."""
_ROW_COST: Final = 700
_SEAT_COST: Final = 1_200


class Attendance(Struct, frozen=True, array_like=True):
    """A present member: who he is, his earlier stays, where the messages lie that he has hidden
    from himself; `silent`: he tells nobody what he has read.
    """

    user: User
    member: Member
    stays: list[Interval]
    hidden: list[int]
    silent: bool


class Excerpt(Struct, frozen=True, array_like=True):
    """A chat that is not large, as the store has it: its members, and the newest messages.

    `rows` are in order of position, TAIL at most; `whole`: there are no others.
    """

    chat: Chat
    head: Head
    members: list[Attendance]
    rows: list[Row]
    whole: bool


class Beyond(Exception):
    """It is not known: it lies before the messages that are, or something was not heard."""


class RecentChat:
    """An excerpt that is kept in step. Views are those of `ChatReader`."""

    __slots__ = (
        "_early",
        "_whole",
        "behind",
        "chat",
        "cost",
        "doubtful",
        "head",
        "members",
        "rows",
    )

    def __init__(self, excerpt: Excerpt) -> None:
        self.chat = excerpt.chat
        self.head = excerpt.head
        self.members = {each.user.id: each for each in excerpt.members}
        self.rows = list(excerpt.rows)
        self._whole = excerpt.whole
        self._early: dict[int, Row] = {}
        self.doubtful: set[int] = set()
        """Members whose own logs may have told of something that was not heard."""
        self.behind = False
        """There may be messages of which nobody was told, since nobody knows whether they are."""
        self.cost = _SEAT_COST * len(self.members) + sum(map(_cost, self.rows))
        """Bytes that it takes, about."""

    @property
    def has_hole(self) -> bool:
        """Whether a position is missing that others came after."""
        return bool(self._early)

    @property
    def is_stale(self) -> bool:
        """Whether it is to be read again, when that can be."""
        return self.behind or bool(self.doubtful)

    @property
    def ids(self) -> Iterator[int]:
        """Of the messages that are known."""
        return (row.id for row in self.rows)

    # ── keeping step ──

    def follow(self, row: Row) -> bool:
        """The log has a new position, or had it already. False: it cannot be followed."""
        if row.rev > self.head.seq + 1:
            self._early[row.rev] = row
            return len(self._early) <= MOST_EARLY
        following: Row | None = row
        while following is not None and following.rev == self.head.seq + 1:
            if not self._take(following):
                return False
            following = self._early.pop(self.head.seq + 1, None)
        return True

    def _take(self, row: Row) -> bool:
        if row.rev != row.seq:
            self.head = moved(self.head, row)
            index = bisect_left(self.rows, row.seq, key=_seq)
            if index < len(self.rows) and self.rows[index].seq == row.seq:
                self.cost += _cost(row) - _cost(self.rows[index])
                self.rows[index] = row
            return True
        if row.type == "system" or row.sender_id not in self.members:
            return False  # who is in the chat, and what it is, the store says
        mentioned = row.seq if unpack(row.extra).mentioned else self.head.mentioned
        self.head = Head(row.seq, row.number, row.at, mentioned)
        self.rows.append(row)
        self.cost += _cost(row)
        if len(self.rows) > TAIL:
            self._whole = False
            self.cost -= _cost(self.rows.pop(0))
        self._move(row.sender_id, row.seq, row.seq)
        return True

    def passed(self, receipt: ReceiptEvent) -> None:
        """A member has received messages, or read them."""
        self._move(receipt.member_id, receipt.seq, receipt.seq if receipt.read else 0)

    def told(self, mine: MyChat) -> bool:
        """A member's own log speaks of the chat. False: it cannot be followed."""
        attendance = self.members.get(mine.user_id)
        if attendance is None:
            return False
        member = attendance.member
        if mine.rev <= member.me_rev:
            return True
        if (mine.present, mine.since, mine.role) != (True, member.since, member.role):
            return False
        self._set(attendance, me_rev=mine.rev, muted_until=mine.muted_until)
        self._move(mine.user_id, mine.read, mine.read)
        return True

    def hide(self, user_id: int, seq: int) -> None:
        """A member has hidden a message from himself."""
        attendance = self.members.get(user_id)
        if attendance is not None and seq not in attendance.hidden:
            insort(attendance.hidden, seq)

    def hush(self, user_id: int, silent: bool) -> None:
        """A member tells nobody what he has read, or does again."""
        if user_id in self.members:
            self.members[user_id] = replace(self.members[user_id], silent=silent)

    def _move(self, user_id: int, delivered: int, read: int) -> None:
        attendance = self.members.get(user_id)
        if attendance is None:
            return
        member = attendance.member
        if read > member.read:
            index = bisect_right(self.rows, read, key=_seq)
            number = self.rows[index - 1].number if index else 0
            self._set(attendance, read=read, read_number=max(number, member.read_number))
        if delivered > member.delivered:
            self._set(self.members[user_id], delivered=delivered)

    def _set(self, attendance: Attendance, **fields: int) -> None:
        member = replace(attendance.member, **fields)
        self.members[member.user_id] = replace(attendance, member=member)

    # ── views ──

    def seat(self, user_id: int) -> Seat | None:
        """A member's place; None: he is not one. Raises Beyond where it is not known."""
        if self._early or user_id in self.doubtful:
            raise Beyond
        his = self.members.get(user_id)
        if his is None:
            return None
        stays = [*his.stays, Interval(his.member.since)]
        hidden = sum(seq > his.member.read for seq in his.hidden)
        seen = openings(self.chat, stays, his.hidden)
        return Seat(self.chat, self.head, his.member, seen, his.silent, hidden)

    def view(self, seat: Seat) -> ChatView:
        """`ChatReader.chat`. Raises Beyond where his newest message is not known."""
        seen = self._seen(seat)
        if not seen and not self._has_all(seat):
            raise Beyond
        peer = None
        if self.chat.type == "direct":
            others = (each.user for each in self.members.values())
            peer = next((user for user in others if user.id != seat.member.user_id), None)
        facts = (self.chat, self.head, seat.member, self._others(seat), peer)
        return ChatView(
            *facts, seen[-1] if seen else None, _unread_mentions(seat, seen), seat.hidden
        )

    def page(self, seat: Seat, direction: str, anchor: int, limit: int) -> History | None:
        """`ChatReader.history`. Raises Beyond where none of it is known."""
        seen = self._seen(seat)
        index = len(seen)
        has_all = self._has_all(seat)
        if anchor:
            places = [place for place, row in enumerate(seen) if row.id == anchor]
            if not places and has_all:
                return None
            if not places:
                raise Beyond
            index = places[0]
        start, end = _bounds(direction, index, len(seen), limit)
        if direction != "after" and start == end and not has_all:
            raise Beyond
        has_more = end < len(seen) if direction == "after" else start > 0 or not has_all
        rows = seen[start:end][::-1]
        replies = {row.id: found for row in rows if (found := _replies(row, seen)) is not None}
        return History(rows, has_more, self._others(seat), seat.own, replies)

    def people(self, seat: Seat, after: int, limit: int) -> MemberList:
        """`ChatReader.members`; the last message that one has read only where it is known."""
        ids = {row.seq: row.id for row in self._seen(seat)}
        found = sorted(user_id for user_id in self.members if user_id > after)
        views = []
        for user_id in found[:limit]:
            his = self.members[user_id]
            view = MemberView(his.user, his.member, ids.get(self._at(his.member.read), 0))
            hides = user_id != seat.member.user_id and (seat.silent or his.silent)
            views.append(view.unread if hides else view)
        return MemberList(views, len(found) > limit)

    def _at(self, position: int) -> int:
        """Where the newest message up to a position lies; 0: not here."""
        index = bisect_right(self.rows, position, key=_seq)
        return self.rows[index - 1].seq if index else 0

    def _seen(self, seat: Seat) -> list[Row]:
        return [row for row in self.rows if visible(row, seat.openings)]

    def _has_all(self, seat: Seat) -> bool:
        """Whether nothing that he may see lies before what is known."""
        first = seat.openings[0].since if seat.openings else self.head.seq + 1
        return self._whole or (bool(self.rows) and self.rows[0].seq <= first)

    def _others(self, seat: Seat) -> Cursor:
        others = [his for user, his in self.members.items() if user != seat.member.user_id]
        delivered = min((his.member.delivered for his in others), default=0)
        if seat.silent:
            return Cursor(delivered, 0)
        read = (0 if his.silent else his.member.read for his in others)
        return Cursor(delivered, min(read, default=0))


def _seq(row: Row) -> int:
    return row.seq


def _cost(row: Row) -> int:
    return _ROW_COST + len(row.content) * 2 + len(row.media) + len(row.extra) + len(row.reactions)


def _bounds(direction: str, index: int, count: int, limit: int) -> tuple[int, int]:
    """From where up to where, of so many messages, beside the one at `index`."""
    if direction == "before":
        return max(0, index - limit), index
    if direction == "after":
        return index + 1, min(count, index + 1 + limit)
    newer = min(count - index - 1, max(limit // 2, limit - index - 1))
    return max(0, index + 1 + newer - limit), index + 1 + newer


def _replies(root: Row, seen: list[Row]) -> Replies | None:
    """All are newer than what they answer, so that they are known where it is."""
    rows = [row for row in seen if row.thread_id == root.id]
    return Replies(min(COUNTED, len(rows)), rows[-1].seq, rows[-1].at) if rows else None


def _unread_mentions(seat: Seat, seen: list[Row]) -> int:
    """Of the messages that are known."""
    user_id, read = seat.member.user_id, seat.member.read
    return sum(
        row.seq > read
        and mentions(row.extra, user_id)
        and (row.sender_id != user_id or unpack(row.extra).mention_all)
        for row in seen
    )
