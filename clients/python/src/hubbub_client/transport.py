"""How the client reaches a server: a port, and its implementation with aiohttp."""

import asyncio
from collections.abc import Mapping
from typing import Final, Protocol

import aiohttp
from msgspec import Struct

from hubbub_client.errors import Disconnected, Unreachable
from hubbub_protocol.codec import MSGPACK
from hubbub_protocol.codes import Close

CONNECT_TIMEOUT: Final = 10.0  # seconds
REQUEST_TIMEOUT: Final = 40.0  # longer than the longest long poll
CLOSE_TIMEOUT: Final = 1.0
HEARTBEAT: Final = 20.0  # a peer that answers no ping for half of this is dead
MAX_MESSAGE: Final = 4 * 1024 * 1024  # bytes


class Response(Struct, frozen=True):
    """The answer to a REST call, whatever its status."""

    status: int
    body: bytes


class Connection(Protocol):
    """An open WebSocket, pings answered. One reader and one writer at a time."""

    async def send(self, payload: bytes) -> None:
        """Hand over one message; waits while the peer is slow. Raises Disconnected."""

    async def receive(self) -> bytes:
        """The next message. Raises Disconnected, also when the peer is found dead.

        Safe to cancel only when the connection is closed afterwards.
        """

    async def close(self, code: int) -> None:
        """Close; bounded in time, quiet when it is closed already."""


class Transport(Protocol):
    """The way to one server. Safe to use from several tasks of one event loop."""

    async def connect(self, subprotocol: str, user: str) -> Connection:
        """Open `/ws`; `user` is whose it will be. Raises Unreachable. Safe to cancel."""

    async def request(
        self, method: str, path: str, token: str | None, body: bytes | None
    ) -> Response:
        """One REST call; `path` begins with `/api/v1/` and is encoded. Raises Unreachable.

        Cancelled or unreachable, the call may have been carried out.
        """

    async def close(self) -> None:
        """Release everything. The transport may be used again afterwards."""


class AiohttpTransport:
    """The transport of real networks. `url`: the server's, for instance `https://chat.example`.

    `headers` go with every request and handshake.
    """

    def __init__(self, url: str, headers: Mapping[str, str] | None = None) -> None:
        scheme, separator, _ = url.partition("://")
        if not separator or scheme not in ("http", "https"):
            raise ValueError(f"{url!r} does not begin with http:// or https://")
        self._url = url.rstrip("/")
        self._headers = dict(headers or {})
        self._session: aiohttp.ClientSession | None = None

    async def connect(self, subprotocol: str, user: str) -> Connection:
        """Open `/ws` with this subprotocol, and with the hint `user`. Raises Unreachable."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                socket = await self._open().ws_connect(
                    "ws" + self._url.removeprefix("http") + "/ws",
                    params={"user": user},
                    protocols=(subprotocol,),
                    timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_TIMEOUT),
                    heartbeat=HEARTBEAT,
                    max_msg_size=MAX_MESSAGE,
                    decode_text=False,
                )
        except aiohttp.WSServerHandshakeError as error:
            after = error.headers.get("Retry-After", "") if error.headers else ""
            raise Unreachable(
                f"the WebSocket was refused with HTTP {error.status}",
                float(after) if after.isdigit() else None,
            ) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unreachable(str(error) or type(error).__name__) from error
        if socket.protocol != subprotocol:
            await socket.close(code=Close.PROTOCOL_ERROR)
            raise Unreachable(f"the server does not speak {subprotocol}")
        return AiohttpConnection(socket, subprotocol == MSGPACK)

    async def request(
        self, method: str, path: str, token: str | None, body: bytes | None
    ) -> Response:
        """One REST call. Raises Unreachable."""
        headers = {}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            async with self._open().request(
                method, self._url + path, data=body, headers=headers, allow_redirects=False
            ) as answer:
                return Response(answer.status, await answer.read())
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unreachable(str(error) or type(error).__name__) from error

    async def close(self) -> None:
        """Close all connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open(self) -> aiohttp.ClientSession:
        # Made on first use, since aiohttp binds it to the running loop.
        if self._session is None:
            self._session = aiohttp.ClientSession(
                headers=self._headers,
                timeout=aiohttp.ClientTimeout(total=REQUEST_TIMEOUT, sock_connect=CONNECT_TIMEOUT),
            )
        return self._session


class AiohttpConnection:
    """An aiohttp WebSocket as a `Connection`."""

    def __init__(self, socket: "aiohttp.ClientWebSocketResponse[bool]", binary: bool) -> None:
        self._socket = socket
        self._opcode = aiohttp.WSMsgType.BINARY if binary else aiohttp.WSMsgType.TEXT

    async def send(self, payload: bytes) -> None:
        """Send one message. Raises Disconnected."""
        try:
            await self._socket.send_frame(payload, self._opcode)
        except (aiohttp.ClientError, OSError) as error:
            raise Disconnected(Close.LOST, str(error)) from error

    async def receive(self) -> bytes:
        """The next message. Raises Disconnected."""
        message = await self._socket.receive()
        match message.type:
            case aiohttp.WSMsgType.TEXT | aiohttp.WSMsgType.BINARY:
                data: bytes = message.data
                return data
            case aiohttp.WSMsgType.CLOSE:
                raise Disconnected(message.data or Close.LOST, message.extra or "")
            case _:
                # aiohttp calls an end without a close frame 1000.
                raise Disconnected(Close.LOST, str(message.data or ""))

    async def close(self, code: int) -> None:
        """Close; waits a second at most for the peer's answer."""
        await self._socket.close(code=code)
