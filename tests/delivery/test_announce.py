"""What a process knows of chats after a commit."""

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from hubbub.delivery.announce import Announcer
from hubbub.delivery.flight import Flight
from hubbub.domain.change import (
    Advance,
    Advanced,
    Amend,
    Change,
    Erase,
    Hide,
    Leave,
    Made,
    NewChat,
    Post,
    Posted,
    Seen,
)
from hubbub.domain.chat import Chat, Found, Head, direct_key
from hubbub.domain.events import Event, OwnEvent, ReceiptEvent, StanceEvent, UnsureEvent
from hubbub.domain.own import Mute, MyBlock, MyChat, SetBlock, SetMe, Told
from hubbub.domain.receipt import Passed
from hubbub.domain.relation import Privacy, Stance
from hubbub.domain.roster import Roster
from hubbub.ports import Lookup, PassedRead
from tests.support.accounts import HandClock

CHAT, ANN, BOB = 9, 1, 2


async def test_a_block_in_the_commit_that_makes_the_chat_is_looked_for() -> None:
    roster, store = Roster(), None
    aside: Any = (lambda: None, lambda: None)
    announcer = Announcer(roster, store, lambda _: None, HandClock(), Flight(), *aside)  # type: ignore[arg-type]
    key = direct_key(ANN, BOB)
    new = NewChat(CHAT, "direct", key, None, "joined", ANN, (ANN, BOB))
    post = Post(5, 0, new, ANN, None, 1, "text", "hi", b"", 0)
    events = [MyChat(user, 1, CHAT, True, "member", 1, 0, 0) for user in (ANN, BOB)]
    made = Made(CHAT, "direct", 2, (ANN, BOB), events)
    blocked = Told(MyBlock(BOB, 1, ANN, True, 0), Stance(1, Privacy(), frozenset({ANN})))
    posted = Posted(5, CHAT, 1, 1, 1, made=made)
    await announcer.tell([SetBlock(BOB, ANN, True), post], [blocked, posted])
    chat = roster.by_key(key)
    assert chat is not None
    assert not chat.free


async def test_how_somebody_stands_is_told_before_the_store_is_asked() -> None:
    """He was answered, and may type to those whom he has blocked before the store says anything."""
    told: list[Event] = []
    asked: list[list[Event]] = []

    class Store:
        async def find(self, lookups: Sequence[Lookup]) -> list[None]:
            asked.append([*told])
            return [None for _ in lookups]

    store, aside = Store(), (lambda _: None, lambda: None)
    announcer = Announcer(Roster(), store, told.extend, HandClock(), Flight(), *aside)  # type: ignore[arg-type]
    stance = Stance(1, Privacy(), frozenset({ANN}))
    mine = MyBlock(BOB, 1, ANN, True, 0)
    blocked = Told(mine, stance)
    unknown = Posted(SAID.id, CHAT, 1, 1, 1)
    await announcer.tell([SetBlock(BOB, ANN, True), SAID], [blocked, unknown])
    assert asked == [[StanceEvent(BOB, stance)]]
    assert told == [StanceEvent(BOB, stance), OwnEvent(mine)]


async def test_whether_a_chat_is_large_still_is_asked_where_only_connections_say_so() -> None:
    """That it is small again may not have been heard; then each author hears of each cursor."""
    told: list[Event] = []
    chat = Chat(CHAT, "group", None, "Chat", "joined", 0, 2)

    class Store:
        async def find(self, lookups: Sequence[Lookup]) -> list[Found]:
            return [Found(chat, Head(1), (ANN, BOB), None, 0) for _ in lookups]

        async def passed(self, reads: Sequence[PassedRead]) -> list[list[Passed]]:
            return [[Passed(ANN, 6, 1)] for _ in reads]

    store, aside = Store(), (lambda _: None, lambda: None)
    announcer = Announcer(Roster(), store, told.extend, HandClock(), Flight(), *aside)  # type: ignore[arg-type]
    announcer.is_large = lambda chat_id: True
    moved = Advanced(CHAT, BOB, 0, 1, 0, 0, 9, None, False)
    await announcer.tell([Advance(CHAT, BOB, 0, 1, 0, 9)], [moved])
    assert told == [ReceiptEvent(CHAT, ANN, 6, 1, BOB, False, 9)]


GROUP, MESSAGE = 10, 77
SAID = Post(6, CHAT, None, ANN, None, 1, "text", "hi", b"", 0)


@pytest.mark.parametrize(
    ("changes", "unsure"),
    [
        (
            [SAID, Advance(GROUP, BOB, 0, 1, 1, 9), Seen(((ANN, 5),))],
            UnsureEvent(chats=(CHAT, GROUP)),
        ),
        ([SAID, Leave(7, GROUP, ANN, BOB, 9)], UnsureEvent(chats=(CHAT,), changed=(GROUP,))),
        ([SetBlock(BOB, ANN, True), SetMe(ANN, {}, "Ann")], UnsureEvent(users=(ANN, BOB))),
        ([Amend(MESSAGE, ANN, Erase(), 9)], UnsureEvent(messages=(MESSAGE,))),
        ([Amend(MESSAGE, ANN, Hide(), 9)], UnsureEvent(users=(ANN,))),
        ([Mute(GROUP, BOB, 9), replace(SAID, chat_id=0)], UnsureEvent(chats=(GROUP,))),
    ],
)
def test_what_may_have_been_committed_is_said(changes: list[Change], unsure: UnsureEvent) -> None:
    told: list[UnsureEvent] = []
    aside: Any = (told.append, lambda: None)
    announcer = Announcer(Roster(), None, lambda _: None, HandClock(), Flight(), *aside)  # type: ignore[arg-type]
    announcer.anew(changes)
    assert told == [unsure]
