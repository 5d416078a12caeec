"""The bots alive: each is a client of the server, as an application's would be.

They type before they write, answer when they are asked, read what they hear after a while, and
talk to the visitor when the visitor talks.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from random import Random
from typing import Final, Protocol, Self

from hubbub.demo.phrases import Kind, Phrases
from hubbub.demo.town import VISITOR, Person, Town
from hubbub_client import (
    AiohttpTransport,
    Api,
    Client,
    Event,
    MemoryStorage,
    Message,
    MessageAccepted,
    MessageArrived,
    Options,
    Refused,
    SignedOut,
    Unreachable,
)
from hubbub_client.api import sign_in
from hubbub_protocol import rest

MOST_WAITING: Final = 20
"""Messages of one bot that are not answered yet; then it says nothing more."""
AT_ONCE: Final = 8
"""Bots that sign in at the same time."""
READ_EVERY: Final = 0.25
READ_WITHIN: Final = 12.0
"""Seconds."""
REPLIES: Final = 0.4
"""How many answers are replies: to what was said last, or in the thread of an earlier one."""
MENTIONS: Final = 0.05
"""How many messages name somebody, every third of them the visitor."""
REACTIONS: Final = 0.05
"""How often a bot reacts to what it has read last."""
EMOJI: Final = ("👍", "❤️", "😂", "🎉", "😮", "🙏")
WINDOW: Final = 50
"""Messages that a bot remembers a chat."""


@dataclass(frozen=True, slots=True)
class Pace:
    """`per_second`: messages of all bots together. `typing`: they take their time."""

    per_second: float
    typing: bool = True


class Witness(Protocol):
    """Who hears all that the bots send and are told."""

    def sent(self, username: str, chat_id: str, client_id: str) -> None:
        """A bot put a message into its outbox."""

    def heard(self, username: str, event: Event) -> None:
        """A bot's client tells this."""


@dataclass(eq=False)
class Bot:
    """One of them. `due`: chats with what to read when (loop time, position)."""

    person: Person
    client: Client
    busy: bool = False
    waiting: int = 0
    due: dict[str, tuple[float, int]] = field(default_factory=dict)


async def enter(url: str, refresh_token: str) -> Client:
    """A client for a refresh token that was not used yet. Raises Refused, Unreachable."""
    transport = AiohttpTransport(url)
    signed_in = await sign_in(transport, "refresh", rest.Refresh(refresh_token))
    storage = MemoryStorage()
    client = Client(url, transport=transport, storage=storage, options=Options(window=WINDOW))
    await client.use_tokens(signed_in)
    return client


