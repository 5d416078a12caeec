"""Token buckets that nodes share: on a real Valkey, and in memory."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from redis import asyncio as redis

from hubbub.adapters.local.clock import SystemClock
from hubbub.adapters.memory.buckets import MemoryBuckets
from hubbub.adapters.valkey import shards
from hubbub.adapters.valkey.buckets import ValkeyBuckets
from hubbub.adapters.valkey.nodes import ValkeyNodes
from hubbub.ports import Unavailable
from hubbub.ports.buckets import SharedBuckets
from tests.contract.nodes.stage import ENGINES, PATIENCE
from tests.support.valkeys import ValkeyCluster, ValkeyServer, WatchedValkey
from tests.support.wait import eventually

HOURLY = 1 / 3600
"""So few a second that none comes back while a test runs."""


@asynccontextmanager
async def joined(
    server: ValkeyServer | ValkeyCluster | WatchedValkey,
) -> AsyncIterator[ValkeyNodes]:
    """One node that lives."""
    nodes = ValkeyNodes(server.url)
    task = asyncio.create_task(nodes.run())
    try:
        await eventually(lambda: nodes.is_ready, "it lives", PATIENCE)
        yield nodes
    finally:
        task.cancel()
        await asyncio.wait([task])


@pytest.fixture(params=["memory", *ENGINES])
async def buckets(request: pytest.FixtureRequest) -> AsyncIterator[tuple[SharedBuckets, ...]]:
    """As two nodes have them."""
    if request.param == "memory":
        made = MemoryBuckets(SystemClock())
        yield made, made
        return
    server: ValkeyServer | ValkeyCluster | WatchedValkey = request.getfixturevalue(request.param)
    await server.flush()
    async with joined(server) as one, joined(server) as other:
        yield ValkeyBuckets(one), ValkeyBuckets(other)


Two = tuple[SharedBuckets, SharedBuckets]


async def test_all_nodes_take_from_one_bucket(buckets: Two) -> None:
    one, other = buckets
    assert [await node.take("ann", HOURLY, 3) for node in (one, other, one)] == [0, 0, 0]
    for node in buckets:
        assert 3500 < await node.take("ann", HOURLY, 3) <= 3600
    assert await other.take("bob", HOURLY, 3) == 0


async def test_who_is_refused_waits_no_longer_for_having_asked(buckets: Two) -> None:
    one, other = buckets
    await one.take("ann", HOURLY, 1)
    waits = [await node.take("ann", HOURLY, 1) for _ in range(20) for node in (one, other)]
    assert waits == sorted(waits, reverse=True)
    assert waits[0] <= 3600


async def test_tokens_come_back_at_their_rate(buckets: Two) -> None:
    one, other = buckets
    began = time.monotonic()
    for _ in range(4):
        while wait := await one.take("ann", 10, 1):
            assert wait <= 0.1
            await asyncio.sleep(wait)
    assert time.monotonic() - began >= 0.3
    assert await other.take("ann", 10, 1) > 0


async def test_what_was_given_out_is_taken_there_or_not(buckets: Two) -> None:
    one, other = buckets
    assert await one.owe({"ann": 4, "bob": 1}, HOURLY, 5) == pytest.approx([1, 4], abs=0.1)
    assert await other.owe({"bob": 1, "ann": 4}, HOURLY, 5) == pytest.approx([3, -3], abs=0.1)
    assert await one.take("ann", HOURLY, 5) == pytest.approx(4 * 3600, rel=0.01)
    assert await one.take("bob", HOURLY, 5) == 0


async def test_part_of_a_burst_is_no_token(buckets: Two) -> None:
    one, other = buckets
    assert [await node.take("ann", HOURLY, 2.5) for node in (one, other)] == [0, 0]
    assert await one.take("ann", HOURLY, 2.5) == pytest.approx(1800, rel=0.01)


async def test_thousands_are_taken_at_once_in_order(buckets: Two) -> None:
    one, other = buckets
    taken = {f"user {number}": number % 7 + 1 for number in range(3_000)}
    left = await one.owe(taken, HOURLY, 10)
    assert left == pytest.approx([10 - count for count in taken.values()], abs=0.1)
    left = await other.owe(taken, HOURLY, 10)
    assert left == pytest.approx([10 - 2 * count for count in taken.values()], abs=0.1)


async def test_any_text_is_a_key(buckets: Two) -> None:
    one, other = buckets
    for key in ("", "{a}:b", "fe80::1%eth0", "ä b\n*", "x" * 1000):
        assert await one.take(key, HOURLY, 1) == 0
        assert await other.take(key, HOURLY, 1) > 0


# ── on Valkey ──


async def _kept(own_valkey: ValkeyServer) -> int:
    async with redis.Redis.from_url(own_valkey.url) as client:
        return len(await client.keys("*:bucket:*"))


async def test_a_full_bucket_is_not_kept(own_valkey: ValkeyServer) -> None:
    async with joined(own_valkey) as nodes:
        await ValkeyBuckets(nodes).owe({"ann": 1, "bob": 2}, 10, 5)
        assert await _kept(own_valkey) == 2
        async with asyncio.timeout(PATIENCE):
            while await _kept(own_valkey):
                pass


async def test_after_a_flush_they_are_full(own_valkey: ValkeyServer) -> None:
    async with joined(own_valkey) as nodes:
        buckets = ValkeyBuckets(nodes)
        assert await buckets.take("ann", HOURLY, 1) == 0
        async with redis.Redis.from_url(own_valkey.url) as client:
            await client.flushall()
        assert await buckets.take("ann", HOURLY, 1) == 0


@pytest.mark.parametrize("away", [ValkeyServer.end, lambda it: it.send(signal.SIGSTOP)])
async def test_nobody_waits_for_a_valkey_that_is_away(
    own_valkey: ValkeyServer, away: Callable[[ValkeyServer], None]
) -> None:
    async with joined(own_valkey) as nodes:
        buckets = ValkeyBuckets(nodes)
        away(own_valkey)
        began = time.monotonic()
        with pytest.raises(Unavailable):
            await buckets.take("ann", HOURLY, 1)
        assert time.monotonic() - began < shards.PATIENCE + 0.5
        await eventually(lambda: not nodes.is_ready, "it is noticed", PATIENCE)
        began = time.monotonic()
        with pytest.raises(Unavailable):
            await buckets.owe({"ann": 1}, HOURLY, 1)
        assert time.monotonic() - began < 0.1, "that is known, and not tried"
