"""Opening a database, and what a server does while its database is away."""

import asyncio
import signal
from collections.abc import Iterator

import asyncpg
import pytest

from hubbub.adapters.postgres.database import Bounds, Database
from hubbub.adapters.postgres.migrate import UnusableDatabase
from hubbub.adapters.postgres.schema import MIGRATIONS
from hubbub.ports import OutcomeUnknown, Unavailable
from tests.contract.chats.on_postgres import PostgresWorld
from tests.contract.chats.world import ANN, BOB, CHAT
from tests.support.engines import PostgresServer

FEW = Bounds(connections=2, connect=2.0)


@pytest.fixture
async def bare(postgres: PostgresServer) -> str:
    """The address of a database in which there is nothing."""
    await postgres.execute("DROP DATABASE IF EXISTS bare WITH (FORCE)")
    await postgres.execute("CREATE DATABASE bare")
    return postgres.url("bare")


async def test_servers_that_start_together_make_the_schema_once(
    bare: str, postgres: PostgresServer
) -> None:
    databases = [Database(bare, FEW) for _ in range(4)]
    await asyncio.gather(*(database.start() for database in databases))
    for database in databases:
        async with database.snapshot() as db:
            version = await db.fetchval("SELECT version FROM schema_version")
        assert version == len(MIGRATIONS)
        await database.close()


async def test_a_newer_schema_is_refused(bare: str, postgres: PostgresServer) -> None:
    """One migration later is what the next version makes, beside which this one goes on."""

    async def opened(version: int) -> None:
        await postgres.execute(f"UPDATE schema_version SET version = {version}", bare)
        database = Database(bare, FEW)
        await database.start()
        await database.close()

    database = Database(bare, FEW)
    await database.start()
    await database.close()
    await opened(len(MIGRATIONS) + 1)
    with pytest.raises(UnusableDatabase, match="newer version of Hubbub"):
        await opened(len(MIGRATIONS) + 2)


async def test_another_programs_database_is_refused(bare: str, postgres: PostgresServer) -> None:
    await postgres.execute("CREATE TABLE theirs (id INT)", bare)
    with pytest.raises(UnusableDatabase, match="another program"):
        await Database(bare, FEW).start()
    await postgres.execute("INSERT INTO theirs VALUES (1)", bare)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [("/bare", "/no_such", "does not exist"), ("//postgres@", "//nobody_here@", "let us in")],
)
async def test_what_cannot_be_opened_says_why(bare: str, old: str, new: str, says: str) -> None:
    with pytest.raises(Unavailable, match=says):
        await Database(bare.replace(old, new), FEW).start()


async def test_commits_are_synced_whatever_the_server_says(bare: str) -> None:
    async def said(value: str) -> str:
        connection = await asyncpg.connect(bare)
        await connection.execute(f"ALTER DATABASE bare SET synchronous_commit = {value}")
        await connection.close()
        database = Database(bare, FEW)
        await database.start()
        async with database.snapshot() as db:
            found: str = await db.fetchval("SHOW synchronous_commit")
        await database.close()
        return found

    assert [await said(value) for value in ("off", "local", "remote_apply")] == [
        "on",
        "on",
        "remote_apply",
    ]


async def test_a_statement_that_waits_too_long_gives_up(postgres: PostgresServer) -> None:
    world = PostgresWorld(await postgres.emptied())
    world.add_users(ANN, BOB)
    await world.group(ANN, BOB)
    impatient = Database(world.database.url, Bounds(connections=2, lock=0.05))
    await impatient.start()
    async with world.database.transaction() as holder:
        await holder.execute("SELECT 1 FROM chats WHERE id = $1 FOR UPDATE", CHAT)
        with pytest.raises(Unavailable):
            async with impatient.transaction() as db:
                await db.execute("SELECT 1 FROM chats WHERE id = $1 FOR UPDATE", CHAT)
    await impatient.close()
    await world.close()


@pytest.fixture(scope="module")
def mortal() -> Iterator[PostgresServer]:
    """A server of its own, to be killed."""
    server = PostgresServer()
    server.start()
    yield server
    server.close()


async def test_it_goes_on_by_itself_after_the_server_was_killed(mortal: PostgresServer) -> None:
    world = PostgresWorld(await mortal.fresh())
    world.add_users(ANN, BOB)
    await world.group(ANN, BOB)
    sent = [world.text(f"{n}", client_id=b"%016d" % n) for n in range(20)]
    acknowledged = [(await world.one(post)).id for post in sent[:10]]
    mortal.end(signal.SIGKILL)
    for _ in range(3):
        with pytest.raises(Unavailable):
            await world.one(sent[10])
    with pytest.raises(Unavailable) as error:
        await world.reader.chat(ANN, CHAT)
    assert not isinstance(error.value, OutcomeUnknown)
    mortal.start()
    acknowledged += [(await world.one(post)).id for post in sent[10:]]
    log = await world.log(BOB)
    assert log is not None
    assert [row.id for row in log.rows] == acknowledged
    await world.close()


async def test_a_name_of_several_hosts_finds_the_one_that_takes_writes(
    postgres: PostgresServer,
) -> None:
    url = await postgres.emptied()
    several = url.replace("127.0.0.1:", "127.0.0.1:1,127.0.0.1:")
    database = Database(several, FEW)
    await database.start()
    async with database.transaction() as db:
        await db.execute("SELECT 1")
    await database.close()
