"""Who passed a message, and when: cursors say whether, marks say when.

A direct chat keeps them in the messages: when the other one got it, when he read it; who answers
has read what came before. Small groups keep one mark an advance, and so do direct chats for those
that go far; large groups pack them, one row a position and flush with the list of users. A group
grows and shrinks, so both are asked for both.
"""

from collections.abc import Sequence
from typing import Final, cast

import apsw

from hubbub.adapters.sqlite.relations import SILENT
from hubbub.adapters.sqlite.rows import NEAR, stays
from hubbub.domain.message import Row
from hubbub.domain.receipt import Cursor, Passed
from hubbub.domain.view import RecipientView
from hubbub.ports import CursorState

RECIPIENT = (
    "chat_id = :chat AND left IS NULL AND user_id <> :sender AND (since <= :seq OR EXISTS"
    " (SELECT 1 FROM stays s WHERE s.chat_id = :chat AND s.user_id = members.user_id"
    " AND s.since <= :seq AND s.left > :seq))"
)
COUNTS = (
    "SELECT count(*), coalesce(sum(delivered >= :seq), 0),"
    f" coalesce(sum(read >= :seq AND NOT {SILENT.format('members.user_id')}), 0)"
    f" FROM members WHERE {RECIPIENT}"
)
RECIPIENTS = (
    f"SELECT user_id, {SILENT.format('members.user_id')}, delivered, read"
    f" FROM members WHERE {RECIPIENT}"
    " AND user_id > :after ORDER BY user_id LIMIT :limit"
)
MARK = (
    "SELECT seq, at FROM marks WHERE chat_id = ? AND user_id = ? AND kind = ? AND seq >= ?"
    " ORDER BY seq LIMIT 1"
)
IS_DIRECT = "SELECT type = 'direct' FROM chats WHERE id = ?"
IN_ROWS = (
    "SELECT seq, CASE WHEN sender_id = :user THEN at WHEN :kind THEN read_at ELSE delivered_at END"
    " FROM messages WHERE chat_id = :chat AND seq >= :seq AND seq < :seq + :near AND CASE"
    " WHEN sender_id = :user THEN :kind WHEN :kind THEN read_at ELSE delivered_at END"
    " ORDER BY seq LIMIT 1"
)
PACKED = (
    "SELECT seq, kind, at, users FROM large_marks WHERE chat_id = ? AND seq >= ? AND seq <= ?"
    " ORDER BY seq, kind, at LIMIT ?"
)
HAS_PACKED = "SELECT 1 FROM large_marks WHERE chat_id = ? LIMIT 1"
UNPACK = "SELECT value FROM json_each(?) WHERE value IN (SELECT value FROM json_each(?))"
OTHER_MEMBERS = (
    f"SELECT user_id, {SILENT.format('members.user_id')}, since, delivered, read FROM members"
    " WHERE chat_id = ? AND user_id <> ? AND left IS NULL ORDER BY user_id"
)
OWN_MESSAGES = (
    "SELECT seq, id, at, sender_id = ? AND type <> 'system' FROM messages"
    " WHERE chat_id = ? AND seq > ? AND seq <= ? ORDER BY seq DESC"
)

DELIVERED: Final = 0
READ: Final = 1
MOST_PACKED: Final = 5_000
"""Most packed rows that one page of receipts looks through for times."""
REACH: Final = 1_000
"""How far behind a chat's head own messages are looked for: as many as a replay pushes."""

Times = dict[tuple[int, int], int]
"""By user and kind: when he passed the message."""


def receipt_counts(db: apsw.Connection, row: Row) -> tuple[int, int, int]:
    """How many recipients a message has, and how many of them have it and have read it.

    Recipients are the present members, but its sender, who were members when it was sent. Reads of
    those who are silent do not count.
    """
    counts: tuple[int, int, int] = db.execute(COUNTS, _about(row)).get
    return counts


def recipient_views(db: apsw.Connection, row: Row, after: int, limit: int) -> list[RecipientView]:
    """A page of recipients with the times at which they passed the message."""
    binding = _about(row) | {"after": after, "limit": limit}
    found = cast(list[tuple[int, int, int, int]], db.execute(RECIPIENTS, binding).fetchall())
    cursors = {user: Cursor(*cursor) for user, _, *cursor in found}
    passed = {user: cursor for user, cursor in cursors.items() if cursor.delivered >= row.seq}
    times = _times(db, row.chat_id, row.seq, passed)
    views = [RecipientView(user, *_moments(times, user, c, row)) for user, c in cursors.items()]
    silent = {user for user, silent, *_ in found if silent}
    return [view.unread if view.user_id in silent else view for view in views]


