"""A client of the full protocol that sends, receives, reads, reconnects and repeats."""

import asyncio
import json
import math
import random
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from tests.faults.people import Api, Person
from tests.faults.view import Frame, View

SUBPROTOCOL = "hubbub.v1"
RETRY_PAUSE = 0.02
AGAIN = 3
"""Acknowledged sends that are repeated after each reconnect: the answer must be the same."""
EVERY = 5
"""Messages between two `read`."""


@dataclass
class Sent:
    """One send; `ack` once it was answered, and when (monotonic seconds)."""

    client_id: str
    chat: str
    content: str
    made_at: float
    ack: Frame | None = None
    acked_at: float = math.inf

    @property
    def frame(self) -> Frame:
        """What goes over the wire."""
        asked = {"client_id": self.client_id, "chat_id": self.chat, "content": self.content}
        return {"type": "send", **asked}


class Device:
    """One session of a person. `window` sends a chat wait for their answer at most."""

    def __init__(
        self,
        api: Api,
        person: Person,
        *,
        window: int = 8,
        seed: int = 0,
        urls: Sequence[str] = (),
    ) -> None:
        self.api = api
        self.urls = urls or [api.url]
        self.person = person
        self.view = View()
        self.sent: dict[str, list[Sent]] = {}
        self.errors: list[Frame] = []
        self.connections = 0
        self.closes: list[int] = []
        self._chats: tuple[str, ...] = ()
        self._window = window
        self._random = random.Random(seed)
        self._by_id: dict[str, Sent] = {}
        self._waiting: dict[str, list[Sent]] = {}
        self._held: set[str] = set()
        self._due: set[str] = set()
        self._fresh: list[Sent] = []
        self._reads: dict[str, int] = {}
        self._told: dict[str, int] = {}
        self._wake = asyncio.Event()

    # ── what a test looks at ──

    @property
    def acked(self) -> int:
        """Sends that were acknowledged."""
        return sum(1 for sends in self.sent.values() for s in sends if s.ack is not None)

    @property
    def unanswered(self) -> int:
        """Sends that were not."""
        return sum(map(len, self._waiting.values()))

    @property
    def faults(self) -> list[str]:
        """What broke a rule."""
        return self.view.faults

    def talk(self, *chats: str) -> None:
        """Send to these chats from now on, as fast as answers come."""
        self._chats = chats
        self._wake.set()

    def quiet(self) -> None:
        """Send nothing new."""
        self._chats = ()

    # ── the connection ──

    @asynccontextmanager
    async def on(self) -> AsyncIterator["Device"]:
        """Connected, again and again, until the block ends."""
        task = asyncio.create_task(self._stay())
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.wait([task])
        if not task.cancelled():
            task.result()  # what broke it

    async def _stay(self) -> None:
        headers = {"Authorization": f"Bearer {self.person.token}"}
        while True:
            try:
                async with self.api.http.ws_connect(
                    f"{self._random.choice(self.urls)}/ws?user={self.person.id}",
                    headers=headers,
                    protocols=[SUBPROTOCOL],
                ) as socket:
                    await self._connected(socket)
                    self.closes.append(socket.close_code or 1006)
            except (aiohttp.ClientError, ConnectionError):
                pass  # the server is away
            await asyncio.sleep(RETRY_PAUSE * self._random.random())

    async def _connected(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.connections += 1
        self.view.opened()
        for state in (self._told, self._held, self._due, self._reads, self._fresh):
            state.clear()
        async with asyncio.TaskGroup() as group:
            pump = group.create_task(self._pump(socket))
            async for message in socket:
                self._take(json.loads(message.data))
                self._wake.set()
            pump.cancel()

    # ── writing: all in one task, so that the order is ours ──

    async def _pump(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async def say(frame: Frame) -> None:
            await socket.send_str(json.dumps(frame))

        try:
            chats = list(self.view.messages)[:100]
            await say({"type": "resume", "positions": self.view.places, "receipts": chats})
            for sent in self._unsure():
                await say(sent.frame)
            while True:
                for frame in self._what_next():
                    await say(frame)
                await self._wake.wait()
                self._wake.clear()
        except (ConnectionError, aiohttp.ClientError):
            return  # it is closing; the reader sees it

    def _unsure(self) -> list[Sent]:
        """After a reconnect: some that were answered, and all that were not, in order."""
        answered = [
            s
            for sends in self.sent.values()
            for s in [s for s in sends[-3 * AGAIN :] if s.ack is not None][-AGAIN:]
        ]
        return answered + [sent for waiting in self._waiting.values() for sent in waiting]

    def _what_next(self) -> list[Frame]:
        frames: list[Frame] = []
        due, self._due = self._due, set()
        for chat in due:
            self._held.discard(chat)
            frames += [sent.frame for sent in self._waiting[chat]]
        fresh, self._fresh = self._fresh, []
        frames += [s.frame for s in fresh if s.chat not in self._held | due and s.ack is None]
        for chat in self._chats:
            while chat not in self._held and len(self._waiting.get(chat, ())) < self._window:
                frames.append(self._make(chat).frame)
        reads, self._reads = self._reads, {}
        frames += [{"type": "read", "chat_id": c, "seq": seq} for c, seq in reads.items()]
        places = {k: v for k, v in self.view.places.items() if self._told.get(k) != v}
        if places and self._random.random() < 0.5:
            self._told.update(places)
            frames.append({"type": "received", "positions": places})
        return frames

    def _make(self, chat: str, content: str | None = None) -> Sent:
        sends = self.sent.setdefault(chat, [])
        client_id = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        sent = Sent(
            client_id, chat, content or f"{self.person.name} {len(sends)}", time.monotonic()
        )
        sends.append(sent)
        self._by_id[client_id] = sent
        self._waiting.setdefault(chat, []).append(sent)
        return sent

    def send(self, chat: str, content: str | None = None) -> Sent:
        """Send one message; it is repeated until it is answered."""
        sent = self._make(chat, content)
        self._fresh.append(sent)
        self._wake.set()
        return sent

    # ── reading ──

    def _take(self, frame: Frame) -> None:
        kind = frame["type"]
        if kind == "ack":
            self._acked(frame)
        elif kind == "error":
            self._refused(frame)
        else:
            self.view.take(frame)
            if kind == "message" and frame["seq"] % EVERY == 0:
                self._reads[frame["chat_id"]] = frame["seq"]

    def _acked(self, frame: Frame) -> None:
        sent = self._by_id[frame["client_id"]]
        if sent.ack is None:
            sent.ack, sent.acked_at = frame, time.monotonic()
            self._waiting[sent.chat].remove(sent)
        elif sent.ack != frame:
            self.faults.append(f"another answer to the same send: {sent.ack}, {frame}")

    def _refused(self, frame: Frame) -> None:
        self.errors.append(frame)
        sent = self._by_id.get(frame.get("ref", ""))
        if sent is None or frame.get("retry_after") is None:
            self.faults.append(f"refused for good: {frame}")
        elif sent.chat not in self._held:
            self._held.add(sent.chat)
            loop = asyncio.get_running_loop()
            loop.call_later(frame["retry_after"], self._again, self.connections, sent.chat)

    def _again(self, connection: int, chat: str) -> None:
        if connection == self.connections:
            self._due.add(chat)
            self._wake.set()


def all_faults(devices: Sequence[Device]) -> list[str]:
    """What broke a rule, on any of them."""
    return [f"{d.person.name}: {fault}" for d in devices for fault in d.faults]
