"""A store of chats with its reader, some users in it, and short words for what tests do."""

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import apsw
from msgspec.structs import replace

from hubbub.adapters.memory.chats import MemoryChatStore
from hubbub.adapters.memory.joining import MemoryJoining
from hubbub.adapters.memory.operating import MemoryOperating
from hubbub.adapters.memory.reader import MemoryReader
from hubbub.adapters.memory.referring import MemoryReferring
from hubbub.adapters.memory.relations import MemoryRelations
from hubbub.adapters.memory.state import State
from hubbub.adapters.sqlite.chats import SqliteChatStore
from hubbub.adapters.sqlite.database import open_database
from hubbub.adapters.sqlite.joining import SqliteJoining
from hubbub.adapters.sqlite.operating import SqliteOperating
from hubbub.adapters.sqlite.reader import SqliteReader
from hubbub.adapters.sqlite.referring import SqliteReferring
from hubbub.adapters.sqlite.relations import SqliteRelations
from hubbub.domain.account import User
from hubbub.domain.change import (
    Advance,
    Advanced,
    Change,
    Create,
    Created,
    Enrol,
    Leave,
    Logged,
    NewChat,
    Outcome,
    Post,
    Posted,
    SetRole,
)
from hubbub.domain.chat import History, Role, direct_key
from hubbub.domain.extra import Extra, pack
from hubbub.domain.own import MeEvent, MyChat
from hubbub.domain.reading import Log
from hubbub.domain.view import Places
from hubbub.ports import (
    ChatReader,
    ChatStore,
    Joining,
    LogRead,
    MessageReader,
    Operating,
    OwnLog,
    Referring,
    Relations,
    ResumeFrom,
)

ANN, BOB, CAT, DAN, EVE = 1, 2, 3, 4, 5
CHAT = 1_001


def user(number: int) -> User:
    return User(number, f"user{number}", f"User {number}", "", False, 7)


class Awaited:
    """A synchronous adapter as the asynchronous port that it mirrors."""

    def __init__(self, inner: object) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._inner, name)

        async def call(*args: object) -> object:
            return method(*args)

        return call


class World:
    """What every test works with. `now` is the clock of the changes that have no time given."""

    store: ChatStore
    reader: ChatReader
    messages: MessageReader
    own_log: OwnLog
    referring: Referring
    joining: Joining
    operating: Operating
    relations: Relations

    def __init__(self) -> None:
        self.now = 1_000
        self._ids = itertools.count(5_001)

    def add_user(self, number: int) -> None:
        raise NotImplementedError

    def add_session(self, session_id: int, user_id: int, own_places: bool = False) -> None:
        raise NotImplementedError

    def reopen(self) -> None:
        """End the process and start another on what is stored."""
        raise NotImplementedError

    def add_users(self, *numbers: int) -> None:
        for number in numbers:
            self.add_user(number)

    def next_id(self) -> int:
        return next(self._ids)

    async def do(self, *changes: Change) -> list[Outcome]:
        return await self.store.commit(list(changes))

    async def one(self, change: Change) -> Any:
        (outcome,) = await self.store.commit([change])
        return outcome

    async def group(
        self, *members: int, chat: int = CHAT, history: History = "joined", key: str | None = None
    ) -> int:
        new = NewChat(chat, "group", key, "Group", history, members[0], members)
        outcome = await self.one(Create(new, self.now))
        assert isinstance(outcome, Created)
        return outcome.made.chat_id

    async def direct(self, first: int, second: int, chat: int = CHAT) -> int:
        outcome = await self.one(Create(direct(first, second, chat), self.now))
        assert isinstance(outcome, Created)
        return outcome.made.chat_id

    def text(
        self,
        content: str,
        sender: int = ANN,
        chat: int = CHAT,
        client_id: bytes | None = None,
        new_chat: NewChat | None = None,
        at: int | None = None,
        extra: Extra | None = None,
    ) -> Post:
        when = self.now if at is None else at
        chat = 0 if new_chat else chat
        place = (self.next_id(), chat, new_chat, sender, client_id, when)
        return Post(*place, "text", content, b"", 0, 0, pack(extra))

    async def post(
        self, content: str, sender: int = ANN, chat: int = CHAT, extra: Extra | None = None
    ) -> Posted:
        outcome = await self.one(self.text(content, sender, chat, extra=extra))
        assert isinstance(outcome, Posted)
        return outcome

    async def reply(self, to: int, thread: int, sender: int = ANN, chat: int = CHAT) -> Posted:
        post = replace(self.text("reply", sender, chat), reply_to=to, thread_id=thread)
        outcome = await self.one(post)
        assert isinstance(outcome, Posted)
        return outcome

    async def posts(self, count: int, sender: int = ANN, chat: int = CHAT) -> list[Posted]:
        return [await self.post(f"{i}", sender, chat) for i in range(1, count + 1)]

    async def enrol(self, *users: int, by: int = ANN, chat: int = CHAT) -> Logged:
        outcome = await self.one(Enrol(self.next_id(), chat, by, users, self.now))
        assert isinstance(outcome, Logged)
        return outcome

    async def leave(self, user_id: int, by: int | None = None, chat: int = CHAT) -> Logged:
        change = Leave(self.next_id(), chat, user_id if by is None else by, user_id, self.now)
        outcome = await self.one(change)
        assert isinstance(outcome, Logged)
        return outcome

    async def role(self, user_id: int, role: Role, by: int = ANN, chat: int = CHAT) -> Logged:
        outcome = await self.one(SetRole(self.next_id(), chat, by, user_id, role, self.now))
        assert isinstance(outcome, Logged)
        return outcome

    async def advance(
        self, user_id: int, delivered: int, read: int = 0, chat: int = CHAT, session: int = 0
    ) -> Advanced:
        move = Advance(chat, user_id, session, delivered, read, self.now)
        outcome = await self.one(move)
        assert isinstance(outcome, Advanced)
        return outcome

    async def log(self, user_id: int, chat: int = CHAT, after: int = 0) -> Log | None:
        (found,) = await self.store.logs([LogRead(user_id, chat, after, 1000)])
        return found

    async def seen(self, user_id: int, chat: int = CHAT) -> list[int] | None:
        """The positions in the log that the user may see; None: there is no such chat for him."""
        found = await self.log(user_id, chat)
        return None if found is None else [row.rev for row in found.rows]

    async def places(
        self, user_id: int, session: int = 0, positions: dict[int, int] | None = None, me: int = 0
    ) -> Places:
        (found,) = await self.store.places([ResumeFrom(user_id, session, positions, me)])
        return found


