"""What this process knows of active chats: who is in them, and their newest messages.

A bounded memory beside the store, kept in step by the outcomes of commits, and by what other nodes
tell of theirs. Those may not be heard: so each chat is known as it was after so many changes
(`Head.changes`), and the store objects to what was permitted before another one. Beyond the bound
the chat goes that came first and had no message since it was last spared (the clock algorithm);
whoever needs it again asks the store.
"""

from collections.abc import Hashable
from typing import Final

from hubbub.domain.change import Advanced, Logged, Made
from hubbub.domain.chat import LARGE, Found, Head
from hubbub.domain.events import UnsureEvent
from hubbub.domain.message import Row
from hubbub.domain.own import MyChat
from hubbub.domain.receipt import Passed

MOST_CHATS: Final = 50_000
TAIL: Final = 16
"""Newest messages remembered of a chat: enough to know whom a receipt concerns."""
MOST_SENDERS: Final = 1_000
"""Members of a large chat that are remembered as allowed to send."""


class KnownChat:
    """One chat. `members` is exact for chats up to LARGE, empty for larger ones.

    `ahead`: the furthest position in a large one that a cursor was seen to pass. `free`: whether
    every member is known to be allowed to send at any time; where not, each send asks the store.
    `active`: it is new or had a message. `head`: the newest position that is known, None where none
    is; `changes`: as in Head, when all this was so.
    """

    __slots__ = (
        "active",
        "ahead",
        "changes",
        "chat_id",
        "free",
        "head",
        "key",
        "large",
        "members",
        "newest",
        "senders",
        "size",
        "tail",
        "tail_after",
        "type",
    )

    def __init__(
        self, chat_id: int, kind: str, size: int, members: tuple[int, ...], head: Head | None
    ) -> None:
        """`head`: where its log ends now; None where that is not known."""
        self.chat_id = chat_id
        self.type = kind
        self.members = members
        self.resize(size)
        self.senders: set[int] | None = None
        self.tail: list[tuple[int, int, int]] = []
        self.head = None if head is None else head.seq
        self.changes = 0 if head is None else head.changes
        self.tail_after = self.head
        self.key: str | None = None
        self.newest: Newest | None = None
        self.ahead = 0
        self.free = True
        self.active = True

    def resize(self, size: int) -> None:
        """Members came or went. `large`: receipts are counts, routing goes by subscription."""
        self.size = size
        self.large = size > LARGE
        if self.large:
            self.members = ()

    @property
    def names(self) -> tuple[Hashable, ...]:
        """By what a send may call it."""
        return (self.chat_id,) if self.key is None else (self.chat_id, self.key)

    def has(self, user_id: int) -> bool:
        """Whether he is known to be a member now."""
        if self.large:
            return self.senders is not None and user_id in self.senders
        return user_id in self.members

    def admit(self, user_id: int) -> None:
        """Remember a member of a large chat."""
        if self.senders is None or len(self.senders) >= MOST_SENDERS:
            self.senders = set()
        self.senders.add(user_id)

    def remember(self, seq: int, message_id: int, sender_id: int) -> None:
        """A new message, for receipts to come. Positions come in order."""
        self.active = True
        if self.head != seq - 1:
            self.unsure()
        if self.tail_after is None:
            self.tail_after = seq - 1
            self.tail.clear()
        self.head = max(seq, self.head or 0)
        self.tail.append((seq, message_id, sender_id))
        if len(self.tail) > TAIL:
            self.tail_after = self.tail.pop(0)[0]

    def change(self, seq: int, changes: int) -> None:
        """A position that is no message."""
        if self.head != seq - 1:
            self.unsure()
        self.head = max(seq, self.head or 0)
        self.changes = max(self.changes, changes)

    def unsure(self) -> None:
        """There may be messages, and cursors that passed them, of which nobody was told."""
        self.tail_after, self.newest = None, None
        self.tail.clear()

    def said(self, seq: int, message_id: int, sender_id: int) -> None:
        """A member has said this: who passes the newest message of a large chat is counted."""
        self.remember(seq, message_id, sender_id)
        if self.large and seq == self.head:
            self.newest = Newest(seq, sender_id, seq > self.ahead)

    def count(self, moved: Advanced) -> bool:
        """A member's cursors moved in a large chat. Whether its author may have news of it.

        Beyond the head there may be a message that was not heard of: nobody here was connected.
        """
        self.ahead = max(self.ahead, moved.delivered, moved.read)
        if self.ahead > (self.head or 0):
            self.newest = None
        return self.newest is None or self.newest.count(moved)

    def passed(self, before: int, after: int, reader_id: int) -> list[Passed] | None:
        """Members whose messages lie in (before, after]; None where only the store knows.

        Of a chat that is not large.
        """
        if self.tail_after is None or before < self.tail_after:
            return None
        found: dict[int, Passed] = {}
        for seq, message_id, author_id in reversed(self.tail):
            if seq <= before:
                break
            fresh = seq <= after and author_id != reader_id and author_id not in found
            if fresh and author_id in self.members:
                found[author_id] = Passed(author_id, message_id, seq)
        return list(found.values())


