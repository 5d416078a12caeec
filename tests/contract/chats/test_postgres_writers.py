"""Several processes commit to one database at once: each here is a store with connections of its
own, as each server has. Nobody waits in a circle, and a chat that all write to holds up no other.
"""

import asyncio
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import pytest
from msgspec.structs import replace

from hubbub.adapters.postgres import work
from hubbub.adapters.postgres.chats import PostgresChatStore
from hubbub.adapters.postgres.database import Bounds, Database
from hubbub.domain.change import Advance, Change, Create, Enrol, Leave, NewChat, Post, Posted
from hubbub.ports import LogRead, OutcomeUnknown, Unavailable
from tests.contract.chats.on_postgres import PostgresWorld
from tests.contract.chats.world import ANN, BOB, CAT, CHAT, DAN, EVE, direct
from tests.support.engines import PostgresServer

USERS = (ANN, BOB, CAT, DAN, EVE)
SMALL = Bounds(connections=3, lock=20.0, pause=20.0)


@pytest.fixture
async def one(postgres: PostgresServer) -> AsyncIterator[PostgresWorld]:
    made = PostgresWorld(await postgres.emptied())
    made.add_users(*USERS)
    await made.settle()
    yield made
    await made.close()


@pytest.fixture
async def servers(
    one: PostgresWorld, postgres: PostgresServer
) -> AsyncIterator[list[PostgresChatStore]]:
    databases = [Database(one.database.url, SMALL) for _ in range(4)]
    for database in databases:
        await database.start()
    yield [PostgresChatStore(database) for database in databases]
    for database in databases:
        await database.close()


async def deadlocks(world: PostgresWorld) -> int:
    async with world.database.snapshot() as db:
        query = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        found: int = await db.fetchval(query)
    return found


async def test_all_write_to_a_few_chats(
    one: PostgresWorld, servers: list[PostgresChatStore]
) -> None:
    """Batches that overlap in every order: positions without holes, senders' order kept (G3)."""
    chats = [CHAT + n for n in range(6)]
    for chat in chats:
        await one.group(*USERS, chat=chat)
    before = await deadlocks(one)
    ids = iter(range(10_000, 10**6))
    sent: dict[tuple[int, int], list[int]] = {}

    def batch(sender: int, turn: random.Random) -> list[Change]:
        changes: list[Change] = []
        for chat in turn.choices(chats, k=12):
            post = Post(next(ids), chat, None, sender, None, 1_000, "text", "x", b"", 0)
            sent.setdefault((chat, sender), []).append(post.id)
            changes.append(post)
        for chat in turn.sample(chats, 3):
            who = turn.sample(USERS, 3)
            changes += [Advance(chat, user, 0, 10, 10, 1_000) for user in who]
        if turn.random() < 0.3:
            other = turn.choice([user for user in USERS if user != sender])
            changes.append(Leave(next(ids), chats[0], other, other, 1_000))
            changes.append(Enrol(next(ids), chats[0], sender, (other,), 1_000))
        return changes

    async def server(number: int, store: PostgresChatStore) -> None:
        turn = random.Random(number)
        for _ in range(15):
            outcomes = await store.commit(batch(USERS[number], turn))
            assert None not in outcomes

    async with asyncio.TaskGroup() as group:
        for number, store in enumerate(servers):
            group.create_task(server(number, store))
    for chat in chats:
        (log,) = await one.store.logs([LogRead(0, chat, 0, 10_000)])
        assert log is not None
        assert [row.seq for row in log.rows] == [*range(1, len(log.rows) + 1)]
        for sender in USERS[: len(servers)]:
            posted = [r.id for r in log.rows if r.sender_id == sender and r.type == "text"]
            assert posted == sent.get((chat, sender), [])
    assert await deadlocks(one) == before


async def test_own_logs_have_no_holes_whoever_writes(
    one: PostgresWorld, servers: list[PostgresChatStore]
) -> None:
    chats = [CHAT + n for n in range(4)]
    for chat in chats:
        await one.group(*USERS, chat=chat)
        await one.posts(20, chat=chat)
    told: dict[int, list[int]] = {user: [] for user in USERS}

    async def server(number: int, store: PostgresChatStore) -> None:
        turn = random.Random(number)
        for read in range(1, 16):
            moves = [Advance(c, u, 0, read, read, 1) for c in chats for u in turn.sample(USERS, 3)]
            turn.shuffle(moves)
            for outcome in await store.commit(moves):
                if outcome.me is not None:  # type: ignore[union-attr]
                    told[outcome.me.user_id].append(outcome.me.rev)  # type: ignore[union-attr]

    before = await deadlocks(one)
    async with asyncio.TaskGroup() as group:
        for number, store in enumerate(servers):
            group.create_task(server(number, store))
    for user, revs in told.items():
        _, head = await one.own_log.me(user, 0, 10)
        assert sorted(revs) == [*range(len(chats) + 1, head + 1)]
    assert await deadlocks(one) == before


async def test_a_chat_that_somebody_holds_holds_up_no_other(
    one: PostgresWorld, servers: list[PostgresChatStore]
) -> None:
    await one.group(*USERS)
    await one.group(*USERS, chat=CHAT + 1)
    hot, cold = one.text("hot"), one.text("cold", chat=CHAT + 1)
    async with one.database.transaction() as holder:
        await holder.execute("SELECT 1 FROM chats WHERE id = $1 FOR UPDATE", CHAT)
        both = asyncio.ensure_future(servers[0].commit([hot, cold]))
        async with asyncio.timeout(10):
            while not await one.seen(ANN, CHAT + 1):
                pass
        assert not both.done()
        # While it waits for the one, it holds nothing of the other.
        (again,) = await servers[1].commit([one.text("more", BOB, CHAT + 1)])
        assert isinstance(again, Posted)
        assert again.seq == 2
    outcomes = await both
    assert [o.seq for o in outcomes if isinstance(o, Posted)] == [1, 1]


