"""Sessions of the full mode: handshake, welcome, resume, caught_up, then whatever a subclass does.

Until `caught_up` frames are told apart in full; afterwards `live` gets the bytes as they come.
"""

import json
import socket
from collections.abc import Callable
from typing import Any, TypeVar

from bench.load import wire
from bench.load.reactor import Address, Connection, Reactor, clock

RESUME = wire.frame(b'{"type":"resume"}')


class Broken(Exception):
    """The server did what it must not do, or nothing for too long."""


class Session(Connection):
    """One signed-in connection. `ready`: it has got `caught_up`; `positions`: what that said."""

    __slots__ = ("positions", "ready", "replayed", "resume")

    def __init__(
        self, reactor: Reactor, sock: socket.socket, hello: bytes, resume: bytes = RESUME
    ) -> None:
        super().__init__(reactor, sock)
        self.resume = resume
        self.ready = False
        self.positions: dict[str, int] = {}
        self.replayed = 0
        self.write(hello)

    def received(self, data: bytes) -> None:
        """The answer to the handshake."""
        data = self.rest + data
        end = data.find(b"\r\n\r\n")
        self.rest = data if end < 0 else b""
        if end >= 0:
            if not data.startswith(b"HTTP/1.1 101"):
                self.fail(f"handshake refused: {data[:300]!r}")
                return
            self.on_data = self.setup
            self.upgraded()
            if len(data) > end + 4:
                self.setup(data[end + 4 :])

    def setup(self, data: bytes) -> None:
        """From `welcome` to `caught_up`."""
        data = self.rest + data
        at = 0
        while not self.ready and (found := wire.one(data, at)):
            opcode, start, at = found
            if opcode == wire.TEXT:
                self.step(data[start:at])
            else:
                self.control(opcode, data[start:at])
        self.rest = data[at:]
        if self.ready and self.rest:
            self.rest = b""
            self.live(data[at:])

    def step(self, payload: bytes) -> None:
        """One frame before `caught_up`."""
        if payload.startswith(b'{"type":"message"'):
            self.replayed += 1
        elif payload.startswith(b'{"type":"welcome"'):
            self.write(self.resume)
        elif payload.startswith(b'{"type":"caught_up"'):
            self.positions = json.loads(payload)["positions"]
            self.ready = True
            self.on_data = self.live
            self.caught_up()
        elif payload.startswith(b'{"type":"error"'):
            self.fail(payload.decode())

    def upgraded(self) -> None:
        """The handshake is done."""

    def caught_up(self) -> None:
        """The replay is complete."""

    def live(self, data: bytes) -> None:
        """Bytes after `caught_up`; answers pings and leaves the rest alone."""
        data = self.rest + data
        at = 0
        while found := wire.one(data, at):
            opcode, start, at = found
            if opcode == wire.TEXT:
                self.text(data[start:at])
            else:
                self.control(opcode, data[start:at])
        self.rest = data[at:]

    def text(self, payload: bytes) -> None:
        """A frame after `caught_up`, in a session whose `live` tells frames apart."""

    def control(self, opcode: int, payload: bytes) -> None:
        if opcode == wire.CLOSE:
            self.fail(f"the server closed with {payload!r}")
        super().control(opcode, payload)

    def fail(self, why: str) -> None:
        """Remember what went wrong; `check` raises it."""
        self.reactor.broken.append(why)

    def lost(self) -> None:
        self.fail("the server closed a connection")


S = TypeVar("S", bound=Session)


def source(number: int) -> str | None:
    """Where a connection comes from: 20,000 to an address, since ports are 16 bits."""
    return None if number < 20_000 else f"127.0.0.{2 + number // 20_000}"


def check(reactor: Reactor) -> None:
    """Raises Broken with the first things that went wrong, if anything did."""
    if reactor.broken:
        first = "; ".join(dict.fromkeys(reactor.broken[:20]))
        raise Broken(f"{len(reactor.broken)} failures, the first: {first[:600]}")


def hello(address: Address, token: Any) -> bytes:
    """The opening handshake with this token; None: without one."""
    return wire.upgrade(address.netloc, token)


class Crowd:
    """Opens many sessions, a bounded number of them at a time, at each address in turn."""

    def __init__(self, reactor: Reactor, *addresses: Address, in_flight: int = 200) -> None:
        self._reactor = reactor
        self._addresses = addresses
        self._in_flight = in_flight

    def open(
        self,
        count: int,
        make: Callable[[int, socket.socket], S],
        seconds: float = 300,
        background: bool = False,
    ) -> list[S]:
        """Connect `make(i, socket)` for each i, and wait until all are ready. Raises Broken."""
        made: list[S] = []
        waiting: list[S] = []
        end = clock() + seconds
        while len(made) < count or waiting:
            while len(waiting) < self._in_flight and len(made) < count:
                address = self._addresses[len(made) % len(self._addresses)]
                session = make(len(made), address.connect(source(len(made))))
                self._reactor.add(session, background)
                made.append(session)
                waiting.append(session)
                if len(waiting) % 16 == 0:
                    self._reactor.turn(0)
            self._reactor.turn(0.01)
            waiting = [session for session in waiting if not session.ready]
            check(self._reactor)
            if clock() > end:
                raise Broken(f"{len(waiting)} of {count} sessions not ready after {seconds:.0f} s")
        return made
