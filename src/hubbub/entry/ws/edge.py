"""Tells WebSockets from plain HTTP on one port, and opens them."""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from hubbub.entry.ws import handshake
from hubbub.entry.ws.common import Common
from hubbub.entry.ws.connection import Accepted, Acceptor, Refused, Upgrade
from hubbub.entry.ws.handshake import HandshakeError
from hubbub.entry.ws.linger import linger
from hubbub.entry.ws.websocket import WebSocket

_INTERNAL: Final = 500


class HttpProtocol(Protocol):
    """A protocol for plain HTTP, which takes over a transport."""

    def take(self, transport: asyncio.Transport, data: bytes) -> None:
        """Serve `transport`, from which `data` was read already."""


class Edge:
    """Decides about each socket by the head of its first request."""

    __slots__ = ("_acceptor", "_http", "_http_room", "_path", "common")

    def __init__(
        self,
        common: Common,
        path: str,
        acceptor: Acceptor,
        http: Callable[[], HttpProtocol],
        http_room: Callable[[], bool],
    ) -> None:
        """`http` makes a protocol for plain HTTP, `http_room` says whether one more may be."""
        self.common = common
        self._path = path
        self._acceptor = acceptor
        self._http = http
        self._http_room = http_room

    def decide(self, transport: asyncio.Transport, data: bytes, end: int) -> None:
        """Give a socket to HTTP or to WebSocket; `end` is where the head in `data` ends."""
        head = data[:end]
        if handshake.asks(head):
            self.upgrade(transport, head, data[end + len(handshake.END) :])
        elif not self._http_room():
            self._refuse(transport, self._full("connections"))
        else:
            self.common.statistics.http += 1
            self._http().take(transport, data)

    def upgrade(self, transport: asyncio.Transport, head: bytes, tail: bytes) -> None:
        """Answer a request for a WebSocket; `tail` is what the peer sent behind it."""
        try:
            request = handshake.read(head, self._path)
            statistics = self.common.statistics
            if statistics.open >= statistics.limit:
                raise self._full("websockets")
        except HandshakeError as error:
            self._refuse(transport, error)
            return
        peer = transport.get_extra_info("peername")
        upgrade = Upgrade(
            path=request.path,
            query=request.query,
            host=request.host,
            origin=request.origin,
            authorization=request.authorization,
            forwarded_for=request.forwarded_for,
            subprotocols=request.subprotocols,
            peer=peer[0] if peer else "",
            secure=transport.get_extra_info("ssl_object") is not None,
        )
        socket = WebSocket(self.common, transport)
        decision = self._ask(upgrade, socket)
        if isinstance(decision, Accepted):
            response = handshake.switching(request.key, decision.subprotocol)
            socket.open(decision.handler, response, tail)
            return
        socket.refuse()
        response = handshake.refusal(decision.status, decision.body, decision.headers)
        self.end(transport, response, decision.reason)

    def end(self, transport: asyncio.Transport, response: bytes, reason: str) -> None:
        """Refuse with a whole HTTP response and end the socket."""
        sweeper = self.common.sweeper
        self.common.statistics.refused[reason] += 1
        transport.write(response)
        sweeper.ending(transport)
        linger(transport, lambda: sweeper.ended(transport))

    def _ask(self, upgrade: Upgrade, socket: WebSocket) -> Accepted | Refused:
        try:
            decision = self._acceptor(upgrade, socket)
            if isinstance(decision, Accepted):
                _check_choice(decision.subprotocol, upgrade.subprotocols)
        except Exception as error:  # the door between edge and product
            self.common.broken("the acceptor", error)
            detail = "The server failed. Try again later."
            body = handshake.problem(_INTERNAL, "internal_error", detail)
            return Refused(_INTERNAL, body, reason="internal_error")
        return decision

    def _full(self, what: str) -> HandshakeError:
        seconds = str(self.common.limits.retry_after)
        detail = "The server has as many connections as it may. Try again later."
        return HandshakeError(503, f"too_many_{what}", detail, (("Retry-After", seconds),))

    def _refuse(self, transport: asyncio.Transport, error: HandshakeError) -> None:
        self.end(transport, error.answer(), error.code)


class Sniffer(asyncio.Protocol):
    """Reads a new socket until its first request's head is whole."""

    __slots__ = ("_data", "_edge", "_transport")

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._data = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A new socket."""
        self._transport = transport
        self._edge.common.sweeper.opening(self)

    def data_received(self, data: bytes) -> None:
        """More of the head."""
        assert self._transport is not None
        searched = max(0, len(self._data) - len(handshake.END) + 1)
        self._data = data = (self._data + data) if self._data else data.lstrip(b"\r\n")
        end = data.find(handshake.END, searched)
        limit = self._edge.common.limits.head
        if 0 <= end <= limit:
            self._done()
            self._edge.decide(self._transport, data, end)
        elif end > limit or len(data) > limit:
            self._answer(431, "head_too_big", "The request's head is too big.")
        elif not handshake.plausible(data):
            self._answer(400, "malformed", "This is not an HTTP request.")

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket went before it asked for anything."""
        self._done()
        self._transport = None

    def expire(self) -> None:
        """Its time is over. Browsers open sockets ahead of need: those just end."""
        if self._transport is None:
            return
        if self._data:
            self._answer(408, "timeout", "The request's head did not come in time.")
        else:
            self._transport.close()

    def _answer(self, status: int, code: str, detail: str) -> None:
        assert self._transport is not None
        self._done()
        self._edge.end(self._transport, HandshakeError(status, code, detail).answer(), code)

    def _done(self) -> None:
        self._edge.common.sweeper.opened(self)


def _check_choice(chosen: str | None, offered: tuple[str, ...]) -> None:
    if chosen is not None and chosen not in offered:
        raise ValueError("a subprotocol was chosen that was not offered")
