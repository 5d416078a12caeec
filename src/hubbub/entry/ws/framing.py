"""Server frames and close codes (RFC 6455 sections 5.2 and 7.4). Pure: bytes in, bytes out."""

from collections.abc import Callable
from typing import Final

CONTINUATION: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

NORMAL: Final = 1000
GOING_AWAY: Final = 1001
PROTOCOL_ERROR: Final = 1002
NO_CODE: Final = 1005
"""Never on the wire: the peer's CLOSE had no code."""
LOST: Final = 1006
"""Never on the wire: the connection ended without a CLOSE."""
BAD_TEXT: Final = 1007
POLICY: Final = 1008
TOO_BIG: Final = 1009
INTERNAL: Final = 1011
TRY_AGAIN: Final = 1013

MAX_CONTROL: Final = 125
"""Bytes of payload in a control frame (RFC 6455 section 5.5)."""
_MAX_REASON: Final = MAX_CONTROL - 2


_SHORT: Final = [[bytes((0x80 | op, size)) for size in range(126)] for op in range(16)]
_LONG: Final = [bytes((0x80 | op, 126)) for op in range(16)]
_USUAL: Final = 1_024
"""Payloads shorter than this have their frames' heads at hand."""


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """One whole, final, unmasked frame, as a server sends it."""
    size = len(payload)
    if size < 126:
        return _SHORT[opcode][size] + payload
    if size < 65536:
        return _LONG[opcode] + size.to_bytes(2, "big") + payload
    return bytes((0x80 | opcode, 127)) + size.to_bytes(8, "big") + payload


def framed(encode: Callable[[object], bytes], opcode: int) -> Callable[[object], bytes]:
    """An encoder whose payloads are whole frames.

    As `frame` makes them; this is called several times a message.
    """
    heads = [frame(bytes(size), opcode)[: -size or None] for size in range(_USUAL)]

    def encode_frame(value: object) -> bytes:
        payload = encode(value)
        size = len(payload)
        return heads[size] + payload if size < _USUAL else frame(payload, opcode)

    return encode_frame


def close_frame(code: int, reason: str = "") -> bytes:
    """A CLOSE frame; `reason` is cut to 123 bytes of UTF-8, between characters.

    NO_CODE makes an empty one, the answer to an empty one.
    """
    if code == NO_CODE:
        return frame(b"", CLOSE)
    text = reason.encode("utf-8", "replace")
    if len(text) > _MAX_REASON:
        text = text[:_MAX_REASON].decode("utf-8", "ignore").encode()
    return frame(code.to_bytes(2, "big") + text, CLOSE)


def may_be_received(code: int) -> bool:
    """Whether a peer may send `code` in a CLOSE (RFC 6455 section 7.4, IANA registry).

    1004, 1005, 1006 and 1015 are reserved, 1016 to 2999 unassigned.
    """
    return 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999


def close_code(payload: bytes) -> int | None:
    """The code in the payload of a peer's CLOSE: NO_CODE when empty, None when not valid."""
    if not payload:
        return NO_CODE
    code = int.from_bytes(payload[:2], "big")
    return code if len(payload) >= 2 and may_be_received(code) else None
