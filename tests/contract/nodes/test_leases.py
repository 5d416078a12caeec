"""Numbers that servers on one database lease, and the secret that they share."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from hubbub.adapters.postgres import leases
from hubbub.adapters.postgres.database import Bounds, Database, Taken
from hubbub.adapters.postgres.leases import Lease, shared_secret
from hubbub.ports import Unavailable
from hubbub_protocol import ids
from hubbub_protocol.codes import Refused
from tests.support.engines import PostgresServer


@pytest.fixture
async def database(postgres: PostgresServer) -> AsyncIterator[Database]:
    made = Database(await postgres.emptied(), Bounds(connections=4))
    await made.start()
    yield made
    await made.close()


def number(lease: Lease) -> int:
    """By the ids that it makes."""
    return lease.ids.make() >> ids.COUNTER_BITS & ids.MAX_NODE


async def expire(database: Database, *held: Lease) -> None:
    """Their time is over."""
    async with database.transaction() as db:
        await db.execute(
            "UPDATE nodes SET until = 0 WHERE number = ANY($1)", [number(lease) for lease in held]
        )


async def test_everybody_has_another_number(database: Database) -> None:
    held = [Lease(database) for _ in range(8)]
    await asyncio.gather(*(lease.take() for lease in held))
    assert sorted(map(number, held)) == [1, 2, 3, 4, 5, 6, 7, 8]


async def test_a_number_is_kept_by_renewing_it(database: Database) -> None:
    ann, bob = Lease(database), Lease(database)
    await ann.take()
    before = number(ann)
    await expire(database, ann)
    await ann.renew()  # nobody took it meanwhile
    await bob.take()
    assert number(ann) == before
    assert number(bob) != before


async def test_who_was_away_for_too_long_takes_another_one(database: Database) -> None:
    ann, bob = Lease(database), Lease(database)
    await ann.take()
    await expire(database, ann)
    await bob.take()
    taken = number(bob)
    await ann.renew()
    assert number(ann) != taken


async def test_the_number_of_who_died_is_given_to_another(database: Database) -> None:
    ann, bob = Lease(database), Lease(database)
    await ann.take()
    async with database.transaction() as db:
        others = "SELECT n, 0, 1::bigint << 62 FROM generate_series(1, $1) n WHERE n <> $2"
        await db.execute(f"INSERT INTO nodes {others}", leases.MOST, number(ann))
    with pytest.raises(Unavailable, match="servers use the database already"):
        await bob.take()
    taken = number(ann)
    await expire(database, ann)
    await bob.take()
    assert number(bob) == taken


async def test_what_is_given_back_is_taken_last(database: Database) -> None:
    ann, bob, cat = (Lease(database) for _ in range(3))
    for lease in (ann, bob):
        await lease.take()
    before = number(ann)
    await ann.give_back()
    await cat.take()
    assert number(cat) not in (before, number(bob))
    with pytest.raises(Refused):
        ann.ids.make()


async def test_no_ids_are_made_when_the_lease_has_ended(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "LEASE_MS", int(leases.SPARE * 1000))
    lease = Lease(database)
    await lease.take()
    with pytest.raises(Refused, match="database is away"):
        lease.ids.make()


async def test_a_clock_that_is_wrong_is_said(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = Lease(database)
    await lease.take()
    assert lease.unready is None
    right = time.time
    monkeypatch.setattr(time, "time", lambda: right() + 90)
    await lease.renew()
    assert lease.unready is not None
    assert "clock differs from the database's by" in lease.unready


async def test_the_secret_is_that_of_the_first(database: Database) -> None:
    found = await asyncio.gather(*(shared_secret(database, bytes([n]) * 32) for n in range(4)))
    assert len({*found}) == 1
    assert await shared_secret(database, b"x" * 32) == found[0]


async def test_one_server_alone_and_several_that_know_of_each_other(
    database: Database, postgres: PostgresServer
) -> None:
    others = [Database(database.url, Bounds(connections=2)) for _ in range(2)]
    for other in others:
        await other.start()
    first, second = others
    await first.claim(shared=True)
    await second.claim(shared=True)
    with pytest.raises(Taken, match=r"same valkey\.url"):
        await database.claim(shared=False)
    await first.close()
    await second.close()
