"""Receipt counts of a large chat: what nodes count, and what the author is told (6.2.3)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec
import pytest

from hubbub.delivery import counting as module
from hubbub.delivery.fanout import Fanout
from hubbub.delivery.flight import Flight
from hubbub.delivery.hub import Hub
from hubbub.delivery.outgoing import LINES
from hubbub.delivery.relay import Relay
from hubbub.delivery.subscriber import Subscriber
from hubbub.delivery.watchers import Watchers
from hubbub.domain.change import Advanced
from hubbub.domain.events import CountsEvent, Event, ReceiptEvent
from hubbub.domain.message import Row
from hubbub.domain.relation import PLAIN, Privacy, Stance
from hubbub.domain.roster import Roster
from hubbub.ports import ReceiptCount, Unavailable
from tests.support.delivery import WIRE, counting_of
from tests.support.wait import eventually

CHAT, ANN, BOB, CAT = 9, 1, 2, 3
SILENT = Stance(1, Privacy(read_receipts=False), frozenset())


class Page:
    """The author's end: the counts that it is told of each message."""

    def __init__(self) -> None:
        self.told: list[tuple[int, int, int]] = []

    def write(self, frames: bytes, /) -> None:
        for line in frames.splitlines():
            frame = msgspec.json.decode(line)
            if frame["type"] == "receipt_counts":
                self.told.append((frame["seq"], frame["delivered"], frame["read"]))

    def buffered(self) -> int:
        return 0

    def close(self, code: int, reason: str = "") -> None:
        raise AssertionError("nobody ends it")


class Store:
    """Who passed the newest message, which is Ann's."""

    def __init__(self) -> None:
        self.seq = 1
        self.delivered: set[int] = set()
        self.read: set[int] = set()
        self.asked = 0
        self.away = False

    async def counts(self, chat_ids: Sequence[int]) -> list[ReceiptCount]:
        self.asked += 1
        if self.away:
            raise Unavailable("away")
        return [
            ReceiptCount(c, self.seq, len(self.delivered), len(self.read), ANN) for c in chat_ids
        ]


class Node:
    """One of several on a store; what it says is heard by all, itself included."""

    def __init__(self, store: Store, others: list["Node"]) -> None:
        self.hub, self.roster = Hub(), Roster()
        self._all = others
        others.append(self)
        self.said = 0
        self._store = store
        self.counting = counting_of(self.hub, store, self.roster, self._publish, exact=False)

    def _publish(self, events: Sequence[Event]) -> None:
        self.said += len(events)
        for event in events:
            assert isinstance(event, CountsEvent)
            for node in self._all:
                if node is self or not event.author_id or node.hub.of_user(event.author_id):
                    node.counting.heard(event)

    def connect(self, user_id: int, stance: Stance = PLAIN) -> Page:
        page = Page()
        subscriber = Subscriber(user_id, 7, page, LINES, WIRE, self.hub.mark_dirty)
        subscriber.stand(stance)
        self.hub.attach(subscriber)
        self.hub.subscribe(CHAT, subscriber, 1)
        return page

    def disconnect(self, user_id: int) -> None:
        for subscriber in self.hub.of_user(user_id):
            self.hub.detach(subscriber)

    def leave(self, user_id: int) -> None:
        for subscriber in self.hub.of_user(user_id):
            self.hub.unsubscribe(CHAT, subscriber)

    def hears(self, seq: int, author_id: int = ANN) -> None:
        """The message, from whoever stored it."""
        self.roster.heard(
            Row(seq, CHAT, seq, seq, seq, author_id, None, 1, "text", "", b"", 0), True
        )
        self.counting.begins(CHAT, seq, author_id)

    async def says(self, user_id: int) -> None:
        """A member's cursor is stored here, and it is said."""
        said = self.said
        self.moves(user_id, 1)
        await eventually(lambda: self.said > said, "it is said")

    def moves(self, user_id: int, delivered: int, read: int = 0, before: int = 0) -> None:
        """A member's cursors are stored here."""
        if delivered >= self._store.seq:
            self._store.delivered.add(user_id)
        if read >= self._store.seq:
            self._store.read.add(user_id)
        chat = self.roster.get(CHAT) or self.roster.large(CHAT, 0)
        moved = Advanced(CHAT, user_id, before, delivered, 0, read, 9, None, False)
        self.counting.moved(chat, moved)


