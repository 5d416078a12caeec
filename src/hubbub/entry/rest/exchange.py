"""One request and its answer over ASGI: headers, body within a bound, sending once."""

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final, TypeVar

from hubbub.actions import Refused
from hubbub_protocol.codes import Code

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Header = tuple[bytes, bytes]

T = TypeVar("T")

KEY: Final = "hubbub.exchange"
"""Where the exchange is found in the ASGI scope."""

SECURITY: Final[tuple[Header, ...]] = (
    (
        b"content-security-policy",
        b"default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
        b"frame-ancestors 'none'; img-src 'self' data: blob:",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
NO_STORE: Final[Header] = (b"cache-control", b"no-store")
JSON: Final = b"application/json"

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


class ClientGone(Exception):
    """The client has hung up: nobody waits for the answer."""


class Exchange:
    """A request, its id, and what every answer to it carries.

    `extra` are headers that are added to the answer; `status` is 0 until one is sent.
    """

    __slots__ = (
        "_receive",
        "_send",
        "extra",
        "headers",
        "operation",
        "request_id",
        "scope",
        "status",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        # A header that comes twice is joined as RFC 9110 section 5.3 says.
        self.headers: dict[str, str] = {}
        for raw_name, raw_value in scope["headers"]:
            name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
            self.headers[name] = f"{self.headers[name]}, {value}" if name in self.headers else value
        wanted = self.headers.get("x-request-id", "")
        self.request_id = wanted if _REQUEST_ID.fullmatch(wanted) else secrets.token_hex(8)
        self.operation = "unknown"
        self.status = 0
        self.extra: list[Header] = []
        self._receive = receive
        self._send = send

    async def body(self, limit: int) -> bytes:
        """The request's body. Raises Refused `too_large`, before more is read; ClientGone."""
        length = self.headers.get("content-length", "")
        if length.isdecimal() and len(length) < 20 and int(length) > limit:
            raise _too_large(limit)
        parts: list[bytes] = []
        size = 0
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            part = message.get("body", b"")
            size += len(part)
            if size > limit:
                raise _too_large(limit)
            parts.append(part)
            more = message.get("more_body", False)
        return b"".join(parts)

    async def unless_gone(self, work: Awaitable[T]) -> T:
        """What the work gives. It is cancelled when the client hangs up; raises ClientGone then.

        To be called when the body has been read.
        """
        try:
            async with asyncio.TaskGroup() as group:
                watching = group.create_task(self._watch())
                given = await work
                watching.cancel()
        except BaseExceptionGroup as failed:  # of the work, or ClientGone, which cancelled it
            raise failed.exceptions[0] from None
        return given

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        raise ClientGone

    async def answer(
        self,
        status: int,
        content_type: bytes = JSON,
        body: bytes = b"",
        headers: Iterable[Header] = (NO_STORE,),
    ) -> None:
        """Send the answer, once."""
        self.status = status
        sent = [*headers, *SECURITY, (b"x-request-id", self.request_id.encode()), *self.extra]
        if status not in (204, 304):
            sent.append((b"content-type", content_type))
            sent.append((b"content-length", str(len(body)).encode()))
        await self._send({"type": "http.response.start", "status": status, "headers": sent})
        await self._send({"type": "http.response.body", "body": body})


def _too_large(limit: int) -> Refused:
    return Refused(Code.TOO_LARGE, f"A body of this call has at most {limit} bytes.")
