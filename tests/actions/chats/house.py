"""The verbs of chats put together on dictionaries; changes are committed as they come."""

from collections.abc import Awaitable, Callable, Sequence

import pytest

from hubbub.actions.add_members import AddMembers
from hubbub.actions.change_chat import ChangeChat
from hubbub.actions.change_member import ChangeMember
from hubbub.actions.compose import Compose
from hubbub.actions.create_chat import CreateChat
from hubbub.actions.directory import Directory
from hubbub.actions.get_chat import GetChat
from hubbub.actions.get_message import GetMessage
from hubbub.actions.get_receipts import GetReceipts
from hubbub.actions.list_chats import ListChats
from hubbub.actions.list_members import ListMembers
from hubbub.actions.pace import Pace
from hubbub.actions.read_events import ReadEvents, ReadMyEvents
from hubbub.actions.read_history import ReadHistory
from hubbub.actions.remove_member import RemoveMember
from hubbub.actions.stances import Blocks, ChangeMe
from hubbub.adapters.memory.accounts import MemoryAccounts
from hubbub.adapters.memory.chats import MemoryChatStore
from hubbub.adapters.memory.reader import MemoryReader
from hubbub.adapters.memory.relations import MemoryRelations
from hubbub.adapters.memory.state import State
from hubbub.domain.account import Principal, User
from hubbub.domain.change import Advance, Change, Outcome, Post
from hubbub.domain.limits import MessageLimits
from hubbub_protocol import ids, rest
from hubbub_protocol.codes import Code, Refused
from hubbub_protocol.ids import IdMaker
from tests.support.accounts import HandClock

STRANGE_CHAT = ids.text("chat", 1)
STRANGE_USER = ids.text("user", 1)
STRANGE_MESSAGE = ids.text("msg", 1)


class DirectChanges:
    """`Changes` without a queue; keeps what it was given."""

    def __init__(self, store: MemoryChatStore) -> None:
        self._store = store
        self.done: list[Change] = []

    async def do(self, change: Change) -> Outcome:
        self.done.append(change)
        (outcome,) = await self._store.commit([change])
        return outcome


class House:
    """A server's verbs, and words for what tests do with them."""

    def __init__(self, limits: MessageLimits) -> None:
        self.clock = HandClock()
        self.ids = IdMaker(1, self.clock.now_ms)
        self.state = State()
        self.accounts = MemoryAccounts()
        store, reader = MemoryChatStore(self.state), MemoryReader(self.state)
        self.reader = reader
        self.changes = changes = DirectChanges(store)
        directory = Directory(self.accounts, self.accounts)
        relations = MemoryRelations(self.state)
        shared = (reader, changes, self.ids, self.clock)
        self.blocks = Blocks(directory, relations, changes)
        self.change_me = ChangeMe(self.accounts, self.accounts, changes)
        self.create = CreateChat(directory, relations, *shared, limits)
        self.add = AddMembers(directory, relations, *shared, limits)
        self.remove = RemoveMember(directory, *shared)
        self.change = ChangeMember(directory, *shared)
        self.settle = ChangeChat(*shared)
        self.chat, self.chats, self.members = (
            GetChat(reader),
            ListChats(reader),
            ListMembers(reader),
        )
        self.history, self.message = ReadHistory(reader), GetMessage(reader)
        self.receipts = GetReceipts(reader)
        self.events, self.my_events = ReadEvents(store), ReadMyEvents(reader)

    async def user(self, name: str) -> Principal:
        number = self.ids.make()
        user = User(number, name, name.title(), "", False, self.clock.now_ms())
        assert await self.accounts.add_user(user, None) == "ok"
        self.state.add_user(user)
        return Principal(number, self.ids.make(), 2**60)

    async def group(self, creator: Principal, *others: Principal, history: str = "joined") -> str:
        members = [ref(other) for other in others]
        request = rest.CreateChat("group", "Title", members, history)  # type: ignore[arg-type]
        chat, made = await self.create(creator, request)
        assert made
        return chat.id

    async def direct(self, creator: Principal, other: Principal) -> tuple[rest.Chat, bool]:
        return await self.create(creator, rest.CreateChat("direct", member_ids=[ref(other)]))

    async def send(
        self, sender: Principal, chat: str, content: str = "hello", client_id: bytes | None = None
    ) -> str:
        number = self.ids.make()
        place = (number, ids.parse("chat", chat), None, sender.user_id, client_id)
        await self.changes.do(Post(*place, self.clock.now_ms(), "text", content, b"", 0))
        return ids.text("msg", number)

    async def advance(self, member: Principal, chat: str, delivered: int, read: int = 0) -> None:
        number = ids.parse("chat", chat)
        at = self.clock.now_ms()
        await self.changes.do(Advance(number, member.user_id, 0, delivered, read, at))


def ref(principal: Principal) -> str:
    return ids.text("user", principal.user_id)


async def refused(call: Awaitable[object]) -> Refused:
    with pytest.raises(Refused) as caught:
        await call
    assert caught.value.message.endswith((".", "leave."))
    return caught.value


async def code(call: Awaitable[object]) -> Code:
    return (await refused(call)).code


def naming(
    house: House, limits: MessageLimits
) -> tuple[
    Callable[[Sequence[str]], tuple[int, ...]], Callable[[Sequence[str]], Awaitable[object]]
]:
    """How a verb finds users by their names, and has them looked up."""
    directory = Directory(house.accounts, house.accounts)
    free = Pace(house.clock, 0, 0)
    compose = Compose(limits, house.ids, house.clock, free, lambda refusal: None, directory)
    return compose.mentions, directory.learn
