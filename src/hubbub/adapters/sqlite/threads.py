"""Replies by the thread that they belong to, as one reader may see them."""

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import cast

import apsw

from hubbub.adapters.sqlite.rows import ROW
from hubbub.domain.chat import Interval
from hubbub.domain.message import Row
from hubbub.domain.reading import COUNTED, sees, visible
from hubbub.domain.view import Replies

ANSWERED = (
    "SELECT value FROM json_each(?) WHERE EXISTS"
    " (SELECT 1 FROM messages WHERE thread_id = value AND thread_id <> 0)"
)
PLACES = (
    "SELECT seq, rev, at FROM messages WHERE thread_id = ? AND thread_id <> 0 ORDER BY seq DESC"
)
NEWER = (
    f"SELECT {ROW} FROM messages WHERE thread_id = ? AND thread_id <> 0 AND seq > ? ORDER BY seq"
)
OLDER = (
    f"SELECT {ROW} FROM messages WHERE thread_id = ? AND thread_id <> 0 AND seq < ?"
    " ORDER BY seq DESC"
)


def replies_to(
    db: apsw.Connection, roots: Sequence[int], openings: Sequence[Interval]
) -> dict[int, Replies]:
    """What this reader may see of the replies to each message, where there is anything."""
    found: dict[int, Replies] = {}
    for (root,) in cast(list[tuple[int]], db.execute(ANSWERED, (json.dumps(roots),)).fetchall()):
        places = (
            (seq, at) for seq, rev, at in db.execute(PLACES, (root,)) if sees(seq, rev, openings)
        )
        newest = next(places, None)
        if newest is not None:
            count = 1 + sum(1 for _ in islice(places, COUNTED - 1))
            found[root] = Replies(count, *newest)
    return found


def thread(
    db: apsw.Connection, root: int, query: str, place: int, openings: Sequence[Interval]
) -> Iterator[Row]:
    """The replies beyond a position that this reader may see; `query` is NEWER or OLDER."""
    for stored in db.execute(query, (root, place)):
        row = Row(*stored)
        if visible(row, openings):
            yield row
