"""`Nodes` on Valkey: who holds whom in hashes, letters by sharded publish and subscribe.

A node holds a lease, renewed each second. What it has placed is counted, on both sides: where the
counts differ, or the lease has ended, or the subscription broke, something may be lost. Then the
node goes on as another one, with a new number, and its user is told (`listen`). Topics lie in
`SLOTS` hashes, each in one slot of a cluster with the count of what was written there, so that a
replica that takes over has lost both or none. A cluster one of whose shards does not answer is as a
server that does not.
"""

import asyncio
import time
import zlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from random import SystemRandom
from typing import Any, Final

from redis.exceptions import ResponseError

from hubbub.adapters.valkey.scripts import LEASE, LIVING, PLACE
from hubbub.adapters.valkey.shards import PATIENCE, Calls, Shards
from hubbub.adapters.valkey.trouble import FAILURES, explained
from hubbub.ports import Unavailable
from hubbub.ports.nodes import Topic

SLOTS: Final = 16
LEASE_MS: Final = 3_000
RENEW: Final = 1.0
"""Seconds between two renewals."""
KEPT: Final = 60
"""Seconds for which the counts of a dead node are kept."""
PIECE: Final = 1_000
"""Topics in one call."""
LEASES: Final = "{hubbub}:nodes"
FORGOTTEN: Final = "It has forgotten what was placed there, or what is said there is not heard."


