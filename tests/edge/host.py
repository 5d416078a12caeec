"""A server on a thread of its own, with a small product above it and a clock turned by hand."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import uvloop

from hubbub.entry.server import OnePortServer
from hubbub.entry.ws.connection import Accepted, Connection, Refused, Upgrade
from hubbub.entry.ws.framing import BINARY, TEXT, frame
from hubbub.entry.ws.handshake import problem
from hubbub.entry.ws.limits import EdgeLimits
from tests.edge.peer import PATIENCE, Peer

_Result = TypeVar("_Result")


class EchoHandler:
    """Sends back what comes; texts that begin with ! are commands. Records all it is told."""

    def __init__(self, connection: Connection, high: int) -> None:
        self.connection = connection
        self.high = high
        self.messages: list[tuple[bytes, bool]] = []
        self.pongs = 0
        self.writables = 0
        self.codes: list[int] = []

    def message(self, payload: bytes, binary: bool) -> None:
        self.messages.append((payload, binary))
        word, _, rest = payload.partition(b" ")
        if word == b"!close":
            code, _, reason = rest.decode().partition(" ")
            self.connection.close(int(code), reason)
        elif word == b"!fail":
            raise RuntimeError(rest.decode())
        elif word == b"!abort":
            self.connection.abort()
        elif word == b"!ping":
            self.connection.ping()
        elif word == b"!flood":
            self.flood()
        elif word == b"!soon":
            self.connection.write_soon(frame(b"a"))
            self.connection.write_soon(frame(b"b"))
            self.connection.write(frame(b"c"))
        else:
            self.connection.write(frame(payload, BINARY if binary else TEXT))

    def flood(self) -> None:
        """Write until the high-water mark, as a product should."""
        block = frame(bytes(16_000), BINARY)
        while self.connection.buffered() <= self.high:
            self.connection.write(block)

    def pong(self) -> None:
        self.pongs += 1

    def writable(self) -> None:
        self.writables += 1

    def closed(self, code: int) -> None:
        self.codes.append(code)


class Host:
    """The server under test. `call` runs a function on its loop; `turn` moves its clock."""

    def __init__(
        self,
        limits: EdgeLimits | None = None,
        tls: tuple[str, str] | None = None,
        handler: type[EchoHandler] = EchoHandler,
    ) -> None:
        self.limits = limits or EdgeLimits()
        self._handler = handler
        self.now = 1000.0
        self.upgrades: list[Upgrade] = []
        self.handlers: list[EchoHandler] = []
        self.server = OnePortServer(
            self.app, self.accept, "127.0.0.1", 0, limits=self.limits, tls=tls,
            clock=lambda: self.now,
        )  # fmt: skip
        self.port = 0
        self._ready = threading.Event()
        self._over: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run)

    @property
    def handler(self) -> EchoHandler:
        """The latest."""
        return self.handlers[-1]

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(PATIENCE)
        assert self._failure is None, self._failure

    def stop(self) -> None:
        if self._loop is not None and self._over is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        assert self._failure is None, self._failure

    def call(self, function: Callable[[], _Result]) -> _Result:
        async def run() -> _Result:
            return function()

        return self.wait(run())

    def wait(self, coroutine: Coroutine[Any, Any, _Result]) -> _Result:
        """Run it on the loop, to its end."""
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE)

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Return once `condition()` holds on the loop; it goes round between two looks."""
        deadline = time.monotonic() + PATIENCE
        while not self.call(condition):
            assert time.monotonic() < deadline, f"after {PATIENCE} s still not so: {what}"

    def turn(self, seconds: float) -> None:
        """Move the clock, a second or less at a time, and sweep at each."""
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + 1.0)
            self.call(self.server.sweep)

    def peer(self, receive_buffer: int | None = None) -> Peer:
        sock = socket.socket()
        if receive_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.settimeout(PATIENCE)
        try:
            sock.connect(("127.0.0.1", self.port))
        except OSError:
            sock.close()
            raise
        return Peer(sock)

    def opened(self, **changes: str | None) -> Peer:
        """A peer with an open WebSocket."""
        peer = self.peer()
        peer.open(**changes)
        return peer

    def accept(self, upgrade: Upgrade, connection: Connection) -> Accepted | Refused:
        self.upgrades.append(upgrade)
        handler = self._handler(connection, self.limits.write_high)
        match upgrade.query:
            case "refuse":
                connection.write(frame(b"never sent"))
                body = problem(403, "forbidden", "No.")
                return Refused(403, body, (("X-Reason", "test"),), "forbidden")
            case "fail":
                raise RuntimeError("secret")
            case "wrong":
                return Accepted(handler, "not.offered")
            case "welcome":
                connection.write(frame(b"one"))
                connection.write_soon(frame(b"two"))
            case "close":
                connection.close(4401, "no")
            case "abort":
                connection.abort()
        self.handlers.append(handler)
        ours = [name for name in upgrade.subprotocols if name.startswith("hubbub.")]
        return Accepted(handler, ours[0] if ours else None)

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        """Answers with the method, the path and the length of the body."""
        size = 0
        more = True
        while more:
            event = await receive()
            if event["type"] == "http.disconnect":
                return
            size += len(event["body"])
            more = event["more_body"]
        body = f"{scope['method']} {scope['path']} {size} {scope['scheme']}".encode()
        if scope["path"] == "/big":
            body = bytes(8_000_000)
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._serve())
        except BaseException as error:
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        self.port = await self.server.start()
        self._ready.set()
        await self._over.wait()
        await self.server.stop()
