"""The user's own log: read from the rows that it speaks of, by `me_rev`, and what it alone tells.

A kind is a table with that column, an index on (user_id, me_rev) and a function in `KINDS`.
"""

from collections.abc import Awaitable, Callable, Collection
from typing import Any, Final

from msgspec.structs import replace

from hubbub.adapters.postgres.hidden import hidden_log
from hubbub.adapters.postgres.mentions import unread_mentions
from hubbub.adapters.postgres.relations import block_log, settings_log
from hubbub.adapters.postgres.rows import words
from hubbub.adapters.postgres.work import Work
from hubbub.domain.change import Missing
from hubbub.domain.own import MeEvent, Mute, MyChat, Told

CHATS: Final = (
    "SELECT m.user_id, m.me_rev, m.chat_id, m.until IS NULL, m.role, m.since,"
    " CASE WHEN m.until IS NULL THEN m.read ELSE 0 END,"
    " CASE WHEN m.until IS NULL THEN c.number - m.read_number - (SELECT count(*) FROM hidden h"
    " WHERE h.user_id = m.user_id AND h.chat_id = m.chat_id AND h.seq > m.read) ELSE 0 END,"
    " CASE WHEN m.until IS NULL THEN m.muted_until ELSE 0 END,"
    " CASE WHEN m.until IS NULL THEN c.mentioned ELSE 0 END"
    " FROM members m JOIN chats c ON c.id = m.chat_id"
    " WHERE m.user_id = $1 AND m.me_rev > $2 ORDER BY m.me_rev LIMIT $3"
)


async def _chats(db: Any, user_id: int, after: int, limit: int) -> list[MeEvent]:
    events: list[MeEvent] = []
    for *row, mentioned in await db.fetch(CHATS, user_id, after, limit):
        event = MyChat(*words(row, 4))
        named = await unread_mentions(db, event.chat_id, user_id, event.read, mentioned)
        events.append(replace(event, unread_mentions=named))
    return events


KINDS: Final[tuple[Callable[[Any, int, int, int], Awaitable[list[MeEvent]]], ...]] = (
    _chats,
    settings_log,
    block_log,
    hidden_log,
)
"""(user, after, limit) -> the first events of one kind, by position."""


async def own_heads(db: Any, users: Collection[int]) -> dict[int, int]:
    """Where the own log of each of them ends."""
    found = dict.fromkeys(users, 0)
    found.update(await db.fetch("SELECT id, me_head FROM users WHERE id = ANY($1)", list(found)))
    return found


async def own_log(
    db: Any, user_id: int, after: int, limit: int, head: int
) -> tuple[list[MeEvent], int]:
    """The user's own log after a position, folded, and up to where it is complete.

    `head`: where it ends.
    """
    if after >= head:
        return [], head
    found = [event for kind in KINDS for event in await kind(db, user_id, after, limit + 1)]
    found.sort(key=lambda event: event.rev)
    page = found[:limit]
    return page, page[-1].rev if len(found) > limit else head


async def mute(work: Work, change: Mute) -> Told | Missing:
    """Mute a chat for one of its members."""
    key = (change.chat_id, change.user_id)
    head, position = work.head(change.chat_id), await work.position(*key)
    if head is None or position is None:
        return Missing()
    if position.muted_until == change.until:
        return Told(None)
    position.muted_until = change.until
    return Told(await work.tell(*key, position))
