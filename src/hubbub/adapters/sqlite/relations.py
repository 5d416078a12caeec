"""What there is between users, and when they were last seen."""

import apsw

from hubbub.adapters.sqlite.database import snapshot
from hubbub.domain.change import Placed, Seen
from hubbub.domain.chat import direct_key
from hubbub.domain.relation import Pair, Relation

PEER = (
    "SELECT o.user_id FROM members m CROSS JOIN chats c ON c.id = m.chat_id AND c.type = 'direct'"
    " CROSS JOIN members o ON o.chat_id = m.chat_id AND o.user_id <> m.user_id"
    " WHERE m.chat_id = ? AND m.user_id = ?"
)
RELATION = (
    "SELECT coalesce((SELECT c.id FROM chats c WHERE c.key = ?), 0), coalesce(s.at, 0)"
    " FROM users u LEFT JOIN last_seen s ON s.user_id = u.id WHERE u.id = ?"
)


class SqliteRelations:
    """`Relations` on one connection, synchronous."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._db = connection

    def relations(self, pairs: list[Pair]) -> list[Relation | None]:
        """`Relations.relations`."""
        with snapshot(self._db):
            return [self._relation(pair) for pair in pairs]

    def _relation(self, pair: Pair) -> Relation | None:
        user = pair.user_id
        other: int | None = pair.other_id or self._db.execute(PEER, (pair.chat_id, user)).get
        if other is None:
            return None
        row = self._db.execute(RELATION, (direct_key(user, other), other)).get
        return None if row is None else Relation(user, other, *row)


def saw(db: apsw.Connection, change: Seen) -> Placed:
    """Note when users were last seen; never back."""
    db.executemany(
        "INSERT INTO last_seen (user_id, at) VALUES (?, ?)"
        " ON CONFLICT DO UPDATE SET at = max(at, excluded.at)",
        change.users,
    )
    return Placed()
