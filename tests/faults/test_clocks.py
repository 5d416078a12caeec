"""Servers of one cluster whose clocks are minutes apart: they say so, and everything holds."""

import asyncio
import itertools
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.people import Api, calling
from tests.faults.proof import check_forward, check_nothing_lost
from tests.faults.town import Town
from tests.support import shifted
from tests.support.cluster import Cluster

AHEAD = {1: 180, 2: -240}
"""Seconds, by the number of the node."""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Three nodes: the first has the right time."""
    with Cluster.running(tmp_path, 3, {"HUBBUB_LIMITS_MESSAGES_PER_SECOND": "0"}) as made:
        for number, seconds in AHEAD.items():
            node = made.nodes[number]
            node.end()
            node.program = shifted.program(seconds)
            node.start()
        yield made


def uuid7() -> str:
    head = int(time.time() * 1000) << 80
    return str(uuid.UUID(int=head | 7 << 76 | 2 << 62 | uuid.uuid4().int & (1 << 62) - 1))


@pytest.mark.slow
async def test_clocks_that_are_minutes_apart(cluster: Cluster, api: Api) -> None:
    for number, url in enumerate(cluster.urls):
        async with calling(url) as node:
            answer = await node("GET", "/readyz")
        if number in AHEAD:
            assert answer.status == 503
            assert f"differs from the database's by {abs(AHEAD[number])}" in answer.body["detail"]
        else:
            assert answer.status == 200
    # No balancer sends anybody there. These people have found them all the same.
    town = await Town.found(api, 13, cluster.urls)
    async with town.talking():
        before = await town.cursors()
        await town.progress(100, 300)
        await asyncio.to_thread(cluster.nodes[1].crash)
        await asyncio.to_thread(cluster.nodes[1].start)
        await town.progress(100, 300)
        await town.settled()
        check_forward(before, await town.cursors())
    await check_nothing_lost(api, town.devices)
    for chat in town.chats:
        times = [m["created_at"] for m in await api.history(town.people[0], chat)]
        assert all(earlier <= later for earlier, later in itertools.pairwise(times))


@pytest.mark.slow
async def test_one_message_whichever_servers_it_is_sent_to(cluster: Cluster, api: Api) -> None:
    ann, bob = await api.people("ann", "bob")
    chat = await api.direct(ann, bob)
    for key in (uuid7(), str(uuid.uuid4())):
        body = {"chat_id": chat, "content": "once", "client_id": key}
        answers = []
        for url in (*cluster.urls[1:], *cluster.urls):
            async with calling(url) as node:
                answer = (await node("POST", "/messages", body, of=ann)).good
            answers.append((answer["id"], answer["created_at"]))
        assert len({*answers}) == 1
    assert len(await api.history(bob, chat)) == 2