def cursor_states(db: apsw.Connection, user_id: int, chat_id: int, head: int) -> list[CursorState]:
    """Each other member's cursors and the newest messages of `user_id` that they passed.

    His messages are looked for in the newest `REACH` positions.
    """
    found = db.execute(OTHER_MEMBERS, (chat_id, user_id)).fetchall()
    members = cast(list[tuple[int, int, int, int, int]], found)
    least = min((position for _, _, _, *cursors in members for position in cursors), default=0)
    own = _own_messages(db, user_id, chat_id, head, least)
    was_large = db.execute(HAS_PACKED, (chat_id,)).get is not None
    states = []
    for other, silent, since, delivered, read in members:
        cursor = Cursor(delivered, read)
        who = (other, cursor)
        sent = own
        if own and own[-1][0] < since:  # to those who were there
            there = stays(db, chat_id, other)
            sent = [one for one in own if any(stay.holds(one[0]) for stay in there)]
        got, got_at = _passed_at(db, chat_id, user_id, who, DELIVERED, sent, was_large)
        seen, seen_at = _passed_at(db, chat_id, user_id, who, READ, sent, was_large)
        state = CursorState(chat_id, other, cursor, got, seen, got_at, seen_at)
        states.append(state.unread if silent else state)
    return states


def _own_messages(
    db: apsw.Connection, user_id: int, chat_id: int, head: int, least: int
) -> list[tuple[int, int, int]]:
    """The user's own (seq, id, at), newest first, down to the first that everyone has passed."""
    own = []
    binding = (user_id, chat_id, max(0, head - REACH), head)
    for seq, message_id, at, wanted in db.execute(OWN_MESSAGES, binding):
        if wanted:
            own.append((seq, message_id, at))
            if seq <= least:
                break
    return own


def _about(row: Row) -> dict[str, int]:
    return {"chat": row.chat_id, "sender": row.sender_id, "seq": row.seq}


def _passed_at(
    db: apsw.Connection,
    chat_id: int,
    author: int,
    member: tuple[int, Cursor],
    kind: int,
    own: Sequence[tuple[int, int, int]],
    was_large: bool,
) -> tuple[Passed | None, int]:
    """The newest of the author's messages that a member's cursor of one kind has passed."""
    user, cursor = member
    for seq, message_id, at in own:
        if seq <= (cursor.read if kind == READ else cursor.delivered):
            times = _times(db, chat_id, seq, {user: cursor}, was_large)
            return Passed(author, message_id, seq), _moment(times, user, kind) or at
    return None, 0


def _moments(times: Times, user: int, cursor: Cursor, row: Row) -> tuple[int | None, int | None]:
    """When the user passed the message, as far as his cursors say that he did.

    One who passed it without a mark did so by sending: his own later message stands for it, so
    the least that is known is the time of this one.
    """
    if cursor.delivered < row.seq:
        return None, None
    delivered = _moment(times, user, DELIVERED) or row.at
    if cursor.read < row.seq:
        return delivered, None
    return delivered, _moment(times, user, READ) or row.at


def _moment(times: Times, user: int, kind: int) -> int | None:
    """What was read has also arrived, at the latest then."""
    kinds = (READ,) if kind == READ else (DELIVERED, READ)
    known = [times[user, k] for k in kinds if (user, k) in times]
    return min(known) if known else None


def _times(
    db: apsw.Connection, chat_id: int, seq: int, cursors: dict[int, Cursor], was_large: bool = True
) -> Times:
    """The first marks at or after a position, of each of these users and each kind."""
    times: Times = {}
    ends: dict[tuple[int, int], int] = {}  # before which position a packed mark would be earlier
    direct = db.execute(IS_DIRECT, (chat_id,)).get
    for user, cursor in cursors.items():
        for kind, position in ((DELIVERED, cursor.delivered), (READ, cursor.read)):
            if position < seq:
                continue
            marks = [db.execute(MARK, (chat_id, user, kind, seq)).get]
            if direct:
                about = {"chat": chat_id, "user": user, "kind": kind, "seq": seq, "near": NEAR}
                marks.append(db.execute(IN_ROWS, about).get)
            known = [mark for mark in marks if mark is not None]
            if known:
                position, times[user, kind] = min(known)
            ends[user, kind] = position
    if ends and was_large:
        _unpack(db, (chat_id, seq, max(ends.values()), MOST_PACKED), ends, times)
    return times


def _unpack(
    db: apsw.Connection,
    where: tuple[int, int, int, int],
    ends: dict[tuple[int, int], int],
    times: Times,
) -> None:
    """Add the packed marks that are earlier than those found already; `ends` is used up."""
    for seq, kind, at, users in db.execute(PACKED, where):
        wanted = [
            u for (u, k), end in ends.items() if k == kind and _earlier(seq, end, times, u, k)
        ]
        for (user,) in db.execute(UNPACK, (users, f"[{','.join(map(str, wanted))}]")):
            times[user, kind] = at
            del ends[user, kind]
        if not ends:
            return


def _earlier(seq: int, end: int, times: Times, user: int, kind: int) -> bool:
    """Whether a packed mark at `seq` comes before the user's own mark at `end`, if he has one."""
    return seq < end or (user, kind) not in times
