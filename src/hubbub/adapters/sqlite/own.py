"""The user's own log: read from the rows that it speaks of, by `me_rev`.

A kind is a table with that column, an index on (user_id, me_rev) and a function here.
"""

from collections.abc import Callable, Iterable
from typing import Final

import apsw

from hubbub.domain.own import MeEvent, MyChat


def _chats(db: apsw.Connection, user_id: int, after: int, limit: int) -> Iterable[MeEvent]:
    query = (
        "SELECT m.me_rev, m.chat_id, m.left IS NULL, m.role, m.since,"
        " iif(m.left IS NULL, m.read, 0), iif(m.left IS NULL, c.number - m.read_number, 0)"
        " FROM members m JOIN chats c ON c.id = m.chat_id"
        " WHERE m.user_id = ? AND m.me_rev > ? ORDER BY m.me_rev LIMIT ?"
    )
    for rev, chat_id, present, *rest in db.execute(query, (user_id, after, limit)):
        yield MyChat(user_id, rev, chat_id, bool(present), *rest)


KINDS: Final[tuple[Callable[[apsw.Connection, int, int, int], Iterable[MeEvent]], ...]] = (_chats,)
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
