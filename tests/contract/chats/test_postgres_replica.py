"""Pages of history from a standby: the same as from the primary, or from the primary."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from hubbub.adapters.postgres import replica as module
from hubbub.adapters.postgres.replica import Replica
from hubbub.domain.change import Amend, Edit, Erase, Hide, Pin
from tests.contract.chats.on_postgres import PostgresWorld
from tests.contract.chats.world import ANN, BOB, CAT, CHAT
from tests.support.engines import PostgresServer, with_standby
from tests.support.wait import eventually

OTHER = CHAT + 1
Pair = tuple[PostgresServer, PostgresServer]


@pytest.fixture(scope="module")
def servers() -> Iterator[Pair]:
    """A primary, and a standby that commits do not wait for."""
    with with_standby() as pair:
        yield pair


class Stage:
    """A group of three with messages, a reader with a replica, and a way to stop that."""

    def __init__(self, world: PostgresWorld, standby: PostgresServer, url: str) -> None:
        self.world = world
        self.standby = standby
        self.replica = Replica(standby.url(url.rpartition("/")[2]), 2)
        self.first: dict[int, int] = {}

    async def _read(self, user: int, chat: int) -> list[Any]:
        world, first = self.world, self.first[chat]
        return [
            await world.reader.history(user, chat, "before", 0, 3),
            await world.messages.pins(user, chat),
            await world.referring.thread(user, first, True, 0, 3),
        ]

    async def pages(self, user: int = BOB, chat: int = CHAT) -> list[Any]:
        """What he sees of the chat, in three ways: the same as without a replica."""
        found = await self._read(user, chat)
        self.world.database.replica = None
        assert found == await self._read(user, chat)
        self.world.database.replica = self.replica
        return found

    async def follows(self) -> None:
        """The standby has all, and may be read."""
        await self.write()
        await eventually(lambda: self.replica.is_ready, "it is used", 30.0)
        async with self.world.database.snapshot() as db:
            position = await db.fetchval("SELECT pg_current_wal_lsn()::text")
        await self.standby.until(f"SELECT pg_last_wal_replay_lsn() >= '{position}'")

    async def write(self) -> None:
        async with self.world.database.transaction() as db:
            await db.execute("SELECT txid_current()")

    async def pause(self) -> None:
        """From now on the standby gets everything, and shows none of it."""
        await self.standby.execute("SELECT pg_wal_replay_pause()")
        await self.standby.until("SELECT pg_get_wal_replay_pause_state() = 'paused'")

    async def go_on(self) -> None:
        await self.standby.execute("SELECT pg_wal_replay_resume()")


@pytest.fixture
async def stage(servers: Pair) -> AsyncIterator[Stage]:
    primary, standby = servers
    url = await primary.fresh()
    world = PostgresWorld(url)
    world.add_users(ANN, BOB, CAT)
    made = Stage(world, standby, url)
    for chat in (CHAT, OTHER):
        await world.group(ANN, BOB, CAT, chat=chat)
        first, *_ = await world.posts(5, chat=chat)
        await world.one(Amend(first.id, ANN, Pin(True), 1_000))
        made.first[chat] = first.id
    running = asyncio.create_task(made.replica.run())
    world.database.replica = made.replica
    await made.follows()
    yield made
    await made.go_on()
    running.cancel()
    await asyncio.wait([running])
    await world.close()


async def test_pages_come_from_the_replica(stage: Stage) -> None:
    page, pins, thread = await stage.pages()
    assert [row.seq for row in page.rows] == [5, 4, 3]
    assert [row.id for row in pins.rows] == [stage.first[CHAT]]
    assert thread.root.id == stage.first[CHAT]
    again = await stage.world.reader.history(BOB, CHAT, "before", page.rows[-1].id, 3)
    assert again is not None
    assert [row.seq for row in again.rows] == [2, 1]
    assert not again.has_more
    assert (stage.replica.used, stage.replica.behind) == (4, 0)


async def test_what_it_has_not_got_yet_is_never_missing(stage: Stage) -> None:
    """Who has just written, or was just told, sees it; of other chats it is read all the same."""
    world = stage.world
    await stage.pause()
    told = await world.post("new")
    page, _, _ = await stage.pages()
    assert page.rows[0].id == told.id
    assert (stage.replica.used, stage.replica.behind) == (0, 3)
    for do in (Edit("newer", None), Pin(True), Erase()):
        await world.one(Amend(told.id, ANN, do, 2_000))
        await stage.pages()
    assert stage.replica.used == 0
    await stage.pages(chat=OTHER)
    assert stage.replica.used == 3


async def test_who_may_see_what_is_the_primarys_word(stage: Stage) -> None:
    world = stage.world
    await stage.pause()
    await world.leave(BOB, by=ANN)
    assert await stage.pages() == [None, None, None]
    await world.one(Amend(stage.first[OTHER], CAT, Hide(), 2_000))
    assert (await stage.pages(CAT, OTHER))[2] is None
    await world.enrol(BOB)
    page, _, _ = await stage.pages()
    assert [row.type for row in page.rows] == ["system", "text", "text"]
    assert stage.replica.used == 0


async def test_cursors_are_the_primarys(stage: Stage) -> None:
    await stage.pause()
    await stage.world.advance(BOB, 4, 4)
    await stage.world.advance(CAT, 4, 4)
    for user in (ANN, BOB):
        await stage.pages(user)
    page = await stage.world.reader.history(BOB, CHAT, "before", 0, 3)
    assert page is not None
    assert page.own.read == 4
    assert stage.replica.used == 7


async def test_one_that_is_far_behind_is_not_asked(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.pause()
    monkeypatch.setattr(module, "MOST_BEHIND", 0.0)
    await eventually(lambda: not stage.replica.is_ready, "it is too far behind")
    await stage.pages()
    assert (stage.replica.used, stage.replica.behind) == (0, 0)


async def test_one_that_is_away_costs_nobody_anything(stage: Stage) -> None:
    stage.standby.end(signal.SIGKILL)
    await stage.pages()  # also before anybody has noticed
    await eventually(lambda: not stage.replica.is_ready, "it is noticed")
    await stage.pages()
    assert stage.replica.used == 0
    stage.standby.start()
    await stage.follows()
    await stage.pages()
    assert stage.replica.used == 3


async def test_one_that_hangs_costs_one_reader_two_seconds(stage: Stage) -> None:
    stage.standby.freeze()
    try:
        began = time.monotonic()
        await stage.pages()
        assert time.monotonic() - began < 2 * module.PATIENCE
        assert (stage.replica.used, stage.replica.is_ready) == (0, False)
    finally:
        stage.standby.thaw()
    await stage.follows()
    await stage.pages()
    assert stage.replica.used == 3
