"""Reads of the message path: whom a chat reaches, what changed, and the folded log."""

import apsw
from msgspec.structs import replace

from hubbub.adapters.sqlite.own import own_log
from hubbub.adapters.sqlite.relations import is_shut, load_stance
from hubbub.adapters.sqlite.rows import ROW, present_members, seen_by
from hubbub.domain.chat import LARGE, NAMED, Chat, Found, Head, Interval
from hubbub.domain.message import Row
from hubbub.domain.reading import Log, ReplayBounds, bound, visible
from hubbub.domain.relation import Pair
from hubbub.domain.view import Place, Places
from hubbub.ports import LogRead, Lookup, ResumeFrom

CHAT = (
    "id, type, key, title, history, created_at, size, description, picture, posting,"
    " slow_seconds, visibility"
)
SINCE = "(SELECT since FROM members WHERE chat_id = chats.id AND user_id = ? AND left IS NULL)"


def load_chat(db: apsw.Connection, chat_id: int) -> Chat | None:
    """A chat by id."""
    row = db.execute(f"SELECT {CHAT} FROM chats WHERE id = ?", (chat_id,)).get
    return None if row is None else Chat(*row)


def find(db: apsw.Connection, lookup: Lookup) -> Found | None:
    """The chat with its people, as a send needs it."""
    by, value = ("id", lookup.chat_id) if lookup.chat_id else ("key", lookup.key)
    query = f"SELECT {CHAT}, seq, number, at, mentioned FROM chats WHERE {by} = ?"
    row = db.execute(query, (value,)).get
    if row is None:
        return None
    chat, head = Chat(*row[:-4]), Head(*row[-4:])
    members: tuple[int, ...] = ()
    if chat.size <= LARGE:
        members = present_members(db, chat.id)
    role, sent_at = db.execute(
        "SELECT role, sent_at FROM members WHERE chat_id = ? AND user_id = ? AND left IS NULL",
        (chat.id, lookup.user_id),
    ).get or (None, 0)
    thread_id = _thread(db, chat, lookup) if lookup.reply_to else 0
    shut = _shut(db, members) if chat.type == "direct" else []
    unseen = lookup.reply_to != 0 and not thread_id
    guarded = unseen or role is None or lookup.guarded or bool(shut) or not chat.free
    known = lookup.client_id is not None and guarded and _is_sent(db, lookup, chat.id)
    place = (members, role, thread_id, sent_at, known)
    return Found(chat, head, *place, not shut, lookup.user_id in shut)


def _shut(db: apsw.Connection, members: tuple[int, ...]) -> list[int]:
    """Who of the two of a direct chat may not write to the other."""
    pairs = zip(members, reversed(members), strict=True)
    return [user for user, other in pairs if is_shut(db, Pair(user, other))]


def _is_sent(db: apsw.Connection, lookup: Lookup, chat_id: int) -> bool:
    query = "SELECT chat_id FROM messages WHERE client_id = ? AND sender_id = ?"
    sent_to: int | None = db.execute(query, (lookup.client_id, lookup.user_id)).get
    return sent_to == chat_id


def _thread(db: apsw.Connection, chat: Chat, lookup: Lookup) -> int:
    """The thread of the message that is replied to, 0 where the user may not see it."""
    stored = db.execute(f"SELECT {ROW} FROM messages WHERE id = ?", (lookup.reply_to,)).get
    if stored is None or stored[1] != chat.id:
        return 0
    row = Row(*stored)
    seen = visible(row, seen_by(db, chat, lookup.user_id))
    return (row.thread_id or row.id) if seen else 0


def places(db: apsw.Connection, reader: ResumeFrom) -> Places:
    """What changed since the reader's places, chats by last activity."""
    own_places, me_place = db.execute(
        "SELECT own_places, me_place FROM sessions WHERE id = ?", (reader.session_id,)
    ).get or (0, 0)
    kept = _kept_places(db, reader.session_id) if own_places else None
    changed: list[Place] = []
    heads: dict[int, int] = {}
    large: dict[int, int] = {}
    query = (
        "SELECT c.id, c.seq, c.at, c.size, m.since, m.received"
        " FROM members m JOIN chats c ON c.id = m.chat_id WHERE m.user_id = ? AND m.left IS NULL"
    )
    for chat_id, head, at, size, since, received in db.execute(query, (reader.user_id,)):
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
    me, me_head = own_log(db, reader.user_id, after, 1_000_000)
    stance = load_stance(db, reader.user_id, me_head)
    return Places(changed, heads, large, me, after, me_head, stance)


def _kept_places(db: apsw.Connection, session_id: int) -> dict[int, int]:
    query = "SELECT chat_id, seq FROM places WHERE session_id = ?"
    return dict(db.execute(query, (session_id,)))


def log(db: apsw.Connection, read: LogRead) -> Log | None:
    """A chat's folded log after a place, as its reader may see it; None for who is no member."""
    query = f"SELECT {CHAT}, seq, {SINCE} FROM chats WHERE id = ?"
    found = db.execute(query, (read.user_id, read.chat_id)).get
    if found is None:
        return None
    chat, head, since = Chat(*found[:-2]), found[-2], found[-1] or 0
    openings_ = [Interval(1)]
    if read.user_id:
        openings_ = seen_by(db, chat, read.user_id)
        if not openings_:
            return None
    if read.bounds is None:
        result = _oldest_first(db, read, head, openings_)
    else:
        result = _newest(db, read, read.bounds, head, openings_)
    named = result.rows and chat.size <= NAMED
    return replace(result, members=present_members(db, chat.id) if named else (), since=since)


def _newest(
    db: apsw.Connection, read: LogRead, bounds: ReplayBounds, head: int, openings_: list[Interval]
) -> Log:
    rows = _changed(db, read.chat_id, read.after, read.limit, "DESC")
    more = len(rows) > read.limit
    shown = [r for r in reversed(rows[: read.limit]) if visible(r, openings_)]
    place = max(read.after, openings_[0].since - 1)
    most = min(read.limit, bounds.per_chat)
    result = bound(read.chat_id, shown, place, head, read.now - bounds.age_ms, most)
    if more and result.gap is None:
        first = result.rows[0].rev if result.rows else head + 1
        return Log(read.chat_id, result.rows, head, (place + 1, first - 1))
    return result


def _oldest_first(db: apsw.Connection, read: LogRead, head: int, intervals: list[Interval]) -> Log:
    rows = _changed(db, read.chat_id, read.after, read.limit, "ASC")
    more = len(rows) > read.limit
    rows = rows[: read.limit]
    position = rows[-1].rev if more else max(head, read.after)
    shown = [r for r in rows if visible(r, intervals)]
    return Log(read.chat_id, shown, position, None, more)


def _changed(db: apsw.Connection, chat_id: int, after: int, limit: int, order: str) -> list[Row]:
    """Up to limit + 1 messages with rev > after, by rev: those unchanged and those changed."""
    rows: list[Row] = []
    for which, column in (("rev = seq", "seq"), ("rev <> seq", "rev")):
        query = (
            f"SELECT {ROW} FROM messages WHERE chat_id = ? AND {column} > ? AND {which}"
            f" ORDER BY {column} {order} LIMIT ?"
        )
        rows += [Row(*r) for r in db.execute(query, (chat_id, after, limit + 1))]
    rows.sort(key=lambda r: r.rev, reverse=order == "DESC")
    return rows[: limit + 1]
