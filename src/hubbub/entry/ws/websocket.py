"""One WebSocket: picows' parser below, what it leaves to us here, the product above.

Of RFC 6455, picows 2.3.1 does: frame parsing and unmasking; refusing unknown opcodes, unmasked
frames, fragmented or long control frames, lengths that are not minimal, frames over the limit
(1009), CLOSE payloads of one byte, CLOSE reasons that are not UTF-8.

Ours: the whole opening handshake (`handshake`: lists in Connection and Upgrade, version, Host, key,
Origin and subprotocol given to the product); joining fragments, their order, count and size; UTF-8
of text (1007); reserved bits (1002); the range of received close codes (1002); answering CLOSE,
ignoring what follows it; pings, pongs and their bounds; the closing handshake and its time; failing
a connection so that its CLOSE arrives.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from picows import WSFrame, WSMsgType
from picows.picows import WSProtocol  # type: ignore[attr-defined]

from hubbub.entry.ws import framing
from hubbub.entry.ws.common import Common
from hubbub.entry.ws.connection import Handler
from hubbub.entry.ws.linger import linger

_TEXT: Final = WSMsgType.TEXT
_BINARY: Final = WSMsgType.BINARY
_CONTINUATION: Final = WSMsgType.CONTINUATION
_PING: Final = WSMsgType.PING
_PONG: Final = WSMsgType.PONG

_OPENING, _OPEN, _CLOSING, _ENDED = 3, 0, 1, 2

_MAX_UNANSWERED: Final = 64


class WebSocket(asyncio.Protocol):
    """The `Connection` of the product, the loop's protocol, and the parser's reader."""

    __slots__ = (
        "__weakref__",
        "_answered",
        "_asked",
        "_beat",
        "_code",
        "_common",
        "_fragments",
        "_handler",
        "_pending",
        "_pinged",
        "_sent",
        "_state",
        "_transport",
        "bucket",
        "buffered",
        "parser",
        "write",
    )

    write: Callable[[bytes], None]
    """The transport's own `write` while nothing waits, so that the product's call is one of C."""
    buffered: Callable[[], int]
    """The transport's own."""

    def __init__(self, common: Common, transport: asyncio.Transport) -> None:
        self._common = common
        self._transport = transport
        self._handler: Handler | None = None
        self._state = _OPENING
        self._code = framing.LOST
        self._fragments: _Fragments | None = None
        self._sent = self._answered = self._asked = self._beat = self._pinged = 0
        self.bucket = 0
        self.parser: WSProtocol | None = None
        pending: list[bytes] = []
        self._pending: list[bytes] | None = pending
        self.write = pending.append
        self.buffered = transport.get_write_buffer_size

    # ------------------------------------------------------------------ the product's side

    def write_soon(self, frames: bytes, /) -> None:
        """See `Connection`."""
        pending = self._pending
        if pending is not None:
            if self._state == _OPEN or self._state == _OPENING:
                pending.append(frames)
        elif self._state == _OPEN:
            self._pending = pending = [frames]
            self.write = pending.append
            self._common.flush_soon(self)

    def close(self, code: int, reason: str = "") -> None:
        """See `Connection`."""
        if self._state != _OPEN and self._state != _OPENING:
            return
        if self._state == _OPEN:
            self._state = _CLOSING
            self._fragments = None
            self._common.sweeper.remove(self)
        self._code = code
        self.write(framing.close_frame(code, reason))
        self.write = _discard
        self._common.sweeper.ending(self._transport)

    def abort(self) -> None:
        """See `Connection`."""
        self._pending = None
        self.write = _discard
        if self._state != _OPENING:
            self._state = _ENDED
        self._transport.abort()

    def ping(self) -> None:
        """See `Connection`."""
        if self._state != _OPEN and self._state != _OPENING:
            return
        if self._sent - self._answered >= _MAX_UNANSWERED:
            self._drop("unanswered_pings")
        else:
            self._asked = self._ping()

    # ------------------------------------------------------------------ the server's side

    def refuse(self) -> None:
        """The handshake was refused: whoever kept this connection has a dead one."""
        self._state = _ENDED
        self._pending = None
        self.write = _discard
        self._transport = _GONE
        self.buffered = _GONE.get_write_buffer_size

    def open(self, handler: Handler, response: bytes, tail: bytes) -> None:
        """Answer the handshake with `response` and begin; `tail` is what came behind it."""
        transport, common = self._transport, self._common
        limits = common.limits
        self._handler = handler
        common.statistics.accepted += 1
        common.statistics.open += 1
        transport.set_write_buffer_limits(limits.write_high, limits.write_low)
        transport.set_protocol(self)
        pending, self._pending = self._pending or [], None
        transport.write(b"".join([response, *pending]))
        if self.write is _discard:  # closed or aborted by the acceptor
            self._state = _ENDED if transport.is_closing() else _CLOSING
            common.sweeper.ending(transport)
        else:
            self._state = _OPEN
            self.write = transport.write
            common.sweeper.add(self)
        if tail:
            self.data_received(tail)

    def beat(self) -> None:
        """Ping the peer, or drop it when the last ping of this kind is not answered."""
        if self._state != _OPEN:
            return
        if self._beat > self._answered:
            self._drop("half_open")
            return
        self._pinged = 0
        self._beat = self._ping()

    def flush(self) -> None:
        """Write what waits since `write_soon`."""
        pending, self._pending = self._pending, None
        if not pending:
            return
        if self._state == _OPEN:
            self.write = self._transport.write
        self._transport.write(pending[0] if len(pending) == 1 else b"".join(pending))

    def fail(self, code: int, reason: str) -> None:
        """End for what the peer did: CLOSE, and nothing he sends is read any more (7.1.7)."""
        if self._state == _ENDED or self._transport is _GONE:
            return
        sent = self._state == _CLOSING
        self._state = _ENDED
        self.flush()
        if not sent:
            self._transport.write(framing.close_frame(code, reason))
        self.write = _discard
        self._common.sweeper.ending(self._transport)
        linger(self._transport, self._lost)
        self._finish(self._code if sent else code)

    # ------------------------------------------------------------------ the loop's side

    def data_received(self, data: bytes) -> None:
        """Bytes of frames. TLS may have some after the end."""
        if self._state != _ENDED:
            self._common.parsers.parse(self, data)

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone."""
        self._lost()

    def pause_writing(self) -> None:
        """Above the high-water mark: the product sees it by `buffered`."""

    def resume_writing(self) -> None:
        """Below the low-water mark again."""
        if self._state == _OPEN and self._handler is not None:
            self._tell(self._handler.writable)

    # ------------------------------------------------------------------ the parser's side

    def framed(self, frame: WSFrame, /) -> None:
        """One frame, of which picows checked what the module's docstring says."""
        if self._state == _ENDED:
            return
        if frame.rsv1 or frame.rsv2 or frame.rsv3:
            self.fail(framing.PROTOCOL_ERROR, "a reserved bit is set")
            return
        kind = frame.msg_type
        if kind is _TEXT or kind is _BINARY:
            if self._fragments is not None:
                self.fail(framing.PROTOCOL_ERROR, "a message began within another")
            elif self._state == _OPEN:
                if frame.fin:
                    self._data(frame.get_payload_as_bytes(), kind is _BINARY)
                else:
                    self._fragments = _Fragments(frame.get_payload_as_bytes(), kind is _BINARY)
        elif kind is _CONTINUATION:
            if self._state == _OPEN:
                self._continue(frame.get_payload_as_bytes(), frame.fin)
        elif kind is _PING:
            self._pong(frame.get_payload_as_bytes())
        elif kind is _PONG:
            self._answer(frame.get_payload_as_bytes())
        else:
            self._closed_by_peer(framing.close_code(frame.get_payload_as_bytes()))

    def violated(self, close: bytes, /) -> None:
        """See `Reader`. After a CLOSE, nothing matters (RFC 6455 section 5.5.1)."""
        self.fail(int.from_bytes(close[2:4], "big"), close[4:].decode("utf-8", "replace"))

    # ------------------------------------------------------------------ within

    def _data(self, payload: bytes, binary: bool) -> None:
        if not binary and not payload.isascii() and not _is_utf8(payload):
            self.fail(framing.BAD_TEXT, "text must be UTF-8")
            return
        handler = self._handler
        assert handler is not None
        try:
            handler.message(payload, binary)
        except Exception as error:  # the door between edge and product
            self._broken(error)

    def _continue(self, payload: bytes, final: int) -> None:
        fragments, limits = self._fragments, self._common.limits
        if fragments is None:
            self.fail(framing.PROTOCOL_ERROR, "no message to continue")
            return
        fragments.parts.append(payload)
        fragments.size += len(payload)
        if fragments.size > limits.message:
            self.fail(framing.TOO_BIG, "the message is too big")
        elif len(fragments.parts) > limits.fragments:
            self.fail(framing.POLICY, "too many fragments")
        elif final:
            self._fragments = None
            self._data(b"".join(fragments.parts), fragments.binary)

    def _pong(self, payload: bytes) -> None:
        self._pinged += 1
        if self._pinged > self._common.limits.pings:
            self._common.statistics.dropped["ping_flood"] += 1
            self.fail(framing.POLICY, "too many pings")
        elif self._state == _OPEN:
            self.write(framing.frame(payload, framing.PONG))

    def _ping(self) -> int:
        self._sent += 1
        self.write(framing.frame(b"%d" % self._sent, framing.PING))
        return self._sent

    def _answer(self, payload: bytes) -> None:
        number = int(payload) if payload.isdigit() and len(payload) < 12 else 0
        if not self._answered < number <= self._sent or self._state != _OPEN:
            return
        self._answered = number
        if 0 < self._asked <= number and self._handler is not None:
            self._asked = 0
            self._tell(self._handler.pong)

    def _closed_by_peer(self, code: int | None) -> None:
        if code is None:
            self.fail(framing.PROTOCOL_ERROR, "not a close code")
            return
        if self._state == _OPEN:
            self._code = code
            self.write(framing.close_frame(code))
        self._state = _ENDED
        self.write = _discard
        self.flush()
        self._common.sweeper.ending(self._transport)
        self._transport.close()
        self._finish(self._code)

    def _drop(self, reason: str) -> None:
        self._common.statistics.dropped[reason] += 1
        self.abort()

    def _broken(self, error: Exception) -> None:
        self._common.broken("a connection's handler", error)
        self.close(framing.INTERNAL, "internal error")

    def _tell(self, callback: Callable[[], None]) -> None:
        try:
            callback()
        except Exception as error:  # the door between edge and product
            self._broken(error)

    def _lost(self) -> None:
        transport, self._transport = self._transport, _GONE
        if transport is _GONE:
            return
        self._state = _ENDED
        self._pending = self.parser = None
        self.write = _discard
        self.buffered = _GONE.get_write_buffer_size
        self._common.sweeper.ended(transport)
        self._common.statistics.open -= 1
        self._finish(self._code)

    def _finish(self, code: int) -> None:
        handler, self._handler = self._handler, None
        if handler is None:
            return
        self._fragments = None
        self._common.sweeper.remove(self)
        self._common.statistics.closed[code] += 1
        self._tell(lambda: handler.closed(code))


class _Fragments:
    """The frames of a message that is not complete."""

    __slots__ = ("binary", "parts", "size")

    def __init__(self, first: bytes, binary: bool) -> None:
        self.parts = [first]
        self.size = len(first)
        self.binary = binary


class _Gone(asyncio.Transport):
    """The transport of a socket that is gone."""

    def get_write_buffer_size(self) -> int:
        return 0

    def write(self, _: object) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""

    abort = close


_GONE: Final = _Gone()


def _discard(_: bytes, /) -> None:
    """Write nothing: closed."""


def _is_utf8(payload: bytes) -> bool:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True
