"""The ends of several chats' logs at once, and who is in these chats."""

from collections.abc import Sequence
from typing import Final

from hubbub.adapters.postgres.database import Database
from hubbub.adapters.postgres.joining import USER
from hubbub.adapters.postgres.replay import C
from hubbub.adapters.postgres.rows import SILENT, Range, between_each, chat_of, words
from hubbub.adapters.postgres.seats import MEMBER
from hubbub.domain.account import User
from hubbub.domain.chat import LARGE, Head, Interval, Member
from hubbub.domain.recent import TAIL, Attendance, Excerpt

CHATS: Final = (
    f"SELECT {C}, c.seq, c.number, c.at, c.mentioned FROM chats c"
    f" WHERE c.id = ANY($1) AND c.size <= {LARGE}"
)
MEMBERS: Final = f"""
    SELECT {MEMBER}, {USER}, {SILENT.format("m.user_id")},
        ARRAY(SELECT since FROM stays WHERE chat_id = m.chat_id AND user_id = m.user_id
            ORDER BY since),
        ARRAY(SELECT until FROM stays WHERE chat_id = m.chat_id AND user_id = m.user_id
            ORDER BY since),
        ARRAY(SELECT seq FROM hidden WHERE chat_id = m.chat_id AND user_id = m.user_id
            ORDER BY seq)
    FROM members m JOIN users u ON u.id = m.user_id
    WHERE m.chat_id = ANY($1) AND m.until IS NULL
"""


class PostgresExcerpts:
    """Excerpts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def excerpts(self, chat_ids: Sequence[int]) -> list[Excerpt]:
        """Those of the chats that are there and not large. Raises Unavailable."""
        found: list[Excerpt] = []
        async with self._database.snapshot() as db:
            chats = await db.fetch(CHATS, list(chat_ids))
            small = [row[0] for row in chats]
            members: dict[int, list[Attendance]] = {chat_id: [] for chat_id in small}
            for row in await db.fetch(MEMBERS, small):
                stays = [Interval(*stay) for stay in zip(row[18], row[19], strict=True)]
                member, user = Member(*words(row[:11], 2)), User(*row[11:17])
                members[row[0]].append(Attendance(user, member, stays, row[20], row[17]))
            tails = [Range(row[0], 1, row[12] + 1, TAIL + 1) for row in chats]
            each = await between_each(db, tails, newest=True)
            for row, newest in zip(chats, each, strict=True):
                head = Head(*row[12:16])
                rows, whole = newest[:TAIL][::-1], len(newest) <= TAIL
                chat = chat_of(row[:12])
                found.append(Excerpt(chat, head, members[chat.id], rows, whole))
        return found
