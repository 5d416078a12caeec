"""Groups made, joined, left: stays, the system message that says so, and the users' own logs.

A change that is repeated after an unknown outcome is known again by its id.
"""

from typing import Any, assert_never

import apsw
import msgspec

from hubbub.adapters.sqlite.caches import Caches
from hubbub.adapters.sqlite.joining import find_invite, is_removed
from hubbub.adapters.sqlite.own import tell
from hubbub.adapters.sqlite.post import make_chat
from hubbub.adapters.sqlite.replay import load_chat
from hubbub.adapters.sqlite.rows import (
    add_members,
    insert_rows,
    load_head,
    load_position,
    next_me,
    save_heads,
)
from hubbub.domain.change import (
    Create,
    Created,
    Denied,
    Enrol,
    Fill,
    Filled,
    GroupChange,
    Join,
    Leave,
    Logged,
    Missing,
    Seats,
    SetChat,
    SetRole,
)
from hubbub.domain.chat import Head, Role, outgrew
from hubbub.domain.log import append
from hubbub.domain.message import Row
from hubbub.domain.own import MyChat, newcomers
from hubbub.domain.policy import HEIRS, LAST_OWNER, NAMELESS, may_come_in
from hubbub.domain.settings import changed, nameless
from hubbub.domain.system import (
    chat_changed,
    member_joined,
    member_left,
    members_added,
    role_changed,
)


def create(db: apsw.Connection, caches: Caches, change: Create) -> Created:
    """Make the chat, or find it by its key."""
    return Created(make_chat(db, caches, change.chat, change.at))


def fill(db: apsw.Connection, caches: Caches, change: Fill) -> Filled | Missing:
    """More first members; those who are in already are passed over."""
    head = load_head(db, caches, change.chat_id)
    if head is None:
        return Missing()
    fresh = [u for u in change.members if not _was_member(db, change.chat_id, u)]
    events = add_members(db, change.chat_id, [(u, "member") for u in fresh], change.at, head)
    size = _resize(db, caches, change.chat_id, len(fresh))
    return Filled(size, head.seq, events, _seats(db, change.chat_id, size, len(fresh)))


def change_group(
    db: apsw.Connection, caches: Caches, change: GroupChange
) -> Logged | Missing | Denied:
    """Change members, roles or settings, and say so in the log."""
    match change:
        case Enrol():
            return enrol(db, caches, change)
        case Join():
            return join(db, caches, change)
        case Leave():
            return leave(db, caches, change)
        case SetRole():
            return set_role(db, caches, change)
        case SetChat():
            return set_chat(db, caches, change)
        case _:
            assert_never(change)


def enrol(db: apsw.Connection, caches: Caches, change: Enrol) -> Logged | Missing:
    """Add users; those who are members already are passed over."""
    head = load_head(db, caches, change.chat_id)
    if head is None:
        return Missing()
    fresh = [
        u
        for u in dict.fromkeys(change.users)
        if load_position(db, caches, change.chat_id, u) is None
    ]
    if not fresh or _is_stored(db, change.id):
        return _unchanged(caches, change.id, change.chat_id, head, change.by)
    events = [_join(db, change, user_id, head) for user_id in fresh]
    size = _resize(db, caches, change.chat_id, len(fresh))
    system = members_added(change.by, fresh)
    return _log(db, caches, change, head, size, system, events)


def join(db: apsw.Connection, caches: Caches, change: Join) -> Logged | Missing | Denied:
    """Let a user in, counting the use of his invite; of who is in nothing changes."""
    head, chat = load_head(db, caches, change.chat_id), load_chat(db, change.chat_id)
    if head is None or chat is None:
        return Missing()
    if load_position(db, caches, chat.id, change.by) is not None or _is_stored(db, change.id):
        return _unchanged(caches, change.id, chat.id, head, change.by)
    found = find_invite(db, change.invite) if change.invite else None
    invited, invited_by = (False if change.invite else None), None
    if found is not None and found[0].chat_id == chat.id:
        invited, invited_by = found[0].opens(found[1], change.at), found[0].created_by
    removed = is_removed(db, chat.id, change.by)
    if (denied := may_come_in(chat, change.most, removed, invited)) is not None:
        return denied
    if invited:
        query = "UPDATE chat_invites SET uses = uses + 1 WHERE code_hash = ?"
        db.execute(query, (change.invite,))
    event = _join(db, change, change.by, head)
    size = _resize(db, caches, chat.id, 1)
    system = member_joined(change.by, invited_by)
    return _log(db, caches, change, head, size, system, [event])


