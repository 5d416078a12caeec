"""What a database needs that lives for long, as one server does it. Tests turn the clock."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from hubbub.adapters.postgres import chores as module
from hubbub.adapters.postgres.chores import AHEAD, Chores, check_day, do_chores
from hubbub.adapters.postgres.hosts import Hosts
from hubbub.adapters.postgres.schema import DAY_MS, first_id, partition
from hubbub.adapters.postgres.sent import KEPT_DAYS
from hubbub.config import LEAST_RETENTION
from hubbub.domain.change import Amend, Edit, Missing, Post, Posted, React
from hubbub.domain.extra import Extra, pack
from hubbub.ports import LogRead, Unavailable
from tests.contract.chats.on_postgres import PostgresWorld
from tests.contract.chats.test_postgres_days import UUID4, uuid7
from tests.contract.chats.world import ANN, BOB, CHAT
from tests.support.engines import TODAY, PostgresServer
from tests.support.wait import eventually

KEPT = 40
"""Days of messages, in these tests."""


@pytest.fixture
async def world(postgres: PostgresServer) -> AsyncIterator[PostgresWorld]:
    """A group of two on a database of its own: partitions are not restored by emptying it."""
    made = PostgresWorld(await postgres.fresh())
    made.add_users(ANN, BOB)
    await made.group(ANN, BOB)
    yield made
    await made.close()


@asynccontextmanager
async def connected(world: PostgresWorld) -> AsyncIterator[Any]:
    """As the one who does chores is."""
    db = await module._connect(Hosts(world.database.url))
    try:
        yield db
    finally:
        await db.close()


async def days_of(world: PostgresWorld, table: str) -> set[str]:
    query = "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relname LIKE $1"
    async with world.database.snapshot() as db:
        found = await db.fetch(query, f"{table}\\_________")
    return {row[0] for row in found}


async def chores(world: PostgresWorld, today: int, retention: int = 0) -> list[str]:
    async with connected(world) as db:
        return await do_chores(db, today, retention)


async def write(world: PostgresWorld, *days: int) -> list[Posted]:
    """Messages of these days, one each, which mention Bob."""
    named = pack(Extra((BOB,)))
    posts = [
        Post(
            first_id(day) + n, CHAT, None, ANN, None, day * DAY_MS, "text", f"{n}", b"", 0, 0, named
        )
        for n, day in enumerate(days, 1)
    ]
    return [outcome for outcome in await world.do(*posts) if isinstance(outcome, Posted)]


# ── ahead ──


async def test_partitions_are_there_weeks_before_they_are_needed(world: PostgresWorld) -> None:
    await chores(world, TODAY)
    wanted = {partition("messages", day) for day in range(TODAY - 1, TODAY + AHEAD + 1)}
    assert wanted <= await days_of(world, "messages")
    await chores(world, TODAY + 1)
    assert partition("sent", TODAY + 1 + AHEAD) in await days_of(world, "sent")
    assert await chores(world, TODAY + 1) == [], "doing it again changes nothing"


# ── keys ──


@pytest.mark.parametrize("ahead", [-400, -2, -1, 0, 1, 2])
async def test_keys_are_known_for_as_long_as_is_promised(
    world: PostgresWorld, monkeypatch: pytest.MonkeyPatch, ahead: int
) -> None:
    """Whatever the sender's clock said; long after, neither they nor their partitions are kept."""
    keys = [uuid7(TODAY + ahead, 1), UUID4]
    first = [await world.one(world.text("x", client_id=key)) for key in keys]
    now = time.time()

    async def again(later: int) -> list[bool]:
        await chores(world, TODAY + later)
        monkeypatch.setattr(
            "hubbub.adapters.postgres.chats.time.time", lambda: now + later * 86_400
        )
        found = [await world.one(world.text("x", client_id=key)) for key in keys]
        return [after.id == before.id for before, after in zip(first, found, strict=True)]

    assert await again(30) == [True, True]
    assert await again(31) == [True, True], "the day has not ended everywhere"
    assert await again(KEPT_DAYS + 2) == [False, False]
    assert partition("sent", TODAY) not in await days_of(world, "sent")
    assert partition("messages", TODAY) in await days_of(world, "messages"), "nobody said so"


