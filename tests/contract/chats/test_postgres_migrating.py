"""A migration beside servers that go on: it waits for a table for a moment, and so does nobody."""

import asyncio
import time

import asyncpg
import pytest

from hubbub.adapters.postgres import migrate
from hubbub.adapters.postgres.database import Bounds, Database
from hubbub.adapters.postgres.schema import MIGRATIONS
from hubbub.ports import Unavailable
from tests.contract.chats.on_postgres import PostgresWorld
from tests.contract.chats.world import ANN, BOB
from tests.support.engines import PostgresServer
from tests.support.newer import MORE


async def test_it_waits_for_who_holds_a_table_and_nobody_waits_behind_it(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = PostgresWorld(await postgres.fresh())
    world.add_users(ANN, BOB)
    await world.group(ANN, BOB)
    monkeypatch.setattr(migrate, "MIGRATIONS", (*MIGRATIONS, MORE))
    later = Database(world.database.url, Bounds(connections=2))
    reader = await asyncpg.connect(world.database.url)
    reading = reader.transaction()
    await reading.start()
    await reader.fetch("SELECT count(*) FROM messages")
    starting = asyncio.create_task(later.start())
    waits: list[float] = []
    end = time.monotonic() + 3 * migrate.PAUSE
    while time.monotonic() < end:
        began = time.monotonic()
        await world.post("meanwhile")
        waits.append(time.monotonic() - began)
    assert not starting.done()
    assert max(waits) < 4.0
    await reading.rollback()
    await starting
    assert (await world.post("afterwards")).seq == len(waits) + 1
    async with later.snapshot() as db:
        assert await db.fetchval("SELECT max(later) FROM messages") == 7
    await reader.close()
    await later.close()
    await world.close()


async def test_a_table_that_is_never_free_is_told(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = await postgres.fresh()
    monkeypatch.setattr(migrate, "MIGRATIONS", (*MIGRATIONS, MORE))
    monkeypatch.setattr(migrate, "TRIES", 2)
    monkeypatch.setattr(migrate, "PAUSE", 0.0)
    reader = await asyncpg.connect(url)
    async with reader.transaction():
        await reader.fetch("SELECT count(*) FROM users")
        with pytest.raises(Unavailable, match="pg_stat_activity"):
            await Database(url, Bounds(connections=2)).start()
    await reader.close()
