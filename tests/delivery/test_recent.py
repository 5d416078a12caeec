"""What is kept of active chats for the time when the store is away."""

from collections.abc import Sequence
from typing import Any, cast

import pytest

from hubbub.delivery.hub import Hub
from hubbub.delivery.outgoing import LINES, encoders
from hubbub.delivery.recent import Recent, RecentReader
from hubbub.delivery.subscriber import Subscriber
from hubbub.domain.account import User
from hubbub.domain.chat import Chat, Head, Member
from hubbub.domain.events import Event, OwnEvent, RowEvent, UnsureEvent
from hubbub.domain.message import Row
from hubbub.domain.own import MyChat
from hubbub.domain.receipt import Cursor
from hubbub.domain.recent import TAIL, Attendance, Excerpt
from hubbub.domain.view import History
from hubbub.ports import OneChat, Unavailable
from hubbub.ports.nodes import Nodes

ANN, BOB = 1, 2
CHAT, OTHER = 10, 20
PLENTY = 1_000_000


def row(seq: int, chat: int = CHAT, words: str = "hello", **fields: int) -> Row:
    at = {"rev": seq, "at": seq} | fields
    return Row(
        100 * chat + seq, chat, seq, at["rev"], seq, ANN, None, at["at"], "text", words, b"", 0
    )


class Store:
    """Chats of Ann and Bob with so many messages; away when told to."""

    def __init__(self, counts: dict[int, int]) -> None:
        self.counts = counts
        self.asked: list[int] = []
        self.is_away = True

    async def excerpts(self, chat_ids: Sequence[int]) -> list[Excerpt]:
        self.asked += chat_ids
        return [self._excerpt(chat_id) for chat_id in chat_ids]

    def _excerpt(self, chat_id: int) -> Excerpt:
        count = self.counts[chat_id]
        chat = Chat(chat_id, "group", None, "Chat", "joined", 0, 2)
        members = [
            Attendance(
                User(user, f"user{user}", f"User {user}", "", False, 0),
                Member(chat_id, user, "member", 1, None, 0, 0, 0, 0, 1),
                [],
                [],
                False,
            )
            for user in (ANN, BOB)
        ]
        rows = [row(seq, chat_id) for seq in range(max(1, count - TAIL + 1), count + 1)]
        return Excerpt(chat, Head(count, count, count), members, rows, count <= TAIL)

    async def history(self, *asked: object) -> History | None:
        if self.is_away:
            raise Unavailable("The store is away.")
        return History([], False, Cursor(0, 0))


class Others:
    """The other servers, whose news comes unless they cannot be reached."""

    def __init__(self) -> None:
        self.are_reached = True

    async def others(self) -> tuple[int, ...]:
        if not self.are_reached:
            raise Unavailable("Valkey is away.")
        return (2,)


class Stage:
    """A server that is one of several, or `alone`."""

    def __init__(self, counts: dict[int, int], most: int = PLENTY, *, alone: bool = False) -> None:
        self.hub = Hub()
        self.store = Store(counts)
        self.others = Others()
        nodes = None if alone else cast(Nodes, self.others)
        self.recent = Recent(self.store, self.hub, nodes, most)
        self.reader = RecentReader(cast(OneChat, self.store), self.recent)

    def comes(self, user: int) -> Subscriber:
        nowhere: Any = None
        wire = encoders(lambda encode, _: encode)
        subscriber = Subscriber(user, 7, nowhere, LINES, wire, self.hub.mark_dirty)
        self.hub.attach(subscriber)
        return subscriber

    async def hears(self, *events: Event) -> None:
        """And reads what it then wants to."""
        self.recent.heard(events)
        await self.recent.load()

    async def reads(self, user: int, chat: int = CHAT, before: int = 0) -> list[int] | None:
        """Positions; None: nothing is shown."""
        try:
            found = await self.reader.history(user, chat, "before", before, 50)
        except Unavailable:
            return None
        return [] if found is None else [each.seq for each in found.rows]


def told(message: Row) -> RowEvent:
    return RowEvent(message, (ANN, BOB), False)


async def test_who_is_connected_reads_what_is_known_and_what_came_since() -> None:
    stage = Stage({CHAT: 2})
    stage.comes(ANN)
    await stage.hears(told(row(2)))
    await stage.hears(told(row(3)))
    assert await stage.reads(ANN) == [3, 2, 1]
    assert await stage.reads(BOB) is None
    assert stage.store.asked == [CHAT]


