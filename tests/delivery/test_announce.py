"""What a process knows of chats after a commit."""

from typing import Any

import pytest

from hubbub.delivery.announce import Announcer
from hubbub.delivery.flight import Flight
from hubbub.domain.change import Advance, Change, Leave, Made, NewChat, Post, Posted, Seen
from hubbub.domain.chat import Head, direct_key
from hubbub.domain.own import MyBlock, MyChat, SetBlock, Told
from hubbub.domain.relation import Privacy, Stance
from hubbub.domain.roster import KnownChat, Roster
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


GROUP = 10
SAID = Post(6, CHAT, None, ANN, None, 1, "text", "hi", b"", 0)


@pytest.mark.parametrize(
    ("changes", "unsure"),
    [
        ([SAID, Advance(GROUP, BOB, 0, 1, 1, 9), Seen(((ANN, 5),))], {CHAT, GROUP}),
        ([SAID, Leave(7, GROUP, ANN, BOB, 9)], None),
        ([SetBlock(BOB, ANN, True)], None),
    ],
)
def test_after_a_commit_that_may_have_been(changes: list[Change], unsure: set[int] | None) -> None:
    """Who is in a chat stays known where it was of posts and cursors alone; what is there, not."""
    roster, told = Roster(), list[object]()
    aside: Any = (told.append, lambda: None)
    announcer = Announcer(roster, None, lambda _: None, HandClock(), Flight(), *aside)  # type: ignore[arg-type]
    chat = roster.add(KnownChat(CHAT, "group", 2, (ANN, BOB), Head(4, 4)))
    chat.remember(5, 55, ANN)
    assert chat.passed(4, 5, BOB)
    announcer.anew(changes)
    assert told == [unsure]
    assert roster.get(CHAT) is (chat if unsure else None)
    assert chat.has(BOB)
    assert chat.passed(4, 5, BOB) is None or unsure is None
    chat.remember(7, 77, ANN)
    assert chat.passed(5, 7, BOB) is None or unsure is None, "the store knows whose is 6"
