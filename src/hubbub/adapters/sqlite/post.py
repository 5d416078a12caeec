"""Messages: assign positions and insert."""

from collections.abc import Sequence

import apsw
from msgspec.structs import replace

from hubbub.adapters.sqlite.caches import Caches, Position
from hubbub.adapters.sqlite.mentions import insert_mentions
from hubbub.adapters.sqlite.relations import is_silent
from hubbub.adapters.sqlite.rows import (
    INSERT_MARK,
    NEAR,
    ROW,
    add_members,
    insert_rows,
    load_head,
    load_position,
    present_members,
    save_heads,
)
from hubbub.domain.change import (
    Change,
    Made,
    Mismatch,
    Missing,
    NewChat,
    Outcome,
    Post,
    Posted,
    Stale,
)
from hubbub.domain.chat import LARGE, Head, Role
from hubbub.domain.log import Dedupe, assign, dedupe, placed
from hubbub.domain.message import Row
from hubbub.domain.receipt import READ


def post_all(
    db: apsw.Connection, caches: Caches, posts: Sequence[Post], known: dict[Dedupe, Row]
) -> list[Outcome]:
    """Append the posts in order; those to a chat that is not there are `Missing`.

    Raises apsw.ConstraintError when a post is stored already and `known` does not say so.
    """
    outcomes: list[Outcome | None] = [None] * len(posts)
    ready: list[Post] = []
    places: list[int] = []
    made_by: dict[int, Made] = {}
    for index, post in enumerate(posts):
        if post.new_chat is not None and dedupe(post) in known:
            # Its chat may not be found by its members any more, when they have changed since.
            chat_id = known[dedupe(post)].chat_id
            if _first_members(db, chat_id) != set(post.new_chat.members):
                outcomes[index] = Mismatch()
                continue
            post = replace(post, chat_id=chat_id)
        elif post.new_chat is not None:
            made = make_chat(db, caches, post.new_chat, post.at)
            made_by[index] = made
            post = replace(post, chat_id=made.chat_id)
        if load_head(db, caches, post.chat_id) is None:
            outcomes[index] = Missing()
        else:
            ready.append(post)
            places.append(index)
    for index, outcome in zip(places, _append(db, caches, ready, known), strict=True):
        if index in made_by and isinstance(outcome, Posted):
            outcome = replace(outcome, made=made_by[index])
        outcomes[index] = outcome
    return outcomes  # type: ignore[return-value]


def _append(
    db: apsw.Connection, caches: Caches, posts: list[Post], known: dict[Dedupe, Row]
) -> list[Posted | Mismatch | Stale]:
    assigned = assign(posts, caches.heads, known)
    rows = [row for row in assigned if isinstance(row, Row)]
    insert_rows(db, rows)
    save_heads(db, {row.chat_id: caches.heads[row.chat_id] for row in rows})
    before = _move_senders(db, caches, rows)
    if named := [row for row in rows if row.extra]:
        insert_mentions(db, named)
    return [
        _read(db, caches, row, before[row.id]) if isinstance(row, Row) else row for row in assigned
    ]


def _read(db: apsw.Connection, caches: Caches, row: Row, before: int) -> Posted:
    """By sending he has read what lies between: whether that is told."""
    silent = before < row.seq - 1 and is_silent(db, caches, row.sender_id)
    return placed(row, before, silent=silent)


def _move_senders(db: apsw.Connection, caches: Caches, rows: list[Row]) -> dict[int, int]:
    """Sending moves the sender's own cursors: nothing before it is unread to him.

    Answers where his read cursor was, by message. In a direct chat his message is mark enough
    for what is near.
    """
    before: dict[int, int] = {}
    moved: dict[tuple[int, int], tuple[Position, int]] = {}
    marks: list[tuple[int, int, int, int, int]] = []
    for row in rows:
        position = load_position(db, caches, row.chat_id, row.sender_id)
        if position is None:  # he left in this very batch
            before[row.id] = row.seq - 1
            continue
        before[row.id] = position.read
        near = NEAR if row.chat_id in caches.direct else 1
        if row.seq - position.read > near:
            marks.append((row.chat_id, row.sender_id, READ, row.seq, row.at))
        position.delivered = position.read = row.seq
        position.read_number = row.number
        moved[row.chat_id, row.sender_id] = (position, row.at)
    db.executemany(
        "UPDATE members SET delivered = ?1, read = ?1, read_number = ?2, sent_at = ?3"
        " WHERE chat_id = ?4 AND user_id = ?5",
        [(p.read, p.read_number, at, *key) for key, (p, at) in moved.items()],
    )
    if marks:
        db.executemany(INSERT_MARK, marks)
    return before


def make_chat(db: apsw.Connection, caches: Caches, new: NewChat, at: int) -> Made:
    """The chat with this key or id, made with its members if it is not there."""
    chat_id = _find_chat(db, new)
    if chat_id is not None:
        kind, size = db.execute("SELECT type, size FROM chats WHERE id = ?", (chat_id,)).get
        return Made(chat_id, kind, size, () if size > LARGE else present_members(db, chat_id), [])
    db.execute(
        "INSERT INTO chats (id, type, key, title, history, created_by, created_at, size, at)"
        " VALUES (?,?,?,?,?,?,?,?,?)",
        (new.id, new.type, new.key, new.title, new.history, new.creator, at, len(new.members), at),
    )
    roles = [(u, _role(new, u)) for u in new.members]
    head = caches.heads[new.id] = Head(0, 0, at)
    events = add_members(db, new.id, roles, at, head)
    caches.sizes[new.id] = len(new.members)
    if new.type == "direct":
        caches.direct.add(new.id)
    return Made(new.id, new.type, len(new.members), new.members, events)


def _find_chat(db: apsw.Connection, new: NewChat) -> int | None:
    by, value = ("id", new.id) if new.key is None else ("key", new.key)
    found: int | None = db.execute(f"SELECT id FROM chats WHERE {by} = ?", (value,)).get
    return found


def _first_members(db: apsw.Connection, chat_id: int) -> set[int]:
    """Whom a chat was made for."""
    query = (
        "SELECT user_id FROM members WHERE chat_id = ?1 AND since = 1"
        " UNION SELECT user_id FROM stays WHERE chat_id = ?1 AND since = 1"
    )
    return {user_id for (user_id,) in db.execute(query, (chat_id,))}


def _role(new: NewChat, user_id: int) -> Role:
    return "owner" if new.type == "group" and user_id == new.creator else "member"


def known_posts(db: apsw.Connection, changes: Sequence[Change]) -> dict[Dedupe, Row]:
    """Those of the posts that are stored already."""
    known: dict[Dedupe, Row] = {}
    for change in changes:
        if isinstance(change, Post):
            key = dedupe(change)
            by = "id" if change.client_id is None else "client_id"
            row = db.execute(
                f"SELECT {ROW} FROM messages WHERE sender_id = ? AND {by} = ?", key
            ).get
            if row is not None:
                known[key] = _as_sent(db, Row(*row))
    return known


def _as_sent(db: apsw.Connection, row: Row) -> Row:
    query = "SELECT content, media, extra FROM edits WHERE message_id = ? ORDER BY rev LIMIT 1"
    first = db.execute(query, (row.id,)).get if row.edited else None
    if first is None:
        return row
    content, media, extra = first
    return replace(row, content=content, media=media, extra=extra)
