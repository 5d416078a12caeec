"""The network between clients and one server: sockets that delay, stall, break and fall silent.

A `Link` is one WebSocket. Its server end is the product's `Connection`; what is written is taken
apart again, message by message, so that the link can be cut between any two. Its client end is
what `hubbub_client` calls a connection, or a small client's own loop.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from random import Random

from hubbub.entry.ws import framing
from hubbub.entry.ws.connection import Handler
from hubbub_client import Disconnected
from tests.simulation.loop import SimulatedLoop

KERNEL = 400  # bytes that leave the server at once
INBOX = 600  # bytes that a client who does not read can have waiting
LOST = 1006
PING = (framing.PING, b"")


def split(data: bytes) -> list[tuple[int, bytes]]:
    """Server frames to (opcode, payload)."""
    frames: list[tuple[int, bytes]] = []
    start = 0
    while start < len(data):
        opcode, size = data[start] & 0x0F, data[start + 1]
        start += 2
        if size > 125:
            width = 2 if size == 126 else 8
            size = int.from_bytes(data[start : start + width], "big")
            start += width
        frames.append((opcode, data[start : start + size]))
        start += size
    return frames


class Link:
    """One WebSocket, seen from both ends."""

    def __init__(
        self,
        loop: SimulatedLoop,
        rng: Random,
        rate: float,
        high: int,
        seen: Callable[[bytes, bool], None],
    ) -> None:
        """`rate`: bytes a second to the client; `high`: the edge's mark; `seen` is told of all."""
        self._loop, self._rng, self._rate = loop, rng, rate
        self._high, self._seen = high, seen
        self._latency = rng.choice((0.0005, 0.005, 0.05)) * rng.uniform(0.5, 1.5)
        self.handler: Handler | None = None
        self.binary = False
        self._soon: list[bytes] = []
        self._down: deque[tuple[float, tuple[int, bytes]]] = deque()  # due when, and what
        self._down_at = 0.0
        self._up_at = 0.0
        self._inbox: deque[tuple[int, bytes]] = deque()
        self._news = asyncio.Event()
        self._outstanding = 0
        self._was_high = False
        self._ended: tuple[int, str] | None = None  # the client's end
        self.server_open = True
        self.silent = False
        self.client_open = True

    # ── the server's end: `Connection` ──

    def write(self, frames: bytes, /) -> None:
        if not self.server_open:
            return
        self._flush_soon()
        for item in split(frames):
            self._push(item)

    def write_soon(self, frames: bytes, /) -> None:
        if not self.server_open:
            return
        self._soon.append(frames)
        if len(self._soon) == 1:
            self._loop.call_soon(self._flush_soon)

    def _flush_soon(self) -> None:
        soon, self._soon = self._soon, []
        if self.server_open:
            for frames in soon:
                for item in split(frames):
                    self._push(item)

    def buffered(self) -> int:
        return max(0, self._outstanding - KERNEL)

    def close(self, code: int, reason: str = "") -> None:
        if self.server_open:
            self._flush_soon()
            self._push((framing.CLOSE, code.to_bytes(2, "big") + reason.encode()))
            self._server_ends(code)

    def abort(self) -> None:
        if self.server_open:
            self._server_ends(LOST)
            self._loop.call_later(self._latency, self._client_ends, LOST, "")

    def ping(self) -> None:
        if self.server_open:
            self._flush_soon()
            self._push(PING)

    def _server_ends(self, code: int) -> None:
        self.server_open = False
        handler = self.handler
        if handler is not None:
            self._loop.call_soon(handler.closed, code)

    # ── on the way ──

    def _push(self, item: tuple[int, bytes]) -> None:
        self._seen(item[1], self.binary)
        if self.silent:
            return
        size = len(item[1]) + 2
        self._outstanding += size
        self._was_high = self._was_high or self.buffered() > self._high
        now = self._loop.time()
        self._down_at = max(now + self._latency, self._down_at + size / self._rate)
        self._down.append((self._down_at, item))
        self._loop.call_at(self._down_at, self._arrive)

    def _arrive(self) -> None:
        """What is due enters the client's socket, as far as there is room."""
        now = self._loop.time()
        while self._down and self._down[0][0] <= now and self._room():
            self._inbox.append(self._down.popleft()[1])
        self._news.set()

    def _room(self) -> bool:
        return sum(len(payload) + 2 for _, payload in self._inbox) < INBOX

    def _taken(self, item: tuple[int, bytes]) -> None:
        self._outstanding -= len(item[1]) + 2
        self._arrive()
        if self._was_high and self.buffered() <= self._high // 4:
            self._was_high = False
            if self.server_open and self.handler is not None:
                self._loop.call_soon(self._writable)

    def _writable(self) -> None:
        if self.server_open and self.handler is not None:
            self.handler.writable()

    def _up(self, what: Callable[[], None]) -> None:
        """Something from the client to the server, in order."""
        if not self.silent:
            self._up_at = max(self._loop.time() + self._latency, self._up_at + 1e-6)
            self._loop.call_at(self._up_at, what)

    # ── the client's end ──

    async def send(self, payload: bytes) -> None:
        if not self.client_open:
            raise Disconnected(LOST)
        self._up(lambda: self._message(payload))

    def _message(self, payload: bytes) -> None:
        if self.server_open and self.handler is not None:
            self.handler.message(payload, self.binary)

    def _pong(self) -> None:
        if self.server_open and self.handler is not None:
            self.handler.pong()

    async def receive(self) -> bytes:
        while True:
            while self._inbox and self.client_open:
                item = self._inbox.popleft()
                self._taken(item)
                opcode, payload = item
                if opcode == framing.PING:
                    self._up(self._pong)
                elif opcode == framing.CLOSE:
                    self._client_ends(int.from_bytes(payload[:2], "big"), payload[2:].decode())
                else:
                    return payload
            if self._ended is not None:
                raise Disconnected(*self._ended)
            self._news.clear()
            await self._news.wait()

    async def aclose(self, code: int) -> None:
        """The client's close."""
        if self.client_open:
            self._up(lambda: self._closed_by_client(code))
            self._client_ends(LOST, "")

    def _closed_by_client(self, code: int) -> None:
        if self.server_open:
            self._server_ends(code)

    def _client_ends(self, code: int, reason: str) -> None:
        if self._ended is None:
            self._ended = (code, reason)
            self.client_open = False
            self._news.set()

    # ── trouble ──

    def cut(self) -> None:
        """Both ends hear of it at once; what is on its way is lost."""
        self._down.clear()
        if self.server_open:
            self._server_ends(LOST)
        self._client_ends(LOST, "cut")

    def fall_silent(self) -> None:
        """Half open: nothing passes any more; each end finds out in its own time."""
        self.silent = True
        self._down.clear()
        self._loop.call_later(self._rng.uniform(0, 20), self._client_ends, LOST, "silent")
        self._loop.call_later(self._rng.uniform(0, 40), self._server_lost)

    def _server_lost(self) -> None:
        if self.server_open:
            self._server_ends(LOST)

    def vanish(self) -> None:
        """The server is gone. The client hears of it, after some of what was written before."""
        self.server_open = False
        self.handler = None
        keep = self._rng.randint(0, len(self._down))
        while len(self._down) > keep:
            self._down.pop()
        self._loop.call_later(self._latency * 3 + 0.001, self._client_ends, LOST, "server gone")

    @property
    def idle(self) -> bool:
        """Nothing is on its way to the client."""
        return not self._down and not self._inbox
