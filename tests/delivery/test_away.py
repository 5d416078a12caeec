"""A store that is away: who waits for it, and who is sent to another node."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from hubbub.delivery import away as module
from hubbub.delivery.away import Away
from hubbub.delivery.catching_up import Replay
from hubbub.delivery.hub import Hub
from hubbub.delivery.outgoing import LINES, encoders
from hubbub.delivery.replay import MOST_FAILURES
from hubbub.delivery.subscriber import Subscriber
from hubbub.domain.events import AwayEvent, Event, ReachedEvent
from hubbub.domain.message import Row
from hubbub.domain.reading import Log
from hubbub.ports import CursorState, LogRead, Unavailable
from hubbub_protocol.codes import Close
from tests.support.delivery import replays_of
from tests.support.wait import eventually

ANN, CHATS = 1, (8, 9)


class Store:
    """Each chat has one message, at 2. It is there until it is `away`."""

    def __init__(self) -> None:
        self.away = False
        self.asked = 0

    async def look(self) -> None:
        self.asked += 1
        if self.away:
            raise Unavailable("away")

    async def logs(self, reads: Sequence[LogRead]) -> list[Log]:
        await self.look()
        return [Log(read.chat_id, [_row(read.chat_id)], 2) for read in reads]

    async def cursors(self, user_id: int, chat_ids: Sequence[int]) -> list[CursorState]:
        await self.look()
        return []


def _row(chat_id: int) -> Row:
    return Row(5, chat_id, 2, 2, 1, 3, None, 1, "text", "words", b"", 0)


class Page:
    """A connection's far end."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.closed = 0

    def write(self, frames: bytes, /) -> None:
        self.heard += [msgspec.json.decode(line)["type"] for line in frames.splitlines()]

    def buffered(self) -> int:
        return 0

    def close(self, code: int, reason: str = "") -> None:
        self.closed = code


class Others:
    """`Nodes`, as far as somebody asks who else lives."""

    def __init__(self) -> None:
        self.living: tuple[int, ...] | None = (2,)

    async def others(self) -> tuple[int, ...]:
        if self.living is None:
            raise Unavailable("cut off")
        return self.living


class Stage:
    """One node with a reader who fell behind in two chats, and in what he is told of a third."""

    def __init__(self) -> None:
        store: Any = Store()
        nodes: Any = Others()
        self.store, self.nodes = store, nodes
        self.said: list[Event] = []
        self.hub = Hub()
        self.replays = replays_of(self.hub, store)
        self.away = Away(self.hub, nodes, store.look, self._say, self.replays.go_on)
        self.replays.wait = self.away.wait
        self.on_say: Callable[[Event], None] = lambda event: None

    def _say(self, events: Sequence[Event]) -> None:
        self.said += events
        for event in events:
            self.on_say(event)

    def reader(self) -> tuple[Page, Subscriber]:
        page = Page()
        wire = encoders(lambda encode, _: encode)
        return page, Subscriber(ANN, 7, page, LINES, wire, self.hub.mark_dirty)

    def live(self) -> Page:
        page, reader = self.reader()
        self.hub.attach(reader)
        return page

    def behind(self) -> tuple[Page, Subscriber]:
        page, reader = self.reader()
        for chat in CHATS:
            reader.fall_behind(chat, 1)
        reader.missed_receipts = {10}
        self.hub.attach(reader)
        self.replays.reread(reader)
        return page, reader

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(part.run()) for part in (self.replays, self.away)]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    async def looks(self, count: int) -> None:
        """The store has been asked so many times more."""
        goal = self.store.asked + count
        await eventually(lambda: self.store.asked >= goal, "it is looked for again")


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setattr(module, "AGAIN", 0.002)
    monkeypatch.setattr(module, "SETTLE", 0.002)
    return Stage()


async def test_a_live_connection_waits_for_the_store_and_catches_up_by_itself(
    stage: Stage,
) -> None:
    stage.store.away = True
    async with stage.running():
        page, reader = stage.behind()
        await stage.looks(10)
        assert (page.heard, page.closed) == ([], 0)
        assert stage.said.count(AwayEvent()) > module.LOOKS
        stage.store.away = False
        await eventually(lambda: reader.replay is None, "it has caught up")
    assert (page.heard, page.closed) == (["message", "message"], 0)


