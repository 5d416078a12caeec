"""A present member's seat in a chat, and what is seen from it: whatever is read goes through one.

Who has none finds nothing (G6).
"""

from typing import Final

import apsw

from hubbub.adapters.sqlite.relations import SILENT
from hubbub.adapters.sqlite.rows import ROW, hidden_in
from hubbub.domain.chat import LARGE, Chat, Head, Interval, Member
from hubbub.domain.message import Row
from hubbub.domain.reading import Seat, openings, visible
from hubbub.domain.receipt import Cursor

CHAT = (
    "c.seq, c.number, c.at, c.mentioned, c.id, c.type, c.key, c.title, c.history, c.created_at,"
    " c.size, c.description, c.picture, c.posting, c.slow_seconds, c.visibility"
)
MEMBER = (
    "m.chat_id, m.user_id, m.role, m.since, m.left, m.joined_at, m.delivered, m.read,"
    " m.read_number, m.me_rev, m.muted_until"
)
SEAT = (
    f"SELECT {MEMBER}, {CHAT}, {SILENT.format('m.user_id')}"
    " FROM members m JOIN chats c ON c.id = m.chat_id"
    " WHERE m.chat_id = ? AND m.user_id = ? AND m.left IS NULL"
)
STAYS = "SELECT since, left FROM stays WHERE chat_id = ? AND user_id = ? ORDER BY since"
OTHERS = (
    f"SELECT min(delivered), min(iif({SILENT.format('members.user_id')}, 0, read)) FROM members"
    " WHERE chat_id = ? AND user_id <> ? AND left IS NULL"
)
MESSAGE = f"SELECT {ROW} FROM messages WHERE id = ?"

END: Final = 2**62
"""Beyond every position and time."""


class Seats:
    """Seats by user and chat, on one connection; to be used within one snapshot."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._db = connection

    def seat(self, user_id: int, chat_id: int) -> Seat | None:
        """His place in the chat; None where he is not a member."""
        row = self._db.execute(SEAT, (chat_id, user_id)).get
        if row is None:
            return None
        member, head, chat = Member(*row[:11]), Head(*row[11:15]), Chat(*row[15:27])
        stays: list[Interval] = []
        if member.since > 1 and chat.history != "all":
            earlier = self._db.execute(STAYS, (chat_id, user_id))
            stays = [Interval(since, left) for since, left in earlier]
        stays.append(Interval(member.since))
        hidden = hidden_in(self._db, chat_id, user_id)
        unread = sum(seq > member.read for seq in hidden)
        return Seat(chat, head, member, openings(chat, stays, hidden), bool(row[27]), unread)

    def find(self, user_id: int, message_id: int) -> tuple[Seat, Row] | None:
        """A message that he may see, and his place in its chat."""
        stored = self._db.execute(MESSAGE, (message_id,)).get
        if stored is None:
            return None
        row = Row(*stored)
        seat = self.seat(user_id, row.chat_id)
        return (seat, row) if seat is not None and visible(row, seat.openings) else None

    def message_in(self, seat: Seat, message_id: int) -> Row | None:
        """A message of this chat that he may see."""
        stored = self._db.execute(MESSAGE, (message_id,)).get
        if stored is None:
            return None
        row = Row(*stored)
        seen = row.chat_id == seat.chat.id and visible(row, seat.openings)
        return row if seen else None

    def others(self, seat: Seat) -> Cursor:
        """The least cursors of all other members, as they are told.

        In a large chat zero, so that a sender's message stays `sent` there: its receipts come
        as counts (spec section 6), and the least of 100,000 is the one who never opens it.
        """
        if seat.chat.size > LARGE:
            return Cursor(0, 0)
        delivered, read = self._db.execute(OTHERS, (seat.chat.id, seat.member.user_id)).get
        return Cursor(delivered or 0, 0 if seat.silent else read or 0)
