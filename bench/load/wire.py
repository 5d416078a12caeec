"""The client's half of RFC 6455, as little of it as a load generator needs.

Frames are masked with the key 0, which section 5.3 allows and which leaves the payload as it is.
"""

import struct
from typing import Final

TEXT: Final = 0x81
CLOSE: Final = 0x88
PING: Final = 0x89
_ZERO_KEY: Final = b"\0\0\0\0"


def header(length: int, opcode: int = TEXT) -> bytes:
    """The head of a client's frame with this length of payload."""
    if length < 126:
        return bytes((opcode, 0x80 | length)) + _ZERO_KEY
    if length < 65536:
        return struct.pack(">BBH", opcode, 0xFE, length) + _ZERO_KEY
    return struct.pack(">BBQ", opcode, 0xFF, length) + _ZERO_KEY


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """A whole client's frame."""
    return header(len(payload), opcode) + payload


# `received` is written once per chunk read; its head depends on the length alone.
HEADS: Final = tuple(header(length) for length in range(126))


def one(data: bytes, at: int) -> tuple[int, int, int] | None:
    """The server's frame that begins at `at`: first byte, where its payload begins and ends."""
    size = len(data)
    if size - at < 2:
        return None
    length, start = data[at + 1], at + 2
    if length == 126:
        length, start = int.from_bytes(data[at + 2 : at + 4]), at + 4
    elif length == 127:
        length, start = int.from_bytes(data[at + 2 : at + 10]), at + 10
    return (data[at], start, start + length) if start + length <= size >= start else None


def upgrade(host: str, token: str | None, subprotocol: str = "hubbub.v1") -> bytes:
    """The opening handshake; the key is fixed, since nothing between here and there caches."""
    lines = [
        "GET /ws HTTP/1.1",
        f"Host: {host}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        f"Sec-WebSocket-Protocol: {subprotocol}",
    ]
    if token is not None:
        lines.append(f"Authorization: Bearer {token}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
