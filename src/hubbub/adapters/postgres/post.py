"""Messages: assign positions and insert."""

from collections.abc import Sequence

from msgspec.structs import replace

from hubbub.adapters.postgres.mentions import insert_mentions, unread_mentions
from hubbub.adapters.postgres.rows import INSERT, present_members, sent_values, write
from hubbub.adapters.postgres.schema import DAY_MS, day_of_id
from hubbub.adapters.postgres.sent import claim, known_posts
from hubbub.adapters.postgres.work import NEW_CHATS, Again, Work, new_row
from hubbub.domain.change import Made, Mismatch, Missing, NewChat, Outcome, Post, Posted, Stale
from hubbub.domain.chat import LARGE, Chat, Head, Role
from hubbub.domain.log import assign, dedupe, placed
from hubbub.domain.message import Row
from hubbub.domain.own import MyChat
from hubbub.domain.receipt import READ


async def post_all(work: Work, posts: Sequence[Post]) -> list[Outcome]:
    """Append the posts in order; those to a chat that is not there are `Missing`."""
    outcomes: list[Outcome | None] = [None] * len(posts)
    ready: list[Post] = []
    places: list[int] = []
    made_by: dict[int, Made] = {}
    for index, post in enumerate(posts):
        known = work.known.get(dedupe(post)) if post.new_chat is not None else None
        if post.new_chat is not None and known is not None:
            # Its chat may not be found by its members any more, when they have changed since.
            if await _first_members(work, known.chat_id) != set(post.new_chat.members):
                outcomes[index] = Mismatch()
                continue
            post = replace(post, chat_id=known.chat_id)
        elif post.new_chat is not None:
            made = made_by[index] = await make_chat(work, post.new_chat, post.at)
            post = replace(post, chat_id=made.chat_id)
        if known is None and work.head(post.chat_id) is None:
            outcomes[index] = Missing()
        else:
            ready.append(post)
            places.append(index)
    for index, outcome in zip(places, await _append(work, ready), strict=True):
        if index in made_by and isinstance(outcome, Posted):
            outcome = replace(outcome, made=made_by[index])
        outcomes[index] = outcome
    return outcomes  # type: ignore[return-value]


async def _append(work: Work, posts: list[Post]) -> list[Posted | Mismatch | Stale]:
    await _know(work, posts)
    assigned = assign(posts, work.heads, work.known)
    rows = [row for row in assigned if isinstance(row, Row)]
    await insert_rows(work, rows)
    await insert_mentions(work.db, [row for row in rows if row.extra])
    for row in rows:
        work.move_head(row.chat_id, work.heads[row.chat_id])
    before, silent = await _move_senders(work, rows)
    return [
        placed(row, before[row.id], silent=row.id in silent) if isinstance(row, Row) else row
        for row in assigned
    ]


async def _know(work: Work, posts: list[Post]) -> None:
    """Make the posts' keys theirs, and load what other messages have them."""
    keyed = [p for p in posts if p.client_id is not None and dedupe(p) not in work.known]
    today = work.now // DAY_MS
    claimed = await claim(work.db, keyed, today) if keyed else set()
    theirs = [p for p in keyed if dedupe(p) not in claimed]
    if work.plan.check_ids:
        theirs += [p for p in posts if p.client_id is None]
    if theirs:
        check = work.plan.check_ids
        work.known.update(await known_posts(work.db, theirs, check_ids=check))


async def insert_rows(work: Work, rows: Sequence[Row]) -> None:
    """Store messages in their places. The database objects to one that is stored already."""
    if not rows:
        return
    for row in rows:
        work.need_day(day_of_id(row.id))
    await write(work.db, {INSERT: [sent_values(row) for row in rows]})
    await work.note_rows(rows)


async def _move_senders(work: Work, rows: list[Row]) -> tuple[dict[int, int], set[int]]:
    """Sending moves the sender's own cursors: nothing before it is unread to him.

    Answers where his read cursor was, by message, and those of which nobody is told.
    """
    await work.load_positions((row.chat_id, row.sender_id) for row in rows)
    before: dict[int, int] = {}
    silent: set[int] = set()
    for row in rows:
        position = await work.position(row.chat_id, row.sender_id)
        if position is None:  # he left in this very batch
            before[row.id] = row.seq - 1
            continue
        before[row.id] = position.read
        if row.seq - position.read > 1:
            work.mark(row.chat_id, row.sender_id, READ, row.seq, row.at)
            if position.silent:
                silent.add(row.id)
        position.delivered = position.read = row.seq
        position.read_number = row.number
        position.sent_at = row.at
        work.move(row.chat_id, row.sender_id)
    return before, silent


async def make_chat(work: Work, new: NewChat, at: int) -> Made:
    """The chat with this key or id, made with its members if it is not there."""
    chat_id = await _row_of(work, new, at)
    if chat_id not in work.unmade:
        chat = work.chats[chat_id]
        chats = [] if chat.size > LARGE else [chat_id]
        members = (await present_members(work.db, chats)).get(chat_id, ())
        return Made(chat_id, chat.type, chat.size, tuple(members), [])
    work.unmade.discard(chat_id)
    users = [(u, _role(new, u)) for u in new.members]
    events = await add_members(work, chat_id, users, at, work.heads[chat_id])
    return Made(chat_id, new.type, len(new.members), new.members, events)


async def _row_of(work: Work, new: NewChat, at: int) -> int:
    if new.key is None:
        return new.id
    found = work.keys.get(new.key)
    if found is not None:
        return found
    # It had a chat when this commit began, and that lost its key in this very commit.
    if not await work.db.fetch(NEW_CHATS, *([value] for value in new_row(new, at))):
        raise Again
    work.keys[new.key] = new.id
    work.chats[new.id] = Chat(
        new.id, new.type, new.key, new.title, new.history, at, len(new.members)
    )
    work.heads[new.id] = Head(0, 0, at)
    work.unmade.add(new.id)
    return new.id


async def add_members(
    work: Work, chat_id: int, users: list[tuple[int, Role]], at: int, head: Head
) -> list[MyChat]:
    """First members of a chat, with their roles: they see all its messages up to `head`."""
    events = [
        MyChat(
            *(user_id, work.next_me(user_id), chat_id, True, role, 1, 0, head.number),
            unread_mentions=await unread_mentions(work.db, chat_id, user_id, 0, head.mentioned),
        )
        for user_id, role in users
    ]
    await work.db.execute(
        "INSERT INTO members (chat_id, user_id, role, since, joined_at, delivered, read,"
        " read_number, me_rev)"
        " SELECT $1::bigint, k.user_id, k.role, 1, $2::bigint, 0, 0, 0, k.me_rev"
        " FROM unnest($3::bigint[], $4::text[], $5::bigint[]) AS k (user_id, role, me_rev)",
        chat_id,
        at,
        [event.user_id for event in events],
        [event.role for event in events],
        [event.rev for event in events],
    )
    work.forget_positions(chat_id, [event.user_id for event in events])
    return events


async def _first_members(work: Work, chat_id: int) -> set[int]:
    """Whom a chat was made for."""
    rows = await work.db.fetch(
        "SELECT user_id FROM members WHERE chat_id = $1 AND since = 1"
        " UNION SELECT user_id FROM stays WHERE chat_id = $1 AND since = 1",
        chat_id,
    )
    return {row[0] for row in rows}


def _role(new: NewChat, user_id: int) -> Role:
    return "owner" if new.type == "group" and user_id == new.creator else "member"
