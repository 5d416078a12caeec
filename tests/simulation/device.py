"""A user's device: the Python client over the simulated network, on storage that outlives it."""

import asyncio
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Protocol

from hubbub.entry.ws.connection import Upgrade
from hubbub_client import (
    AccountChanged,
    Client,
    Disconnected,
    Event,
    GapFound,
    MessageAccepted,
    MessageArrived,
    MessageChanged,
    Options,
    Refused,
    SendFailed,
    SignedOut,
    State,
    Unreachable,
)
from hubbub_client.api import sign_in
from hubbub_client.clock import Timer
from hubbub_client.storage import Record, Saved
from hubbub_client.transport import Response
from hubbub_protocol import rest
from hubbub_protocol.codec import MSGPACK, client_codec, server_codec
from hubbub_protocol.frames import ClientFrame
from tests.simulation.history import App, Connection, History
from tests.simulation.loop import SimulatedLoop
from tests.simulation.network import Link
from tests.simulation.server import Machine

PASSWORD = "correct horse"


async def pause(seconds: float) -> None:
    """Let virtual time pass."""
    await asyncio.sleep(seconds)


class Clock:
    """The client's: the loop's time, and the wall's."""

    def __init__(self, loop: SimulatedLoop, machine: Machine) -> None:
        self._loop, self._machine = loop, machine

    def now(self) -> float:
        return self._loop.time()

    def unix(self) -> float:
        return self._machine.clock.now_ms() / 1000

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        return self._loop.call_at(when, callback)


class Flash:
    """A device's storage: what was not synced may be gone when its process is killed."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.stable: list[Record] = []
        self.loose: list[Record] = []

    def kill(self) -> None:
        self.stable += self.loose[: self.rng.randint(0, len(self.loose))]
        self.loose = []


class Handle:
    """One process's way to the storage."""

    def __init__(self, flash: Flash) -> None:
        self._flash = flash
        self.dead = False

    async def load(self) -> Saved:
        saved = Saved()
        for record in [*self._flash.stable, *self._flash.loose]:
            saved.apply(record)
        return saved

    async def append(self, records: Sequence[Record], sync: bool) -> None:
        if sync:
            await pause(self._flash.rng.uniform(0, 0.01))
        if self.dead:
            return
        self._flash.loose += records
        if sync:
            self._flash.stable += self._flash.loose
            self._flash.loose = []

    async def close(self) -> None:
        return


class Observed:
    """The client's end of a link, written down."""

    def __init__(self, link: Link, record: Connection, binary: bool, loop: SimulatedLoop) -> None:
        self._link, self._record, self._loop = link, record, loop
        self._codec = client_codec(binary)
        self._decode: Any = _client_frames(binary)

    async def send(self, payload: bytes) -> None:
        self._record.frames.append((self._loop.time(), "sent", self._decode(payload)))
        await self._link.send(payload)

    async def receive(self) -> bytes:
        payload = await self._link.receive()
        self._record.frames.append((self._loop.time(), "got", self._codec.decode(payload)))
        return payload

    async def close(self, code: int) -> None:
        await self._link.aclose(code)


def _client_frames(binary: bool) -> Callable[[bytes], ClientFrame]:
    return server_codec(binary).decode


