"""What a process knows of chats after a commit."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from hubbub.adapters.memory.chats import MemoryChatStore
from hubbub.adapters.memory.state import State
from hubbub.domain.change import (
    Advance,
    Amend,
    Change,
    Create,
    Erase,
    Hide,
    Leave,
    Made,
    NewChat,
    Post,
    Posted,
    Seen,
)
from hubbub.domain.chat import LARGE, direct_key
from hubbub.domain.events import Event, OwnEvent, ReceiptEvent, StanceEvent, UnsureEvent
from hubbub.domain.own import Mute, MyBlock, MyChat, SetBlock, SetMe, Told
from hubbub.domain.relation import Privacy, Stance
from hubbub.domain.roster import Roster
from hubbub.ports import Lookup
from tests.support.delivery import announcer_of

CHAT, ANN, BOB = 9, 1, 2


async def test_a_block_in_the_commit_that_makes_the_chat_is_looked_for() -> None:
    roster = Roster()
    announcer = announcer_of(roster)
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

    announcer = announcer_of(Roster(), Store(), told.extend)
    stance = Stance(1, Privacy(), frozenset({ANN}))
    mine = MyBlock(BOB, 1, ANN, True, 0)
    blocked = Told(mine, stance)
    unknown = Posted(SAID.id, CHAT, 1, 1, 1)
    await announcer.tell([SetBlock(BOB, ANN, True), SAID], [blocked, unknown])
    assert asked == [[StanceEvent(BOB, stance)]]
    assert told == [StanceEvent(BOB, stance), OwnEvent(mine)]


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
    announcer_of(Roster(), begin_anew=told.append).anew(changes)
    assert told == [unsure]


@pytest.mark.parametrize("size", [2, LARGE + 1])
async def test_how_receipts_are_told_depends_on_how_large_the_chat_is_now(size: int) -> None:
    """Somebody is taken for a reader of a large chat: that it shrank may not have been heard."""
    users = tuple(range(1, size + 1))
    state, told = State(), list[Event]()
    state.me_heads |= dict.fromkeys(users, 0)
    store = MemoryChatStore(state)
    await store.commit([Create(NewChat(CHAT, "group", None, None, "joined", ANN, users), 1)])
    await store.commit([SAID])
    counted: list[int] = []
    announcer = announcer_of(
        Roster(), store, told.extend, count=lambda chat, moved: counted.append(moved.user_id)
    )
    announcer.is_large = lambda chat_id: True
    advance = Advance(CHAT, BOB, 0, 1, 0, 9)
    await announcer.tell([advance], await store.commit([advance]))
    if size > LARGE:
        assert (told, counted) == ([], [BOB])
    else:
        assert (told, counted) == ([ReceiptEvent(CHAT, ANN, SAID.id, 1, BOB, False, 9)], [])
