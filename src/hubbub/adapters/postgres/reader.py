"""Views of chats for one user.

Everything goes through `Seat`: a present member's place in a chat and the positions that he may
see (G6); who has none finds nothing. The cost of a page is the page's, not the chat's. Three reads
cost more, and are the only ones: the list of chats follows the user's chats, receipts count the
members of the chat, and the cursors of others are read in chats that are not large.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from hubbub.adapters.postgres.database import Database
from hubbub.adapters.postgres.days import is_dropped
from hubbub.adapters.postgres.joining import USER
from hubbub.adapters.postgres.mentions import unread_mentions
from hubbub.adapters.postgres.own import own_heads, own_log
from hubbub.adapters.postgres.passing import cursor_states, receipt_counts, recipient_views
from hubbub.adapters.postgres.reactions import reaction_list
from hubbub.adapters.postgres.rows import (
    AT_OR_BELOW,
    ROW,
    SILENT,
    between,
    columns,
    load_message,
    row_of,
    words,
)
from hubbub.adapters.postgres.seats import (
    MEMBER,
    find_seen,
    other_cursors,
    read_log,
    seat_of,
    seats_of,
)
from hubbub.adapters.postgres.threads import replies_to
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
    Replies,
    Versions,
)
from hubbub.ports import CursorState

PEERS: Final = (
    f"SELECT m.chat_id, {USER} FROM members m JOIN users u ON u.id = m.user_id"
    " WHERE m.chat_id = ANY($1) AND m.user_id <> $2"
)
CHATS: Final = (
    "SELECT c.at, c.id FROM members m JOIN chats c ON c.id = m.chat_id"
    " WHERE m.user_id = $1 AND m.until IS NULL AND (c.at, c.id) < ($2::bigint, $3::bigint)"
    " ORDER BY c.at DESC, c.id DESC LIMIT $4"
)
MEMBERS: Final = (
    f"SELECT {USER}, {MEMBER}, {SILENT.format('m.user_id')}"
    " FROM members m JOIN users u ON u.id = m.user_id"
    " WHERE m.chat_id = $1 AND m.user_id > $2 AND m.until IS NULL ORDER BY m.user_id LIMIT $3"
)
AT_CURSORS: Final = f"""
    SELECT k.seq, m.id, m.seq, m.rev FROM unnest($1::bigint[], $2::bigint[]) AS k (chat_id, seq),
    {AT_OR_BELOW}
