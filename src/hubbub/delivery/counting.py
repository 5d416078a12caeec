"""Receipt counts of large chats (6.2.3): what authors are told of their newest message.

Each node counts the cursors that it moves over it, and says so; the author's nodes add up. Who has
not counted from the beginning says that, too: then the store is asked for the sum.
"""

import asyncio
from collections.abc import Callable, Sequence
from secrets import randbits
from typing import Final

from hubbub import present
from hubbub.delivery.hub import Hub
from hubbub.delivery.outgoing import Encoders, Outgoing
from hubbub.delivery.subscriber import Subscriber
from hubbub.domain.change import Advanced
from hubbub.domain.events import CountsEvent, Event
from hubbub.domain.roster import KnownChat, Roster
from hubbub.ports import ChatStore, ReceiptCount, Unavailable
from hubbub_protocol import frames

EVERY: Final = 1.0
"""Seconds between two receipt counts of one chat."""
MOST: Final = 10_000
"""Chats whose receipts are counted; the one whose message is oldest goes first."""
AT_ONCE: Final = 100
"""Chats whose sums are asked for together."""


class _Sum:
    """What the nodes have counted of one message. `sure`: all of them from the beginning."""

    __slots__ = ("author_id", "parts", "seq", "sure")

    def __init__(self, seq: int, author_id: int, sure: bool) -> None:
        self.seq = seq
        self.author_id = author_id
        self.sure = sure
        self.parts: dict[int, tuple[int, int]] = {}

    def add(self, event: CountsEvent) -> None:
        """One node's part, which only grows: of two the larger is the later."""
        self.sure = self.sure and event.sure
        delivered, read = self.parts.get(event.origin, (0, 0))
        self.parts[event.origin] = max(delivered, event.delivered), max(read, event.read)

    def total(self, chat_id: int) -> ReceiptCount:
        """All parts together."""
        delivered, read = map(sum, zip(*self.parts.values(), strict=True))
        return ReceiptCount(chat_id, self.seq, delivered, read, self.author_id)


def as_frame(count: ReceiptCount, silent: bool) -> frames.ReceiptCounts:
    """As it is told; who is `silent` is not told what others have read (8.1.4)."""
    chat, read = present.chat_ref(count.chat_id), 0 if silent else count.read
    return frames.ReceiptCounts(chat, count.seq, count.delivered, read)


class Counting:
    """See the module."""

    def __init__(
        self,
        hub: Hub,
        encoders: Encoders,
        roster: Roster,
        store: ChatStore,
        publish: Callable[[Sequence[Event]], None],
        exact: bool,
    ) -> None:
        """`exact`: there is no other node."""
        self._hub = hub
        self._encoders = encoders
        self._roster = roster
        self._store = store
        self._publish = publish
        self._exact = exact
        self._origin = randbits(62)
        self._sums: dict[int, _Sum] = {}
        self._moved: set[int] = set()
        self._due: set[int] = set()
        self._work = asyncio.Event()
        hub.on_departure.append(self._departed)

    async def run(self) -> None:
        """Say what was counted, and tell authors, until cancelled."""
        while True:
            await self._work.wait()
            self._say()
            self._work.clear()
            await self._tell()
            self._hub.flush()
            await asyncio.sleep(EVERY)

    # ── what this node counts ──

    def moved(self, chat: KnownChat, moved: Advanced) -> None:
        """A member's cursors have moved in a large chat."""
        if chat.count(moved):
            self._to_say(chat.chat_id)

    def begins(self, chat_id: int, seq: int, author_id: int) -> None:
        """A large chat has a new message."""
        if self._hub.of_user(author_id):
            self._sum(chat_id, seq, author_id, True)
        chat = self._roster.get(chat_id)
        if chat is not None and (chat.newest is None or not chat.newest.sure):
            self._to_say(chat_id)

    def _to_say(self, chat_id: int) -> None:
        if len(self._moved) < MOST:
            self._moved.add(chat_id)
            self._work.set()

    def _say(self) -> None:
        if self._moved:
            events = [self._event(chat_id) for chat_id in self._moved]
            self._moved.clear()
            self._publish(events)

    def _event(self, chat_id: int) -> CountsEvent:
        chat = self._roster.get(chat_id)
        newest = None if chat is None else chat.newest
        if newest is None:
            return CountsEvent(chat_id, 0, 0, 0, 0, self._origin, False)
        count = (newest.delivered, newest.read)
        return CountsEvent(chat_id, newest.author_id, newest.seq, *count, self._origin, newest.sure)

    # ── what authors are told ──

    def heard(self, event: CountsEvent) -> None:
        """A node has counted, this one or another."""
        found = self._sums.get(event.chat_id)
        if self._hub.of_user(event.author_id):
            found = self._sum(event.chat_id, event.seq, event.author_id, self._exact)
        if found is not None and event.seq in (0, found.seq):
            found.add(event)
            self._due.add(event.chat_id)
            self._work.set()

    def doubt(self, chat_id: int) -> None:
        """Cursors were moved where it is not known that the chat is large."""
        self.heard(CountsEvent(chat_id, 0, 0, 0, 0, self._origin, False))

    def _departed(self, subscriber: Subscriber) -> None:
        """What others count while an author is away does not come here."""
        if not self._hub.of_user(subscriber.user_id):
            for chat_id in subscriber.large:
                found = self._sums.get(chat_id)
                if found is not None and found.author_id == subscriber.user_id:
                    found.sure = found.sure and self._exact

    async def read(self, chat_ids: Sequence[int], reader_id: int = 0) -> list[ReceiptCount]:
        """What the store counts, for `reader_id` who has missed it. Raises Unavailable."""
        found = await self._store.counts(chat_ids) if chat_ids else []
        for count in found:
            if self._hub.of_user(count.author_id):
                now = self._sum(count.chat_id, count.seq, count.author_id, self._exact)
                if count.author_id == reader_id and now.seq == count.seq:
                    now.sure = now.sure and self._exact
        return found

    def _sum(self, chat_id: int, seq: int, author_id: int, sure: bool) -> _Sum:
        """The newest of the chat. `sure`: where it begins now, all is heard."""
        found = self._sums.get(chat_id)
        if found is not None and found.seq >= seq:
            return found
        self._sums.pop(chat_id, None)
        found = self._sums[chat_id] = _Sum(seq, author_id, sure)
        if len(self._sums) > MOST:
            del self._sums[next(iter(self._sums))]
        return found

    async def _tell(self) -> None:
        due, self._due = self._due, set()
        unsure: list[int] = []
        for chat_id in due:
            found = self._sums.get(chat_id)
            if found is None or not found.parts or not self._hub.of_user(found.author_id):
                continue  # a newer message, that nobody has passed; or nobody is to be told
            if found.sure:
                self._show(found.total(chat_id))
            else:
                unsure.append(chat_id)
        try:
            for count in await self.read(unsure[:AT_ONCE]):
                self._show(count)
        except Unavailable:
            self._later(unsure)
        else:
            self._later(unsure[AT_ONCE:])

    def _later(self, chat_ids: list[int]) -> None:
        if chat_ids:
            self._due.update(chat_ids)
            self._work.set()

    def _show(self, count: ReceiptCount) -> None:
        """Who has left hears nothing more."""
        audience = [s for s in self._hub.of_user(count.author_id) if count.chat_id in s.large]
        if audience:
            silent = any(subscriber.silent for subscriber in audience)
            outgoing = Outgoing(as_frame(count, silent), self._encoders)
            for subscriber in audience:
                subscriber.receipt(count.chat_id, outgoing)
