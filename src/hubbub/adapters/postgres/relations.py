"""How users stand to each other, and when they were last seen."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from hubbub.adapters.postgres.database import Database
from hubbub.adapters.postgres.rows import columns
from hubbub.adapters.postgres.work import Work
from hubbub.domain.account import User
from hubbub.domain.change import Denied, Missing
from hubbub.domain.chat import direct_key
from hubbub.domain.own import MeEvent, MyBlock, MySettings, SetBlock, SetMe, Told
from hubbub.domain.policy import may_block, may_write
from hubbub.domain.relation import PLAIN, Pair, Privacy, Relation, Stance

PEERS: Final = """
    SELECT k.n, o.user_id FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY
        AS k (user_id, chat_id, n)
    JOIN members m ON m.chat_id = k.chat_id AND m.user_id = k.user_id
    JOIN chats c ON c.id = m.chat_id AND c.type = 'direct'
    JOIN members o ON o.chat_id = m.chat_id AND o.user_id <> m.user_id
"""
RELATIONS: Final = """
    SELECT k.n, k.user_id, u.id, coalesce(c.id, 0), coalesce(m.sent_at, 0) > 0, coalesce(s.at, 0),
        EXISTS (SELECT 1 FROM blocks b WHERE b.blocked AND (b.user_id = k.user_id
            AND b.other_id = u.id OR b.user_id = u.id AND b.other_id = k.user_id)),
        coalesce(p.inbox, 'everyone'), coalesce(p.last_seen, TRUE) AND coalesce(q.last_seen, TRUE)
    FROM unnest($1::bigint[], $2::bigint[], $3::text[]) WITH ORDINALITY
        AS k (user_id, other_id, key, n)
    JOIN users u ON u.id = k.other_id
    LEFT JOIN chats c ON c.key = k.key
    LEFT JOIN members m ON m.chat_id = c.id AND m.user_id = u.id
    LEFT JOIN last_seen s ON s.user_id = u.id
    LEFT JOIN privacy p ON p.user_id = u.id LEFT JOIN privacy q ON q.user_id = k.user_id
"""
PRIVACY: Final = (
    "SELECT user_id, read_receipts, last_seen, inbox FROM privacy WHERE user_id = ANY($1)"
)
SAVE_PRIVACY: Final = """
    INSERT INTO privacy (user_id, me_rev, read_receipts, last_seen, inbox)
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (user_id) DO UPDATE SET me_rev = excluded.me_rev,
        read_receipts = excluded.read_receipts, last_seen = excluded.last_seen,
        inbox = excluded.inbox
"""
NAME: Final = "SELECT display_name FROM users WHERE id = $1"
SAVE_NAME: Final = "UPDATE users SET display_name = $2 WHERE id = $1"
BLOCKED: Final = "SELECT user_id, other_id FROM blocks WHERE user_id = ANY($1) AND blocked"
SAVE_BLOCK: Final = """
    INSERT INTO blocks (user_id, other_id, me_rev, blocked) VALUES ($1, $2, $3, $4)
    ON CONFLICT (user_id, other_id) DO UPDATE
        SET me_rev = excluded.me_rev, blocked = excluded.blocked
"""
BLOCK_LOG: Final = (
    "SELECT me_rev, other_id, blocked FROM blocks"
    " WHERE user_id = $1 AND me_rev > $2 ORDER BY me_rev LIMIT $3"
)
BLOCKED_USERS: Final = (
    "SELECT u.id, u.username, u.display_name, '', u.is_admin, u.created_at"
    " FROM blocks b JOIN users u ON u.id = b.other_id"
    " WHERE b.user_id = $1 AND b.other_id > $2 AND b.blocked ORDER BY b.other_id LIMIT $3"
)


class PostgresRelations:
    """`Relations`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def relations(self, pairs: Sequence[Pair]) -> list[Relation | None]:
        """`Relations.relations`."""
        async with self._database.snapshot() as db:
            return await load_relations(db, pairs)

    async def stance(self, user_id: int) -> Stance:
        """`Relations.stance`."""
        async with self._database.snapshot() as db:
            rev = await db.fetchval("SELECT me_head FROM users WHERE id = $1", user_id)
            return await load_stance(db, user_id, rev or 0)

    async def blocked(self, user_id: int, after: int, limit: int) -> list[User]:
        """`Relations.blocked`."""
        async with self._database.snapshot() as db:
            return [User(*row) for row in await db.fetch(BLOCKED_USERS, user_id, after, limit)]


