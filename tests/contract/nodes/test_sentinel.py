"""Nodes on a Valkey that Sentinels watch, whose primary dies, hangs, or is replaced."""

import signal
from collections.abc import AsyncIterator
from contextlib import ExitStack, suppress
from typing import cast

import pytest

from hubbub.adapters.valkey.examine import examine
from hubbub.adapters.valkey.nodes import ValkeyNodes
from hubbub.ports import Unavailable
from hubbub.ports.nodes import user
from tests.contract.nodes.stage import PATIENCE, Node, Stage, recovered, staged
from tests.support.valkeys import Sentinel, ValkeyServer, WatchedValkey
from tests.support.wait import eventually, lasting, until

pytestmark = pytest.mark.slow


@pytest.fixture
async def stage(watched_valkey: WatchedValkey) -> AsyncIterator[Stage]:
    """Nodes on what a test makes whole again."""
    async with staged(lambda: ValkeyNodes(watched_valkey.url)) as made:
        yield made


@pytest.mark.parametrize("dies", ["hangs", "is gone with a Sentinel"])
async def test_a_replica_takes_over(stage: Stage, watched_valkey: WatchedValkey, dies: str) -> None:
    """The former primary comes back as one, until the Sentinels have seen it."""
    ann, bob = await stage.node(), await stage.node()
    await ann.nodes.place([user(7)], [])
    losses = ann.losses, bob.losses
    primary, sentinel = await watched_valkey.primary(), watched_valkey.sentinels[-1]
    if dies == "hangs":
        primary.send(signal.SIGSTOP)
    else:
        primary.end()
        sentinel.send(signal.SIGSTOP)  # it does not even refuse
    await eventually(lambda: not cast(ValkeyNodes, ann.nodes).is_ready, "it is noticed", PATIENCE)
    await recovered(ann, losses[0])
    await bob.loses(losses[1])
    await bob.lives()
    assert await watched_valkey.primary() is not primary
    await until(lambda: _hear_each_other(ann, bob), "letters come", PATIENCE)
    if dies == "hangs":
        primary.send(signal.SIGCONT)
    else:
        primary.start()
        sentinel.send(signal.SIGCONT)
    await until(watched_valkey.healthy, "a replica follows", PATIENCE)
    await until(lambda: _hear_each_other(ann, bob), "letters come", PATIENCE)


async def _hear_each_other(ann: Node, bob: Node) -> bool:
    ann.letters.clear()
    bob.letters.clear()
    for one, other in ((ann, bob), (bob, ann)):
        with suppress(Unavailable):
            await one.nodes.send([(other.nodes.me, b"hello")])
    await lasting(0.2)
    return b"hello" in ann.letters and b"hello" in bob.letters


async def test_sentinels_are_needed_for_a_failover_alone(
    stage: Stage, watched_valkey: WatchedValkey
) -> None:
    ann = await stage.node()
    before, losses = ann.nodes.me, ann.losses
    for sentinel in watched_valkey.sentinels:
        sentinel.send(signal.SIGSTOP)
    try:
        await lasting(4)  # longer than a lease
        await ann.nodes.send([(before, b"hello")])
        await ann.heard(b"hello")
    finally:
        for sentinel in watched_valkey.sentinels:
            sentinel.send(signal.SIGCONT)
    assert (ann.nodes.me, ann.losses) == (before, losses)
    await until(watched_valkey.healthy, "they watch again", PATIENCE)


async def test_a_former_primary_that_answers_is_left() -> None:
    """As where the network between it and the Sentinels is broken, and ours to it is not."""
    with ExitStack() as stack:
        former, now = ValkeyServer(), ValkeyServer()
        sentinel = Sentinel(former)
        for server in (former, now, sentinel):
            stack.callback(server.close)
            server.start()
        url = f"redis+sentinel://127.0.0.1:{sentinel.port}/main"
        async with staged(lambda: ValkeyNodes(url)) as stage:
            ann = await stage.node()
            losses = ann.losses
            await sentinel.ask("SENTINEL", "REMOVE", "main")
            await sentinel.ask("SENTINEL", "MONITOR", "main", "127.0.0.1", now.port, 1)
            await recovered(ann, losses)
            assert await now.ask("EXISTS", "{hubbub}:nodes")


async def test_what_is_wrong_is_said(watched_valkey: WatchedValkey, valkey: ValkeyServer) -> None:
    sentinel = watched_valkey.sentinels[0]
    for url, says in (
        (watched_valkey.url.replace("/main", "/other"), "know no server by that name"),
        (sentinel.url, r"That is a Sentinel: redis\+sentinel://"),
        (f"redis+sentinel://127.0.0.1:{valkey.port}/main", "no Sentinel, but a server"),
    ):
        with pytest.raises(Unavailable, match=says):
            await examine(url)
    found = await examine(watched_valkey.url)
    assert (found.sentinels, found.replicas, found.replica) == (3, 1, False)
