"""Reads of the message path: whom a chat reaches, what changed, and the folded log."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from hubbub.adapters.postgres.own import own_heads, own_log
from hubbub.adapters.postgres.relations import load_relations, load_stances
from hubbub.adapters.postgres.rows import (
    CHAT,
    ROW,
    Range,
    between,
    between_each,
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
SESSIONS: Final = "SELECT id, own_places, me_place FROM sessions WHERE id = ANY($1)"
KEPT: Final = "SELECT session_id, chat_id, seq FROM places WHERE session_id = ANY($1)"
PLACES: Final = (
    "SELECT m.user_id, c.id, c.seq, c.at, c.size, m.since, m.received"
    " FROM members m JOIN chats c ON c.id = m.chat_id"
    " WHERE m.user_id = ANY($1) AND m.until IS NULL"
)
LOGS: Final = f"""
    SELECT k.n, {C}, c.seq, c.changed, coalesce(m.since, 0)
    FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY AS k (chat_id, user_id, n)
    JOIN chats c ON c.id = k.chat_id
    LEFT JOIN members m ON m.chat_id = c.id AND m.user_id = k.user_id AND m.until IS NULL
"""
CHANGED: Final = f"""
    SELECT k.n, m.*
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) WITH ORDINALITY
        AS k (chat_id, after, most, n),
    LATERAL (SELECT {ROW} FROM messages WHERE chat_id = k.chat_id AND rev > k.after
        AND rev <> seq ORDER BY rev {{}} LIMIT k.most) m
"""


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
    (seen,) = await seen_by(db, [(chat, lookup.user_id)])
    return (row.thread_id or row.id) if visible(row, seen) else 0


async def places(db: Any, readers: Sequence[ResumeFrom]) -> list[Places]:
    """What changed since each reader's places, chats by last activity."""
    ids = [reader.session_id for reader in readers]
    sessions = {row[0]: (row[1], row[2]) for row in await db.fetch(SESSIONS, ids)}
    users = list({reader.user_id for reader in readers})
    chats: dict[int, list[Sequence[int]]] = {user_id: [] for user_id in users}
    for user_id, *chat in await db.fetch(PLACES, users):
        chats[user_id].append(chat)
    kept = await _kept(db, readers, {one for one, (own, _) in sessions.items() if own})
    heads = await own_heads(db, users)
    stances = await load_stances(db, heads)
    found = []
    for reader in readers:
        user_id, (_, me_place) = reader.user_id, sessions.get(reader.session_id, (False, 0))
        positions = kept.get(reader.session_id) if reader.positions is None else reader.positions
        after = me_place if reader.positions is None else reader.me
        me, _ = await own_log(db, user_id, after, 1_000_000, heads[user_id])
        changed, large = _changed(chats[user_id], positions)
        all_heads = {chat[0]: chat[1] for chat in chats[user_id]}
        own = (me, after, heads[user_id])
        found.append(Places(changed, all_heads, large, *own, stances[user_id]))
    return found


async def _kept(
    db: Any, readers: Sequence[ResumeFrom], own: Collection[int]
) -> dict[int, dict[int, int]]:
    """The places of sessions that keep their own, where their clients do not say them."""
    asked = [r.session_id for r in readers if r.positions is None and r.session_id in own]
    found: dict[int, dict[int, int]] = {session_id: {} for session_id in asked}
    for session_id, chat_id, seq in await db.fetch(KEPT, asked) if asked else ():
        found[session_id][chat_id] = seq
    return found


def _changed(
    chats: Iterable[Sequence[int]], positions: Mapping[int, int] | None
) -> tuple[list[Place], dict[int, int]]:
    """The chats that are further than the reader, and since when he is in the large ones.

    `positions` None: he is where he has received.
    """
    changed: list[Place] = []
    large: dict[int, int] = {}
    for chat_id, head, at, size, since, received in chats:
        start = since - 1
        place = max(received, start) if positions is None else positions.get(chat_id, start)
        if place < head:
            changed.append(Place(chat_id, place, head, at, size > LARGE, since))
        if size > LARGE:
            large[chat_id] = since
    changed.sort(key=lambda p: (-p.at, -p.chat_id))
    return changed, large


