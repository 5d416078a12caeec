"""People on different servers of one cluster: they notice nothing of it (G8)."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar

from hubbub.domain.chat import LARGE
from hubbub_client import (
    ChatRemoved,
    Client,
    Event,
    MessageArrived,
    MessageChanged,
    PresenceChanged,
    ReceiptsCounted,
    SendFailed,
    State,
    Ticked,
    TypingChanged,
)
from tests.faults.people import calling
from tests.support.cluster import Cluster
from tests.support.wait import eventually

PASSWORD = "correct horse"
PATIENCE = 30.0
E_ = TypeVar("E_", bound=Event)


class Person:
    """A client that is connected, and all that it has said."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.events: list[Event] = []

    @property
    def id(self) -> str:
        return self.client.user.id

    async def listen(self) -> None:
        async for event in self.client.events():
            self.events.append(event)

    def of(self, kind: type[E_]) -> list[E_]:
        return [event for event in self.events if isinstance(event, kind)]

    async def hears(self, kind: type[E_], which: Callable[[E_], bool] = lambda event: True) -> E_:
        """Wait for such an event."""
        await eventually(
            lambda: any(which(event) for event in self.of(kind)), f"{kind.__name__}", PATIENCE
        )
        return next(event for event in self.of(kind) if which(event))

    async def reads(self, content: str) -> MessageArrived:
        return await self.hears(MessageArrived, lambda event: event.message.content == content)


@asynccontextmanager
async def people(cluster: Cluster, *names: str) -> AsyncIterator[list[Person]]:
    """Connected, each to the next server."""
    async with AsyncExitStack() as stack:
        found: list[Person] = []
        for number, name in enumerate(names):
            url = cluster.urls[number % len(cluster.urls)]
            client = await Client.register(url, f"{name}-{uuid.uuid4().hex[:12]}", PASSWORD)
            person = Person(await stack.enter_async_context(client))
            task = asyncio.create_task(person.listen())
            stack.callback(task.cancel)
            found.append(person)

        def connected() -> bool:
            return all(person.client.state is State.LIVE for person in found)

        await eventually(connected, "they are connected", PATIENCE)
        yield found


async def group(owner: Person, *others: Person) -> str:
    made = await owner.client.create_group("Garden", [other.id for other in others])
    return made.id


async def test_a_message_arrives_and_its_ticks_come_back(cluster: Cluster) -> None:
    async with people(cluster, "ann", "bob") as (ann, bob):
        await ann.client.send("hello", recipient_ids=[bob.id])
        arrived = await bob.reads("hello")
        await ann.hears(Ticked, lambda event: event.status == "delivered")
        bob.client.mark_read(arrived.message.chat_id, arrived.message.seq)
        await ann.hears(Ticked, lambda event: event.status == "read")
        await bob.client.send("hello yourself", chat_id=arrived.message.chat_id)
        await ann.reads("hello yourself")


async def test_everybody_sees_one_order(cluster: Cluster) -> None:
    async with people(cluster, "ann", "bob", "cat") as everybody:
        chat = await group(*everybody)
        for number in range(30):
            for person in everybody:
                await person.client.send(f"{person.id} {number}", chat_id=chat)

        def orders() -> list[list[int]]:
            return [
                [e.message.seq for e in person.of(MessageArrived) if e.message.content]
                for person in everybody
            ]

        await eventually(lambda: {*map(len, orders())} == {90}, "all messages arrive", PATIENCE)
        first, *rest = orders()
        assert first == sorted(first)
        assert rest == [first] * 2


async def test_an_edit_and_a_reaction_are_seen(cluster: Cluster) -> None:
    async with people(cluster, "ann", "bob") as (ann, bob):
        await ann.client.send("helo", recipient_ids=[bob.id])
        arrived = await bob.reads("helo")
        await ann.client.api.edit(arrived.message.id, "hello")
        await bob.hears(MessageChanged, lambda event: event.message.content == "hello")
        await bob.client.api.react(arrived.message.id, "👍")
        await ann.hears(MessageChanged, lambda event: "👍" in event.message.reactions)


async def test_who_was_removed_elsewhere_cannot_send(cluster: Cluster) -> None:
    async with people(cluster, "ann", "bob", "cat") as (ann, bob, cat):
        chat = await group(ann, bob, cat)
        await bob.client.send("before", chat_id=chat)
        await ann.reads("before")
        await ann.client.api.remove_member(chat, bob.id)
        # Through the server on which he was a member a moment ago.
        await bob.client.send("after", chat_id=chat)
        assert (await bob.hears(SendFailed)).code == "not_found"
        await bob.hears(ChatRemoved)


async def test_who_came_meanwhile_hears_what_others_send(cluster: Cluster) -> None:
    async with people(cluster, "ann", "bob", "cat") as (ann, bob, cat):
        chat = await group(ann, bob)
        await bob.client.send("one", chat_id=chat)
        await ann.reads("one")
        await ann.client.api.add_members(chat, [cat.id])
        await bob.client.send("two", chat_id=chat)
        await cat.reads("two")
        assert not [e for e in cat.of(MessageArrived) if e.message.content == "one"]


async def test_typing_and_presence(cluster: Cluster) -> None:
    async with people(cluster, "ann", "bob") as (ann, bob):
        await ann.client.send("hello", recipient_ids=[bob.id])
        chat = (await bob.reads("hello")).message.chat_id
        bob.client.focus([chat])
        await bob.hears(PresenceChanged, lambda event: event.status == "online")
        ann.client.typing(chat)
        await bob.hears(TypingChanged, lambda event: event.user_id == ann.id and event.is_typing)
        await ann.client.__aexit__(None, None, None)
        await bob.hears(PresenceChanged, lambda event: event.status == "offline")
        assert (await bob.client.api.user(ann.id)).status == "offline"


async def test_a_session_that_is_ended_elsewhere_is_closed(cluster: Cluster) -> None:
    async with people(cluster, "ann") as (ann,):
        other = await Client.login(cluster.urls[1], ann.client.user.username, PASSWORD)
        async with other:
            (mine,) = [s for s in await other.api.sessions() if not s.current]
            await other.api.revoke_session(mine.id)
            await eventually(
                lambda: ann.client.state is State.CLOSED, "its connection is closed", PATIENCE
            )


async def test_receipts_of_a_large_group_are_counted_together(cluster: Cluster) -> None:
    async with people(cluster, "ann", "bob", "cat", "dan") as (ann, *others):
        async with calling(cluster.urls[0]) as api:
            made = [await api.register(uuid.uuid4().hex) for _ in range(LARGE)]
        chat = await group(ann, *others)
        await ann.client.api.add_members(chat, [person.id for person in made])
        await ann.client.send("to all", chat_id=chat)
        for other in others:
            arrived = await other.reads("to all")
            other.client.mark_read(chat, arrived.message.seq)
        await ann.hears(ReceiptsCounted, lambda event: (event.delivered, event.read) == (3, 3))
