"""A database with a synchronous standby: what is said while it is away, and who takes writes."""

import asyncio
import signal
import socket
import time
from collections.abc import Iterator

import pytest

from hubbub.adapters.postgres.database import Bounds, Database
from hubbub.adapters.postgres.durability import durability
from hubbub.adapters.postgres.examine import examine
from hubbub.ports import OutcomeUnknown, Unavailable
from tests.contract.chats.on_postgres import PostgresWorld
from tests.contract.chats.world import ANN, BOB
from tests.support.engines import PostgresServer, several, with_standby
from tests.support.wait import eventually

FEW = Bounds(connections=4, connect=3.0)


@pytest.fixture
def pair() -> Iterator[tuple[PostgresServer, PostgresServer]]:
    """A primary, and its synchronous standby."""
    with with_standby() as (primary, standby):
        asyncio.run(primary.wait_for_standby())
        yield primary, standby


def waits(database: Database) -> bool:
    return database.durability is not None and database.durability.waits is not None


async def write(database: Database) -> None:
    async with database.transaction() as db:
        await db.execute("SELECT txid_current()")


async def test_what_the_standby_has_not_got_is_neither_said_nor_seen(
    pair: tuple[PostgresServer, PostgresServer],
) -> None:
    primary, standby = pair
    world = PostgresWorld(await primary.fresh())
    world.database._bounds = Bounds(connections=3, commit=0.5, lock=0.5)
    world.add_users(ANN, BOB)
    await world.group(ANN, BOB)
    first, second = (world.text(f"{n}", client_id=b"%016d" % n) for n in range(2))
    await world.one(first)
    standby.end(signal.SIGKILL)
    for refused in (OutcomeUnknown, Unavailable):  # the chat is still locked by the first
        with pytest.raises(refused):
            await world.one(second)
        log = await world.log(BOB)
        assert log is not None
        assert [row.content for row in log.rows] == ["0"]
    standby.start()
    await primary.wait_for_standby()
    said = await world.one(second)
    log = await world.log(BOB)
    assert log is not None
    assert [row.id for row in log.rows][1:] == [said.id]
    await world.close()


async def test_it_refuses_at_once_while_commits_would_wait(
    pair: tuple[PostgresServer, PostgresServer],
) -> None:
    primary, standby = pair
    database = Database(await primary.fresh(), FEW)
    await database.start()
    await database.claim(shared=False)
    watching = asyncio.ensure_future(database.watch())
    standby.end(signal.SIGKILL)
    await eventually(lambda: waits(database), "it knows", 20)
    with pytest.raises(Unavailable, match="start it, or go on without"):
        await write(database)
    async with database.snapshot() as db:
        await db.execute("SELECT 1")
    other = Database(database.url, FEW)
    with pytest.raises(Unavailable, match="start it, or go on without"):
        await other.start()
    await primary.wait_for_standby(False)
    await eventually(lambda: not waits(database), "it knows", 20)
    await write(database)
    watching.cancel()
    await database.close()


async def test_of_two_that_take_writes_it_is_the_one_that_was_promoted(
    pair: tuple[PostgresServer, PostgresServer],
) -> None:
    primary, standby = pair
    url = several(await primary.fresh(), standby)

    async def port(database: Database) -> int:
        async with database.snapshot() as db:
            found: int = await db.fetchval("SHOW port")
            return int(found)

    database = Database(url, FEW)
    await database.start()
    assert await port(database) == primary.port
    await standby.promote()
    other = Database(url, FEW)
    await other.start()
    assert await port(other) == standby.port
    standby.end(signal.SIGKILL)
    for _ in range(2):  # first it finds out that its connection has ended
        with pytest.raises(Unavailable):
            await port(other)
    assert await port(database) == primary.port, "which was promoted, it cannot know"
    await database.close()
    await other.close()


async def test_a_host_that_says_nothing_holds_up_nobody(postgres: PostgresServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        url = (await postgres.emptied()).replace("127.0.0.1:", f"127.0.0.1:{port},127.0.0.1:")
        database = Database(url, FEW)
        began = time.monotonic()
        await database.start()
        assert time.monotonic() - began < FEW.connect
        await database.close()


async def test_whether_standbys_are_synchronous_not_everybody_may_see(
    pair: tuple[PostgresServer, PostgresServer],
) -> None:
    primary, _ = pair
    await primary.execute("CREATE ROLE hubbub LOGIN")
    database = Database(primary.url().replace("postgres@", "hubbub@"), FEW)

    async def alone() -> str | None:
        async with database.snapshot() as db:
            return (await durability(db)).alone

    database._pool, database.is_ready = await database._connect(), True
    assert "GRANT pg_monitor" in (await alone() or "")
    await primary.execute("GRANT pg_monitor TO hubbub")
    assert await alone() is None
    await database.close()


async def test_the_doctor_says_that_commits_wait_and_that_only_a_standby_is_left(
    pair: tuple[PostgresServer, PostgresServer],
) -> None:
    primary, standby = pair
    url = several(primary.url(), standby)
    assert (await examine(url)).durability.synchronous == 1
    standby.end(signal.SIGKILL)
    found = await examine(url)
    assert found.commits == []
    assert "start it" in (found.durability.waits or "")
    primary.end(signal.SIGKILL)
    standby.start()
    assert (await examine(url)).standby
