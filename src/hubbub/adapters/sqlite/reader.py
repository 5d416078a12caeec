"""Views of chats for one user, read from a connection of their own.

Everything goes through a `Seat` (G6). Every query follows an index: the cost of a page is the
page's, not the chat's. Three reads cost more, and are the only ones: the list of chats follows
the user's chats, receipts count the members of the chat, and the cursors of others are read in
chats that are not large.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import cast

import apsw

from hubbub.adapters.sqlite.database import snapshot
from hubbub.adapters.sqlite.mentions import unread_mentions
from hubbub.adapters.sqlite.own import own_log
from hubbub.adapters.sqlite.passing import cursor_states, receipt_counts, recipient_views
from hubbub.adapters.sqlite.reactions import reaction_list
from hubbub.adapters.sqlite.relations import SILENT
from hubbub.adapters.sqlite.rows import ROW
from hubbub.adapters.sqlite.seats import END, MEMBER, Seats
from hubbub.adapters.sqlite.threads import replies_to
from hubbub.domain.account import User
from hubbub.domain.chat import LARGE, Member
from hubbub.domain.message import Row, Version
from hubbub.domain.own import MeEvent
from hubbub.domain.reading import Seat, is_open, sees, visible
from hubbub.domain.view import (
    ChatList,
    ChatView,
    History,
    MemberList,
    MemberView,
    MessageView,
    ReactionList,
    ReceiptList,
    Versions,
)
from hubbub.ports import CursorState

USER = "u.id, u.username, u.display_name, '', u.is_admin, u.created_at"

PEER = (
    f"SELECT {USER} FROM members m JOIN users u ON u.id = m.user_id"
    " WHERE m.chat_id = ? AND m.user_id <> ?"
)
CHATS = (
    "SELECT c.at, c.id FROM members m CROSS JOIN chats c ON c.id = m.chat_id"
    " WHERE m.user_id = ? AND m.left IS NULL AND (c.at, c.id) < (?, ?)"
    " ORDER BY c.at DESC, c.id DESC LIMIT ?"
)
MEMBERS = (
    f"SELECT {USER}, {MEMBER}, {SILENT.format('m.user_id')}"
    " FROM members m CROSS JOIN users u ON u.id = m.user_id"
    " WHERE m.chat_id = ? AND m.user_id > ? AND m.left IS NULL ORDER BY m.user_id LIMIT ?"
)
AT_CURSOR = (
    "SELECT id, seq, rev FROM messages WHERE chat_id = ? AND seq <= ? ORDER BY seq DESC LIMIT 1"
)
OLDER = f"SELECT {ROW} FROM messages WHERE chat_id = ? AND seq >= ? AND seq < ? ORDER BY seq DESC"
NEWER = f"SELECT {ROW} FROM messages WHERE chat_id = ? AND seq >= ? AND seq < ? ORDER BY seq"

VERSIONS = "SELECT rev, at, content, media, extra FROM edits WHERE message_id = ? ORDER BY rev DESC"
PINNED = f"SELECT {ROW} FROM messages WHERE chat_id = ? AND pinned <> 0 ORDER BY pinned DESC"


class SqliteReader:
    """ChatReader, MessageReader and OwnLog on one connection, synchronous.

    Each call sees one state of the database. It must not be called inside a transaction.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self._db = connection
        self._seats = Seats(connection)

    def chat(self, user_id: int, chat_id: int) -> ChatView | None:
        """One chat."""
        with snapshot(self._db):
            seat = self._seats.seat(user_id, chat_id)
            return None if seat is None else self._view(seat)

    def chats(self, user_id: int, before: tuple[int, int] | None, limit: int) -> ChatList:
        """His chats by last activity, those after the cursor `before`."""
        with snapshot(self._db):
            at, chat_id = before or (END, END)
            rows = self._db.execute(CHATS, (user_id, at, chat_id, limit + 1)).fetchall()
            found = cast(list[tuple[int, int]], rows)
            seats = (self._seats.seat(user_id, chat_id) for _, chat_id in found[:limit])
            views = [self._view(seat) for seat in seats if seat is not None]
        has_more = len(found) > limit
        return ChatList(views, has_more, found[limit - 1] if has_more else None)

    def members(self, user_id: int, chat_id: int, after: int, limit: int) -> MemberList | None:
        """Present members with ids above `after`."""
        with snapshot(self._db):
            seat = self._seats.seat(user_id, chat_id)
            if seat is None:
                return None
            found = self._db.execute(MEMBERS, (chat_id, after, limit + 1)).fetchall()
            views = [self._member(seat, row) for row in found[:limit]]
        return MemberList(views, len(found) > limit)

    def history(
        self, user_id: int, chat_id: int, direction: str, anchor: int, limit: int
    ) -> History | None:
        """Messages `before`, `after` or `around` the message `anchor` (0: the newest)."""
        with snapshot(self._db):
            seat = self._seats.seat(user_id, chat_id)
            if seat is None:
                return None
            at = END
            if anchor:
                row = self._seats.message_in(seat, anchor)
                if row is None:
                    return None
                at = row.seq
            rows, has_more = self._page(seat, direction, at, limit)
            replies = replies_to(self._db, [row.id for row in rows], seat.openings)
            return History(rows, has_more, self._seats.others(seat), seat.own, replies)

    def message(self, user_id: int, message_id: int) -> MessageView | None:
        """One message."""
        with snapshot(self._db):
            found = self._seats.find(user_id, message_id)
            if found is None:
                return None
            seat, row = found
            replies = replies_to(self._db, [row.id], seat.openings).get(row.id)
            return MessageView(row, self._seats.others(seat), seat.own, replies)

    def versions(self, user_id: int, message_id: int) -> Versions | None:
        """A message and what it said before it was edited."""
        with snapshot(self._db):
            found = self._seats.find(user_id, message_id)
            if found is None:
                return None
            seat, row = found
            stored = (Version(*each) for each in self._db.execute(VERSIONS, (row.id,)))
            earlier = [each for each in stored if is_open(each.rev, seat.openings)]
        return Versions(row, seat.chat, seat.member.role, earlier)

    def pins(self, user_id: int, chat_id: int) -> History | None:
        """The pinned messages of a chat, those pinned last first."""
        with snapshot(self._db):
            seat = self._seats.seat(user_id, chat_id)
            if seat is None:
                return None
            stored = (Row(*each) for each in self._db.execute(PINNED, (chat_id,)))
            rows = [row for row in stored if visible(row, seat.openings)]
            replies = replies_to(self._db, [row.id for row in rows], seat.openings)
            return History(rows, False, self._seats.others(seat), seat.own, replies)

    def reactions(
        self, user_id: int, message_id: int, after: int, limit: int
    ) -> ReactionList | None:
        """Who has reacted to a message, users with ids above `after`."""
        with snapshot(self._db):
            if self._seats.find(user_id, message_id) is None:
                return None
            return reaction_list(self._db, user_id, message_id, after, limit)

    def receipts(self, user_id: int, message_id: int, after: int, limit: int) -> ReceiptList | None:
        """Who passed the message, recipients with ids above `after`."""
        with snapshot(self._db):
            found = self._seats.find(user_id, message_id)
            if found is None:
                return None
            seat, row = found
            recipients, delivered, read = receipt_counts(self._db, row)
            page = recipient_views(self._db, row, after, limit + 1)
        if seat.silent:
            read, page = 0, [view.unread for view in page]
        return ReceiptList(recipients, delivered, read, page[:limit], len(page) > limit)

    def cursors(self, user_id: int, chat_ids: Sequence[int]) -> list[CursorState]:
        """The other members' cursors in those of his chats that are not large."""
        states: list[CursorState] = []
        with snapshot(self._db):
            for chat_id in dict.fromkeys(chat_ids):
                seat = self._seats.seat(user_id, chat_id)
                if seat is not None and seat.chat.size <= LARGE:
                    found = cursor_states(self._db, user_id, chat_id, seat.head.seq)
                    states += [state.unread for state in found] if seat.silent else found
        return states

    def me(self, user_id: int, after: int, limit: int) -> tuple[list[MeEvent], int]:
        """Folded events of his own log, and up to where they are complete."""
        with snapshot(self._db):
            return own_log(self._db, user_id, after, limit)

    # ── what the views are made of ──

    def _view(self, seat: Seat) -> ChatView:
        peer = None
        if seat.chat.type == "direct":
            row = self._db.execute(PEER, (seat.chat.id, seat.member.user_id)).get
            peer = None if row is None else user_of(row)
        last = next(self._older(seat, END), None)
        others, member = self._seats.others(seat), seat.member
        mentions = unread_mentions(
            self._db, seat.chat.id, member.user_id, member.read, seat.head.mentioned
        )
        return ChatView(seat.chat, seat.head, member, others, peer, last, mentions, seat.hidden)

    def _member(self, seat: Seat, row: Sequence[object]) -> MemberView:
        member = Member(*row[6:17])  # type: ignore[arg-type]
        found = self._db.execute(AT_CURSOR, (seat.chat.id, member.read)).get
        last_read = 0
        if found is not None:
            message_id, seq, rev = found
            # Even the id of a message is only for those who may see it.
            if sees(seq, rev, seat.openings):
                last_read = message_id
        view = MemberView(user_of(row), member, last_read)
        own = member.user_id == seat.member.user_id
        return view.unread if not own and (seat.silent or row[17]) else view

    def _page(self, seat: Seat, direction: str, at: int, limit: int) -> tuple[list[Row], bool]:
        if direction == "before":
            return _cut(list(islice(self._older(seat, at), limit + 1)), limit)
        if direction == "after":
            newer, has_more = _cut(list(islice(self._newer(seat, at), limit + 1)), limit)
            return newer[::-1], has_more
        # Half the page is newer, more where there are not enough older ones.
        above = self._newer(seat, at)
        newer = list(islice(above, limit // 2))
        below = self._older(seat, at + 1)  # the anchor is its first
        older = list(islice(below, limit - len(newer) + 1))
        newer += islice(above, max(0, limit - len(newer) - len(older)))
        older, has_more = _cut(older, limit - len(newer))
        return newer[::-1] + older, has_more

    def _older(self, seat: Seat, below: int) -> Iterator[Row]:
        """Visible messages below a position, newest first; as many as are taken are read."""
        for stay in reversed(seat.openings):
            top = min(below, END if stay.left is None else stay.left)
            if stay.since < top:
                yield from self._seen(seat, OLDER, stay.since, top)

    def _newer(self, seat: Seat, above: int) -> Iterator[Row]:
        """Visible messages above a position, oldest first."""
        for stay in seat.openings:
            bottom = max(above + 1, stay.since)
            top = END if stay.left is None else stay.left
            if bottom < top:
                yield from self._seen(seat, NEWER, bottom, top)

    def _seen(self, seat: Seat, query: str, bottom: int, top: int) -> Iterator[Row]:
        for stored in self._db.execute(query, (seat.chat.id, bottom, top)):
            row = Row(*stored)
            if visible(row, seat.openings):
                yield row


def _cut(rows: list[Row], limit: int) -> tuple[list[Row], bool]:
    return rows[:limit], len(rows) > limit


def user_of(row: Sequence[object]) -> User:
    """A user from the columns USER, which leave the password out."""
    user_id, username, display_name, _, is_admin, created_at = row[:6]
    return User(user_id, username, display_name, "", bool(is_admin), created_at)  # type: ignore[arg-type]