async def test_one_direct_chat_is_made_by_all(
    one: PostgresWorld, servers: list[PostgresChatStore]
) -> None:
    pairs = [(first, second) for first in USERS for second in USERS if first < second]

    async def server(number: int, store: PostgresChatStore) -> list[int]:
        turn = random.Random(number)
        mine = turn.sample(pairs, len(pairs))
        changes: list[Change] = []
        for index, pair in enumerate(mine):
            chat = direct(*pair, CHAT + 100 * number + index)
            changes.append(one.text("hi", pair[number % 2], new_chat=chat))
        outcomes = await store.commit(changes)
        found = dict(zip(mine, outcomes, strict=True))
        return [found[pair].chat_id for pair in pairs]  # type: ignore[union-attr]

    before = await deadlocks(one)
    chats = await asyncio.gather(*(server(n, store) for n, store in enumerate(servers)))
    assert chats.count(chats[0]) == len(servers)
    assert len(set(chats[0])) == len(pairs)
    assert await deadlocks(one) == before


async def test_one_message_is_stored_once_whoever_it_is_sent_through(
    one: PostgresWorld, servers: list[PostgresChatStore]
) -> None:
    await one.group(*USERS)
    await one.group(*USERS, chat=CHAT + 1)
    sent = [one.text(f"{n}", client_id=b"%016d" % n) for n in range(20)]

    async def server(number: int, store: PostgresChatStore) -> list[int]:
        # Each gives it an id of its own, and one sends the same to another chat.
        mine = [replace(post, id=post.id + 1_000 * (number + 1)) for post in sent]
        outcomes = await store.commit(mine)
        return [outcome.id for outcome in outcomes]  # type: ignore[union-attr]

    ids = await asyncio.gather(*(server(n, store) for n, store in enumerate(servers)))
    assert ids.count(ids[0]) == len(servers)
    assert await one.seen(ANN) == [*range(1, 21)]


async def test_a_commit_whose_end_nobody_heard_is_unknown_and_may_be_repeated(
    one: PostgresWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await one.group(*USERS)
    await one.post("before")
    keyed, plain = one.text("one", client_id=b"k" * 16), one.text("two")
    changes: list[Change] = [
        keyed,
        plain,
        Enrol(one.next_id(), CHAT, ANN, (77,), 2),
        Advance(CHAT, BOB, 0, 2, 2, 5),
        Create(NewChat(CHAT + 5, "group", None, "t", "joined", ANN, (ANN,)), 4),
    ]
    real = asyncpg.Connection.execute

    async def cut(self: asyncpg.Connection, query: str, *values: object, **more: object) -> str:
        result = await real(self, query, *values, **more)
        if query == "COMMIT":
            monkeypatch.undo()
            raise asyncpg.ConnectionDoesNotExistError("connection was closed")
        return result

    monkeypatch.setattr(asyncpg.Connection, "execute", cut)
    with pytest.raises(OutcomeUnknown):
        await one.store.commit(changes)
    outcomes = await one.store.commit(changes)
    posted = [(o.id, o.duplicate) for o in outcomes if isinstance(o, Posted)]
    assert posted == [(keyed.id, True), (plain.id, True)]
    assert await one.seen(ANN) == [1, 2, 3, 4]


async def test_what_fails_before_the_end_stores_nothing(
    one: PostgresWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await one.group(*USERS)

    async def away(self: work.Work) -> None:
        raise asyncpg.ConnectionDoesNotExistError("connection was closed")

    with monkeypatch.context() as patch:
        patch.setattr(work.Work, "flush", away)
        with pytest.raises(Unavailable) as error:
            await one.store.commit([one.text("one")])
    assert not isinstance(error.value, OutcomeUnknown)
    assert await one.seen(ANN) == []


@pytest.mark.parametrize("size", [1, 50])
async def test_a_commit_costs_as_many_round_trips_whatever_its_size(
    one: PostgresWorld, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    await one.group(*USERS)
    await one.post("the first of the day")
    said: list[str] = []
    for name in ("execute", "fetch", "copy_records_to_table"):
        monkeypatch.setattr(asyncpg.Connection, name, _noted(said, name))
    posts: list[Change] = [one.text(f"{n}", client_id=b"%016d" % n) for n in range(size)]
    await one.store.commit([*posts, *(Advance(CHAT, user, 0, 100, 100, 5) for user in USERS[1:])])
    assert len(said) == 8, "\n".join(said)


async def test_a_commit_reads_no_whole_table_however_small_it_was(one: PostgresWorld) -> None:
    await one.group(*USERS)
    async with one.database.transaction() as db:
        await db.execute("ANALYZE chats, members, users")
        for query in (work.LOCK_CHATS, work.SAVE_HEADS, work.SAVE_POSITIONS, work.SAVE_USERS):
            count = len(set(re.findall(r"\$\d+", query)))
            await db.execute(f"PREPARE looked_at AS {query}")
            nothing = ", ".join(["'{}'"] * count)
            plan = await db.fetch(f"EXPLAIN EXECUTE looked_at ({nothing})")
            assert "Seq Scan" not in "\n".join(row[0] for row in plan), query
            await db.execute("DEALLOCATE looked_at")


def _noted(said: list[str], name: str) -> Callable[..., Awaitable[Any]]:
    real = getattr(asyncpg.Connection, name)

    async def noted(self: asyncpg.Connection, query: str, *values: Any, **more: Any) -> Any:
        said.append(query)
        return await real(self, query, *values, **more)

    return noted
