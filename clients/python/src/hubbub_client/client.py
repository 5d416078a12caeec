"""The client: one signed-in user, kept connected, as an asynchronous context manager.

    async with await Client.login("https://chat.example", "ann", password) as client:
        await client.send("Hello!", recipient_ids=[peer_id])
        async for event in client.events():
            ...

Everything that decides is in `session.Session`; this class (with `engine.Engine`) moves bytes.
"""

import random as randomness
from collections.abc import AsyncIterator, Sequence
from random import Random
from types import TracebackType
from typing import Any, Self

from msgspec import Struct

from hubbub_client.api import Api, sign_in
from hubbub_client.clock import Clock, LoopClock
from hubbub_client.engine import Engine
from hubbub_client.errors import SignedOut, WrongAccount
from hubbub_client.events import Event, State
from hubbub_client.hosted import NO_END, TokenProvider, provided
from hubbub_client.ids import uuid7
from hubbub_client.mentions import EVERYBODY, mentions
from hubbub_client.pending import Pending
from hubbub_client.session import Session
from hubbub_client.settings import Followed, Settings
from hubbub_client.storage import MemoryStorage, Storage, TokensSaved
from hubbub_client.tokens import Account
from hubbub_client.transport import AiohttpTransport, Transport
from hubbub_protocol import rest
from hubbub_protocol.codec import client_codec
from hubbub_protocol.frames import Limits, Media, Message, MessageType, Presence, Send


class Options(Struct, frozen=True):
    """`binary`: MessagePack frames instead of JSON. The rest are bounds.

    `window`: messages held in memory a chat. `queue`: events that wait for the application
    before the client stops reading the socket. `outbox`: messages that wait for the server
    before `send` raises OutboxFull.
    """

    binary: bool = False
    window: int = 1_000
    queue: int = 1_000
    outbox: int = 10_000


