"""Reads of the message path: whom a chat reaches, what changed, and the folded log."""

from msgspec.structs import replace

from hubbub.adapters.memory.own import own_log
from hubbub.adapters.memory.relations import is_shut, stance
from hubbub.adapters.memory.state import State
from hubbub.domain.chat import LARGE, NAMED, Found
from hubbub.domain.message import Row
from hubbub.domain.reading import Log, ReplayBounds, bound, visible
from hubbub.domain.relation import Pair
from hubbub.domain.view import Place, Places
from hubbub.ports import LogRead, Lookup, ReceiptCount, ResumeFrom


def find(state: State, lookup: Lookup) -> Found | None:
    """The chat with its people, as a send needs it."""
    for chat in state.chats.values():
        if chat.id == lookup.chat_id or (
            not lookup.chat_id and chat.key is not None and chat.key == lookup.key
        ):
            break
    else:
        return None
    members = tuple(m.user_id for m in state.present_members(chat.id))
    sender = state.present(chat.id, lookup.user_id)
    reply = state.messages.get(lookup.reply_to)
    thread_id = 0
    if reply is not None and reply.chat_id == chat.id:
        seen = visible(reply, state.openings(chat.id, lookup.user_id))
        thread_id = (reply.thread_id or reply.id) if seen else 0
    unseen = lookup.reply_to != 0 and not thread_id
    stored = state.known.get((lookup.user_id, lookup.client_id or b""))
    shut = _shut(state, members) if chat.type == "direct" else []
    return Found(
        chat,
        state.heads[chat.id],
        members if chat.size <= LARGE else (),
        sender.role if sender else None,
        thread_id,
        state.sent_at.get((chat.id, lookup.user_id), 0) if sender else 0,
        (unseen or sender is None or lookup.guarded or bool(shut) or not chat.free)
        and stored is not None
        and stored.chat_id == chat.id,
        not shut,
        lookup.user_id in shut,
    )


def _shut(state: State, members: tuple[int, ...]) -> list[int]:
    """Who of the two of a direct chat may not write to the other."""
    pairs = zip(members, reversed(members), strict=True)
    return [user for user, other in pairs if is_shut(state, Pair(user, other))]


def places(state: State, reader: ResumeFrom) -> Places:
    """What changed since the reader's places, chats by last activity."""
    session = state.sessions.get(reader.session_id)
    changed: list[Place] = []
    heads: dict[int, int] = {}
    large: dict[int, int] = {}
    for (chat_id, user_id), member in state.members.items():
        if user_id != reader.user_id or not member.present:
            continue
        chat, head = state.chats[chat_id], state.heads[chat_id]
        heads[chat_id] = head.seq
        start = member.since - 1
        if reader.positions is not None:
            place = reader.positions.get(chat_id, start)
        elif session is not None and session.own_places:
            place = session.places.get(chat_id, start)
        else:
            place = max(state.received[chat_id, user_id], start)
        if place < head.seq:
            is_large = chat.size > LARGE
            changed.append(Place(chat_id, place, head.seq, head.at, is_large, member.since))
        if chat.size > LARGE:
            large[chat_id] = member.since
    changed.sort(key=lambda p: (-p.at, -p.chat_id))
    after = reader.me
    if reader.positions is None:
        after = session.me_place if session is not None else 0
    me = own_log(state, reader.user_id, after)
    me_head = state.me_heads.get(reader.user_id, 0)
    return Places(changed, heads, large, me, after, me_head, stance(state, reader.user_id))


def log(state: State, read: LogRead) -> Log | None:
    """A chat's folded log after a place, as its reader may see it; None for who is no member."""
    if read.chat_id not in state.chats:
        return None
    head = state.heads[read.chat_id].seq
    everything = sorted(state.logs[read.chat_id], key=lambda row: row.rev)
    rows = [row for row in everything if row.rev > read.after]
    start = 0
    if read.user_id:
        openings = state.openings(read.chat_id, read.user_id)
        if not openings:
            return None
        start = openings[0].since - 1
        shown = [row for row in rows if visible(row, openings)]
    else:
        shown = rows
    if read.bounds is None:
        found = _oldest(read, rows, shown, head)
    else:
        found = _newest(read, read.bounds, shown, max(read.after, start), head)
    reader = state.present(read.chat_id, read.user_id)
    members: tuple[int, ...] = ()
    if found.rows and state.chats[read.chat_id].size <= NAMED:
        members = tuple(m.user_id for m in state.present_members(read.chat_id))
    return replace(found, members=members, since=reader.since if reader else 0)


def _oldest(read: LogRead, rows: list[Row], shown: list[Row], head: int) -> Log:
    """Of the next `limit` rows those that are shown, and up to where that is complete."""
    if len(rows) <= read.limit:
        return Log(read.chat_id, shown, max(head, read.after))
    position = rows[read.limit - 1].rev
    part = [row for row in shown if row.rev <= position]
    return Log(read.chat_id, part, position, None, has_more=True)


def _newest(read: LogRead, bounds: ReplayBounds, shown: list[Row], place: int, head: int) -> Log:
    most = min(read.limit, bounds.per_chat)
    return bound(read.chat_id, shown, place, head, read.now - bounds.age_ms, most)


def count(state: State, chat_id: int) -> ReceiptCount:
    """How many recipients passed the newest message that is not of the system."""
    rows = [row for row in state.logs.get(chat_id, []) if row.type != "system"]
    if not rows:
        return ReceiptCount(chat_id, 0, 0, 0, 0)
    newest = rows[-1]
    recipients = [
        m
        for m in state.present_members(chat_id)
        if m.user_id != newest.sender_id and any(i.holds(newest.seq) for i in state.stays_of(m))
    ]
    return ReceiptCount(
        chat_id,
        newest.seq,
        sum(m.delivered >= newest.seq for m in recipients),
        sum(m.read >= newest.seq and not state.silent(m.user_id) for m in recipients),
        newest.sender_id,
    )