def leave(db: apsw.Connection, caches: Caches, change: Leave) -> Logged | Missing:
    """End a stay; of who is not there nothing changes."""
    head = load_head(db, caches, change.chat_id)
    if head is not None and _is_stored(db, change.id):
        return _unchanged(caches, change.id, change.chat_id, head, change.by)
    position = load_position(db, caches, change.chat_id, change.user_id)
    if head is None or position is None:
        return Missing()
    rev = next_me(db, change.user_id)
    db.execute(
        "UPDATE members SET left = ?, me_rev = ?, removed = ? WHERE chat_id = ? AND user_id = ?",
        (head.seq + 1, rev, change.by != change.user_id, change.chat_id, change.user_id),
    )
    del caches.positions[change.chat_id, change.user_id]
    event = MyChat(change.user_id, rev, change.chat_id, False, position.role, position.since, 0, 0)
    size = _resize(db, caches, change.chat_id, -1)
    events, heir = [event], None
    if position.role == "owner" and not _owners(db, change.chat_id):
        heir = _heir(db, change.chat_id)
    if heir is not None:
        events.append(_give_role(db, caches, change.chat_id, heir, "owner", head))
    system = member_left(change.by, change.user_id, heir)
    return _log(db, caches, change, head, size, system, events)


def set_role(db: apsw.Connection, caches: Caches, change: SetRole) -> Logged | Missing | Denied:
    """Give a member another role. The last owner keeps his."""
    head = load_head(db, caches, change.chat_id)
    position = load_position(db, caches, change.chat_id, change.user_id)
    if head is None or position is None:
        return Missing()
    if position.role == change.role or _is_stored(db, change.id):
        return _unchanged(caches, change.id, change.chat_id, head, change.by)
    if position.role == "owner" and _owners(db, change.chat_id) == 1:
        return LAST_OWNER
    event = _give_role(db, caches, change.chat_id, change.user_id, change.role, head)
    system = role_changed(change.by, change.user_id, change.role)
    size = caches.sizes[change.chat_id]
    return _log(db, caches, change, head, size, system, [event])


def set_chat(db: apsw.Connection, caches: Caches, change: SetChat) -> Logged | Missing | Denied:
    """Give settings other values; those that are there already are passed over."""
    head, chat = load_head(db, caches, change.chat_id), load_chat(db, change.chat_id)
    if head is None or chat is None:
        return Missing()
    fresh = changed(chat, change.settings)
    if not fresh or _is_stored(db, change.id):
        return _unchanged(caches, change.id, change.chat_id, head, change.by)
    if nameless(chat, fresh):
        return NAMELESS
    columns = ", ".join(f"{name} = ?" for name in fresh)  # names of ours, by `changed`
    db.execute(f"UPDATE chats SET {columns} WHERE id = ?", (*fresh.values(), chat.id))
    return _log(db, caches, change, head, chat.size, chat_changed(change.by, fresh), [])


def _owners(db: apsw.Connection, chat_id: int) -> int:
    query = "SELECT count(*) FROM members WHERE chat_id = ? AND role = 'owner' AND left IS NULL"
    count: int = db.execute(query, (chat_id,)).get
    return count


def _heir(db: apsw.Connection, chat_id: int) -> int | None:
    query = (
        "SELECT user_id FROM members WHERE chat_id = ? AND role = ? AND left IS NULL"
        " ORDER BY since, user_id LIMIT 1"
    )
    for role in HEIRS:
        heir: int | None = db.execute(query, (chat_id, role)).get
        if heir is not None:
            return heir
    return None


