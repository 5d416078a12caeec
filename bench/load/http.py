"""A keep-alive HTTP client for one request at a time, with as little of its own as possible."""

import json
import socket
from typing import Any

from bench.load.reactor import Address
from bench.load.sessions import Broken


class Http:
    """One connection. Not for several threads."""

    def __init__(self, address: Address, token: str | None = None) -> None:
        self._address = address
        self._sock: socket.socket | None = None
        self._head = f"Host: {address.netloc}\r\n"
        if token:
            self._head += f"Authorization: Bearer {token}\r\n"

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The decoded answer. Raises Broken unless the status is 2xx."""
        status, answer = self.raw(method, path, None if body is None else json.dumps(body))
        if not 200 <= status < 300:
            raise Broken(f"{method} {path}: {status} {answer[:300]!r}")
        return json.loads(answer) if answer else None

    def raw(self, method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
        """Status and body of the answer."""
        content = b"" if body is None else body.encode()
        head = f"{method} {path} HTTP/1.1\r\n{self._head}"
        if body is not None:
            head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
        if self._sock is None:
            self._sock = self._address.connect()
        self._sock.sendall(f"{head}\r\n".encode() + content)
        return self._answer(self._sock)

    def _answer(self, sock: socket.socket) -> tuple[int, bytes]:
        data = b""
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._more(sock)
        head = data[:end].lower()
        body = data[end + 4 :]
        at = head.find(b"\r\ncontent-length:")
        if at >= 0:
            length = int(head[at + 17 :].split(b"\r\n", 1)[0])
            while len(body) < length:
                body += self._more(sock)
        elif b"\r\ntransfer-encoding: chunked" in head:
            body = self._chunks(sock, body)
        if b"\r\nconnection: close" in head:
            self.close()
        return int(head[9:12]), body

    def _chunks(self, sock: socket.socket, data: bytes) -> bytes:
        body = b""
        while True:
            while (end := data.find(b"\r\n")) < 0:
                data += self._more(sock)
            size = int(data[:end], 16)
            while len(data) < end + 2 + size + 2:
                data += self._more(sock)
            body += data[end + 2 : end + 2 + size]
            data = data[end + 2 + size + 2 :]
            if not size:
                return body

    def _more(self, sock: socket.socket) -> bytes:
        data = sock.recv(262_144)
        if not data:
            self.close()
            raise Broken("the server closed a connection in the middle of an answer")
        return data

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        if self._sock is not None:
            self._sock.close()
            self._sock = None
