"""Whatever is done in whatever batches: dictionaries, SQLite and PostgreSQL answer the same, and so
do all reads of all users afterwards.
"""

import asyncio
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from hubbub.domain.change import (
    Advance,
    Amend,
    Amended,
    Change,
    Create,
    Created,
    Edit,
    Enrol,
    Erase,
    Fill,
    GroupChange,
    Hide,
    Join,
    Leave,
    Logged,
    Made,
    NewChat,
    Outcome,
    Pin,
    PlaceMe,
    Post,
    Posted,
    React,
    Seen,
    SetChat,
    SetRole,
)
from hubbub.domain.chat import group_key
from hubbub.domain.extra import Extra, pack
from hubbub.domain.invite import ChatInvite
from hubbub.domain.own import Mute, SetBlock, SetMe
from hubbub.domain.reading import ReplayBounds
from hubbub.domain.relation import Pair
from hubbub.domain.view import Places
from hubbub.ports import LogRead, Lookup, PassedRead, ResumeFrom, SourceRead
from tests.contract.chats.on_postgres import PostgresWorld
from tests.contract.chats.world import MemoryWorld, SqliteWorld, World, direct
from tests.support.engines import PostgresServer

USERS = tuple(range(1, 6))
SESSIONS = {31: (1, False), 32: (2, True), 33: (2, True), 34: (3, False)}
CHATS = tuple(range(1_001, 1_007))
INVITES = (
    ChatInvite(1, CHATS[0], b"1", 1, 0, 0, 0),
    ChatInvite(2, CHATS[0], b"2", 2, 0, 1_500, 2),
    ChatInvite(3, CHATS[1], b"3", 2, 0, 0, 1),
)

users = st.sampled_from(USERS)
two = st.lists(users, min_size=2, max_size=2, unique=True)
some = st.lists(users, min_size=1, max_size=4, unique=True).map(tuple)
positions = st.integers(0, 12)
times = st.integers(1_000, 2_000)
chats = st.sampled_from((*CHATS[:3], *CHATS))  # a few chats in which much happens
texts = st.sampled_from(["a", "b"])
client_ids = st.one_of(st.none(), st.sampled_from([b"1", b"2", b"3"]))
codes = st.sampled_from([b"", b"1", b"2", b"3"])
message_ids = st.integers(10_000, 10**9)
roles: Any = st.sampled_from(["owner", "admin", "member"])
histories: Any = st.sampled_from(["joined", "all"])
wanted: Any = st.fixed_dictionaries(
    {},
    optional={
        "title": st.sampled_from([None, "Title", "Another"]),
        "description": st.sampled_from(["", "d"]),
        "picture": st.sampled_from(["", '{"url":"https://example.com"}']),
        "posting": st.sampled_from(["all", "admins"]),
        "slow_seconds": st.sampled_from([0, 5]),
        "history": histories,
        "visibility": st.sampled_from(["private", "public"]),
    },
)


def in_its_chat(post: Post) -> Post:
    """A thread is of one chat; what began it is seen by nobody."""
    return replace(post, thread_id=post.thread_id and 10 * post.chat_id + post.thread_id)


def to_new_chat(new: NewChat, message: int, known: bool, at: int, content: str) -> Post:
    """The client_id follows from the recipients; the chat has an id that no other has."""
    new = replace(new, id=message + 10**10)
    key = (new.key or "").encode() if known else None
    return Post(message, 0, new, new.creator, key, at, "text", content, b"", 0)


def group(chat: int, members: tuple[int, ...], history: Any) -> NewChat:
    return NewChat(chat, "group", None, "Title", history, members[0], members)


def adhoc(members: tuple[int, ...]) -> NewChat:
    key = group_key(frozenset(members))
    return NewChat(0, "group", key, None, "joined", members[0], members)


def advance(chat: int, user: int, delivered: int, read: int, at: int) -> Advance:
    sessions = [s for s, (owner, _) in SESSIONS.items() if owner == user]
    return Advance(chat, user, sessions[at % len(sessions)] if sessions else 0, delivered, read, at)