def _give_role(
    db: apsw.Connection, caches: Caches, chat_id: int, user_id: int, role: Role, head: Head
) -> MyChat:
    """A present member's other role, told in his own log."""
    position = load_position(db, caches, chat_id, user_id)
    assert position is not None
    query = "UPDATE members SET role = ? WHERE chat_id = ? AND user_id = ?"
    db.execute(query, (role, chat_id, user_id))
    position.role = role
    return tell(db, chat_id, user_id, head, position)


def _was_member(db: apsw.Connection, chat_id: int, user_id: int) -> bool:
    query = "SELECT 1 FROM members WHERE chat_id = ? AND user_id = ?"
    return db.execute(query, (chat_id, user_id)).get is not None


def _is_stored(db: apsw.Connection, message_id: int) -> bool:
    return db.execute("SELECT 1 FROM messages WHERE id = ?", (message_id,)).get is not None


def _unchanged(caches: Caches, message_id: int, chat_id: int, head: Head, by: int) -> Logged:
    return Logged(message_id, chat_id, head, caches.sizes[chat_id], by, b"", [])


def _join(db: apsw.Connection, change: Enrol | Join, user_id: int, head: Head) -> MyChat:
    since = head.seq + 1
    key = (change.chat_id, user_id)
    db.execute(
        "INSERT OR IGNORE INTO stays (chat_id, user_id, since, left)"
        " SELECT chat_id, user_id, since, left FROM members WHERE chat_id = ? AND user_id = ?",
        key,
    )
    rev = next_me(db, user_id)
    db.execute(
        "INSERT INTO members (chat_id, user_id, role, since, joined_at, delivered, read,"
        " read_number, me_rev, received) VALUES (?,?,'member',?,?,?,?,?,?,?)"
        " ON CONFLICT DO UPDATE SET role = excluded.role, since = excluded.since, left = NULL,"
        " joined_at = excluded.joined_at, delivered = excluded.delivered, read = excluded.read,"
        " read_number = excluded.read_number, me_rev = excluded.me_rev, muted_until = 0,"
        " received = excluded.received",
        (*key, since, change.at, head.seq, head.seq, head.number, rev, head.seq),
    )
    db.execute(
        "DELETE FROM places WHERE chat_id = ? AND session_id IN"
        " (SELECT id FROM sessions WHERE user_id = ?)",
        key,
    )
    return MyChat(user_id, rev, change.chat_id, True, "member", since, head.seq, 0)


def _resize(db: apsw.Connection, caches: Caches, chat_id: int, by: int) -> int:
    """Another size; a group whose members changed is found by its member set no more."""
    size: int = db.execute(
        "UPDATE chats SET size = size + ?, key = NULL WHERE id = ? RETURNING size", (by, chat_id)
    ).get
    caches.sizes[chat_id] = size
    return size


def _log(
    db: apsw.Connection,
    caches: Caches,
    change: GroupChange,
    head: Head,
    size: int,
    system: dict[str, Any],
    events: list[MyChat],
) -> Logged:
    """Append the system message of a change: it takes the position after `head`."""
    head = caches.heads[change.chat_id] = append(head, change.at, countable=False)
    body = msgspec.json.encode(system)
    row = Row(
        change.id,
        change.chat_id,
        head.seq,
        head.seq,
        head.number,
        change.by,
        None,
        head.at,
        "system",
        "",
        b"",
        0,
        body,
    )
    insert_rows(db, [row])
    save_heads(db, {change.chat_id: head})
    seats = _seats(db, change.chat_id, size, len(newcomers(events, head.seq)))
    return Logged(change.id, change.chat_id, head, size, change.by, body, events, seats)


def _seats(db: apsw.Connection, chat_id: int, size: int, joined: int) -> Seats:
    if not outgrew(size, joined):
        return ()
    query = "SELECT user_id, since FROM members WHERE chat_id = ? AND left IS NULL"
    return tuple(db.execute(query, (chat_id,)))