def test_a_message_outlives_its_key() -> None:
    """Else one that came again would be stored again and again."""
    assert LEAST_RETENTION > KEPT_DAYS


# ── messages ──


async def test_history_ends_where_messages_are_not_kept(world: PostgresWorld) -> None:
    days = [TODAY - KEPT - 2, TODAY - KEPT - 1, TODAY - KEPT, TODAY - 1]
    old, older, oldest_kept, newest = [message.id for message in await write(world, *days)]
    dropped = await chores(world, TODAY, KEPT)
    assert {partition("messages", day) for day in days[:2]} <= {*dropped}
    assert {partition("reactions", day) for day in days[:2]} <= {*dropped}
    page = await world.reader.history(BOB, CHAT, "before", 0, 10)
    assert page is not None
    assert [row.id for row in page.rows] == [newest, oldest_kept]
    assert not page.has_more
    for gone in (old, older):  # whoever still has one scrolls on from it
        page = await world.reader.history(BOB, CHAT, "before", gone, 10)
        assert page is not None
        assert (page.rows, page.has_more) == ([], False)
        assert await world.reader.history(BOB, CHAT, "after", gone, 10) is None
        assert await world.reader.message(BOB, gone) is None
        assert await world.reader.receipts(ANN, gone, 0, 10) is None
    never = first_id(TODAY - 1) + 77
    assert await world.reader.history(BOB, CHAT, "before", never, 10) is None


async def test_who_was_away_for_longer_gets_what_is_kept(world: PostgresWorld) -> None:
    await write(world, TODAY - KEPT - 2, TODAY - KEPT - 1, TODAY - KEPT, TODAY - 1)
    await chores(world, TODAY, KEPT)
    places = await world.places(BOB, positions={CHAT: 1})
    assert places.heads == {CHAT: 4}
    for read in (LogRead(BOB, CHAT, 1, 10), LogRead(BOB, CHAT, 0, 1), LogRead(BOB, CHAT, 9, 10)):
        (log,) = await world.store.logs([read])
        assert log is not None
        assert [row.seq for row in log.rows] == [s for s in (3, 4) if s > read.after][: read.limit]
        assert log.gap is None
    (log,) = await world.store.logs([LogRead(BOB, CHAT, 0, 10)])
    assert log is not None
    assert (log.position, log.has_more) == (4, False)


async def test_what_is_gone_cannot_be_changed_and_is_not_mentioned(world: PostgresWorld) -> None:
    gone, _ = await write(world, TODAY - KEPT - 1, TODAY - 1)
    await chores(world, TODAY, KEPT)
    for do in (Edit("new", None), React("👍", True)):
        assert isinstance(await world.one(Amend(gone.id, ANN, do, 2_000)), Missing)
    (found,) = [(await world.referring.mentions(BOB, None, 10)).mentions]
    assert [mention.row.seq for mention in found] == [2]
    view = await world.reader.chat(BOB, CHAT)
    assert view is not None
    assert view.unread_mentions == 1


async def test_reading_what_is_gone_makes_nothing_unread_again(world: PostgresWorld) -> None:
    await write(world, *[TODAY - KEPT - 1] * 4, TODAY - 1)
    await world.advance(BOB, 3, 3)
    await chores(world, TODAY, KEPT)
    moved = await world.advance(BOB, 4, 4)
    assert moved.me is not None
    assert moved.me.unread == 2
    moved = await world.advance(BOB, 5, 5)
    assert moved.me is not None
    assert moved.me.unread == 0


async def test_a_chat_of_which_nothing_is_kept_goes_on(world: PostgresWorld) -> None:
    await write(world, TODAY - KEPT - 1)
    await chores(world, TODAY, KEPT)
    view = await world.reader.chat(BOB, CHAT)
    assert view is not None
    assert (view.last, view.head.seq) == (None, 1)
    (message,) = await write(world, TODAY)
    assert message.seq == 2
    assert await world.seen(BOB) == [2]
    async with world.database.snapshot() as db:
        assert await db.fetchval("SELECT count(*) FROM spans") == 1