def place_me(session: int, rev: int) -> PlaceMe:
    return PlaceMe(session, SESSIONS[session][0], rev)


new_chats = st.one_of(
    st.builds(lambda pair: direct(pair[0], pair[1], 0), two),
    st.builds(adhoc, some),
)
extras = st.one_of(
    st.builds(Extra, st.lists(users, unique=True).map(sorted).map(tuple), st.booleans()),
    st.builds(Extra, forward=st.just(9), forwarded_from=users),
)
posts = st.builds(
    Post,
    message_ids,
    chats,
    st.none(),
    users,
    client_ids,
    times,
    st.just("text"),
    texts,
    st.just(b""),
    st.just(0),
    st.sampled_from([0, 0, 7, 8]),
    st.one_of(st.just(b""), extras.map(pack)),
).map(in_its_chat)
edits = st.builds(
    Edit,
    st.sampled_from([None, "", "a", "c"]),
    st.sampled_from([None, b"", b"[]"]),
    st.sampled_from([0, 0, 1_500]),
    st.one_of(st.none(), st.none(), st.lists(users, unique=True).map(sorted).map(tuple)),
    st.sampled_from([None, None, False, True]),
)
switches: Any = st.fixed_dictionaries(
    {},
    optional={
        "read_receipts": st.booleans(),
        "last_seen": st.booleans(),
        "inbox": st.sampled_from(["everyone", "contacts"]),
    },
)
moves = st.builds(advance, chats, users, positions, positions, times)
reactions = st.builds(React, st.sampled_from(["👍", "🎉", "❤️"]), st.booleans())
others = st.one_of(st.just(Erase()), st.just(Hide()), st.builds(Pin, st.booleans()))
dos = st.one_of(edits, edits, reactions, others)
amendments = st.builds(Amend, st.integers(0, 30), users, dos, times)  # the n-th last message
changes: st.SearchStrategy[Change] = st.one_of(
    st.builds(Create, st.builds(group, chats, some, histories), times),
    posts,
    posts,
    posts,
    st.builds(to_new_chat, new_chats, message_ids, st.booleans(), times, texts),
    st.builds(Fill, chats, some, times),
    st.builds(Enrol, message_ids, chats, users, some, times),
    st.builds(Join, message_ids, chats, users, codes, st.sampled_from([0, 3]), times),
    st.builds(Leave, message_ids, chats, users, users, times),
    st.builds(SetRole, message_ids, chats, users, users, roles, times),
    st.builds(SetChat, message_ids, chats, users, wanted, times),
    amendments,
    amendments,
    moves,
    moves,
    st.builds(Mute, chats, users, st.sampled_from([0, 5_000])),
    st.builds(Seen, st.lists(st.tuples(users, times), max_size=3).map(tuple)),
    st.builds(SetBlock, users, users, st.booleans()),
    st.builds(SetMe, users, switches, st.sampled_from([None, "Ann", "Zoe"])),
    st.builds(
        lambda s, rev: PlaceMe(s, SESSIONS[s][0], rev), st.sampled_from([*SESSIONS]), positions
    ),
)
batches = st.lists(st.lists(changes, min_size=1, max_size=25), min_size=1, max_size=6)


def runs(examples: int, *phases: Phase) -> Any:
    quick = settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        phases=phases or tuple(Phase),
        suppress_health_check=list(HealthCheck),
    )
    drawn = given(batches=batches, after=positions, limit=st.integers(1, 6), now=times)
    return lambda test: quick(drawn(test))


@runs(40)
def test_dictionaries_and_sqlite_agree(
    batches: list[list[Change]], after: int, limit: int, now: int
) -> None:
    async def run() -> None:
        sqlite = SqliteWorld(":memory:")
        try:
            await compare(sqlite, batches, after, limit, now)
        finally:
            sqlite.close()

    asyncio.run(run())


