"""Nodes on a cluster of Valkey whose servers die, change places and hand over their slots."""

import asyncio
import signal
import time
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from functools import partial
from typing import cast

import pytest
from redis.exceptions import ClusterDownError

from hubbub.adapters.valkey.addresses import named
from hubbub.adapters.valkey.nodes import LEASES, SLOTS, ValkeyNodes
from hubbub.adapters.valkey.shards import Calls, Shards, look_up
from hubbub.ports import Unavailable
from hubbub.ports.nodes import user
from tests.contract.nodes.stage import PATIENCE, Node, Stage, recovered, staged
from tests.support.valkeys import ValkeyCluster, ValkeyServer
from tests.support.wait import eventually, until

TOPICS = [user(number) for number in range(100)]
"""In all shards."""


@pytest.fixture
async def stage(valkey_cluster: ValkeyCluster) -> AsyncIterator[Stage]:
    """Nodes on a cluster that a test makes whole again."""
    async with staged(lambda: ValkeyNodes(valkey_cluster.url)) as made:
        yield made


@pytest.fixture
def grown() -> Iterator[ValkeyCluster]:
    """A cluster of its own, since it will not be as it was."""
    made = ValkeyCluster()
    try:
        made.start()
        yield made
    finally:
        made.close()


def channel(node: Node) -> str:
    return f"{{hubbub:n{node.nodes.me}}}"


def held(topic: str) -> str:
    return f"{{hubbub:{zlib.crc32(topic.encode()) % SLOTS}}}:held"


async def apart(stage: Stage, shards: ValkeyCluster) -> Node:
    """A node whose letters another shard has than the leases."""
    while True:
        node = await stage.node()
        if await shards.primary(channel(node)) is not await shards.primary(LEASES):
            return node
        await stage.end(node)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("of", "dies"),
    [("leases", "killed"), ("letters", "killed"), ("letters", "hangs"), ("topics", "killed")],
)
async def test_a_primary_dies_and_its_replica_takes_over(
    stage: Stage, valkey_cluster: ValkeyCluster, of: str, dies: str
) -> None:
    ann = await apart(stage, valkey_cluster)
    await ann.nodes.place(TOPICS, [])
    losses = ann.losses
    key = {"leases": LEASES, "letters": channel(ann), "topics": held(TOPICS[0])}[of]
    primary = await valkey_cluster.primary(key)
    if dies == "killed":
        primary.end()
    else:
        primary.send(signal.SIGSTOP)
    await eventually(lambda: not cast(ValkeyNodes, ann.nodes).is_ready, "it is noticed", PATIENCE)
    began = time.monotonic()
    with pytest.raises(Unavailable):
        await ann.nodes.find(TOPICS)
    assert time.monotonic() - began < 0.5, "that is known, and not tried"
    await recovered(ann, losses)
    await ann.nodes.place(TOPICS, [])
    assert await _finds(ann)
    if dies == "killed":
        primary.start()
    else:
        primary.send(signal.SIGCONT)
    await until(valkey_cluster.healthy, "the cluster is whole", PATIENCE)
    await until(partial(_finds, ann), "all is found", PATIENCE)


@pytest.mark.slow
async def test_replicas_take_over_as_they_are_told(
    stage: Stage, valkey_cluster: ValkeyCluster
) -> None:
    ann = await stage.node()
    before = ann.nodes.me
    await ann.nodes.place(TOPICS, [])
    replicas = [it for it in valkey_cluster.servers if not await _is_primary(it)]
    for replica in replicas:
        await replica.ask("CLUSTER", "FAILOVER")
    for replica in replicas:
        await until(partial(_is_primary, replica), "it has taken over", PATIENCE)
    await until(valkey_cluster.healthy, "the cluster is whole", PATIENCE)
    await until(partial(_finds, ann), "all is found", PATIENCE)
    await until(partial(_hears, ann), "letters come", PATIENCE)
    assert ann.nodes.me == before, "nothing is lost"


async def _is_primary(server: ValkeyServer) -> bool:
    return bool((await server.ask("INFO", "replication"))["role"] == "master")


async def _hears(node: Node) -> bool:
    """While a subscription is begun anew, a letter is lost."""
    with suppress(Unavailable):
        await node.nodes.send([(node.nodes.me, b"hello")])
    return b"hello" in node.letters


async def _finds(node: Node) -> bool:
    try:
        return await node.nodes.find(TOPICS) == [(node.nodes.me,)] * len(TOPICS)
    except Unavailable:
        return False


@pytest.mark.slow
async def test_slots_move_to_a_server_that_had_none(grown: ValkeyCluster) -> None:
    async with staged(lambda: ValkeyNodes(grown.url)) as stage:
        await _moves_slots(await stage.node(), grown)


async def _moves_slots(ann: Node, shards: ValkeyCluster) -> None:
    before = ann.nodes.me
    await ann.nodes.place(TOPICS, [])
    new = await shards.grow()
    for key in (LEASES, held(TOPICS[0]), channel(ann)):
        losses = ann.losses
        async with shards.handing_over(key, new):
            assert await ann.nodes.find(TOPICS) == [(before,)] * len(TOPICS)
            await ann.nodes.send([(before, b"meanwhile")])
            await ann.heard(b"meanwhile")
        if key == channel(ann):  # a letter may have come to where it is no more
            await ann.loses(losses)
        await until(partial(_finds, ann), "all is found", PATIENCE)
        await until(partial(_hears, ann), "letters come", PATIENCE)
        ann.letters.clear()
    assert ann.nodes.me == before, "nothing is lost"


@pytest.mark.slow
async def test_any_server_of_a_cluster_tells_of_all(valkey_cluster: ValkeyCluster) -> None:
    for server in valkey_cluster.servers:
        ranges = await look_up(named(valkey_cluster.url), server.url)
        found = [url for it in ranges for url in (it.primary, *it.replicas)]
        assert {*found} == {it.url for it in valkey_cluster.servers}


@pytest.mark.slow
async def test_one_without_a_name_among_those_that_tell_names_has_an_address(
    grown: ValkeyCluster,
) -> None:
    for server in grown.servers:
        await server.ask("CONFIG", "SET", "cluster-preferred-endpoint-type", "hostname")
    first, *others = grown.servers
    await first.ask("CONFIG", "SET", "cluster-announce-hostname", "localhost")
    ranges = await look_up(named(grown.url), f"redis://localhost:{first.port}")
    found = {url for it in ranges for url in (it.primary, *it.replicas)}
    assert found == {f"redis://localhost:{first.port}", *(other.url for other in others)}


async def test_a_server_alone_has_all(valkey: ValkeyServer) -> None:
    assert await look_up(named(valkey.url), valkey.url) == [(16383, valkey.url, ())]


async def test_servers_that_are_no_cluster_are_not_chosen_from(valkey: ValkeyServer) -> None:
    with pytest.raises(ClusterDownError, match="no cluster"):
        await look_up(named(f"{valkey.url},other"), valkey.url)


async def test_what_fails_does_not_hide_that_one_was_cancelled() -> None:
    shards = Shards("redis://127.0.0.1")

    class Failing(Calls):
        async def _ask(self, url: str, indices: list[int], answers: list[object]) -> None:
            task.cancel()
            raise OSError

    shards.owner = lambda key: "redis://127.0.0.1"  # type: ignore[method-assign]
    calls = Failing(shards)
    calls.add("PING", "x")
    task = asyncio.create_task(calls.execute())
    await asyncio.wait([task])
    assert task.cancelled()
