"""picows' parser, kept from everything but parsing, and lent to whoever has something to parse.

Its constructor is not public, so its version is pinned, and tests/edge hold what is used of it. It
never touches the socket: it gets an `_Owner` for a transport, through which it can only report. Its
handshake runs on a constant request, whose answer nobody gets.

Between two frames it knows nothing of the connection, and takes more memory than all else of an
idle one: so a connection has one only while a frame of it is not whole.
"""

from http import HTTPStatus
from typing import Any, Final, Protocol

from picows import WSAutoPingStrategy, WSFrame, WSListener, WSTransport
from picows.common import WSUpgradeRequest, WSUpgradeResponseWithListener
from picows.picows import WSProtocol  # type: ignore[attr-defined]

_BUFFER: Final = 16_384
"""Bytes of a new parser's read buffer: most frames have no more. It grows for one that does."""
_PART: Final = _BUFFER // 2
"""Parsed at once: picows doubles a buffer that is nearly full, and a read may have many frames."""
_KEPT: Final = 16
"""Parsers that wait for work."""
_REQUEST: Final = (
    b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


class Reader(Protocol):
    """Whose bytes are parsed."""

    parser: WSProtocol | None
    """While a frame has begun."""

    def framed(self, frame: WSFrame, /) -> None:
        """One frame."""

    def violated(self, close: bytes, /) -> None:
        """The peer broke the protocol, and picows would send this CLOSE frame.

        After this, and after a CLOSE, nothing more of the reader's may be parsed.
        """


class Parsers:
    """A server's: those that wait for work."""

    __slots__ = ("_idle", "_max_frame")

    def __init__(self, max_frame: int) -> None:
        self._max_frame = max_frame
        self._idle: list[WSProtocol] = []

    def parse(self, reader: Reader, data: bytes) -> None:
        """Parse what came next from `reader`."""
        parser = reader.parser
        if parser is None:
            parser = self._idle.pop() if self._idle else self._make()
        reader.parser = None
        owner = parser.listener
        owner.reader = reader
        ended = _fed(parser, owner, data)
        owner.reader = _NOBODY
        if ended:
            if owner.violation:
                reader.violated(owner.violation)
        elif not owner.between:
            reader.parser = parser
        elif len(self._idle) < _KEPT:
            self._idle.append(parser)

    def _make(self) -> WSProtocol:
        owner = _Owner()
        parser = WSProtocol(
            None,  # host and port: of clients
            None,  # path: of clients
            False,  # client side
            owner.listens,
            _QUIET,
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
        parser.connection_made(owner)
        parser.get_buffer(-1)[: len(_REQUEST)] = _REQUEST
        parser.buffer_updated(len(_REQUEST))
        return parser


def _fed(parser: WSProtocol, owner: "_Owner", data: bytes) -> bool:
    """Parse all of it, or until a CLOSE or a violation: then True, and the parser is used up."""
    transport, at = parser.transport, 0
    while at < len(data):
        room = parser.get_buffer(-1)
        part = data[at : at + (_PART if len(room) > _PART else len(room))]
        size = len(part)
        room[:size] = part
        at += size
        owner.between = False
        parser.buffer_updated(size)
        if transport.close_handshake is not None:
            return True
    return False


class _Owner(WSListener):
    """Stands for whoever has the parser: its listener, and what it takes for the transport.

    It knows neither the parser nor picows' transport, which know it: so none of them waits for the
    garbage collector.
    """

    __slots__ = ("between", "reader", "violation")

    def __init__(self) -> None:
        self.reader: Reader = _NOBODY
        self.between = False
        """Whether all that was read was whole frames."""
        self.violation = b""
        """The CLOSE that picows would send. It looks one frame ahead, so what came before a
        violation is told after it.
        """

    def listens(self, _: WSUpgradeRequest) -> WSUpgradeResponseWithListener:
        return WSUpgradeResponseWithListener(_UNSENT, self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        self.between = not frame.tail_size
        self.reader.framed(frame)

    def write(self, close: bytes) -> None:
        """After a violation; and nothing, once, for the handshake."""
        self.violation = close

    def get_write_buffer_size(self) -> int:
        """Never 0, at which picows would write to the descriptor by itself."""
        return 1

    def get_extra_info(self, name: str) -> "_NoSocket | None":
        return _NO_SOCKET if name == "socket" else None

    def close(self) -> None:
        """Asked 10 ms after a violation; whoever was told has seen to it."""

    abort = close


class _Nobody:
    """Between two readers."""

    __slots__ = ()
    parser: WSProtocol | None = None

    def framed(self, _: WSFrame, /) -> None:
        """Nothing."""

    def violated(self, _: bytes, /) -> None:
        """Nothing."""


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


_NOBODY: Final = _Nobody()
_NO_SOCKET: Final = _NoSocket()
_QUIET: Final = _Quiet()
_UNSENT: Final[Any] = _Unsent()
