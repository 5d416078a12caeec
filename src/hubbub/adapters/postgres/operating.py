"""What whoever looks after the server may see of everybody: never what was said."""

from typing import Final

from hubbub.adapters.postgres.database import Database
from hubbub.adapters.postgres.passing import recipient_views
from hubbub.adapters.postgres.rows import load_message, stays
from hubbub.domain.tracing import Traced, TracedMember

CHAT: Final = "SELECT history, seq FROM chats WHERE id = $1"
MEMBERS: Final = (
    "SELECT u.id, u.username, u.display_name, m.delivered, m.read"
    " FROM members m JOIN users u ON u.id = m.user_id"
    " WHERE m.chat_id = $1 AND m.user_id > $2 AND m.user_id <> $3 ORDER BY m.user_id LIMIT $4"
)


class PostgresOperating:
    """`Operating`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def trace(self, message_id: int, after: int, limit: int) -> Traced | None:
        """`Operating.trace`."""
        async with self._database.snapshot() as db:
            row = await load_message(db, message_id)
            if row is None:
                return None
            history, head = await db.fetchrow(CHAT, row.chat_id)
            # The recipients are some of the members, so this many reach as far.
            passed = {v.user_id: v for v in await recipient_views(db, row, after, limit + 1)}
            found = await db.fetch(MEMBERS, row.chat_id, after, row.sender_id, limit + 1)
            members = []
            for user_id, username, display_name, delivered, read in found[:limit]:
                view = passed.get(user_id)
                times = (None, None) if view is None else (view.delivered_at, view.read_at)
                intervals = await stays(db, row.chat_id, user_id)
                who = (user_id, username, display_name, intervals)
                members.append(TracedMember(*who, delivered, read, *times))
        return Traced(
            *(row.id, row.chat_id, row.sender_id, row.seq, row.number, row.at, row.type),
            history,
            head,
            members,
            len(found) > limit,
        )
