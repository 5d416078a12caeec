"""Replies by the thread that they belong to, as one reader may see them."""

from collections.abc import Sequence
from typing import Any, Final

from hubbub.adapters.postgres.rows import ROW, row_of
from hubbub.domain.chat import Interval
from hubbub.domain.message import Row
from hubbub.domain.reading import COUNTED, sees, visible
from hubbub.domain.view import Replies

ANSWERED: Final = (
    "SELECT k.id FROM unnest($1::bigint[]) AS k (id) WHERE EXISTS"
    " (SELECT 1 FROM messages WHERE thread_id = k.id AND thread_id <> 0)"
)
PLACES: Final = (
    "SELECT seq, rev, at FROM messages WHERE thread_id = $1 AND thread_id <> 0 AND seq < $2"
    f" ORDER BY seq DESC LIMIT {COUNTED}"
)
REPLIES: Final = f"SELECT {ROW} FROM messages WHERE thread_id = $1 AND thread_id <> 0"
NEWER: Final = f"{REPLIES} AND seq > $2 ORDER BY seq LIMIT $3"
OLDER: Final = f"{REPLIES} AND seq < $2 ORDER BY seq DESC LIMIT $3"

END: Final = 2**62
"""Beyond every position."""


async def replies_to(
    db: Any, roots: Sequence[int], openings: Sequence[Interval]
) -> dict[int, Replies]:
    """What this reader may see of the replies to each message, where there is anything."""
    found: dict[int, Replies] = {}
    for (root,) in await db.fetch(ANSWERED, list(roots)) if roots else []:
        replies = await _count(db, root, openings)
        if replies is not None:
            found[root] = replies
    return found


async def _count(db: Any, root: int, openings: Sequence[Interval]) -> Replies | None:
    places: list[tuple[int, int]] = []
    below = END
    while len(places) < COUNTED:
        page = await db.fetch(PLACES, root, below)
        places += [(seq, at) for seq, rev, at in page if sees(seq, rev, openings)]
        if len(page) < COUNTED:
            break
        below = page[-1][0]
    return Replies(min(COUNTED, len(places)), *places[0]) if places else None


async def thread(
    db: Any, root: int, query: str, place: int, openings: Sequence[Interval], limit: int
) -> list[Row]:
    """The replies beyond a position that this reader may see; `query` is NEWER or OLDER."""
    found: list[Row] = []
    while len(found) < limit:
        page = [row_of(row) for row in await db.fetch(query, root, place, limit)]
        found += [row for row in page if visible(row, openings)]
        if len(page) < limit:
            break
        place = page[-1].seq
    return found[:limit]
