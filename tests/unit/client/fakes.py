"""A transport in memory and a clock that is moved by hand, for tests of the running client."""

import asyncio
import heapq
from collections.abc import Callable
from typing import Any

import msgspec

from hubbub_client.errors import Disconnected, Unreachable
from hubbub_client.storage import MemoryStorage, Record
from hubbub_client.transport import Response
from hubbub_protocol.codec import MSGPACK, server_codec
from hubbub_protocol.frames import Auth, CaughtUp, ClientFrame, Resume
from tests.support.wait import eventually
from tests.unit.client.peers import WELCOME


class FakeTimer:
    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class FakeClock:
    def __init__(self) -> None:
        self.time = 1000.0
        self._timers: list[tuple[float, int, FakeTimer]] = []
        self._count = 0

    def now(self) -> float:
        return self.time

    def unix(self) -> float:
        return 1_770_000_000.0 + self.time

    def call_at(self, when: float, callback: Callable[[], None]) -> FakeTimer:
        timer = FakeTimer(callback)
        self._count += 1
        heapq.heappush(self._timers, (when, self._count, timer))
        return timer

    @property
    def alarm(self) -> float | None:
        """When the next timer rings."""
        return min((when for when, _, t in self._timers if not t.cancelled), default=None)

    def advance(self, seconds: float) -> None:
        self.time += seconds
        while self._timers and self._timers[0][0] <= self.time:
            timer = heapq.heappop(self._timers)[2]
            if not timer.cancelled:
                timer.callback()


class FakeConnection:
    """Both ends of a WebSocket."""

    def __init__(self, subprotocol: str) -> None:
        self.codec = server_codec(subprotocol == MSGPACK)
        self.inbox: asyncio.Queue[Any] = asyncio.Queue()
        self.heard: list[ClientFrame] = []
        self.closed_with: int | None = None
        self.received = 0

    async def send(self, payload: bytes) -> None:
        if self.closed_with is not None:
            raise Disconnected
        self.heard.append(self.codec.decode(payload))

    async def receive(self) -> bytes:
        frame = await self.inbox.get()
        if isinstance(frame, Disconnected):
            raise frame
        self.received += 1
        return self.codec.encode(frame)

    async def close(self, code: int) -> None:
        self.closed_with = code

    def say(self, *frames: Any) -> None:
        for frame in frames:
            self.inbox.put_nowait(frame)

    def of(self, kind: type) -> list[Any]:
        return [frame for frame in self.heard if isinstance(frame, kind)]

    async def hear(self, kind: type, count: int = 1) -> Any:
        """Wait for the client's frames of this type; the newest."""
        await eventually(lambda: len(self.of(kind)) >= count, f"{count} {kind.__name__}")
        return self.of(kind)[-1]

    async def go_live(self, *replay: Any, positions: dict[str, int] | None = None) -> None:
        await self.hear(Auth)
        self.say(WELCOME)
        await self.hear(Resume)
        self.say(*replay, CaughtUp(positions or {}))


class FakeTransport:
    """`routes`: (method, path without query) → body, (status, body) or a function of the call."""

    def __init__(self) -> None:
        self.connections: list[FakeConnection] = []
        self.routes: dict[tuple[str, str], Any] = {}
        self.calls: list[tuple[str, str, str | None, bytes | None]] = []
        self.unreachable = False
        self.closed = False
        self.dials = 0

    async def connect(self, subprotocol: str, user: str) -> FakeConnection:
        self.dials += 1
        if self.unreachable:
            raise Unreachable("no route")
        self.connections.append(FakeConnection(subprotocol))
        return self.connections[-1]

    async def request(
        self, method: str, path: str, token: str | None, body: bytes | None
    ) -> Response:
        self.calls.append((method, path, token, body))
        if self.unreachable:
            raise Unreachable("no route")
        answer = self.routes[method, path.partition("?")[0]]
        if callable(answer):
            answer = answer(path, token, body)
        status, answer = answer if isinstance(answer, tuple) else (200, answer)
        return Response(status, msgspec.json.encode(answer))

    async def close(self) -> None:
        self.closed = True

    async def dialed(self, count: int) -> None:
        await eventually(lambda: self.dials >= count, f"dialed {count} times")

    async def connection(self, number: int = 1) -> FakeConnection:
        await eventually(lambda: len(self.connections) >= number, f"connection {number}")
        return self.connections[number - 1]


class WatchedStorage(MemoryStorage):
    """Remembers what was appended, and can be made to wait or to fail."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[Record] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: OSError | None = None
        self.closed = False

    async def append(self, records: Any, sync: bool) -> None:
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        self.records += records
        await super().append(records, sync)

    async def close(self) -> None:
        self.closed = True
