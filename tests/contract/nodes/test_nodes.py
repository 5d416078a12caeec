"""What joins nodes, as its users meet it: on a real Valkey, and on what simulations use."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from random import Random
from typing import Any, cast

import pytest

from hubbub.adapters.valkey.nodes import ValkeyNodes
from hubbub.ports import Unavailable
from hubbub.ports.nodes import large, user
from tests.contract.nodes.stage import ENGINES, PATIENCE, Node, Stage, recovered, staged
from tests.simulation.bus import Switch
from tests.support.valkeys import ValkeyServer
from tests.support.wait import eventually


@pytest.fixture(params=["simulated", *ENGINES])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    if request.param != "simulated":
        url = request.getfixturevalue(request.param).url
        async with staged(lambda: ValkeyNodes(url)) as made:
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


async def test_who_was_taken_for_dead_and_lives_is_not_dropped(valkey: ValkeyServer) -> None:
    """Shards are asked at the same time: leases may be read before places that are older."""
    async with staged(lambda: ValkeyNodes(valkey.url)) as stage:
        ann, bob = await stage.node(), await stage.node()
        await bob.nodes.place([user(1)], [])
        cast(ValkeyNodes, ann.nodes)._dead.add((bob.nodes.me, user(1)))
        await ann.nodes.place([], [])
        assert await ann.nodes.find([user(1)]) == [(bob.nodes.me,)]


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


async def test_a_flush_is_noticed(shaken: tuple[ValkeyServer, Stage]) -> None:
    server, stage = shaken
    ann = await stage.node()
    before, losses = ann.nodes.me, ann.losses
    await server.ask("FLUSHALL")
    await recovered(ann, losses)
    assert ann.nodes.me != before


async def test_what_is_lost_of_one_slot_is_noticed(shaken: tuple[ValkeyServer, Stage]) -> None:
    """A replica that takes over may lack the newest writes, but not the lease."""
    server, stage = shaken
    ann = await stage.node()
    losses = ann.losses
    await ann.nodes.place([user(1)], [])
    keys = await server.ask("KEYS", "*:written:*")
    await server.ask("DECR", keys[0].decode())
    await recovered(ann, losses)


async def test_a_restart_is_survived(shaken: tuple[ValkeyServer, Stage]) -> None:
    server, stage = shaken
    ann = await stage.node()
    losses = ann.losses
    server.end()
    await eventually(lambda: not cast(ValkeyNodes, ann.nodes).is_ready, "it is noticed", PATIENCE)
    with pytest.raises(Unavailable):
        await ann.nodes.find([user(1)])
    server.start()
    await recovered(ann, losses)


async def test_a_server_that_hangs_is_survived(shaken: tuple[ValkeyServer, Stage]) -> None:
    server, stage = shaken
    ann = await stage.node()
    before, losses = ann.nodes.me, ann.losses
    server.send(signal.SIGSTOP)
    with pytest.raises(Unavailable):
        await ann.nodes.send([(before, b"x")])
    await eventually(lambda: not cast(ValkeyNodes, ann.nodes).is_ready, "it is noticed", PATIENCE)
    server.send(signal.SIGCONT)
    await recovered(ann, losses)


async def test_a_broken_subscription_is_noticed(shaken: tuple[ValkeyServer, Stage]) -> None:
    server, stage = shaken
    ann = await stage.node()
    losses = ann.losses
    await server.ask("CLIENT", "KILL", "TYPE", "PUBSUB")
    await recovered(ann, losses)


async def test_who_may_not_subscribe_is_told_so(own_valkey: ValkeyServer) -> None:
    await own_valkey.ask("ACL", "SETUSER", "deaf", "on", "nopass", "~*", "+@all", "resetchannels")
    nodes = ValkeyNodes(own_valkey.url.replace("//", "//deaf:x@"))
    task = asyncio.create_task(nodes.run())
    try:
        await eventually(lambda: "permission" in nodes.trouble, "it is told", PATIENCE)
        assert not nodes.is_ready
    finally:
        task.cancel()
        await asyncio.wait([task])


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