async def test_a_chat_is_known_once_somebody_who_is_here_has_opened_it() -> None:
    stage = Stage({CHAT: 2})
    stage.comes(ANN)
    stage.store.is_away = False
    for user in (BOB, ANN):
        assert await stage.reads(user) == []
        await stage.hears()
    stage.store.is_away = True
    assert await stage.reads(ANN) == [2, 1]
    assert stage.store.asked == [CHAT]


async def test_what_is_older_is_asked_of_the_store() -> None:
    stage = Stage({CHAT: TAIL + 10})
    stage.comes(ANN)
    await stage.hears(told(row(TAIL + 10)))
    page = await stage.reads(ANN)
    assert page is not None
    assert page[-1] == TAIL + 10 - 49
    rest = await stage.reads(ANN, before=100 * CHAT + page[-1])
    assert rest == list(range(page[-1] - 1, 10, -1))
    assert await stage.reads(ANN, before=100 * CHAT + rest[-1]) is None


async def test_a_chat_of_which_nobody_is_here_any_more_is_forgotten() -> None:
    stage = Stage({CHAT: 2})
    here = stage.comes(ANN)
    await stage.hears(told(row(2)))
    stage.hub.detach(here)
    stage.comes(ANN)
    assert await stage.reads(ANN) is None


async def test_who_comes_later_sees_nothing_before_it_is_read_again() -> None:
    stage = Stage({CHAT: 2})
    stage.comes(ANN)
    await stage.hears(told(row(2)))
    stage.comes(BOB)
    assert await stage.reads(BOB) is None
    stage.store.counts[CHAT] = 3
    await stage.hears(told(row(3)))
    assert await stage.reads(BOB) == [3, 2, 1]


async def test_who_was_removed_sees_nothing() -> None:
    stage = Stage({CHAT: 2})
    stage.comes(ANN)
    stage.comes(BOB)
    await stage.hears(told(row(2)))
    assert await stage.reads(BOB) == [2, 1]
    await stage.hears(OwnEvent(MyChat(BOB, 2, CHAT, False, "member", 1, 0, 0)))
    assert await stage.reads(BOB) is None


async def test_nothing_is_shown_while_a_position_is_missing() -> None:
    stage = Stage({CHAT: 2})
    stage.comes(ANN)
    await stage.hears(told(row(2)))
    await stage.hears(told(row(4)))
    assert await stage.reads(ANN) is None
    await stage.hears(told(row(3)))
    assert await stage.reads(ANN) == [4, 3, 2, 1]


async def test_nothing_is_shown_while_the_news_of_others_does_not_come() -> None:
    stage = Stage({CHAT: 2})
    stage.comes(ANN)
    await stage.hears(told(row(2)))
    stage.others.are_reached = False
    assert await stage.reads(ANN) is None
    stage.others.are_reached = True
    assert await stage.reads(ANN) == [2, 1]


async def test_where_there_is_one_server_what_is_missing_does_not_come_later() -> None:
    stage = Stage({CHAT: 2}, alone=True)
    stage.comes(ANN)
    await stage.hears(told(row(2)))
    stage.store.counts[CHAT] = 4
    await stage.hears(told(row(4)))
    assert await stage.reads(ANN) == [4, 3, 2, 1]


@pytest.mark.parametrize(
    ("event", "still"),
    [
        (UnsureEvent(chats=(CHAT,)), [2, 1]),
        (UnsureEvent(changed=(CHAT,)), None),
        (UnsureEvent(users=(BOB,)), None),
        (UnsureEvent(messages=(100 * CHAT + 1,)), None),
        (UnsureEvent(changed=(OTHER,), users=(9,), messages=(9,)), [2, 1]),
    ],
)
async def test_what_may_have_been_taken_away_is_not_shown(
    event: UnsureEvent, still: list[int] | None
) -> None:
    stage = Stage({CHAT: 2})
    stage.comes(ANN)
    await stage.hears(told(row(2)))
    stage.recent.heard([event])
    assert await stage.reads(ANN) == still


async def test_the_chat_goes_that_was_idle_longest() -> None:
    stage = Stage({CHAT: 1, OTHER: 1}, most=10_000)
    stage.comes(ANN)
    await stage.hears(told(row(1)))
    await stage.hears(told(row(1, OTHER)))
    assert len(stage.recent) == 2
    await stage.hears(told(row(2)))
    await stage.hears(told(row(2, OTHER, "so many words" * 200)))
    assert await stage.reads(ANN) is None
    assert await stage.reads(ANN, OTHER) == [2, 1]
    assert 0 < stage.recent.bytes < 10_000
    stage.recent.clear()
    assert (stage.recent.bytes, len(stage.recent)) == (0, 0)
