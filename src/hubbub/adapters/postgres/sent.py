"""What makes a message unique for its sender (G2), over days that are dropped one by one.

A UUIDv7 says when it was made. One made about now lies in the partition of its day, which is kept
for as long after as duplicates must be known. All others (another version, a clock that is wrong)
lie in `sent_others`. Where a key may be in either, both are looked at, so that it does not matter
when it comes again, nor what the clock says by then.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from msgspec.structs import replace

from hubbub.adapters.postgres.rows import ROW, columns, row_of
from hubbub.adapters.postgres.schema import DAY_MS
from hubbub.domain.change import Post
from hubbub.domain.log import Dedupe, dedupe
from hubbub.domain.message import Row

NEAR_DAYS: Final = 1
"""How far the day in a UUIDv7 may be from today, to be believed."""
KEPT_DAYS: Final = 32
"""How long a day's partition is to be kept: what came up to NEAR_DAYS later was known 30 days."""

_KEYS: Final = (
    "unnest($1::bigint[], $2::bytea[], $3::bigint[], $4::bigint[])"
    " AS k (sender_id, client_id, message_id, day)"
)
CLAIM: Final = f"""
    INSERT INTO sent (sender_id, client_id, message_id, day) SELECT k.* FROM {_KEYS}
    WHERE NOT EXISTS (SELECT FROM sent_others o
        WHERE o.client_id = k.client_id AND o.sender_id = k.sender_id)
    ORDER BY k.client_id, k.sender_id ON CONFLICT DO NOTHING RETURNING sender_id, client_id
"""
CLAIM_OTHERS: Final = f"""
    INSERT INTO sent_others (sender_id, client_id, message_id, day) SELECT k.* FROM {_KEYS}
    ORDER BY k.client_id, k.sender_id ON CONFLICT DO NOTHING RETURNING sender_id, client_id
"""
FIND: Final = """
    WITH k AS (SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bigint[])
        AS k (sender_id, client_id, day))
    SELECT s.sender_id, s.client_id, s.message_id FROM k JOIN sent s
        ON s.client_id = k.client_id AND s.sender_id = k.sender_id AND s.day = k.day
    UNION ALL
    SELECT s.sender_id, s.client_id, s.message_id FROM k JOIN sent_others s
        ON s.client_id = k.client_id AND s.sender_id = k.sender_id
"""
MESSAGES: Final = (
    f"SELECT {ROW} FROM messages JOIN unnest($1::bigint[]) AS k (wanted) ON id = k.wanted"
)
FIRST: Final = """
    SELECT k.id, e.* FROM unnest($1::bigint[]) AS k (id), LATERAL (SELECT content, media, extra
        FROM edits WHERE message_id = k.id ORDER BY rev LIMIT 1) e
"""


def made_on(client_id: bytes) -> int:
    """The Unix day inside a UUIDv7; -1 in any other."""
    if len(client_id) != 16 or client_id[6] >> 4 != 7 or client_id[8] >> 6 != 2:
        return -1
    return int.from_bytes(client_id[:6], "big") // DAY_MS


def is_near(client_id: bytes, today: int) -> bool:
    """Whether its key lies in the partition of its day when it comes today."""
    return abs(made_on(client_id) - today) <= NEAR_DAYS


async def claim(db: Any, posts: Sequence[Post], today: int) -> set[Dedupe]:
    """Make the keys of these posts theirs. Those that are not answered are another message's.

    Waits for a transaction of others that has just claimed the same key.
    """
    keys = {(p.sender_id, p.client_id): p.id for p in reversed(posts) if p.client_id is not None}
    near = [(*key, id_, made_on(key[1])) for key, id_ in keys.items() if is_near(key[1], today)]
    others = [(*key, id_, today) for key, id_ in keys.items() if not is_near(key[1], today)]
    if any(made_on(client_id) >= 0 for _, client_id, _, _ in others):
        stored = await find(db, [other[:2] for other in others])
        others = [other for other in others if other[:2] not in stored]
    claimed: set[Dedupe] = set()
    for query, rows in ((CLAIM, near), (CLAIM_OTHERS, others)):
        if rows:
            claimed |= {(row[0], row[1]) for row in await db.fetch(query, *columns(rows, 4))}
    return claimed


async def find(db: Any, keys: Iterable[tuple[int, bytes]]) -> dict[Dedupe, int]:
    """The messages that have these keys."""
    rows = [(sender, client_id, made_on(client_id)) for sender, client_id in keys]
    if not rows:
        return {}
    return {(row[0], row[1]): row[2] for row in await db.fetch(FIND, *columns(rows, 3))}


async def known_posts(db: Any, posts: Sequence[Post], *, check_ids: bool) -> dict[Dedupe, Row]:
    """Those of the posts that are stored already; `check_ids`: those without a client_id too."""
    keys = [(p.sender_id, p.client_id) for p in posts if p.client_id is not None]
    wanted = list((await find(db, keys)).values())
    if check_ids:
        wanted += [p.id for p in posts if p.client_id is None]
    if not wanted:
        return {}
    rows = [row_of(row) for row in await db.fetch(MESSAGES, wanted)]
    edited = [row.id for row in rows if row.edited]
    first = {row[0]: row[1:] for row in await db.fetch(FIRST, edited)} if edited else {}
    found: dict[Dedupe, Row] = {}
    for row in rows:
        content, media, extra = first.get(row.id, (row.content, row.media, row.extra))
        key = (row.sender_id, row.id if row.client_id is None else row.client_id)
        found[key] = replace(row, content=content, media=media, extra=extra)
    mine = {dedupe(post) for post in posts}
    return {key: known for key, known in found.items() if key in mine}
