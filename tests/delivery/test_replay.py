"""Where what is read again begins, and how it is written."""

from collections import deque
from collections.abc import Sequence
from typing import Any

from hubbub.delivery.catching_up import Replay
from hubbub.delivery.flight import Flight
from hubbub.delivery.hub import Hub
from hubbub.delivery.outgoing import LINES, encoders
from hubbub.delivery.replay import Replays
from hubbub.delivery.subscriber import Subscriber
from hubbub.domain.message import Row
from hubbub.domain.own import MyChat
from hubbub.domain.reading import Log, ReplayBounds
from hubbub.domain.view import Place, Places
from hubbub.ports import CursorState, LogRead, ResumeFrom, Unavailable
from tests.support.accounts import HandClock

ANN, CHAT, OTHER = 1, 9, 10


def replay(*, repair: bool) -> Replay:
    reader: Any = None  # nothing is written
    made = Replay(reader, {CHAT: 20, OTHER: 20}, 0, (), repair)
    made.pending = deque(Place(chat, 20, 0, 0, False, 1) for chat in (CHAT, OTHER))
    return made


def places(made: Replay) -> list[int]:
    return [place.place for place in made.pending or ()]


def back_since(since: int) -> MyChat:
    return MyChat(ANN, 5, CHAT, True, "member", since, 0, 0)


def test_who_came_back_is_told_nothing_of_before_his_stay() -> None:
    """His own log tells first where that begins, so an older position would come again."""
    made = replay(repair=True)
    made.begin_at(back_since(23))
    assert places(made) == [22, 20]


def test_a_stay_that_goes_on_moves_nothing() -> None:
    made = replay(repair=True)
    made.begin_at(back_since(3))
    assert places(made) == [20, 20]


def test_a_resume_knows_its_places() -> None:
    made = replay(repair=False)
    made.begin_at(back_since(23))
    assert places(made) == [20, 20]


class Store:
    """One chat with one new message; cursors cannot be had."""

    async def places(self, readers: Sequence[ResumeFrom]) -> list[Places]:
        return [Places([Place(CHAT, 1, 2, 0, False, 1)], {CHAT: 2}, {}, [], 0, 0) for _ in readers]

    async def logs(self, reads: Sequence[LogRead]) -> list[Log]:
        row = Row(100, CHAT, 2, 2, 2, OTHER, None, 0, "text", "hello", b"", 0)
        return [Log(CHAT, [row], 2, since=1) for _ in reads]

    async def cursors(self, user_id: int, chat_ids: Sequence[int]) -> list[CursorState]:
        raise Unavailable("away")


class Writes:
    """A connection's writes, and its end."""

    def __init__(self) -> None:
        self.all: list[list[str]] = []

    def write(self, frames: bytes, /) -> None:
        self.all.append([line.split(b'"')[3].decode() for line in frames.splitlines()])

    def buffered(self) -> int:
        return 0

    def close(self, code: int, reason: str = "") -> None:
        self.all.append([reason])


async def resumed(receipts: Sequence[int]) -> list[list[str]]:
    hub, store, writes = Hub(), Store(), Writes()
    anything: Any = store
    replays = Replays(hub, anything, anything, anything, HandClock(), ReplayBounds(), Flight())
    wire = encoders(lambda encode, _: encode)
    reader = Subscriber(ANN, 7, writes, LINES, wire, hub.mark_dirty)
    replays.resume(reader, {CHAT: 1}, 0, receipts)
    assert isinstance(reader.replay, Replay)
    await replays.round([reader.replay])
    return writes.all


async def test_what_was_missed_and_caught_up_are_one_write() -> None:
    assert await resumed(()) == [["message", "caught_up"]]


async def test_what_was_read_goes_out_before_the_end() -> None:
    assert await resumed([CHAT]) == [["message"], ["the store is away; reconnect"]]
