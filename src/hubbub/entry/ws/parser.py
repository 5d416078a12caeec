"""picows' parser, kept from everything but parsing.

Its constructor is not public, so its version is pinned, and tests/edge hold what is used of it. It
never touches the socket: it gets a `_Wire` for a transport, through which it can only report. Its
handshake runs on a constant request, whose answer nobody gets.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from picows import WSAutoPingStrategy, WSListener
from picows.common import WSUpgradeRequest, WSUpgradeResponseWithListener
from picows.picows import WSProtocol  # type: ignore[attr-defined]

_BUFFER: Final = 2_048
"""Bytes of a new parser's read buffer, the least that picows takes."""
_GROWN: Final = 2 * _BUFFER
_REQUEST: Final = (
    b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


class Parser(WSProtocol):  # type: ignore[misc]
    """An asyncio protocol that calls a listener for each frame."""

    __slots__ = ()

    def feed(self, data: bytes) -> None:
        """Parse `data`, which was read by somebody else."""
        while data:
            space = self.get_buffer(-1)
            size = min(len(space), len(data))
            space[:size] = data[:size]
            data = data[size:]
            self.buffer_updated(size)

    def has_grown(self) -> bool:
        """Whether the read buffer is larger than a new one; it never shrinks."""
        return len(self.get_buffer(-1)) > _GROWN

    def close_before(self) -> int | None:
        """The code of a CLOSE that was parsed, 0 for none; None when there was no CLOSE."""
        handshake = self.transport.close_handshake
        return None if handshake is None or handshake.recv is None else int(handshake.recv.code)


class Parsers:
    """Makes parsers for a server's connections, which share what they can."""

    __slots__ = ("_max_frame", "_quiet", "_response")

    def __init__(self, max_frame: int) -> None:
        self._max_frame = max_frame
        self._quiet = _Quiet()
        self._response: Any = _Unsent()

    def make(self, listener: WSListener, violated: Callable[[bytes], None]) -> Parser:
        """A parser past its handshake. `violated` gets the CLOSE frame that a violation deserves.

        Within this, `listener.on_ws_connected` is called, and `violated` with nothing.
        """

        def listens(_: WSUpgradeRequest) -> WSUpgradeResponseWithListener:
            return WSUpgradeResponseWithListener(self._response, listener)

        parser = Parser(
            None,  # host and port: of clients
            None,  # path: of clients
            False,  # client side
            listens,
            self._quiet,
            True,  # disconnect on exception
            None,  # handshake timeout: the sweeper's
            False,  # automatic pings: the sweeper's
            10.0,
            10.0,
            WSAutoPingStrategy.PING_WHEN_IDLE,
            False,  # automatic pongs: ours, bounded
            self._max_frame,
            None,  # extra headers: of clients
            _BUFFER,
        )
        parser.connection_made(_Wire(violated))
        parser.feed(_REQUEST)
        return parser


class _Wire:
    """What picows takes for the transport. It writes only the CLOSE after a violation.

    picows keeps the first two as they are, so neither is a method, which would cost an object each.
    """

    __slots__ = ("write",)

    def __init__(self, violated: Callable[[bytes], None]) -> None:
        self.write = violated

    @staticmethod
    def get_write_buffer_size() -> int:
        """Never 0, at which picows would write to the descriptor by itself."""
        return 1

    def get_extra_info(self, name: str) -> "_NoSocket | None":
        return _NO_SOCKET if name == "socket" else None

    def close(self) -> None:
        """Asked 10 ms after a violation; whoever was told has seen to it."""

    abort = close


class _NoSocket:
    """What picows takes for the socket."""

    __slots__ = ()

    def setsockopt(self, *_: int) -> None:
        """uvloop has set TCP_NODELAY."""

    def getsockopt(self, *_: int) -> int:
        return 0

    def fileno(self) -> int:
        return -1


class _Unsent:
    """The answer to the constant handshake, which nobody gets."""

    __slots__ = ("headers", "status")

    def __init__(self) -> None:
        self.status = HTTPStatus.SWITCHING_PROTOCOLS
        self.headers: dict[str, str] = {}

    def to_bytes(self) -> bytearray:
        return bytearray()


class _Quiet:
    """picows' logger: it says a line for each connection, and makes a child logger for each."""

    __slots__ = ()

    def isEnabledFor(self, _: int) -> bool:  # noqa: N802 - its name in logging
        return False

    def info(self, *_: object) -> None:
        """Nothing."""

    debug = warning = error = exception = info


_NO_SOCKET: Final = _NoSocket()
