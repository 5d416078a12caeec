"""Groups made, joined, left: stays, the system message that says so, and the users' own logs.

A change that is repeated after an unknown outcome is known again by its id.
"""

from typing import Any, assert_never

import msgspec
from msgspec.structs import replace

from hubbub.adapters.postgres.joining import find_invite, is_removed
from hubbub.adapters.postgres.post import add_members, insert_rows, make_chat
from hubbub.adapters.postgres.work import Work
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


async def create(work: Work, change: Create) -> Created:
    """Make the chat, or find it by its key."""
    return Created(await make_chat(work, change.chat, change.at))


async def fill(work: Work, change: Fill) -> Filled | Missing:
    """More first members; those who are in already are passed over."""
    head = work.head(change.chat_id)
    if head is None:
        return Missing()
    rows = await work.db.fetch(
        "SELECT user_id FROM members WHERE chat_id = $1 AND user_id = ANY($2)",
        change.chat_id,
        list(change.members),
    )
    there = {row[0] for row in rows}
    fresh: list[tuple[int, Role]] = [(u, "member") for u in change.members if u not in there]
    events = await add_members(work, change.chat_id, fresh, change.at, head)
    size = await work.resize(change.chat_id, len(fresh))
    return Filled(size, head.seq, events, await _seats(work, change.chat_id, size, len(fresh)))


async def change_group(work: Work, change: GroupChange) -> Logged | Missing | Denied:
    """Change members, roles or settings, and say so in the log."""
    await work.flush()  # what follows reads rows of members
    match change:
        case Enrol():
            return await enrol(work, change)
        case Join():
            return await join(work, change)
        case Leave():
            return await leave(work, change)
        case SetRole():
            return await set_role(work, change)
        case SetChat():
            return await set_chat(work, change)
        case _:
            assert_never(change)


async def enrol(work: Work, change: Enrol) -> Logged | Missing:
    """Add users; those who are members already are passed over."""
    chat_id, head = change.chat_id, work.head(change.chat_id)
    if head is None:
        return Missing()
    await work.load_positions((chat_id, user_id) for user_id in change.users)
    fresh = [u for u in dict.fromkeys(change.users) if await work.position(chat_id, u) is None]
    if not fresh or await _is_stored(work, change.id):
        return _unchanged(work, change, head)
    events = await _come_in(work, change, fresh, head)
    await work.resize(chat_id, len(fresh))
    return await _log(work, change, head, members_added(change.by, fresh), events)


async def join(work: Work, change: Join) -> Logged | Missing | Denied:
    """Let a user in, counting the use of his invite; of who is in nothing changes."""
    head, chat = work.head(change.chat_id), work.chat(change.chat_id)
    if head is None or chat is None:
        return Missing()
    present = await work.position(chat.id, change.by) is not None
    if present or await _is_stored(work, change.id):
        return _unchanged(work, change, head)
    found = await find_invite(work.db, change.invite) if change.invite else None
    invited, invited_by = (False if change.invite else None), None
    if found is not None and found[0].chat_id == chat.id:
        invited, invited_by = found[0].opens(found[1], change.at), found[0].created_by
    removed = await is_removed(work.db, chat.id, change.by)
    if (denied := may_come_in(chat, change.most, removed, invited)) is not None:
        return denied
    if invited:
        query = "UPDATE chat_invites SET uses = uses + 1 WHERE code_hash = $1"
        await work.db.execute(query, change.invite)
    events = await _come_in(work, change, [change.by], head)
    await work.resize(chat.id, 1)
    return await _log(work, change, head, member_joined(change.by, invited_by), events)


async def leave(work: Work, change: Leave) -> Logged | Missing:
    """End a stay; of who is not there nothing changes."""
    chat_id, head = change.chat_id, work.head(change.chat_id)
    if head is not None and await _is_stored(work, change.id):
        return _unchanged(work, change, head)
    position = await work.position(chat_id, change.user_id)
    if head is None or position is None:
        return Missing()
    rev = work.next_me(change.user_id)
    await work.db.execute(
        "UPDATE members SET until = $3, me_rev = $4, removed = $5"
        " WHERE chat_id = $1 AND user_id = $2",
        chat_id,
        change.user_id,
        head.seq + 1,
        rev,
        change.by != change.user_id,
    )
    work.forget_positions(chat_id, [change.user_id])
    event = MyChat(change.user_id, rev, chat_id, False, position.role, position.since, 0, 0)
    await work.resize(chat_id, -1)
    events, heir = [event], None
    if position.role == "owner" and not await _owners(work, chat_id):
        heir = await _heir(work, chat_id)
    if heir is not None:
        events.append(await _give_role(work, chat_id, heir, "owner"))
    return await _log(work, change, head, member_left(change.by, change.user_id, heir), events)


async def set_role(work: Work, change: SetRole) -> Logged | Missing | Denied:
    """Give a member another role. The last owner keeps his."""
    chat_id, head = change.chat_id, work.head(change.chat_id)
    position = await work.position(chat_id, change.user_id)
    if head is None or position is None:
        return Missing()
    if position.role == change.role or await _is_stored(work, change.id):
        return _unchanged(work, change, head)
    if position.role == "owner" and await _owners(work, chat_id) == 1:
        return LAST_OWNER
    event = await _give_role(work, chat_id, change.user_id, change.role)
    system = role_changed(change.by, change.user_id, change.role)
    return await _log(work, change, head, system, [event])


