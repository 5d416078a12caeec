"""Who hears of a large chat, and of which of its messages, as members come, rise and go."""

from collections.abc import Sequence

import msgspec
import pytest

from hubbub.delivery.catching_up import Replay
from hubbub.delivery.fanout import Fanout
from hubbub.delivery.flight import Flight
from hubbub.delivery.hub import Hub
from hubbub.delivery.moves import large_moves
from hubbub.delivery.outgoing import LINES, encoders
from hubbub.delivery.relay import Relay
from hubbub.delivery.subscriber import Subscriber
from hubbub.delivery.watchers import Watchers
from hubbub.domain.change import Logged
from hubbub.domain.chat import Head
from hubbub.domain.events import Event, JoinedLarge, LeftLarge, RowEvent
from hubbub.domain.message import Audience, Row
from hubbub.domain.own import MyChat
from hubbub.domain.relation import PLAIN
from hubbub.domain.view import Places
from hubbub.ports import LogRead, ResumeFrom
from tests.support.delivery import WIRE, counting_of, replays_of

CHAT, ANN, BOB, CAT = 9, 1, 2, 3


class Page:
    """A connection's far end."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, int]] = []

    def write(self, frames: bytes, /) -> None:
        for line in frames.splitlines():
            frame = msgspec.json.decode(line)
            self.heard.append((frame["type"], frame.get("rev") or frame.get("to", 0)))

    def buffered(self) -> int:
        return 0

    def close(self, code: int, reason: str = "") -> None:
        raise AssertionError("nobody ends it")


class Stage:
    """The bus's end of one node: what it brings reaches these connections."""

    def __init__(self) -> None:
        self.hub = Hub()
        self.sent_back: list[tuple[int, dict[int, int] | None]] = []
        flight = Flight()
        self.fanout = Fanout(self.hub, lambda: 0.0, flight)
        self.encoders = encoders(lambda encode, _: encode)
        watchers, counting = Watchers(WIRE), counting_of(self.hub)
        self.relay = Relay(self.hub, WIRE, self.fanout, watchers, counting, self.reread)

    def reread(self, subscriber: Subscriber) -> None:
        self.sent_back.append((subscriber.user_id, subscriber.behind))

    def connect(self, user_id: int) -> Page:
        page = Page()
        subscriber = Subscriber(user_id, 7, page, LINES, self.encoders, self.hub.mark_dirty)
        subscriber.stance = PLAIN
        self.hub.attach(subscriber)
        return page

    def deliver(self, *events: Event) -> None:
        self.relay.deliver(events)
        self.fanout.finish(CHAT)
        self.hub.flush()


@pytest.fixture
def stage() -> Stage:
    return Stage()


def row(seq: int, rev: int, *, everybody: bool = True) -> RowEvent:
    said = Row(seq, CHAT, seq, rev, seq, ANN, None, 1, "text", "words", b"", 0)
    return RowEvent(said, (), True, Audience(everybody))


def logged(seq: int, events: list[MyChat], seats: tuple[tuple[int, int], ...] = ()) -> Logged:
    return Logged(1, CHAT, Head(seq, 0, 1), 300, ANN, b"{}", events, seats)


def test_an_heir_goes_on_seeing_what_he_saw(stage: Stage) -> None:
    ann = stage.connect(ANN)
    stage.deliver(JoinedLarge(CHAT, (ANN,), 1, 1), row(1, 1), row(2, 2))
    gone = MyChat(BOB, 2, CHAT, False, "owner", 1, 0, 0)
    heir = MyChat(ANN, 2, CHAT, True, "owner", 1, 0, 0)
    moves = large_moves(logged(3, [gone, heir]))
    assert moves == [LeftLarge(CHAT, BOB)]
    stage.deliver(*moves, row(3, 3), row(1, 4, everybody=False))
    assert ann.heard == [("message", 1), ("message", 2), ("message", 3), ("message", 4)]


def test_when_a_chat_becomes_large_everybody_keeps_his_stay(stage: Stage) -> None:
    ann, bob = stage.connect(ANN), stage.connect(BOB)
    stage.deliver(*large_moves(logged(5, [], ((ANN, 1), (BOB, 4), (CAT, 5)))))
    stage.deliver(row(5, 5), row(2, 6, everybody=False))
    assert ann.heard == [("message", 5), ("message", 6)]
    assert bob.heard == [("message", 5), ("skip", 6)]
    assert stage.sent_back == []


def test_who_is_said_to_have_joined_too_late_asks_the_store(stage: Stage) -> None:
    stage.connect(BOB)
    stage.deliver(row(1, 1), row(2, 2), LeftLarge(CHAT, BOB), row(3, 3))
    stage.deliver(JoinedLarge(CHAT, (BOB,), 2, 2))
    assert stage.sent_back == [(BOB, {CHAT: 1})]


def test_of_two_stays_the_later_counts(stage: Stage) -> None:
    bob = stage.connect(BOB)
    stage.deliver(row(1, 1), JoinedLarge(CHAT, (BOB,), 4, 4), JoinedLarge(CHAT, (BOB,), 2, 4))
    stage.deliver(row(2, 2), row(3, 3), row(4, 4), row(2, 5, everybody=False))
    assert bob.heard == [("message", 4), ("skip", 5)]


class Leaving:
    """A store that says at first that Bob is in the chat, and then that he is not any more."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    async def places(self, readers: Sequence[ResumeFrom]) -> list[Places]:
        return [Places([], {CHAT: 5}, {CHAT: 1}, [], 0, 0)]

    async def logs(self, reads: Sequence[LogRead]) -> list[None]:
        self._stage.deliver(row(7, 7))  # after he went, at 6
        return [None for _ in reads]


async def test_who_goes_while_he_resumes_hears_nothing_that_was_said_afterwards(
    stage: Stage,
) -> None:
    replays = replays_of(stage.hub, Leaving(stage))
    page = Page()
    bob = Subscriber(BOB, 7, page, LINES, stage.encoders, stage.hub.mark_dirty)
    replays.resume(bob, {}, 0, ())
    assert isinstance(bob.replay, Replay)
    while bob.replay is not None:
        await replays.round([bob.replay])
        stage.hub.flush()
    assert page.heard == [("caught_up", 0)]
