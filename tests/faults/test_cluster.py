"""Several servers on one PostgreSQL and one Valkey, parts of which fail under load (G1-G5)."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from hubbub.adapters.valkey.nodes import LEASES
from tests.faults.conftest import Report
from tests.faults.people import Api, calling
from tests.faults.proof import DATABASE_FAILS_OVER, NODE_DIES, check_forward, check_nothing_lost
from tests.faults.town import PATIENCE, Town
from tests.support.cluster import Cluster
from tests.support.valkeys import ValkeyCluster, ValkeyServer, WatchedValkey
from tests.support.wait import lasting, until

Fault = Callable[[Cluster], Awaitable[None]]


async def _node(cluster: Cluster) -> None:
    await asyncio.to_thread(cluster.nodes[1].crash)
    await asyncio.to_thread(cluster.nodes[1].start)


async def _valkey(cluster: Cluster) -> None:
    await asyncio.to_thread(cluster.valkey.end)
    await asyncio.to_thread(cluster.valkey.start)


async def _flush(cluster: Cluster) -> None:
    await cluster.flush()


async def _hang(cluster: Cluster) -> None:
    """For longer than a lease."""
    cluster.valkey.send(signal.SIGSTOP)
    await lasting(4)
    cluster.valkey.send(signal.SIGCONT)


async def _postgres(cluster: Cluster) -> None:
    await asyncio.to_thread(cluster.postgres.end, signal.SIGKILL)
    await asyncio.to_thread(cluster.postgres.start)


async def _postgres_hangs(cluster: Cluster) -> None:
    """For not as long as it takes to notice it."""
    cluster.postgres.freeze()
    await lasting(4)
    cluster.postgres.thaw()


FAULTS: dict[str, tuple[Fault, float]] = {
    "server killed": (_node, NODE_DIES),
    "valkey killed": (_valkey, NODE_DIES),
    "valkey flushed": (_flush, NODE_DIES),
    "valkey hangs for 4 s": (_hang, NODE_DIES),
    "postgres killed": (_postgres, DATABASE_FAILS_OVER),
    "postgres hangs for 4 s": (_postgres_hangs, DATABASE_FAILS_OVER),
}
QUICK = "server killed"
WATCHED = "valkey killed, watched by sentinels"


@pytest.mark.parametrize(
    "name",
    [name if name == QUICK else pytest.param(name, marks=pytest.mark.slow) for name in FAULTS],
)
async def test_nothing_is_lost(cluster: Cluster, api: Api, report: Report, name: str) -> None:
    fault, allowed = FAULTS[name]
    town = await Town.found(api, 11, cluster.urls)
    async with town.talking():
        before = await town.cursors()
        for _ in range(2):
            await town.progress(20, 200)
            began = time.monotonic()
            await fault(cluster)
            report(name, await town.interruption(began), allowed)
            after = await town.cursors()
            check_forward(before, after)
            before = after
        await town.progress(50, 50)
        await town.settled()
        check_forward(before, await town.cursors())
    await check_nothing_lost(api, town.devices)


@pytest.fixture
def sharded(tmp_path: Path, valkey_cluster: ValkeyCluster) -> Iterator[Cluster]:
    """Three nodes on a cluster of Valkey."""
    settings = {
        "HUBBUB_LIMITS_MESSAGES_PER_SECOND": "0",
        "HUBBUB_VALKEY_URL": valkey_cluster.url,
    }
    with Cluster.running(tmp_path, 3, settings) as made:
        yield made


@pytest.mark.slow
async def test_nothing_is_lost_when_primaries_of_valkey_die(
    sharded: Cluster, valkey_cluster: ValkeyCluster, report: Report
) -> None:
    async with calling(sharded.nodes[0].url) as api:
        town = await Town.found(api, 12, sharded.urls)
        async with town.talking():
            for key in (LEASES, "{hubbub:1}"):
                await town.progress(20, 200)
                before = await town.cursors()
                primary = await valkey_cluster.primary(key)
                assert await primary.ask("DBSIZE"), "it is what joins them"
                began = time.monotonic()
                primary.end()
                await until(partial(_is_served, valkey_cluster, key), "it heals", PATIENCE)
                report(
                    "primary of a valkey cluster killed", await town.interruption(began), NODE_DIES
                )
                await town.progress(20, 20)
                await town.settled()
                check_forward(before, await town.cursors())
                primary.start()
                await until(valkey_cluster.healthy, "the cluster is whole", PATIENCE)
                town.talk()
            await town.settled()
        await check_nothing_lost(api, town.devices)


@pytest.fixture
def watched(tmp_path: Path, watched_valkey: WatchedValkey) -> Iterator[Cluster]:
    """Three nodes on a Valkey that Sentinels watch."""
    settings = {
        "HUBBUB_LIMITS_MESSAGES_PER_SECOND": "0",
        "HUBBUB_VALKEY_URL": watched_valkey.url,
    }
    with Cluster.running(tmp_path, 3, settings) as made:
        yield made


@pytest.mark.slow
async def test_nothing_is_lost_when_sentinels_have_a_replica_take_over(
    watched: Cluster, watched_valkey: WatchedValkey, report: Report
) -> None:
    async with calling(watched.nodes[0].url) as api:
        town = await Town.found(api, 14, watched.urls)
        async with town.talking():
            await town.progress(20, 200)
            before = await town.cursors()
            primary = await watched_valkey.primary()
            assert await primary.ask("EXISTS", LEASES), "it is what joins them"
            began = time.monotonic()
            primary.end()
            await until(partial(_is_replaced, watched_valkey, primary), "it heals", PATIENCE)
            report(WATCHED, await town.interruption(began), NODE_DIES)
            await town.progress(20, 20)
            await town.settled()
            check_forward(before, await town.cursors())
            primary.start()  # it believes to be the primary still
            town.talk()
            await until(watched_valkey.healthy, "it follows", PATIENCE)
            await town.progress(20, 20)
            await town.settled()
        await check_nothing_lost(api, town.devices)


async def _is_replaced(watched: WatchedValkey, primary: ValkeyServer) -> bool:
    return await watched.primary() is not primary


async def _is_served(cluster: ValkeyCluster, key: str) -> bool:
    """By a replica that has taken over."""
    return (await cluster.primary(key)).runs
