"""What whoever looks after the server may see of everybody: never what was said."""

from typing import Any, cast

import apsw

from hubbub.adapters.sqlite.database import snapshot
from hubbub.adapters.sqlite.passing import recipient_views
from hubbub.adapters.sqlite.seats import MESSAGE, STAYS
from hubbub.domain.chat import Interval
from hubbub.domain.message import Row
from hubbub.domain.tracing import Traced, TracedMember
from hubbub.domain.view import RecipientView

CHAT = "SELECT history, seq FROM chats WHERE id = ?"
MEMBERS = (
    "SELECT u.id, u.username, u.display_name, m.since, m.left, m.delivered, m.read"
    " FROM members m CROSS JOIN users u ON u.id = m.user_id"
    " WHERE m.chat_id = ? AND m.user_id > ? AND m.user_id <> ? ORDER BY m.user_id LIMIT ?"
)


class SqliteOperating:
    """`Operating` on one connection, synchronous."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._db = connection

    def trace(self, message_id: int, after: int, limit: int) -> Traced | None:
        """`Operating.trace`."""
        with snapshot(self._db):
            stored = self._db.execute(MESSAGE, (message_id,)).get
            if stored is None:
                return None
            row = Row(*stored)
            history, head = self._db.execute(CHAT, (row.chat_id,)).get
            # The recipients are some of the members, so this many reach as far.
            passed = {v.user_id: v for v in recipient_views(self._db, row, after, limit + 1)}
            found = self._db.execute(MEMBERS, (row.chat_id, after, row.sender_id, limit + 1))
            rows = cast(list[tuple[Any, ...]], found.fetchall())
            members = [self._member(row, passed, *member) for member in rows]
        return Traced(
            *(row.id, row.chat_id, row.sender_id, row.seq, row.number, row.at, row.type),
            history,
            head,
            members[:limit],
            len(members) > limit,
        )

    def _member(
        self, row: Row, passed: dict[int, RecipientView], user: int, *rest: Any
    ) -> TracedMember:
        username, display_name, since, left, delivered, read = rest
        earlier = self._db.execute(STAYS, (row.chat_id, user)).fetchall()
        stays = [Interval(*stay) for stay in cast(list[tuple[int, int]], earlier)]
        stays.append(Interval(since, left))
        view = passed.get(user)
        times = (None, None) if view is None else (view.delivered_at, view.read_at)
        return TracedMember(user, username, display_name, stays, delivered, read, *times)
