"""What there is between users, and when they were last seen."""

from collections.abc import Sequence
from typing import Final

from hubbub.adapters.postgres.database import Database
from hubbub.adapters.postgres.rows import columns
from hubbub.domain.chat import direct_key
from hubbub.domain.relation import Pair, Relation

PEERS: Final = """
    SELECT k.n, o.user_id FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY
        AS k (user_id, chat_id, n)
    JOIN members m ON m.chat_id = k.chat_id AND m.user_id = k.user_id
    JOIN chats c ON c.id = m.chat_id AND c.type = 'direct'
    JOIN members o ON o.chat_id = m.chat_id AND o.user_id <> m.user_id
"""
RELATIONS: Final = """
    SELECT k.n, u.id, coalesce(c.id, 0), coalesce(s.at, 0)
    FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS k (user_id, key, n)
    JOIN users u ON u.id = k.user_id
    LEFT JOIN chats c ON c.key = k.key LEFT JOIN last_seen s ON s.user_id = u.id
"""


class PostgresRelations:
    """`Relations`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def relations(self, pairs: Sequence[Pair]) -> list[Relation | None]:
        """`Relations.relations`."""
        found: list[Relation | None] = [None] * len(pairs)
        async with self._database.snapshot() as db:
            named = [(pair.user_id, pair.chat_id) for pair in pairs]
            peers = dict(await db.fetch(PEERS, *columns(named, 2)))
            others = [pair.other_id or peers.get(n, 0) for n, pair in enumerate(pairs, 1)]
            keys = [
                (other, direct_key(pair.user_id, other))
                for pair, other in zip(pairs, others, strict=True)
            ]
            for n, *relation in await db.fetch(RELATIONS, *columns(keys, 2)):
                found[n - 1] = Relation(pairs[n - 1].user_id, *relation)
        return found
