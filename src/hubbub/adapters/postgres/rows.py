"""Small statements that several parts share, and how rows of a chat's log are found by position."""

import re
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from sys import intern
from typing import Any, Final, NamedTuple

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

SPANS: Final = """
    SELECT k.n, s.first_id, s.first_seq, s.last_seq
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) WITH ORDINALITY
        AS k (chat_id, bottom, top, n)
    JOIN spans s ON s.chat_id = k.chat_id AND s.first_seq < k.top AND s.last_seq >= k.bottom
"""
PARTS: Final = f"""
    SELECT k.n, m.*
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
        AS k (n, chat_id, bottom, top, first_id, most),
    LATERAL (SELECT {ROW} FROM messages WHERE chat_id = k.chat_id AND seq >= k.bottom
        AND seq < k.top AND id >= k.first_id AND id < k.first_id + {DAY_IDS}
        ORDER BY seq {{}} LIMIT k.most) m
"""
"""Of ranges numbered `n`, in one day each; first what comes first."""
HIDDEN: Final = (
    "SELECT seq FROM hidden WHERE user_id = $1 AND chat_id = $2 AND seq > $3 ORDER BY seq"
)
SEEN: Final = """
    SELECT k.n, s.* FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY
        AS k (chat_id, user_id, n),
    LATERAL (
        SELECT since, until, FALSE FROM stays WHERE chat_id = k.chat_id AND user_id = k.user_id
        UNION ALL SELECT since, until, FALSE FROM members
            WHERE chat_id = k.chat_id AND user_id = k.user_id
        UNION ALL SELECT seq, NULL, TRUE FROM hidden
            WHERE chat_id = k.chat_id AND user_id = k.user_id
    ) s ORDER BY s.since
"""
PRESENT: Final = (
    "SELECT chat_id, user_id FROM members WHERE chat_id = ANY($1) AND until IS NULL"
    " ORDER BY user_id"
)
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


class Range(NamedTuple):
    """Positions of a chat in [bottom, top), and how many messages are wanted at most."""

    chat_id: int
    bottom: int
    top: int
    most: int


class Day(NamedTuple):
    """A chat's positions that lie in one day, whose ids begin with `first_id`."""

    first_id: int
    first_seq: int
    last_seq: int


Days = deque[Day]


async def between(db: Any, *wanted: int, newest: bool) -> list[Row]:
    """The messages of one `Range`: see `between_each`."""
    (found,) = await between_each(db, [Range(*wanted)], newest=newest)
    return found


async def between_each(db: Any, ranges: Sequence[Range], *, newest: bool) -> list[list[Row]]:
    """The messages of each range: the newest first, or the oldest.

    Day by day: only those are looked into that hold some of them. Days may overlap a little.
    """
    days = await _days(db, ranges, newest=newest) if ranges else []
    query = PARTS.format("DESC" if newest else "ASC")
    found: list[list[Row]] = [[] for _ in ranges]
    while parts := [
        (n, *wanted[:3], days[n].popleft().first_id, wanted.most)
        for n, wanted in enumerate(ranges)
        if _goes_on(found[n], days[n], wanted.most, newest=newest)
    ]:
        for n, *row in await db.fetch(query, *columns(parts, 6)):
            found[n].append(row_of(row))
        for n, *_, most in parts:
            found[n].sort(key=lambda row: row.seq, reverse=newest)
            del found[n][most:]
    return found


async def _days(db: Any, ranges: Sequence[Range], *, newest: bool) -> list[Days]:
    """Those that hold messages of each range, in the order in which they are looked into."""
    held: list[list[Day]] = [[] for _ in ranges]
    for n, *day in await db.fetch(SPANS, *columns([wanted[:3] for wanted in ranges], 3)):
        held[n - 1].append(Day(*day))
    return [
        deque(sorted(days, key=lambda day: -day.last_seq if newest else day.first_seq))
        for days in held
    ]


def _goes_on(found: list[Row], days: Days, most: int, *, newest: bool) -> bool:
    """Whether the next day may hold messages that are wanted."""
    if not days or len(found) < most:
        return bool(days)
    cut = found[-1].seq
    return days[0].last_seq >= cut if newest else days[0].first_seq <= cut


async def present_members(db: Any, chat_ids: Collection[int]) -> dict[int, list[int]]:
    """Who is in each of the chats now."""
    found: dict[int, list[int]] = {chat_id: [] for chat_id in chat_ids}
    if found:
        for chat_id, user_id in await db.fetch(PRESENT, list(found)):
            found[chat_id].append(user_id)
    return found


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


async def seen_by(db: Any, readers: Sequence[tuple[Chat, int]]) -> list[list[Interval]]:
    """The positions of each chat that the user may see; none where he is not a member."""
    stays_: list[list[Interval]] = [[] for _ in readers]
    hidden_: list[list[int]] = [[] for _ in readers]
    keys = [(chat.id, user_id) for chat, user_id in readers]
    for n, since, until, hidden in await db.fetch(SEEN, *columns(keys, 2)) if keys else ():
        if hidden:
            hidden_[n - 1].append(since)
        else:
            stays_[n - 1].append(Interval(since, until))
    return [
        openings(chat, his, gone)
        for (chat, _), his, gone in zip(readers, stays_, hidden_, strict=True)
    ]


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
