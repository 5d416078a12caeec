"""The user's own log: read from the rows that it speaks of, by `me_rev`, and what it alone tells.

A kind is a table with that column, an index on (user_id, me_rev) and a function in `KINDS`.
"""

from collections.abc import Callable, Iterable
from typing import Final

import apsw

from hubbub.adapters.sqlite.caches import Caches, Position
from hubbub.adapters.sqlite.hidden import hidden_log
from hubbub.adapters.sqlite.mentions import unread_mentions
from hubbub.adapters.sqlite.relations import block_log, settings_log
from hubbub.adapters.sqlite.rows import hidden_in, load_head, load_position, next_me
from hubbub.domain.change import Missing
from hubbub.domain.chat import Head
from hubbub.domain.own import MeEvent, Mute, MyChat, Told


def _chats(db: apsw.Connection, user_id: int, after: int, limit: int) -> Iterable[MeEvent]:
    query = (
        "SELECT m.me_rev, m.chat_id, m.left IS NULL, m.role, m.since,"
        " iif(m.left IS NULL, m.read, 0), iif(m.left IS NULL, c.number - m.read_number -"
        " (SELECT count(*) FROM hidden h WHERE h.user_id = m.user_id AND h.chat_id = m.chat_id"
        " AND h.seq > m.read), 0),"
        " iif(m.left IS NULL, m.muted_until, 0),"
        " iif(m.left IS NULL, c.mentioned, 0)"
        " FROM members m JOIN chats c ON c.id = m.chat_id"
        " WHERE m.user_id = ? AND m.me_rev > ? ORDER BY m.me_rev LIMIT ?"
    )
    for row in db.execute(query, (user_id, after, limit)):
        rev, chat_id, present, role, since, read, unread, muted, mentioned = row
        named = unread_mentions(db, chat_id, user_id, read, mentioned)
        there = bool(present)
        yield MyChat(user_id, rev, chat_id, there, role, since, read, unread, muted, named)


KINDS: Final[tuple[Callable[[apsw.Connection, int, int, int], Iterable[MeEvent]], ...]] = (
    _chats,
    settings_log,
    block_log,
    hidden_log,
)
"""(user, after, limit) -> the first events of one kind, by position."""


def own_log(db: apsw.Connection, user_id: int, after: int, limit: int) -> tuple[list[MeEvent], int]:
    """The user's own log after a position, folded, and up to where it is complete."""
    head = db.execute("SELECT me_head FROM users WHERE id = ?", (user_id,)).get or 0
    if after >= head:
        return [], head
    found = [event for kind in KINDS for event in kind(db, user_id, after, limit + 1)]
    found.sort(key=lambda event: event.rev)
    page = found[:limit]
    return page, page[-1].rev if len(found) > limit else head


def tell(db: apsw.Connection, chat_id: int, user_id: int, head: Head, position: Position) -> MyChat:
    """A present member's own log speaks of him in this chat, as he is now."""
    rev = next_me(db, user_id)
    query = "UPDATE members SET me_rev = ? WHERE chat_id = ? AND user_id = ?"
    db.execute(query, (rev, chat_id, user_id))
    hidden = len(hidden_in(db, chat_id, user_id, position.read))
    return MyChat(
        user_id,
        rev,
        chat_id,
        True,
        position.role,
        position.since,
        position.read,
        head.number - position.read_number - hidden,
        position.muted_until,
        unread_mentions(db, chat_id, user_id, position.read, head.mentioned),
    )


def mute(db: apsw.Connection, caches: Caches, change: Mute) -> Told | Missing:
    """Mute a chat for one of its members."""
    key = (change.chat_id, change.user_id)
    head, position = load_head(db, caches, change.chat_id), load_position(db, caches, *key)
    if head is None or position is None:
        return Missing()
    if position.muted_until == change.until:
        return Told(None)
    position.muted_until = change.until
    query = "UPDATE members SET muted_until = ? WHERE chat_id = ? AND user_id = ?"
    db.execute(query, (change.until, *key))
    return Told(tell(db, *key, head, position))
