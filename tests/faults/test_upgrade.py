"""A rolling upgrade: servers of two versions, one migration apart, on one database under load."""

import asyncio
import time

import asyncpg
import pytest

from hubbub.adapters.postgres.schema import MIGRATIONS
from tests.faults.conftest import Report
from tests.faults.people import Api
from tests.faults.proof import NODE_DIES, check_forward, check_nothing_lost
from tests.faults.town import Town
from tests.support import newer
from tests.support.cluster import Cluster


async def schema(cluster: Cluster) -> int:
    db = await asyncpg.connect(cluster.nodes[0].settings["HUBBUB_DATABASE_URL"])
    try:
        found: int = await db.fetchval("SELECT version FROM schema_version")
    finally:
        await db.close()
    return found


@pytest.mark.slow
async def test_one_server_after_the_other_is_upgraded(
    cluster: Cluster, api: Api, report: Report
) -> None:
    """Nothing is lost, nothing is refused, and a server of the old version may start again."""
    town = await Town.found(api, 12, cluster.urls)
    async with town.talking():
        before = await town.cursors()
        await town.progress(100, 200)
        assert await schema(cluster) == len(MIGRATIONS)
        for number, node in enumerate(cluster.nodes):
            began = time.monotonic()
            assert await asyncio.to_thread(node.end) == 0
            node.program = newer.PROGRAM
            await asyncio.to_thread(node.start)
            report("server upgraded", await town.interruption(began), NODE_DIES)
            assert await schema(cluster) == len(MIGRATIONS) + 1
            await town.progress(100, 200)
            if number == 0:
                cluster.nodes[2].crash()
                await asyncio.to_thread(cluster.nodes[2].start)
                await town.progress(100, 200)
        await town.settled()
        check_forward(before, await town.cursors())
    await check_nothing_lost(api, town.devices)
    assert [error for device in town.devices for error in device.errors] == []
