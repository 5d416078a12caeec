"""Small statements that several parts share, and how rows of a chat's log are found by position."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from sys import intern
from typing import Any, Final

from msgspec.structs import astuple

from hubbub.adapters.postgres.schema import DAY_IDS
from hubbub.domain.chat import Chat, Interval
from hubbub.domain.message import Row
from hubbub.domain.reading import openings

SENT: Final = (
    "id, chat_id, seq, rev, number, sender_id, client_id, at, type, content, media, reply_to,"
    " system, thread_id, extra"
)
_SENT_TYPES: Final = (
    *("bigint", "bigint", "bigint", "bigint", "bigint", "bigint", "bytea", "bigint"),
    *("text", "text", "bytea", "bigint", "bytea", "bigint", "bytea"),
)
INSERT: Final = (
    f"INSERT INTO messages ({SENT}) SELECT * FROM"
    f" unnest({', '.join(f'${n}::{of}[]' for n, of in enumerate(_SENT_TYPES, 1))})"
)
"""Messages as they were sent; see `sent_values`."""
ROW: Final = f"{SENT}, changed_at, edited, edited_at, deleted_at, pinned, reactions"
CHAT: Final = (
    "id, type, key, title, history, created_at, size, description, picture, posting,"
    " slow_seconds, visibility"
)
SILENT: Final = "EXISTS (SELECT 1 FROM privacy p WHERE p.user_id = {} AND NOT p.read_receipts)"
"""Whether the user of this column tells nobody what he has read."""
MESSAGE: Final = f"SELECT {ROW} FROM messages WHERE id = $1"

ARGUMENT: Final = re.compile(r"\$(\d+)")

SPANS: Final = (
    "SELECT first_id, first_seq, last_seq FROM spans"
    " WHERE chat_id = $1 AND first_seq < $3 AND last_seq >= $2"
)
PART: Final = (
    f"SELECT {ROW} FROM messages WHERE chat_id = $1 AND seq >= $2 AND seq < $3"
    " AND id >= $4 AND id < $5 ORDER BY seq"
)
HIDDEN: Final = (
    "SELECT seq FROM hidden WHERE user_id = $1 AND chat_id = $2 AND seq > $3 ORDER BY seq"
)
SEEN: Final = """
    SELECT since, until, FALSE FROM stays WHERE chat_id = $1 AND user_id = $2
    UNION ALL SELECT since, until, FALSE FROM members WHERE chat_id = $1 AND user_id = $2
    UNION ALL SELECT seq, NULL, TRUE FROM hidden WHERE chat_id = $1 AND user_id = $2
    ORDER BY since
"""
AT_OR_BELOW: Final = f"""
    LATERAL (SELECT max(first_seq) AS low FROM spans
        WHERE chat_id = k.chat_id AND first_seq <= k.seq) l,
    LATERAL (SELECT min(first_id) AS first, max(first_id) + {DAY_IDS} AS last FROM spans
        WHERE chat_id = k.chat_id AND first_seq <= k.seq AND last_seq >= l.low) s,
    LATERAL (SELECT id, seq, rev, number FROM messages WHERE chat_id = k.chat_id
        AND seq >= l.low AND seq <= k.seq AND id >= s.first AND id < s.last
        ORDER BY seq DESC LIMIT 1) m
"""
"""Joined to `k (chat_id, seq)`: the newest message `m` up to a position, if there is one."""


def words(values: Iterable[Any], *places: int) -> list[Any]:
    """The values with our own words in these places, not copies: frames leave out what is the
    default, which they see by identity.
    """
    found = list(values)
    for place in places:
        found[place] = intern(found[place])
    return found


def chat_of(values: Iterable[Any]) -> Chat:
    """A chat from its CHAT columns."""
    return Chat(*words(values, 1, 4, 9, 11))


def row_of(values: Iterable[Any]) -> Row:
    """A message from its ROW columns."""
    return Row(*words(values, 8))


def sent_values(row: Row) -> tuple[Any, ...]:
    """What a message's row begins with, before anything in it was changed: its SENT columns."""
    return astuple(row)[: len(_SENT_TYPES)]


