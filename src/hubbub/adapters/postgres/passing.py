"""Who passed a message, and when: cursors say whether, marks say when.

Chats keep one mark an advance; large groups pack them, one row a position and flush with the list
of users. A group grows and shrinks, so both are asked for both. Who passed a message by sending
one himself has a mark, too, unless there was nothing between.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from hubbub.adapters.postgres.rows import SILENT, between, columns, stays
from hubbub.adapters.postgres.schema import DAY_MS
from hubbub.domain.message import Row
from hubbub.domain.receipt import DELIVERED, READ, Cursor, Passed
from hubbub.domain.view import RecipientView
from hubbub.ports import CursorState

RECIPIENT: Final = (
    "chat_id = $1 AND until IS NULL AND user_id <> $2 AND (since <= $3 OR EXISTS"
    " (SELECT 1 FROM stays s WHERE s.chat_id = $1 AND s.user_id = members.user_id"
    " AND s.since <= $3 AND s.until > $3))"
)
COUNTS: Final = (
    "SELECT count(*), count(*) FILTER (WHERE delivered >= $3),"
    f" count(*) FILTER (WHERE read >= $3 AND NOT {SILENT.format('members.user_id')})"
    f" FROM members WHERE {RECIPIENT}"
)
RECIPIENTS: Final = (
    f"SELECT user_id, delivered, read, {SILENT.format('members.user_id')}"
    f" FROM members WHERE {RECIPIENT}"
    " AND user_id > $4 ORDER BY user_id LIMIT $5"
)
MARKS: Final = """
    SELECT k.user_id, k.kind, m.seq, m.at
    FROM unnest($2::bigint[], $3::int[], $4::bigint[]) AS k (user_id, kind, seq),
    LATERAL (SELECT seq, at FROM marks WHERE chat_id = $1 AND user_id = k.user_id
        AND kind = k.kind AND seq >= k.seq AND at >= $5 ORDER BY seq LIMIT 1) m
"""
PACKED: Final = """
    SELECT l.seq, l.kind, l.at, u.user_id FROM (SELECT seq, kind, at, users FROM large_marks
        WHERE chat_id = $1 AND seq >= $2 AND at >= $3 AND users && $4
        ORDER BY seq, kind, at LIMIT $5) l,
    LATERAL unnest(l.users) AS u (user_id) WHERE u.user_id = ANY($4) ORDER BY l.seq, l.kind, l.at
"""
OTHER_MEMBERS: Final = (
    f"SELECT user_id, since, delivered, read, {SILENT.format('members.user_id')} FROM members"
    " WHERE chat_id = $1 AND user_id <> $2 AND until IS NULL ORDER BY user_id"
)

MOST_PACKED: Final = 5_000
"""Most packed rows that one page of receipts looks through for times."""
REACH: Final = 1_000
"""How far behind a chat's head own messages are looked for: as many as a replay pushes."""

Mark = tuple[int, int, int]
"""(user, kind, position): when did he pass it?"""
Times = dict[Mark, int]


async def receipt_counts(db: Any, row: Row) -> tuple[int, int, int]:
    """How many recipients a message has, and how many of them have it and have read it.

    Recipients are the present members, but its sender, who were members when it was sent. Reads of
    those who are silent do not count.
    """
    counted = await db.fetchrow(COUNTS, row.chat_id, row.sender_id, row.seq)
    return counted[0], counted[1], counted[2]


async def recipient_views(db: Any, row: Row, after: int, limit: int) -> list[RecipientView]:
    """A page of recipients with the times at which they passed the message."""
    found = await db.fetch(RECIPIENTS, row.chat_id, row.sender_id, row.seq, after, limit)
    cursors = {user: Cursor(delivered, read) for user, delivered, read, _ in found}
    wanted = [
        (user, kind, row.seq)
        for user, cursor in cursors.items()
        for kind in (DELIVERED, READ)
        if (cursor.read if kind == READ else cursor.delivered) >= row.seq
    ]
    times = await _times(db, row.chat_id, wanted, row.at)
    views = [RecipientView(user, *_moments(times, user, c, row)) for user, c in cursors.items()]
    silent = {user for user, *_, silent in found if silent}
    return [view.unread if view.user_id in silent else view for view in views]