async def test_what_was_read_before_the_store_went_is_not_read_again(stage: Stage) -> None:
    """It goes after the logs were read, and before receipts are."""

    async def none(user_id: int, chat_ids: Sequence[int]) -> list[CursorState]:
        stage.store.away = True
        stage.store.cursors = Store.cursors.__get__(stage.store)
        raise Unavailable("away")

    stage.store.cursors = none
    async with stage.running():
        page, reader = stage.behind()
        await eventually(lambda: len(stage.away) > 0, "it waits")
        stage.store.away = False
        await eventually(lambda: reader.replay is None, "it has caught up")
    assert page.heard == ["message", "message"]


async def test_who_resumes_is_told_at_once_that_the_store_is_away(stage: Stage) -> None:
    async def places(readers: Sequence[object]) -> None:
        raise Unavailable("away")

    stage.store.places = places
    async with stage.running():
        page, reader = stage.reader()
        stage.replays.resume(reader, {}, 0, ())
        await eventually(lambda: page.closed > 0, "it is closed")
    assert page.closed == Close.TRY_LATER
    assert len(stage.away) == 0


async def test_what_the_store_never_answers_ends_the_connection(stage: Stage) -> None:
    """It answers others: this read is too much for it."""

    async def too_slow(reads: Sequence[LogRead]) -> None:
        raise Unavailable("it takes too long")

    stage.store.logs = too_slow
    async with stage.running():
        page, _ = stage.behind()
        await eventually(lambda: page.closed > 0, "it is closed")
    assert stage.store.asked == MOST_FAILURES


async def test_where_the_store_answers_others_people_are_sent_to_them(stage: Stage) -> None:
    stage.on_say = lambda event: stage.away.reached()
    stage.store.away = True
    async with stage.running():
        page, _ = stage.behind()
        other = stage.live()
        await eventually(lambda: page.closed > 0, "it is closed")
    assert page.closed == other.closed == Close.TRY_LATER


async def test_a_send_that_the_store_does_not_answer_tells_that_it_is_away(stage: Stage) -> None:
    stage.on_say = lambda event: stage.away.reached()
    stage.store.away = True
    async with stage.running():
        page = stage.live()
        stage.away.notice()
        await eventually(lambda: page.closed > 0, "it is closed")


async def test_another_node_may_have_the_store_back_a_moment_earlier(stage: Stage) -> None:
    """One answer sends nobody away."""

    def once(event: Event) -> None:
        if stage.said.count(AwayEvent()) % module.LOOKS == 0:
            stage.away.reached()

    stage.on_say = once
    stage.store.away = True
    async with stage.running():
        page, _ = stage.behind()
        await stage.looks(20)
        assert page.closed == 0


async def test_where_nobody_can_be_asked_people_are_sent_away(stage: Stage) -> None:
    stage.nodes.living = None
    stage.store.away = True
    async with stage.running():
        page, _ = stage.behind()
        await eventually(lambda: page.closed > 0, "it is closed")


async def test_where_there_is_no_other_node_nobody_is_sent_away(stage: Stage) -> None:
    stage.nodes.living = ()
    stage.store.away = True
    async with stage.running():
        page, reader = stage.behind()
        await stage.looks(10)
        assert (page.closed, stage.said) == (0, [])
        reader.replay = None  # its connection has ended
        await eventually(lambda: len(stage.away) == 0, "nobody waits")


async def test_a_node_says_that_the_store_answers_it_when_another_one_asks(stage: Stage) -> None:
    async with stage.running():
        stage.away.asked()
        await eventually(lambda: stage.said == [ReachedEvent()], "it says so")
        stage.store.away = True
        stage.away.asked()
        await stage.looks(1)
    assert stage.said == [ReachedEvent()]


async def test_a_socket_that_is_full_when_the_store_is_back_has_its_turn_later(
    stage: Stage,
) -> None:
    stage.store.away = True
    async with stage.running():
        page, reader = stage.behind()
        await eventually(lambda: len(stage.away) > 0, "it waits")
        reader.blocked = True
        stage.store.away = False
        await eventually(lambda: len(stage.away) == 0, "the store is back")
        assert isinstance(reader.replay, Replay)
        assert not page.heard
        stage.replays.writable(reader)
        await eventually(lambda: reader.replay is None, "it has caught up")
    assert page.heard == ["message", "message"]
