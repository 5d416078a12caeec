"""Reads of the message path: whom a chat reaches, what changed, and the folded log."""

from collections.abc import Sequence
from typing import Any, Final

from msgspec.structs import replace

from hubbub.adapters.postgres.own import own_log
from hubbub.adapters.postgres.relations import load_relations, load_stance
from hubbub.adapters.postgres.rows import (
    CHAT,
    ROW,
    between,
    chat_of,
    columns,
    load_message,
    present_members,
    row_of,
    seen_by,
)
from hubbub.adapters.postgres.schema import OPEN
from hubbub.adapters.postgres.sent import find as find_sent
from hubbub.domain.chat import LARGE, NAMED, Chat, Found, Head, Interval
from hubbub.domain.message import Row
from hubbub.domain.policy import may_write
from hubbub.domain.reading import Log, ReplayBounds, bound, visible
from hubbub.domain.relation import Pair
from hubbub.domain.view import Place, Places
from hubbub.ports import LogRead, Lookup, ResumeFrom

C: Final = ", ".join(f"c.{name}" for name in CHAT.split(", "))
FIND: Final = f"""
    SELECT k.n, {C}, c.seq, c.number, c.at, c.mentioned, CASE WHEN c.size <= {LARGE} THEN ARRAY(
        SELECT user_id FROM members WHERE chat_id = c.id AND until IS NULL ORDER BY user_id)
        ELSE '{{}}' END, m.role, coalesce(m.sent_at, 0)
    FROM unnest($1::bigint[], $2::bigint[], $3::text[]) WITH ORDINALITY
        AS k (user_id, chat_id, key, n)
    CROSS JOIN LATERAL (SELECT * FROM chats WHERE id = k.chat_id UNION ALL
        SELECT * FROM chats WHERE key = k.key AND k.chat_id = 0) c
    LEFT JOIN members m ON m.chat_id = c.id AND m.user_id = k.user_id AND m.until IS NULL
"""
PLACES: Final = (
    "SELECT c.id, c.seq, c.at, c.size, m.since, m.received"
    " FROM members m JOIN chats c ON c.id = m.chat_id WHERE m.user_id = $1 AND m.until IS NULL"
)
SINCE: Final = (
    "(SELECT since FROM members WHERE chat_id = chats.id AND user_id = $2 AND until IS NULL)"
)
CHANGED: Final = (
    f"SELECT {ROW} FROM messages WHERE chat_id = $1 AND rev > $2 AND rev <> seq ORDER BY rev"
)


async def find(db: Any, lookups: Sequence[Lookup]) -> list[Found | None]:
    """The chats with their people, as sends need them."""
    found: list[Found | None] = [None] * len(lookups)
    rows = [(one.user_id, one.chat_id, one.key) for one in lookups]
    there = await db.fetch(FIND, *columns(rows, 3))
    shut_in = await _shut(db, [row[17] for row in there if row[2] == "direct"])
    for n, *row in there:
        chat, head = chat_of(row[:12]), Head(*row[12:16])
        members, role, sent_at = row[16:]
        lookup = lookups[n - 1]
        reply = await _thread(db, chat, lookup) if lookup.reply_to else 0
        shut = [user for user in members if chat.type == "direct" and (user, *members) in shut_in]
        unseen = lookup.reply_to != 0 and not reply
        guarded = unseen or role is None or lookup.guarded or bool(shut) or not chat.free
        known = guarded and await _is_sent(db, lookup, chat.id)
        place = (tuple(members), role, reply, sent_at, known)
        found[n - 1] = Found(chat, head, *place, not shut, lookup.user_id in shut)
    return found


async def _shut(db: Any, direct: Sequence[Sequence[int]]) -> set[tuple[int, ...]]:
    """Of the two of each direct chat those who may not write to the other, with both."""
    pairs = [Pair(user, other) for both in direct for user, other in (both, both[::-1])]
    if not pairs:
        return set()
    relations = await load_relations(db, pairs)
    return {
        (r.user_id, *sorted((r.user_id, r.other_id)))
        for r in relations
        if r is not None and may_write(r) is not None
    }


async def _is_sent(db: Any, lookup: Lookup, chat_id: int) -> bool:
    if lookup.client_id is None:
        return False
    for message_id in (await find_sent(db, [(lookup.user_id, lookup.client_id)])).values():
        row = await load_message(db, message_id)
        return row is not None and row.chat_id == chat_id
    return False


async def _thread(db: Any, chat: Chat, lookup: Lookup) -> int:
    """The thread of the message that is replied to, 0 where the user may not see it."""
    row = await load_message(db, lookup.reply_to)
    if row is None or row.chat_id != chat.id:
        return 0
    seen = visible(row, await seen_by(db, chat, lookup.user_id))
    return (row.thread_id or row.id) if seen else 0


