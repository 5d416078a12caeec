"""A present member's place in a chat, through which everything is read (G6)."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

from hubbub.adapters.postgres.database import Database
from hubbub.adapters.postgres.replay import C
from hubbub.adapters.postgres.rows import SILENT, chat_of, load_message, words
from hubbub.domain.chat import LARGE, Head, Interval, Member
from hubbub.domain.message import Row
from hubbub.domain.reading import Seat, openings, visible
from hubbub.domain.receipt import Cursor

MEMBER: Final = (
    "m.chat_id, m.user_id, m.role, m.since, m.until, m.joined_at, m.delivered, m.read,"
    " m.read_number, m.me_rev, m.muted_until"
)
SEATS: Final = f"""
    SELECT {MEMBER}, c.seq, c.number, c.at, c.mentioned, {C}, {SILENT.format("m.user_id")},
        coalesce(s.since, '{{}}'), coalesce(s.until, '{{}}'), ARRAY(SELECT seq FROM hidden
        WHERE user_id = $1 AND chat_id = m.chat_id ORDER BY seq)
    FROM unnest($2::bigint[]) WITH ORDINALITY AS k (chat_id, n)
    JOIN members m ON m.chat_id = k.chat_id AND m.user_id = $1 AND m.until IS NULL
    JOIN chats c ON c.id = m.chat_id
    LEFT JOIN LATERAL (SELECT array_agg(since ORDER BY since) AS since,
        array_agg(until ORDER BY since) AS until FROM stays
        WHERE chat_id = m.chat_id AND user_id = $1) s ON m.since > 1 AND c.history <> 'all'
    ORDER BY k.n
"""
OTHERS: Final = (
    "SELECT chat_id, min(delivered),"
    f" min(CASE WHEN {SILENT.format('members.user_id')} THEN 0 ELSE read END) FROM members"
    " WHERE chat_id = ANY($1) AND user_id <> $2 AND until IS NULL GROUP BY chat_id"
)


T = TypeVar("T")


async def seats_of(db: Any, user_id: int, chat_ids: list[int]) -> list[Seat]:
    """His places in those of the chats that he is in, in this order."""
    seats = []
    for row in await db.fetch(SEATS, user_id, chat_ids):
        member, head = Member(*words(row[:11], 2)), Head(*row[11:15])
        chat = chat_of(row[15:27])
        stays = [Interval(*stay) for stay in zip(*row[28:30], strict=True)]
        seen = openings(chat, [*stays, Interval(member.since)], row[30])
        unread = sum(seq > member.read for seq in row[30])
        seats.append(Seat(chat, head, member, seen, row[27], unread))
    return seats


async def seat_of(db: Any, user_id: int, chat_id: int) -> Seat | None:
    """His place in a chat."""
    seats = await seats_of(db, user_id, [chat_id])
    return seats[0] if seats else None


async def read_log(
    database: Database,
    find: Callable[[Any], Awaitable[Seat | None]],
    read: Callable[[Any, Seat], Awaitable[T]],
) -> tuple[Seat, Cursor, T] | None:
    """His place in a chat that `find` finds, the others' cursors, and what it reads of the log.

    From a replica, if there is one, and its log is the one that he would see on the primary.
    """
    replica, early = database.replica, None
    if replica is not None:
        early = await replica.read(lambda db: _found_and_read(db, find, read))
    async with database.snapshot() as db:
        seat = await find(db)
        if seat is None:
            return None
        others = (await other_cursors(db, [seat]))[seat.chat.id]
        if replica is not None and early is not None:
            is_same = seat.same_log(early[0])
            replica.count(is_same)
            if is_same:
                return seat, others, early[1]
        return seat, others, await read(db, seat)


async def _found_and_read(
    db: Any,
    find: Callable[[Any], Awaitable[Seat | None]],
    read: Callable[[Any, Seat], Awaitable[T]],
) -> tuple[Seat, T] | None:
    seat = await find(db)
    return None if seat is None else (seat, await read(db, seat))


async def find_seen(db: Any, user_id: int, message_id: int) -> tuple[Seat, Row] | None:
    """A message that he may see, and his place in its chat."""
    row = await load_message(db, message_id)
    if row is None:
        return None
    seat = await seat_of(db, user_id, row.chat_id)
    return (seat, row) if seat is not None and visible(row, seat.openings) else None


async def other_cursors(db: Any, seats: Sequence[Seat]) -> dict[int, Cursor]:
    """The least cursors of all other members, by chat, as they are told.

    In a large chat zero, so that a sender's message stays `sent` there: its receipts come
    as counts (spec section 6), and the least of 100,000 is the one who never opens it.
    """
    others = {seat.chat.id: Cursor(0, 0) for seat in seats}
    small = [seat.chat.id for seat in seats if seat.chat.size <= LARGE]
    if small:
        rows = await db.fetch(OTHERS, small, seats[0].member.user_id)
        cursors = {row[0]: Cursor(row[1], row[2]) for row in rows}
        silent = seats[0].silent  # all are of one user
        others.update((chat, c.unread if silent else c) for chat, c in cursors.items())
    return others
