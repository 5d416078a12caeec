"""Threads, mentions and what is forwarded, read as views of chats are."""

from collections.abc import Iterator
from heapq import merge
from itertools import islice

import apsw

from hubbub.adapters.sqlite.database import snapshot
from hubbub.adapters.sqlite.mentions import older_mentions
from hubbub.adapters.sqlite.rows import ROW, stays
from hubbub.adapters.sqlite.seats import END, Seats
from hubbub.adapters.sqlite.threads import NEWER, OLDER, replies_to, thread
from hubbub.domain.extra import unpack
from hubbub.domain.message import Row
from hubbub.domain.reading import Seat, visible
from hubbub.domain.view import Mention, MentionList, ThreadView
from hubbub.ports import SourceRead

MINE = (
    "SELECT c.id FROM members m CROSS JOIN chats c ON c.id = m.chat_id"
    " WHERE m.user_id = ? AND m.left IS NULL AND c.mentioned > 0"
)
AT = f"SELECT {ROW} FROM messages WHERE chat_id = ? AND seq = ?"
SENT = f"SELECT {ROW} FROM messages WHERE client_id = ? AND sender_id = ?"

Place = tuple[int, int, int]
"""A message among those of several chats: when, which chat, where in it."""
Found = tuple[Place, Seat, Row]


class SqliteReferring:
    """Referring on one connection, synchronous. Each call sees one state of the database."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._db = connection
        self._seats = Seats(connection)

    def thread(
        self, user_id: int, message_id: int, newest_first: bool, place: int, limit: int
    ) -> ThreadView | None:
        """See the port."""
        with snapshot(self._db):
            found = self._seats.find(user_id, message_id)
            if found is None:
                return None
            seat, row = found
            root_id = row.thread_id or row.id
            query, start = (OLDER, place or END) if newest_first else (NEWER, place)
            page = list(islice(thread(self._db, root_id, query, start, seat.openings), limit + 1))
            return ThreadView(
                self._seats.message_in(seat, root_id),
                page[:limit],
                len(page) > limit,
                self._seats.others(seat),
                seat.own,
                replies_to(self._db, [root_id], seat.openings).get(root_id),
            )

    def mentions(self, user_id: int, before: Place | None, limit: int) -> MentionList:
        """See the port. The cost follows his chats that have mentions, and the page."""
        with snapshot(self._db):
            chats = [chat_id for (chat_id,) in self._db.execute(MINE, (user_id,))]
            each = [self._mentioning(user_id, chat_id, before) for chat_id in chats]
            found = list(islice(merge(*each, key=_place, reverse=True), limit + 1))
            page = [self._mention(seat, row) for _, seat, row in found[:limit]]
        return MentionList(page, found[limit - 1][0] if len(found) > limit else None)

    def _mentioning(self, user_id: int, chat_id: int, before: Place | None) -> Iterator[Found]:
        """Messages of others that named him while he was there, newest first."""
        seat = self._seats.seat(user_id, chat_id)
        if seat is None:
            return
        his = stays(self._db, chat_id, user_id)
        for at, seq in older_mentions(self._db, chat_id, user_id, _below(chat_id, before)):
            if seq < his[0].since:
                return
            if any(stay.holds(seq) for stay in his):
                row = Row(*self._db.execute(AT, (chat_id, seq)).get)
                if row.sender_id != user_id and visible(row, seat.openings):
                    yield (at, chat_id, seq), seat, row

    def _mention(self, seat: Seat, row: Row) -> Mention:
        replies = replies_to(self._db, [row.id], seat.openings)
        return Mention(row, seat.own, replies.get(row.id))

    def sources(self, reads: list[SourceRead]) -> list[Row | None]:
        """See the port."""
        with snapshot(self._db):
            return [self._source(read) for read in reads]

    def _source(self, read: SourceRead) -> Row | None:
        if read.client_id is not None:
            stored = self._db.execute(SENT, (read.client_id, read.user_id)).get
            if stored is not None and unpack(Row(*stored).extra).forward == read.message_id:
                return Row(*stored)
        found = self._seats.find(read.user_id, read.message_id)
        return None if found is None else found[1]


def _place(found: Found) -> Place:
    return found[0]


def _below(chat_id: int, before: Place | None) -> tuple[int, int]:
    """(at, seq) below which a chat's messages come after the cursor."""
    if before is None:
        return END, END
    at, chat, seq = before
    if chat_id == chat:
        return at, seq
    return at, END if chat_id < chat else 0
