"""Whom messages mention: one row for each user who is named, one for everybody together.

Rows of users who were not there are passed over by who reads them.
"""

from collections.abc import Sequence
from typing import Any, Final

from hubbub.adapters.postgres.rows import columns
from hubbub.domain.extra import EVERYBODY, unpack
from hubbub.domain.message import Row
from hubbub.domain.reading import COUNTED

INSERT: Final = (
    "INSERT INTO mentions (user_id, chat_id, at, seq)"
    " SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[])"
)
DELETE: Final = "DELETE FROM mentions WHERE chat_id = $1 AND seq = $2 AND user_id = ANY($3)"
UNREAD: Final = (
    "SELECT count(*) FROM (SELECT 1 FROM mentions n WHERE user_id = ANY($1) AND chat_id = $2"
    " AND seq > $3 AND NOT EXISTS (SELECT 1 FROM hidden h WHERE h.user_id = $4"
    f" AND h.chat_id = n.chat_id AND h.seq = n.seq) LIMIT {COUNTED}) found"
)


async def insert_mentions(db: Any, rows: Sequence[Row]) -> None:
    """Note whom these messages mention."""
    places = [
        (user, row.chat_id, row.at, row.seq)
        for row in rows
        for user in unpack(row.extra).mentioned
        if user != row.sender_id
    ]
    if places:
        await db.execute(INSERT, *columns(places, 4))


async def change_mentions(db: Any, before: Row, after: Row) -> None:
    """The message was changed."""
    if after.extra != before.extra:
        users = list(unpack(before.extra).mentioned)
        await db.execute(DELETE, before.chat_id, before.seq, users)
        await insert_mentions(db, [after])


async def unread_mentions(db: Any, chat_id: int, user_id: int, read: int, mentioned: int) -> int:
    """How many messages beyond the read cursor mention a present member, up to COUNTED.

    Not those that he has hidden from himself. `mentioned`: as the chat's head says.
    """
    if mentioned <= read:
        return 0
    count: int = await db.fetchval(UNREAD, [user_id, EVERYBODY], chat_id, read, user_id)
    return count
