"""A frame on its way out: encoded at most once per wire version, then shared by all readers."""

from collections.abc import Callable
from typing import Any, Final

from hubbub_protocol.codec import Codec

JSON: Final = 0
MSGPACK: Final = 1
LINES: Final = 2
"""JSON, a line each, without frames around it: for readers that have no WebSocket."""

_TEXT, _BINARY = 0x1, 0x2

Encode = Callable[[object], bytes]
"""A frame to bytes, ready for a socket."""
Encoders = tuple[Encode, Encode, Encode]
"""One per wire version: JSON, MSGPACK, LINES."""
Framing = Callable[[Encode, int], Encode]
"""Makes an encoder of payloads one of whole WebSocket frames with this opcode (RFC 6455, 5.2)."""


def encoders(framing: Framing) -> Encoders:
    """The encoders of all wire versions."""
    text, binary = Codec(Any, binary=False).encode, Codec(Any, binary=True).encode
    return framing(text, _TEXT), framing(binary, _BINARY), lambda frame: text(frame) + b"\n"


class Outgoing:
    """One frame for any number of readers."""

    __slots__ = ("_bytes", "_encoders", "frame")

    def __init__(self, frame: object, encoders: Encoders) -> None:
        self.frame = frame
        self._encoders = encoders
        self._bytes: list[bytes | None] = [None, None, None]

    def bytes(self, version: int) -> bytes:
        """Its bytes in this version."""
        encoded = self._bytes[version]
        if encoded is None:
            encoded = self._bytes[version] = self._encoders[version](self.frame)
        return encoded