async def load_relations(db: Any, pairs: Sequence[Pair]) -> list[Relation | None]:
    """How users stand to others; None: there is no such user, or no such chat of his."""
    found: list[Relation | None] = [None] * len(pairs)
    named = [(pair.user_id, pair.chat_id) for pair in pairs]
    peers: dict[int, int] = {}
    if any(not pair.other_id for pair in pairs):
        peers = dict(await db.fetch(PEERS, *columns(named, 2)))
    others = [pair.other_id or peers.get(n, 0) for n, pair in enumerate(pairs, 1)]
    keys = [
        (pair.user_id, other, direct_key(pair.user_id, other))
        for pair, other in zip(pairs, others, strict=True)
    ]
    for n, *relation in await db.fetch(RELATIONS, *columns(keys, 3)):
        found[n - 1] = Relation(*relation)
    return found


async def is_shut(db: Any, pair: Pair) -> bool:
    """Whether the user may not write to the other."""
    (relation,) = await load_relations(db, [pair])
    return relation is not None and may_write(relation) is not None


async def load_stance(db: Any, user_id: int, rev: int) -> Stance:
    """How the user stands to others now, when his own log is at `rev`."""
    return (await load_stances(db, {user_id: rev}))[user_id]


async def load_stances(db: Any, revs: Mapping[int, int]) -> dict[int, Stance]:
    """The same of several, by user."""
    users = list(revs)
    blocked: dict[int, list[int]] = {user_id: [] for user_id in users}
    for user_id, other_id in await db.fetch(BLOCKED, users):
        blocked[user_id].append(other_id)
    privacy = {user_id: Privacy(*said) for user_id, *said in await db.fetch(PRIVACY, users)}
    return {
        user_id: Stance(rev, privacy.get(user_id, PLAIN.privacy), frozenset(blocked[user_id]))
        for user_id, rev in revs.items()
    }


async def _name(db: Any, user_id: int) -> str:
    return await db.fetchval(NAME, user_id) or ""


# ── changes ──────────────────────────────────────────────────────────────────────────────────


async def set_me(work: Work, change: SetMe) -> Told:
    """Give a user's switches other values, or him another name; what is so already is no change."""
    db, user_id = work.db, change.user_id
    before = (await load_stance(db, user_id, 0)).privacy
    called = await _name(db, user_id)
    privacy, name = replace(before, **change.wanted), change.display_name or called
    if (privacy, name) == (before, called):
        return Told(None)
    work.silence(user_id, privacy.silent)
    rev = work.next_me(user_id)
    values = (privacy.read_receipts, privacy.last_seen, privacy.inbox)
    await db.execute(SAVE_PRIVACY, user_id, rev, *values)
    await db.execute(SAVE_NAME, user_id, name)
    return Told(MySettings(user_id, rev, privacy, name), await load_stance(db, user_id, rev))


async def set_block(work: Work, change: SetBlock) -> Told | Missing | Denied:
    """Block a user, or do not any more."""
    db, user_id, other_id = work.db, change.user_id, change.other_id
    (relation,) = await load_relations(db, [Pair(user_id, other_id)])
    if relation is None:
        return Missing()
    blocked = (await load_stance(db, user_id, 0)).blocked
    if (other_id in blocked) == change.blocked:
        return Told(None)
    if change.blocked and (denied := may_block(user_id, other_id, len(blocked))) is not None:
        return denied
    rev = work.next_me(user_id)
    await db.execute(SAVE_BLOCK, user_id, other_id, rev, change.blocked)
    chat_id = 0 if relation.chat_id in work.unmade else relation.chat_id
    me = MyBlock(user_id, rev, other_id, change.blocked, chat_id)
    return Told(me, await load_stance(db, user_id, rev))


async def settings_log(db: Any, user_id: int, after: int, limit: int) -> list[MeEvent]:
    """The own log's events of kind `settings`: at most one."""
    rev = await db.fetchval("SELECT me_rev FROM privacy WHERE user_id = $1", user_id) or 0
    if rev <= after or not limit:
        return []
    privacy = (await load_stance(db, user_id, rev)).privacy
    return [MySettings(user_id, rev, privacy, await _name(db, user_id))]


async def block_log(db: Any, user_id: int, after: int, limit: int) -> list[MeEvent]:
    """The own log's events of kind `block`."""
    rows = await db.fetch(BLOCK_LOG, user_id, after, limit)
    relations = await load_relations(db, [Pair(user_id, other) for _, other, _ in rows])
    return [
        MyBlock(user_id, rev, other, blocked, relation.chat_id if relation else 0)
        for (rev, other, blocked), relation in zip(rows, relations, strict=True)
    ]