"""
VERSIONS: Final = (
    "SELECT rev, at, content, media, extra FROM edits WHERE message_id = $1 ORDER BY rev DESC"
)
PINNED: Final = (
    f"SELECT {ROW} FROM messages WHERE chat_id = $1 AND pinned <> 0 ORDER BY pinned DESC"
)

END: Final = 2**62
"""Beyond every position and time."""


class PostgresReader:
    """ChatReader, MessageReader and OwnLog. Each call sees one state of the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def chat(self, user_id: int, chat_id: int) -> ChatView | None:
        """One chat."""
        async with self._database.snapshot() as db:
            views = await _views(db, user_id, [chat_id])
        return views[0] if views else None

    async def chats(self, user_id: int, before: tuple[int, int] | None, limit: int) -> ChatList:
        """His chats by last activity, those after the cursor `before`."""
        async with self._database.snapshot() as db:
            found = await db.fetch(CHATS, user_id, *(before or (END, END)), limit + 1)
            views = await _views(db, user_id, [row[1] for row in found[:limit]])
        has_more = len(found) > limit
        cursor = (found[limit - 1][0], found[limit - 1][1]) if has_more else None
        return ChatList(views, has_more, cursor)

    async def members(
        self, user_id: int, chat_id: int, after: int, limit: int
    ) -> MemberList | None:
        """Present members with ids above `after`."""
        async with self._database.snapshot() as db:
            seat = await seat_of(db, user_id, chat_id)
            if seat is None:
                return None
            found = await db.fetch(MEMBERS, chat_id, after, limit + 1)
            users = [User(*row[:6]) for row in found[:limit]]
            members = [Member(*words(row[6:17], 2)) for row in found[:limit]]
            last = await _last_read(db, seat, {member.read for member in members})
        silent = {row[0] for row in found if row[17] or seat.silent} - {user_id}
        views = [
            MemberView(user, member, last.get(member.read, 0))
            for user, member in zip(users, members, strict=True)
        ]
        views = [view.unread if view.user.id in silent else view for view in views]
        return MemberList(views, len(found) > limit)

    async def history(
        self, user_id: int, chat_id: int, direction: str, anchor: int, limit: int
    ) -> History | None:
        """Messages `before`, `after` or `around` the message `anchor` (0: the newest)."""
        found = await read_log(
            self._database,
            partial(seat_of, user_id=user_id, chat_id=chat_id),
            partial(_history, direction=direction, anchor=anchor, limit=limit),
        )
        if found is None:
            return None
        seat, others, page = found
        if page is None:
            return None
        rows, has_more, replies = page
        return History(rows, has_more, others, seat.own, replies)

    async def message(self, user_id: int, message_id: int) -> MessageView | None:
        """One message."""
        async with self._database.snapshot() as db:
            found = await find_seen(db, user_id, message_id)
            if found is None:
                return None
            seat, row = found
            others = await other_cursors(db, [seat])
            replies = await replies_to(db, [row.id], seat.openings)
        return MessageView(row, others[row.chat_id], seat.own, replies.get(row.id))

    async def versions(self, user_id: int, message_id: int) -> Versions | None:
        """A message and what it said before it was edited."""
        async with self._database.snapshot() as db:
            found = await find_seen(db, user_id, message_id)
            if found is None:
                return None
            seat, row = found
            stored = [Version(*each) for each in await db.fetch(VERSIONS, row.id)]
        earlier = [each for each in stored if is_open(each.rev, seat.openings)]
        return Versions(row, seat.chat, seat.member.role, earlier)

    async def pins(self, user_id: int, chat_id: int) -> History | None:
        """The pinned messages of a chat, those pinned last first."""
        find = partial(seat_of, user_id=user_id, chat_id=chat_id)
        found = await read_log(self._database, find, _pins)
        if found is None:
            return None
        seat, others, (rows, replies) = found
        return History(rows, False, others, seat.own, replies)

    async def reactions(
        self, user_id: int, message_id: int, after: int, limit: int
    ) -> ReactionList | None:
        """Who has reacted to a message, users with ids above `after`."""
        async with self._database.snapshot() as db:
            if await find_seen(db, user_id, message_id) is None:
                return None
            return await reaction_list(db, user_id, message_id, after, limit)

    async def receipts(
        self, user_id: int, message_id: int, after: int, limit: int
    ) -> ReceiptList | None:
        """Who passed the message, recipients with ids above `after`."""
        async with self._database.snapshot() as db:
            found = await find_seen(db, user_id, message_id)
            if found is None:
                return None
            seat, row = found
            recipients, delivered, read = await receipt_counts(db, row)
            page = await recipient_views(db, row, after, limit + 1)
        if seat.silent:
            read, page = 0, [view.unread for view in page]
        return ReceiptList(recipients, delivered, read, page[:limit], len(page) > limit)

    async def cursors(self, user_id: int, chat_ids: Sequence[int]) -> list[CursorState]:
        """The other members' cursors in those of his chats that are not large."""
        states: list[CursorState] = []
        async with self._database.snapshot() as db:
            for seat in await seats_of(db, user_id, list(dict.fromkeys(chat_ids))):
                if seat.chat.size <= LARGE:
                    found = await cursor_states(db, user_id, seat.chat.id, seat.head.seq)
                    states += [state.unread for state in found] if seat.silent else found
        return states

    async def me(self, user_id: int, after: int, limit: int) -> tuple[list[MeEvent], int]:
        """Folded events of his own log, and up to where they are complete."""
        async with self._database.snapshot() as db:
            head = (await own_heads(db, [user_id]))[user_id]
            return await own_log(db, user_id, after, limit, head)


# ── what the views are made of ──


