"""Changing stored messages: load what the rule needs, save what it says."""

import apsw
from msgspec.structs import replace

from hubbub.adapters.sqlite.caches import Caches, Position
from hubbub.adapters.sqlite.hidden import hide, hiders
from hubbub.adapters.sqlite.mentions import change_mentions
from hubbub.adapters.sqlite.own import tell
from hubbub.adapters.sqlite.reactions import position_due, react, wait
from hubbub.adapters.sqlite.relations import is_shut
from hubbub.adapters.sqlite.replay import load_chat
from hubbub.adapters.sqlite.rows import ROW, hidden_in, load_head, load_position, save_heads, stays
from hubbub.domain.amend import (
    amend,
    amended,
    audience,
    counts_else,
    moved,
    moved_to,
    surplus,
    version,
)
from hubbub.domain.change import Amend, Amended, Announce, Denied, Hide, Missing, Pin, React
from hubbub.domain.chat import LARGE, Chat, Head
from hubbub.domain.log import Dedupe, forget
from hubbub.domain.message import EVERYBODY, Audience, Row
from hubbub.domain.policy import CANNOT_WRITE
from hubbub.domain.reaction import is_due, waits
from hubbub.domain.reading import openings, visible
from hubbub.domain.relation import Pair

SAVE = (
    "UPDATE messages SET rev = ?, content = ?, media = ?, changed_at = ?, edited = ?,"
    " edited_at = ?, deleted_at = ?, pinned = ?, extra = ?, reactions = ? WHERE id = ?"
)
PINS = "SELECT count(*) FROM messages WHERE chat_id = ? AND pinned <> 0"
LATE = "SELECT user_id FROM members WHERE chat_id = ? AND left IS NULL AND since > ?"
RETURNED = (
    "SELECT s.user_id FROM stays s JOIN members m ON m.chat_id = s.chat_id"
    " AND m.user_id = s.user_id AND m.left IS NULL"
    " WHERE s.chat_id = ?1 AND s.since <= ?2 AND s.left > ?2"
)


def amend_message(
    db: apsw.Connection, caches: Caches, change: Amend, known: dict[Dedupe, Row]
) -> Amended | Denied | Missing:
    """Change a message; what who changes it does not see is `Missing`. `known` as in `assign`."""
    stored = db.execute(f"SELECT {ROW} FROM messages WHERE id = ?", (change.message_id,)).get
    if stored is None:
        return Missing()
    row = Row(*stored)
    chat, head = load_chat(db, row.chat_id), load_head(db, caches, row.chat_id)
    if chat is not None and head is not None and isinstance(change.do, Announce):
        return _announce(db, caches, row, chat, head, change.at)
    position = load_position(db, caches, row.chat_id, change.by)
    if chat is None or head is None or position is None:
        return Missing()
    hidden, hiding = hidden_in(db, chat.id, change.by), isinstance(change.do, Hide)
    seen = openings(chat, stays(db, chat.id, change.by), [] if hiding else hidden)
    if not visible(row, seen):
        return Missing()
    pins = db.execute(PINS, (chat.id,)).get if isinstance(change.do, Pin) else 0
    after = amend(row, change, chat, position.role, head, pins)
    if isinstance(after, Denied):
        return after
    if hiding and row.seq not in hidden:
        return _hide(db, row, change.by, head, position)
    if after == row:
        return Amended(row, False, EVERYBODY)
    if not after.deleted_at and is_shut(db, Pair(change.by, 0, row.chat_id)):
        return CANNOT_WRITE
    if isinstance(change.do, React):
        found = _react(db, chat, row, change, change.do)
        if not isinstance(found, Row):
            return found
        after = replace(after, reactions=found.reactions)
    _save(db, caches, row, after, head)
    if after.deleted_at:
        forget(known, after)
    return amended(after, head, _audience(db, chat, row))


def _react(
    db: apsw.Connection, chat: Chat, row: Row, change: Amend, do: React
) -> Row | Amended | Denied:
    """The message with its new reactions, where a position is to tell of them now."""
    reacted = react(db, row, change.by, do, change.at)
    if reacted == row:
        return Amended(row, False, EVERYBODY)
    if isinstance(reacted, Row) and waits(chat, row, change.at):
        wait(db, reacted, change.at)
        return Amended(reacted, False, EVERYBODY, waits=True)
    return reacted


def _announce(
    db: apsw.Connection, caches: Caches, row: Row, chat: Chat, head: Head, at: int
) -> Amended:
    due = position_due(db, row.id)
    if due is None:
        return Amended(row, False, EVERYBODY)
    if not is_due(chat, due, at):
        return Amended(row, False, EVERYBODY, waits=True)
    after = moved_to(row, head, at)
    _save(db, caches, row, after, head)
    return amended(after, head, _audience(db, chat, row))


def _hide(
    db: apsw.Connection, row: Row, user_id: int, head: Head, position: Position
) -> Amended | Denied:
    me = hide(db, row, user_id)
    if isinstance(me, Denied):
        return me
    if counts_else(row, user_id, position.read):
        return Amended(row, False, EVERYBODY, (me, tell(db, row.chat_id, user_id, head, position)))
    return Amended(row, False, EVERYBODY, (me,))


def _save(db: apsw.Connection, caches: Caches, before: Row, row: Row, head: Head) -> None:
    if row.edited > before.edited:
        _keep_version(db, before)
    if row.deleted_at:
        db.execute("DELETE FROM edits WHERE message_id = ?", (row.id,))
        db.execute("DELETE FROM reactions WHERE message_id = ?", (row.id,))
    db.execute("DELETE FROM waiting WHERE message_id = ?", (row.id,))
    db.execute(
        SAVE,
        (
            row.rev,
            row.content,
            row.media,
            row.changed_at,
            row.edited,
            row.edited_at,
            row.deleted_at,
            row.pinned,
            row.extra,
            row.reactions,
            row.id,
        ),
    )
    change_mentions(db, before, row)
    head = caches.heads[row.chat_id] = moved(head, row)
    save_heads(db, {row.chat_id: head})


def _keep_version(db: apsw.Connection, row: Row) -> None:
    kept = version(row)
    db.execute(
        "INSERT INTO edits (message_id, rev, at, content, media, extra) VALUES (?,?,?,?,?,?)",
        (row.id, kept.rev, kept.at, kept.content, kept.media, kept.extra),
    )
    query = "SELECT rev FROM edits WHERE message_id = ? ORDER BY rev"
    revs = [rev for (rev,) in db.execute(query, (row.id,))]
    drop = [(row.id, rev) for rev in surplus(revs)]
    db.executemany("DELETE FROM edits WHERE message_id = ? AND rev = ?", drop)


def _audience(db: apsw.Connection, chat: Chat, row: Row) -> Audience:
    late: list[int] = []
    returned: list[int] = []
    if chat.history != "all":
        place = (chat.id, row.seq)
        if chat.size <= LARGE:
            late = [user_id for (user_id,) in db.execute(LATE, place)]
        if late or chat.size > LARGE:
            returned = [user_id for (user_id,) in db.execute(RETURNED, place)]
    return audience(chat, late, returned, hiders(db, row))