async def set_chat(work: Work, change: SetChat) -> Logged | Missing | Denied:
    """Give settings other values; those that are there already are passed over."""
    head, chat = work.head(change.chat_id), work.chat(change.chat_id)
    if head is None or chat is None:
        return Missing()
    fresh = changed(chat, change.settings)
    if not fresh or await _is_stored(work, change.id):
        return _unchanged(work, change, head)
    if nameless(chat, fresh):
        return NAMELESS
    settings = ", ".join(f"{name} = ${n}" for n, name in enumerate(fresh, 2))  # names of ours
    await work.db.execute(f"UPDATE chats SET {settings} WHERE id = $1", chat.id, *fresh.values())
    work.chats[chat.id] = replace(chat, **fresh)
    return await _log(work, change, head, chat_changed(change.by, fresh), [])


async def _owners(work: Work, chat_id: int) -> int:
    count: int = await work.db.fetchval(
        "SELECT count(*) FROM members WHERE chat_id = $1 AND role = 'owner' AND until IS NULL",
        chat_id,
    )
    return count


async def _heir(work: Work, chat_id: int) -> int | None:
    query = (
        "SELECT user_id FROM members WHERE chat_id = $1 AND role = $2 AND until IS NULL"
        " ORDER BY since, user_id LIMIT 1"
    )
    for role in HEIRS:
        heir: int | None = await work.db.fetchval(query, chat_id, role)
        if heir is not None:
            return heir
    return None


async def _give_role(work: Work, chat_id: int, user_id: int, role: Role) -> MyChat:
    """A present member's other role, told in his own log."""
    position = await work.position(chat_id, user_id)
    assert position is not None
    position.role = role
    return await work.tell(chat_id, user_id, position)


async def _is_stored(work: Work, message_id: int) -> bool:
    query = "SELECT 1 FROM messages WHERE id = $1"
    return await work.db.fetchval(query, message_id) is not None


def _unchanged(work: Work, change: GroupChange, head: Head) -> Logged:
    size = work.chats[change.chat_id].size
    return Logged(change.id, change.chat_id, head, size, change.by, b"", [])


async def _come_in(work: Work, change: Enrol | Join, users: list[int], head: Head) -> list[MyChat]:
    since = head.seq + 1
    chat_id = change.chat_id
    revs = [work.next_me(user_id) for user_id in users]
    await work.db.execute(
        "INSERT INTO stays (chat_id, user_id, since, until)"
        " SELECT chat_id, user_id, since, until FROM members"
        " WHERE chat_id = $1 AND user_id = ANY($2) ON CONFLICT DO NOTHING",
        chat_id,
        users,
    )
    await work.db.execute(
        "INSERT INTO members (chat_id, user_id, role, since, joined_at, delivered, read,"
        " read_number, me_rev, received)"
        " SELECT $1::bigint, k.user_id, 'member', $2::bigint, $3::bigint, $4::bigint, $4::bigint,"
        " $5::bigint, k.me_rev, $4::bigint"
        " FROM unnest($6::bigint[], $7::bigint[]) AS k (user_id, me_rev)"
        " ON CONFLICT (chat_id, user_id) DO UPDATE SET role = excluded.role,"
        " since = excluded.since, until = NULL, joined_at = excluded.joined_at,"
        " delivered = excluded.delivered, read = excluded.read,"
        " read_number = excluded.read_number, me_rev = excluded.me_rev, muted_until = 0,"
        " received = excluded.received",
        chat_id,
        since,
        change.at,
        head.seq,
        head.number,
        users,
        revs,
    )
    await work.db.execute(
        "DELETE FROM places WHERE chat_id = $1 AND session_id IN"
        " (SELECT id FROM sessions WHERE user_id = ANY($2))",
        chat_id,
        users,
    )
    work.forget_positions(chat_id, users)
    return [
        MyChat(user_id, rev, chat_id, True, "member", since, head.seq, 0)
        for user_id, rev in zip(users, revs, strict=True)
    ]


async def _log(
    work: Work, change: GroupChange, head: Head, system: dict[str, Any], events: list[MyChat]
) -> Logged:
    """Append the system message of a change: it takes the position after `head`."""
    chat_id, by = change.chat_id, change.by
    head = append(head, change.at, countable=False)
    body = msgspec.json.encode(system)
    place = (head.seq, head.seq, head.number)
    row = Row(change.id, chat_id, *place, by, None, head.at, "system", "", b"", 0, body)
    await insert_rows(work, [row])
    work.move_head(chat_id, head)
    size = work.chats[chat_id].size
    seats = await _seats(work, chat_id, size, len(newcomers(events, head.seq)))
    return Logged(change.id, chat_id, head, size, by, body, events, seats)


async def _seats(work: Work, chat_id: int, size: int, joined: int) -> Seats:
    if not outgrew(size, joined):
        return ()
    query = "SELECT user_id, since FROM members WHERE chat_id = $1 AND until IS NULL"
    return tuple((row[0], row[1]) for row in await work.db.fetch(query, chat_id))
