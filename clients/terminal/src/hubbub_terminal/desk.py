"""Between the client and the book: events in, pages on demand, what the user does out.

Whatever of it needs the server raises Refused, Unreachable or SignedOut, and the caller tells the
user. What is only nice to have (names, sizes) is asked for again with the next connection.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
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
    Unreachable,
    User,
)
from hubbub_terminal.book import Book, names_all
from hubbub_terminal.chat import Chat, Outgoing
from hubbub_terminal.reader import CHATS, Reader
from hubbub_terminal.words import AnyMessage

LOOKS: Final = 4
"""Things that are looked up at a time."""
ALL_AGAIN: Final = 20
"""Chats to be looked up from which the whole list is read instead."""

LATER: Final = 1.0
"""Seconds after which is asked again where there was no answer."""


class Desk(Reader):
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
        super().__init__(client, book, changed)
        self.line = ConnectionChanged(State.CONNECTING, "Connecting")
        self.arrived = False  # all chats were listed since the start
        self._complain = complain
        self._wake = asyncio.Event()
        self._listed = False  # since the connection stands
        book.status_of = client.status
        book.unread_of = self._unread
        book.replies_of = self._replies

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

    def _replies(self, message: AnyMessage) -> int:
        found = self.client.replies(message)
        return 0 if found is None else found.count

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
        self.book.blocked = await self._blocks()
        self.book.wants_chats -= wanted
        for chat_id in set(self.book.chats) - found - set(self.client.session.logs.chats):
            del self.book.chats[chat_id]
        self._listed = self.arrived = True
        self._changed()

    async def _blocks(self) -> set[str]:
        page = await self.client.api.blocks(CHATS)
        found = {user.id for user in page.users}
        while page.has_more:
            page = await self.client.api.blocks(CHATS, page.cursor)
            found |= {user.id for user in page.users}
        return found

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

    # ── doing ────────────────────────────────────────────────────────────────────────────────

    async def send(self, chat: Chat, content: str, reply_to: str | None = None) -> None:
        """Put a message into the outbox: it is sent now or later. Raises OutboxFull, TooLarge."""
        named: Sequence[str] = self.book.named_in(content) if chat.is_group else ()
        if chat.is_group and names_all(content):
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

    async def edit(self, chat: Chat, message: AnyMessage, content: str) -> None:
        """Let an own message say something else, and name whom it says then. Raises."""
        named, everybody = self.book.named_anew(message, content) if chat.is_group else (None, None)
        await self.client.api.edit(message.id, content, mentions=named, mention_all=everybody)

    async def delete(self, message: AnyMessage) -> None:
        """Take a message away from everybody. Raises."""
        await self.client.api.delete(message.id)

    async def hide(self, message: AnyMessage) -> None:
        """Take a message away from the user alone. Raises."""
        await self.client.api.delete(message.id, for_="me")

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

    async def block(self, user_id: str, blocked: bool) -> None:
        """Block a user, or not any more. Raises."""
        await (self.client.api.block if blocked else self.client.api.unblock)(user_id)
        (self.book.blocked.add if blocked else self.book.blocked.discard)(user_id)
        self._changed()

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