async def places(db: Any, reader: ResumeFrom) -> Places:
    """What changed since the reader's places, chats by last activity."""
    query = "SELECT own_places, me_place FROM sessions WHERE id = $1"
    own_places, me_place = await db.fetchrow(query, reader.session_id) or (False, 0)
    kept = None
    if own_places and reader.positions is None:
        query = "SELECT chat_id, seq FROM places WHERE session_id = $1"
        kept = dict(await db.fetch(query, reader.session_id))
    changed: list[Place] = []
    heads: dict[int, int] = {}
    large: dict[int, int] = {}
    for chat_id, head, at, size, since, received in await db.fetch(PLACES, reader.user_id):
        heads[chat_id] = head
        start = since - 1
        if reader.positions is not None:
            place = reader.positions.get(chat_id, start)
        elif kept is not None:
            place = kept.get(chat_id, start)
        else:
            place = max(received, start)
        if place < head:
            changed.append(Place(chat_id, place, head, at, size > LARGE, since))
        if size > LARGE:
            large[chat_id] = since
    changed.sort(key=lambda p: (-p.at, -p.chat_id))
    after = me_place if reader.positions is None else reader.me
    me, me_head = await own_log(db, reader.user_id, after, 1_000_000)
    stance = await load_stance(db, reader.user_id, me_head)
    return Places(changed, heads, large, me, after, me_head, stance)


async def log(db: Any, read: LogRead) -> Log | None:
    """A chat's folded log after a place, as its reader may see it; None for who is no member."""
    query = f"SELECT {CHAT}, seq, changed, {SINCE} FROM chats WHERE id = $1"
    found = await db.fetchrow(query, read.chat_id, read.user_id)
    if found is None:
        return None
    *columns_, head, changed, since = found
    chat = chat_of(columns_)
    openings_ = [Interval(1)]
    if read.user_id:
        openings_ = await seen_by(db, chat, read.user_id)
        if not openings_:
            return None
    newest = read.bounds is not None
    rows = await _after(db, read, changed > read.after, newest=newest)
    if read.bounds is None:
        result = _oldest_first(read, rows, head, openings_)
    else:
        result = _newest(read, read.bounds, rows, head, openings_)
    named = result.rows and chat.size <= NAMED
    members = await present_members(db, chat.id) if named else ()
    return replace(result, members=members, since=since or 0)


def _newest(
    read: LogRead, bounds: ReplayBounds, rows: list[Row], head: int, openings_: list[Interval]
) -> Log:
    more = len(rows) > read.limit
    shown = [r for r in reversed(rows[: read.limit]) if visible(r, openings_)]
    place = max(read.after, openings_[0].since - 1)
    most = min(read.limit, bounds.per_chat)
    result = bound(read.chat_id, shown, place, head, read.now - bounds.age_ms, most)
    if more and result.gap is None:
        first = result.rows[0].rev if result.rows else head + 1
        return Log(read.chat_id, result.rows, head, (place + 1, first - 1))
    return result


def _oldest_first(read: LogRead, rows: list[Row], head: int, intervals: list[Interval]) -> Log:
    more = len(rows) > read.limit
    rows = rows[: read.limit]
    position = rows[-1].rev if more else max(head, read.after)
    shown = [r for r in rows if visible(r, intervals)]
    return Log(read.chat_id, shown, position, None, more)


async def _after(db: Any, read: LogRead, any_changed: bool, *, newest: bool) -> list[Row]:
    """Up to limit + 1 messages with rev > after, by rev: those unchanged and those changed.

    Changed ones may lie in any day: they are looked for only where there can be some.
    """
    limit = read.limit + 1
    if not any_changed:
        return await between(db, read.chat_id, read.after + 1, OPEN, limit, newest=newest)
    rows = await _unchanged(db, read, limit, newest=newest)
    query = f"{CHANGED} {'DESC' if newest else 'ASC'} LIMIT $3"
    rows += [row_of(row) for row in await db.fetch(query, read.chat_id, read.after, limit)]
    rows.sort(key=lambda r: r.rev, reverse=newest)
    return rows[:limit]


async def _unchanged(db: Any, read: LogRead, limit: int, *, newest: bool) -> list[Row]:
    """As many, of those that were not changed."""
    found: list[Row] = []
    bottom, top = read.after + 1, OPEN
    while len(found) < limit:
        page = await between(db, read.chat_id, bottom, top, limit, newest=newest)
        found += [row for row in page if row.rev == row.seq]
        if len(page) < limit:
            break
        bottom, top = (bottom, page[-1].seq) if newest else (page[-1].seq + 1, top)
    return found[:limit]
