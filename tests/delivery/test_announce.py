"""What a process knows of chats after a commit."""

from typing import Any

from hubbub.delivery.announce import Announcer
from hubbub.delivery.flight import Flight
from hubbub.domain.change import Made, NewChat, Post, Posted
from hubbub.domain.chat import direct_key
from hubbub.domain.own import MyBlock, MyChat, SetBlock, Told
from hubbub.domain.relation import Privacy, Stance
from hubbub.domain.roster import Roster
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
