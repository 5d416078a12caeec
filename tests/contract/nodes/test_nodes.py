"""What joins nodes, as its users meet it: on a real Valkey, and on what simulations use."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from random import Random
from typing import Any, cast
from unittest.mock import patch

import pytest
from redis import asyncio as redis

from hubbub.adapters.valkey.nodes import ValkeyNodes
from hubbub.ports import Unavailable
from hubbub.ports.nodes import Nodes, large, user
from tests.simulation.bus import Switch
from tests.support.engines import ValkeyServer
from tests.support.wait import eventually

PATIENCE = 30.0


class Node:
    """One node, running, and what it has heard."""

    def __init__(self, nodes: Nodes) -> None:
        self.nodes = nodes
        self.letters: list[bytes] = []
        self.losses = 0
        nodes.listen(self.letters.append, self._lost)

    def _lost(self) -> None:
        self.losses += 1

    async def lives(self) -> None:
        """Return once it can be used."""
        await eventually(lambda: getattr(self.nodes, "is_ready", True), "it lives", PATIENCE)
        await eventually(lambda: self.nodes.me != 0, "it has a number")

    async def heard(self, *letters: bytes) -> None:
        await eventually(lambda: self.letters == [*letters], f"{letters} came", PATIENCE)


Join = Callable[[], Nodes]


class Stage:
    """Nodes that begin and end."""

    def __init__(self, join: Join) -> None:
        self._join = join
        self._stack = AsyncExitStack()
        self.tasks: dict[Node, asyncio.Task[None]] = {}

    async def node(self) -> Node:
        node = Node(self._join())
        self.tasks[node] = asyncio.create_task(node.nodes.run())
        await node.lives()
        return node

    async def end(self, node: Node) -> None:
        task = self.tasks.pop(node)
        task.cancel()
        await asyncio.wait([task])

    async def kill(self, node: Node) -> None:
        """It ends, and tells nobody."""

        async def nothing() -> None:
            pass

        with patch.object(node.nodes, "_give_up_lease", nothing, create=True):
            await self.end(node)


@asynccontextmanager
async def staged(join: Join) -> AsyncIterator[Stage]:
    stage = Stage(join)
    try:
        yield stage
    finally:
        for node in list(stage.tasks):
            await stage.end(node)


@pytest.fixture(params=["simulated", "valkey"])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    if request.param == "valkey":
        server: ValkeyServer = request.getfixturevalue("valkey")
        async with staged(lambda: ValkeyNodes(server.url)) as made:
            yield made
    else:
        switch = Switch(cast(Any, asyncio.get_running_loop()), Random(1))
        async with staged(switch.join) as made:
            yield made


async def test_who_holds_a_topic_is_found(stage: Stage) -> None:
    ann, bob = await stage.node(), await stage.node()
    await ann.nodes.place([user(1), user(2), large(7)], [])
    await bob.nodes.place([user(2)], [])
    found = await bob.nodes.find([user(1), user(2), user(3), large(7)])
    assert [set(nodes) for nodes in found] == [
        {ann.nodes.me}, {ann.nodes.me, bob.nodes.me}, set(), {ann.nodes.me}
    ]  # fmt: skip
    await ann.nodes.place([user(3)], [user(2), user(1)])
    found = await ann.nodes.find([user(1), user(2), user(3)])
    assert found == [(), (bob.nodes.me,), (ann.nodes.me,)]


async def test_placing_again_and_dropping_what_is_not_held_change_nothing(stage: Stage) -> None:
    ann = await stage.node()
    await ann.nodes.place([user(1)], [user(9)])
    await ann.nodes.place([user(1)], [user(9)])
    assert await ann.nodes.find([user(1), user(9)]) == [(ann.nodes.me,), ()]


async def test_thousands_are_placed_and_found_at_once(stage: Stage) -> None:
    ann = await stage.node()
    topics = [user(number) for number in range(5_000)]
    await ann.nodes.place(topics, [])
    assert await ann.nodes.find(topics) == [(ann.nodes.me,)] * 5_000


async def test_letters_come_in_order_to_the_node_they_are_for(stage: Stage) -> None:
    ann, bob, cat = await stage.node(), await stage.node(), await stage.node()
    assert set(await ann.nodes.others()) == {bob.nodes.me, cat.nodes.me}
    await ann.nodes.send([(bob.nodes.me, b"1"), (cat.nodes.me, b"2"), (bob.nodes.me, b"\x00\xff")])
    await cat.heard(b"2")
    await bob.heard(b"1", b"\x00\xff")
    assert ann.letters == []


async def test_a_letter_to_nobody_is_no_error(stage: Stage) -> None:
    ann = await stage.node()
    await ann.nodes.send([(12_345, b"x")])
    assert await ann.nodes.others() == ()


@pytest.mark.parametrize("dies", [Stage.end, Stage.kill], ids=["ended", "killed"])
async def test_what_a_dead_node_held_is_held_no_more(
    stage: Stage, dies: Callable[[Stage, Node], Awaitable[None]]
) -> None:
    ann, bob = await stage.node(), await stage.node()
    await bob.nodes.place([user(1)], [])
    dead = bob.nodes.me
    await dies(stage, bob)
    async with asyncio.timeout(PATIENCE):
        while await ann.nodes.others() or await ann.nodes.find([user(1)]) != [()]:
            pass
    await ann.nodes.place([user(1)], [])
    assert await ann.nodes.find([user(1)]) == [(ann.nodes.me,)]
    assert dead != ann.nodes.me


# ── a Valkey in trouble ──


@pytest.fixture
async def shaken() -> AsyncIterator[tuple[ValkeyServer, Stage]]:
    """A Valkey of its own."""
    server = ValkeyServer()
    server.start()
    try:
        async with staged(lambda: ValkeyNodes(server.url)) as made:
            yield server, made
    finally:
        server.close()


async def _recovered(node: Node, losses: int) -> None:
    """It was told of the loss, and works again."""
    await eventually(lambda: node.losses > losses, "it is told of the loss", PATIENCE)
    await node.lives()
    await node.nodes.place([user(1)], [])
    assert await node.nodes.find([user(1)]) == [(node.nodes.me,)]
    node.letters.clear()
    await node.nodes.send([(node.nodes.me, b"again")])
    await node.heard(b"again")


async def test_a_flush_is_noticed(shaken: tuple[ValkeyServer, Stage]) -> None:
    server, stage = shaken
    ann = await stage.node()
    before, losses = ann.nodes.me, ann.losses
    await _command(server, "FLUSHALL")
    await _recovered(ann, losses)
    assert ann.nodes.me != before


async def test_what_is_lost_of_one_slot_is_noticed(shaken: tuple[ValkeyServer, Stage]) -> None:
    """A replica that takes over may lack the newest writes, but not the lease."""
    server, stage = shaken
    ann = await stage.node()
    losses = ann.losses
    await ann.nodes.place([user(1)], [])
    keys = await _command(server, "KEYS", "*:written:*")
    await _command(server, "DECR", keys[0].decode())
    await _recovered(ann, losses)


async def test_a_restart_is_survived(shaken: tuple[ValkeyServer, Stage]) -> None:
    server, stage = shaken
    ann = await stage.node()
    losses = ann.losses
    server.end()
    await eventually(lambda: not cast(ValkeyNodes, ann.nodes).is_ready, "it is noticed", PATIENCE)
    with pytest.raises(Unavailable):
        await ann.nodes.find([user(1)])
    server.start()
    await _recovered(ann, losses)


async def test_a_server_that_hangs_is_survived(shaken: tuple[ValkeyServer, Stage]) -> None:
    server, stage = shaken
    ann = await stage.node()
    before, losses = ann.nodes.me, ann.losses
    server.send(signal.SIGSTOP)
    with pytest.raises(Unavailable):
        await ann.nodes.send([(before, b"x")])
    await eventually(lambda: not cast(ValkeyNodes, ann.nodes).is_ready, "it is noticed", PATIENCE)
    server.send(signal.SIGCONT)
    await _recovered(ann, losses)


async def test_a_broken_subscription_is_noticed(shaken: tuple[ValkeyServer, Stage]) -> None:
    server, stage = shaken
    ann = await stage.node()
    losses = ann.losses
    await _command(server, "CLIENT", "KILL", "TYPE", "PUBSUB")
    await _recovered(ann, losses)


async def _command(server: ValkeyServer, *words: str) -> Any:
    async with redis.Redis.from_url(server.url) as client:
        return await client.execute_command(*words)


async def test_who_is_cancelled_while_it_places_ends(stage: Stage) -> None:
    """At whichever moment: a server that is told to stop has tasks that do it again and again."""
    node = await stage.node()

    async def keep_placing() -> None:
        while True:
            with suppress(Unavailable):  # what was cut off is not counted
                await node.nodes.place([user(1)], [])
            await asyncio.sleep(0)

    for number in range(400):
        task = asyncio.create_task(keep_placing())
        for _ in range(number % 40):
            await asyncio.sleep(0)
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=PATIENCE)
        assert done, "it goes on as if nobody had said anything"