async def _views(db: Any, user_id: int, chat_ids: list[int]) -> list[ChatView]:
    seats = await seats_of(db, user_id, chat_ids)
    others = await other_cursors(db, seats)
    direct = [seat.chat.id for seat in seats if seat.chat.type == "direct"]
    peers = {}
    if direct:
        peers = {row[0]: User(*row[1:]) for row in await db.fetch(PEERS, direct, user_id)}
    views = []
    for seat in seats:
        last = await _older(db, seat, END, 1)
        facts = (seat.chat, seat.head, seat.member, others[seat.chat.id])
        place = (seat.chat.id, user_id, seat.member.read, seat.head.mentioned)
        named = await unread_mentions(db, *place)
        peer = peers.get(seat.chat.id)
        views.append(ChatView(*facts, peer, last[0] if last else None, named, seat.hidden))
    return views


async def _last_read(db: Any, seat: Seat, positions: set[int]) -> dict[int, int]:
    """The messages at read cursors, by position."""
    rows = [(seat.chat.id, position) for position in positions]
    found = await db.fetch(AT_CURSORS, *columns(rows, 2))
    # Even the id of a message is only for those who may see it.
    return {
        position: message_id
        for position, message_id, seq, rev in found
        if sees(seq, rev, seat.openings)
    }


async def _history(
    db: Any, seat: Seat, direction: str, anchor: int, limit: int
) -> tuple[list[Row], bool, dict[int, Replies]] | None:
    at = END
    if anchor:
        row = await load_message(db, anchor)
        if row is None and direction == "before" and await is_dropped(db, anchor):
            return [], False, {}
        if row is None or row.chat_id != seat.chat.id or not visible(row, seat.openings):
            return None
        at = row.seq
    rows, has_more = await _page(db, seat, direction, at, limit)
    return rows, has_more, await replies_to(db, [row.id for row in rows], seat.openings)


async def _pins(db: Any, seat: Seat) -> tuple[list[Row], dict[int, Replies]]:
    stored = [row_of(each) for each in await db.fetch(PINNED, seat.chat.id)]
    rows = [row for row in stored if visible(row, seat.openings)]
    return rows, await replies_to(db, [row.id for row in rows], seat.openings)


async def _page(db: Any, seat: Seat, direction: str, at: int, limit: int) -> tuple[list[Row], bool]:
    if direction == "before":
        return _cut(await _older(db, seat, at, limit + 1), limit)
    if direction == "after":
        newer, has_more = _cut(await _newer(db, seat, at, limit + 1), limit)
        return newer[::-1], has_more
    # Half the page is newer, more where there are not enough older ones.
    older = await _older(db, seat, at + 1, limit + 1)  # the anchor is its first
    newer = await _newer(db, seat, at, limit)
    taken = max(limit // 2, limit - len(older))
    newer = newer[:taken]
    older, has_more = _cut(older, limit - len(newer))
    return newer[::-1] + older, has_more


async def _older(db: Any, seat: Seat, below: int, limit: int) -> list[Row]:
    """Visible messages below a position, newest first."""
    found: list[Row] = []
    for stay in reversed(seat.openings):
        top = min(below, END if stay.left is None else stay.left)
        found += await _seen(db, seat, stay.since, top, limit - len(found), newest=True)
    return found


async def _newer(db: Any, seat: Seat, above: int, limit: int) -> list[Row]:
    """Visible messages above a position, oldest first."""
    found: list[Row] = []
    for stay in seat.openings:
        bottom = max(above + 1, stay.since)
        top = END if stay.left is None else stay.left
        found += await _seen(db, seat, bottom, top, limit - len(found), newest=False)
    return found


async def _seen(
    db: Any, seat: Seat, bottom: int, top: int, limit: int, *, newest: bool
) -> list[Row]:
    found: list[Row] = []
    while bottom < top and len(found) < limit:
        rows = await between(db, seat.chat.id, bottom, top, limit, newest=newest)
        found += [row for row in rows if visible(row, seat.openings)]
        if len(rows) < limit:
            break
        bottom, top = (bottom, rows[-1].seq) if newest else (rows[-1].seq + 1, top)
    return found[:limit]


def _cut(rows: list[Row], limit: int) -> tuple[list[Row], bool]:
    return rows[:limit], len(rows) > limit
