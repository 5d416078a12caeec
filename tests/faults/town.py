"""People who talk while things break."""

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from tests.faults.device import Device
from tests.faults.people import Api, Person
from tests.faults.proof import Cursors
from tests.support.wait import eventually

PATIENCE = 60.0


class Town:
    """Five people who talk in a group and in pairs, all at once."""

    def __init__(
        self, api: Api, people: list[Person], chats: list[str], seed: int, urls: Sequence[str]
    ) -> None:
        self.api = api
        self.people = people
        self.chats = chats
        self.random = random.Random(seed)
        self.devices = [
            Device(api, person, seed=seed + n, urls=urls) for n, person in enumerate(people)
        ]

    @classmethod
    async def found(cls, api: Api, seed: int, urls: Sequence[str] = (), family: str = "") -> "Town":
        """`urls`: servers, to any of which each connects; else to that of `api`.

        `family`: part of their names, where others live already.
        """
        names = ("ann", "bob", "cid", "dan", "eve")
        ann, *others = people = await api.people(*(f"{name}{family}" for name in names))
        chats = [await api.group(ann, others), *[await api.direct(ann, o) for o in others[:2]]]
        return cls(api, people, chats, seed, urls or [api.url])

    @asynccontextmanager
    async def talking(self) -> AsyncIterator[None]:
        """Everybody is connected and talks, until the block ends."""
        async with AsyncExitStack() as stack:
            for device in self.devices:
                await stack.enter_async_context(device.on())
            self.talk()
            yield

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

    async def interruption(self, since: float, devices: Sequence[Device] = ()) -> float:
        """Once all is answered that waits now: the longest wait for an answer since then, seconds.

        `devices`: whose; else everybody's.
        """
        talkers = devices or self.devices
        sends = [s for device in talkers for sent in device.sent.values() for s in sent]
        waiting = [s for s in sends if s.ack is None]
        await eventually(lambda: all(s.ack for s in waiting), "all is answered", PATIENCE)
        return max((s.acked_at - max(since, s.made_at) for s in sends), default=0.0)

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