class Cluster:
    """Ann is connected to the first node; she says `seq` 1."""

    def __init__(self) -> None:
        self.store = Store()
        nodes: list[Node] = []
        self.first, self.second = Node(self.store, nodes), Node(self.store, nodes)
        self.ann = self.first.connect(ANN)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        nodes = (self.first, self.second)
        tasks = [asyncio.create_task(node.counting.run()) for node in nodes]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    async def tells(self, *counts: int, page: Page | None = None) -> None:
        told = (page or self.ann).told
        await eventually(lambda: told[-1:] == [counts], f"{counts} is told last: {told}")


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    monkeypatch.setattr(module, "EVERY", 0.002)
    return Cluster()


async def test_what_nodes_count_is_added_up(cluster: Cluster) -> None:
    first, second = cluster.first, cluster.second
    async with cluster.running():
        first.hears(1)
        second.hears(1)
        first.moves(BOB, 1)
        second.moves(CAT, 1, read=1)
        second.moves(BOB, 1, read=1, before=1)
        await cluster.tells(1, 2, 2)
    assert cluster.store.asked == 0


async def test_a_chat_is_told_of_once_in_a_while(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EVERY", 3_600)
    first, second = cluster.first, cluster.second
    async with cluster.running():
        first.hears(1)
        first.moves(BOB, 1)
        await cluster.tells(1, 1, 0)
        for user_id in range(10, 20):
            second.moves(user_id, 1)
            first.moves(user_id + 10, 1)
            await asyncio.sleep(0)
    assert cluster.ann.told == [(1, 1, 0)]


async def test_who_reads_a_message_before_the_node_hears_of_it_counts(cluster: Cluster) -> None:
    """He was reading the store, which has it first; nothing is said after it."""
    first, second = cluster.first, cluster.second
    async with cluster.running():
        first.hears(1)
        first.moves(BOB, 1)
        second.moves(CAT, 1, read=1)
        second.hears(1)
        await cluster.tells(1, 2, 1)
        first.moves(BOB, 1, read=1, before=1)
        await cluster.tells(1, 2, 2)


async def test_who_moves_where_the_message_is_not_known_counts(cluster: Cluster) -> None:
    first, second = cluster.first, cluster.second
    async with cluster.running():
        first.hears(1)
        second.moves(BOB, 1)
        await cluster.tells(1, 1, 0)


async def test_an_older_message_that_is_heard_later_is_not_the_newest(cluster: Cluster) -> None:
    first, second = cluster.first, cluster.second
    cluster.store.seq = 2
    async with cluster.running():
        first.hears(2)
        second.hears(2)
        second.hears(1, BOB)
        second.moves(CAT, 2)
        await cluster.tells(2, 1, 0)
    assert cluster.store.asked == 0


async def test_an_author_who_comes_later_is_told_of_all(cluster: Cluster) -> None:
    first, second = cluster.first, cluster.second
    async with cluster.running():
        second.hears(1)  # on the first, the author was not there when it was told
        first.moves(BOB, 1)
        await first.counting.read([CHAT], ANN)
        second.moves(CAT, 1)
        await cluster.tells(1, 2, 0)


async def test_who_moves_where_the_message_is_not_heard_counts(cluster: Cluster) -> None:
    """Nobody was connected there when it came: the one before is the newest there."""
    first, second = cluster.first, cluster.second
    cluster.store.seq = 2
    async with cluster.running():
        second.hears(1)
        first.hears(1)
        first.hears(2)
        second.moves(BOB, 2, before=1)
        await cluster.tells(2, 1, 0)


async def test_an_author_who_was_away_is_told_of_all(cluster: Cluster) -> None:
    """He was connected nowhere, so what was counted meanwhile did not come to his node."""
    first, second = cluster.first, cluster.second
    async with cluster.running():
        first.hears(1)
        second.hears(1)
        first.disconnect(ANN)
        await second.says(BOB)
        again = first.connect(ANN)
        first.moves(CAT, 1)
        await cluster.tells(1, 2, 0, page=again)


async def test_the_store_is_not_asked_for_an_author_who_is_away(cluster: Cluster) -> None:
    first, second = cluster.first, cluster.second
    async with cluster.running():
        first.hears(1)
        second.moves(BOB, 1)
        await cluster.tells(1, 1, 0)
        asked = cluster.store.asked
        first.disconnect(ANN)
        for user_id in (CAT, 4, 5):
            await second.says(user_id)
    assert cluster.store.asked == asked


async def test_others_who_resume_take_nothing_from_what_was_counted(cluster: Cluster) -> None:
    first, second = cluster.first, cluster.second
    async with cluster.running():
        first.hears(1)
        second.hears(1)
        await first.counting.read([CHAT], BOB)
        second.moves(CAT, 1)
        await cluster.tells(1, 1, 0)
    assert cluster.store.asked == 1


async def test_who_joins_the_group_takes_nothing_from_what_was_counted(cluster: Cluster) -> None:
    first, second = cluster.first, cluster.second
    first.hears(1)
    second.hears(1)
    second.moves(BOB, 1)
    joined = Row(2, CHAT, 2, 2, 0, CAT, None, 1, "system", "", b"{}", 0)
    second.roster.heard(joined, True)
    async with cluster.running():
        second.moves(CAT, 1)
        await cluster.tells(1, 2, 0)
    assert cluster.store.asked == 0


async def test_a_join_after_a_message_that_was_not_heard_is_no_reason_to_be_sure(
    cluster: Cluster,
) -> None:
    first, second = cluster.first, cluster.second
    cluster.store.seq = 2
    second.hears(1)
    joined = Row(3, CHAT, 3, 3, 0, CAT, None, 1, "system", "", b"{}", 0)
    second.roster.heard(joined, True)
    async with cluster.running():
        first.hears(1)
        first.hears(2)
        second.moves(BOB, 3, before=1)
        await cluster.tells(2, 1, 0)


async def test_the_store_is_asked_again_when_it_is_back(cluster: Cluster) -> None:
    cluster.store.away = True
    async with cluster.running():
        cluster.first.hears(1)
        cluster.second.moves(BOB, 1)
        await eventually(lambda: cluster.store.asked > 2, "it is asked again")
        assert cluster.ann.told == []
        cluster.store.away = False
        await cluster.tells(1, 1, 0)


async def test_an_author_who_has_left_is_told_nothing(cluster: Cluster) -> None:
    first, second = cluster.first, cluster.second
    bob = second.connect(BOB)
    async with cluster.running():
        first.hears(1)
        second.hears(1)
        first.leave(ANN)
        first.moves(CAT, 1)
        cluster.store.seq = 2
        for node in (first, second):
            node.hears(2, BOB)
        first.moves(CAT, 2, before=1)
        await cluster.tells(2, 1, 0, page=bob)
    assert cluster.ann.told == []


async def test_a_silent_author_is_told_of_no_reads(cluster: Cluster) -> None:
    laptop = cluster.second.connect(ANN, SILENT)
    async with cluster.running():
        cluster.second.hears(1)
        cluster.second.moves(BOB, 1, read=1)
        await cluster.tells(1, 1, 0, page=laptop)


async def test_who_moves_where_nobody_knows_the_chat_counts(cluster: Cluster) -> None:
    """As by REST, on a node without connections: it does not know that the chat is large."""
    first, second = cluster.first, cluster.second
    async with cluster.running():
        first.hears(1)
        second.hears(1)
        second.moves(CAT, 1)
        await cluster.tells(1, 1, 0)
        cluster.store.delivered.add(BOB)
        hub = first.hub
        fanout, watchers = Fanout(hub, lambda: 0.0, Flight()), Watchers(WIRE)
        relay = Relay(hub, WIRE, fanout, watchers, first.counting, hub.mark_dirty)
        relay.deliver([ReceiptEvent(CHAT, ANN, 8, 1, BOB, False, 9)])
        await cluster.tells(1, 2, 0)


async def test_a_node_that_does_not_say_whether_it_is_sure_is_not(cluster: Cluster) -> None:
    """It is of a version that does not know."""
    first = cluster.first
    async with cluster.running():
        first.hears(1)
        cluster.store.delivered |= {BOB, CAT}
        first.counting.heard(CountsEvent(CHAT, ANN, 1, 1, 0, 77))
        await cluster.tells(1, 2, 0)