class Life:
    """`chat_ids` are the town's chats, in its order. Call `settle_in`, then `run`."""

    def __init__(
        self, town: Town, chat_ids: Sequence[str], visitor: str, pace: Pace, witness: Witness
    ) -> None:
        """`visitor`: the visitor's user id."""
        self.pace = pace
        self.said = 0
        self._town = town
        self._chat_ids = chat_ids
        self._places = {chat_id: place for place, chat_id in enumerate(chat_ids)}
        self._visitor = visitor
        self._witness = witness
        self._random = Random()
        self._phrases = Phrases(self._random)
        self._kinds: list[Kind] = ["say"] * len(chat_ids)
        self._newest: dict[int, Message] = {}
        self._answered: dict[int, int] = {}
        self._topics: dict[int, str] = {}  # messages that were answered last
        self._bots: dict[str, Bot] = {}

    @property
    def waiting(self) -> int:
        """Messages that are not acknowledged yet."""
        return sum(bot.waiting for bot in self._bots.values())

    async def settle_in(self, urls: Sequence[str], tokens: Mapping[str, str]) -> None:
        """Sign all bots in, each at one of these servers, with refresh tokens by user name.

        Raises Refused, Unreachable.
        """
        gate = asyncio.Semaphore(AT_ONCE)

        async def arrive(person: Person, url: str) -> None:
            async with gate:
                client = await enter(url, tokens[person.username])
            self._bots[person.username] = Bot(person, client)

        async with asyncio.TaskGroup() as group:
            for person, url in zip(self._town.bots, cycle(urls), strict=False):
                group.create_task(arrive(person, url))

    async def run(self) -> None:
        """Live until cancelled."""
        async with contextlib.AsyncExitStack() as stack:
            for bot in self._bots.values():
                await stack.enter_async_context(bot.client)
            async with asyncio.TaskGroup() as group:
                for bot in self._bots.values():
                    group.create_task(self._listen(group, bot))
                group.create_task(self._talk(group))
                group.create_task(self._read(group))

    # ── hearing ──

    async def _listen(self, group: asyncio.TaskGroup, bot: Bot) -> None:
        async for event in bot.client.events():
            self._witness.heard(bot.person.username, event)
            if isinstance(event, MessageAccepted):
                bot.waiting -= 1
            elif isinstance(event, MessageArrived):
                self._heard(group, bot, event.message)

    def _heard(self, group: asyncio.TaskGroup, bot: Bot, message: Message) -> None:
        place = self._places.get(message.chat_id)
        if place is None or message.sender_id == bot.client.user.id:
            return
        self._newest[place] = message
        when = asyncio.get_running_loop().time() + self._random.uniform(0.5, READ_WITHIN)
        first, _ = bot.due.get(message.chat_id, (when, 0))
        bot.due[message.chat_id] = (first, message.seq)
        if message.sender_id == self._visitor and self._answered.get(place, 0) < message.seq:
            self._answered[place] = message.seq
            listener = self._named(message) or self._idle(place)
            if listener is not None:
                listener.busy = True
                group.create_task(self._say(listener, place, "answer", message.id))

    async def _read(self, group: asyncio.TaskGroup) -> None:
        while True:
            await asyncio.sleep(READ_EVERY)
            now = asyncio.get_running_loop().time()
            for bot in self._bots.values():
                for chat_id, (when, seq) in list(bot.due.items()):
                    if when <= now:
                        del bot.due[chat_id]
                        bot.client.mark_read(chat_id, seq)
                        if self.pace.typing and self._random.random() < REACTIONS:
                            group.create_task(self._react(bot, self._places[chat_id]))

    async def _react(self, bot: Bot, place: int) -> None:
        newest = self._newest.get(place)
        if newest is not None and newest.sender_id != bot.client.user.id:
            with contextlib.suppress(Refused, Unreachable):
                await bot.client.api.react(newest.id, self._random.choice(EMOJI))

    # ── talking ──

    async def _talk(self, group: asyncio.TaskGroup) -> None:
        weights = [chat.weight for chat in self._town.chats]
        while True:
            pause = self._random.expovariate(self.pace.per_second) if self.pace.per_second else 1.0
            await asyncio.sleep(pause)
            (place,) = self._random.choices(range(len(weights)), weights)
            bot = self._idle(place) if self.pace.per_second else None
            if bot is not None:
                bot.busy = True
                kind = self._kinds[place] = self._phrases.after(self._kinds[place])
                group.create_task(self._say(bot, place, kind, self._topic(place, kind)))

    def _topic(self, place: int, kind: Kind) -> str | None:
        """The message that is answered, if one is."""
        newest, known = self._newest.get(place), self._topics.get(place)
        if newest is None or kind != "answer" or self._random.random() > REPLIES:
            return None
        topic = known if known and self._random.random() < 0.5 else newest.id
        self._topics[place] = topic
        return topic

    def _named(self, message: Message) -> Bot | None:
        """A bot whom the visitor names, if it is free to answer."""
        bots = (bot for bot in self._bots.values() if bot.client.user.id in message.mentions)
        return next((bot for bot in bots if not bot.busy), None)

    def _whom(self, bot: Bot, place: int) -> tuple[str, str] | None:
        """The name and id of whoever a message mentions, if it does."""
        chat = self._town.chats[place]
        if chat.title is None or self._random.random() > MENTIONS:
            return None
        others = [name for name in chat.members if name not in (VISITOR, bot.person.username)]
        if not others or self._random.random() < 1 / 3:
            return VISITOR, self._visitor
        name = self._random.choice(others)
        return name, self._bots[name].client.user.id

    def _idle(self, place: int) -> Bot | None:
        """A member who is free to say something."""
        members = [name for name in self._town.chats[place].members if name != VISITOR]
        free = [
            bot
            for name in members
            if not (bot := self._bots[name]).busy and bot.waiting < MOST_WAITING
        ]
        return self._random.choice(free) if free else None

    async def _say(self, bot: Bot, place: int, kind: Kind, reply_to: str | None) -> None:
        chat, chat_id = self._town.chats[place], self._chat_ids[place]
        text = self._phrases.text(chat.language(bot.person), kind)
        whom = self._whom(bot, place)
        if whom is not None:
            text = f"@{whom[0]} {text}"
        if self.pace.typing:
            await asyncio.sleep(self._random.uniform(0.2, 1.5))
            bot.client.typing(chat_id)
            await asyncio.sleep(min(6.0, 0.8 + 0.05 * len(text)))
        bot.waiting += 1
        mentions = [whom[1]] if whom else []
        pending = await bot.client.send(text, chat_id=chat_id, reply_to=reply_to, mentions=mentions)
        self.said += 1
        self._witness.sent(bot.person.username, chat_id, pending.client_id)
        bot.busy = False


class Visit:
    """The visitor, as somebody who only reads: the chats in the town's order, and the calls."""

    def __init__(self, api: Api, transport: AiohttpTransport, user_id: str) -> None:
        self.api = api
        self.user_id = user_id
        self.chat_ids: list[str] = []
        self.heads: dict[str, int] = {}
        self._transport = transport

    @classmethod
    async def begin(cls, url: str, town: Town, refresh_token: str) -> Self:
        """Sign in and look around. Raises Refused, Unreachable."""
        transport = AiohttpTransport(url)
        try:
            signed_in = await sign_in(transport, "refresh", rest.Refresh(refresh_token))
            api = Api(transport, lambda: signed_in.token, _no_other)
            visit = cls(api, transport, signed_in.user.id)
            page = await visit.api.chats(limit=200)
        except BaseException:
            await transport.close()
            raise
        chats = {(chat.title, chat.peer and chat.peer.username): chat for chat in page.chats}
        for place in town.chats:
            found = chats[place.title, None if place.title else place.members[1]]
            visit.chat_ids.append(found.id)
            visit.heads[found.id] = found.seq
        return visit

    async def end(self) -> None:
        """Close the connection."""
        await self._transport.close()


async def _no_other(_: str) -> str:
    raise SignedOut("the demo's tokens live for a day; start it again")
