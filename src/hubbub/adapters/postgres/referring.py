"""Threads, mentions and what is forwarded, read as views of chats are."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from hubbub.adapters.postgres.database import Database
from hubbub.adapters.postgres.reader import END
from hubbub.adapters.postgres.rows import Range, between_each, load_message
from hubbub.adapters.postgres.seats import find_seen, read_log, seats_of
from hubbub.adapters.postgres.sent import find as find_sent
from hubbub.adapters.postgres.threads import NEWER, OLDER, replies_to, thread
from hubbub.domain.extra import EVERYBODY, unpack
from hubbub.domain.message import Row
from hubbub.domain.reading import Seat, visible
from hubbub.domain.view import Mention, MentionList, Replies, ThreadView
from hubbub.ports import SourceRead

NAMED: Final = f"""
    SELECT x.at, x.chat_id, x.seq FROM members m
    JOIN chats c ON c.id = m.chat_id AND c.mentioned > 0,
    LATERAL (SELECT n.at, n.chat_id, n.seq FROM mentions n
        WHERE n.user_id IN ({EVERYBODY}, m.user_id) AND n.chat_id = m.chat_id
        AND (n.at, n.chat_id, n.seq) < ($2::bigint, $3::bigint, $4::bigint)
        AND (n.seq >= m.since OR EXISTS (SELECT 1 FROM stays s WHERE s.chat_id = m.chat_id
            AND s.user_id = m.user_id AND s.since <= n.seq AND s.until > n.seq))
        ORDER BY n.at DESC, n.seq DESC LIMIT $5) x
    WHERE m.user_id = $1 AND m.until IS NULL
    ORDER BY x.at DESC, x.chat_id DESC, x.seq DESC LIMIT $5
"""

Place = tuple[int, int, int]
"""A message among those of several chats: when, which chat, where in it."""


class PostgresReferring:
    """`Referring`. Each call sees one state of the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def thread(
        self, user_id: int, message_id: int, newest_first: bool, place: int, limit: int
    ) -> ThreadView | None:
        """`Referring.thread`."""
        found = await read_log(
            self._database,
            partial(_seat_at, user_id=user_id, message_id=message_id),
            partial(
                _thread, message_id=message_id, newest_first=newest_first, place=place, limit=limit
            ),
        )
        if found is None:
            return None
        seat, others, (root, page, replies) = found
        return ThreadView(root, page[:limit], len(page) > limit, others, seat.own, replies)

    async def mentions(self, user_id: int, before: Place | None, limit: int) -> MentionList:
        """`Referring.mentions`."""
        async with self._database.snapshot() as db:
            found: list[tuple[Place, Mention]] = []
            place = before or (END, END, END)
            while len(found) <= limit:
                rows = await db.fetch(NAMED, user_id, *place, limit + 1)
                places = [(row[0], row[1], row[2]) for row in rows]
                found += await _mentions(db, user_id, places)
                if len(places) <= limit:
                    break
                place = places[-1]
        page = [mention for _, mention in found[:limit]]
        return MentionList(page, found[limit - 1][0] if len(found) > limit else None)

    async def sources(self, reads: Sequence[SourceRead]) -> list[Row | None]:
        """`Referring.sources`."""
        async with self._database.snapshot() as db:
            return [await _source(db, read) for read in reads]


async def _seat_at(db: Any, user_id: int, message_id: int) -> Seat | None:
    found = await find_seen(db, user_id, message_id)
    return None if found is None else found[0]


async def _thread(
    db: Any, seat: Seat, message_id: int, newest_first: bool, place: int, limit: int
) -> tuple[Row | None, list[Row], Replies | None]:
    """What began it, if he may see that, one more of the replies than `limit`, and their number."""
    row = await load_message(db, message_id)
    assert row is not None
    root_id = row.thread_id or row.id
    query, start = (OLDER, place or END) if newest_first else (NEWER, place)
    page = await thread(db, root_id, query, start, seat.openings, limit + 1)
    root = await load_message(db, root_id)
    replies = await replies_to(db, [root_id], seat.openings)
    seen = root if root is not None and visible(root, seat.openings) else None
    return seen, page, replies.get(root_id)


async def _mentions(db: Any, user_id: int, places: Sequence[Place]) -> list[tuple[Place, Mention]]:
    """Those of others that he may see."""
    chats = list(dict.fromkeys(chat_id for _, chat_id, _ in places))
    seats = {seat.chat.id: seat for seat in await seats_of(db, user_id, chats)}
    found: list[tuple[Place, Mention]] = []
    ranges = [Range(chat_id, seq, seq + 1, 1) for _, chat_id, seq in places]
    each = await between_each(db, ranges, newest=True)
    for place, rows in zip(places, each, strict=True):
        seat = seats[place[1]]
        for row in rows:
            if row.sender_id != user_id and visible(row, seat.openings):
                replies = await replies_to(db, [row.id], seat.openings)
                found.append((place, Mention(row, seat.own, replies.get(row.id))))
    return found


async def _source(db: Any, read: SourceRead) -> Row | None:
    if read.client_id is not None:
        key = (read.user_id, read.client_id)
        sent = (await find_sent(db, [key])).get(key)
        stored = None if sent is None else await load_message(db, sent)
        if stored is not None and unpack(stored.extra).forward == read.message_id:
            return stored
    found = await find_seen(db, read.user_id, read.message_id)
    return None if found is None else found[1]
