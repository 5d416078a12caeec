"""Reads of who keeps them to himself, and what he is told of others' (8.1.4), live."""

from collections.abc import Sequence

import msgspec

from hubbub.adapters.memory.chats import MemoryChatStore
from hubbub.adapters.memory.state import State
from hubbub.delivery.fanout import Fanout
from hubbub.delivery.flight import Flight
from hubbub.delivery.hub import Hub
from hubbub.delivery.outgoing import LINES
from hubbub.delivery.relay import Relay
from hubbub.delivery.subscriber import Subscriber
from hubbub.delivery.watchers import Watchers
from hubbub.domain.change import Advance, Advanced, Change, Outcome
from hubbub.domain.chat import Head
from hubbub.domain.events import Event, ReceiptEvent
from hubbub.domain.relation import PLAIN, Privacy, Stance
from hubbub.domain.roster import KnownChat, Newest, Roster
from tests.support.accounts import HandClock
from tests.support.delivery import WIRE, announcer_of, counting_of

ANN, BOB, CAT = 1, 2, 3
CHAT = 1_001
SILENT = Stance(1, Privacy(read_receipts=False), frozenset())


class Far:
    """A connection's far end."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def write(self, frames: bytes, /) -> None:
        self.lines += frames.splitlines()

    def buffered(self) -> int:
        return 0

    def close(self, code: int, reason: str = "") -> None:
        raise AssertionError("nobody ends it")


def advance(user: int, silent: bool) -> tuple[Change, Outcome]:
    """A member has got and read the five messages of a chat."""
    return Advance(CHAT, user, 0, 5, 5, 9), Advanced(CHAT, user, 0, 5, 0, 5, 9, None, silent)


async def announced(chat: KnownChat, *advances: tuple[Change, Outcome]) -> list[Event]:
    roster, told = Roster(), list[Event]()
    roster.add(chat)
    announcer = announcer_of(roster, MemoryChatStore(State()), told.extend)
    changes, outcomes = zip(*advances, strict=True)
    await announcer.tell(changes, outcomes)
    return told


async def test_a_silent_read_is_announced_as_delivered() -> None:
    chat = KnownChat(CHAT, "group", 3, (ANN, BOB, CAT), Head())
    for seq in range(1, 6):
        chat.remember(seq, 72 + seq, ANN)
    told = await announced(chat, advance(BOB, silent=True), advance(CAT, silent=False))
    assert told == [
        ReceiptEvent(CHAT, ANN, 77, 5, BOB, False, 9),
        ReceiptEvent(CHAT, ANN, 77, 5, CAT, True, 9),
    ]


def test_a_silent_read_does_not_count_in_a_large_group() -> None:
    newest = Newest(5, ANN)
    assert newest.count(Advanced(CHAT, BOB, 0, 5, 0, 5, 9, None, True))
    assert (newest.delivered, newest.read) == (1, 0)


def heard(stance: Stance, events: Sequence[Event]) -> list[dict[str, object]]:
    """What an author's connection is told."""
    hub, far = Hub(), Far()
    subscriber = Subscriber(ANN, 7, far, LINES, WIRE, hub.mark_dirty)
    subscriber.stand(stance)
    hub.attach(subscriber)
    fanout = Fanout(hub, HandClock().monotonic, Flight())
    watchers, counting = Watchers(WIRE), counting_of(hub)
    Relay(hub, WIRE, fanout, watchers, counting, lambda reader: None).deliver(events)
    return [msgspec.json.decode(line) for line in far.lines]


def test_a_silent_author_is_told_of_reads_as_delivered() -> None:
    read = ReceiptEvent(CHAT, ANN, 77, 5, BOB, True, 9)
    (receipt,) = heard(PLAIN, [read])
    assert receipt["type"] == "read_receipt"
    (receipt,) = heard(SILENT, [read])
    assert receipt["type"] == "delivery_receipt"
    assert "delivered_to" in receipt
