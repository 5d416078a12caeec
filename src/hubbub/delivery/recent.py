"""Recent messages of active chats, so that they can be read while the store is away.

This node is told of every position of a chat that a user who is connected here is in (see the
module `interest`). So what it once read of the chat stays right by what it hears; as soon as it may
have missed something, or nobody of the chat is here any more, it forgets, and asks the store again
when there is news. While none comes, since other nodes cannot be reached, nothing is shown. Who is
connected here sees the chat as those see it who are told live (G6).
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

from hubbub.delivery.hub import Hub
from hubbub.delivery.subscriber import Subscriber
from hubbub.domain.events import Event, OwnEvent, ReceiptEvent, RowEvent, StanceEvent, UnsureEvent
from hubbub.domain.message import Row
from hubbub.domain.own import MyChat, MyHidden
from hubbub.domain.reading import Seat
from hubbub.domain.recent import MOST_EARLY, Beyond, Excerpt, RecentChat
from hubbub.domain.view import ChatView, History, MemberList
from hubbub.ports import Excerpts, OneChat, Unavailable
from hubbub.ports.nodes import Nodes

MOST_CHATS: Final = 20_000
MOST_WANTED: Final = 2_000
"""Chats that wait to be read; of more, those that come later are not."""
AT_ONCE: Final = 50
"""Chats in one read."""
AGAIN: Final = 1.0
"""Seconds until a store that is away is asked again."""

T = TypeVar("T")


class RecentStatistics:
    """Counted as it happens. `served`: reads that the store could not answer."""

    __slots__ = ("loaded", "served")

    def __init__(self) -> None:
        self.loaded = 0
        self.served = 0


class Recent:
    """See the module. Beyond `most` bytes the chat goes that was idle longest."""

    def __init__(self, store: Excerpts, hub: Hub, nodes: Nodes | None, most: int) -> None:
        """`nodes`: None where no other node commits, so that nothing can be missed."""
        self._store = store
        self._hub = hub
        self._nodes = nodes
        self._alone = nodes is None
        self._most = most
        self._chats: dict[int, RecentChat] = {}
        self._of_user: dict[int, set[int]] = {}
        self._wanted: dict[int, None] = {}
        self._loading: dict[int, list[Row]] = {}
        self._work = asyncio.Event()
        self.bytes = 0
        self.statistics = RecentStatistics()
        self._arrivals: set[int] = set()
        hub.on_arrival.append(self._arrived)
        hub.on_departure.append(self._departed)

    def __len__(self) -> int:
        return len(self._chats)

    # ── what is heard ──

    def heard(self, events: Sequence[Event]) -> None:
        """This was committed, here or elsewhere."""
        for event in events:
            match event:
                case RowEvent(large=True):
                    self.forget(event.row.chat_id)
                case RowEvent():
                    self._row(event)
                case ReceiptEvent():
                    chat = self._chats.get(event.chat_id)
                    if chat is not None:
                        chat.passed(event)
                case OwnEvent(me=MyChat() as mine):
                    self._mine(mine)
                case OwnEvent(me=MyHidden() as hidden):
                    self._loading.pop(hidden.chat_id, None)
                    if hidden.chat_id in self._chats:
                        self._chats[hidden.chat_id].hide(hidden.user_id, hidden.seq)
                case StanceEvent():
                    self._loading.clear()
                    for chat_id in self._of_user.get(event.user_id, ()):
                        self._chats[chat_id].hush(event.user_id, event.stance.privacy.silent)
                case UnsureEvent():
                    self._loading.clear()
                    self._unsure(event)
                case _:
                    pass

    def _row(self, event: RowEvent) -> None:
        row = event.row
        chat = self._chats.pop(row.chat_id, None)
        if chat is not None:
            self._chats[row.chat_id] = chat  # moved last
            before = chat.cost
            follows = chat.follow(row) and not (self._alone and chat.has_hole)
            self.bytes += chat.cost - before
            if not follows:
                self.forget(row.chat_id)
            if not follows or chat.is_stale:
                self._want(row.chat_id)
            self._trim()
        if row.chat_id in self._loading:
            self._loading[row.chat_id].append(row)
            if len(self._loading[row.chat_id]) > MOST_EARLY:
                del self._loading[row.chat_id]
        elif chat is None and self._hub.of_users(event.members):
            self._want(row.chat_id)

    def _mine(self, mine: MyChat) -> None:
        chat = self._chats.get(mine.chat_id)
        if chat is None:
            if not mine.present:
                self._loading.pop(mine.chat_id, None)
        elif not chat.told(mine):
            self.forget(mine.chat_id)

    def _unsure(self, event: UnsureEvent) -> None:
        """This may be stored, or not: what takes nothing away leaves what is known right."""
        for chat_id in self._chats.keys() & event.chats:
            self._chats[chat_id].behind = True
            self._want(chat_id)
        gone = {*event.changed}.union(*(self._of_user.get(user, ()) for user in event.users))
        if event.messages:
            messages = frozenset(event.messages)
            gone |= {i for i, chat in self._chats.items() if not messages.isdisjoint(chat.ids)}
        for chat_id in gone:
            self.forget(chat_id)

    def clear(self) -> None:
        """Something was not heard, and nobody knows what."""
        self._loading.clear()
        self._chats.clear()
        self._of_user.clear()
        self.bytes = 0

    def forget(self, chat_id: int) -> None:
        """The same, of this chat."""
        self._loading.pop(chat_id, None)
        chat = self._chats.pop(chat_id, None)
        if chat is None:
            return
        self.bytes -= chat.cost
        for user_id in chat.members:
            his = self._of_user[user_id]
            his.discard(chat_id)
            if not his:
                del self._of_user[user_id]

    def _arrived(self, subscriber: Subscriber) -> None:
        """What his own log said while he was not here, others heard."""
        user_id = subscriber.user_id
        if self._alone or len(self._hub.of_user(user_id)) > 1:
            return
        for chat_id in self._of_user.get(user_id, ()):
            self._chats[chat_id].doubtful.add(user_id)
        if self._loading:
            self._arrivals.add(user_id)

    def _departed(self, subscriber: Subscriber) -> None:
        """What concerns only who is gone is not told here any more."""
        user_id = subscriber.user_id
        if self._alone or self._hub.of_user(user_id):
            return
        for chat_id in list(self._of_user.get(user_id, ())):
            if not self._is_heard(self._chats[chat_id]):
                self.forget(chat_id)

    def _is_heard(self, chat: RecentChat) -> bool:
        """Whether a member is here who was when it was read, so that all was told here since."""
        of_user, doubtful = self._hub.of_user, chat.doubtful
        return self._alone or any(of_user(u) for u in chat.members if u not in doubtful)

    # ── what is read ──

    def opened(self, user_id: int, chat_id: int) -> None:
        """A user looks at it."""
        if self._hub.of_user(user_id):
            self._want(chat_id)

    def _want(self, chat_id: int) -> None:
        if self._is_due(chat_id) and len(self._wanted) < MOST_WANTED:
            self._wanted[chat_id] = None
            self._work.set()

    def _is_due(self, chat_id: int) -> bool:
        chat = self._chats.get(chat_id)
        return chat is None or chat.is_stale

    async def run(self) -> None:
        """Read what is wanted, until cancelled."""
        while True:
            await self._work.wait()
            self._work.clear()
            while self._wanted:
                try:
                    await self.load()
                except Unavailable:
                    await asyncio.sleep(AGAIN)

    async def load(self) -> None:
        """Read the next of what is wanted. Raises Unavailable: then it is wanted still."""
        wanted = list(self._wanted)[:AT_ONCE]
        for chat_id in wanted:
            del self._wanted[chat_id]
        self._loading = {chat_id: [] for chat_id in wanted}
        self._arrivals.clear()
        try:
            await self._hub.interest.placed()  # from now on it is told what comes after
            for excerpt in await self._store.excerpts(wanted):
                heard = self._loading.pop(excerpt.chat.id, None)
                if heard is not None:
                    self._add(excerpt, heard)
        except Unavailable:
            self._wanted = dict.fromkeys(wanted) | self._wanted
            raise
        finally:
            self._loading.clear()

    def _add(self, excerpt: Excerpt, heard: Iterable[Row]) -> None:
        chat = RecentChat(excerpt)
        chat.doubtful = self._arrivals & chat.members.keys()
        if not self._is_heard(chat) or not all(map(chat.follow, heard)):
            return
        self.forget(excerpt.chat.id)
        self._chats[excerpt.chat.id] = chat
        for user_id in chat.members:
            self._of_user.setdefault(user_id, set()).add(excerpt.chat.id)
        self.bytes += chat.cost
        self.statistics.loaded += 1
        self._trim()

    def _trim(self) -> None:
        while self.bytes > self._most or len(self._chats) > MOST_CHATS:
            self.forget(next(iter(self._chats)))

    # ── what is shown ──

    async def reach(self) -> None:
        """Raises Unavailable while the news of other nodes does not come."""
        if self._nodes is not None:
            await self._nodes.others()

    def show(self, user_id: int, chat_id: int, how: Callable[[RecentChat, Seat], T]) -> T | None:
        """What a user who is connected here sees of it; None: he is no member.

        Raises Beyond where that is not known.
        """
        chat = self._chats.get(chat_id)
        if chat is None or not self._hub.of_user(user_id):
            raise Beyond
        seat = chat.seat(user_id)
        found = None if seat is None else how(chat, seat)
        self.statistics.served += 1
        return found


class RecentReader:
    """OneChat: from the store, or where that is away, what is recent."""

    def __init__(self, reader: OneChat, recent: Recent) -> None:
        self._reader = reader
        self._recent = recent

    async def chat(self, user_id: int, chat_id: int) -> ChatView | None:
        """See OneChat."""
        try:
            return await self._reader.chat(user_id, chat_id)
        except Unavailable as away:
            return await self._show(away, user_id, chat_id, RecentChat.view)

    async def members(
        self, user_id: int, chat_id: int, after: int, limit: int
    ) -> MemberList | None:
        """See OneChat."""
        try:
            return await self._reader.members(user_id, chat_id, after, limit)
        except Unavailable as away:
            asked = (after, limit)
            return await self._show(away, user_id, chat_id, lambda c, seat: c.people(seat, *asked))

    async def history(
        self, user_id: int, chat_id: int, direction: str, anchor: int, limit: int
    ) -> History | None:
        """See OneChat."""
        asked = (direction, anchor, limit)
        try:
            found = await self._reader.history(user_id, chat_id, *asked)
        except Unavailable as away:
            return await self._show(away, user_id, chat_id, lambda c, seat: c.page(seat, *asked))
        if found is not None and not anchor:
            self._recent.opened(user_id, chat_id)
        return found

    async def _show(
        self,
        away: Unavailable,
        user_id: int,
        chat_id: int,
        how: Callable[[RecentChat, Seat], T],
    ) -> T | None:
        await self._recent.reach()
        try:
            return self._recent.show(user_id, chat_id, how)
        except Beyond:
            raise away from None