async def cursor_states(db: Any, user_id: int, chat_id: int, head: int) -> list[CursorState]:
    """Each other member's cursors and the newest messages of `user_id` that they passed.

    His messages are looked for in the newest `REACH` positions.
    """
    found = await db.fetch(OTHER_MEMBERS, chat_id, user_id)
    cursors = {other: Cursor(delivered, read) for other, _, delivered, read, _ in found}
    least = min((c.read for c in cursors.values()), default=0)
    own = await _own_messages(db, user_id, chat_id, head, least)
    sent = dict.fromkeys(cursors, own)
    for other, since, *_ in found:
        if own and own[-1].seq < since:  # to those who were there
            there = await stays(db, chat_id, other)
            sent[other] = [row for row in own if any(stay.holds(row.seq) for stay in there)]
    got = {other: _newest(sent[other], cursor.delivered) for other, cursor in cursors.items()}
    seen = {other: _newest(sent[other], cursor.read) for other, cursor in cursors.items()}
    wanted = [
        (other, kind, row.seq)
        for rows in (got, seen)
        for other, row in rows.items()
        if row is not None
        for kind in (DELIVERED, READ)
    ]
    oldest = min((row.at for row in own), default=0)
    times = await _times(db, chat_id, wanted, oldest)
    states = [
        CursorState(
            chat_id,
            other,
            cursor,
            _passed(got[other]),
            _passed(seen[other]),
            _when(times, other, DELIVERED, got[other]),
            _when(times, other, READ, seen[other]),
        )
        for other, cursor in cursors.items()
    ]
    silent = {other for other, *_, silent in found if silent}
    return [state.unread if state.user_id in silent else state for state in states]


async def _own_messages(db: Any, user_id: int, chat_id: int, head: int, least: int) -> list[Row]:
    """The user's own, newest first, down to the first that everyone has passed."""
    own = []
    for row in await between(db, chat_id, max(0, head - REACH) + 1, head + 1, REACH, newest=True):
        if row.sender_id == user_id and row.type != "system":
            own.append(row)
            if row.seq <= least:
                break
    return own


def _newest(own: Sequence[Row], position: int) -> Row | None:
    return next((row for row in own if row.seq <= position), None)


def _passed(row: Row | None) -> Passed | None:
    return None if row is None else Passed(row.sender_id, row.id, row.seq)


def _when(times: Times, user: int, kind: int, row: Row | None) -> int:
    return 0 if row is None else _moment(times, user, kind, row.seq) or row.at


def _moments(times: Times, user: int, cursor: Cursor, row: Row) -> tuple[int | None, int | None]:
    """When the user passed the message, as far as his cursors say that he did.

    One who passed it without a mark did so by sending: his own later message stands for it, so
    the least that is known is the time of this one.
    """
    if cursor.delivered < row.seq:
        return None, None
    delivered = _moment(times, user, DELIVERED, row.seq) or row.at
    if cursor.read < row.seq:
        return delivered, None
    return delivered, _moment(times, user, READ, row.seq) or row.at


def _moment(times: Times, user: int, kind: int, seq: int) -> int | None:
    """What was read has also arrived, at the latest then."""
    kinds = (READ,) if kind == READ else (DELIVERED, READ)
    known = [times[user, k, seq] for k in kinds if (user, k, seq) in times]
    return min(known) if known else None


async def _times(db: Any, chat_id: int, wanted: Iterable[Mark], since: int) -> Times:
    """The first marks at or after these positions. None is older than `since`, give or take a day:
    clocks of servers differ.
    """
    marks = list(dict.fromkeys(wanted))
    if not marks:
        return {}
    oldest = since - DAY_MS
    first: dict[Mark, tuple[int, int]] = {}
    found = await db.fetch(MARKS, chat_id, *columns(marks, 3), oldest)
    at = {(user, kind): [] for user, kind, _ in marks}  # type: dict[tuple[int, int], list[Mark]]
    for user, kind, seq in marks:
        at[user, kind].append((user, kind, seq))
    for user, kind, seq, when in found:
        for mark in at[user, kind]:
            if seq >= mark[2]:
                first[mark] = min(first.get(mark, (seq, when)), (seq, when))
    users = list({user for user, _, _ in marks})
    lowest = min(seq for _, _, seq in marks)
    for seq, kind, when, user in await db.fetch(
        PACKED, chat_id, lowest, oldest, users, MOST_PACKED
    ):
        for mark in at.get((user, kind), ()):
            if seq >= mark[2]:
                first[mark] = min(first.get(mark, (seq, when)), (seq, when))
    return {mark: when for mark, (_, when) in first.items()}
