"""Presence as connections see it, under a clock that is turned by hand."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from itertools import count

import msgspec
import pytest

from hubbub.adapters.memory.chats import MemoryChatStore
from hubbub.adapters.memory.relations import MemoryRelations
from hubbub.adapters.memory.state import State
from hubbub.delivery import presence
from hubbub.delivery.hub import Hub
from hubbub.delivery.outgoing import LINES, encoders
from hubbub.delivery.presence import Presence
from hubbub.delivery.subscriber import Subscriber
from hubbub.delivery.tail import NO_SESSION
from hubbub.delivery.watchers import Watchers
from hubbub.domain.account import User
from hubbub.domain.change import Create, NewChat, Seen
from hubbub.domain.chat import direct_key
from hubbub.domain.events import Event, PresenceEvent
from hubbub.domain.relation import Pair, Relation
from hubbub.ports import Unavailable
from hubbub_protocol.times import rfc3339
from tests.support.accounts import START, HandClock
from tests.support.wait import eventually

ANN, BOB = 1, 2
GRACE = 30.0
SINCE = rfc3339(START)


class Page:
    """A connection's far end."""

    def __init__(self) -> None:
        self.frames: list[tuple[str, str | None]] = []

    def write(self, frames: bytes, /) -> None:
        for line in frames.splitlines():
            frame = msgspec.json.decode(line)
            self.frames.append((frame["status"], frame.get("last_seen_at")))

    def buffered(self) -> int:
        return 0

    def close(self, code: int, reason: str = "") -> None:
        raise AssertionError("nobody ends it")


class Counted(MemoryRelations):
    """Reads are counted, and fail while the store is away."""

    def __init__(self, stage: "Stage") -> None:
        super().__init__(stage.state)
        self._stage = stage

    async def relations(self, pairs: Sequence[Pair]) -> list[Relation | None]:
        if self._stage.store_is_away:
            raise Unavailable("away")
        self._stage.reads.append(len(pairs))
        return await super().relations(pairs)