def direct(first: int, second: int, chat: int = CHAT) -> NewChat:
    key = direct_key(first, second)
    return NewChat(chat, "direct", key, None, "joined", first, (first, second))


def memberships(events: Sequence[MeEvent]) -> list[MyChat]:
    """Events of an own log that speak of nothing but chats."""
    chats = [event for event in events if isinstance(event, MyChat)]
    assert len(chats) == len(events)
    return chats


class MemoryWorld(World):
    """Dictionaries."""

    def __init__(self) -> None:
        super().__init__()
        self.state = State()
        self.reopen()

    def add_user(self, number: int) -> None:
        self.state.add_user(user(number))

    def add_session(self, session_id: int, user_id: int, own_places: bool = False) -> None:
        self.state.add_session(session_id, user_id, own_places)

    def reopen(self) -> None:
        self.store, self.joining = MemoryChatStore(self.state), MemoryJoining(self.state)
        self.reader = self.own_log = self.messages = MemoryReader(self.state)
        self.referring = MemoryReferring(self.state)
        self.operating = MemoryOperating(self.state)
        self.relations = MemoryRelations(self.state)


class SqliteWorld(World):
    """A database file, or one in memory for `:memory:`, which cannot be reopened."""

    connection: apsw.Connection

    def __init__(self, path: Path | str) -> None:
        super().__init__()
        self._path = str(path)
        self._open()

    def add_user(self, number: int) -> None:
        u = user(number)
        self.connection.execute(
            "INSERT INTO users (id, username, display_name, password_hash, created_at)"
            " VALUES (?,?,?,'secret',?)",
            (u.id, u.username, u.display_name, u.created_at),
        )

    def add_session(self, session_id: int, user_id: int, own_places: bool = False) -> None:
        self.connection.execute(
            "INSERT INTO sessions (id, user_id, refresh_hash, device, created_at, last_used_at,"
            " expires_at, own_places) VALUES (?,?,?,'',0,0,0,?)",
            (session_id, user_id, b"%d" % session_id, own_places),
        )

    def reopen(self) -> None:
        self.close()
        self._open()

    def close(self) -> None:
        self.connection.close()

    def _open(self) -> None:
        self.connection = open_database(self._path)
        self.connection.execute("PRAGMA synchronous = OFF")  # durability is tested elsewhere
        self.store = cast(ChatStore, Awaited(SqliteChatStore(self.connection)))
        self.joining = cast(Joining, Awaited(SqliteJoining(self.connection)))
        self.operating = cast(Operating, Awaited(SqliteOperating(self.connection)))
        self.relations = cast(Relations, Awaited(SqliteRelations(self.connection)))
        self.referring = cast(Referring, Awaited(SqliteReferring(self.connection)))
        reader = Awaited(SqliteReader(self.connection))
        self.reader, self.own_log = cast(ChatReader, reader), cast(OwnLog, reader)
        self.messages = cast(MessageReader, reader)
