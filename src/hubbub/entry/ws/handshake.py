"""The opening handshake (RFC 6455 section 4.2) and its answers. Pure: bytes in, bytes out.

Stricter than the library below, which takes any version of the protocol and any or no Host, and
refuses `Connection: keep-alive, Upgrade`, which Firefox sends.
"""

import json
import re
from base64 import b64encode
from hashlib import sha1
from http import HTTPStatus
from typing import Final

from msgspec import Struct

END: Final = b"\r\n\r\n"
_MAX_HEADERS: Final = 100
_MAX_SUBPROTOCOLS: Final = 16
_KEY_SUFFIX: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

_ASKS: Final = re.compile(rb"\r\nupgrade:[^\r\n]*websocket", re.IGNORECASE)
_FIRST_LINE: Final = re.compile(rb"([A-Z]{1,20}) ([\x21-\x7e]+) HTTP/(\d\.\d)")
_START: Final = re.compile(rb"[A-Z]{0,20}(?: (?:[\x21-\x7e]+(?: [HTP/.\d]{0,8}\r?)?)?)?")
_NAME: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
_TOKEN: Final = re.compile(_NAME)
_FIELD: Final = _NAME + rb":[\t\x20-\x7e\x80-\xff]*+"
_FIELDS: Final = re.compile(rb"%b(?:\r\n%b)*+" % (_FIELD, _FIELD))
_ABSOLUTE: Final = re.compile(rb"https?://[^/?#]+", re.IGNORECASE)
_HOST: Final = re.compile(rb"[A-Za-z0-9.\-_~%:\[\]]+")
_KEY: Final = re.compile(rb"[A-Za-z0-9+/]{21}[AQgw]==")


class HandshakeError(Exception):
    """A request for a WebSocket that is refused: `answer()` is the whole HTTP response."""

    def __init__(
        self, status: int, code: str, detail: str, headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = headers

    def answer(self) -> bytes:
        """The HTTP response, with a problem document (RFC 9457) as its body."""
        body = problem(self.status, self.code, self.detail)
        return refusal(self.status, body, self.headers)


class Request(Struct, frozen=True):
    """A valid request for a WebSocket."""

    path: str
    query: str
    host: str
    key: bytes
    origin: str | None
    authorization: str | None
    forwarded_for: str | None
    subprotocols: tuple[str, ...]


def asks(head: bytes) -> bool:
    """Whether a request's head asks for a WebSocket; everything else is plain HTTP."""
    return _ASKS.search(head) is not None


def plausible(start: bytes) -> bool:
    """Whether `start` may still become a request's head. Garbage is refused without waiting."""
    line, found, _ = start.partition(b"\r\n")
    if found:
        return _FIRST_LINE.fullmatch(line) is not None
    return _START.fullmatch(line) is not None


def read(head: bytes, path: str) -> Request:
    """Read a request's head, without the empty line at its end. Raises HandshakeError."""
    first, _, rest = head.partition(b"\r\n")
    line = _FIRST_LINE.fullmatch(first)
    if line is None:
        raise _malformed("The request line is malformed.")
    method, target, version = line.groups()
    found, _, query = _origin_form(target).partition(b"?")
    if found != path.encode():
        raise HandshakeError(404, "not_found", f"There is a WebSocket at {path} only.")
    if method != b"GET":
        raise HandshakeError(
            405, "method_not_allowed", "Ask for a WebSocket with GET.", (("Allow", "GET"),)
        )
    if version != b"1.1":
        raise _malformed("Ask for a WebSocket with HTTP/1.1.")
    headers = _headers(rest)
    host = _one(headers, b"host")
    if not host or not _HOST.fullmatch(host):
        raise _malformed("Exactly one valid Host header is needed.")
    _check_upgrade(headers)
    return Request(
        path=path,
        query=query.decode("ascii"),
        host=host.decode("ascii"),
        key=_key(headers),
        origin=_text(headers, b"origin"),
        authorization=_text(headers, b"authorization"),
        forwarded_for=_joined(headers, b"x-forwarded-for"),
        subprotocols=_subprotocols(headers),
    )


def switching(key: bytes, subprotocol: str | None) -> bytes:
    """The 101 response to a request with this key."""
    accept = b64encode(sha1(key + _KEY_SUFFIX, usedforsecurity=False).digest())
    chosen = f"Sec-WebSocket-Protocol: {subprotocol}\r\n".encode() if subprotocol else b""
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: %b\r\n%b\r\n" % (accept, chosen)
    )