async def load_chat(db: Any, chat_id: int) -> Chat | None:
    """A chat by id."""
    row = await db.fetchrow(f"SELECT {CHAT} FROM chats WHERE id = $1", chat_id)
    return None if row is None else chat_of(row)


async def load_message(db: Any, message_id: int) -> Row | None:
    """A message by id."""
    row = await db.fetchrow(MESSAGE, message_id)
    return None if row is None else row_of(row)


async def between(
    db: Any, chat_id: int, bottom: int, top: int, limit: int, *, newest: bool
) -> list[Row]:
    """Messages with positions in [bottom, top), `limit` at most: the newest first, or the oldest.

    Day by day: only those are looked into that hold some of them. Days may overlap a little.
    """
    spans = await db.fetch(SPANS, chat_id, bottom, top)
    spans.sort(key=lambda span: -span["last_seq"] if newest else span["first_seq"])
    query = f"{PART} {'DESC' if newest else 'ASC'} LIMIT $6"
    found: list[Row] = []
    for first_id, first_seq, last_seq in spans:
        if len(found) == limit:
            cut = found[-1].seq
            if last_seq < cut if newest else first_seq > cut:
                break
        rows = await db.fetch(query, chat_id, bottom, top, first_id, first_id + DAY_IDS, limit)
        found += [row_of(row) for row in rows]
        found.sort(key=lambda row: row.seq, reverse=newest)
        del found[limit:]
    return found


async def present_members(db: Any, chat_id: int) -> tuple[int, ...]:
    """Who is in the chat now."""
    query = "SELECT user_id FROM members WHERE chat_id = $1 AND until IS NULL ORDER BY user_id"
    return tuple(row[0] for row in await db.fetch(query, chat_id))


async def stays(db: Any, chat_id: int, user_id: int) -> list[Interval]:
    """All his stays in the chat, oldest first."""
    rows = await db.fetch(
        "SELECT since, until FROM stays WHERE chat_id = $1 AND user_id = $2"
        " UNION ALL SELECT since, until FROM members WHERE chat_id = $1 AND user_id = $2"
        " ORDER BY since",
        chat_id,
        user_id,
    )
    return [Interval(*row) for row in rows]


async def hidden_in(db: Any, chat_id: int, user_id: int, after: int = 0) -> list[int]:
    """Where the messages of a chat lie that the user has hidden from himself, in order."""
    return [row[0] for row in await db.fetch(HIDDEN, user_id, chat_id, after)]


async def seen_by(db: Any, chat: Chat, user_id: int) -> list[Interval]:
    """The positions of a chat that the user may see; none where he is not a member."""
    rows = await db.fetch(SEEN, chat.id, user_id)
    his = [Interval(since, until) for since, until, hidden in rows if not hidden]
    return openings(chat, his, [seq for seq, _, hidden in rows if hidden])


def columns(rows: Sequence[Sequence[Any]], count: int) -> list[list[Any]]:
    """Rows as one array a column, for `unnest`."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[]] * count


async def write(db: Any, rows: Mapping[str, Sequence[Sequence[Any]]]) -> None:
    """Carry out statements with their rows, as one: none of them sees what the others do."""
    wanted = {query: found for query, found in rows.items() if found}
    if wanted:
        values = [column for found in wanted.values() for column in columns(found, 0)]
        await db.execute(_joined(tuple(wanted)), *values)


@cache
def _joined(queries: tuple[str, ...]) -> str:
    """The last with the others in front of it, arguments numbered on from one to the next."""
    numbered, used = [], 0
    for query in queries:
        numbered.append(_renumber(query, used))
        used += len(set(ARGUMENT.findall(query)))
    *others, last = numbered
    named = [f"s{n} AS ({query})" for n, query in enumerate(others)]
    return f"WITH {', '.join(named)} {last}" if named else last


def _renumber(query: str, by: int) -> str:
    return ARGUMENT.sub(lambda found: f"${int(found[1]) + by}", query)
