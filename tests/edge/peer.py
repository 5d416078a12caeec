"""A WebSocket client of a few lines, over a raw socket, which can do everything wrong."""

import socket
import struct
from dataclasses import dataclass
from types import TracebackType

PATIENCE = 60.0
"""Seconds until a wait fails: only a failing test waits so long, or one on a busy machine."""

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

HEADERS = {
    "Host": "chat.test",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": KEY.decode(),
}


def request(line: str = "GET /ws HTTP/1.1", **changes: str | None) -> bytes:
    """A request for a WebSocket; `changes` name headers with _ for -, None leaves one out."""
    headers: dict[str, str | None] = dict(HEADERS)
    for name, value in changes.items():
        known = {key.lower(): key for key in headers}
        headers[known.get(name.replace("_", "-").lower(), name.replace("_", "-"))] = value
    lines = [f"{name}: {value}\r\n" for name, value in headers.items() if value is not None]
    return f"{line}\r\n{''.join(lines)}\r\n".encode("latin-1")


def frame(
    payload: bytes = b"",
    opcode: int = TEXT,
    *,
    fin: bool = True,
    rsv: int = 0,
    masked: bool = True,
    length: int | None = None,
    form: int | None = None,
    mask: bytes = b"\x37\xfa\x21\x3d",
) -> bytes:
    """A client's frame. `length` claims another length, `form` (0, 126, 127) how it is written."""
    size = len(payload) if length is None else length
    if form is None:
        form = 0 if size < 126 else 126 if size < 65536 else 127
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    second = (0x80 if masked else 0) | (form or size)
    extended = {0: b"", 126: struct.pack(">H", size & 0xFFFF), 127: struct.pack(">Q", size)}[form]
    if masked:
        key = (mask * (len(payload) // 4 + 1))[: len(payload)]
        number = int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")
        payload = number.to_bytes(len(payload), "big")
    return bytes((first, second)) + extended + (mask if masked else b"") + payload


def close(code: int | None = 1000, reason: bytes = b"") -> bytes:
    """A client's CLOSE."""
    return frame(b"" if code is None else struct.pack(">H", code) + reason, CLOSE)


@dataclass(frozen=True)
class Frame:
    opcode: int
    payload: bytes

    @property
    def code(self) -> int:
        assert self.opcode == CLOSE
        return int.from_bytes(self.payload[:2], "big")


@dataclass(frozen=True)
class Response:
    status: int
    headers: dict[str, str]
    body: bytes


class Peer:
    """One socket to the server. Every wait fails after PATIENCE."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        sock.settimeout(PATIENCE)
        self.data = b""

    def __enter__(self) -> "Peer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def send_bytewise(self, data: bytes) -> None:
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in data:
            self.socket.sendall(bytes((byte,)))

    def take(self, size: int) -> bytes:
        while len(self.data) < size:
            more = self.socket.recv(65536)
            if not more:
                raise EOFError(self.data)
            self.data += more
        taken, self.data = self.data[:size], self.data[size:]
        return taken

    def response(self) -> Response:
        while b"\r\n\r\n" not in self.data:
            self.data = self.take(len(self.data) + 1) + self.data
        head, _, self.data = self.data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
        body = self.take(int(headers.get("content-length", "0")))
        return Response(int(first.split(" ")[1]), headers, body)

    def open(self, **changes: str | None) -> Response:
        self.send(request("GET /ws HTTP/1.1", **changes))
        response = self.response()
        assert response.status == 101, response
        return response

    def frame(self) -> Frame:
        first, second = self.take(2)
        assert first & 0x70 == 0
        assert first & 0x80
        assert second < 0x80, "a server must not mask"
        size = second
        if second == 126:
            size = int.from_bytes(self.take(2), "big")
        elif second == 127:
            size = int.from_bytes(self.take(8), "big")
        return Frame(first & 0xF, self.take(size))

    def echo(self, text: str = "still there?") -> None:
        """Prove that the connection is served."""
        self.send(frame(text.encode()))
        assert self.frame() == Frame(TEXT, text.encode())

    def ended(self) -> bool:
        """Wait for the server to end the connection; nothing may come before that."""
        try:
            more = self.socket.recv(65536)
        except ConnectionResetError:
            return True
        assert more == b"", more
        return self.data == b""

    def fails_with(self, code: int) -> None:
        """The server sends CLOSE with this code, and ends the connection."""
        got = self.frame()
        assert (got.opcode, got.code) == (CLOSE, code)
        assert self.ended()