class Network:
    """A device's own line: `Transport` of the client, or of a small client's loop."""

    def __init__(self, machine: Machine, history: History, name: str, rng: Random) -> None:
        self._machine, self._history, self._rng = machine, history, rng
        self.name = name
        self.user_id = ""
        self.online = True
        self.poor = False
        self.links: list[Link] = []

    async def connect(self, subprotocol: str, user: str) -> Observed:
        return await self.open((subprotocol,), None)

    async def open(self, subprotocols: tuple[str, ...], token: str | None) -> Observed:
        """A WebSocket. Raises Unreachable."""
        await self._way()
        loop, rng, machine = self._machine.loop, self._rng, self._machine
        rate = rng.choice((2_000.0, 50_000.0, 1e6)) if self.poor else 1e6
        link = Link(loop, rng, rate, machine.plan.high_water // 2, self._written)
        query = "" if token is None else f"token={token}"
        upgrade = Upgrade("/ws", query, "simulated", None, None, None, subprotocols, "", False)
        await machine.connect(link, upgrade)
        self.links = [each for each in self.links if each.client_open]
        self.links.append(link)
        record = Connection(self.name, self.user_id, not subprotocols)
        self._history.connections.append(record)
        return Observed(link, record, MSGPACK in subprotocols, loop)

    def _written(self, payload: bytes, binary: bool) -> None:
        self._machine.on_written(payload, binary, self.user_id)

    async def request(
        self, method: str, path: str, token: str | None, body: bytes | None
    ) -> Response:
        await self._way()
        answer = await self._machine.request(method, path, token, body)
        await self._way()
        return answer

    async def _way(self) -> None:
        await pause(self._rng.uniform(0.0005, 0.02))
        if not self.online or (self.poor and self._rng.random() < 0.1):
            await pause(self._rng.uniform(0, 2))
            raise Unreachable("no network")

    async def close(self) -> None:
        return

    def cut(self, silent: bool = False) -> None:
        """Break what is open."""
        for link in self.links:
            if silent:
                link.fall_silent()
            else:
                link.cut()


class Owner(Protocol):
    """The user whose device it is."""

    name: str
    user_id: str


class Device:
    """A full client: runs until stopped, killed and restarted at will."""

    def __init__(
        self, owner: Owner, name: str, machine: Machine, history: History, binary: bool
    ) -> None:
        loop, plan = machine.loop, machine.plan
        self.owner, self.name = owner, name
        self._loop, self._history = loop, history
        self.rng = loop.rng(name)
        self.network = Network(machine, history, name, self.rng)
        self.network.user_id = owner.user_id
        self._flash = Flash(self.rng)
        self._handle = Handle(self._flash)
        self._clock = Clock(loop, machine)
        self._options = Options(binary=binary, window=plan.window, queue=plan.events)
        self.app = App()
        self.orders = 0
        self.client: Client | None = None
        self.slow = False
        self.listed = False
        self._task: asyncio.Task[None] | None = None

    # ── the process ──

    def start(self) -> None:
        self._handle = Handle(self._flash)
        self._task = self._loop.create_task(self._run(), name=self.name)

    async def stop(self, kill: bool) -> None:
        """End the process: by kill, or as an application leaves its client."""
        task, self._task = self._task, None
        if task is None:
            return
        if kill:
            self._handle.dead = True
            self._flash.kill()
        self.client = None
        task.cancel()
        await asyncio.wait([task])
        self.network.cut()
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error

    def check(self) -> None:
        """Raises what the process failed of."""
        if self._task is not None and self._task.done() and not self._task.cancelled():
            self._task.result()

    async def _run(self) -> None:
        while True:
            client = Client(
                "http://simulated",
                transport=self.network,
                storage=self._handle,
                random=self.rng,
                clock=self._clock,
                options=self._options,
            )
            try:
                async with client:
                    self.client = client
                    await self._application(client)
            except SignedOut:
                await self._sign_in(client)

    async def _application(self, client: Client) -> None:
        async with asyncio.TaskGroup() as group:
            listing = group.create_task(self._list_chats(client))
            async for event in client.events():
                self._take(event)
                if self.slow:
                    await pause(self.rng.uniform(0, 0.3))
            listing.cancel()
        self.client = None

    async def _list_chats(self, client: Client) -> None:
        """What an application shows first; the client learns from it what it does not store."""
        self.listed = False
        while not self.listed:
            try:
                await pause(0.2)
                self.listed = client.state is State.LIVE and bool(await client.chats(200))
            except (Unreachable, Refused, SignedOut):
                continue

    def _take(self, event: Event) -> None:
        match event:
            case MessageArrived(message) | MessageChanged(message):
                self.app.arrived.setdefault(message.chat_id, {})[message.seq] = message.id
            case AccountChanged(_, name):
                self.app.name = name
            case GapFound(chat_id, first, last):
                self.app.gaps.setdefault(chat_id, []).append((first, last))
            case MessageAccepted(client_id, message_id, chat_id):
                self._history.acknowledged(client_id, message_id, chat_id)
            case SendFailed(client_id, code):
                self._history.sent[client_id].failed = code
            case _:
                pass

    async def _sign_in(self, client: Client) -> None:
        while True:
            try:
                await client.sign_in(rest.Login(self.owner.name, PASSWORD))
            except (Unreachable, Refused):
                await pause(0.5)
            else:
                return

    @property
    def live(self) -> Client | None:
        """The client, when it is connected and caught up."""
        client = self.client
        return client if client is not None and client.state is State.LIVE else None

    @property
    def quiet(self) -> bool:
        """Nothing is to come from here."""
        client = self.live
        idle = all(link.idle for link in self.network.links)
        return self.listed and client is not None and not len(client.session.outbox) and idle


class SmallDevice:
    """The smallest client: it connects, listens and answers pings."""

    def __init__(self, owner: Owner, name: str, machine: Machine, history: History) -> None:
        self.owner, self.name = owner, name
        self._loop = machine.loop
        self.rng = machine.loop.rng(name)
        self.network = Network(machine, history, name, self.rng)
        self.network.user_id = owner.user_id
        self.app = App()
        self._tokens: rest.SignedIn | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = self._loop.create_task(self._run(), name=self.name)

    async def sign_in(self) -> None:
        """Begin its session, which gets whatever its user is sent from then on."""
        self._tokens = await self._sign_in()

    async def stop(self, kill: bool) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
            self.network.cut()

    def check(self) -> None:
        if self._task is not None and self._task.done() and not self._task.cancelled():
            self._task.result()

    async def _run(self) -> None:
        while True:
            try:
                if self._tokens is None:
                    self._tokens = await self._sign_in()
                observed = await self.network.open((), self._tokens.token)
                await self._listen(observed)
            except Unreachable:
                await pause(self.rng.uniform(0, 1))
            except Refused:
                self._tokens = None
                self.app.whole = False
            except Disconnected as gone:
                if gone.code == 4401 and self._tokens is not None:
                    self._tokens = await self._renew(self._tokens)
                await pause(self.rng.uniform(0, 0.5))

    async def _sign_in(self) -> rest.SignedIn:
        return await sign_in(self.network, "login", rest.Login(self.owner.name, PASSWORD))

    async def _renew(self, old: rest.SignedIn) -> rest.SignedIn | None:
        try:
            return await sign_in(self.network, "refresh", rest.Refresh(old.refresh_token))
        except Unreachable:
            return old
        except Refused:
            self.app.whole = False
            return None

    async def _listen(self, observed: Observed) -> None:
        codec = client_codec(False)
        while True:
            frame: Any = codec.decode(await observed.receive())
            kind = type(frame).__name__
            if kind == "Message":
                self.app.arrived.setdefault(frame.chat_id, {})[frame.seq] = frame.id
            elif kind == "Gap":
                self.app.gaps.setdefault(frame.chat_id, []).append((frame.from_, frame.to))

    @property
    def quiet(self) -> bool:
        return bool(self.network.links) and all(link.idle for link in self.network.links)
