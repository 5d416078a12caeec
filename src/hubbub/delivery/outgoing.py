"""A frame on its way out: encoded at most once per wire version, then shared by all readers."""

from collections.abc import Callable
from typing import Any, Final

from hubbub_protocol.codec import Codec

JSON: Final = 0
MSGPACK: Final = 1
LINES: Final = 2
"""JSON, a line each, without frames around it: for readers that have no WebSocket."""

_TEXT, _BINARY = 0x1, 0x2

Framing = Callable[[bytes, int], bytes]
"""Payload and opcode to one whole WebSocket frame (RFC 6455 section 5.2)."""


class Encoder:
    """Frames to bytes, ready for a socket, per wire version (JSON, MSGPACK, LINES)."""

    def __init__(self, framing: Framing) -> None:
        self._framing = framing
        self._encode = (Codec(Any, binary=False).encode, Codec(Any, binary=True).encode)

    def __call__(self, frame: object, version: int) -> bytes:
        """One frame in one version."""
        if version == LINES:
            return self._encode[JSON](frame) + b"\n"
        return self._framing(self._encode[version](frame), _BINARY if version else _TEXT)

    def outgoing(self, frame: object) -> "Outgoing":
        """The frame for many readers."""
        return Outgoing(frame, self)


class Outgoing:
    """One frame for any number of readers."""

    __slots__ = ("_bytes", "_encoder", "_frame")

    def __init__(self, frame: object, encoder: Encoder) -> None:
        self._frame = frame
        self._encoder = encoder
        self._bytes: list[bytes | None] = [None, None, None]

    @property
    def frame(self) -> object:
        """What is said."""
        return self._frame

    def bytes(self, version: int) -> bytes:
        """Its bytes in this version."""
        encoded = self._bytes[version]
        if encoded is None:
            encoded = self._bytes[version] = self._encoder(self._frame, version)
        return encoded