def refusal(status: int, body: bytes, headers: tuple[tuple[str, str], ...] = ()) -> bytes:
    """An HTTP response that refuses; the connection ends after it."""
    lines = [
        f"HTTP/1.1 {status} {_phrase(status)}",
        "Content-Type: application/problem+json",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        "Connection: close",
    ]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join(lines).encode("latin-1") + END + body


def problem(status: int, code: str, detail: str) -> bytes:
    """A problem document (RFC 9457)."""
    document = {
        "type": "about:blank",
        "title": _phrase(status),
        "status": status,
        "code": code,
        "detail": detail,
    }
    return json.dumps(document).encode()


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Refused"


def _malformed(detail: str) -> HandshakeError:
    return HandshakeError(400, "malformed", detail)


def _origin_form(target: bytes) -> bytes:
    absolute = _ABSOLUTE.match(target)
    return target[absolute.end() :] or b"/" if absolute else target


def _headers(lines: bytes) -> dict[bytes, list[bytes]]:
    """Names in lower case. No folding, no space before the colon (RFC 9112 section 5)."""
    headers: dict[bytes, list[bytes]] = {}
    fields = lines.split(b"\r\n") if lines else []
    if len(fields) > _MAX_HEADERS:
        raise HandshakeError(431, "head_too_big", "The request has too many headers.")
    if fields and not _FIELDS.fullmatch(lines):
        raise _malformed("A header is malformed.")
    for field in fields:
        name, _, value = field.partition(b":")
        headers.setdefault(name.lower(), []).append(value.strip(b" \t"))
    return headers


def _check_upgrade(headers: dict[bytes, list[bytes]]) -> None:
    if b"websocket" not in _tokens(headers, b"upgrade"):
        raise _malformed("The Upgrade header must name websocket.")
    if b"upgrade" not in _tokens(headers, b"connection"):
        raise _malformed("The Connection header must name Upgrade; is a proxy in the way?")
    if _one(headers, b"sec-websocket-version") != b"13":
        wanted = (("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"))
        raise HandshakeError(426, "version", "Only version 13 of WebSocket is spoken.", wanted)
    if b"transfer-encoding" in headers or _one(headers, b"content-length") not in (None, b"0"):
        raise _malformed("A request for a WebSocket has no body.")


def _key(headers: dict[bytes, list[bytes]]) -> bytes:
    key = _one(headers, b"sec-websocket-key")
    if key is None or not _KEY.fullmatch(key):
        raise _malformed("The Sec-WebSocket-Key header must be 16 bytes in base64.")
    return key


def _subprotocols(headers: dict[bytes, list[bytes]]) -> tuple[str, ...]:
    values = headers.get(b"sec-websocket-protocol")
    if values is None:
        return ()
    names = [name.strip(b" \t") for name in b",".join(values).split(b",")]
    wrong = len(names) > _MAX_SUBPROTOCOLS or len(set(names)) != len(names)
    if wrong or not all(map(_TOKEN.fullmatch, names)):
        raise _malformed("The Sec-WebSocket-Protocol header must list different names.")
    return tuple(name.decode("ascii") for name in names)


def _tokens(headers: dict[bytes, list[bytes]], name: bytes) -> list[bytes]:
    values = headers.get(name, [])
    return [token.strip(b" \t").lower() for value in values for token in value.split(b",")]


def _one(headers: dict[bytes, list[bytes]], name: bytes) -> bytes | None:
    values = headers.get(name)
    if values is None:
        return None
    if len(values) > 1:
        raise _malformed(f"The {name.decode('ascii')} header must not be repeated.")
    return values[0]


def _text(headers: dict[bytes, list[bytes]], name: bytes) -> str | None:
    value = _one(headers, name)
    return None if value is None else value.decode("latin-1")


def _joined(headers: dict[bytes, list[bytes]], name: bytes) -> str | None:
    values = headers.get(name)
    return None if values is None else b", ".join(values).decode("latin-1")