class Client:
    """A user's session. Enter it once; its calls are for the time within, from one event loop.

    `storage` keeps places, outbox and tokens: in memory unless a `journal.FileStorage` is
    given. With stored tokens, `Client(url, storage=...)` needs no sign-in. `token` gets a host
    application's tokens: with it, there is nothing else to sign in with. `transport`,
    `random` (without: the system's), `clock` are for simulations and special networks.

    Entering raises SignedOut (nobody is signed in), StorageBusy, OSError; with `token` and
    nothing stored also Refused and Unreachable.
    """

    def __init__(
        self,
        url: str,
        *,
        transport: Transport | None = None,
        storage: Storage | None = None,
        random: Random | None = None,
        clock: Clock | None = None,
        options: Options | None = None,
        token: TokenProvider | None = None,
    ) -> None:
        self._transport = transport or AiohttpTransport(url)
        self._storage = storage or MemoryStorage()
        self._random = random or randomness.SystemRandom()
        self._clock = clock or LoopClock()
        self._options = options or Options()
        self._provider = token
        self._engine: Engine | None = None

    # ── signing in ───────────────────────────────────────────────────────────────────────────

    @classmethod
    async def register(
        cls,
        url: str,
        username: str,
        password: str,
        *,
        display_name: str | None = None,
        invite: str | None = None,
        storage: Storage | None = None,
        transport: Transport | None = None,
    ) -> Self:
        """Make an account and sign in. Raises Refused, Unreachable, WrongAccount."""
        client = cls(url, storage=storage, transport=transport)
        await client.sign_in(rest.Register(username, password, display_name, invite))
        return client

    @classmethod
    async def login(
        cls,
        url: str,
        username: str,
        password: str,
        *,
        storage: Storage | None = None,
        transport: Transport | None = None,
    ) -> Self:
        """Sign in. Raises Refused, Unreachable, WrongAccount."""
        client = cls(url, storage=storage, transport=transport)
        await client.sign_in(rest.Login(username, password))
        return client

    async def sign_in(self, how: rest.Register | rest.Login) -> rest.User:
        """Register or log in, before entering. Raises Refused, Unreachable, WrongAccount."""
        call = "register" if isinstance(how, rest.Register) else "login"
        try:
            signed_in = await sign_in(self._transport, call, how)
            await self.use_tokens(signed_in)
        except BaseException:
            await self._transport.close()
            raise
        return signed_in.user

    async def use_tokens(self, signed_in: rest.SignedIn) -> None:
        """Use tokens made elsewhere, before entering. Raises WrongAccount.

        The storage of the same user keeps its places and outbox over a new sign-in.
        """
        saved = await self._storage.load()
        if saved.signed_in is not None and saved.signed_in.user.id != signed_in.user.id:
            raise WrongAccount(f"the storage belongs to {saved.signed_in.user.username!r}")
        await self._storage.append([TokensSaved(signed_in)], sync=True)

    async def __aenter__(self) -> Self:
        if self._engine is not None:
            raise RuntimeError("a client is entered once")
        saved = await self._storage.load()
        signed_in = saved.signed_in
        if signed_in is None and self._provider is not None:
            signed_in = await self._sign_in_hosted(self._provider)
        if signed_in is None:
            await self._storage.close()
            raise SignedOut("nobody is signed in: register or log in first")
        options = self._options
        session = Session(saved, self._random, options.binary, options.window, options.outbox)
        self._engine = Engine(
            session,
            Account(signed_in, self._provider),
            self._transport,
            self._storage,
            self._clock,
            client_codec(options.binary),
            options.queue,
        )
        await self._engine.start()
        return self

    async def _sign_in_hosted(self, provider: TokenProvider) -> rest.SignedIn:
        """Whose tokens are provided is stored; no token is."""
        try:
            signed_in = await provided(provider, self._transport)
            stored = rest.SignedIn(signed_in.user, "", "", NO_END, "")
            await self._storage.append([TokensSaved(stored)], sync=True)
            return signed_in
        except BaseException:
            await self._storage.close()
            await self._transport.close()
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection. What is in the outbox stays there for the next time."""
        await self._running.stop(kind, error, trace)

    @property
    def _running(self) -> Engine:
        if self._engine is None:
            raise RuntimeError("use the client within `async with`")
        return self._engine

    # ── what is held ─────────────────────────────────────────────────────────────────────────

    @property
    def user(self) -> rest.User:
        """The signed-in user."""
        return self._running.tokens.signed_in.user

    @property
    def state(self) -> State:
        """Where the connection stands."""
        return self._running.session.state

    @property
    def api(self) -> Api:
        """All REST calls, typed. They raise Refused, Unreachable, SignedOut."""
        return self._running.api

    @property
    def session(self) -> Session:
        """The state machine, to look at: `session.logs.chats`, `session.outbox`."""
        return self._running.session

    def messages(self, chat_id: str) -> list[Message]:
        """The newest messages of a chat that are held in memory, oldest first."""
        chat = self.session.logs.chats.get(chat_id)
        return [] if chat is None else chat.messages

    def status(self, message: Message) -> rest.Status:
        """How far an own message is: sent, delivered or read by all of its recipients."""
        chat = self.session.logs.chats.get(message.chat_id)
        return "sent" if chat is None else chat.status(message, self.user.id)

    def unread(self, chat_id: str) -> int:
        """How many messages of a chat are unread, as far as the client knows."""
        chat = self.session.logs.chats.get(chat_id)
        return 0 if chat is None else chat.unread

    def unread_mentions(self, chat_id: str) -> int:
        """How many of them mention the user."""
        chat = self.session.logs.chats.get(chat_id)
        return 0 if chat is None else chat.unread_mentions

    def mentions_me(self, message: Message) -> bool:
        """Whether a message of somebody else names the user, or everybody."""
        return mentions(message, self.user.id)

    def replies(self, message: Message | rest.StoredMessage) -> rest.Replies | None:
        """How many replies a message has: exact where it is held or was read by `history`."""
        chat = self.session.logs.chats.get(message.chat_id)
        return None if chat is None else chat.threads.of(message.id)

    async def settings(self, chat_id: str) -> Settings:
        """A group's title and other settings: those that are held, which follow the log, or read.

        Raises Refused, Unreachable, SignedOut.
        """
        chat = self.session.logs.chats.get(chat_id)
        if chat is not None and chat.settings.now is not None:
            return chat.settings.now
        record = await self.api.chat(chat_id)
        self._running.act(lambda session, _: session.learn([record]))
        read = Followed()
        read.learn(record)
        assert read.now is not None
        return read.now

    def waiting(self) -> list[Send]:
        """The messages that wait in the outbox for the server's answer, in their order."""
        return self.session.outbox.sends()

    @property
    def limits(self) -> Limits | None:
        """What the server takes, in bytes and counts; None before its first welcome."""
        return self.session.limits

    async def events(self) -> AsyncIterator[Event]:
        """What happens, in order, until the client is left or signed out. For one reader.

        A slow reader makes the client stop reading its socket once `Options.queue` events wait:
        so do not await a `Pending` in its loop. A place counts as seen, and is not replayed by
        the next process, once the reader asks for an event while none waits.
        """
        queue = self._running.queue
        while (event := await queue.get()) is not None:
            yield event

    # ── doing ────────────────────────────────────────────────────────────────────────────────

    async def send(
        self,
        content: str = "",
        *,
        chat_id: str | None = None,
        recipient_ids: Sequence[str] | None = None,
        message_type: MessageType = "text",
        media: Sequence[Media] = (),
        reply_to: str | None = None,
        mentions: Sequence[str] = (),
    ) -> Pending:
        """Put a message into the outbox, for a chat or for recipients; connected or not.

        `mentions`: ids of users whom it is to reach, or EVERYBODY.

        Returns once the storage has it (at once in memory, after an fsync on a file): from then
        on it is sent until the server accepts or refuses it for good, also by the next process.
        Raises OutboxFull, TooLarge, ClientClosed (signed out), ValueError. When cancelled, the
        message may be sent all the same.
        """
        fields = {"content": content, "message_type": message_type, "media": list(media)}
        named = (
            {"mention_all": True} if tuple(mentions) == EVERYBODY else {"mentions": list(mentions)}
        )
        return await self._send(chat_id, recipient_ids, {**fields, "reply_to": reply_to, **named})

    async def forward(
        self,
        message_id: str,
        *,
        chat_id: str | None = None,
        recipient_ids: Sequence[str] | None = None,
    ) -> Pending:
        """Send a copy of a message that the user may see, as `send` does."""
        return await self._send(chat_id, recipient_ids, {"forward": message_id})

    async def _send(
        self, chat_id: str | None, recipient_ids: Sequence[str] | None, fields: dict[str, Any]
    ) -> Pending:
        if (chat_id is None) == (recipient_ids is None):
            raise ValueError("give either chat_id or recipient_ids")
        send = Send(
            client_id=uuid7(self._clock.unix(), self._random),
            chat_id=chat_id,
            recipient_ids=None if recipient_ids is None else list(recipient_ids),
            **fields,
        )
        return await self._running.send(send)

    def mark_read(self, chat_id: str, seq: int) -> None:
        """The user has read the chat up to this position; never moves back."""
        self._running.act(lambda session, now: session.mark_read(chat_id, seq, now))

    def typing(self, chat_id: str, is_typing: bool = True) -> None:
        """The user types (call it with each key: it is said every 3 s) or stopped."""
        self._running.act(lambda session, now: session.typing(chat_id, is_typing, now))

    def focus(self, chat_ids: Sequence[str]) -> None:
        """These chats are on the screen: `PresenceChanged` tells whether their peers are here.

        Typing in groups over 256 is told of them alone. Raises ValueError (more than 50).
        """
        self._running.act(lambda session, _: session.focus(chat_ids))

    def presence(self, user_id: str) -> Presence | None:
        """Whether the peer of a direct chat on the screen is here; None: that is not known."""
        return self.session.screen.peers.get(user_id)

    async def missed(self, chat_id: str) -> AsyncIterator[Message]:
        """Messages of the ranges that were not pushed (`GapFound`), in the order of `rev`.

        Raises Refused, Unreachable, SignedOut; what was read until then is remembered.
        """
        while True:
            chat = self.session.logs.chats.get(chat_id)
            if chat is None or not chat.gaps:
                return
            first, last = chat.gaps[0]
            page = await self.api.events(chat_id, first - 1)
            for event in page.events:
                if isinstance(event, Message) and event.rev <= last:
                    yield event
            upto = min(last, max(page.position, first)) if page.has_more else last
            self.session.logs.close_gap(chat_id, first, upto)

    async def chats(self, limit: int = 50, cursor: str | None = None) -> rest.ChatPage:
        """A page of chats by last activity; the client learns unread counts and ticks from it."""
        page = await self.api.chats(limit, cursor)
        self._running.act(lambda session, _: session.learn(page.chats))
        return page

    async def chat(self, chat_id: str) -> rest.Chat:
        """One chat; the client learns its unread count and ticks from it."""
        chat = await self.api.chat(chat_id)
        self._running.act(lambda session, _: session.learn([chat]))
        return chat

    async def history(
        self, chat_id: str, before: str | None = None, limit: int = 50
    ) -> rest.MessagePage:
        """A page of older messages, newest first; `before`: a message's id."""
        page = await self.api.history(chat_id, before, limit=limit)
        self.session.logs.learn_replies(page.messages)
        return page

    async def thread(
        self, message_id: str, limit: int = 50, cursor: str | None = None
    ) -> rest.ThreadPage:
        """A page of the thread that a message began or belongs to, oldest first."""
        page = await self.api.thread(message_id, limit, cursor)
        if page.root is not None:
            self.session.logs.learn_replies([page.root])
        return page

    async def create_group(self, title: str, member_ids: Sequence[str] = ()) -> rest.Chat:
        """A named group."""
        return await self.api.create_group(title, member_ids)

    async def members(
        self, chat_id: str, limit: int = 100, cursor: str | None = None
    ) -> rest.MemberPage:
        """A page of a chat's members and how far they are."""
        return await self.api.members(chat_id, limit, cursor)
