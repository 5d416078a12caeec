"""Many who come back at once ask the database no oftener than one."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from hubbub.adapters.postgres.replay import logs, places
from hubbub.domain.reading import ReplayBounds
from hubbub.ports import LogRead, ResumeFrom
from tests.contract.chats.on_postgres import PostgresWorld
from tests.contract.chats.test_amending import edited
from tests.contract.chats.world import ANN, BOB, CAT, CHAT
from tests.support.engines import PostgresServer

CHATS = [CHAT + n for n in range(8)]


@pytest.fixture
async def world(postgres: PostgresServer) -> AsyncIterator[PostgresWorld]:
    made = PostgresWorld(await postgres.emptied())
    made.add_users(ANN, BOB, CAT)
    for chat in CHATS:
        await made.group(ANN, BOB, CAT, chat=chat)
        first, *_ = await made.posts(3, chat=chat)
        await edited(made, first.id, "edited")
    yield made
    await made.close()


class Counted:
    """A connection that counts what it is asked."""

    def __init__(self, db: Any) -> None:
        self._db = db
        self.asked = 0

    async def fetch(self, *args: Any) -> Any:
        self.asked += 1
        return await self._db.fetch(*args)


async def _asked(world: PostgresWorld, read: Callable[[Any], Awaitable[Any]]) -> int:
    async with world.database.snapshot() as db:
        counted = Counted(db)
        assert all(found is not None for found in await read(counted))
    return counted.asked


async def test_places(world: PostgresWorld) -> None:
    readers = [ResumeFrom(user, user, {}, 100) for user in (ANN, BOB, CAT)]
    one = await _asked(world, lambda db: places(db, readers[:1]))
    assert await _asked(world, lambda db: places(db, readers)) == one


@pytest.mark.parametrize("bounds", [None, ReplayBounds()])
async def test_logs(world: PostgresWorld, bounds: ReplayBounds | None) -> None:
    reads = [LogRead(BOB, chat, 1, 10, bounds, world.now) for chat in CHATS]
    one = await _asked(world, lambda db: logs(db, reads[:1]))
    assert await _asked(world, lambda db: logs(db, reads)) == one