class Newest:
    """How many members of a large chat passed its newest message, as far as moved here.

    `sure`: nobody had passed it when it became known: the store may show it before it is told.
    """

    __slots__ = ("author_id", "delivered", "read", "seq", "sure")

    def __init__(self, seq: int, author_id: int, sure: bool = True) -> None:
        self.seq = seq
        self.author_id = author_id
        self.delivered = 0
        self.read = 0
        self.sure = sure

    def count(self, moved: Advanced) -> bool:
        """Whether the cursors of somebody else passed it now."""
        if moved.user_id == self.author_id:
            return False
        before = max(moved.delivered_before, moved.read_before)
        delivered = before < self.seq <= max(moved.delivered, moved.read)
        read = not moved.silent and moved.read_before < self.seq <= moved.read
        self.delivered += delivered
        self.read += read
        return delivered or read


class Roster:
    """Known chats by id, and direct and ad-hoc chats by key."""

    def __init__(self, most: int = MOST_CHATS) -> None:
        self._most = most
        self._chats: dict[int, KnownChat] = {}
        self._keys: dict[str, int] = {}
        self._held = False
        self.get = self._chats.get
        """A known chat by its id, or None."""
        self.knows = self._chats.__contains__
        """Whether `get` would find it."""

    def __len__(self) -> int:
        return len(self._chats)

    def ends_with(self, chat_id: int, seq: int, sender_id: int) -> bool:
        """Whether the newest message of a known chat is at `seq`, by this sender."""
        chat = self._chats.get(chat_id)
        if chat is None or not chat.tail:
            return False
        newest, _, author = chat.tail[-1]
        return newest == seq and author == sender_id

    def by_key(self, key: str) -> KnownChat | None:
        """A known chat by its key."""
        chat = self.get(self._keys.get(key, 0))
        return chat if chat is not None and chat.key == key else None

    def add(self, chat: KnownChat, key: str | None = None) -> KnownChat:
        """Remember a chat; forget the oldest beyond the bound, unless all are held."""
        self._chats[chat.chat_id] = chat
        if key is not None:
            chat.key = key
            self._keys[key] = chat.chat_id
        if not self._held:
            self._trim()
        return chat

    def hold(self) -> None:
        """Forget none of them by itself, until `release`: a commit is about to be told."""
        self._held = True

    def release(self) -> None:
        """Keep the bound again."""
        self._held = False
        self._trim()

    def _trim(self) -> None:
        while len(self._chats) > self._most:
            oldest = self._chats.pop(next(iter(self._chats)))
            if oldest.active:
                oldest.active = False
                self._chats[oldest.chat_id] = oldest
        while len(self._keys) > self._most:
            del self._keys[next(iter(self._keys))]

    def found(self, found: Found, user_id: int, late: bool = False) -> KnownChat:
        """What a look-up for this user told. `late`: a commit may have come after it."""
        chat = known = self._chats.get(found.chat.id)
        if chat is None or chat.changes < found.head.changes:
            chat = KnownChat(
                found.chat.id, found.chat.type, found.chat.size, found.members, found.head
            )
            chat.free = False
            if known is not None:
                chat.ahead = known.ahead
                if (known.head or 0) >= found.head.seq:
                    chat.newest = known.newest
        if not late:
            chat.free = found.free
        if found.role is not None and chat.large and not late:  # he may be gone by now
            chat.admit(user_id)
        return self.add(chat, found.chat.key)

    def made(self, made: Made, key: str | None) -> KnownChat:
        """A chat that was made, or found again, by a commit."""
        chat = self.get(made.chat_id)
        if chat is None or made.events:
            head = Head() if made.events else None
            chat = KnownChat(made.chat_id, made.type, made.size, made.members, head)
            chat.free = bool(made.events)
        return self.add(chat, key)

    def ask_again(self, chat_id: int) -> None:
        """Who may send there now, the next one who does asks the store."""
        chat = self.get(chat_id)
        if chat is not None:
            chat.free = False

    def ask_about(self, user_id: int) -> None:
        """The same in all direct chats of a user."""
        for chat in self._chats.values():
            if chat.type == "direct" and user_id in chat.members:
                chat.free = False

    def unsure(self, event: UnsureEvent) -> None:
        """Where it was only said something, who is in the chat stays known."""
        for chat_id in event.changed:
            self.forget(chat_id)
        for chat_id in event.chats:
            chat = self.get(chat_id)
            if chat is not None:
                chat.unsure()
        for user_id in event.users:
            self.ask_about(user_id)

    def clear(self) -> None:
        """Ask the store about every chat the next time."""
        self._chats.clear()
        self._keys.clear()

    def forget(self, chat_id: int) -> None:
        """Ask the store the next time."""
        self._chats.pop(chat_id, None)

    def changed(self, outcome: Logged) -> KnownChat | None:
        """Members came or went; the chat, if it is known and still of the same kind."""
        chat = self.get(outcome.chat_id)
        if chat is None:
            return None
        if chat.key is not None:  # found by its member set no more
            self._keys.pop(chat.key, None)
            chat.key = None
        was_large = chat.large
        chat.resize(outcome.size)
        chat.changes = max(chat.changes, outcome.head.changes)
        if chat.large != was_large:
            self.forget(outcome.chat_id)
            return None
        _apply(chat, outcome.events)
        return chat

    def large(self, chat_id: int, head: int) -> KnownChat:
        """A large chat with its newest position, of whose members nothing is known."""
        known = self.get(chat_id)
        chat = KnownChat(chat_id, "group", LARGE + 1, (), None)
        chat.free, chat.head = False, head
        if known is not None:
            chat.newest, chat.ahead = known.newest, known.ahead
        return self.add(chat)

    def heard(self, row: Row, large: bool) -> None:
        """Another node has committed this. What it means for a chat's members the store knows."""
        chat = self.get(row.chat_id)
        if chat is not None and chat.large != large:  # it grew, or shrank
            self.forget(row.chat_id)
            chat = None
        new, system = row.rev == row.seq, row.type == "system"
        if large and new and not system and (chat is None or chat.head is None):
            chat = self.large(row.chat_id, row.seq - 1)
        if chat is None or chat.head is None or row.rev <= chat.head:
            return
        if new and system and not large:
            self.forget(row.chat_id)
        elif new and system:
            if row.rev > chat.head + 1:  # there may be a message that was not heard
                chat.unsure()
            self.large(row.chat_id, row.seq)
        elif new:
            chat.said(row.seq, row.id, row.sender_id)
        elif row.rev == chat.head + 1:
            chat.change(row.rev, chat.changes + 1)


def _apply(chat: KnownChat, events: list[MyChat]) -> None:
    gone = {e.user_id for e in events if not e.present}
    come = tuple(e.user_id for e in events if e.present and e.user_id not in chat.members)
    if chat.large:
        if chat.senders is not None:
            chat.senders -= gone
    else:
        chat.members = tuple(u for u in chat.members if u not in gone) + come
