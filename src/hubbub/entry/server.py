"""One port for REST, WebSocket and static files.

uvicorn's HTTP protocol below an ASGI application, picows below the product's WebSocket handlers,
and a sniffer that reads each socket's first request head to tell them apart. Frames never touch
ASGI. Meant for uvloop; any asyncio loop works.
"""

import asyncio
import time
from collections.abc import Callable
from email.utils import formatdate
from functools import partial
from socket import SO_RCVBUF, SO_SNDBUF, SOL_SOCKET
from typing import Any, Final

from uvicorn.server import ServerState

from hubbub.entry.http import BoundedHttp, http_config
from hubbub.entry.ws import framing
from hubbub.entry.ws.common import Common
from hubbub.entry.ws.connection import Acceptor
from hubbub.entry.ws.edge import Edge, Sniffer
from hubbub.entry.ws.limits import EdgeLimits
from hubbub.entry.ws.statistics import EdgeStatistics
from hubbub.entry.ws.sweeper import Sweeper
from hubbub.entry.ws.websocket import WebSocket

WEBSOCKET_PATH: Final = "/ws"
_AT_ONCE: Final = 16
"""Connections accepted in a turn of the loop. uvloop accepts one for each descriptor that listens,
and a turn for each of those who come back at once would go to kernel and store for each.
"""


class OnePortServer:
    """Listens on one port, gives HTTP to an ASGI application and WebSockets to an acceptor.

    The ASGI lifespan is not run, no signal handler is installed: both are the owner's. Used from
    one loop, started once.
    """

    def __init__(
        self,
        app: Any,
        acceptor: Acceptor,
        host: str,
        port: int,
        *,
        limits: EdgeLimits | None = None,
        tls: tuple[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`port` 0 takes a free one. `tls`: PEM files of the certificate chain and of its key."""
        self._app = app
        self._acceptor = acceptor
        self._host = host
        self._port = port
        self._limits = limits or EdgeLimits()
        self._tls = tls
        self._clock = clock
        self._state = ServerState()
        self.statistics = EdgeStatistics(self._limits.connections)
        self._sweeper = Sweeper(self._limits, self.statistics, self._requesting, clock)
        self._servers: list[asyncio.Server] = []
        self._timer: asyncio.TimerHandle | None = None

    async def start(self) -> int:
        """Listen; returns the port. Raises OSError when it is taken, ssl.SSLError for bad files."""
        loop = asyncio.get_running_loop()
        config = http_config(self._app, self._limits.http_keep_alive, self._tls)
        common = Common(self._limits, self.statistics, self._sweeper, loop)
        edge = Edge(
            common,
            WEBSOCKET_PATH,
            self._acceptor,
            lambda: BoundedHttp(config, self._state, edge),
            self._has_room,
        )
        listen = partial(
            loop.create_server,
            lambda: Sniffer(edge),
            ssl=config.ssl,
            backlog=self._limits.backlog,
            ssl_handshake_timeout=self._limits.handshake_timeout if config.ssl else None,
            ssl_shutdown_timeout=self._limits.close_timeout if config.ssl else None,
            start_serving=False,
        )
        first = await listen(host=self._host, port=self._port)
        self._servers = [first]
        for listening in first.sockets:  # whatever it accepts has its buffers
            listening.setsockopt(SOL_SOCKET, SO_SNDBUF, self._limits.send_buffer)
            listening.setsockopt(SOL_SOCKET, SO_RCVBUF, self._limits.receive_buffer)
            self._servers += [await listen(sock=listening.dup()) for _ in range(1, _AT_ONCE)]
        for server in self._servers:
            await server.start_serving()
        self._tick()
        port: int = first.sockets[0].getsockname()[1]
        return port

    def sweep(self) -> None:
        """Ping and end what is due by the clock. Called by itself about once a second."""
        self._sweeper.sweep()

    def stop_accepting(self) -> None:
        """Stop listening; what is open goes on."""
        for server in self._servers:
            server.close()

    async def stop(self) -> None:
        """Close what is left (1001), wait `close_timeout` for it at most, then end it.

        HTTP requests under way may finish within that time. Safe to cancel: what is open then is
        left as it is.
        """
        self.stop_accepting()
        for socket in self._sweeper.sockets():
            assert isinstance(socket, WebSocket)
            socket.close(framing.GOING_AWAY, "server stops")
        for connection in list(self._state.connections):
            connection.shutdown()
        await self._until_idle(self._limits.close_timeout)
        self._sweeper.abort_all()
        for connection in list(self._state.connections):
            connection.transport.abort()
        for task in list(self._state.tasks):
            task.cancel()
        await self._until_idle(1.0)
        if self._timer is not None:
            self._timer.cancel()

    async def _until_idle(self, seconds: float) -> None:
        """Wait for the last connection and request; uvicorn's tell nobody of their end."""
        state, deadline = self._state, time.monotonic() + seconds
        while self.statistics.open or state.connections or state.tasks:
            if time.monotonic() > deadline:
                return
            await asyncio.sleep(0.01)

    def _requesting(self) -> list[BoundedHttp]:
        return list(self._state.connections)  # type: ignore[arg-type]

    def _has_room(self) -> bool:
        """Whether one more may speak HTTP; an idle one has to go for it."""
        connections = self._requesting()
        if len(connections) < self._limits.http_connections:
            return True
        idle = next((one for one in connections if one.is_idle()), None)
        if idle is not None:
            idle.shutdown()
        return idle is not None

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._sweeper.interval, self._tick)
        date = formatdate(time.time(), usegmt=True).encode()
        self._state.default_headers = [(b"date", date)]
        self._sweeper.sweep()