@runs(6, Phase.generate)  # a server is too slow to shrink on
def test_dictionaries_and_postgres_agree(
    postgres: PostgresServer, batches: list[list[Change]], after: int, limit: int, now: int
) -> None:
    async def run() -> None:
        world = PostgresWorld(await postgres.emptied())
        try:
            await compare(world, batches, after, limit, now)
        finally:
            await world.close()

    asyncio.run(run())


async def compare(
    other: World, batches: list[list[Change]], after: int, limit: int, now: int
) -> None:
    memory = MemoryWorld()
    for world in (memory, other):
        world.add_users(*USERS)
        for session, (user_id, own) in SESSIONS.items():
            world.add_session(session, user_id, own)
        for invite in INVITES:
            assert await world.joining.add_chat_invite(invite)
    outcomes: list[Outcome] = []
    for batch in started(batches):
        expected = [plain(o) for o in await memory.store.commit(batch)]
        assert [plain(o) for o in await other.store.commit(batch)] == expected
        outcomes += expected
    dense(memory, outcomes)
    bounds = ReplayBounds(age_ms=500, per_chat=limit)
    questions = Questions([*memory.state.chats, 77], after, limit, bounds, now + 500)
    right, found = await everything(memory, questions), await everything(other, questions)
    for question, answer in right.items():
        assert (question, found[question]) == (question, answer)


def started(batches: list[list[Change]]) -> list[list[Change]]:
    """Two groups that are always there, and no id of a message twice."""
    first: list[Change] = [
        Create(group(CHATS[0], (1, 2, 3), "joined"), 1_000),
        Create(group(CHATS[1], (2, 3), "all"), 1_000),
    ]
    seen: set[int] = set()
    ids: list[int] = []
    result = [first]
    for batch in batches:
        result.append([])
        for change in batch:
            if isinstance(change, Post | GroupChange):
                if change.id in seen:
                    continue
                seen.add(change.id)
                ids.append(change.id)
            elif isinstance(change, Amend):
                which = ids[-1 - change.message_id % len(ids)] if ids else 0
                change = replace(change, message_id=which)
            result[-1].append(change)
    return result


def taken(outcome: Outcome) -> tuple[int, int] | None:
    """The chat in which a position was taken, and which."""
    match outcome:
        case Posted(duplicate=False):
            return outcome.chat_id, outcome.seq
        case Logged() if outcome.system:
            return outcome.chat_id, outcome.head.seq
        case Amended(changed=True):
            return outcome.row.chat_id, outcome.row.rev
    return None


def dense(world: MemoryWorld, outcomes: list[Outcome]) -> None:
    """G3, and times that never go back."""
    places = [place for place in map(taken, outcomes) if place is not None]
    for chat_id, rows in world.state.logs.items():
        positions = [position for chat, position in places if chat == chat_id]
        assert positions == [*range(1, len(positions) + 1)]
        assert world.state.heads[chat_id].seq == len(positions)
        assert {p for row in rows for p in (row.seq, row.rev)} <= {*positions}
        assert sorted(row.seq for row in rows) == [row.seq for row in rows]
        assert sorted(row.at for row in rows) == [row.at for row in rows]


def plain(outcome: Outcome) -> Outcome:
    """An outcome without what no caller relies on: the order of members."""
    match outcome:
        case Posted(duplicate=True):
            return replace(outcome, made=None)
        case Posted(made=Made() as made):
            return replace(outcome, made=in_order(made))
        case Created(made=made):
            return Created(in_order(made))
    return outcome


def in_order(made: Made) -> Made:
    return replace(made, members=tuple(sorted(made.members)))


def placed(places: Places) -> Places:
    """Chats of the same time may come in any order."""
    changed = sorted(places.changed, key=lambda p: (-p.at, p.chat_id))
    assert [p.at for p in changed] == [p.at for p in places.changed]
    return replace(places, changed=changed)


class Questions(Struct, frozen=True):
    """What the reads ask for."""

    chats: list[int]
    after: int
    limit: int
    bounds: ReplayBounds
    now: int