class _Found(Struct):
    """A read whose chat is there: for whom, and what of the chat he may see."""

    n: int
    read: LogRead
    chat: Chat
    head: int
    changed: int
    since: int
    seen: Sequence[Interval] = (Interval(1),)
    rows: list[Row] = []


async def logs(db: Any, reads: Sequence[LogRead]) -> list[Log | None]:
    """Chats' folded logs after places, as their readers may see them; None for who is no member."""
    asked = [(read.chat_id, read.user_id) for read in reads]
    there = [
        _Found(row[0] - 1, reads[row[0] - 1], chat_of(row[1:13]), row[13], row[14], row[15])
        for row in await db.fetch(LOGS, *columns(asked, 2))
    ]
    people = [one for one in there if one.read.user_id]
    each = await seen_by(db, [(one.chat, one.read.user_id) for one in people])
    for one, seen in zip(people, each, strict=True):
        one.seen = seen
    there = [one for one in there if one.seen]
    for newest in (False, True):
        await _load(db, [o for o in there if (o.read.bounds is not None) is newest], newest=newest)
    results = {one.n: _log(one) for one in there}
    named = {o.chat.id for o in there if results[o.n].rows and o.chat.size <= NAMED}
    members = await present_members(db, named)
    for one in there:
        of = members.get(one.chat.id, []) if results[one.n].rows else []
        results[one.n] = replace(results[one.n], members=tuple(of), since=one.since)
    return [results.get(n) for n in range(len(reads))]


def _log(one: _Found) -> Log:
    if one.read.bounds is None:
        return _oldest_first(one.read, one.rows, one.head, one.seen)
    return _newest(one.read, one.read.bounds, one.rows, one.head, one.seen)


def _newest(
    read: LogRead, bounds: ReplayBounds, rows: list[Row], head: int, openings_: Sequence[Interval]
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


def _oldest_first(read: LogRead, rows: list[Row], head: int, intervals: Sequence[Interval]) -> Log:
    more = len(rows) > read.limit
    rows = rows[: read.limit]
    position = rows[-1].rev if more else max(head, read.after)
    shown = [r for r in rows if visible(r, intervals)]
    return Log(read.chat_id, shown, position, None, more)


async def _load(db: Any, found: Sequence[_Found], *, newest: bool) -> None:
    """Up to limit + 1 messages of each with rev > after, by rev.

    Those that were changed may lie in any day: they are looked for only where there can be some.
    """
    ranges = [Range(o.chat.id, o.read.after + 1, OPEN, o.read.limit + 1) for o in found]
    each = await between_each(db, ranges, newest=newest)
    edited: list[tuple[_Found, Range]] = []
    for one, wanted, rows in zip(found, ranges, each, strict=True):
        one.rows = rows
        if one.changed > one.read.after:
            one.rows = await _unchanged(db, wanted, rows, newest=newest)
            edited.append((one, wanted))
    asked = [(wanted.chat_id, one.read.after, wanted.most) for one, wanted in edited]
    query = CHANGED.format("DESC" if newest else "ASC")
    for n, *row in await db.fetch(query, *columns(asked, 3)) if asked else ():
        edited[n - 1][0].rows.append(row_of(row))
    for one, wanted in edited:
        one.rows.sort(key=lambda row: row.rev, reverse=newest)
        del one.rows[wanted.most :]


async def _unchanged(db: Any, wanted: Range, page: list[Row], *, newest: bool) -> list[Row]:
    """As many, of those that were not changed; `page`: what the range begins with."""
    found: list[Row] = []
    chat_id, bottom, top, most = wanted
    while True:
        found += [row for row in page if row.rev == row.seq]
        if len(page) < most or len(found) >= most:
            return found[:most]
        bottom, top = (bottom, page[-1].seq) if newest else (page[-1].seq + 1, top)
        page = await between(db, chat_id, bottom, top, most, newest=newest)
