"""Between the client and the book: events in, pages on demand, what the user does out.

Whatever of it needs the server raises Refused, Unreachable or SignedOut, and the caller tells the
user. What is only nice to have (names, sizes) is asked for again with the next connection.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from hubbub_client import (
    EVERYBODY,
    ChangeChat,
    ChatRecord,
    Client,
    ConnectionChanged,
    Pending,
    Refused,
    ServerComplained,
    SignedOut,
    State,
    StoredMessage,
    Unreachable,
    User,
)
from hubbub_terminal.book import Book
from hubbub_terminal.chat import Chat, Outgoing
from hubbub_terminal.words import AnyMessage

PAGE: Final = 60
MOST: Final = 200
"""Messages of the first page, which reaches back to where reading stopped if it can."""
CHATS: Final = 200
LOOKS: Final = 4
"""Things that are looked up at a time."""
ALL_AGAIN: Final = 20
"""Chats to be looked up from which the whole list is read instead."""

LATER: Final = 1.0
"""Seconds after which is asked again where there was no answer."""


class Desk:
    """One signed-in user's. `changed` is called when the book is another, `complain` with news.

    `run` within `async with client`, once; it ends when the client is signed out.
    """

    def __init__(
        self,
        client: Client,
        book: Book,
        changed: Callable[[], None],
        complain: Callable[[str], None],
    ) -> None:
        self.client = client
        self.book = book
        self.line = ConnectionChanged(State.CONNECTING, "Connecting")
        self.arrived = False  # all chats were listed since the start
        self._changed = changed
        self._complain = complain
        self._wake = asyncio.Event()
        self._busy: set[str] = set()
        self._listed = False  # since the connection stands
        book.status_of = client.status
        book.unread_of = self._unread

    @property
    def is_live(self) -> bool:
        """Whether what is shown is how it is."""
        return self.line.state is State.LIVE

    # ── what happens ─────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Hand events to the book until the client ends."""
        for send in self.client.waiting():
            self.book.queue(send)
        async with asyncio.TaskGroup() as group:
            looking = group.create_task(self._look_up())
            async for event in self.client.events():
                match event:
                    case ConnectionChanged():
                        self._moved(event)
                    case ServerComplained():
                        self._complain(event.message)
                    case _:
                        self.book.apply(event)
                self._wake.set()
                self._changed()
            looking.cancel()

    def _moved(self, line: ConnectionChanged) -> None:
        self.line = line
        if not self.is_live:
            self._listed = False

    def _unread(self, chat_id: str) -> tuple[int, int] | None:
        client = self.client
        if chat_id not in client.session.logs.chats:
            return None
        return client.unread(chat_id), client.unread_mentions(chat_id)

    def look(self) -> None:
        """Ask the server for what the book wants by now."""
        if self.book.wants_people or self.book.wants_chats:
            self._wake.set()

    # ── looking up what is wanted ────────────────────────────────────────────────────────────

    async def _look_up(self) -> None:
        """Names, chats and the list of all, as they are wanted and the server can be asked."""
        while True:
            self._wake.clear()
            if self.is_live:
                await self._look_once()
            await self._wake.wait()

    async def _look_once(self) -> None:
        book = self.book
        try:
            if not self._listed or len(book.wants_chats) > ALL_AGAIN:
                await self.list_chats()
            while book.wants_chats or book.wants_people:
                chats = [book.wants_chats.pop() for _ in range(min(LOOKS, len(book.wants_chats)))]
                people = [
                    book.wants_people.pop() for _ in range(min(LOOKS, len(book.wants_people)))
                ]
                async with asyncio.TaskGroup() as group:
                    for chat_id in chats:
                        group.create_task(self._chat(chat_id))
                    for user_id in people:
                        group.create_task(self._person(user_id))
                self._changed()
        except* (Unreachable, SignedOut):
            await asyncio.sleep(LATER)
        except* Refused as refused:
            self._complain(str(refused.exceptions[0]))

    async def list_chats(self) -> None:
        """Read the whole list of chats, by pages. Raises."""
        wanted = set(self.book.wants_chats)
        cursor = None
        found: set[str] = set()
        while True:
            page = await self.client.chats(CHATS, cursor)
            self.book.learn(page.chats)
            found.update(record.id for record in page.chats)
            self._changed()
            cursor = page.cursor
            if not page.has_more or cursor is None:
                break
        self.book.wants_chats -= wanted
        for chat_id in set(self.book.chats) - found - set(self.client.session.logs.chats):
            del self.book.chats[chat_id]
        self._listed = self.arrived = True
        self._changed()

    async def _chat(self, chat_id: str) -> None:
        try:
            self.book.learn([await self.client.chat(chat_id)])
        except Refused:
            self.book.wants_chats.discard(chat_id)

    async def _person(self, user_id: str) -> None:
        try:
            self.book.meet([await self.client.api.user(user_id)])
        except Refused:
            self.book.meet([User(user_id, "", "Somebody")])

    # ── history ──────────────────────────────────────────────────────────────────────────────

    async def open(self, chat: Chat) -> None:
        """See to it that the end of the chat is there, with what is unread. Raises."""
        if chat.window.known and not chat.stale:
            return
        async with self._once(f"open {chat.id}") as mine:
            if not mine:
                return
            wanted = PAGE + chat.unread
            await self._newest(chat, wanted if wanted <= MOST else PAGE)
            if chat.is_group and chat.record.member_count <= CHATS:
                page = await self.client.members(chat.id, CHATS)
                self.book.meet(member.user for member in page.members)
                self._changed()

    async def latest(self, chat: Chat) -> None:
        """Back to the end of the chat. Raises."""
        if chat.window.newer:
            await self._newest(chat, PAGE)

    async def _newest(self, chat: Chat, limit: int) -> None:
        page = await self.client.history(chat.id, limit=limit)
        # What came while the page was on its way, the client holds.
        newest = page.messages[0].seq if page.messages else 0
        since = [each for each in self.client.messages(chat.id) if each.seq > newest]
        chat.window.show(page.messages, page.has_more, newer=False)
        chat.window.append(since, more=False)
        chat.confirm([*page.messages, *since])
        chat.stale = False
        self._changed()

    async def older(self, chat: Chat) -> bool:
        """The page before what is held. False: it is being read, or there is none. Raises."""
        window = chat.window
        if not window.known or not window.older or not window.messages:
            return False
        first = window.messages[0]
        async with self._once(f"older {chat.id}") as mine:
            if not mine:
                return False
            page = await self.client.history(chat.id, first.id, PAGE)
            if window.messages and window.messages[0] is first:
                window.prepend(page.messages, page.has_more)
                self._changed()
            return True

    async def newer(self, chat: Chat) -> bool:
        """The page after what is held; as `older`. Raises."""
        window = chat.window
        if not window.known or not window.newer or not window.messages:
            return False
        last = window.messages[-1]
        async with self._once(f"newer {chat.id}") as mine:
            if not mine:
                return False
            page = await self.client.api.history(chat.id, after=last.id, limit=PAGE)
            if window.messages and window.messages[-1].id == last.id:
                newest = page.messages[0].seq if page.messages else last.seq
                since: list[AnyMessage] = [*page.messages]
                if not page.has_more:
                    held = self.client.messages(chat.id)
                    since += [each for each in held if each.seq > newest]
                window.append(since, page.has_more)
                self._changed()
            return True

    async def around(self, chat: Chat, message_id: str) -> None:
        """Hold the stretch around a message. Raises."""
        if chat.window.get(message_id) is not None:
            return
        page = await self.client.api.history(chat.id, around=message_id, limit=PAGE)
        newest = page.messages[0] if page.messages else None
        at_end = newest is not None and chat.last is not None and newest.seq >= chat.last.seq
        chat.window.show(page.messages, page.has_more, newer=not at_end)
        self._changed()

    async def message(self, chat: Chat, message_id: str) -> AnyMessage | None:
        """One message, held or read; None: it is not to be had. Raises Unreachable, SignedOut."""
        held = chat.window.get(message_id)
        if held is not None:
            return held
        try:
            found: StoredMessage = await self.client.api.message(message_id)
        except Refused:
            return None
        return found

    @asynccontextmanager
    async def _once(self, what: str) -> AsyncIterator[bool]:
        """False where the same is being done already."""
        if what in self._busy:
            yield False
            return
        self._busy.add(what)
        try:
            yield True
        finally:
            self._busy.discard(what)

    # ── doing ────────────────────────────────────────────────────────────────────────────────

    async def send(self, chat: Chat, content: str, reply_to: str | None = None) -> None:
        """Put a message into the outbox: it is sent now or later. Raises OutboxFull, TooLarge."""
        named: Sequence[str] = self.book.named_in(content) if chat.is_group else ()
        if chat.is_group and "@all" in content.split():
            named = EVERYBODY
        self._queued(
            await self.client.send(content, chat_id=chat.id, reply_to=reply_to, mentions=named)
        )

    async def forward(self, chat: Chat, message: AnyMessage) -> None:
        """Send a copy of a message, as `send` does."""
        self._queued(await self.client.forward(message.id, chat_id=chat.id))

    def _queued(self, pending: Pending) -> None:
        for send in self.client.waiting():
            if send.client_id == pending.client_id:
                self.book.queue(send)
        self._changed()

    async def edit(self, message: AnyMessage, content: str) -> None:
        """Let an own message say something else. Raises."""
        await self.client.api.edit(message.id, content)

    async def delete(self, message: AnyMessage) -> None:
        """Take a message away from everybody. Raises."""
        await self.client.api.delete(message.id)

    async def pin(self, message: AnyMessage) -> None:
        """Pin a message, or no more if it is. Raises."""
        await self.client.api.pin(message.id, not message.pinned)

    async def again(self, chat: Chat, outgoing: Outgoing) -> None:
        """Send what was refused as a new message."""
        del chat.outgoing[outgoing.key]
        await self.send(chat, outgoing.send.content, outgoing.send.reply_to)

    def discard(self, chat: Chat, outgoing: Outgoing) -> None:
        """Forget what was refused."""
        chat.outgoing.pop(outgoing.key, None)
        self._changed()

    def seen(self, chat: Chat) -> None:
        """The user looks at the end of the chat."""
        window = chat.window
        if window.known and not window.newer and window.messages:
            newest = window.messages[-1].seq
            if newest > chat.read:
                self.client.mark_read(chat.id, newest)

    async def find_user(self, name: str) -> User | None:
        """A user by exact name. Raises."""
        user = await self.client.api.find_user(name.strip().removeprefix("@").lower())
        if user is not None:
            self.book.meet([user])
        return user

    async def know(self, users: Sequence[str]) -> None:
        """Learn the names of these users. Raises Unreachable, SignedOut."""
        unknown = [user for user in users if user not in self.book.people]
        for start in range(0, len(unknown), LOOKS):
            async with asyncio.TaskGroup() as group:
                for user in unknown[start : start + LOOKS]:
                    group.create_task(self._person(user))

    async def direct(self, user: User) -> Chat:
        """The direct chat with a user. Raises."""
        return self.came(await self.client.api.open_direct(user.id))

    async def group(
        self, title: str, users: Sequence[User], *, history: bool, public: bool
    ) -> Chat:
        """A new group; `history`: who joins sees what was said before. Raises."""
        api = self.client.api
        members = [user.id for user in users]
        record = await api.create_group(title, members, "all" if history else "joined")
        if public:
            await api.change_chat(record.id, ChangeChat(visibility="public"))
            record = await api.chat(record.id)
        return self.came(record)

    def came(self, record: ChatRecord) -> Chat:
        """A chat that the user is in now."""
        self.book.learn([record])
        self._changed()
        return self.book.chats[record.id]

    async def change(self, chat: Chat, call: Awaitable[object]) -> None:
        """Do something to a group, and look what it is then. Raises."""
        await call
        self.book.wants_chats.add(chat.id)
        self._wake.set()
