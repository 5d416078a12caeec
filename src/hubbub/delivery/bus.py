"""The bus between nodes: what one commits is told to those that hold whom it concerns.

Letters from one node to another are numbered. One that did not arrive is noticed by the number of
the next, or of the beat that follows within a second; then all readers of the node that missed it
catch up from the store, each from the places that it knows (G3, G4). Nothing waits for the bus:
what cannot be sent is counted as lost.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import Final, Literal, get_args

import msgspec

from hubbub.delivery.concerns import concerns
from hubbub.delivery.hearing import Hearing
from hubbub.domain.events import Event, UnsureEvent
from hubbub.domain.latency import Latency
from hubbub.ports import Unavailable
from hubbub.ports.nodes import Nodes, Topic

BEAT: Final = 0.5
"""Seconds between two beats."""
MOST_NODES: Final = 4_000
"""Nodes, living and dead, whose letters are counted."""
MOST_WAITING: Final = 50_000
"""Events on their way to other nodes; what is more is lost."""
BATCH: Final = 1_000
"""Events in one letter."""


class Letter(msgspec.Struct, frozen=True, array_like=True):
    """`number`: how many letters `sender` wrote to this node until now, this one too.

    One without events is a beat, and none itself.
    """

    sender: int
    number: int
    events: list[msgspec.Raw]


Why = Literal["letter", "version", "node", "valkey", "late", "store"]
"""Why readers are looked at again: a letter is missing or of another version, a node is gone,
Valkey was not reached or has forgotten, something was placed late, a commit's outcome was unknown.
"""


class BusStatistics(Latency):
    """Counted as it happens. `lost`: letters that did not come, `unsent`: how often some were not
    sent. The latency is that of batches from published to on their way.
    """

    def __init__(self) -> None:
        super().__init__()
        self.sent = 0
        self.bytes = 0
        self.unsent = 0
        self.received = 0
        self.lost = 0
        self.catch_ups: dict[Why, int] = dict.fromkeys(get_args(Why), 0)


class Bus:
    """See the module. `deliver` passes on to this node's readers; `hearing` is told first of what
    others commit, and of what was lost.
    """

    hearing: Hearing

    def __init__(self, nodes: Nodes, deliver: Callable[[Sequence[Event]], None]) -> None:
        self._nodes = nodes
        self._deliver = deliver
        self._others: frozenset[int] = frozenset()
        self._queue: deque[Event] = deque()
        self._work = asyncio.Event()
        self._sending = asyncio.Lock()
        self._sent: dict[int, int] = {}
        self._first = 0
        self._since = 0.0
        self._quiet: dict[int, int] = {}
        self._got: dict[int, int] = {}
        self._was = nodes.me
        self._encode = msgspec.msgpack.Encoder().encode
        self._letter = msgspec.msgpack.Decoder(Letter)
        self._event: msgspec.msgpack.Decoder[Event] = msgspec.msgpack.Decoder(Event)
        self.statistics = BusStatistics()
        nodes.listen(self.receive, self.lost)

    @property
    def depth(self) -> int:
        """Events that wait."""
        return len(self._queue)

    # ── to others ──

    def publish(self, events: Sequence[Event]) -> None:
        """Pass on to this node's readers at once, and to other nodes soon."""
        self._deliver(events)
        if len(self._queue) + len(events) > MOST_WAITING:
            self.skip()
            return
        if not self._queue:
            self._since = asyncio.get_running_loop().time()
        self._queue.extend(events)
        self._work.set()

    async def run(self) -> None:
        """Send, until cancelled."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._nodes.run())
            group.create_task(self._beats())
            while True:
                await self._work.wait()
                self._work.clear()
                while self._queue:
                    began, taken = self._since, min(len(self._queue), BATCH)
                    self._since = loop.time()  # of what is left, at the latest
                    if await self._send([self._queue.popleft() for _ in range(taken)]):
                        self.statistics.took(loop.time() - began)

    async def _send(self, events: list[Event]) -> bool:
        try:
            letters = await self._address(events)
            async with self._sending:
                await self._nodes.send([self._write(node, raw) for node, raw in letters.items()])
        except Unavailable:
            self.skip()
            return False
        return True

    async def _address(self, events: list[Event]) -> dict[int, list[msgspec.Raw]]:
        """What goes to which node, in order; each event is encoded once."""
        topics = [concerns(event) for event in events]
        wanted: dict[Topic, tuple[int, ...]] = {}
        named = [None if found is None else tuple(found) for found in topics]
        for found in named:
            wanted.update(dict.fromkeys(found or (), ()))
        if wanted:
            keys = list(wanted)
            wanted = dict(zip(keys, await self._nodes.find(keys), strict=True))
        everybody = await self._nodes.others() if None in named else ()
        letters: dict[int, list[msgspec.Raw]] = {}
        for event, found in zip(events, named, strict=True):
            nodes = set(everybody) if found is None else {n for t in found for n in wanted[t]}
            nodes.discard(self._nodes.me)
            if nodes:
                raw = msgspec.Raw(self._encode(event))
                for node in nodes:
                    letters.setdefault(node, []).append(raw)
        return letters

    def _write(self, node: int, events: list[msgspec.Raw]) -> tuple[int, bytes]:
        number = self._sent[node] = self._sent.get(node, self._first) + 1
        self._quiet[node] = 0
        data = self._encode(Letter(self._nodes.me, number, events))
        self.statistics.sent += 1
        self.statistics.bytes += len(data)
        return node, data

    def skip(self) -> None:
        """Something is not sent, and nobody knows to whom: it is missing everywhere."""
        self._first += 1
        for node in self._sent:
            self._sent[node] += 1
        self._quiet.clear()
        self.statistics.unsent += 1

    def unsure(self, event: UnsureEvent) -> None:
        """The outcome of a commit is not known, here and so everywhere."""
        self.statistics.catch_ups["store"] += 1
        self.hearing.unsure(event)
        self.publish([event])

    async def _beats(self) -> None:
        while True:
            await asyncio.sleep(BEAT)
            try:
                await self._beat()
            except Unavailable:
                continue

    async def _beat(self) -> None:
        """Say how many letters there were: soon after the last one, then more and more seldom."""
        others = await self._nodes.others()
        before, self._others = self._others, frozenset(others)
        if before - self._others:  # what it committed last, perhaps it told nobody
            self.catch_up("node")
        self._sent = _known(self._sent, others)
        self._got = _known(self._got, others)
        async with self._sending:  # a beat that overtakes a letter would make it a lost one
            numbers = {node: self._sent.get(node, self._first) for node in others}
            self._quiet = {node: self._quiet.get(node, 0) + 1 for node in others}
            due = [node for node in others if numbers[node] and _is_due(self._quiet[node])]
            me = self._nodes.me
            await self._nodes.send([(n, self._encode(Letter(me, numbers[n], []))) for n in due])

    # ── from others ──

    def receive(self, data: bytes) -> None:
        """A letter. One that was read before changes nothing."""
        try:
            letter = self._letter.decode(data)
            events = [self._event.decode(raw) for raw in letter.events]
        except msgspec.DecodeError:  # of another version: what it says is in the store
            self.catch_up("version")
            return
        before = self._got.get(letter.sender, 0)
        if letter.number < before + bool(letter.events):
            return
        self._got[letter.sender] = letter.number
        self.statistics.received += 1
        if letter.number != before + bool(letter.events):
            self.statistics.lost += letter.number - before - bool(letter.events)
            self.catch_up("letter")
        if events:
            self.hearing.heard(events)
            self._deliver(events)

    def lost(self) -> None:
        """Letters may not have come, and places not be known any more."""
        if self._was != self._nodes.me:  # to whom it is now, others count anew
            self._was = self._nodes.me
            self._got = {}
        self.catch_up("valkey")

    def catch_up(self, why: Why) -> None:
        """All readers of this node are looked at again."""
        self.statistics.catch_ups[why] += 1
        self.hearing.lost()


def _known(numbers: dict[int, int], others: Collection[int]) -> dict[int, int]:
    """Without those of dead nodes, when they are many."""
    if len(numbers) <= MOST_NODES:
        return numbers
    return {node: number for node, number in numbers.items() if node in others}


def _is_due(beats: int) -> bool:
    """Of the beats since the last letter: 1, 2, 4, 8, then every 16th. One may be lost, too."""
    return beats & (beats - 1) == 0 or beats % 16 == 0