# ── nobody waits ──


async def test_what_is_in_use_is_dropped_later_and_meanwhile_nobody_waits(
    world: PostgresWorld,
) -> None:
    """A transaction that reads for hours, as a backup does."""
    await write(world, TODAY - KEPT - 2, TODAY - KEPT - 1)
    old = await asyncpg.connect(world.database.url)
    async with old.transaction():
        await old.fetch("SELECT count(*) FROM messages")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await chores(world, TODAY, KEPT)
        for _ in range(2):
            putting_off = asyncio.create_task(chores(world, TODAY, KEPT))
            while not putting_off.done():
                began = time.monotonic()
                await world.post("meanwhile")
                assert time.monotonic() - began < 5.0
            assert isinstance(putting_off.exception(), asyncpg.LockNotAvailableError)
    await old.close()
    dropped = await chores(world, TODAY, KEPT)
    assert {partition("messages", TODAY - KEPT - n) for n in (1, 2)} <= {*dropped}
    assert await chores(world, TODAY, KEPT) == []


async def test_commits_and_reads_go_on_while_days_are_dropped(world: PostgresWorld) -> None:
    days = range(TODAY - KEPT - 20, TODAY - KEPT)
    await write(world, *days, TODAY)
    await chores(world, TODAY)
    dropping = asyncio.create_task(chores(world, TODAY, KEPT))
    sent = 0

    async def talk() -> None:
        nonlocal sent
        while not dropping.done():
            sent += 1
            key = uuid7(TODAY, sent % 256) if sent < 256 else None
            assert isinstance(await world.one(world.text("x", client_id=key)), Posted)

    async def look() -> None:
        while not dropping.done():
            assert await world.log(BOB) is not None
            page = await world.reader.history(BOB, CHAT, "before", 0, 50)
            assert page is not None
            assert page.rows
            await world.reader.message(BOB, first_id(TODAY) + len(days) + 1)

    async with asyncio.TaskGroup() as group:
        for each in (talk, look, look):
            group.create_task(each())
    assert sent > 10
    names = {partition("messages", day) for day in days}
    assert names <= {*dropping.result()}
    assert not names & await days_of(world, "messages")


async def test_what_was_detached_and_not_dropped_is_dropped(world: PostgresWorld) -> None:
    day = TODAY - KEPT - 1
    await write(world, day)
    name = partition("messages", day)
    async with connected(world) as db:
        await db.execute(f"ALTER TABLE messages DETACH PARTITION {name} CONCURRENTLY")
    assert name in await chores(world, TODAY, KEPT)


# ── one does it ──


@asynccontextmanager
async def doing(*all_: Chores) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(each.run()) for each in all_]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def test_one_leads_and_another_follows(world: PostgresWorld) -> None:
    said: list[str] = []

    def tell(event: str, **fields: object) -> None:
        said.append(event)

    one, two = (Chores(world.database.url, 0, tell) for _ in range(2))
    async with doing(two):
        async with doing(one):
            await eventually(lambda: one.leads + two.leads == 1, "one leads")
            await eventually(lambda: TODAY in (one.done_day, two.done_day), "all is done")
            first, other = (one, two) if one.leads else (two, one)
            query = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE objid = 3 AND granted"
            query += " AND locktype = 'advisory' AND database = (SELECT oid FROM pg_database"
            query += " WHERE datname = current_database())"
            async with world.database.transaction() as db:
                assert len(await db.fetch(query)) == 1
            await eventually(lambda: not first.leads or other.leads, "the lock is lost")
            await eventually(lambda: one.leads + two.leads == 1, "one leads again")
        await eventually(lambda: two.leads and not one.leads, "the other one leads")
    assert said.count("leads") >= 2


def test_a_day_that_only_one_clock_says_drops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    check_day(TODAY + 1)
    with pytest.raises(Unavailable, match="days apart"):
        check_day(TODAY + 3)