class Stage:
    """Presence on dictionaries, its task running."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.state = State()
        self.chats = MemoryChatStore(self.state)
        self.hub = Hub()
        self.encoders = encoders(lambda encode, _: encode)
        self.watchers = Watchers(self.encoders)
        self.reads: list[int] = []
        self.stored: list[Seen] = []
        self.published: list[PresenceEvent] = []
        self.store_is_away = False
        self.presence = self.begin()
        self._ids = count(1_001)

    def begin(self) -> Presence:
        rest = (self._publish, self._store, self.clock, GRACE)
        self.presence = Presence(self.hub, self.watchers, Counted(self), *rest)
        return self.presence

    def _publish(self, events: Sequence[Event]) -> None:
        for event in events:
            assert isinstance(event, PresenceEvent)
            self.published.append(event)
            self.watchers.tell(event)
        self.hub.flush()

    async def _store(self, seen: Seen) -> None:
        if self.store_is_away:
            raise Unavailable("away")
        self.stored.append(seen)
        await self.chats.commit([seen])

    async def direct(self, first: int, second: int) -> int:
        for number in (first, second):
            if number not in self.state.users:
                self.state.add_user(User(number, f"u{number}", "", "", False, 0))
        key, members = direct_key(first, second), (first, second)
        chat = next(self._ids)
        new = NewChat(chat, "direct", key, None, "joined", first, members)
        await self.chats.commit([Create(new, 1)])
        return chat

    def connect(self, user: int, session: int = 7) -> Subscriber:
        reader = Subscriber(user, session, Page(), LINES, self.encoders, self.hub.mark_dirty)
        self.hub.attach(reader)
        return reader

    def later(self, seconds: float) -> None:
        self.clock.ms += int(seconds * 1000)
        self.presence._work.set()

    async def rounds(self, number: int = 3) -> None:
        """So many rounds, and what they lead to."""
        for _ in range(number * 5):
            self.presence._work.set()
            await asyncio.sleep(0)


def told(reader: Subscriber) -> list[tuple[str, str | None]]:
    """What came since the last call."""
    assert isinstance(reader.link, Page)
    frames, reader.link.frames = reader.link.frames, []
    return frames


@pytest.fixture
async def stage(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    monkeypatch.setattr(presence, "PAUSE", 0)
    stage = Stage()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(stage.presence.run())
        yield stage
        running.cancel()


async def test_who_looks_is_told_at_once_and_of_each_change(stage: Stage) -> None:
    chat = await stage.direct(ANN, BOB)
    ann = stage.connect(ANN)
    stage.presence.focus(ann, [chat])
    await stage.rounds()
    assert told(ann) == [("offline", None)]
    bob = stage.connect(BOB)
    stage.hub.attach(bob)  # it resumes again
    await stage.rounds()
    assert told(ann) == [("online", None)]
    stage.hub.detach(bob)
    stage.later(GRACE - 1)
    await stage.rounds()
    assert told(ann) == []
    stage.later(1)
    await stage.rounds()
    assert told(ann) == [("offline", SINCE)]
    assert [seen.users for seen in stage.stored] == [((BOB, START),)]


async def test_who_comes_back_soon_was_never_away(stage: Stage) -> None:
    chat = await stage.direct(ANN, BOB)
    ann, bob = stage.connect(ANN), stage.connect(BOB)
    stage.presence.focus(ann, [chat])
    await stage.rounds()
    assert told(ann) == [("online", None)]
    stage.hub.detach(bob)
    stage.later(GRACE - 1)
    await stage.rounds()
    stage.connect(BOB)
    stage.later(GRACE)
    await stage.rounds()
    assert (told(ann), stage.stored) == ([], [])


async def test_a_user_leaves_with_his_last_connection(stage: Stage) -> None:
    chat = await stage.direct(ANN, BOB)
    ann, bob, phone = stage.connect(ANN), stage.connect(BOB, 8), stage.connect(BOB, 9)
    overlooked = stage.connect(BOB, NO_SESSION)  # the operator looks over his shoulder
    stage.presence.focus(ann, [chat])
    stage.hub.detach(bob)
    stage.later(GRACE)
    await stage.rounds()
    assert told(ann) == [("online", None)]
    stage.hub.detach(phone)
    stage.later(GRACE)
    await stage.rounds()
    assert [status for status, _ in told(ann)] == ["offline"]
    stage.hub.detach(overlooked)
    stage.connect(BOB, NO_SESSION)
    await stage.rounds()
    assert told(ann) == []


async def test_only_the_present_focus_counts(stage: Stage) -> None:
    first, second = await stage.direct(ANN, BOB), await stage.direct(ANN, 3)
    ann = stage.connect(ANN)
    stage.presence.focus(ann, [first])
    stage.presence.focus(ann, [second])
    await stage.rounds()
    stage.connect(BOB)
    await stage.rounds()
    assert told(ann) == [("offline", None)]
    stage.presence.focus(ann, [])
    stage.connect(3)
    await stage.rounds()
    assert told(ann) == []
    assert ann.focus == frozenset()
    stage.presence.focus(ann, [first])
    stage.hub.detach(ann)
    await stage.rounds()
    assert told(ann) == []
    assert not stage.watchers._watchers


async def test_others_are_not_told(stage: Stage) -> None:
    chat = await stage.direct(ANN, BOB)
    eve = stage.connect(5)
    stage.presence.focus(eve, [chat, 77])
    stage.connect(BOB)
    await stage.rounds()
    assert told(eve) == []


async def test_a_reader_that_took_nothing_is_told_later(stage: Stage) -> None:
    chat = await stage.direct(ANN, BOB)
    ann = stage.connect(ANN)
    stage.presence.focus(ann, [chat])
    await stage.rounds()
    assert told(ann) == [("offline", None)]
    ann.blocked = True
    stage.connect(BOB)
    await stage.rounds()
    assert told(ann) == []
    ann.blocked = False
    await stage.rounds()
    assert told(ann) == [("online", None)]


async def test_many_cost_few_reads_events_and_commits(stage: Stage) -> None:
    people = [(n, 10_000 + n) for n in range(100, 2_100)]
    chats = [await stage.direct(*pair) for pair in people]
    readers = [stage.connect(user) for user, _ in people]
    for reader, chat in zip(readers, chats, strict=True):
        stage.presence.focus(reader, [chat])
    await stage.rounds(20)
    assert stage.reads == [presence.ROUND_PAIRS] * 4
    assert len(stage.published) == len(people)
    for _ in range(3):  # they come back at once, again and again
        for reader in readers:
            stage.hub.detach(reader)
        for reader in readers:
            stage.hub.attach(reader)
    await stage.rounds()
    assert (len(stage.published), stage.stored) == (len(people), [])
    for reader in readers:
        stage.hub.detach(reader)
    stage.later(GRACE)
    await eventually(lambda: len(stage.state.last_seen) == len(people), "all are stored")
    assert {len(seen.users) for seen in stage.stored} == {presence.ROUND_SEEN}


async def test_the_store_may_be_away(stage: Stage) -> None:
    chat = await stage.direct(ANN, BOB)
    ann, bob = stage.connect(ANN), stage.connect(BOB)
    stage.store_is_away = True
    stage.presence.focus(ann, [chat])
    stage.hub.detach(bob)
    stage.later(GRACE)
    await stage.rounds()
    assert told(ann) == []
    stage.store_is_away = False
    await stage.rounds()
    assert told(ann) == [("offline", SINCE)]
    await eventually(lambda: stage.state.last_seen == {BOB: START}, "stored")


async def test_after_a_restart_who_was_here_may_come_back(stage: Stage) -> None:
    chat = await stage.direct(ANN, BOB)
    stage.connect(BOB)
    await stage.presence.leave()
    assert stage.state.last_seen == {BOB: START}
    stage.later(5)
    stage.hub = Hub()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(stage.begin().run())
        ann = stage.connect(ANN)
        stage.presence.focus(ann, [chat])
        await stage.rounds()
        assert told(ann) == [("online", None)]
        stage.later(GRACE)
        await stage.rounds()
        assert told(ann) == [("offline", SINCE)]
        running.cancel()
