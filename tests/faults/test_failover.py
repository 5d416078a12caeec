"""PostgreSQL fails over to its synchronous standby, under nodes that go on without a restart."""

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from tests.faults.conftest import Report
from tests.faults.people import Api
from tests.faults.proof import DATABASE_FAILS_OVER, check_forward, check_nothing_lost
from tests.faults.town import Town
from tests.support.cluster import Cluster
from tests.support.engines import PostgresServer


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    settings = {"HUBBUB_LIMITS_MESSAGES_PER_SECOND": "0"}
    with Cluster.running(tmp_path, 3, settings, standby=True) as made:
        yield made


async def stored(server: PostgresServer) -> int:
    """Messages that somebody who reads there would see."""
    connection = await asyncpg.connect(server.url("test_1"))
    try:
        found: int = await connection.fetchval("SELECT count(*) FROM messages")
        return found
    finally:
        await connection.close()


def nothing(primary: PostgresServer) -> None:
    """It lives on, as when only its standby is cut off from it."""


def kill(primary: PostgresServer) -> None:
    primary.end(signal.SIGKILL)


async def fail_over(
    cluster: Cluster, town: Town, report: Report, happens: Callable[[PostgresServer], None]
) -> None:
    """Something happens to the primary, and its standby is promoted."""
    began = time.monotonic()
    happens(cluster.postgres)
    await cluster.standby.promote()
    cluster.promoted()
    name = f"standby promoted, the former primary: {happens.__name__}"
    report(name, await town.interruption(began), DATABASE_FAILS_OVER)


@pytest.mark.slow
async def test_the_primary_is_killed_and_comes_back(
    cluster: Cluster, api: Api, report: Report
) -> None:
    town = await Town.found(api, 12, cluster.urls)
    async with town.talking():
        before = await town.cursors()
        await town.progress(100, 300)
        await fail_over(cluster, town, report, kill)
        former = cluster.standby
        former.start()  # as whoever boots its machine does: it believes to be the primary still
        held = await stored(former)
        cluster.nodes[1].crash()
        cluster.nodes[1].start()
        await town.progress(100, 300)
        assert await stored(former) == held, "nobody writes to the former primary"
        former.end()
        former.clone(cluster.postgres)
        former.start()
        await cluster.postgres.wait_for_standby()
        await town.progress(50, 100)
        await fail_over(cluster, town, report, kill)
        await town.progress(50, 100)
        await town.settled()
        check_forward(before, await town.cursors())
    await check_nothing_lost(api, town.devices)


@pytest.mark.slow
@pytest.mark.parametrize("happens", [PostgresServer.freeze, nothing])
async def test_the_primary_is_there_still(
    cluster: Cluster, api: Api, report: Report, happens: Callable[[PostgresServer], None]
) -> None:
    town = await Town.found(api, 13, cluster.urls)
    async with town.talking():
        await town.progress(50, 150)
        await fail_over(cluster, town, report, happens)
        former = cluster.standby
        former.thaw()
        held = await stored(former)
        await town.progress(100, 300)
        assert await stored(former) == held, "nobody writes to the former primary"
        await town.settled()
    await check_nothing_lost(api, town.devices)
