"""Small statements that several parts of the message path share."""

from typing import Final, get_args

import apsw
from msgspec.structs import astuple

from hubbub.adapters.sqlite.caches import Caches, Position
from hubbub.adapters.sqlite.mentions import unread_mentions
from hubbub.domain.chat import Chat, Head, Interval, Role
from hubbub.domain.message import Row
from hubbub.domain.own import MyChat
from hubbub.domain.reading import openings

SENT = (
    "id, chat_id, seq, rev, number, sender_id, client_id, at, type, content, media, reply_to,"
    " system, thread_id, extra"
)
_SENT = SENT.count(",") + 1
"""A row's fields begin with these columns."""
ROW = f"{SENT}, changed_at, edited, edited_at, deleted_at, pinned, reactions"
_ROLES: Final[dict[str, Role]] = {role: role for role in get_args(Role)}
"""So that positions share them: each row brings its own."""
INSERT_ROW = f"INSERT INTO messages ({SENT}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"

INSERT_MARK = "INSERT OR IGNORE INTO marks (chat_id, user_id, kind, seq, at) VALUES (?,?,?,?,?)"
NEAR = 100
"""How far a cursor of a direct chat may move to be marked in the message that it moved to."""
MARK_ROW = (
    "UPDATE messages SET delivered_at = coalesce(?, delivered_at), read_at = coalesce(?, read_at)"
    " WHERE chat_id = ? AND seq = ? AND sender_id <> ?"
)


def insert_rows(db: apsw.Connection, rows: list[Row]) -> None:
    """Store messages in their places."""
    db.executemany(INSERT_ROW, [astuple(row)[:_SENT] for row in rows])


def load_head(db: apsw.Connection, caches: Caches, chat_id: int) -> Head | None:
    """The chat's head, None where there is no such chat. The caches know its size then too."""
    head = caches.heads.get(chat_id)
    if head is None:
        query = "SELECT seq, number, at, mentioned, size, type = 'direct' FROM chats WHERE id = ?"
        row = db.execute(query, (chat_id,)).get
        if row is None:
            return None
        head = caches.heads[chat_id] = Head(*row[:4])
        caches.sizes[chat_id] = row[4]
        if row[5]:
            caches.direct.add(chat_id)
    return head


def save_heads(db: apsw.Connection, heads: dict[int, Head]) -> None:
    """Move the chats' heads."""
    db.executemany(
        "UPDATE chats SET seq = ?, number = ?, at = ?, mentioned = ? WHERE id = ?",
        [(h.seq, h.number, h.at, h.mentioned, chat_id) for chat_id, h in heads.items()],
    )


def load_position(
    db: apsw.Connection, caches: Caches, chat_id: int, user_id: int
) -> Position | None:
    """A present member's position, None for who is not one."""
    key = (chat_id, user_id)
    found = caches.positions.get(key)
    if found is None:
        row = db.execute(
            "SELECT delivered, read, read_number, received, role, since, muted_until FROM members"
            " WHERE chat_id = ? AND user_id = ? AND left IS NULL",
            key,
        ).get
        if row is None:
            return None
        found = caches.positions[key] = Position(*row)
        found.role = _ROLES[found.role]
    return found


def next_me(db: apsw.Connection, user_id: int) -> int:
    """The next position of the user's own log."""
    rev: int | None = db.execute(
        "UPDATE users SET me_head = me_head + 1 WHERE id = ? RETURNING me_head", (user_id,)
    ).get
    return rev or 0


def add_members(
    db: apsw.Connection, chat_id: int, users: list[tuple[int, Role]], at: int, head: Head
) -> list[MyChat]:
    """First members of a chat, with their roles: they see all its messages up to `head`."""
    events = [
        MyChat(
            *(user_id, next_me(db, user_id), chat_id, True, role, 1, 0, head.number),
            unread_mentions=unread_mentions(db, chat_id, user_id, 0, head.mentioned),
        )
        for user_id, role in users
    ]
    db.executemany(
        "INSERT INTO members (chat_id, user_id, role, since, joined_at, delivered, read,"
        " read_number, me_rev) VALUES (?,?,?,1,?,0,0,0,?)",
        [(chat_id, e.user_id, e.role, at, e.rev) for e in events],
    )
    return events


def present_members(db: apsw.Connection, chat_id: int) -> tuple[int, ...]:
    """Who is in the chat now."""
    query = "SELECT user_id FROM members WHERE chat_id = ? AND left IS NULL"
    return tuple(user_id for (user_id,) in db.execute(query, (chat_id,)))


def stays(db: apsw.Connection, chat_id: int, user_id: int) -> list[Interval]:
    """All his stays in the chat, oldest first."""
    row = db.execute(
        "SELECT since, left FROM members WHERE chat_id = ? AND user_id = ?", (chat_id, user_id)
    ).get
    if row is None:
        return []
    last = Interval(*row)
    if last.since <= 1:
        return [last]
    earlier = db.execute(
        "SELECT since, left FROM stays WHERE chat_id = ? AND user_id = ? ORDER BY since",
        (chat_id, user_id),
    )
    return [*(Interval(*e) for e in earlier), last]


def hidden_in(db: apsw.Connection, chat_id: int, user_id: int, after: int = 0) -> list[int]:
    """Where the messages of a chat lie that the user has hidden from himself, in order."""
    query = "SELECT seq FROM hidden WHERE user_id = ? AND chat_id = ? AND seq > ? ORDER BY seq"
    return [seq for (seq,) in db.execute(query, (user_id, chat_id, after))]


def seen_by(db: apsw.Connection, chat: Chat, user_id: int) -> list[Interval]:
    """The positions of a chat that the user may see; none where he is not a member."""
    return openings(chat, stays(db, chat.id, user_id), hidden_in(db, chat.id, user_id))
