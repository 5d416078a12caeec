"""Whom messages mention: one row for each user who is named, one for everybody together.

So a mention of everybody costs the same in every group. What is unread is counted from the newest
on, and only where the chat has mentions beyond the read cursor. Rows of users who were not there
are passed over by who reads them.
"""

from collections.abc import Iterator
from heapq import merge
from itertools import islice, takewhile
from typing import Final, cast

import apsw

from hubbub.domain.extra import EVERYBODY, unpack
from hubbub.domain.message import Row
from hubbub.domain.reading import COUNTED

INSERT: Final = "INSERT INTO mentions (user_id, chat_id, at, seq) VALUES (?,?,?,?)"
DELETE: Final = "DELETE FROM mentions WHERE user_id = ? AND chat_id = ? AND at = ? AND seq = ?"
NEWEST = (
    "SELECT seq FROM mentions n WHERE user_id = ? AND chat_id = ? AND NOT EXISTS (SELECT 1"
    " FROM hidden h WHERE h.user_id = ? AND h.chat_id = n.chat_id AND h.seq = n.seq)"
    " ORDER BY at DESC, seq DESC"
)
OLDER = (
    "SELECT at, seq FROM mentions WHERE user_id = ? AND chat_id = ? AND (at, seq) < (?, ?)"
    " ORDER BY at DESC, seq DESC"
)


def insert_mentions(db: apsw.Connection, rows: list[Row]) -> None:
    """Note whom these messages mention."""
    db.executemany(INSERT, [place for row in rows for place in _places(row)])


def change_mentions(db: apsw.Connection, before: Row, after: Row) -> None:
    """The message was changed."""
    if after.extra != before.extra:
        db.executemany(DELETE, _places(before))
        db.executemany(INSERT, _places(after))


def _places(row: Row) -> list[tuple[int, int, int, int]]:
    users = unpack(row.extra).mentioned
    return [(user, row.chat_id, row.at, row.seq) for user in users if user != row.sender_id]


def unread_mentions(
    db: apsw.Connection, chat_id: int, user_id: int, read: int, mentioned: int
) -> int:
    """How many messages beyond the read cursor mention a present member, up to COUNTED.

    Not those that he has hidden from himself. `mentioned`: as the chat's head says.
    """
    if mentioned <= read:
        return 0
    count = 0
    for who in (user_id, EVERYBODY):
        found = cast(Iterator[tuple[int]], db.execute(NEWEST, (who, chat_id, user_id)))
        seqs = (seq for (seq,) in found)
        count += sum(1 for _ in islice(takewhile(lambda seq: seq > read, seqs), COUNTED))
    return min(count, COUNTED)


def older_mentions(
    db: apsw.Connection, chat_id: int, user_id: int, below: tuple[int, int]
) -> Iterator[tuple[int, int]]:
    """(at, seq) of the messages of a chat that mention the user or everybody, newest first."""
    each = (db.execute(OLDER, (who, chat_id, *below)) for who in (user_id, EVERYBODY))
    return merge(*cast(Iterator[Iterator[tuple[int, int]]], each), reverse=True)