class ValkeyNodes:
    """See the module. `changed` hears whether Valkey answers, when that has changed.

    `trouble`: why it does not now, and what to do, as sentences.
    """

    def __init__(self, url: str, changed: Callable[[bool], None] = lambda is_ready: None) -> None:
        """Raises ValueError for an address that is none."""
        self._shards = Shards(url)
        self._changed = changed
        self._random = SystemRandom()
        self._on_letter: Callable[[bytes], None] = lambda data: None
        self._on_lost: Callable[[], None] = lambda: None
        self._written: list[int] = []
        self._dead: set[tuple[int, Topic]] = set()
        self._heard_at = 0.0
        self._subscribed = asyncio.Event()
        self._writing = asyncio.Lock()
        self._told: bool | None = None
        self._deaf = ""
        self.is_ready = False
        self.trouble = ""
        self.me = 0
        self._become()

    def _become(self) -> None:
        """Another node, of which nobody knows."""
        self.me = self._random.getrandbits(50) + 1
        self._written = [0] * SLOTS
        self._subscribed.clear()

    def listen(self, on_letter: Callable[[bytes], None], on_lost: Callable[[], None]) -> None:
        """See Nodes."""
        self._on_letter, self._on_lost = on_letter, on_lost

    # ── living ──

    async def run(self) -> None:
        """See Nodes."""
        try:
            while True:
                self._subscribed.clear()
                async with asyncio.TaskGroup() as group:
                    subscription = group.create_task(self._subscribe(self.me))
                    await self._live()
                    subscription.cancel()
                self.trouble = self.trouble or FORGOTTEN
                self._tell(False)
                await self._give_up_lease()
                self._become()
        finally:
            await self._give_up_lease()
            await self._shards.aclose()

    async def _live(self) -> None:
        """Renew the lease, until it turns out that it had ended."""
        new = True
        while True:
            try:
                async with asyncio.timeout(PATIENCE):
                    await self._shards.refresh()
                    await self._subscribed.wait()
                    if not await self._renew(new):
                        return
                self._tell(True)
                if new:
                    self._on_lost()  # of whom it was before
                new = False
            except FAILURES as error:
                self._shards.is_stale = True
                waited = isinstance(error, TimeoutError)  # perhaps for the subscription
                self.trouble = (waited and self._deaf) or explained(error)
                self._tell(False)
            if not new and time.monotonic() - self._heard_at > LEASE_MS / 1000:
                return  # nothing comes through the subscription, not even what is sent to itself
            await asyncio.sleep(RENEW)

    def _tell(self, is_ready: bool) -> None:
        if is_ready:
            self.trouble = ""
        if is_ready != self._told:
            self.is_ready = self._told = is_ready
            self._changed(is_ready)

    async def _renew(self, new: bool) -> bool:
        """False: the lease had ended, or something that was placed is gone."""
        calls = Calls(self._shards)
        calls.add("EVAL", LEASE, 1, LEASES, self.me, LEASE_MS, int(new))
        for slot in range(SLOTS):
            calls.add("INCR", self._count(slot))
            calls.add("EXPIRE", self._count(slot), KEPT)
        calls.add("SPUBLISH", _channel(self.me), b"")
        async with self._writing:
            leased, *rest = await calls.execute()
            self._written = [written + 1 for written in self._written]
        if new:
            self._heard_at = time.monotonic()
        return bool(leased) and rest[: 2 * SLOTS : 2] == self._written

    async def _subscribe(self, me: int) -> None:
        """Read letters, until cancelled. A subscription that broke is begun again."""
        await self._shards.found.wait()
        while True:
            try:
                server = self._shards.client(self._shards.owner(_channel(me)))
                async with server.pubsub() as subscription:
                    await subscription.ssubscribe(_channel(me))
                    async for message in subscription.listen():
                        self._received(message)
            except FAILURES as error:
                self._shards.is_stale = True
                self._deaf = explained(error)
                self._subscribed.clear()
                await asyncio.sleep(RENEW / 2)

    def _received(self, message: dict[str, Any]) -> None:
        self._heard_at = time.monotonic()
        if message["type"] == "ssubscribe":
            self._deaf = ""
            self._subscribed.set()
            if self.is_ready:
                self._on_lost()  # what was sent while it was broken
        elif message["type"] == "smessage" and message["data"]:
            self._on_letter(message["data"])
        elif message["type"] == "sunsubscribe":  # by the server, whose channel it is no more
            raise ResponseError("The channel has moved")

    async def _give_up_lease(self) -> None:
        """What it held ends now, or by itself with the lease."""
        calls = Calls(self._shards)
        calls.add("ZREM", LEASES, self.me)
        with suppress(*FAILURES):
            async with asyncio.timeout(PATIENCE):
                await calls.execute()

    # ── places ──

    async def place(self, come: Collection[Topic], gone: Collection[Topic]) -> None:
        """See Nodes."""
        dead, self._dead = self._dead, set()
        if dead:  # or it has come while it was looked for, after leases were
            alive = await self._alive()
            dead = {(node, topic) for node, topic in dead if node not in alive}
        changes: list[tuple[str, int, Topic]] = [("+", self.me, topic) for topic in come]
        changes += [("-", self.me, topic) for topic in gone]
        changes += [("-", node, topic) for node, topic in dead]
        for start in range(0, len(changes), PIECE):
            await self._place(changes[start : start + PIECE])

    async def _place(self, changes: Sequence[tuple[str, int, Topic]]) -> None:
        by_slot: defaultdict[int, list[str]] = defaultdict(list)
        for sign, node, topic in changes:
            by_slot[_slot(topic)].append(f"{sign}{node} {topic}")
        async with self.calls() as calls, self._writing:
            for slot, words in by_slot.items():
                calls.add("EVAL", PLACE, 2, _held(slot), self._count(slot), self.me, *words)
            counts = await calls.execute()
            for slot in by_slot:
                self._written[slot] += 1
            if counts != [self._written[slot] for slot in by_slot]:
                raise Unavailable("Valkey has forgotten what was placed.")  # `_renew` sees it too

    async def find(self, topics: Sequence[Topic]) -> list[tuple[int, ...]]:
        """See Nodes."""
        places: defaultdict[int, list[int]] = defaultdict(list)
        for index, topic in enumerate(topics):
            places[_slot(topic)].append(index)
        async with self.calls() as calls:
            for slot, indices in places.items():
                calls.add("HMGET", _held(slot), *(topics[i] for i in indices))
            calls.add("EVAL", LIVING, 1, LEASES)
            *found, living = await calls.execute()
        alive = {int(node) for node in living}
        nodes: list[tuple[int, ...]] = [()] * len(topics)
        for indices, values in zip(places.values(), found, strict=True):
            for index, value in zip(indices, values, strict=True):
                if value is not None:
                    nodes[index] = self._living(topics[index], value, alive)
        return nodes

    def _living(self, topic: Topic, value: bytes, alive: set[int]) -> tuple[int, ...]:
        """Of the nodes that hold it; the dead are taken away with what is placed next."""
        nodes = [int(word) for word in value.split()]
        self._dead.update((node, topic) for node in nodes if node not in alive)
        while len(self._dead) > PIECE:
            self._dead.pop()
        return tuple(node for node in nodes if node in alive)

    async def others(self) -> tuple[int, ...]:
        """See Nodes."""
        return tuple(node for node in await self._alive() if node != self.me)

    async def _alive(self) -> list[int]:
        async with self.calls() as calls:
            calls.add("EVAL", LIVING, 1, LEASES)
            (living,) = await calls.execute()
        return [int(node) for node in living]

    async def send(self, letters: Sequence[tuple[int, bytes]]) -> None:
        """See Nodes."""
        if not letters:
            return
        async with self.calls() as calls:
            for node, data in letters:
                calls.add("SPUBLISH", _channel(node), data)
            await calls.execute()

    # ── speaking ──

    @asynccontextmanager
    async def calls(self) -> AsyncIterator[Calls]:
        """What is carried out together, within PATIENCE. Raises Unavailable.

        At once where it is known not to answer: nobody waits for that again and again.
        """
        if not self.is_ready:
            raise Unavailable("Valkey cannot be reached.")
        try:
            async with asyncio.timeout(PATIENCE):
                yield Calls(self._shards)
        except FAILURES as error:
            self._shards.is_stale = True
            raise Unavailable(f"Valkey cannot be used now ({type(error).__name__}).") from error

    def _count(self, slot: int) -> str:
        return f"{{hubbub:{slot}}}:written:{self.me}"


def _slot(topic: Topic) -> int:
    return zlib.crc32(topic.encode()) % SLOTS


def _held(slot: int) -> str:
    return f"{{hubbub:{slot}}}:held"


def _channel(node: int) -> str:
    return f"{{hubbub:n{node}}}"