async def everything(world: World, ask: Questions) -> dict[object, object]:
    """Every read of every user, by question."""
    answers: dict[object, object] = {"counts": await world.store.counts(ask.chats)}
    answers["public"] = await world.joining.public_chats("", None, ask.limit)
    for chat in ask.chats:
        answers["invites", chat] = await world.joining.chat_invites(chat)
    for session, (user, _) in SESSIONS.items():
        (places,) = await world.store.places([ResumeFrom(user, session, None, 0)])
        answers["kept places", session] = placed(places)
    pairs = [Pair(user, other) for user in USERS for other in (*USERS, 9)]
    pairs += [Pair(user, 0, chat) for user in USERS for chat in ask.chats]
    answers["relations"] = await world.relations.relations(pairs)
    for user in USERS:
        known = dict.fromkeys(ask.chats[::2], ask.after)
        (places,) = await world.store.places([ResumeFrom(user, 0, known, ask.after)])
        answers["places", user] = placed(places)
        answers["stance", user] = await world.relations.stance(user)
        answers["blocked", user] = await world.relations.blocked(user, ask.after % 5, ask.limit)
        answers["me", user] = await world.own_log.me(user, ask.after, ask.limit)
        answers["chats", user] = first = await world.reader.chats(user, None, ask.limit)
        rest = await world.reader.chats(user, first.cursor, ask.limit)
        answers["next chats", user] = rest
        for invite in INVITES:
            found = await world.joining.invitation(invite.code_hash, user, ask.now)
            answers["invitation", user, invite.id] = found
        answers["mentions", user] = named = await world.referring.mentions(user, None, ask.limit)
        more = await world.referring.mentions(user, named.cursor, ask.limit)
        answers["more mentions", user] = more
        answers["cursors", user] = await world.reader.cursors(user, ask.chats)
        for chat in ask.chats:
            await one_chat(world, ask, user, chat, answers)
    await pages(world, ask, answers)
    return answers


async def one_chat(
    world: World, ask: Questions, user: int, chat: int, answers: dict[object, object]
) -> None:
    (found,) = await world.store.find([Lookup(user, chat, None, ask.after, b"1")])
    if found is not None:
        found = replace(found, members=tuple(sorted(found.members)))
    answers["find", user, chat] = found
    reads = [LogRead(user, chat, ask.after, ask.limit)]
    reads.append(LogRead(user, chat, ask.after, 1000, ask.bounds, ask.now))
    answers["logs", user, chat] = await world.store.logs(reads)
    (passed,) = await world.store.passed([PassedRead(chat, user, ask.after // 2, ask.after)])
    answers["passed", user, chat] = sorted(passed, key=lambda p: p.seq)
    answers["chat", user, chat] = await world.reader.chat(user, chat)
    answers["pins", user, chat] = await world.messages.pins(user, chat)
    members = await world.reader.members(user, chat, ask.after % 5, ask.limit)
    answers["members", user, chat] = members


async def pages(world: World, ask: Questions, answers: dict[object, object]) -> None:
    """History around every message, each message, and its receipts."""
    messages: list[tuple[int, int]] = []
    for chat in ask.chats:
        (log,) = await world.store.logs([LogRead(0, chat, 0, 1000)])
        messages += [(chat, row.id) for row in log.rows] if log else []
    for user in USERS:
        for chat, message in messages[:: 1 + len(messages) // 10]:
            answers["message", user, message] = await world.reader.message(user, message)
            answers["versions", user, message] = await world.messages.versions(user, message)
            receipts = await world.reader.receipts(user, message, 1, ask.limit)
            answers["receipts", user, message] = receipts
            thread = [user, message, bool(ask.after % 2), ask.after, ask.limit]
            answers["thread", user, message] = await world.referring.thread(*thread)  # type: ignore[arg-type]
            sources = [SourceRead(user, message, key) for key in (None, b"1")]
            answers["sources", user, message] = await world.referring.sources(sources)
            for direction in ("before", "after", "around"):
                page = await world.reader.history(user, chat, direction, message, ask.limit)
                answers[direction, user, message] = page
