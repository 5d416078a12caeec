"""Letters to other nodes: numbered, and never overtaken by the beat that counts them."""

import asyncio
from collections.abc import Callable, Collection, Sequence

import msgspec
import pytest

from hubbub.delivery import bus as module
from hubbub.delivery.bus import Bus, Letter
from hubbub.domain.events import ReceiptEvent, UnsureEvent
from hubbub.ports.nodes import Topic
from tests.support.wait import eventually

ME, OTHER = 1, 2
EVENT = ReceiptEvent(1, 2, 3, 4, 5, False, 6)


class Wire:
    """`Nodes` with one other node, which holds everything. What is sent waits for `open`."""

    me = ME

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.begun: list[Letter] = []
        self.looks = 0

    def listen(self, on_letter: Callable[[bytes], None], on_lost: Callable[[], None]) -> None:
        """Nothing comes."""

    async def run(self) -> None:
        """It lives."""

    async def place(self, come: Collection[Topic], gone: Collection[Topic]) -> None:
        """Nobody asks."""

    async def find(self, topics: Sequence[Topic]) -> list[tuple[int, ...]]:
        return [(ME, OTHER) for _ in topics]

    async def others(self) -> tuple[int, ...]:
        self.looks += 1
        return (OTHER,)

    async def send(self, letters: Sequence[tuple[int, bytes]]) -> None:
        self.begun += [msgspec.msgpack.decode(data, type=Letter) for _, data in letters]
        await self.open.wait()


async def test_a_beat_does_not_overtake_the_letter_that_it_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "BEAT", 0.001)
    wire = Wire()
    bus = Bus(wire, lambda events: None)
    running = asyncio.create_task(bus.run())
    bus.publish([EVENT])
    await eventually(lambda: bool(wire.begun), "the letter is on its way")
    looked = wire.looks
    await eventually(lambda: wire.looks > looked, "it is time for a beat")
    for _ in range(20):
        await asyncio.sleep(0)
    assert [letter.number for letter in wire.begun] == [1]
    wire.open.set()
    await eventually(lambda: len(wire.begun) > 1, "a beat follows")
    beat = wire.begun[1]
    assert (beat.sender, beat.number, beat.events) == (ME, 1, [])
    running.cancel()
    await asyncio.wait([running])


class Heard:
    """`Hearing` that counts."""

    def __init__(self) -> None:
        self.unsure_of: list[UnsureEvent] = []
        self.losses = 0

    def unsure(self, event: UnsureEvent) -> None:
        self.unsure_of.append(event)

    def lost(self) -> None:
        self.losses += 1


async def test_a_commit_that_may_have_been_is_told_and_is_no_lost_letter() -> None:
    wire = Wire()
    bus = Bus(wire, lambda events: None)
    bus.hearing = heard = Heard()  # type: ignore[assignment]
    running = asyncio.create_task(bus.run())
    unsure = UnsureEvent(chats=(7,), changed=(8,))
    bus.unsure(unsure)
    await eventually(lambda: bool(wire.begun), "the other node is told")
    event = msgspec.msgpack.decode(wire.begun[0].events[0], type=UnsureEvent)
    assert event == unsure
    assert (heard.unsure_of, heard.losses) == ([unsure], 0)
    wire.open.set()
    bus.publish([EVENT])
    await eventually(lambda: len(wire.begun) > 1, "it misses no letter")
    assert [letter.number for letter in wire.begun if letter.events] == [1, 2]
    running.cancel()
    await asyncio.wait([running])
