"""Reading what a chat said: its end, pages of its past, threads, on demand.

All of it raises Refused, Unreachable, SignedOut.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from hubbub_client import Client, Refused, StoredMessage
from hubbub_terminal.book import Book
from hubbub_terminal.chat import Chat
from hubbub_terminal.thread import Thread
from hubbub_terminal.words import AnyMessage

PAGE: Final = 60
MOST: Final = 200
"""Messages of the first page, which reaches back to where reading stopped if it can."""
CHATS: Final = 200
"""Things of a list that are asked for at once."""


class Reader:
    """Puts what it reads into the book, and calls `changed`."""

    def __init__(self, client: Client, book: Book, changed: Callable[[], None]) -> None:
        self.client = client
        self.book = book
        self._changed = changed
        self._busy: set[str] = set()

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
                chat.members = [member.user.id for member in page.members]
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
        if chat.thread is not None:
            return await self._older_replies(chat.thread)
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
        if chat.thread is not None or not window.known or not window.newer or not window.messages:
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

    async def open_thread(self, chat: Chat, root_id: str) -> None:
        """Show a thread instead of its chat. Raises."""
        page = await self.client.api.thread(root_id, PAGE, newest_first=True)
        thread = Thread(root_id)
        thread.show(page)
        chat.thread = thread
        self._changed()

    async def _older_replies(self, thread: Thread) -> bool:
        async with self._once(f"older {thread.root_id}") as mine:
            if not mine or thread.cursor is None:
                return False
            page = await self.client.api.thread(
                thread.root_id, PAGE, thread.cursor, newest_first=True
            )
            thread.older(page)
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
