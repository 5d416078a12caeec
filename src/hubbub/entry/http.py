"""Plain HTTP on the one port: uvicorn's protocol, with the bounds that it leaves out.

uvicorn takes a head of any size, waits for ever for the rest of one, for a body, and for a peer
that does not read its answer. A request for a WebSocket on a connection that served HTTP before (a
proxy's, kept alive) goes to the edge.
"""

import asyncio
from typing import Any, Final

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from hubbub.entry.ws.edge import Edge
from hubbub.entry.ws.handshake import END, HandshakeError, asks

_MAX_HEADERS: Final = 100


class BoundedHttp(HttpToolsProtocol):
    """One HTTP connection."""

    def __init__(self, config: Config, state: ServerState, edge: Edge) -> None:
        super().__init__(config=config, server_state=state, app_state={})
        self._edge = edge
        self._limits = edge.common.limits
        self._between = True
        self._in_head = False
        self._head_size = 0
        self._header_count = 0
        self._body_size = 0
        self._requests = 0
        self._sign: tuple[str, int] | None = None
        self._since = 0.0

    def take(self, transport: asyncio.Transport, data: bytes) -> None:
        """Serve `transport`, from which `data` was read already."""
        transport.set_protocol(self)
        self.connection_made(transport)
        self.data_received(data)

    def data_received(self, data: bytes) -> None:
        """Bytes of a request, or several, or of a request for a WebSocket."""
        idle = self._between and self._under_way() is None
        if idle and 0 <= (end := data.find(END)) <= self._limits.head and asks(data[:end]):
            self._unset_keepalive_if_required()
            self.connections.discard(self)
            self._edge.upgrade(self.transport, data[:end], data[end + len(END) :])
            return
        super().data_received(data)
        if self._in_head and not self.transport.is_closing():
            self._head_size += len(data)
            if self._head_size > self._limits.head:
                self._refuse(431, "head_too_big", "The request's head is too big.")

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._between = False
        self._in_head = True
        self._head_size = self._header_count = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer of a chunked body. Raising ends in `send_400_response`."""
        self._header_count += 1
        if self._header_count > _MAX_HEADERS:
            raise ValueError("too many headers")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._in_head = False
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Bytes of a body."""
        self._body_size += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The last byte of a request."""
        self._between = True
        self._requests += 1
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """What uvicorn does about bytes that it cannot read, answered as all else is."""
        if self._header_count > _MAX_HEADERS:
            self._refuse(431, "head_too_big", "The request has too many headers.")
        else:
            self._refuse(400, "malformed", "This is not an HTTP request.")

    def _refuse(self, status: int, code: str, detail: str) -> None:
        self._edge.common.statistics.refused[code] += 1
        self.transport.write(HandshakeError(status, code, detail).answer())
        self.transport.close()

    def is_idle(self) -> bool:
        """Whether it only waits for another request."""
        return self.timeout_keep_alive_task is not None and not self.transport.is_closing()

    def check(self, now: float) -> bool:
        """End the connection, and answer True, when its peer has been silent for too long."""
        sign, allowed = self._waits_for()
        if sign is None or sign != self._sign:
            self._sign, self._since = sign, now
            return False
        if now - self._since < allowed:
            return False
        self.transport.abort()
        return True

    def _under_way(self) -> RequestResponseCycle | None:
        cycle: RequestResponseCycle | None = self.cycle  # None before the first request
        return None if cycle is None or cycle.response_complete else cycle

    def _waits_for(self) -> tuple[tuple[str, int] | None, float]:
        """What the peer owes, how much of it came so far, and how long it may take."""
        cycle, limits = self._under_way(), self._limits
        if unsent := self.transport.get_write_buffer_size():
            return ("reading", unsent), limits.http_stall
        if cycle is None:
            if self.timeout_keep_alive_task is not None:
                return None, 0.0
            return ("head", self._requests), limits.handshake_timeout
        if cycle.more_body and not self.flow.read_paused:
            return ("body", self._body_size), limits.http_stall
        return None, 0.0


def http_config(app: Any, keep_alive: int, tls: tuple[str, str] | None) -> Config:
    """uvicorn's configuration: its own WebSocket, logs, signals and proxy headers off."""
    config = Config(
        app,
        interface="asgi3",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=keep_alive,
        ssl_certfile=tls[0] if tls else None,
        ssl_keyfile=tls[1] if tls else None,
    )
    config.load()
    return config
