"""kill -9 at random moments under load, of the server and of its store (G1, G2, G3)."""

import random
import signal
import time
from contextlib import AsyncExitStack

import pytest

from tests.faults.device import Device
from tests.faults.people import Api, Person
from tests.faults.proof import Cursors, check_forward, check_nothing_lost
from tests.support.server import ServerProcess
from tests.support.wait import eventually

PATIENCE = 60.0
GENEROUS = 10.0
"""Seconds for an interruption that takes a tenth of one, so that a busy machine proves nothing."""
slow = pytest.mark.slow


class Town:
    """Five people who talk in a group and in pairs, all at once."""

    def __init__(self, api: Api, people: list[Person], chats: list[str], seed: int) -> None:
        self.api = api
        self.people = people
        self.chats = chats
        self.random = random.Random(seed)
        self.devices = [Device(api, person, seed=seed + n) for n, person in enumerate(people)]

    @classmethod
    async def found(cls, api: Api, seed: int) -> "Town":
        ann, *others = people = await api.people("ann", "bob", "cid", "dan", "eve")
        chats = [await api.group(ann, others), *[await api.direct(ann, o) for o in others[:2]]]
        return cls(api, people, chats, seed)

    def talk(self) -> None:
        group, with_bob, with_cid = self.chats
        ann, bob, cid, dan, _ = self.devices
        ann.talk(group, with_bob, with_cid)
        bob.talk(group, with_bob)
        cid.talk(with_cid)
        dan.talk(group)

    @property
    def acked(self) -> int:
        return sum(device.acked for device in self.devices)

    async def progress(self, least: int, most: int) -> None:
        """Until some more sends were answered: a random number of them."""
        goal = self.acked + self.random.randint(least, most)
        await eventually(lambda: self.acked >= goal, f"{goal} are acknowledged", PATIENCE)

    async def cursors(self) -> dict[str, Cursors]:
        ann = self.people[0]
        return {chat: await self.api.cursors(ann, chat) for chat in self.chats}

    async def settled(self) -> None:
        """All was answered, and everybody has everything."""
        for device in self.devices:
            device.quiet()
        await eventually(
            lambda: not any(d.unanswered for d in self.devices), "all is answered", PATIENCE
        )
        heads = {
            chat: (await self.api.history(self.people[0], chat))[-1]["seq"] for chat in self.chats
        }
        await eventually(lambda: not self._behind(heads), "everybody has everything", PATIENCE)

    def _behind(self, heads: dict[str, int]) -> list[str]:
        members = {
            self.chats[0]: self.devices,
            self.chats[1]: self.devices[:2],
            self.chats[2]: [self.devices[0], self.devices[2]],
        }
        return [
            f"{d.person.name} at {d.view.places.get(chat)} of {heads[chat]}"
            for chat, here in members.items()
            for d in here
            if d.view.places.get(chat, 0) < heads[chat]
        ]


@pytest.mark.parametrize(
    ("seed", "kills"), [(1, 2), pytest.param(2, 6, marks=slow), pytest.param(3, 6, marks=slow)]
)
async def test_kill_the_server(server: ServerProcess, api: Api, seed: int, kills: int) -> None:
    town = await Town.found(api, seed)
    async with AsyncExitStack() as stack:
        for device in town.devices:
            await stack.enter_async_context(device.on())
        town.talk()
        before = await town.cursors()
        for _ in range(kills):
            await town.progress(20, 400)
            server.crash()
            server.start()
            after = await town.cursors()
            check_forward(before, after)
            before = after
        await town.progress(50, 50)
        await town.settled()
        check_forward(before, await town.cursors())
    await check_nothing_lost(api, town.devices)
    # Not once a kill: the next may come before somebody is back.
    assert all(device.connections > 1 for device in town.devices)


@pytest.mark.parametrize(
    ("seed", "kills"), [(4, 3), pytest.param(5, 8, marks=slow), pytest.param(6, 8, marks=slow)]
)
async def test_kill_the_store(server: ServerProcess, api: Api, seed: int, kills: int) -> None:
    town = await Town.found(api, seed)
    pauses = []
    async with AsyncExitStack() as stack:
        for device in town.devices:
            await stack.enter_async_context(device.on())
        town.talk()
        await town.progress(1, 10)
        before = await town.cursors()
        for _ in range(kills):
            await town.progress(20, 400)
            pauses.append(await _without_store(server, town))
            after = await town.cursors()
            check_forward(before, after)
            before = after
        await town.settled()
        check_forward(before, await town.cursors())
        metrics = await api.metrics()
    await check_nothing_lost(api, town.devices)
    # The server stays: who was told anything that became doubtful resumes, and nobody else.
    assert {code for device in town.devices for code in device.closes} <= {1013}
    assert all(device.connections <= kills + 1 for device in town.devices)
    assert metrics["hubbub_store_restarts"] == kills
    print(f"interruptions in seconds: {[round(pause, 3) for pause in pauses]}")
    assert max(pauses) < GENEROUS


async def _without_store(server: ServerProcess, town: Town) -> float:
    """Kill the store; seconds until a send that followed is answered."""
    server.signal_store(signal.SIGKILL)
    killed = time.monotonic()
    sent = town.devices[4].send(town.chats[0])
    await eventually(lambda: sent.ack is not None, "a send is answered again", PATIENCE)
    return time.monotonic() - killed


@slow
async def test_kill_both_again_and_again(server: ServerProcess, api: Api) -> None:
    """The store dies while it is being started, and the server while its store is away."""
    town = await Town.found(api, 7)
    async with AsyncExitStack() as stack:
        for device in town.devices:
            await stack.enter_async_context(device.on())
        town.talk()
        for _ in range(5):
            await town.progress(20, 100)
            dead = server.store_pid()
            server.signal_store(signal.SIGKILL)
            await _another_store(server, dead)
            server.signal_store(signal.SIGKILL)
            await town.progress(20, 100)
            server.signal_store(signal.SIGKILL)
            server.crash()
            server.start()
        await town.progress(50, 50)
        await town.settled()
    await check_nothing_lost(api, town.devices)


async def _another_store(server: ServerProcess, dead: int) -> None:
    await eventually(lambda: server.store_pid() not in (0, dead), "a store starts", PATIENCE)
