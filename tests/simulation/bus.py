"""What joins the nodes: who holds whom, for as long as he lives, and a way for letters.

While troubled it loses, repeats, delays and reorders letters, and fails calls that it may have
carried out. It forgets everything at `flush`, and cuts single nodes off. A node finds out within a
second, when it renews its lease; one whose lease had ended comes back as another.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from random import Random

from hubbub.ports import Unavailable
from hubbub.ports.nodes import Topic
from tests.simulation.loop import SimulatedLoop

LEASE = 3.0
RENEW = 1.0


class Switch:
    """Made once a world."""

    def __init__(self, loop: SimulatedLoop, rng: Random) -> None:
        self.loop = loop
        self.rng = rng
        self.troubled = False
        self.down = False
        self.under_way = 0
        self.held: dict[Topic, set[int]] = {}
        self.living: dict[int, SimulatedNodes] = {}
        self._made = 0

    def join(self) -> "SimulatedNodes":
        """Another node."""
        return SimulatedNodes(self)

    def number(self) -> int:
        """One that no node has or had."""
        self._made += 1
        return 1_000 + self._made

    def flush(self) -> None:
        """Nobody holds anything any more."""
        self.held.clear()
        self.living.clear()

    def heal(self) -> None:
        """No trouble from here on."""
        self.troubled = self.down = False
        for node in self.living.values():
            node.cut_off = node.dead

    def alive(self, number: int) -> bool:
        """Whether its lease goes on."""
        node = self.living.get(number)
        return node is not None and self.loop.time() < node.until

    def fates(self) -> list[float]:
        """When each copy of a letter arrives; none: it is lost."""
        draw, usual = self.rng.random(), self.rng.uniform(0.0001, 0.002)
        if not self.troubled or draw >= 0.5:
            return [usual]
        if draw < 0.15:
            return []
        if draw < 0.3:
            return [usual, self.rng.uniform(0, 2)]
        return [self.rng.uniform(0, 1)]


class SimulatedNodes:
    """`Nodes`, of one node."""

    def __init__(self, switch: Switch) -> None:
        self._switch = switch
        self._on_letter: Callable[[bytes], None] = lambda data: None
        self._on_lost: Callable[[], None] = lambda: None
        self.me = switch.number()
        self.until = 0.0
        self.cut_off = self.dead = False

    def listen(self, on_letter: Callable[[bytes], None], on_lost: Callable[[], None]) -> None:
        self._on_letter, self._on_lost = on_letter, on_lost

    async def run(self) -> None:
        self._begin()
        try:
            while True:
                await asyncio.sleep(RENEW)
                if self._switch.down or self.cut_off:
                    continue
                if self._switch.living.get(self.me) is self and self._switch.alive(self.me):
                    self.until = self._switch.loop.time() + LEASE
                else:
                    self._switch.living.pop(self.me, None)
                    self.me = self._switch.number()
                    self._begin()
                    self._on_lost()
        finally:
            self.die()

    def die(self) -> None:
        """Its process is gone."""
        self.cut_off = self.dead = True

    def _begin(self) -> None:
        self._switch.living[self.me] = self
        self.until = self._switch.loop.time() + LEASE

    async def _way(self) -> bool:
        """Whether a call that fails was carried out nevertheless. Raises Unavailable."""
        switch = self._switch
        await asyncio.sleep(switch.rng.uniform(0.0001, 0.002))
        if switch.down or self.cut_off:
            await asyncio.sleep(switch.rng.uniform(0, 0.5))
            raise Unavailable("cut off")
        return switch.troubled and switch.rng.random() < 0.05

    async def place(self, come: Collection[Topic], gone: Collection[Topic]) -> None:
        fails = await self._way()
        if not fails or self._switch.rng.random() < 0.5:
            for topic in gone:
                self._switch.held.get(topic, set()).discard(self.me)
            for topic in come:
                self._switch.held.setdefault(topic, set()).add(self.me)
        if fails:
            raise Unavailable("no answer")

    async def find(self, topics: Sequence[Topic]) -> list[tuple[int, ...]]:
        if await self._way():
            raise Unavailable("no answer")
        held, alive = self._switch.held, self._switch.alive
        return [tuple(sorted(filter(alive, held.get(topic, ())))) for topic in topics]

    async def others(self) -> tuple[int, ...]:
        if await self._way():
            raise Unavailable("no answer")
        return tuple(n for n in self._switch.living if n != self.me and self._switch.alive(n))

    async def send(self, letters: Sequence[tuple[int, bytes]]) -> None:
        fails, switch = await self._way(), self._switch
        for number, data in letters:
            if fails and switch.rng.random() < 0.5:
                raise Unavailable("no answer")
            for delay in switch.fates():
                switch.under_way += 1
                switch.loop.call_later(delay, self._arrive, number, data)
        if fails:
            raise Unavailable("no answer")

    def _arrive(self, number: int, data: bytes) -> None:
        self._switch.under_way -= 1
        node = self._switch.living.get(number)
        if node is not None and not node.cut_off:
            node._on_letter(data)
